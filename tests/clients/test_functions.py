"""Functions come, change, are listed and go, as the SDKs expect it."""

import re

import pytest
import urllib3

from cloud import refused, sha256_base64, zip_of

ECHO = "exports.handler = async (event) => ({ event, greeting: process.env.GREETING });"
PACKAGE = zip_of({"index.js": ECHO})
OTHER_PACKAGE = zip_of({"index.js": "exports.handler = async () => 'new';"})


def test_create_answers_the_whole_configuration(account):
    created = account.create(
        "first",
        PACKAGE,
        Description="says it back",
        Timeout=7,
        MemorySize=256,
        Environment={"Variables": {"GREETING": "hi"}},
    )
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert created["FunctionName"] == "first"
    assert created["FunctionArn"] == account.arn("first")
    assert created["Runtime"] == "nodejs20.x"
    assert created["Handler"] == "index.handler"
    assert created["Role"].endswith(":role/function-role")
    assert created["CodeSize"] == len(PACKAGE)
    assert created["CodeSha256"] == sha256_base64(PACKAGE)
    assert (created["Timeout"], created["MemorySize"], created["Description"]) == (7, 256, "says it back")
    assert created["Environment"] == {"Variables": {"GREETING": "hi"}}
    assert created["Version"] == "$LATEST"
    assert created["State"] in ("Pending", "Active")
    assert created["PackageType"] == "Zip"
    assert created["Architectures"] == ["x86_64"]
    assert created["EphemeralStorage"] == {"Size": 512}
    assert created["TracingConfig"] == {"Mode": "PassThrough"}
    assert created["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": "/aws/lambda/first"}
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", created["RevisionId"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", created["LastModified"])


def test_defaults_are_those_of_aws(account):
    created = account.functions.create_function(
        FunctionName="plain",
        Runtime="python3.12",
        Handler="a.b",
        Role=account.role(),
        Code={"ZipFile": zip_of({"a.py": ""})},
    )
    assert (created["Timeout"], created["MemorySize"], created["Description"]) == (3, 128, "")


def test_configuration_reads_back_and_settles(account):
    account.create("settled", PACKAGE)
    read = account.functions.get_function_configuration(FunctionName="settled")
    assert (read["State"], read["LastUpdateStatus"]) == ("Active", "Successful")
    assert read["CodeSha256"] == sha256_base64(PACKAGE)


def test_the_code_can_be_downloaded(account):
    account.create("downloaded", PACKAGE, Tags={"team": "one"})
    read = account.functions.get_function(FunctionName="downloaded")
    assert read["Code"]["RepositoryType"] == "S3"
    assert read["Tags"] == {"team": "one"}
    assert read["Configuration"]["FunctionName"] == "downloaded"
    answer = urllib3.request("GET", read["Code"]["Location"])
    assert answer.status == 200
    assert answer.data == PACKAGE


def test_a_function_has_several_names(account):
    account.create("named", PACKAGE)
    for name in (
        "named",
        account.arn("named"),
        f"{account.id}:function:named",
        f"{account.id}:named",
        "function:named",
        "named:$LATEST",
        account.arn("named", "$LATEST"),
    ):
        read = account.functions.get_function_configuration(FunctionName=name)
        assert read["FunctionName"] == "named", name


def test_a_second_function_of_the_same_name_is_refused(account):
    account.create("once", PACKAGE)
    with refused("ResourceConflictException", 409, r"^Function already exist: once$"):
        account.create("once", PACKAGE)


def test_listing_pages(account):
    names = {f"page-{number}" for number in range(5)}
    for name in names:
        account.functions.create_function(
            FunctionName=name,
            Runtime="nodejs20.x",
            Handler="index.handler",
            Role=account.role(),
            Code={"ZipFile": PACKAGE},
        )
    first = account.functions.list_functions(MaxItems=2)
    assert len(first["Functions"]) == 2 and first["NextMarker"]
    pages = list(account.functions.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["Functions"]) for page in pages] == [2, 2, 1]
    listed = [function["FunctionName"] for page in pages for function in page["Functions"]]
    assert len(listed) == 5 and set(listed) == names
    assert "NextMarker" not in pages[-1]


def test_listing_all_versions(account):
    account.create("listed", PACKAGE, Publish=True)
    listed = account.functions.list_functions(FunctionVersion="ALL")["Functions"]
    assert {function["Version"] for function in listed} == {"$LATEST", "1"}
    assert {function["FunctionArn"] for function in listed} == {
        account.arn("listed", "$LATEST"),
        account.arn("listed", "1"),
    }


def test_new_code_runs_after_the_update(account):
    created = account.create("changing", PACKAGE)
    assert account.invoke("changing", {"a": 1}).json()["event"] == {"a": 1}
    updated = account.functions.update_function_code(FunctionName="changing", ZipFile=OTHER_PACKAGE)
    account.functions.get_waiter("function_updated_v2").wait(
        FunctionName="changing", WaiterConfig={"Delay": 1}
    )
    assert updated["CodeSha256"] == sha256_base64(OTHER_PACKAGE)
    assert updated["RevisionId"] != created["RevisionId"]
    assert account.invoke("changing").json() == "new"


def test_a_dry_run_changes_nothing(account):
    account.create("dry", PACKAGE)
    answer = account.functions.update_function_code(FunctionName="dry", ZipFile=OTHER_PACKAGE, DryRun=True)
    assert answer["CodeSha256"] == sha256_base64(OTHER_PACKAGE)
    assert account.functions.get_function_configuration(FunctionName="dry")["CodeSha256"] == sha256_base64(
        PACKAGE
    )


def test_new_configuration_is_seen_by_the_function(account):
    account.create("configured", PACKAGE, Environment={"Variables": {"GREETING": "old"}})
    assert account.invoke("configured").json()["greeting"] == "old"
    updated = account.functions.update_function_configuration(
        FunctionName="configured",
        Environment={"Variables": {"GREETING": "new"}},
        Timeout=9,
        MemorySize=192,
        Description="changed",
        EphemeralStorage={"Size": 1024},
    )
    account.functions.get_waiter("function_updated_v2").wait(
        FunctionName="configured", WaiterConfig={"Delay": 1}
    )
    assert (updated["Timeout"], updated["MemorySize"], updated["Description"]) == (9, 192, "changed")
    assert updated["EphemeralStorage"] == {"Size": 1024}
    assert updated["Handler"] == "index.handler"
    assert account.invoke("configured").json()["greeting"] == "new"


def test_an_old_revision_is_refused(account):
    created = account.create("revised", PACKAGE)
    account.functions.update_function_configuration(FunctionName="revised", Description="first change")
    account.functions.get_waiter("function_updated_v2").wait(
        FunctionName="revised", WaiterConfig={"Delay": 1}
    )
    stale = {"FunctionName": "revised", "RevisionId": created["RevisionId"]}
    with refused("PreconditionFailedException", 412, "Revision Id"):
        account.functions.update_function_configuration(Description="second change", **stale)
    with refused("PreconditionFailedException", 412, "Revision Id"):
        account.functions.update_function_code(ZipFile=OTHER_PACKAGE, **stale)
    assert (
        account.functions.get_function_configuration(FunctionName="revised")["Description"] == "first change"
    )


def test_a_deleted_function_is_gone(account):
    account.create("brief", PACKAGE, Publish=True)
    account.functions.delete_function(FunctionName="brief")
    with refused("ResourceNotFoundException", 404, f"^Function not found: {account.arn('brief')}$"):
        account.functions.get_function(FunctionName="brief")
    with refused("ResourceNotFoundException", 404):
        account.functions.delete_function(FunctionName="brief")
    with refused("ResourceNotFoundException", 404):
        account.invoke("brief")
    assert account.functions.list_functions()["Functions"] == []


@pytest.mark.parametrize(
    "call",
    [
        "get_function",
        "get_function_configuration",
        "delete_function",
        "publish_version",
        "list_versions_by_function",
    ],
)
def test_what_is_missing_is_named(account, call):
    with refused("ResourceNotFoundException", 404, f"^Function not found: {account.arn('absent')}") as error:
        getattr(account.functions, call)(FunctionName="absent")
    assert error.response["Error"].get("Type", error.response.get("Type")) in ("User", None)


def test_accounts_and_regions_are_apart(cloud, account):
    account.create("mine", PACKAGE)
    other_account, other_region = cloud.account(), type(account)(cloud, account.id, "eu-central-1")
    for elsewhere in (other_account, other_region):
        assert elsewhere.functions.list_functions()["Functions"] == []
        with refused("ResourceNotFoundException", 404):
            elsewhere.functions.get_function(FunctionName="mine")
