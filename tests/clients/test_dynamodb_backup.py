"""Backups, and tables made from the past."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cloud import eventually, refused

TABLE = {
    "TableName": "notes",
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}


@pytest.fixture
def dynamodb(account):
    account.dynamodb.create_table(**TABLE)
    return account.dynamodb


def put(dynamodb, key, value):
    dynamodb.put_item(TableName="notes", Item={"pk": {"S": key}, "a": {"S": value}})


def contents(dynamodb, table):
    items = dynamodb.scan(TableName=table)["Items"]
    return {item["pk"]["S"]: item["a"]["S"] for item in items}


def test_a_backup_from_create_to_delete(dynamodb):
    put(dynamodb, "x", "1")
    created = dynamodb.create_backup(TableName="notes", BackupName="first")["BackupDetails"]
    arn = created["BackupArn"]
    put(dynamodb, "x", "2")
    described = dynamodb.describe_backup(BackupArn=arn)["BackupDescription"]
    assert described["BackupDetails"]["BackupStatus"] == "AVAILABLE"
    assert described["SourceTableDetails"]["TableName"] == "notes"
    dynamodb.restore_table_from_backup(TargetTableName="copy", BackupArn=arn)
    dynamodb.get_waiter("table_exists").wait(TableName="copy", WaiterConfig={"Delay": 1, "MaxAttempts": 10})
    assert contents(dynamodb, "copy") == {"x": "1"}
    now = datetime.now(UTC)
    listed = dynamodb.list_backups(
        TableName="notes",
        TimeRangeLowerBound=now - timedelta(minutes=5),
        TimeRangeUpperBound=now + timedelta(minutes=5),
    )
    assert [backup["BackupName"] for backup in listed["BackupSummaries"]] == ["first"]
    assert dynamodb.list_backups(TimeRangeUpperBound=now - timedelta(minutes=5))["BackupSummaries"] == []
    deleted = dynamodb.delete_backup(BackupArn=arn)["BackupDescription"]
    assert deleted["BackupDetails"]["BackupStatus"] == "DELETED"
    with refused("BackupNotFoundException", 400):
        dynamodb.describe_backup(BackupArn=arn)
    with refused("TableNotFoundException", 400):
        dynamodb.create_backup(TableName="nothing", BackupName="first")


def test_a_table_is_restored_to_a_moment(dynamodb):
    with refused("PointInTimeRecoveryUnavailableException", 400):
        dynamodb.restore_table_to_point_in_time(
            SourceTableName="notes", TargetTableName="then", UseLatestRestorableTime=True
        )
    recovery = {"PointInTimeRecoveryEnabled": True}
    enabled = dynamodb.update_continuous_backups(
        TableName="notes", PointInTimeRecoverySpecification=recovery
    )["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert (enabled["PointInTimeRecoveryStatus"], enabled["RecoveryPeriodInDays"]) == ("ENABLED", 35)
    put(dynamodb, "x", "1")
    # Moments are whole seconds.
    moment = int(time.time()) + 1
    eventually(lambda: time.time() > moment + 1)
    put(dynamodb, "x", "2")
    put(dynamodb, "y", "2")
    dynamodb.restore_table_to_point_in_time(
        SourceTableName="notes", TargetTableName="then", RestoreDateTime=moment
    )
    dynamodb.get_waiter("table_exists").wait(TableName="then", WaiterConfig={"Delay": 1, "MaxAttempts": 10})
    assert contents(dynamodb, "then") == {"x": "1"}
    described = dynamodb.describe_continuous_backups(TableName="notes")["ContinuousBackupsDescription"]
    assert described["ContinuousBackupsStatus"] == "ENABLED"
    with refused("InvalidRestoreTimeException", 400):
        dynamodb.restore_table_to_point_in_time(
            SourceTableName="notes", TargetTableName="early", RestoreDateTime=moment - 86_400
        )


def test_the_example_keeps_a_month_of_backups(account, dynamodb):
    source = (Path(__file__).parents[2] / "examples/backup/app.py").read_text()
    environment = {"Variables": {"TABLE": "notes"}}
    account.create(
        "backup", {"app.py": source}, Runtime="python3.12", Handler="app.handler", Environment=environment
    )

    def run(now):
        return account.invoke("backup", {"time": f"{now:%Y-%m-%dT%H:%M:%SZ}"}).json()

    def backups():
        summaries = dynamodb.list_backups(TableName="notes")["BackupSummaries"]
        return [backup["BackupArn"] for backup in summaries]

    now = datetime.now(UTC)
    first = run(now)
    assert first["deleted"] == []
    almost = run(now + timedelta(days=29))
    assert almost["deleted"] == [] and backups() == [first["created"], almost["created"]]
    # A month later, by the time of the event, those two are too old.
    moved = run(now + timedelta(days=31))
    assert moved["deleted"] == [first["created"], almost["created"]]
    assert backups() == [moved["created"]]
