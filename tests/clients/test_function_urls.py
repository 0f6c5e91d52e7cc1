"""Function URLs: their configuration, and the HTTP that reaches a function through them."""

import base64
import http.client
import json
import re
import time

import pytest
import urllib3

from cloud import eventually, refused, url_id

MIRROR = "exports.handler = async (event) => event;"


@pytest.fixture
def mirror(account):
    """A function that answers its event, and the host of its URL."""
    account.node("mirror", MIRROR)
    return account, account.url("mirror")


def call(account, host, method="GET", path="/", **options):
    return account.cloud.http(method, path, host=host, **options)


def event_of(account, host, method="GET", path="/", **options):
    answer = call(account, host, method, path, **options)
    assert answer.status == 200, answer.data
    return json.loads(answer.data)


def test_configuration_life(account):
    functions = account.functions
    account.node("f", MIRROR)
    created = functions.create_function_url_config(
        FunctionName="f",
        AuthType="NONE",
        Cors={"AllowOrigins": ["https://a.example"], "AllowMethods": ["GET"], "MaxAge": 60},
    )
    assert created["FunctionArn"] == account.arn("f")
    assert (created["AuthType"], created["InvokeMode"]) == ("NONE", "BUFFERED")
    assert created["FunctionUrl"].startswith("http") and created["FunctionUrl"].endswith("/")
    assert account.cloud.http("GET", f"/_aws/lambda-url/{url_id(created['FunctionUrl'])}/").status == 200
    assert urllib3.request("GET", created["FunctionUrl"]).status == 200
    read = functions.get_function_url_config(FunctionName="f")
    assert read["FunctionUrl"] == created["FunctionUrl"]
    assert read["Cors"] == {"AllowOrigins": ["https://a.example"], "AllowMethods": ["GET"], "MaxAge": 60}
    with refused("ResourceConflictException", 409):
        functions.create_function_url_config(FunctionName="f", AuthType="NONE")
    updated = functions.update_function_url_config(
        FunctionName="f", AuthType="AWS_IAM", InvokeMode="RESPONSE_STREAM"
    )
    assert (updated["AuthType"], updated["InvokeMode"]) == ("AWS_IAM", "RESPONSE_STREAM")
    assert updated["FunctionUrl"] == created["FunctionUrl"]
    listed = functions.list_function_url_configs(FunctionName="f")["FunctionUrlConfigs"]
    assert [config["FunctionUrl"] for config in listed] == [created["FunctionUrl"]]
    functions.delete_function_url_config(FunctionName="f")
    with refused("ResourceNotFoundException", 404):
        functions.get_function_url_config(FunctionName="f")


def test_a_url_of_an_alias(account):
    account.node("f", "exports.handler = async (event, context) => context.functionVersion;", Publish=True)
    account.functions.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    host = account.url("f", Qualifier="live")
    assert call(account, host).data == b'"1"'
    with refused(("ValidationException", "InvalidParameterValueException"), 400):
        account.functions.create_function_url_config(FunctionName="f", AuthType="NONE", Qualifier="1")


def test_a_missing_or_deleted_url_is_not_found(mirror):
    account, host = mirror
    assert call(account, host).status == 200
    account.functions.delete_function_url_config(FunctionName="mirror")
    assert call(account, host).status in (403, 404)
    assert call(account, "a" * 32 + ".lambda-url.us-east-1.on.aws").status in (403, 404)


def test_the_event_is_payload_format_two(mirror):
    account, host = mirror
    event = event_of(
        account,
        host,
        "POST",
        "/a%20path/x?one=1&two=2&two=3&empty=&enc=%C3%BC%26",
        headers={
            "Content-Type": "application/json",
            "Cookie": "a=1; b=2",
            "X-Custom": "value",
            "User-Agent": "tests",
        },
        body=b'{"k":"v"}',
    )
    assert (event["version"], event["routeKey"]) == ("2.0", "$default")
    assert event["rawPath"] == "/a path/x" or event["rawPath"] == "/a%20path/x"
    assert event["rawQueryString"] == "one=1&two=2&two=3&empty=&enc=%C3%BC%26"
    assert event["queryStringParameters"] == {"one": "1", "two": "2,3", "empty": "", "enc": "ü&"}
    assert event["cookies"] == ["a=1", "b=2"]
    assert (event["body"], event["isBase64Encoded"]) == ('{"k":"v"}', False)
    headers = event["headers"]
    assert (headers["x-custom"], headers["content-type"]) == ("value", "application/json")
    assert headers["host"] == host and headers["x-forwarded-proto"] in ("http", "https")
    assert re.match("Root=1-", headers["x-amzn-trace-id"])
    context = event["requestContext"]
    assert context["http"]["method"] == "POST" and context["http"]["path"] == event["rawPath"]
    assert (context["http"]["protocol"], context["http"]["sourceIp"]) == ("HTTP/1.1", "127.0.0.1")
    assert context["http"]["userAgent"] == "tests"
    assert context["accountId"] == "anonymous"
    assert (context["stage"], context["routeKey"]) == ("$default", "$default")
    assert context["domainName"].split(":")[0] == host.split(":")[0]
    assert context["apiId"] == context["domainPrefix"] == host.split(".")[0]
    assert re.fullmatch(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000", context["time"])
    assert abs(context["timeEpoch"] / 1000 - time.time()) < 60
    assert context["requestId"]


def test_small_events(mirror):
    account, host = mirror
    event = event_of(account, host)
    assert (event["rawPath"], event["rawQueryString"], event["isBase64Encoded"]) == ("/", "", False)
    for absent in ("body", "cookies", "queryStringParameters"):
        assert absent not in event


def test_binary_bodies_are_base64(mirror):
    account, host = mirror
    event = event_of(
        account, host, "PUT", body=b"\x00\xff\xfe", headers={"Content-Type": "application/octet-stream"}
    )
    assert event["isBase64Encoded"] is True and base64.b64decode(event["body"]) == b"\x00\xff\xfe"
    for text_type in ("text/plain", "application/xml", "application/javascript"):
        event = event_of(account, host, "PUT", body=b"text", headers={"Content-Type": text_type})
        assert (event["body"], event["isBase64Encoded"]) == ("text", False), text_type


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_every_method_arrives(mirror, method):
    account, host = mirror
    answer = call(account, host, method)
    assert answer.status == 200
    if method != "HEAD":
        assert json.loads(answer.data)["requestContext"]["http"]["method"] == method


RESPONSES = {
    "object with a status": (
        "({ statusCode: 201, headers: { 'X-One': '1', 'Content-Type': 'text/plain' }, body: 'made' })",
        (201, {"x-one": "1", "content-type": "text/plain"}, b"made"),
    ),
    "object without a status": (
        "({ some: 'object' })",
        (200, {"content-type": "application/json"}, b'{"some":"object"}'),
    ),
    "text": ("'plain'", (200, {"content-type": "application/json"}, b'"plain"')),
    "base64": (
        "({ statusCode: 200, headers: { 'content-type': 'image/x' }, body: Buffer.from([0, 255]).toString('base64'), isBase64Encoded: true })",
        (200, {"content-type": "image/x"}, b"\x00\xff"),
    ),
    "no body": ("({ statusCode: 204 })", (204, {}, b"")),
    "redirect": ("({ statusCode: 302, headers: { location: '/else' } })", (302, {"location": "/else"}, b"")),
    "status as text": ("({ statusCode: '418', body: 'tea' })", (418, {}, b"tea")),
    "number in a header": (
        "({ statusCode: 200, headers: { 'x-count': 7, 'x-flag': true } })",
        (200, {"x-count": "7", "x-flag": "true"}, b""),
    ),
}


@pytest.mark.parametrize("response", RESPONSES)
def test_responses(account, response):
    source, (status, headers, body) = RESPONSES[response]
    account.node("f", f"exports.handler = async () => {source};")
    answer = call(account, account.url("f"))
    assert (answer.status, answer.data) == (status, body)
    assert {name: answer.headers.get(name) for name in headers} == headers


def test_cookies_are_set_one_by_one(account):
    account.node(
        "f", "exports.handler = async () => ({ statusCode: 200, cookies: ['a=1; Path=/', 'b=2'], body: '' });"
    )
    assert call(account, account.url("f")).headers.getlist("set-cookie") == ["a=1; Path=/", "b=2"]


def test_errors_are_bad_gateway(account):
    account.node(
        "f",
        "exports.handler = async (event) => { if (event.rawPath === '/throw') throw new Error('secret detail'); return { statusCode: 'none' }; };",
    )
    host = account.url("f")
    for path in ("/throw", "/bad-status"):
        answer = call(account, host, path=path)
        assert answer.status == 502, path
        assert b"Internal Server Error" in answer.data and b"secret detail" not in answer.data


def test_throttled_urls_answer_429(mirror):
    account, host = mirror
    account.functions.put_function_concurrency(FunctionName="mirror", ReservedConcurrentExecutions=0)
    assert call(account, host).status == 429


def test_large_requests_are_refused(mirror):
    account, host = mirror
    assert call(account, host, "POST", body=b"x" * (6 * 1024 * 1024 + 1)).status == 413
    assert call(account, host).status == 200


def test_iam_urls_want_a_signature(account):
    account.node("f", MIRROR)
    host = account.url("f", AuthType="AWS_IAM")
    answer = call(account, host)
    assert answer.status == 403
    assert json.loads(answer.data)["Message"] == "Forbidden"


CORS = {
    "AllowOrigins": ["https://app.example"],
    "AllowMethods": ["GET", "POST"],
    "AllowHeaders": ["x-token"],
    "ExposeHeaders": ["x-seen"],
    "AllowCredentials": True,
    "MaxAge": 600,
}
PREFLIGHT = {
    "Origin": "https://app.example",
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "x-token",
}


def test_preflight_is_answered_without_the_function(account):
    account.node("f", "exports.handler = async () => { throw new Error('not for you'); };")
    host = account.url("f", Cors=CORS)
    answer = call(account, host, "OPTIONS", headers=PREFLIGHT)
    assert answer.status in (200, 204)
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert {method.strip() for method in answer.headers["access-control-allow-methods"].split(",")} == {
        "GET",
        "POST",
    }
    assert answer.headers["access-control-allow-headers"].lower() == "x-token"
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["access-control-max-age"] == "600"
    strange = call(account, host, "OPTIONS", headers=PREFLIGHT | {"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in strange.headers


def test_answers_carry_cors_headers(account):
    account.node("f", MIRROR)
    host = account.url("f", Cors=CORS)
    answer = call(account, host, headers={"Origin": "https://app.example"})
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert answer.headers["access-control-expose-headers"].lower() == "x-seen"
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert (
        "access-control-allow-origin"
        not in call(account, host, headers={"Origin": "https://evil.example"}).headers
    )
    assert "access-control-allow-origin" not in call(account, host).headers


STREAMING = """
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  stream = awslambda.HttpResponseStream.from(stream, {
    statusCode: 206, headers: { 'Content-Type': 'text/plain', 'X-Mode': 'stream' }, cookies: ['s=1'],
  });
  stream.write('first ');
  await new Promise((resolve) => setTimeout(resolve, 1500));
  stream.write('last');
  stream.end();
});
"""


def test_streams_arrive_while_the_function_runs(account):
    account.node("f", STREAMING)
    host = account.url("f", InvokeMode="RESPONSE_STREAM")
    connection = http.client.HTTPConnection(account.cloud.address, timeout=30)
    connection.request("GET", "/", headers={"Host": host})
    answer = connection.getresponse()
    assert answer.status == 206
    assert (answer.headers["x-mode"], answer.headers["set-cookie"]) == ("stream", "s=1")
    first = answer.read1()
    arrived = time.monotonic()
    assert first == b"first "
    assert answer.read() == b"last"
    assert time.monotonic() - arrived > 1.0, "the first part did not come before the last"
    connection.close()


def test_a_streaming_function_behind_a_buffered_url(account):
    source = """
    exports.handler = awslambda.streamifyResponse(async (event, stream) => {
      for (const part of ['{"statusCode": 201, ', '"body": "whole"}']) stream.write(part);
      stream.end();
    });
    """
    account.node("f", source)
    answer = call(account, account.url("f"))
    assert (answer.status, answer.data) == (201, b"whole")


def test_the_calls_are_logged(mirror):
    account, host = mirror
    call(account, host)
    events = eventually(lambda: account.logged("/aws/lambda/mirror", "REPORT"))
    assert "Duration" in events[0]["message"]
