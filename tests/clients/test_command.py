"""The `cloudling` command: from a folder to a running function and back, for people and for scripts."""

import json
import os
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import pytest
import urllib3

from cloud import BINARY, READY_DEADLINE_S, eventually

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def cloudling(account, tmp_path):
    """Runs one command as the test's account; answers what it printed, or its error if it must fail."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": account.cloud.endpoint,
        "AWS_ACCESS_KEY_ID": account.id,
        "AWS_SECRET_ACCESS_KEY": "secret",
        "CLOUDLING_RUNTIMES": os.environ["CLOUDLING_RUNTIMES"],
        "NO_COLOR": "1",
    }

    def run(*words, fails=False, stdin=None, **more):
        done = subprocess.run(
            [BINARY, *map(str, words)],
            env=environment | more,
            cwd=tmp_path,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        assert "panicked" not in done.stderr
        return done.stderr if fails else done.stdout

    run.account, run.folder, run.environment = account, tmp_path, environment
    run.json = lambda *words, **more: json.loads(run(*words, "--output", "json", **more))
    return run


def test_a_folder_becomes_a_function(cloudling):
    printed = cloudling("deploy", EXAMPLES / "hello-python")
    assert "created hello-python" in printed and "lambda-url" in printed
    answer = json.loads(cloudling("invoke", "hello-python", "--payload", '{"name":"Ada"}'))
    assert json.loads(answer["body"])["message"] == "hello Ada"
    assert "hello-python" in cloudling("ls")
    eventually(lambda: cloudling.account.logged("/aws/lambda/hello-python", "REPORT"))
    assert "greeting Ada" in cloudling("logs", "hello-python")
    assert "deleted hello-python" in cloudling("rm", "hello-python")
    assert cloudling.account.functions.list_functions()["Functions"] == []


def test_deploying_again_updates(cloudling):
    folder = cloudling.folder / "app"
    folder.mkdir()
    (folder / "index.js").write_text("exports.handler = async () => 'old ' + process.env.TEXT;")
    first = cloudling.json("deploy", folder, "--env", "TEXT=one")
    assert (first["name"], first["action"], first["handler"]) == ("app", "created", "index.handler")
    assert json.loads(cloudling("invoke", "app")) == "old one"
    (folder / "index.js").write_text("exports.handler = async () => 'new ' + process.env.TEXT;")
    second = cloudling.json("deploy", folder, "--env", "TEXT=two")
    assert (second["action"], second["url"]) == ("updated", first["url"])
    assert json.loads(cloudling("invoke", "app")) == "new two"
    assert urllib3.request("GET", first["url"]).data == b'"new two"'


def test_a_custom_runtime_is_found_out(cloudling):
    folder = cloudling.folder / "rust"
    folder.mkdir()
    shutil.copy(os.environ["CLOUDLING_TEST_CUSTOM_RUNTIME"], folder / "bootstrap")
    assert cloudling.json("deploy", folder, "--no-url")["runtime"].startswith("provided")
    assert json.loads(cloudling("invoke", "rust", "--payload", '{"n":1}'))["event"] == {"n": 1}


def test_payloads_from_files_and_standard_input(cloudling):
    folder = cloudling.folder / "echo"
    folder.mkdir()
    (folder / "index.mjs").write_text("export const handler = async (event) => event;")
    cloudling("deploy", folder)
    (cloudling.folder / "event.json").write_text('{"from":"a file"}')
    assert json.loads(cloudling("invoke", "echo", "--payload", "@event.json")) == {"from": "a file"}
    assert json.loads(cloudling("invoke", "echo", "--payload", "-", stdin='{"from":"stdin"}')) == {
        "from": "stdin"
    }
    assert "not JSON" in cloudling("invoke", "echo", "--payload", "{", fails=True)


def test_a_failing_function_fails_the_command(cloudling):
    folder = cloudling.folder / "broken"
    folder.mkdir()
    (folder / "index.js").write_text("exports.handler = async () => { throw new Error('on purpose'); };")
    cloudling("deploy", folder)
    cloudling("invoke", "broken", fails=True)


def test_logs_follow(cloudling):
    folder = cloudling.folder / "chatty"
    folder.mkdir()
    (folder / "index.js").write_text("exports.handler = async (event) => console.log('said', event.n);")
    cloudling("deploy", folder)
    following = subprocess.Popen(
        [BINARY, "logs", "chatty", "--follow"], env=cloudling.environment, stdout=subprocess.PIPE, text=True
    )
    lines = []
    threading.Thread(target=lambda: lines.extend(iter(following.stdout.readline, "")), daemon=True).start()
    try:
        for number in (1, 2):
            cloudling.account.invoke("chatty", {"n": number})
            eventually(lambda number=number: any(f"said {number}" in line for line in lines))
    finally:
        following.kill()
        following.wait()
    assert sum("said 1" in line for line in lines) == 1


def test_scripts_read_json(cloudling):
    cloudling("deploy", EXAMPLES / "users-api")
    listed = cloudling.json("ls")
    assert [entry["function"]["FunctionName"] for entry in listed] == ["users-api"]
    assert "lambda-url" in listed[0]["url"]
    assert cloudling.json("rm", "users-api") == {"deleted": "users-api"}
    assert cloudling.json("ls") == []
    error = cloudling("rm", "users-api", "--output", "json", fails=True)
    assert "there is no function users-api" in json.loads(error)["error"]


def test_reset_of_the_account(cloudling):
    cloudling("deploy", EXAMPLES / "hello-python")
    cloudling("reset", "--account", cloudling.account.id)
    assert cloudling.json("ls") == []


def test_errors_say_what_to_do(cloudling):
    empty = cloudling.folder / "empty"
    empty.mkdir()
    assert "index.js" in cloudling("deploy", empty, fails=True)
    assert "No such file" in cloudling("deploy", cloudling.folder / "absent", fails=True)
    assert "cloudling ls" in cloudling("rm", "absent", fails=True)
    assert "cloudling invoke absent" in cloudling("logs", "absent", fails=True)
    assert "absent" in cloudling("invoke", "absent", fails=True)
    nobody = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    assert "cloudling up" in cloudling("ls", fails=True, **nobody)
    assert "NAME=VALUE" in cloudling("deploy", EXAMPLES / "hello-python", "--env", "WRONG", fails=True)
    assert "Usage" in cloudling("frobnicate", fails=True)


def test_doctor_names_what_there_is(cloudling):
    findings = cloudling.json("doctor")
    named = {finding["what"]: finding for finding in findings}
    for what in (
        "Node.js",
        "Python",
        "AWS SDKs for Node.js functions",
        "AWS SDK for Python functions",
        "server",
    ):
        assert named[what]["ok"], named[what]
    assert cloudling.account.cloud.endpoint in named["server"]["detail"]


def test_doctor_says_how_to_get_what_is_missing(cloudling):
    missing = str(cloudling.folder / "no-runtimes")
    done = subprocess.run(
        [BINARY, "doctor", "--runtimes", missing, "--output", "json"],
        env=cloudling.environment | {"PATH": "/nowhere"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0
    named = {finding["what"]: finding for finding in json.loads(done.stdout)}
    assert not named["AWS SDKs for Node.js functions"]["ok"]
    assert "cloudling runtimes install" in named["AWS SDKs for Node.js functions"]["fix"]


def test_operations_for_the_coverage_pages(cloudling):
    services = {row["service"]: row for row in cloudling.json("operations")}
    assert "Invoke" in services["lambda"]["implemented"]
    for row in services.values():
        assert set(row["implemented"]) <= set(row["operations"])


def test_the_demo(tmp_path):
    """The first command of the README, on a free port."""
    demo = subprocess.Popen(
        [BINARY, "up", "--demo", "--listen", "127.0.0.1:0", "--data", str(tmp_path / "data")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = []
    threading.Thread(target=lambda: lines.extend(iter(demo.stdout.readline, "")), daemon=True).start()
    try:
        eventually(
            lambda: any("It stays up" in line for line in lines) or demo.poll() is not None, READY_DEADLINE_S
        )
        printed = "".join(lines)
        assert "Ready.\n" in lines
        assert "→ 201" in printed and "→ 200" in printed and '"name":"Ada"' in printed
        assert "curl http://127.0.0.1:" in printed
        assert demo.poll() is None
    finally:
        demo.send_signal(signal.SIGTERM)
        code = demo.wait(30)
    assert code == 0
