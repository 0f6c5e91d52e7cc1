"""Tables: their life, their settings, and what waiters and other clients make of them."""

import json
import os
import subprocess

import pytest

from cloud import eventually, refused

CLI = os.environ["CLOUDLING_TEST_AWS_CLI"]
KEY = {
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
}
ON_DEMAND = KEY | {"BillingMode": "PAY_PER_REQUEST"}


@pytest.fixture
def table(account):
    account.dynamodb.create_table(TableName="notes", **ON_DEMAND)
    account.dynamodb.get_waiter("table_exists").wait(
        TableName="notes", WaiterConfig={"Delay": 1, "MaxAttempts": 5}
    )
    return f"arn:aws:dynamodb:{account.region}:{account.id}:table/notes"


def test_a_table_from_create_to_delete(account):
    dynamodb = account.dynamodb
    created = dynamodb.create_table(TableName="notes", **ON_DEMAND, Tags=[{"Key": "a", "Value": "1"}])
    assert created["TableDescription"]["TableStatus"] == "CREATING"
    dynamodb.get_waiter("table_exists").wait(TableName="notes", WaiterConfig={"Delay": 1, "MaxAttempts": 5})
    dynamodb.put_item(TableName="notes", Item={"pk": {"S": "x"}})
    described = dynamodb.describe_table(TableName="notes")["Table"]
    assert (described["TableStatus"], described["ItemCount"]) == ("ACTIVE", 1)
    assert dynamodb.describe_table(TableName=described["TableArn"])["Table"]["TableId"] == described["TableId"]
    assert dynamodb.list_tables()["TableNames"] == ["notes"]
    with refused("ResourceInUseException", 400) as error:
        dynamodb.create_table(TableName="notes", **ON_DEMAND)
    assert error.text == "Table already exists: notes"
    assert dynamodb.delete_table(TableName="notes")["TableDescription"]["TableStatus"] == "DELETING"
    dynamodb.get_waiter("table_not_exists").wait(
        TableName="notes", WaiterConfig={"Delay": 1, "MaxAttempts": 5}
    )
    with refused("ResourceNotFoundException", 400) as error:
        dynamodb.describe_table(TableName="notes")
    assert error.text == "Requested resource not found: Table: notes not found"
    # The name begins anew.
    dynamodb.create_table(TableName="notes", **ON_DEMAND)
    assert dynamodb.scan(TableName="notes")["Count"] == 0


def test_names_are_listed_page_by_page(account):
    names = [f"table-{number}" for number in range(5)]
    for name in names:
        account.dynamodb.create_table(TableName=name, **ON_DEMAND)
    pages = account.dynamodb.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 2})
    assert [page["TableNames"] for page in pages] == [names[:2], names[2:4], names[4:]]


def test_provisioned_tables_change_their_capacity(account):
    dynamodb = account.dynamodb
    dynamodb.create_table(
        TableName="notes", **KEY, ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
    )
    change = {"ReadCapacityUnits": 10, "WriteCapacityUnits": 2}
    updated = dynamodb.update_table(TableName="notes", ProvisionedThroughput=change)["TableDescription"]
    assert updated["TableStatus"] == "UPDATING"
    described = dynamodb.describe_table(TableName="notes")["Table"]["ProvisionedThroughput"]
    assert (described["ReadCapacityUnits"], described["NumberOfDecreasesToday"]) == (10, 1)
    with refused("ValidationException", 400, "will not change"):
        dynamodb.update_table(TableName="notes", ProvisionedThroughput=change)
    dynamodb.update_table(TableName="notes", BillingMode="PAY_PER_REQUEST")
    described = dynamodb.describe_table(TableName="notes")["Table"]
    assert described["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"


def test_an_index_comes_and_goes_while_the_table_is_used(account, table):
    dynamodb = account.dynamodb
    for number in range(30):
        kind = "even" if number % 2 == 0 else "odd"
        dynamodb.put_item(TableName="notes", Item={"pk": {"S": str(number)}, "kind": {"S": kind}})
    dynamodb.update_table(
        TableName="notes",
        AttributeDefinitions=[{"AttributeName": "kind", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[
            {
                "Create": {
                    "IndexName": "by-kind",
                    "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            }
        ],
    )

    def indexes():
        return dynamodb.describe_table(TableName="notes")["Table"].get("GlobalSecondaryIndexes", [])

    eventually(lambda: [index["IndexStatus"] for index in indexes()] == ["ACTIVE"])
    query = {
        "TableName": "notes",
        "IndexName": "by-kind",
        "KeyConditionExpression": "kind = :kind",
        "ExpressionAttributeValues": {":kind": {"S": "even"}},
    }
    assert dynamodb.query(**query)["Count"] == 15
    dynamodb.update_table(
        TableName="notes", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-kind"}}]
    )
    eventually(lambda: indexes() == [])
    with refused("ValidationException", 400):
        dynamodb.query(**query)


def test_settings_read_back(account, table):
    dynamodb = account.dynamodb
    dynamodb.tag_resource(ResourceArn=table, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    dynamodb.untag_resource(ResourceArn=table, TagKeys=["a"])
    assert dynamodb.list_tags_of_resource(ResourceArn=table)["Tags"] == [{"Key": "b", "Value": "2"}]
    dynamodb.update_table(TableName="notes", DeletionProtectionEnabled=True)
    with refused("ValidationException", 400, "protected against deletion"):
        dynamodb.delete_table(TableName="notes")
    dynamodb.update_table(TableName="notes", DeletionProtectionEnabled=False)
    dynamodb.update_table(TableName="notes", TableClass="STANDARD_INFREQUENT_ACCESS")
    dynamodb.update_table(TableName="notes", SSESpecification={"Enabled": True})
    described = dynamodb.describe_table(TableName="notes")["Table"]
    assert described["TableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    assert described["SSEDescription"]["SSEType"] == "KMS"
    denied = {"Effect": "Deny", "Principal": "*", "Action": "dynamodb:GetItem", "Resource": table}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
    revision = dynamodb.put_resource_policy(ResourceArn=table, Policy=policy)["RevisionId"]
    assert dynamodb.get_resource_policy(ResourceArn=table)["Policy"] == policy
    assert dynamodb.delete_resource_policy(ResourceArn=table)["RevisionId"] == revision
    with refused("PolicyNotFoundException", 400):
        dynamodb.get_resource_policy(ResourceArn=table)
    dynamodb.update_contributor_insights(TableName="notes", ContributorInsightsAction="ENABLE")
    insights = dynamodb.describe_contributor_insights(TableName="notes")
    assert insights["ContributorInsightsStatus"] == "ENABLED"
    assert len(dynamodb.list_contributor_insights()["ContributorInsightsSummaries"]) == 1


def test_what_the_service_says_of_itself(account, table):
    dynamodb = account.dynamodb
    assert dynamodb.describe_limits()["TableMaxReadCapacityUnits"] == 40_000
    assert dynamodb.describe_endpoints()["Endpoints"][0]["Address"] == account.cloud.address
    assert dynamodb.list_global_tables()["GlobalTables"] == []
    with refused("GlobalTableNotFoundException", 400):
        dynamodb.describe_global_table(GlobalTableName="notes")
    with refused("NotImplemented", 501):
        dynamodb.create_global_table(GlobalTableName="notes", ReplicationGroup=[{"RegionName": "eu-west-1"}])
    streaming = dynamodb.describe_kinesis_streaming_destination(TableName="notes")
    assert streaming["KinesisDataStreamDestinations"] == []
    with refused("NotImplemented", 501):
        dynamodb.enable_kinesis_streaming_destination(
            TableName="notes", StreamArn=f"arn:aws:kinesis:us-east-1:{account.id}:stream/changes"
        )


def test_items_are_deleted_soon_after_they_expired(account, table):
    dynamodb = account.dynamodb
    dynamodb.put_item(TableName="notes", Item={"pk": {"S": "old"}, "ttl": {"N": "1700000000"}})
    dynamodb.put_item(TableName="notes", Item={"pk": {"S": "young"}, "ttl": {"N": "4102444800"}})
    specification = {"Enabled": True, "AttributeName": "ttl"}
    dynamodb.update_time_to_live(TableName="notes", TimeToLiveSpecification=specification)
    described = dynamodb.describe_time_to_live(TableName="notes")["TimeToLiveDescription"]
    assert described == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}

    def left():
        return [item["pk"]["S"] for item in dynamodb.scan(TableName="notes")["Items"]]

    eventually(lambda: left() == ["young"])
    with refused("ValidationException", 400, "TimeToLive is already enabled"):
        dynamodb.update_time_to_live(TableName="notes", TimeToLiveSpecification=specification)


def test_the_aws_cli_waits_for_tables(account):
    def aws(*arguments):
        result = subprocess.run(
            [CLI, "dynamodb", *arguments, "--endpoint-url", account.cloud.endpoint, "--region", account.region],
            capture_output=True,
            text=True,
            env=os.environ | {"AWS_ACCESS_KEY_ID": account.id, "AWS_SECRET_ACCESS_KEY": "secret"},
        )
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout) if result.stdout.strip() else None

    key = ["--key-schema", "AttributeName=pk,KeyType=HASH"]
    attributes = ["--attribute-definitions", "AttributeName=pk,AttributeType=S"]
    aws("create-table", "--table-name", "notes", "--billing-mode", "PAY_PER_REQUEST", *attributes, *key)
    aws("wait", "table-exists", "--table-name", "notes")
    assert aws("list-tables")["TableNames"] == ["notes"]
    aws("delete-table", "--table-name", "notes")
    aws("wait", "table-not-exists", "--table-name", "notes")
