"""The examples do what their pages say."""

import json
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from cloud import ENVIRONMENT, REGION, Account, eventually
from s3_shared import name as bucket_name

EXAMPLES = Path(__file__).parents[2] / "examples"


def files_of(name):
    return {path.name: path.read_text() for path in (EXAMPLES / name).iterdir() if path.is_file()}


@pytest.fixture
def users(account):
    account.create("users-api", files_of("users-api"))
    return account


def http(account, base, method, path, body=None, host=None):
    answer = account.cloud.http(
        method, base + path, body=json.dumps(body).encode() if body is not None else None, host=host
    )
    return answer.status, json.loads(answer.data) if answer.data else None


def work_with_users(account, base, host=None):
    def call(*words):
        return http(account, base, *words, host=host)

    status, ada = call("POST", "/users", {"name": "Ada"})
    assert (status, ada["name"]) == (201, "Ada")
    assert call("GET", "/users") == (200, [ada])
    assert call("PUT", f"/users/{ada['id']}", {"name": "Grace"}) == (200, {"name": "Grace", "id": ada["id"]})
    assert call("GET", f"/users/{ada['id']}") == (200, {"name": "Grace", "id": ada["id"]})
    assert call("POST", "/users", {"no": "name"}) == (400, {"message": "a user needs a name"})
    assert call("DELETE", f"/users/{ada['id']}") == (204, None)
    assert call("GET", f"/users/{ada['id']}")[0] == 404
    assert call("GET", "/elsewhere") == (404, {"message": "Not Found"})


def test_users_api_behind_its_url(users):
    work_with_users(users, "", host=users.url("users-api"))


def test_users_api_by_the_path_of_its_url(users):
    url_id = users.url("users-api").split(".")[0]
    work_with_users(users, f"/_aws/lambda-url/{url_id}")


def test_users_api_invoked_with_the_event_of_a_rest_api(users):
    event = {"httpMethod": "POST", "path": "/users", "body": '{"name":"Ada"}'}
    answer = users.invoke("users-api", event).json()
    assert answer["statusCode"] == 201
    assert answer["headers"] == {"Content-Type": "application/json"}
    assert json.loads(answer["body"])["name"] == "Ada"


def test_hello_python(account):
    account.create("hello", files_of("hello-python"), Runtime="python3.12", Handler="app.handler")
    answer = account.invoke("hello", {"name": "Ada"}).json()
    assert json.loads(answer["body"]) == {"message": "hello Ada", "function": "hello"}
    greeted = account.cloud.http("GET", "/?name=Grace", host=account.url("hello"))
    assert json.loads(greeted.data)["message"] == "hello Grace"


def test_users_api_as_a_rest_api_without_an_api(cloud):
    # The proxy serves the account of everyday use, which other tests leave alone.
    everyday = Account(cloud, "000000000000")
    everyday.create("users-api", files_of("users-api"))
    work_with_users(everyday, "/_aws/lambda-rest/users-api")
    everyday.functions.delete_function(FunctionName="users-api")


def deploy(account, example, *words):
    """Runs the deployment script of an example as its page says, on the test's account."""
    environment = os.environ | {
        "AWS_ENDPOINT_URL": account.cloud.endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": account.id,
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    script = str(EXAMPLES / example / "deploy.py")
    modules = ("--modules", str(ENVIRONMENT / "node_modules"))
    done = subprocess.run(
        [sys.executable, script, *words, *modules], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def picture(width, height):
    """A red PNG."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = (b"\0" + b"\xff\0\0" * width) * height
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def size_of(png):
    assert png.startswith(b"\x89PNG"), png[:64]
    return struct.unpack(">II", png[16:24])


def test_thumbnailer(account):
    bucket = bucket_name("pictures")
    deploy(account, "thumbnailer", bucket)
    account.s3.put_object(Bucket=bucket, Key="pictures/red flower.png", Body=picture(800, 400))

    def thumbnail():
        listed = account.s3.list_objects_v2(Bucket=bucket, Prefix="thumbnails/")
        return [entry["Key"] for entry in listed.get("Contents", [])]

    assert eventually(thumbnail) == ["thumbnails/red flower.png"]
    stored = account.s3.get_object(Bucket=bucket, Key="thumbnails/red flower.png")
    assert stored["ContentType"] == "image/png"
    assert size_of(stored["Body"].read()) == (200, 100)


def test_resize_on_the_fly(account):
    bucket = bucket_name("site")
    port = account.cloud.address.split(":")[1]
    host = f"{bucket}.s3-website.localhost.localstack.cloud:{port}"
    deploy(account, "resize-on-the-fly", bucket, "--website", f"http://{host}")
    account.s3.put_object(Bucket=bucket, Key="cat.png", Body=picture(640, 480), ContentType="image/png")

    def visit(path, host=host):
        return account.cloud.http("GET", path, host=host, timeout=60)

    first = visit("/200x100/cat.png")
    assert first.status == 307
    scheme, _, address = first.headers["location"].partition("://")
    function_host, _, path = address.partition("/")
    assert scheme == "http" and path.endswith("?key=200x100/cat.png")
    second = visit(f"/{path}", host=function_host)
    assert (second.status, second.headers["location"]) == (302, f"http://{host}/200x100/cat.png")
    third = visit("/200x100/cat.png")
    assert (third.status, third.headers["content-type"]) == (200, "image/png")
    assert size_of(third.data) == (200, 100)
    # From now on no function is asked, not even when there is none.
    account.functions.delete_function(FunctionName="resize-on-the-fly")
    assert visit("/200x100/cat.png").data == third.data
    assert visit("/cat.png").data == picture(640, 480)
