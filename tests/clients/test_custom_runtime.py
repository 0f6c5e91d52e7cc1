"""`provided.*` with a `bootstrap`: the Runtime API as the lambda_runtime crate and a shell script speak it."""

import os
import re
from pathlib import Path

import pytest

from cloud import code, zip_of

BOOTSTRAP = Path(os.environ["CLOUDLING_TEST_CUSTOM_RUNTIME"])

SHELL = code(
    """
    #!/bin/sh
    # The runtime of AWS's tutorial, with Python in the place of curl.
    exec python3 - <<'EOF'
    import os, urllib.request
    api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
    while True:
        with urllib.request.urlopen(f"{api}/next") as event:
            request_id, body = event.headers["Lambda-Runtime-Aws-Request-Id"], event.read()
        urllib.request.urlopen(f"{api}/{request_id}/response", data=b'{"echo":' + body + b"}").read()
    EOF
    """
)


@pytest.fixture
def rust(account):
    package = zip_of({"bootstrap": BOOTSTRAP.read_bytes()}, executable=("bootstrap",))
    account.create("rust", package, Runtime="provided.al2023", Handler="any.thing", MemorySize=256)
    return account


def test_a_static_rust_binary(rust):
    reply = rust.invoke("rust", {"n": 1}, LogType="Tail")
    answer = reply.json()
    deadline = answer.pop("deadline")
    assert deadline > 1_700_000_000_000
    assert answer == {
        "event": {"n": 1},
        "request_id": reply.request_id,
        "function_arn": rust.arn("rust"),
        "function_name": "rust",
        "memory": 256,
        "version": "$LATEST",
        "handler": "any.thing",
        "task_root": "/var/task",
    }
    assert 'custom runtime saw {"n":1}' in reply.log
    for number in range(5):
        assert rust.invoke("rust", {"n": number}).json()["event"] == {"n": number}


def test_its_errors(rust):
    error = rust.invoke("rust", {"do": "fail"}).error()
    assert "asked to fail" in error["errorMessage"]
    assert error["errorType"]


def test_its_death_and_replacement(rust):
    reply = rust.invoke("rust", {"do": "exit"})
    assert reply.error() == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {reply.request_id} Error: Runtime exited with error: exit status 3",
    }
    assert rust.invoke("rust", {"n": 2}).json()["event"] == {"n": 2}


def test_a_script_as_bootstrap(account):
    account.create(
        "script",
        zip_of({"bootstrap": SHELL}, executable=("bootstrap",)),
        Runtime="provided.al2023",
        Handler="x",
    )
    assert account.invoke("script", {"a": 1}).json() == {"echo": {"a": 1}}
    assert account.invoke("script", [2]).json() == {"echo": [2]}


def test_a_missing_bootstrap_is_named(account):
    account.create("empty", {"readme.txt": "nothing to run"}, Runtime="provided.al2023", Handler="x")
    error = account.invoke("empty").error()
    assert error["errorType"] == "Runtime.InvalidEntrypoint"
    assert re.search(r"bootstrap", error["errorMessage"])


def test_a_bootstrap_that_ends_at_once(account):
    package = zip_of({"bootstrap": "#!/bin/sh\nexit 4\n"}, executable=("bootstrap",))
    account.create("short", package, Runtime="provided.al2023", Handler="x")
    error = account.invoke("short").error()
    assert error["errorType"] in ("Runtime.ExitError", "Runtime.InitError")
    assert "exit status 4" in error["errorMessage"]
