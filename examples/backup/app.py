"""Keeps a month of backups of a table: run once a day, by a schedule or by hand."""

import os
from datetime import datetime, timedelta

import boto3

TABLE = os.environ["TABLE"]
KEPT = timedelta(days=int(os.environ.get("KEPT_DAYS", "30")))

dynamodb = boto3.client("dynamodb")


def handler(event, context):
    # A scheduled event says when it was due; that is the time that counts, also when it comes late.
    now = datetime.fromisoformat(event["time"].replace("Z", "+00:00"))
    old = list(older_than(now - KEPT))
    created = dynamodb.create_backup(TableName=TABLE, BackupName=f"{TABLE}-{now:%Y-%m-%dT%H-%M}")
    # Old ones go only when there is a new one.
    deleted = [remove(backup) for backup in old]
    return {"created": created["BackupDetails"]["BackupArn"], "deleted": deleted}


def older_than(bound):
    start = {}
    while True:
        page = dynamodb.list_backups(TableName=TABLE, BackupType="USER", TimeRangeUpperBound=bound, **start)
        yield from page["BackupSummaries"]
        if "LastEvaluatedBackupArn" not in page:
            return
        start = {"ExclusiveStartBackupArn": page["LastEvaluatedBackupArn"]}


def remove(backup):
    dynamodb.delete_backup(BackupArn=backup["BackupArn"])
    return backup["BackupArn"]
