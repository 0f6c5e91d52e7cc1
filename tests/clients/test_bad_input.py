"""Whatever arrives, the answer is AWS's error, nothing is half created and the server stays up."""

import io
import json
import re
import struct
import zipfile
import zlib

import pytest

from cloud import refused, zip_of

PACKAGE = zip_of({"index.js": "exports.handler = async () => 'fine';"})
VALIDATION = "ValidationException"
PARAMETER = "InvalidParameterValueException"
EITHER = (VALIDATION, PARAMETER)


def zip_bomb():
    """300 MB of zeros in about 300 kB: over the limit of 250 MB unpacked."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("index.js", b"exports.handler = async () => 1;")
        with package.open("zeros", "w", force_zip64=True) as entry:
            for _ in range(300):
                entry.write(bytes(1 << 20))
    return buffer.getvalue()


def lying_zip():
    """A package whose folder claims that 300 MB are ten bytes."""
    content = bytearray(zip_bomb())
    central = content.rfind(b"PK\x01\x02")
    content[central + 24 : central + 28] = struct.pack("<I", 10)
    return bytes(content)


def zip_with(name, mode=0o100644, content=b"x"):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = mode << 16
        entry.create_system = 3
        package.writestr(entry, content)
    return buffer.getvalue()


def damaged():
    content = bytearray(PACKAGE)
    content[40] ^= 0xFF
    return bytes(content)


FUNCTIONS = {
    "name with a space": (
        {"FunctionName": "bad name"},
        VALIDATION,
        "1 validation error detected: Value 'bad name' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: ",
    ),
    "name too long": ({"FunctionName": "x" * 141}, EITHER, ""),
    "unknown runtime": (
        {"Runtime": "cobol1.x"},
        EITHER,
        "Value '?cobol1.x'? at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: ",
    ),
    "role that is no ARN": (
        {"Role": "some role"},
        VALIDATION,
        "Value 'some role' at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern: ",
    ),
    "too little memory": (
        {"MemorySize": 64},
        VALIDATION,
        "Value '64' at 'memorySize' failed to satisfy constraint: Member must have value greater than or equal to 128",
    ),
    "too much memory": ({"MemorySize": 999999}, EITHER, "memorySize|MemorySize"),
    "timeout of zero": (
        {"Timeout": 0},
        VALIDATION,
        "Value '0' at 'timeout' failed to satisfy constraint: Member must have value greater than or equal to 1",
    ),
    "timeout of an hour": ({"Timeout": 3600}, EITHER, "3600"),
    "too much /tmp": ({"EphemeralStorage": {"Size": 20000}}, VALIDATION, "10240"),
    "handler with a space": (
        {"Handler": "index handler"},
        VALIDATION,
        "'handler' failed to satisfy constraint",
    ),
    "description too long": (
        {"Description": "x" * 257},
        VALIDATION,
        "Member must have length less than or equal to 256",
    ),
    "two wrong values": ({"MemorySize": 1, "Timeout": 0}, VALIDATION, "2 validation errors detected: .*; "),
    "no handler": ({"Handler": None}, EITHER, "[Hh]andler"),
    "no runtime": ({"Runtime": None}, EITHER, "[Rr]untime"),
    "no code": ({"Code": {}}, EITHER, ""),
    "environment too large": (
        {"Environment": {"Variables": {"BIG": "x" * 5000}}},
        PARAMETER,
        "Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit",
    ),
    "reserved variable": (
        {"Environment": {"Variables": {"AWS_REGION": "x"}}},
        PARAMETER,
        "reserved keys .*AWS_REGION",
    ),
    "variable name with a dash": (
        {"Environment": {"Variables": {"NOT-A-NAME": "x"}}},
        VALIDATION,
        "environment.variables",
    ),
    "not a zip": (
        {"Code": {"ZipFile": b"this is no zip"}},
        PARAMETER,
        "Could not unzip uploaded file. Please check your file, then try to upload again.",
    ),
    "empty zip": ({"Code": {"ZipFile": zip_of({})}}, PARAMETER, "Uploaded file must be a non-empty zip"),
    "cut zip": ({"Code": {"ZipFile": PACKAGE[:-10]}}, PARAMETER, "Could not unzip uploaded file"),
    "damaged zip": ({"Code": {"ZipFile": damaged()}}, PARAMETER, "Could not unzip uploaded file"),
    "path above the folder": (
        {"Code": {"ZipFile": zip_with("../../escaped.js")}},
        PARAMETER,
        "Could not unzip uploaded file",
    ),
    "absolute path": (
        {"Code": {"ZipFile": zip_with("/etc/escaped")}},
        PARAMETER,
        "Could not unzip uploaded file",
    ),
    "link out of the folder": (
        {"Code": {"ZipFile": zip_with("link", 0o120777, b"/etc/passwd")}},
        PARAMETER,
        "Could not unzip uploaded file",
    ),
    "unpacks to 300 MB": (
        {"Code": {"ZipFile": zip_bomb()}},
        PARAMETER,
        "Unzipped size must be smaller than 262144000 bytes",
    ),
    "lies about its size": (
        {"Code": {"ZipFile": lying_zip()}},
        PARAMETER,
        "Unzipped size must be smaller than 262144000 bytes|Could not unzip uploaded file",
    ),
}


@pytest.mark.parametrize("case", FUNCTIONS)
def test_wrong_functions(account, case):
    change, error_code, message = FUNCTIONS[case]
    settings = {
        "FunctionName": "wrong",
        "Runtime": "nodejs20.x",
        "Handler": "index.handler",
        "Role": account.role(),
        "Code": {"ZipFile": PACKAGE},
    } | change
    with refused(error_code, 400, message):
        account.functions.create_function(
            **{name: value for name, value in settings.items() if value is not None}
        )
    assert account.functions.list_functions()["Functions"] == []


@pytest.mark.parametrize("case", ["not a zip", "damaged zip", "unpacks to 300 MB", "path above the folder"])
def test_wrong_code_leaves_the_old_code(account, case):
    account.create("kept", PACKAGE)
    before = account.functions.get_function_configuration(FunctionName="kept")
    with refused(PARAMETER, 400):
        account.functions.update_function_code(
            FunctionName="kept", ZipFile=FUNCTIONS[case][0]["Code"]["ZipFile"]
        )
    after = account.functions.get_function_configuration(FunctionName="kept")
    assert (after["CodeSha256"], after["RevisionId"]) == (before["CodeSha256"], before["RevisionId"])
    assert account.invoke("kept").json() == "fine"


@pytest.mark.parametrize(
    "change",
    [
        {"MemorySize": 64},
        {"Runtime": "cobol1.x"},
        {"Environment": {"Variables": {"BIG": "x" * 5000}}},
        {"Layers": ["arn:aws:lambda:us-east-1:000000000000:layer:absent:1"]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_wrong_configuration_changes_nothing(account, change):
    account.create("kept", PACKAGE)
    with refused(EITHER, 400):
        account.functions.update_function_configuration(FunctionName="kept", Description="changed", **change)
    assert account.functions.get_function_configuration(FunctionName="kept")["Description"] == ""


def signed(account, service):
    """The header that says whose request this is; dev mode does not check keys it did not issue."""
    scope = f"{account.id}/20260101/us-east-1/{service}/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={'0' * 64}"}


def create_raw(account, body):
    return account.cloud.http(
        "POST",
        "/2015-03-31/functions",
        body=body,
        headers=signed(account, "lambda") | {"Content-Type": "application/json"},
    )


BODIES = {
    "malformed JSON": b'{"FunctionName": ',
    "a list": b"[]",
    "a text": b'"text"',
    "not UTF-8": b'{"FunctionName":"\xff"}',
    "a number for a text": b'{"FunctionName": 5}',
    "a text for a number": b'{"FunctionName":"f","Timeout":"soon"}',
    "bad base64": b'{"FunctionName":"f","Role":"arn:aws:iam::000000000000:role/r","Runtime":"nodejs20.x","Handler":"a.b","Code":{"ZipFile":"%%%"}}',
    "deep nesting": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "empty": b"",
}


@pytest.mark.parametrize("case", BODIES)
def test_wrong_bodies(account, case):
    answer = create_raw(account, BODIES[case])
    assert answer.status == 400, answer.data
    assert answer.headers["x-amzn-errortype"].split(":")[0] in (
        "SerializationException",
        "ValidationException",
        "InvalidRequestContentException",
    )
    assert json.loads(answer.data)
    assert answer.headers["x-amzn-requestid"]


def test_unknown_members_are_ignored(account):
    account.role()
    created = create_raw(account, json.dumps({"Invented": {"by": "the test"}, "FunctionName": "f"}).encode())
    assert b"Invented" not in created.data and created.status == 400


def test_missing_members_are_named_together(account):
    answer = create_raw(account, b"{}")
    message = json.loads(answer.data).get("message") or json.loads(answer.data)["Message"]
    assert re.match("[23] validation errors detected: ", message)
    assert "Value null at 'functionName' failed to satisfy constraint: Member must not be null" in message


def test_operations_that_are_not_there(account):
    with refused("NotImplemented", 501, "ListCodeSigningConfigs"):
        account.functions.list_code_signing_configs()
    with refused("NotImplemented", 501, "StartQuery"):
        account.logs.start_query(logGroupName="g", startTime=0, endTime=1, queryString="fields @message")
    with refused("NotImplemented", 501, "CreateServiceLinkedRole"):
        account.iam.create_service_linked_role(AWSServiceName="elasticbeanstalk.amazonaws.com")


def test_services_that_are_not_there(account):
    for service, call, named in (
        ("sqs", lambda client: client.create_queue(QueueName="q"), "CreateQueue"),
        ("sns", lambda client: client.list_topics(), "ListTopics"),
        ("cloudformation", lambda client: client.list_stacks(), "ListStacks"),
    ):
        with refused("NotImplemented", 501, f"{named}|{service}"):
            call(account.client(service))


RAW = {
    "invented target": (
        "POST",
        "/",
        "logs",
        {"X-Amz-Target": "Logs_20140328.Frobnicate", "Content-Type": "application/x-amz-json-1.1"},
        b"{}",
        "Frobnicate",
    ),
    "invented service": (
        "POST",
        "/",
        "frobnicate",
        {"X-Amz-Target": "Frobnicate_2020.Go", "Content-Type": "application/x-amz-json-1.1"},
        b"{}",
        "[Ff]robnicate",
    ),
    "invented action": (
        "POST",
        "/",
        "iam",
        {"Content-Type": "application/x-www-form-urlencoded"},
        b"Action=Frobnicate&Version=2010-05-08",
        "Frobnicate",
    ),
    "invented path": ("GET", "/2015-03-31/frobnicate", "lambda", {}, None, ""),
}


@pytest.mark.parametrize("case", RAW)
def test_what_was_never_an_operation(account, case):
    method, path, service, headers, body, named = RAW[case]
    answer = account.cloud.http(method, path, headers=signed(account, service) | headers, body=body)
    assert answer.status in (400, 404, 501), answer.data
    assert re.search(named, answer.data.decode())
    assert answer.headers["x-amzn-requestid"]


@pytest.mark.parametrize(
    "body",
    [
        b"Action=CreateRole&Version=2010-05-08&RoleName=%zz",
        b"\xff\xfe",
        b"Action=CreateRole&Tags.member.999999999.Key=x",
        b"Action=CreateRole&" + b"a=b&" * 20000,
        b"",
    ],
    ids=["bad percent", "no text", "far index", "many members", "empty"],
)
def test_wrong_forms(account, body):
    answer = account.cloud.http(
        "POST",
        "/",
        body=body,
        headers=signed(account, "iam") | {"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.status in (400, 404, 413, 501), answer.data


@pytest.mark.parametrize(
    "name",
    [
        "a b",
        "x" * 300,
        "../../etc",
        "arn:aws:lambda:us-east-1:1:function:f",
        "f:with:too:many:colons",
        "ünïcode",
    ],
)
def test_wrong_names_in_paths(account, name):
    with refused((*EITHER, "ResourceNotFoundException", "AccessDeniedException")) as error:
        account.functions.get_function(FunctionName=name)
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403, 404)


def test_wrong_page_markers(account):
    for marker in ("garbage", "ä", zlib.compress(b"x").hex()):
        with refused(EITHER, 400):
            account.functions.list_functions(Marker=marker)
    with refused("InvalidParameterException", 400):
        account.logs.describe_log_groups(nextToken="garbage")
