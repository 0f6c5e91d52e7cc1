"""What a function reaches: the cloud under AWS's own names, and of the outside what the egress policy allows."""

import socket

import pytest

from cloud import Cloud, refused, zip_of

NODE_SDK_V2 = """
// No options, no endpoint: the SDK goes to AWS's own host names.
const AWS = require('aws-sdk');
AWS.config.update({ maxRetries: 0 });
const asked = async (request) => {
  try {
    return await request.promise();
  } catch (error) {
    return `${error.code} ${error.statusCode}`;
  }
};
exports.handler = async () => ({
  identity: await asked(new AWS.STS().getCallerIdentity()),
  functions: await asked(new AWS.Lambda().listFunctions()),
  s3: await asked(new AWS.S3().listBuckets()),
  bucket: await asked(new AWS.S3().headBucket({ Bucket: 'nobody-has-this' })),
  dynamodb: await asked(new AWS.DynamoDB().listTables()),
});
"""

NODE_SDK_V3 = """
delete process.env.AWS_ENDPOINT_URL;
const { S3Client, ListBucketsCommand } = require('@aws-sdk/client-s3');
const { DynamoDBClient, ListTablesCommand } = require('@aws-sdk/client-dynamodb');
const { STSClient, GetCallerIdentityCommand } = require('@aws-sdk/client-sts');
const asked = async (client, command) => {
  try {
    return await client.send(command);
  } catch (error) {
    return `${error.name} ${error.$metadata?.httpStatusCode}`;
  }
};
exports.handler = async () => ({
  identity: await asked(new STSClient({}), new GetCallerIdentityCommand({})),
  s3: await asked(new S3Client({}), new ListBucketsCommand({})),
  dynamodb: await asked(new DynamoDBClient({}), new ListTablesCommand({})),
});
"""

PYTHON_SDK = """
import os
os.environ.pop("AWS_ENDPOINT_URL")
import boto3, botocore.exceptions

def asked(call):
    try:
        answer = call()
        answer.pop("ResponseMetadata")
        return answer
    except botocore.exceptions.ClientError as error:
        return f"{error.response['Error']['Code']} {error.response['ResponseMetadata']['HTTPStatusCode']}"

def handler(event, context):
    return {
        "identity": asked(boto3.client("sts").get_caller_identity),
        "functions": len(asked(boto3.client("lambda").list_functions)["Functions"]),
        "s3": asked(boto3.client("s3").list_buckets) if event is None else None,
        "dynamodb": asked(boto3.client("dynamodb").list_tables),
    }
"""

PYTHON_PLAIN = """
import os, shutil, socket, ssl, subprocess, urllib.error, urllib.request

def fetch(url, **options):
    try:
        with urllib.request.urlopen(url, timeout=10, **options) as answer:
            return [answer.status, answer.headers.get("x-amzn-requestid") is not None]
    except urllib.error.HTTPError as error:
        return [error.code, error.headers.get("x-amzn-requestid") is not None]

def handler(event, context):
    results = {url: fetch(url) for url in event["urls"]}
    # Without the variables: whoever looks into the system's own bundle trusts the cloud too.
    system = ssl.create_default_context(cafile="/etc/ssl/certs/ca-certificates.crt")
    results["system bundle"] = fetch(event["urls"][0], context=system)
    results["trusted authorities"] = len(system.get_ca_certs()) > 1
    if shutil.which("curl"):
        command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", event["urls"][0]]
        results["curl"] = subprocess.run(command, capture_output=True, text=True, timeout=10).stdout
    return results
"""

NODE_PLAIN = """
const https = require('https');
const fetched = (url) => new Promise((resolve) => {
  https.get(url, (answer) => resolve([answer.statusCode, 'x-amzn-requestid' in answer.headers])).on('error', (error) => resolve(error.code));
});
exports.handler = async (event) => Object.fromEntries(await Promise.all(event.urls.map(async (url) => [url, await fetched(url)])));
"""

LOOKUPS = """
import socket, urllib.request

def attempt(action):
    try:
        return action()
    except OSError as error:
        return type(error).__name__

def handler(event, context):
    found = {name: attempt(lambda: socket.gethostbyname(name)) for name in event["names"]}
    found |= {f"connect {name}:{port}": attempt(lambda: socket.create_connection((name, port), 3).close()) for name, port in event.get("connect", [])}
    return found
"""

URLS = [
    "https://dynamodb.us-east-1.amazonaws.com/",
    "https://nobody-has-this.s3.eu-west-1.amazonaws.com/key",
    "https://sync-states.us-east-1.amazonaws.com/",
    "https://abcdefghij.lambda-url.us-east-1.on.aws/",
    "https://localhost.localstack.cloud/_localstack/health",
    "https://s3.cn-north-1.amazonaws.com.cn/",
]


def is_answered(value):
    """A result, or an honest error of the cloud: but an answer."""
    return isinstance(value, dict) or value.split(" ")[-1].isdigit()


def test_sdk_v2_without_options_reaches_the_cloud(account):
    account.node("two", NODE_SDK_V2, MemorySize=512)
    seen = account.invoke("two").json()
    assert seen["identity"]["Account"] == account.id and ":assumed-role/function-role/two" in seen["identity"]["Arn"]
    assert [function["FunctionName"] for function in seen["functions"]["Functions"]] == ["two"]
    assert all(is_answered(seen[service]) for service in ("s3", "bucket", "dynamodb")), seen


def test_sdk_v3_without_an_endpoint_reaches_the_cloud(account):
    account.node("three", NODE_SDK_V3, MemorySize=512)
    seen = account.invoke("three").json()
    assert seen["identity"]["Account"] == account.id
    assert is_answered(seen["s3"]) and is_answered(seen["dynamodb"]), seen


def test_boto3_without_an_endpoint_reaches_the_cloud(account):
    account.python("boto", PYTHON_SDK, MemorySize=512)
    seen = account.invoke("boto", {}).json()
    assert seen["identity"]["Account"] == account.id and seen["functions"] == 1
    assert is_answered(seen["dynamodb"]), seen


def test_plain_https_in_python_and_curl_reaches_the_cloud(account):
    account.python("plain", PYTHON_PLAIN)
    seen = account.invoke("plain", {"urls": [*URLS, "http://sqs.us-east-1.amazonaws.com/"]}).json()
    assert seen.pop("trusted authorities") and seen.pop("curl", "501").isdigit()
    assert {url: answered for url, (_, answered) in seen.items() if not answered} == {}
    assert seen["https://localhost.localstack.cloud/_localstack/health"][0] == 200


def test_plain_https_in_node_reaches_the_cloud(account):
    account.node("plain", NODE_PLAIN)
    seen = account.invoke("plain", {"urls": URLS}).json()
    assert {url: answer for url, answer in seen.items() if not isinstance(answer, list) or not answer[1]} == {}


def test_a_function_that_sets_its_own_authorities_still_runs(account):
    account.python("own", PYTHON_PLAIN, Environment={"Variables": {"SSL_CERT_FILE": "/etc/cloudling/ca.pem"}})
    assert account.invoke("own", {"urls": URLS[:1]}).json()[URLS[0]][1]


def test_names_lead_to_the_cloud_or_nowhere_private(account):
    """By the real check of addresses: what the machine's own resolver leads to private places is refused."""
    own_name = socket.gethostname()
    account.python("names", LOOKUPS)
    names = ["localhost", "a.localhost", "s3.amazonaws.com", "x.y.localhost.localstack.cloud"]
    private = [own_name, "notamazonaws.com.invalid", "ip6-localhost", "metadata", "host.docker.internal"]
    seen = account.invoke("names", {"names": names + private}).json()
    assert {seen.pop(name) for name in names} == {"127.0.0.1"}
    assert set(seen.values()) <= {"gaierror"}, seen


@pytest.fixture(scope="module")
def closed_cloud(tmp_path_factory):
    running = Cloud(tmp_path_factory.mktemp("closed") / "data", "--egress", "none")
    yield running
    assert running.stop() == 0


def test_without_egress_the_cloud_is_still_there(closed_cloud):
    account = closed_cloud.account()
    account.python("closed", LOOKUPS)
    event = {"names": ["example.com", "sts.amazonaws.com"], "connect": [["sts.amazonaws.com", 443]]}
    seen = account.invoke("closed", event).json()
    assert seen == {"example.com": "gaierror", "sts.amazonaws.com": "127.0.0.1", "connect sts.amazonaws.com:443": None}


def test_a_wrong_policy_is_named(account, tmp_path):
    variables = {"Variables": {"CLOUDLING_EGRESS": "everything"}}
    with refused("InvalidParameterValueException", 400, "internet, none, or allow-list"):
        account.functions.create_function(
            FunctionName="wrong",
            Runtime="python3.12",
            Handler="app.handler",
            Role=account.role(),
            Code={"ZipFile": zip_of({"app.py": "handler = print"})},
            Environment=variables,
        )
    with pytest.raises(AssertionError, match="is no egress policy"):
        Cloud(tmp_path / "data", "--egress", "everything")
