"""What a function finds in its environment, whichever runtime it has, and what a caller hands through to it."""

import base64
import json
import re

import pytest

from cloud import code, eventually, zip_of

SHELL = code(
    """
    #!/usr/bin/env python3
    import json, os, urllib.request
    api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
    while True:
        with urllib.request.urlopen(f"{api}/next") as event:
            headers = {name.title(): value for name, value in event.headers.items()}
        answer = json.dumps({"environment": dict(os.environ), "headers": headers}).encode()
        request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        urllib.request.urlopen(f"{api}/{request_id}/response", data=answer).read()
    """
)
TRACE = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1"


def node(account, name, **settings):
    account.node(name, "exports.handler = async () => ({ environment: process.env });", **settings)


def python(account, name, **settings):
    account.python(
        name, "import os\ndef handler(event, context):\n    return {'environment': dict(os.environ)}\n", **settings
    )


def custom(account, name, **settings):
    package = zip_of({"bootstrap": SHELL}, executable=("bootstrap",))
    account.create(name, package, Runtime="provided.al2023", Handler="any.thing", **settings)


RUNTIMES = pytest.mark.parametrize("create", [node, python, custom])


@RUNTIMES
def test_the_environment_is_complete(account, create):
    create(account, "f", MemorySize=256, Environment={"Variables": {"STAGE": "test"}})
    seen = account.invoke("f").json()["environment"]
    expected = {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_NAME": "f",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": "Text",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
        "AWS_REGION": "us-east-1",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "LAMBDA_TASK_ROOT": "/var/task",
        "LANG": "en_US.UTF-8",
        "STAGE": "test",
        "TZ": ":UTC",
        "_HANDLER": {node: "index.handler", python: "app.handler", custom: "any.thing"}[create],
    }
    assert {name: seen.get(name) for name in expected} == expected
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", seen["AWS_LAMBDA_LOG_STREAM_NAME"])
    assert seen["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert seen["AWS_SECRET_ACCESS_KEY"] and seen["AWS_SESSION_TOKEN"] and seen["AWS_ENDPOINT_URL"]
    assert "/opt/bin" in seen["PATH"].split(":") and "/opt/lib" in seen["LD_LIBRARY_PATH"].split(":")
    assert "AWS_LAMBDA_LOG_LEVEL" not in seen
    kind = {node: "AWS_Lambda_nodejs20.x", python: "AWS_Lambda_python3.12", custom: None}[create]
    assert seen.get("AWS_EXECUTION_ENV") == kind
    if create is node:
        assert "/opt/nodejs/node_modules" in seen["NODE_PATH"].split(":")
    if create is python:
        assert seen["PYTHONPATH"] == "/var/runtime"


@RUNTIMES
def test_log_settings_are_told(account, create):
    create(account, "f", LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "WARN", "LogGroup": "/own"})
    seen = account.invoke("f").json()["environment"]
    told = [seen.get(f"AWS_LAMBDA_LOG_{name}") for name in ("FORMAT", "LEVEL", "GROUP_NAME")]
    assert told == ["JSON", "WARN", "/own"]


def traced(account, name):
    """Invokes with a trace header, and tells what the function saw."""
    functions = account.client("lambda")
    functions.meta.events.register(
        "before-send.lambda.Invoke", lambda request, **_: request.headers.update({"X-Amzn-Trace-Id": TRACE})
    )
    return json.loads(functions.invoke(FunctionName=name)["Payload"].read())


@RUNTIMES
def test_the_callers_trace_reaches_the_function(account, create):
    create(account, "f")
    account.invoke("f")
    seen = traced(account, "f")
    found = seen["headers"]["Lambda-Runtime-Trace-Id"] if create is custom else seen["environment"]["_X_AMZN_TRACE_ID"]
    fields = dict(field.split("=") for field in found.split(";"))
    assert fields["Root"] == "1-67891233-abcdef012345678912345678" and fields["Sampled"] == "1", found
    assert re.fullmatch("[0-9a-f]{16}", fields["Parent"])


def test_a_custom_runtime_gets_client_context_and_deadline(account):
    custom(account, "f")
    context = {"custom": {"a": "b"}, "env": {"locale": "de"}}
    encoded = base64.b64encode(json.dumps(context).encode()).decode()
    headers = account.invoke("f", ClientContext=encoded).json()["headers"]
    assert json.loads(headers["Lambda-Runtime-Client-Context"]) == context
    assert headers["Lambda-Runtime-Invoked-Function-Arn"] == account.arn("f")
    assert int(headers["Lambda-Runtime-Deadline-Ms"]) > 1_700_000_000_000


def test_python_gets_client_context(account):
    account.python(
        "f",
        """
        def handler(event, context):
            client = context.client_context
            return [client.custom, client.env, client.client.app_title, context.identity.cognito_identity_id]
        """,
    )
    sent = {"custom": {"a": "b"}, "env": {"locale": "de"}, "client": {"app_title": "shop"}}
    encoded = base64.b64encode(json.dumps(sent).encode()).decode()
    assert account.invoke("f", ClientContext=encoded).json() == [{"a": "b"}, {"locale": "de"}, "shop", None]


def test_kept_workers_know_why_they_were_started(account):
    python(account, "f", Publish=True)
    account.functions.put_provisioned_concurrency_config(
        FunctionName="f", Qualifier="1", ProvisionedConcurrentExecutions=1
    )
    eventually(
        lambda: account.functions.get_provisioned_concurrency_config(FunctionName="f", Qualifier="1")["Status"]
        == "READY"
    )
    seen = account.invoke("f", Qualifier="1").json()["environment"]
    assert seen["AWS_LAMBDA_INITIALIZATION_TYPE"] == "provisioned-concurrency"
    assert seen["AWS_LAMBDA_FUNCTION_VERSION"] == "1"
