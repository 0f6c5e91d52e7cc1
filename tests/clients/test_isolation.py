"""Two accounts and two regions see nothing of each other, through any operation of any service.

Nothing here knows a service: operations come from the program's own list, inputs from the API models. In one account and
region whatever can be created is created, with one name and one secret in every text; then every operation is tried
from the other places with that name, and no answer may hold the secret, and nothing may have changed at home.
"""

import datetime
import json
import re
import subprocess

import botocore.exceptions
import pytest

from cloud import BINARY, zip_of
from test_secure import Keys, made, secure  # noqa: F401 (a fixture)

HOME, AWAY = ("222233334444", "us-east-1"), [("555566667777", "us-east-1"), ("555566667777", "eu-west-1")]
SAME_ACCOUNT = ("222233334444", "eu-west-1")
NAME = "isolated-name-42"
SECRET = "isolated-secret-4242424242"
# What others put in the same places.
OTHER = "another-text-4242424242"
# Of the account, in all regions; buckets have one name in the world.
GLOBAL = {"iam", "sts", "s3"}
MAKING = ("Create", "Put", "Publish", "Register", "Add", "Set", "Tag", "Import", "Attach")
DEPTH_MAX = 6
# What a model cannot say of inputs that make things; no other service needs a word here.
BESIDE = {
    ("dynamodb", "CreateTable"): {
        "AttributeDefinitions": [{"AttributeName": NAME, "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": NAME, "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    },
    ("dynamodb", "PutItem"): {"Item": {NAME: {"S": NAME}, "secret": {"S": SECRET}}},
    ("lambda", "CreateFunction"): {
        "Runtime": "python3.12",
        "Handler": "app.handler",
        "Code": {"ZipFile": zip_of({"app.py": f"def handler(event, context): return '{SECRET}'"})},
    },
}

pytestmark = pytest.mark.usefixtures("secure")


def implemented():
    listed = subprocess.run(
        [BINARY, "operations", "--output", "json"], capture_output=True, text=True, check=True
    )
    return {row["service"]: row["implemented"] for row in json.loads(listed.stdout) if row["implemented"]}


def text_of(shape, member, scope):
    if shape.enum:
        return shape.enum[0]
    lower = member.lower()
    policy = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    if "document" in lower or lower.endswith("policy"):
        if "assume" not in lower:
            policy = {"Effect": "Allow", "Action": "s3:*", "Resource": f"arn:aws:s3:::{SECRET}"}
        return json.dumps({"Version": "2012-10-17", "Statement": [policy]})
    if lower.endswith("arn") or lower in ("resource", "resourcearn", "role"):
        return f"arn:aws:iam::{scope[0]}:role/{NAME}"
    if lower in ("description", "comment", "value", "attributevalue"):
        return SECRET
    if lower == "runtime":
        return "python3.12"
    return NAME[: shape.metadata.get("max", len(NAME))]


def value_of(shape, member, scope, depth=0):
    kind = shape.type_name
    if kind == "string":
        return text_of(shape, member, scope)
    if kind in ("integer", "long"):
        return shape.metadata.get("min", 1)
    if kind in ("float", "double"):
        return 1.0
    if kind == "boolean":
        return False
    if kind == "blob":
        return SECRET.encode()
    if kind == "timestamp":
        return datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    if depth > DEPTH_MAX:
        return {} if kind in ("structure", "map") else []
    if kind == "list":
        return [value_of(shape.member, member, scope, depth + 1)]
    if kind == "map":
        return {NAME: value_of(shape.value, "value", scope, depth + 1)}
    if getattr(shape, "is_tagged_union", False):
        first = next(iter(shape.members))
        return {first: value_of(shape.members[first], first, scope, depth + 1)}
    if shape.name == "AttributeValue":
        return {"S": NAME}
    extra = {"description", "comment", "tags", "logstreamname", "value", "body", "item"}
    wanted = [
        name
        for name in shape.members
        if name in shape.required_members or (depth == 0 and name.lower() in extra)
    ]
    return {name: value_of(shape.members[name], name, scope, depth + 1) for name in wanted}


def of_others(value):
    """The same input without the secret."""
    if isinstance(value, dict):
        return {name: of_others(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [of_others(inner) for inner in value]
    if isinstance(value, bytes):
        return value.replace(SECRET.encode(), OTHER.encode())
    return value.replace(SECRET, OTHER) if isinstance(value, str) else value


def attempt(client, operation, scope, change=lambda parameters: parameters):
    """Calls it with an input of its model; the answer, or the error, as text."""
    model = client.meta.service_model.operation_model(operation)
    if model.has_event_stream_output:
        return "", False
    shape = model.input_shape
    parameters = value_of(shape, "", scope) if shape else {}
    parameters |= BESIDE.get((client.meta.service_model.service_name, operation), {})
    parameters = change(parameters)
    method = next(name for name, api in client.meta.method_to_api_mapping.items() if api == operation)
    try:
        answer = getattr(client, method)(**parameters)
    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError, ValueError, TypeError) as error:
        return str(error), False
    answer.pop("ResponseMetadata", None)
    body = answer.pop("Body", None) or answer.pop("Payload", None)
    content = body.read().decode(errors="replace") if hasattr(body, "read") else ""
    return json.dumps(answer, default=str) + content, True


def clients(secure, scope):  # noqa: F811
    if scope[0] not in KEYS:
        KEYS[scope[0]] = made(secure, "create", scope[0])
    key = KEYS[scope[0]]
    keys = Keys(secure, key.key, key.secret, region=scope[1])
    return {service: keys.client(service) for service in implemented()}


KEYS = {}


def lists_of(client, operations, scope):
    """What the operations that read say at home."""
    reading = [name for name in operations if name.startswith(("List", "Describe", "Get", "Scan"))]
    skipped = {"GetSessionToken", "GetCredentialReport", "GetServiceLastAccessedDetails", "GetAccessKeyLastUsed"}
    answers = {name: attempt(client, name, scope)[0] for name in reading if name not in skipped}
    # Links are good for ten minutes, and new each time.
    return {name: re.sub(r'lambda-code/[^"]+', "lambda-code/…", text) for name, text in answers.items()}


def test_no_operation_reaches_another_account_or_region(secure):  # noqa: F811
    table = implemented()
    home = clients(secure, HOME)
    made_here = set()
    for _ in range(2):  # Some things need others first.
        for service, operations in table.items():
            for operation in sorted(operations):
                if operation.startswith(MAKING) and attempt(home[service], operation, HOME)[1]:
                    made_here.add(service)
    assert {"dynamodb", "iam", "lambda", "logs", "s3"} <= made_here, made_here
    seen = "".join(str(lists_of(home[service], table[service], HOME)) for service in made_here)
    assert SECRET in seen, "what was made at home is seen at home, or this test proves nothing"
    skipped = {"cloudtrail"}  # It notes the attempts themselves.
    before = {s: lists_of(home[s], table[s], HOME) for s in made_here - skipped}
    for scope in [*AWAY, SAME_ACCOUNT]:
        there = clients(secure, scope)
        for service, operations in table.items():
            if scope == SAME_ACCOUNT and service in GLOBAL:
                continue
            for operation in sorted(operations):
                text, _ = attempt(there[service], operation, HOME, of_others)
                assert SECRET not in text, f"{service}:{operation} from {scope}: {text[:500]}"
    after = {s: lists_of(home[s], table[s], HOME) for s in made_here - skipped}
    volatile = {"DescribeTable"}
    for service, answers in before.items():
        for operation, text in answers.items():
            if operation not in volatile:
                assert after[service][operation] == text, f"{service}:{operation} changed"
