"""Streams: every kind of iterator, views, and what comes after the end."""

import pytest

from cloud import refused

TABLE = {
    "TableName": "notes",
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}


class Stream:
    """The one shard of a table's stream."""

    def __init__(self, account, view):
        self.dynamodb, self.streams = account.dynamodb, account.dynamodbstreams
        created = self.dynamodb.create_table(
            **TABLE, StreamSpecification={"StreamEnabled": True, "StreamViewType": view}
        )
        self.arn = created["TableDescription"]["LatestStreamArn"]
        described = self.streams.describe_stream(StreamArn=self.arn)["StreamDescription"]
        assert (described["StreamStatus"], described["StreamViewType"]) == ("ENABLED", view)
        [self.shard] = described["Shards"]

    def iterator(self, kind, **more):
        asked = {"StreamArn": self.arn, "ShardId": self.shard["ShardId"], "ShardIteratorType": kind} | more
        return self.streams.get_shard_iterator(**asked)["ShardIterator"]

    def read(self, iterator):
        return self.streams.get_records(ShardIterator=iterator)

    def put(self, **attributes):
        item = {name: {"S": value} for name, value in attributes.items()}
        self.dynamodb.put_item(TableName="notes", Item=item)


@pytest.fixture
def stream(account):
    return Stream(account, "NEW_AND_OLD_IMAGES")


def test_changes_are_read_in_their_order(account, stream):
    latest = stream.iterator("LATEST")
    stream.put(pk="x", a="1")
    stream.put(pk="x", a="1")
    stream.put(pk="x", a="2")
    stream.dynamodb.delete_item(TableName="notes", Key={"pk": {"S": "x"}})
    records = stream.read(latest)["Records"]
    # The second put changed nothing.
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    change = records[1]["dynamodb"]
    assert change["Keys"] == {"pk": {"S": "x"}}
    assert (change["OldImage"]["a"], change["NewImage"]["a"]) == ({"S": "1"}, {"S": "2"})
    assert records[0]["awsRegion"] == account.region
    sequence = change["SequenceNumber"]
    for kind, expected in [("AT_SEQUENCE_NUMBER", 2), ("AFTER_SEQUENCE_NUMBER", 1)]:
        assert len(stream.read(stream.iterator(kind, SequenceNumber=sequence))["Records"]) == expected
    horizon = stream.iterator("TRIM_HORIZON")
    assert stream.read(horizon)["Records"] == records
    first = stream.streams.get_records(ShardIterator=horizon, Limit=1)
    assert first["Records"] == records[:1]
    assert stream.read(first["NextShardIterator"])["Records"] == records[1:]


@pytest.mark.parametrize(
    "view, images",
    [
        ("KEYS_ONLY", set()),
        ("NEW_IMAGE", {"NewImage"}),
        ("OLD_IMAGE", {"OldImage"}),
        ("NEW_AND_OLD_IMAGES", {"NewImage", "OldImage"}),
    ],
)
def test_views_show_what_they_say(account, view, images):
    stream = Stream(account, view)
    stream.put(pk="x", a="1")
    stream.put(pk="x", a="2")
    change = stream.read(stream.iterator("TRIM_HORIZON"))["Records"][1]["dynamodb"]
    assert {name for name in change if name.endswith("Image")} == images
    assert change["StreamViewType"] == view


def test_a_disabled_stream_ends_and_another_begins(account, stream):
    stream.put(pk="x", a="1")
    account.dynamodb.update_table(TableName="notes", StreamSpecification={"StreamEnabled": False})
    stream.put(pk="x", a="2")
    read = stream.read(stream.iterator("TRIM_HORIZON"))
    assert len(read["Records"]) == 1 and "NextShardIterator" not in read
    described = stream.streams.describe_stream(StreamArn=stream.arn)["StreamDescription"]
    assert described["StreamStatus"] == "DISABLED"
    assert "EndingSequenceNumber" in described["Shards"][0]["SequenceNumberRange"]
    again = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    account.dynamodb.update_table(TableName="notes", StreamSpecification=again)
    with refused("ValidationException", 400, "Table already has an enabled stream: TableName: notes"):
        account.dynamodb.update_table(TableName="notes", StreamSpecification=again)
    listed = stream.streams.list_streams(TableName="notes")["Streams"]
    assert len(listed) == 2 and listed[0]["StreamArn"] == stream.arn


def test_what_is_not_there_is_refused(stream):
    with refused("ResourceNotFoundException", 400):
        stream.streams.describe_stream(StreamArn=stream.arn[:-1] + "x")
    with refused("ValidationException", 400):
        stream.read("nothing")
    with refused("ResourceNotFoundException", 400):
        stream.streams.get_shard_iterator(
            StreamArn=stream.arn, ShardId="shardId-00000000000000000000-00000000", ShardIteratorType="LATEST"
        )
