"""The examples do what their pages say."""

import json
from pathlib import Path

import pytest

from cloud import Account

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
