"""The small print of a function: resource policy, tags, reserved concurrency, account settings."""

import concurrent.futures
import json

import pytest

from cloud import eventually, refused

ANSWERS = "exports.handler = async () => 'answered';"


@pytest.fixture
def function(account):
    account.node("f", ANSWERS, Tags={"team": "one"})
    return account


def test_permissions_become_a_policy(function):
    functions = function.functions
    statement = json.loads(
        functions.add_permission(
            FunctionName="f",
            StatementId="from-bucket",
            Action="lambda:InvokeFunction",
            Principal="s3.amazonaws.com",
            SourceArn="arn:aws:s3:::bucket",
            SourceAccount=function.id,
        )["Statement"]
    )
    assert statement == {
        "Sid": "from-bucket",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": function.arn("f"),
        "Condition": {
            "StringEquals": {"AWS:SourceAccount": function.id},
            "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::bucket"},
        },
    }
    functions.add_permission(
        FunctionName="f", StatementId="from-account", Action="lambda:*", Principal="123456789012"
    )
    read = functions.get_policy(FunctionName="f")
    policy = json.loads(read["Policy"])
    assert policy["Version"] == "2012-10-17" and policy["Id"] == "default"
    assert [s["Sid"] for s in policy["Statement"]] == ["from-bucket", "from-account"]
    assert policy["Statement"][1]["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
    with refused(
        "ResourceConflictException", 409, r"The statement id \(from-bucket\) provided already exists"
    ):
        functions.add_permission(
            FunctionName="f", StatementId="from-bucket", Action="lambda:InvokeFunction", Principal="*"
        )
    with refused("PreconditionFailedException", 412):
        functions.remove_permission(
            FunctionName="f", StatementId="from-bucket", RevisionId="00000000-0000-0000-0000-000000000000"
        )
    functions.remove_permission(FunctionName="f", StatementId="from-bucket", RevisionId=read["RevisionId"])
    functions.remove_permission(FunctionName="f", StatementId="from-account")
    with refused("ResourceNotFoundException", 404, "The resource you requested does not exist."):
        functions.get_policy(FunctionName="f")
    with refused("ResourceNotFoundException", 404):
        functions.remove_permission(FunctionName="f", StatementId="from-bucket")


def test_each_qualifier_has_its_own_policy(function):
    functions = function.functions
    functions.publish_version(FunctionName="f")
    functions.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    functions.add_permission(
        FunctionName="f",
        StatementId="one",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        Qualifier="live",
    )
    policy = json.loads(functions.get_policy(FunctionName="f", Qualifier="live")["Policy"])
    assert policy["Statement"][0]["Resource"] == function.arn("f", "live")
    with refused("ResourceNotFoundException", 404):
        functions.get_policy(FunctionName="f")


def test_wrong_permissions_are_refused(function):
    for wrong in (
        {"Action": "s3:GetObject"},
        {"StatementId": "with space"},
        {"Principal": "not a principal!"},
        {"FunctionName": "absent"},
    ):
        permission = {
            "FunctionName": "f",
            "StatementId": "s",
            "Action": "lambda:InvokeFunction",
            "Principal": "s3.amazonaws.com",
        } | wrong
        with refused(("ValidationException", "InvalidParameterValueException", "ResourceNotFoundException")):
            function.functions.add_permission(**permission)
    with refused("ResourceNotFoundException", 404):
        function.functions.get_policy(FunctionName="f")


def test_tags(function):
    functions, arn = function.functions, function.arn("f")
    assert functions.list_tags(Resource=arn)["Tags"] == {"team": "one"}
    functions.tag_resource(Resource=arn, Tags={"team": "two", "cost": "zero", "sp ace": "va:lue"})
    assert functions.list_tags(Resource=arn)["Tags"] == {"team": "two", "cost": "zero", "sp ace": "va:lue"}
    functions.untag_resource(Resource=arn, TagKeys=["cost", "sp ace", "absent"])
    assert functions.list_tags(Resource=arn)["Tags"] == {"team": "two"}
    assert functions.get_function(FunctionName="f")["Tags"] == {"team": "two"}
    with refused("ResourceNotFoundException", 404):
        functions.list_tags(Resource=function.arn("absent"))
    with refused(("ValidationException", "InvalidParameterValueException"), 400):
        functions.tag_resource(Resource=arn, Tags={"aws:reserved": "x"})
    with refused(("ValidationException", "InvalidParameterValueException"), 400):
        functions.tag_resource(Resource=arn, Tags={f"key-{number}": "x" for number in range(51)})
    assert functions.list_tags(Resource=arn)["Tags"] == {"team": "two"}


def test_account_settings(function):
    settings = function.functions.get_account_settings()
    limit, usage = settings["AccountLimit"], settings["AccountUsage"]
    assert (limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]) == (1000, 1000)
    assert (
        limit["CodeSizeUnzipped"] == 262144000
        and limit["CodeSizeZipped"] == 52428800
        and limit["TotalCodeSize"] == 80530636800
    )
    size = function.functions.get_function_configuration(FunctionName="f")["CodeSize"]
    assert usage == {"FunctionCount": 1, "TotalCodeSize": size}
    function.functions.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=100)
    assert function.functions.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 900


def test_reserved_concurrency_is_a_limit(account):
    account.node(
        "f",
        "exports.handler = async (event) => { if (event.hold) await new Promise((done) => setTimeout(done, 2500)); return 'answered'; };",
    )
    functions = account.functions
    put = functions.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)
    assert put["ReservedConcurrentExecutions"] == 1
    assert functions.get_function_concurrency(FunctionName="f")["ReservedConcurrentExecutions"] == 1
    assert functions.get_function(FunctionName="f")["Concurrency"] == {"ReservedConcurrentExecutions": 1}

    def hold():
        # The probe below may hold the only place when this call comes.
        while True:
            try:
                return account.invoke("f", {"hold": True})
            except functions.exceptions.TooManyRequestsException:
                continue

    def throttled():
        try:
            account.invoke("f", {})
            return None
        except functions.exceptions.TooManyRequestsException as error:
            return error.response

    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        held = threads.submit(hold)
        response = eventually(throttled)
        assert response["ResponseMetadata"]["HTTPStatusCode"] == 429
        assert response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
        assert response["Error"]["Message"] == "Rate Exceeded."
        assert held.result().json() == "answered"
    assert account.invoke("f", {}).json() == "answered"


def test_reserving_nothing_stops_a_function(function):
    functions = function.functions
    functions.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    with refused("TooManyRequestsException", 429) as error:
        function.invoke("f")
    assert error.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    functions.delete_function_concurrency(FunctionName="f")
    assert "ReservedConcurrentExecutions" not in functions.get_function_concurrency(FunctionName="f")
    assert function.invoke("f").json() == "answered"


def test_too_much_cannot_be_reserved(function):
    with refused(
        "InvalidParameterValueException",
        400,
        r"UnreservedConcurrentExecution below its minimum value of \[100\]",
    ):
        function.functions.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=901)
    with refused(("ValidationException", "InvalidParameterValueException"), 400):
        function.functions.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=-1)
