"""DynamoDB by PartiQL through boto3, by the AWS CLI, and by an object mapper, all unmodified."""

import base64
import json
import os
import subprocess

import pytest
from pynamodb import attributes
from pynamodb.connection import Connection
from pynamodb.exceptions import DoesNotExist, PutError
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from cloud import REGION, refused

CLI = os.environ["CLOUDLING_TEST_AWS_CLI"]


@pytest.fixture
def db(account):
    client = account.client("dynamodb")
    client.create_table(
        TableName="tab",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    client.get_waiter("table_exists").wait(TableName="tab", WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    return client


def test_partiql_statements_batches_and_transactions(db):
    db.execute_statement(
        Statement="INSERT INTO tab VALUE {'pk': ?, 'n': ?}", Parameters=[{"S": "a"}, {"N": "1"}]
    )
    with refused("DuplicateItemException"):
        db.execute_statement(Statement="INSERT INTO tab VALUE {'pk': 'a'}")
    found = db.execute_statement(Statement="SELECT * FROM tab WHERE pk = 'a'", ReturnConsumedCapacity="TOTAL")
    assert found["Items"] == [{"pk": {"S": "a"}, "n": {"N": "1"}}]
    assert found["ConsumedCapacity"] == {"TableName": "tab", "CapacityUnits": 0.5}
    with refused("ConditionalCheckFailedException") as failed:
        db.execute_statement(
            Statement="UPDATE tab SET n = 3 WHERE pk = 'a' AND n = 2", ReturnValuesOnConditionCheckFailure="ALL_OLD"
        )
    assert failed.response["Item"]["n"] == {"N": "1"}

    batch = db.batch_execute_statement(
        Statements=[
            {"Statement": "UPDATE tab SET n = n + 1 WHERE pk = 'a' RETURNING ALL NEW *"},
            {"Statement": "UPDATE tab SET n = n + 1 WHERE pk = 'b'"},
        ]
    )
    assert batch["Responses"][0]["Item"]["n"] == {"N": "2"}
    assert batch["Responses"][1]["Error"]["Code"] == "ConditionalCheckFailed"

    with refused("TransactionCanceledException") as cancelled:
        db.execute_transaction(
            TransactStatements=[
                {"Statement": "UPDATE tab SET n = 9 WHERE pk = 'a'"},
                {"Statement": "DELETE FROM tab WHERE pk = 'b' AND n = 1"},
            ]
        )
    codes = [reason["Code"] for reason in cancelled.response["CancellationReasons"]]
    assert codes == ["None", "ConditionalCheckFailed"]
    db.execute_transaction(
        TransactStatements=[
            {"Statement": "UPDATE tab SET n = 9 WHERE pk = 'a'"},
            {"Statement": "INSERT INTO tab VALUE {'pk': 'b', 'l': [1, 'x', {'m': true}]}"},
        ]
    )
    pages = db.execute_statement(Statement="SELECT pk FROM tab", Limit=1)
    rest = db.execute_statement(Statement="SELECT pk FROM tab", Limit=1, NextToken=pages["NextToken"])
    assert {item["pk"]["S"] for item in pages["Items"] + rest["Items"]} == {"a", "b"}


def test_the_command_line_puts_reads_and_deletes(account, db, tmp_path):
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": account.cloud.endpoint,
        "AWS_ACCESS_KEY_ID": account.id,
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_PAGER": "",
    }

    def aws(*words):
        command = [CLI, "dynamodb", *words, "--output", "json"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    for number in range(3):
        item = json.dumps({"pk": {"S": f"k{number}"}, "n": {"N": str(number)}, "b": {"B": "AAEC"}})
        aws("put-item", "--table-name", "tab", "--item", item)
    got = aws("get-item", "--table-name", "tab", "--key", '{"pk":{"S":"k1"}}', "--consistent-read")
    # The command line takes bytes as they are, unless it is told otherwise.
    assert got["Item"]["b"] == {"B": base64.b64encode(b"AAEC").decode()}
    scanned = aws("scan", "--table-name", "tab", "--page-size", "1")
    assert scanned["Count"] == 3
    selected = aws("execute-statement", "--statement", "SELECT n FROM tab WHERE pk='k2'")
    assert selected["Items"] == [{"n": {"N": "2"}}]
    deleted = aws("delete-item", "--table-name", "tab", "--key", '{"pk":{"S":"k1"}}', "--return-values", "ALL_OLD")
    assert deleted["Attributes"]["n"] == {"N": "1"}


def test_pynamodb_maps_queries_and_transacts(account):
    class ByOwner(GlobalSecondaryIndex):
        class Meta:
            index_name = "by-owner"
            projection = AllProjection()

        owner = attributes.UnicodeAttribute(hash_key=True)
        sk = attributes.NumberAttribute(range_key=True)

    class Thing(Model):
        class Meta:
            table_name = "mapped"
            host = account.cloud.endpoint
            region = account.region
            aws_access_key_id = account.id
            aws_secret_access_key = "secret"
            billing_mode = "PAY_PER_REQUEST"

        pk = attributes.UnicodeAttribute(hash_key=True)
        sk = attributes.NumberAttribute(range_key=True)
        owner = attributes.UnicodeAttribute(null=True)
        tags = attributes.UnicodeSetAttribute(null=True)
        notes = attributes.ListAttribute(default=list)
        version = attributes.VersionAttribute()
        by_owner = ByOwner()

    Thing.create_table(wait=True)
    with Thing.batch_write() as batch:
        for number in range(30):
            batch.save(Thing("p", number, owner="o" if number % 3 == 0 else "x", tags={"a", "b"}, notes=[1, "n"]))
    assert [thing.sk for thing in Thing.query("p", Thing.sk.between(3, 6))] == [3, 4, 5, 6]
    assert [thing.sk for thing in Thing.by_owner.query("o", Thing.sk > 20, scan_index_forward=False)] == [27, 24, 21]
    assert sum(1 for _ in Thing.scan(Thing.tags.contains("a"), page_size=7)) == 30
    thing = Thing.get("p", 3)
    assert (thing.tags, thing.notes) == ({"a", "b"}, [1, "n"])
    thing.update(actions=[Thing.owner.set("new"), Thing.tags.delete({"a"}), Thing.notes.set(Thing.notes.append(["m"]))])
    assert Thing.get("p", 3).notes == [1, "n", "m"]
    stale = Thing("p", 3, owner="stale")
    with pytest.raises(PutError):
        stale.save()
    connection = Connection(
        region=account.region, host=account.cloud.endpoint
    )
    connection.session.set_credentials(account.id, "secret")
    with TransactWrite(connection=connection) as transaction:
        transaction.save(Thing("p", 100, owner="tab"))
        transaction.delete(Thing.get("p", 4))
    assert Thing.get("p", 100).owner == "tab"
    with pytest.raises(DoesNotExist):
        Thing.get("p", 4)
