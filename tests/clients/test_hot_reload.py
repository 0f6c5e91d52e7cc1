"""Code that is a folder of this machine, and code that is an object in S3."""

import json
import subprocess
import threading

import pytest

from cloud import BINARY, code, eventually, refused, zip_of


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "function"
    path.mkdir()
    # A server of root gives sandboxes to somebody else, who must be able to read it.
    for each in (path, *path.parents):
        if each.owner() == path.owner() and str(each).startswith("/tmp"):
            each.chmod(0o755)
    return path


def hot(account, name, folder, **settings):
    return account.create(name, {}, Code={"S3Bucket": "hot-reload", "S3Key": str(folder)}, **settings)


@pytest.mark.parametrize(
    ("runtime", "file", "source"),
    [
        ("python3.12", "app.py", "def handler(event, context):\n    return {}\n"),
        ("nodejs20.x", "app.js", "exports.handler = async () => {};\n"),
    ],
)
def test_what_is_saved_runs_with_the_next_call(account, folder, runtime, file, source):
    (folder / file).write_text(source.replace("{}", "0"))
    hot(account, "hello", folder, Runtime=runtime, Handler="app.handler")
    assert account.invoke("hello").json() == 0
    for number in range(1, 6):
        (folder / file).write_text(source.replace("{}", str(number)))
        assert account.invoke("hello").json() == number
        assert account.invoke("hello").json() == number
    # As editors save: another file takes the name.
    (folder / "new").write_text(source.replace("{}", "6"))
    (folder / "new").rename(folder / file)
    assert account.invoke("hello").json() == 6


def test_a_hot_folder_must_be_there(account, tmp_path):
    for key in (str(tmp_path / "absent"), "relative"):
        with refused("InvalidParameterValueException", 400, "hot-reload"):
            hot(account, "hello", key)


def test_the_command_runs_a_folder_as_it_is_saved(tmp_path, folder):
    (folder / "app.py").write_text(code("def handler(event, context):\n    print('first')\n    return 1\n"))
    process = subprocess.Popen(
        [
            *(BINARY, "dev", "--listen", "127.0.0.1:0", "--data", str(tmp_path / "data")),
            *("--no-runtimes-install", str(folder)),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(iter(process.stdout.readline, "")), daemon=True)
    reader.start()

    def url():
        found = [word for line in lines for word in line.split() if word.startswith("http://")]
        return "Ready.\n" in lines and any("created function" in line for line in lines) and found[0]

    def invoke(endpoint):
        command = [BINARY, "--endpoint", endpoint, "invoke", "function"]
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    try:
        endpoint = eventually(url, deadline_s=60)
        assert invoke(endpoint) == 1
        (folder / "app.py").write_text(code("def handler(event, context):\n    return 2\n"))
        assert invoke(endpoint) == 2
        eventually(lambda: "first\n" in lines)
    finally:
        process.terminate()
        process.wait(30)


def test_code_comes_from_s3(account):
    account.s3.create_bucket(Bucket="code")
    source = "def handler(event, context):\n    return {}\n"
    for number in (1, 2):
        account.s3.put_object(Bucket="code", Key=f"{number}.zip", Body=zip_of({"app.py": source.replace("{}", str(number))}))
    account.create(
        "hello", {}, Code={"S3Bucket": "code", "S3Key": "1.zip"}, Runtime="python3.12", Handler="app.handler"
    )
    assert account.invoke("hello").json() == 1
    account.functions.update_function_code(FunctionName="hello", S3Bucket="code", S3Key="2.zip")
    assert account.invoke("hello").json() == 2
    with refused("InvalidParameterValueException", 400, "S3 Error Code: NoSuchKey"):
        account.functions.update_function_code(FunctionName="hello", S3Bucket="code", S3Key="absent.zip")
    with refused("InvalidParameterValueException", 400, "S3 Error Code: NoSuchBucket"):
        account.functions.update_function_code(FunctionName="hello", S3Bucket="absent", S3Key="1.zip")
