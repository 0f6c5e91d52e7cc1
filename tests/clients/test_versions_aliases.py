"""Versions freeze code and configuration; aliases point at them, by weight if asked."""

import collections

import pytest

from cloud import refused, zip_of

SAYS_VERSION = (
    "exports.handler = async () => process.env.AWS_LAMBDA_FUNCTION_VERSION + ' ' + process.env.TEXT;"
)


@pytest.fixture
def two_versions(account):
    """Function `f` with versions 1 and 2 that differ in their environment."""
    account.node("f", SAYS_VERSION, Environment={"Variables": {"TEXT": "one"}})
    account.functions.publish_version(FunctionName="f", Description="the first")
    account.functions.update_function_configuration(
        FunctionName="f", Environment={"Variables": {"TEXT": "two"}}
    )
    account.functions.get_waiter("function_updated_v2").wait(FunctionName="f", WaiterConfig={"Delay": 1})
    account.functions.publish_version(FunctionName="f", Description="the second")
    return account


def test_a_version_keeps_code_and_configuration(two_versions):
    account = two_versions
    assert account.invoke("f", Qualifier="1").json() == "1 one"
    assert account.invoke("f", Qualifier="2").json() == "2 two"
    account.functions.update_function_code(
        FunctionName="f", ZipFile=zip_of({"index.js": "exports.handler = async () => 'new';"})
    )
    account.functions.get_waiter("function_updated_v2").wait(FunctionName="f", WaiterConfig={"Delay": 1})
    assert account.invoke("f").json() == "new"
    assert account.invoke("f", Qualifier="1").json() == "1 one"
    first = account.functions.get_function_configuration(FunctionName="f", Qualifier="1")
    assert (first["Version"], first["Description"]) == ("1", "the first")
    assert first["FunctionArn"] == account.arn("f", "1")


def test_publishing_without_a_change_answers_the_last_version(two_versions):
    again = two_versions.functions.publish_version(FunctionName="f")
    assert (again["Version"], again["Description"]) == ("2", "the second")


def test_publishing_checks_the_code_and_revision(two_versions):
    functions = two_versions.functions
    with refused("InvalidParameterValueException", 400, "CodeSHA256"):
        functions.publish_version(FunctionName="f", CodeSha256="somethingelse")
    with refused("PreconditionFailedException", 412):
        functions.publish_version(FunctionName="f", RevisionId="00000000-0000-0000-0000-000000000000")


def test_versions_are_listed_in_pages(two_versions):
    pages = list(
        two_versions.functions.get_paginator("list_versions_by_function").paginate(
            FunctionName="f", PaginationConfig={"PageSize": 2}
        )
    )
    assert [[version["Version"] for version in page["Versions"]] for page in pages] == [
        ["$LATEST", "1"],
        ["2"],
    ]


def test_publish_with_create_and_update(account):
    created = account.node("f", SAYS_VERSION, Publish=True)
    assert created["Version"] == "1"
    updated = account.functions.update_function_code(
        FunctionName="f", ZipFile=zip_of({"index.js": "exports.handler = async () => 2;"}), Publish=True
    )
    assert updated["Version"] == "2"
    assert account.invoke("f", Qualifier="2").json() == 2


def test_one_version_can_be_deleted(two_versions):
    account = two_versions
    account.functions.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    with refused("ResourceConflictException", 409):
        account.functions.delete_function(FunctionName="f", Qualifier="1")
    account.functions.delete_function(FunctionName="f", Qualifier="2")
    with refused("ResourceNotFoundException", 404):
        account.functions.get_function_configuration(FunctionName="f", Qualifier="2")
    with refused("InvalidParameterValueException", 400):
        account.functions.delete_function(FunctionName="f", Qualifier="$LATEST")
    assert account.invoke("f").json() == "$LATEST two"


def test_numbers_are_not_used_twice(two_versions):
    account = two_versions
    account.functions.delete_function(FunctionName="f", Qualifier="2")
    account.functions.update_function_configuration(FunctionName="f", Description="changed")
    account.functions.get_waiter("function_updated_v2").wait(FunctionName="f", WaiterConfig={"Delay": 1})
    assert account.functions.publish_version(FunctionName="f")["Version"] == "3"


def test_alias_life(two_versions):
    account, functions = two_versions, two_versions.functions
    created = functions.create_alias(
        FunctionName="f", Name="live", FunctionVersion="1", Description="what users see"
    )
    assert created["AliasArn"] == account.arn("f", "live")
    assert (created["Name"], created["FunctionVersion"], created["Description"]) == (
        "live",
        "1",
        "what users see",
    )
    assert created["RevisionId"]
    read = functions.get_alias(FunctionName="f", Name="live")
    assert {**read, "ResponseMetadata": 0} == {**created, "ResponseMetadata": 0}
    updated = functions.update_alias(
        FunctionName="f", Name="live", FunctionVersion="2", RevisionId=created["RevisionId"]
    )
    assert updated["FunctionVersion"] == "2" and updated["Description"] == "what users see"
    with refused("PreconditionFailedException", 412):
        functions.update_alias(
            FunctionName="f", Name="live", FunctionVersion="1", RevisionId=created["RevisionId"]
        )
    assert account.invoke("f", Qualifier="live").json() == "2 two"
    with refused("ResourceConflictException", 409, "Alias already exists"):
        functions.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    functions.create_alias(FunctionName="f", Name="beta", FunctionVersion="$LATEST")
    functions.create_alias(FunctionName="f", Name="alpha", FunctionVersion="1")
    pages = list(
        functions.get_paginator("list_aliases").paginate(FunctionName="f", PaginationConfig={"PageSize": 2})
    )
    assert [len(page["Aliases"]) for page in pages] == [2, 1]
    assert {alias["Name"] for page in pages for alias in page["Aliases"]} == {"live", "beta", "alpha"}
    only = functions.list_aliases(FunctionName="f", FunctionVersion="1")["Aliases"]
    assert [alias["Name"] for alias in only] == ["alpha"]
    functions.delete_alias(FunctionName="f", Name="live")
    with refused("ResourceNotFoundException", 404, "Cannot find alias arn: " + account.arn("f", "live")):
        functions.get_alias(FunctionName="f", Name="live")
    functions.delete_alias(FunctionName="f", Name="live")


def test_an_alias_needs_its_version(two_versions):
    functions = two_versions.functions
    with refused("ResourceNotFoundException", 404):
        functions.create_alias(FunctionName="f", Name="live", FunctionVersion="9")
    for name in ("7", "with space"):
        with refused(("ValidationException", "InvalidParameterValueException"), 400):
            functions.create_alias(FunctionName="f", Name=name, FunctionVersion="1")


def test_weights_route(two_versions):
    account, functions = two_versions, two_versions.functions
    functions.create_alias(
        FunctionName="f",
        Name="live",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}},
    )
    assert functions.get_alias(FunctionName="f", Name="live")["RoutingConfig"] == {
        "AdditionalVersionWeights": {"2": 0.5}
    }
    answers = collections.Counter(account.invoke("f", Qualifier="live").version for _ in range(60))
    # A fair coin leaves 8..52 of 60 with probability 5e-9.
    assert set(answers) == {"1", "2"} and 8 <= answers["2"] <= 52, answers
    for weight, only in ((0.0, "1"), (1.0, "2")):
        functions.update_alias(
            FunctionName="f", Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": weight}}
        )
        assert {account.invoke("f", Qualifier="live").version for _ in range(12)} == {only}
    functions.update_alias(FunctionName="f", Name="live", RoutingConfig={})
    assert (
        functions.get_alias(FunctionName="f", Name="live")
        .get("RoutingConfig", {})
        .get("AdditionalVersionWeights", {})
        == {}
    )


def test_wrong_weights_are_refused(two_versions):
    functions = two_versions.functions
    for weights in ({"2": 1.5}, {"2": -0.1}, {"9": 0.5}, {"1": 0.5}, {"$LATEST": 0.5}):
        with refused(("ValidationException", "InvalidParameterValueException", "ResourceNotFoundException")):
            functions.create_alias(
                FunctionName="f",
                Name="live",
                FunctionVersion="1",
                RoutingConfig={"AdditionalVersionWeights": weights},
            )
    with refused("ResourceNotFoundException", 404):
        functions.get_alias(FunctionName="f", Name="live")
