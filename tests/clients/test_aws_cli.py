"""The AWS CLI, unmodified, over a day's worth of commands."""

import json
import os
import subprocess

import pytest
import urllib3

from cloud import REGION, TRUSTS_LAMBDA, eventually, zip_of

CLI = os.environ["CLOUDLING_TEST_AWS_CLI"]


@pytest.fixture
def aws(account, tmp_path):
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": account.cloud.endpoint,
        "AWS_ACCESS_KEY_ID": account.id,
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_PAGER": "",
    }

    def run(*words, fails=False):
        command = [CLI, *words, "--output", "json"]
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        if fails:
            return done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    run.account, run.folder = account, tmp_path
    return run


def create(aws, name, source):
    (aws.folder / "code.zip").write_bytes(zip_of({"index.js": source}))
    return aws(
        "lambda", "create-function", "--function-name", name, "--runtime", "nodejs20.x", "--handler", "index.handler",
        "--role", aws.account.role(), "--zip-file", "fileb://code.zip", "--timeout", "10",
    )  # fmt: skip


def test_a_function_from_create_to_delete(aws):
    created = create(aws, "f", "exports.handler = async (event) => ({ got: event, text: process.env.TEXT });")
    assert created["FunctionArn"] == aws.account.arn("f")
    aws("lambda", "wait", "function-active-v2", "--function-name", "f")
    answer = aws("lambda", "invoke", "--function-name", "f", "--payload", '{"a":1}', "out.json")
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert json.loads((aws.folder / "out.json").read_text()) == {"got": {"a": 1}}
    aws(
        "lambda",
        "update-function-configuration",
        "--function-name",
        "f",
        "--environment",
        "Variables={TEXT=set}",
    )
    aws("lambda", "wait", "function-updated-v2", "--function-name", "f")
    aws("lambda", "invoke", "--function-name", "f", "--payload", "{}", "out.json")
    assert json.loads((aws.folder / "out.json").read_text())["text"] == "set"
    assert aws("lambda", "publish-version", "--function-name", "f")["Version"] == "1"
    aws("lambda", "create-alias", "--function-name", "f", "--name", "live", "--function-version", "1")
    assert aws("lambda", "list-aliases", "--function-name", "f")["Aliases"][0]["Name"] == "live"
    listed = aws("lambda", "list-functions", "--query", "Functions[].FunctionName")
    assert listed == ["f"]
    aws("lambda", "delete-function", "--function-name", "f")
    error = aws("lambda", "get-function", "--function-name", "f", fails=True)
    assert (
        f"An error occurred (ResourceNotFoundException) when calling the GetFunction operation: Function not found: {aws.account.arn('f')}"
        in error
    )


def test_a_url_and_its_permission(aws):
    create(aws, "f", "exports.handler = async () => ({ statusCode: 200, body: 'over http' });")
    config = aws("lambda", "create-function-url-config", "--function-name", "f", "--auth-type", "NONE")
    aws(
        "lambda", "add-permission", "--function-name", "f", "--statement-id", "public", "--action", "lambda:InvokeFunctionUrl",
        "--principal", "*", "--function-url-auth-type", "NONE",
    )  # fmt: skip
    assert urllib3.request("GET", config["FunctionUrl"]).data == b"over http"
    assert (
        json.loads(aws("lambda", "get-policy", "--function-name", "f")["Policy"])["Statement"][0]["Sid"]
        == "public"
    )


def test_logs(aws):
    create(aws, "f", "exports.handler = async (event) => console.log('line number', event.n);")
    aws.account.invoke("f", {"n": 1})
    eventually(lambda: aws.account.logged("/aws/lambda/f", "REPORT"))
    group = ("--log-group-name", "/aws/lambda/f")
    found = aws("logs", "filter-log-events", *group, "--filter-pattern", '"line number"')["events"]
    assert found[0]["message"].endswith("line number 1\n") or found[0]["message"].endswith("line number 1")
    stream = aws("logs", "describe-log-streams", *group, "--query", "logStreams[0].logStreamName")
    events = aws("logs", "get-log-events", *group, "--log-stream-name", stream)["events"]
    assert any("START RequestId" in event["message"] for event in events)


def test_iam_and_sts(aws):
    aws("iam", "create-role", "--role-name", "r", "--assume-role-policy-document", TRUSTS_LAMBDA)
    aws(
        "iam",
        "attach-role-policy",
        "--role-name",
        "r",
        "--policy-arn",
        "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
    )
    assert (
        aws("iam", "list-attached-role-policies", "--role-name", "r")["AttachedPolicies"][0]["PolicyName"]
        == "AWSLambdaBasicExecutionRole"
    )
    assert (
        aws("iam", "get-role", "--role-name", "r", "--query", "Role.Arn")
        == f"arn:aws:iam::{aws.account.id}:role/r"
    )
    assert aws("sts", "get-caller-identity")["Account"] == aws.account.id
    assert "NoSuchEntity" in aws("iam", "get-role", "--role-name", "absent", fails=True)


def test_errors_end_the_command(aws):
    assert "(NotImplemented)" in aws("lambda", "list-code-signing-configs", fails=True)
    assert "ValidationException" in aws(
        "lambda", "invoke", "--function-name", "bad name", "out.json", fails=True
    )


def test_a_role_and_a_user_from_create_to_delete(aws):
    role = aws(
        "iam", "create-role", "--role-name", "svc", "--assume-role-policy-document", TRUSTS_LAMBDA,
        "--tags", "Key=env,Value=test", "Key=app,Value=svc",
    )["Role"]  # fmt: skip
    basic = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    aws("iam", "attach-role-policy", "--role-name", "svc", "--policy-arn", basic)
    read = aws("iam", "get-role", "--role-name", "svc")["Role"]
    assert (read["Arn"], read["Tags"]) == (
        role["Arn"],
        [{"Key": "app", "Value": "svc"}, {"Key": "env", "Value": "test"}],
    )
    attached = aws("iam", "list-attached-role-policies", "--role-name", "svc")["AttachedPolicies"]
    assert [policy["PolicyArn"] for policy in attached] == [basic]
    aws("iam", "create-user", "--user-name", "ada")
    aws("iam", "create-group", "--group-name", "eng")
    aws("iam", "add-user-to-group", "--user-name", "ada", "--group-name", "eng")
    key = aws("iam", "create-access-key", "--user-name", "ada")["AccessKey"]
    listed = aws("iam", "list-access-keys", "--user-name", "ada")["AccessKeyMetadata"]
    assert [found["AccessKeyId"] for found in listed] == [key["AccessKeyId"]]
    tried = aws(
        "iam", "simulate-principal-policy", "--policy-source-arn", role["Arn"],
        "--action-names", "logs:PutLogEvents", "s3:GetObject",
    )["EvaluationResults"]  # fmt: skip
    assert [result["EvalDecision"] for result in tried] == ["allowed", "implicitDeny"]
    assert "DeleteConflict" in aws("iam", "delete-user", "--user-name", "ada", fails=True)
    aws("iam", "delete-access-key", "--user-name", "ada", "--access-key-id", key["AccessKeyId"])
    aws("iam", "remove-user-from-group", "--user-name", "ada", "--group-name", "eng")
    aws("iam", "delete-group", "--group-name", "eng")
    aws("iam", "delete-user", "--user-name", "ada")
    aws("iam", "detach-role-policy", "--role-name", "svc", "--policy-arn", basic)
    aws("iam", "delete-role", "--role-name", "svc")
