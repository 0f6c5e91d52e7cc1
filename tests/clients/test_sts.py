"""STS with boto3: roles assumed with policies, tags and tokens of an identity provider on loopback."""

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import botocore
import pytest
import rsa

from cloud import Cloud, refused
from test_iam_sts import session_client

READS = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value):
    return encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class Provider:
    """An OpenID Connect provider with one RSA key."""

    def __init__(self):
        self.public, self.private = rsa.newkeys(2048)
        documents = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = documents.document(self.path)
                self.send_response(200 if body else 404)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/realm"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def document(self, path):
        if path == "/realm/.well-known/openid-configuration":
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        if path == "/realm/keys":
            key = {"kty": "RSA", "kid": "k", "alg": "RS256", "n": number(self.public.n), "e": number(self.public.e)}
            return {"keys": [key]}
        return None

    def token(self, **changes):
        now = int(time.time())
        claims = {"iss": self.url, "sub": "job", "aud": "me", "iat": now, "exp": now + 300} | changes
        head = {"alg": "RS256", "kid": "k"}
        signed = ".".join(encoded(json.dumps(part).encode()) for part in (head, claims))
        return f"{signed}.{encoded(rsa.sign(signed.encode(), self.private, 'SHA-256'))}"


@pytest.fixture(scope="module")
def provider():
    running = Provider()
    yield running
    running.server.shutdown()


def trusting(account, provider):
    """Makes the provider known and a role that trusts it; answers the role's ARN."""
    known = account.iam.create_open_id_connect_provider(Url=provider.url, ClientIDList=["me"])
    place = provider.url.removeprefix("http://")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Federated": known["OpenIDConnectProviderArn"]},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {"StringEquals": {f"{place}:sub": "job"}},
            }
        ],
    }
    role = account.iam.create_role(RoleName="web", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    return role["Arn"]


def unsigned(account):
    config = botocore.config.Config(signature_version=botocore.UNSIGNED, retries={"max_attempts": 0})
    return boto3.client("sts", region_name=account.region, endpoint_url=account.cloud.endpoint, config=config)


def test_web_identity(account, provider):
    arn = trusting(account, provider)
    sts = unsigned(account)
    call = {"RoleArn": arn, "RoleSessionName": "web-session"}
    assumed = sts.assume_role_with_web_identity(**call, WebIdentityToken=provider.token())
    assert (assumed["SubjectFromWebIdentityToken"], assumed["Audience"]) == ("job", "me")
    assert assumed["Provider"].startswith(f"arn:aws:iam::{account.id}:oidc-provider/127.0.0.1:")
    identity = session_client(account, "sts", assumed["Credentials"]).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{account.id}:assumed-role/web/web-session"
    with refused("AccessDenied", 403, "Not authorized to perform sts:AssumeRoleWithWebIdentity"):
        sts.assume_role_with_web_identity(**call, WebIdentityToken=provider.token(sub="other"))
    with refused("InvalidIdentityToken", 400, "Incorrect token audience"):
        sts.assume_role_with_web_identity(**call, WebIdentityToken=provider.token(aud="other"))
    with refused("ExpiredTokenException", 400, "Token expired"):
        sts.assume_role_with_web_identity(**call, WebIdentityToken=provider.token(exp=1))
    head, claims, signature = provider.token().split(".")
    with refused("InvalidIdentityToken", 400):
        sts.assume_role_with_web_identity(**call, WebIdentityToken=f"{head}.{claims}.{signature[::-1]}")
    with refused("InvalidIdentityToken", 400, "No OpenIDConnect provider found in your account for"):
        token = provider.token(iss="https://unknown.example.com")
        sts.assume_role_with_web_identity(**call, WebIdentityToken=token)


def test_sdks_find_their_way_with_a_token_file(account, provider, tmp_path, monkeypatch):
    arn = trusting(account, provider)
    token = tmp_path / "token"
    token.write_text(provider.token())
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ROLE_ARN", arn)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
    monkeypatch.setenv("AWS_ROLE_SESSION_NAME", "from-file")
    monkeypatch.setenv("AWS_ENDPOINT_URL", account.cloud.endpoint)
    identity = boto3.session.Session(region_name=account.region).client("sts").get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{account.id}:assumed-role/web/from-file"


def test_session_policies_and_tags(account):
    arn = account.role("r")
    assumed = account.sts.assume_role(
        RoleArn=arn,
        RoleSessionName="narrow",
        Policy=json.dumps(READS),
        PolicyArns=[{"arn": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}],
        Tags=[{"Key": "team", "Value": "one"}],
        TransitiveTagKeys=["team"],
        ExternalId="external",
        SourceIdentity="ada",
    )
    assert 0 < assumed["PackedPolicySize"] < 20 and assumed["SourceIdentity"] == "ada"
    as_role = session_client(account, "sts", assumed["Credentials"])
    assert as_role.get_caller_identity()["Arn"].endswith("assumed-role/r/narrow")
    # A role assumed by a role lasts an hour, and the source identity goes on.
    chained = as_role.assume_role(RoleArn=arn, RoleSessionName="next")
    assert chained["SourceIdentity"] == "ada"
    with refused("InvalidParameterValue", 400, "conflicts with a transitive tag key"):
        as_role.assume_role(RoleArn=arn, RoleSessionName="next", Tags=[{"Key": "team", "Value": "two"}])
    account.iam.update_role(RoleName="r", MaxSessionDuration=7200)
    with refused("ValidationError", 400, "1 hour session limit for roles assumed by role chaining"):
        as_role.assume_role(RoleArn=arn, RoleSessionName="next", DurationSeconds=7200)
    with refused("ValidationError", 400, "exceeds the MaxSessionDuration set for this role"):
        account.sts.assume_role(RoleArn=arn, RoleSessionName="next", DurationSeconds=7201)
    with refused("MalformedPolicyDocument", 400):
        account.sts.assume_role(RoleArn=arn, RoleSessionName="next", Policy="{}")


def test_keys_of_users(account):
    account.iam.create_user(UserName="ada", Path="/eng/")
    key = account.iam.create_access_key(UserName="ada")["AccessKey"]
    as_user = account.client(
        "sts", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )
    assert as_user.get_caller_identity()["Arn"] == f"arn:aws:iam::{account.id}:user/eng/ada"
    assert account.sts.get_access_key_info(AccessKeyId=key["AccessKeyId"])["Account"] == account.id
    used = account.iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]
    assert (used["ServiceName"], used["Region"]) == ("sts", account.region)
    session = as_user.get_session_token()["Credentials"]
    assert session_client(account, "sts", session).get_caller_identity()["Arn"].endswith("user/eng/ada")
    guest = as_user.get_federation_token(Name="guest", Policy=json.dumps(READS))
    assert guest["FederatedUser"]["Arn"] == f"arn:aws:sts::{account.id}:federated-user/guest"
    identity = session_client(account, "sts", guest["Credentials"]).get_caller_identity()
    assert identity["Arn"] == guest["FederatedUser"]["Arn"]
    with refused("InvalidAuthorizationMessageException", 400):
        account.sts.decode_authorization_message(EncodedMessage="nothing")
    account.iam.update_access_key(UserName="ada", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    with refused("InvalidClientTokenId", 403):
        as_user.get_caller_identity()


@pytest.fixture(scope="module")
def enforcing(tmp_path_factory):
    running = Cloud(tmp_path_factory.mktemp("enforcing") / "data", "--enforce")
    yield running
    assert running.stop() == 0, running.output()


def test_trust_and_session_policies_decide(enforcing):
    account = enforcing.account()
    iam = account.iam
    user = iam.create_user(UserName="ada")["User"]
    key = iam.create_access_key(UserName="ada")["AccessKey"]
    secrets = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    sts = account.client("sts", **secrets)
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": user["Arn"]},
                "Action": ["sts:AssumeRole", "sts:TagSession"],
                "Condition": {"StringEquals": {"sts:ExternalId": "agreed"}},
            }
        ],
    }
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    reads_roles = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ["iam:ListRoles", "iam:ListUsers"], "Resource": "*"}],
    }
    iam.put_role_policy(RoleName="r", PolicyName="reads", PolicyDocument=json.dumps(reads_roles))
    call = {"RoleArn": role["Arn"], "RoleSessionName": "session"}
    denied = f"User: {user['Arn']} is not authorized to perform: sts:AssumeRole on resource: {role['Arn']}"
    for external in ({}, {"ExternalId": "guessed"}):
        with refused("AccessDenied", 403, denied):
            sts.assume_role(**call, **external)
    whole = sts.assume_role(**call, ExternalId="agreed", Tags=[{"Key": "team", "Value": "one"}])
    as_role = session_client(account, "iam", whole["Credentials"])
    assert [found["RoleName"] for found in as_role.list_roles()["Roles"]] == ["r"]
    with refused("AccessDenied", 403, "because no identity-based policy allows the iam:CreateUser action"):
        as_role.create_user(UserName="eve")
    reads_roles["Statement"][0]["Action"] = "iam:ListRoles"
    narrow = sts.assume_role(**call, ExternalId="agreed", Policy=json.dumps(reads_roles))
    as_role = session_client(account, "iam", narrow["Credentials"])
    assert len(as_role.list_roles()["Roles"]) == 1
    with refused("AccessDenied", 403, "because no session policy allows the iam:ListUsers action"):
        as_role.list_users()
    # A policy taken away counts at once, for sessions that are there already.
    iam.delete_role_policy(RoleName="r", PolicyName="reads")
    with refused("AccessDenied", 403, "because no identity-based policy allows the iam:ListRoles action"):
        as_role.list_roles()
