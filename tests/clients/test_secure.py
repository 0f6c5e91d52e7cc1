"""Secure mode: known keys only, policies enforced, every decision noted."""

import json
import os
import re
import subprocess
import time

import boto3
import botocore.config
import botocore.exceptions
import pytest

from cloud import BINARY, REGION, Cloud, refused, url_id, zip_of

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


class Keys:
    """Clients of one key."""

    def __init__(self, cloud, key, secret, token=None, region=REGION):
        self.cloud, self.key, self.secret, self.token, self.region = cloud, key, secret, token, region

    def client(self, service, **options):
        return boto3.client(
            service,
            endpoint_url=self.cloud.endpoint,
            region_name=self.region,
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            aws_session_token=self.token,
            config=botocore.config.Config(retries={"max_attempts": 0}),
            **options,
        )

    def environment(self):
        return os.environ | {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_ENDPOINT_URL": self.cloud.endpoint,
            "AWS_REGION": self.region,
        }

    def run(self, *arguments):
        return subprocess.run(
            [BINARY, *arguments], capture_output=True, text=True, env=self.environment(), timeout=60
        )


def shown(text):
    """The key that a text shows."""
    key = re.search(r"AWS_ACCESS_KEY_ID=(\S+)", text)[1]
    return key, re.search(r"AWS_SECRET_ACCESS_KEY=(\S+)", text)[1]


def made(cloud, command, account="000000000000"):
    """A key of an account, by the owner of the data folder."""
    done = subprocess.run(
        [BINARY, "keys", command, "--account", account, "--data", str(cloud.data)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return Keys(cloud, *shown(done.stdout))


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    running = Cloud(tmp_path_factory.mktemp("secure") / "data", "--mode", "secure")
    running.root = Keys(running, *shown("\n".join(running.lines)))
    yield running
    assert running.process.poll() is None, running.output()
    assert running.stop() == 0, running.output()
    assert "panicked at" not in running.output()


def user(secure, name, *statements):
    iam = secure.root.client("iam")
    iam.create_user(UserName=name)
    if statements:
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return Keys(secure, key["AccessKeyId"], key["SecretAccessKey"])


def test_only_known_keys_are_let_in(secure):
    assert secure.root.client("sts").get_caller_identity()["Arn"] == "arn:aws:iam::000000000000:root"
    with refused("InvalidClientTokenId", 403):
        Keys(secure, "test", "test").client("sts").get_caller_identity()
    with refused("UnrecognizedClientException", 403):
        Keys(secure, "123456789012", "test").client("logs").describe_log_groups()
    with refused("SignatureDoesNotMatch", 403):
        Keys(secure, secure.root.key, "wrong").client("sts").get_caller_identity()
    with refused("InvalidAccessKeyId", 403):
        Keys(secure, "test", "test").client("s3").list_buckets()
    assert secure.http("POST", "/_cloudling/reset").status == 403


def test_a_user_may_do_what_its_policies_say(secure):
    allow = {"Effect": "Allow", "Action": "logs:Describe*", "Resource": "*"}
    ann = user(secure, "ann", allow)
    assert ann.client("logs").describe_log_groups()["logGroups"] == []
    with pytest.raises(botocore.exceptions.ClientError) as denied:
        ann.client("iam").create_user(UserName="eve")
    error = denied.value.response["Error"]
    assert error["Code"] == "AccessDenied"
    assert error["Message"] == (
        "User: arn:aws:iam::000000000000:user/ann is not authorized to perform: iam:CreateUser on resource: "
        "arn:aws:iam::000000000000:user/eve because no identity-based policy allows the iam:CreateUser action"
    )
    with refused("AccessDeniedException", 400):
        ann.client("logs").create_log_group(logGroupName="g")
    # What is taken away is gone with the answer.
    secure.root.client("iam").delete_user_policy(UserName="ann", PolicyName="p")
    with refused("AccessDeniedException", 400):
        ann.client("logs").describe_log_groups()


def test_denials_are_explained_to_whoever_may_decode_them(secure):
    deny = {"Sid": "NoLogs", "Effect": "Deny", "Action": "logs:*", "Resource": "*"}
    mallory = user(secure, "mallory", deny)
    with refused("AccessDeniedException", 400, "explicit deny in an identity-based policy") as denied:
        mallory.client("logs").create_log_group(logGroupName="g")
    message = denied.response["ResponseMetadata"]["HTTPHeaders"]["x-cloudling-authorization-message"]
    with refused("AccessDenied", 403, "sts:DecodeAuthorizationMessage"):
        mallory.client("sts").decode_authorization_message(EncodedMessage=message)
    sts = secure.root.client("sts")
    decoded = json.loads(sts.decode_authorization_message(EncodedMessage=message)["DecodedMessage"])
    assert decoded["allowed"] is False and decoded["explicitDeny"] is True
    [statement] = decoded["matchedStatements"]["items"]
    assert statement["statementId"] == "NoLogs" and statement["actions"]["items"] == [{"value": "logs:*"}]
    context = decoded["context"]
    assert context["principal"]["arn"] == "arn:aws:iam::000000000000:user/mallory"
    assert context["action"] == "logs:CreateLogGroup" and ":log-group:g" in context["resource"]
    assert {"key": "aws:SourceIp", "values": {"items": [{"value": "127.0.0.1"}]}} in context["conditions"]["items"]
    with refused("InvalidAuthorizationMessageException", 400):
        sts.decode_authorization_message(EncodedMessage=message[:-4] + "AAAA")


def test_a_key_that_is_switched_off_is_unknown(secure):
    bob = user(secure, "bob")
    bob.client("sts").get_caller_identity()
    iam = secure.root.client("iam")
    iam.update_access_key(UserName="bob", AccessKeyId=bob.key, Status="Inactive")
    with refused("InvalidClientTokenId", 403):
        bob.client("sts").get_caller_identity()
    iam.update_access_key(UserName="bob", AccessKeyId=bob.key, Status="Active")
    assert bob.client("sts").get_caller_identity()["Arn"].endswith("user/bob")


def test_other_accounts_stay_out(secure):
    theirs = made(secure, "create", "111122223333")
    assert theirs.client("sts").get_caller_identity()["Account"] == "111122223333"
    secure.root.client("logs").create_log_group(logGroupName="ours")
    assert theirs.client("logs").describe_log_groups()["logGroups"] == []
    theirs.client("iam").create_user(UserName="ann-of-theirs")
    assert "ann-of-theirs" not in str(secure.root.client("iam").list_users())


def test_decisions_are_looked_up(secure):
    eve = user(secure, "eve-audited")
    with refused("AccessDeniedException", 403):
        eve.client("lambda").list_functions()
    trail = secure.root.client("cloudtrail")
    by_user = [{"AttributeKey": "Username", "AttributeValue": "eve-audited"}]
    events = trail.lookup_events(LookupAttributes=by_user)["Events"]
    record = json.loads(events[0]["CloudTrailEvent"])
    assert events[0]["EventName"] == "ListFunctions"
    assert record["errorCode"] == "AccessDeniedException" and "no identity-based policy" in record["errorMessage"]
    assert record["userIdentity"]["arn"] == "arn:aws:iam::000000000000:user/eve-audited"
    assert record["sourceIPAddress"] == "127.0.0.1" and "Boto3" in record["userAgent"]
    shown_line = secure.root.run("audit", "--user", "eve-audited", "--denied")
    assert shown_line.returncode == 0, shown_line.stderr
    assert "denied   lambda:ListFunctions" in shown_line.stdout and "user/eve-audited" in shown_line.stdout
    with refused("AccessDeniedException", 400):
        eve.client("cloudtrail").lookup_events()


def test_the_commands_work_with_a_key_and_not_without(secure):
    done = secure.root.run("ls")
    assert done.returncode == 0, done.stderr
    refused_run = Keys(secure, "test", "test").run("ls")
    assert refused_run.returncode != 0 and "security token" in refused_run.stderr


def test_a_function_acts_as_its_role_and_its_url_asks_policies(secure):
    iam, functions = secure.root.client("iam"), secure.root.client("lambda")
    iam.create_role(RoleName="worker", AssumeRolePolicyDocument=json.dumps(TRUST))
    source = (
        "import boto3\n"
        "def handler(event, context):\n"
        "    return boto3.client('sts').get_caller_identity()['Arn']\n"
    )
    functions.create_function(
        FunctionName="hello",
        Runtime="python3.12",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/worker",
        Code={"ZipFile": zip_of({"app.py": source})},
        Timeout=20,
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="hello")
    answer = json.loads(functions.invoke(FunctionName="hello")["Payload"].read())
    assert answer == "arn:aws:sts::000000000000:assumed-role/worker/hello"
    url = functions.create_function_url_config(FunctionName="hello", AuthType="NONE")["FunctionUrl"]
    path = f"/_aws/lambda-url/{url_id(url)}/"
    answer = secure.http("GET", path)
    assert answer.status == 403 and json.loads(answer.data)["Message"] == "Forbidden"
    functions.add_permission(
        FunctionName="hello",
        StatementId="url",
        Action="lambda:InvokeFunctionUrl",
        Principal="*",
        FunctionUrlAuthType="NONE",
    )
    functions.add_permission(
        FunctionName="hello",
        StatementId="invoke",
        Action="lambda:InvokeFunction",
        Principal="*",
        InvokedViaFunctionUrl=True,
    )
    answer = secure.http("GET", path)
    assert answer.status == 200 and b"assumed-role/worker" in answer.data
    # Who may not invoke it may not invoke it by another name.
    eve = user(secure, "eve-invoking")
    for name in ("hello", "arn:aws:lambda:us-east-1:000000000000:function:hello", "hello:$LATEST"):
        with refused("AccessDeniedException", 403):
            eve.client("lambda").invoke(FunctionName=name)


def test_a_folder_is_deployed_with_a_role_and_an_open_url(secure, tmp_path):
    folder = tmp_path / "greeter"
    folder.mkdir()
    (folder / "app.py").write_text("def handler(event, context):\n    return 'hi'\n")
    done = secure.root.run("deploy", str(folder))
    assert done.returncode == 0, done.stderr
    done = secure.root.run("invoke", "greeter")
    assert done.returncode == 0 and '"hi"' in done.stdout, done.stdout + done.stderr
    url = secure.root.client("lambda").get_function_url_config(FunctionName="greeter")["FunctionUrl"]
    answer = secure.http("GET", f"/_aws/lambda-url/{url_id(url)}/")
    assert answer.status == 200 and answer.data == b'"hi"', answer.data
    roles = secure.root.client("iam").list_attached_role_policies(RoleName="lambda-role")
    assert roles["AttachedPolicies"][0]["PolicyName"] == "AWSLambdaBasicExecutionRole"


def test_keys_are_rotated(tmp_path):
    cloud = Cloud(tmp_path / "data", "--mode", "secure")
    try:
        first = Keys(cloud, *shown("\n".join(cloud.lines)))
        first.client("sts").get_caller_identity()
        second = made(cloud, "rotate")
        assert second.client("sts").get_caller_identity()["Arn"].endswith(":root")
        with refused("InvalidClientTokenId", 403):
            first.client("sts").get_caller_identity()
        cloud.stop()
        third = made(cloud, "rotate")
        cloud.start()
        assert "AWS_SECRET_ACCESS_KEY" not in cloud.output(), "a secret is shown once"
        third.cloud = second.cloud = cloud
        assert third.client("sts").get_caller_identity()["Arn"].endswith(":root")
        with refused("InvalidClientTokenId", 403):
            second.client("sts").get_caller_identity()
        secrets = [first.secret.encode(), second.secret.encode(), third.secret.encode()]
        cloud.stop()
        for path in (tmp_path / "data").rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                assert not any(secret in content for secret in secrets), path
    finally:
        cloud.stop()


def test_tls_of_its_own_authority(tmp_path):
    cloud = Cloud(tmp_path / "data", "--mode", "secure", "--tls", "--tls-name", "cloud.example.com")
    try:
        root = Keys(cloud, *shown("\n".join(cloud.lines)))
        authority = str(tmp_path / "data" / "tls" / "ca.pem")
        cloud.endpoint = f"https://{cloud.address}"
        assert root.client("sts", verify=authority).get_caller_identity()["Account"] == "000000000000"
        with pytest.raises(botocore.exceptions.SSLError):
            root.client("sts").get_caller_identity()
        environment = root.environment() | {"AWS_CA_BUNDLE": authority}
        done = subprocess.run(
            [BINARY, "ls"], capture_output=True, text=True, env=environment, timeout=60
        )
        assert done.returncode == 0, done.stderr
    finally:
        cloud.stop()


def test_a_public_address_needs_secure_mode(tmp_path):
    command = [BINARY, "up", "--listen", "0.0.0.0:0", "--data", str(tmp_path / "data")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and "--mode secure" in done.stderr


def test_one_source_takes_its_share_only(tmp_path):
    cloud = Cloud(tmp_path / "data", "--source-requests", "20")
    try:
        statuses = [cloud.http("GET", "/_cloudling/health").status for _ in range(80)]
        assert statuses.count(200) >= 40 and 400 in statuses
        time.sleep(1)
        assert cloud.http("GET", "/_cloudling/health").status == 200
    finally:
        cloud.stop()
