"""Python handlers: events, context, every failure in AWS's format, boto3 with the role's credentials."""

import re

import pytest

from cloud import code


def test_event_in_result_out(account):
    account.python("echo", "def handler(event, context):\n    return {'event': event, 'n': len(event)}\n")
    assert account.invoke("echo", {"a": [1, None, "ü"]}).json() == {"event": {"a": [1, None, "ü"]}, "n": 1}


def test_handlers_in_packages(account):
    files = {
        "pkg/__init__.py": "",
        "pkg/api.py": "from . import data\ndef get(event, context): return data.VALUE\n",
        "pkg/data.py": "VALUE = 'inner'\n",
    }
    account.create("packaged", files, Runtime="python3.12", Handler="pkg.api.get")
    assert account.invoke("packaged").json() == "inner"
    account.functions.update_function_configuration(FunctionName="packaged", Handler="pkg/api.get")
    account.functions.get_waiter("function_updated_v2").wait(
        FunctionName="packaged", WaiterConfig={"Delay": 1}
    )
    assert account.invoke("packaged").json() == "inner"


def test_module_state_lives_on(account):
    account.python(
        "counting",
        "calls = 0\ndef handler(event, context):\n    global calls\n    calls += 1\n    return calls\n",
    )
    assert [account.invoke("counting").json() for _ in range(3)] == [1, 2, 3]


def test_context(account):
    account.python(
        "context",
        """
        def handler(event, context):
            names = ["function_name", "function_version", "invoked_function_arn", "memory_limit_in_mb",
                     "aws_request_id", "log_group_name", "log_stream_name"]
            return {name: getattr(context, name) for name in names} | {
                "remaining": context.get_remaining_time_in_millis(),
                "client_context": context.client_context,
                "identity": context.identity.cognito_identity_id,
            }
        """,
        Timeout=10,
    )
    reply = account.invoke("context")
    context = reply.json()
    assert 8_000 < context.pop("remaining") <= 10_000
    assert "[$LATEST]" in context.pop("log_stream_name")
    assert context == {
        "function_name": "context",
        "function_version": "$LATEST",
        "invoked_function_arn": account.arn("context"),
        "memory_limit_in_mb": "128",
        "aws_request_id": reply.request_id,
        "log_group_name": "/aws/lambda/context",
        "client_context": None,
        "identity": None,
    }


def test_environment(account):
    account.python(
        "environment",
        "import os\nat_start = os.environ['STAGE']\ndef handler(event, context):\n    return [at_start, dict(os.environ)]\n",
        Environment={"Variables": {"STAGE": "test"}},
    )
    at_start, seen = account.invoke("environment").json()
    assert (at_start, seen["STAGE"]) == ("test", "test")
    assert seen["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.12"
    assert (seen["LAMBDA_TASK_ROOT"], seen["_HANDLER"]) == ("/var/task", "app.handler")


def test_an_exception_has_type_message_request_and_stack(account):
    account.python(
        "failing",
        """
        class OrderMissing(Exception):
            pass

        def find(order):
            raise OrderMissing(f"no order {order}")

        def handler(event, context):
            find(event["order"])
        """,
    )
    reply = account.invoke("failing", {"order": 7})
    error = reply.error()
    assert (error["errorType"], error["errorMessage"]) == ("OrderMissing", "no order 7")
    assert error["requestId"] == reply.request_id
    assert [
        re.match(r'  File "/var/task/app\.py", line \d+, in (\w+)\n    ', frame)[1]
        for frame in error["stackTrace"]
    ] == ["handler", "find"]
    error = account.invoke("failing", {}).error()
    assert (error["errorType"], error["errorMessage"]) == ("KeyError", "'order'")


def test_failures_are_logged(account):
    account.python("failing", "def handler(event, context):\n    raise ValueError('seen in the log')\n")
    log = account.invoke("failing", LogType="Tail").log
    assert "[ERROR] ValueError: seen in the log" in log
    assert "Traceback (most recent call last):" in log


INIT_FAILURES = {
    "missing package": (
        "import not_there\ndef handler(event, context): pass\n",
        "app.handler",
        "Runtime.ImportModuleError",
        r"^Unable to import module 'app': No module named 'not_there'$",
    ),
    "missing module": (
        "",
        "other.handler",
        "Runtime.ImportModuleError",
        r"^Unable to import module 'other': No module named 'other'$",
    ),
    "missing handler": (
        "x = 1\n",
        "app.handler",
        "Runtime.HandlerNotFound",
        r"^Handler 'handler' missing on module 'app'$",
    ),
    "syntax error": (
        "def handler(event, context:\n    pass\n",
        "app.handler",
        "Runtime.UserCodeSyntaxError",
        r"^Syntax error in module 'app': ",
    ),
    "error at start": ("raise RuntimeError('at start')\n", "app.handler", "RuntimeError", r"^at start$"),
    "handler without a dot": ("", "app", "Runtime.MalformedHandlerName", r"^Bad handler 'app': "),
}


@pytest.mark.parametrize("failure", INIT_FAILURES)
def test_init_failures(account, failure):
    source, handler, error_type, message = INIT_FAILURES[failure]
    account.python("uninitialised", source, Handler=handler)
    for _ in range(2):
        error = account.invoke("uninitialised").error()
        assert error["errorType"] == error_type
        assert re.search(message, error["errorMessage"]), error


def test_what_json_cannot_say_is_refused(account):
    account.python("unmarshalled", "def handler(event, context):\n    return {'set': {1, 2}}\n")
    error = account.invoke("unmarshalled").error()
    assert error["errorType"] == "Runtime.MarshalError"
    assert error["errorMessage"] == "Unable to marshal response: Object of type set is not JSON serializable"


def test_exit_is_an_error_and_the_next_call_works(account):
    account.python(
        "leaving",
        "import os\ndef handler(event, context):\n    if 'code' in event: os._exit(event['code'])\n    return 'stayed'\n",
    )
    reply = account.invoke("leaving", {"code": 7})
    assert reply.error() == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {reply.request_id} Error: Runtime exited with error: exit status 7",
    }
    assert account.invoke("leaving", {}).json() == "stayed"


def test_print_and_logging_reach_the_log(account):
    account.python(
        "chatty",
        """
        import logging
        logging.getLogger().setLevel(logging.INFO)

        def handler(event, context):
            print("printed", "twice")
            logging.info("informed")
            logging.warning("warned")
        """,
    )
    reply = account.invoke("chatty", LogType="Tail")
    lines = reply.log.splitlines()
    assert "printed twice" in lines
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    for level, text in (("INFO", "informed"), ("WARNING", "warned")):
        assert re.search(rf"^\[{level}\]\t{stamp}\t{reply.request_id}\t{text}$", reply.log, re.MULTILINE), (
            reply.log
        )


def test_boto3_acts_as_the_role(account):
    account.python(
        "identity",
        """
        import os
        import boto3

        def handler(event, context):
            identity = boto3.client("sts").get_caller_identity()
            functions = boto3.client("lambda").list_functions()["Functions"]
            return {
                "identity": [identity["Account"], identity["Arn"]],
                "functions": [function["FunctionName"] for function in functions],
                "key": os.environ["AWS_ACCESS_KEY_ID"],
            }
        """,
        MemorySize=512,
    )
    answer = account.invoke("identity").json()
    assert answer["identity"] == [
        account.id,
        f"arn:aws:sts::{account.id}:assumed-role/function-role/identity",
    ]
    assert answer["functions"] == ["identity"]
    assert answer["key"].startswith("ASIA")


def test_unknown_minor_versions_run_on_what_is_installed(account):
    for runtime in ("python3.9", "python3.13", "python3.14"):
        account.python(
            f"version-{runtime.replace('.', '-')}",
            "def handler(event, context): return 'ran'\n",
            Runtime=runtime,
        )
        assert account.invoke(f"version-{runtime.replace('.', '-')}").json() == "ran"


def test_dependencies_beside_the_code_win(account):
    account.create(
        "vendored",
        {
            "app.py": code("import requests\ndef handler(event, context): return requests.WHO\n"),
            "requests.py": "WHO = 'vendored'\n",
        },
        Runtime="python3.12",
        Handler="app.handler",
    )
    assert account.invoke("vendored").json() == "vendored"
