"""Streams that start functions: order, filters, retries, bisection, partial failures, windows, restarts."""

import json
import signal

import pytest

from cloud import eventually, refused

TABLE = {
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}

# Writes each event it gets to the table `seen`, then fails for what is to fail.
RECORDER = """
    import boto3, json, uuid
    seen = boto3.client("dynamodb")
    def handler(event, context):
        keys = [record["dynamodb"]["Keys"]["pk"]["S"] for record in event["Records"]]
        seen.put_item(TableName="seen", Item={
            "pk": {"S": str(uuid.uuid4())}, "keys": {"S": json.dumps(keys)}, "event": {"S": json.dumps(event)}})
        %s
"""


class Mapped:
    """A table whose changes start a function that notes what it gets."""

    def __init__(self, account, then="pass"):
        self.account = account
        dynamodb = account.dynamodb
        dynamodb.create_table(TableName="seen", **TABLE)
        created = dynamodb.create_table(
            TableName="source",
            **TABLE,
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        self.stream = created["TableDescription"]["LatestStreamArn"]
        account.python("recorder", RECORDER % then)

    def map(self, **settings):
        settings = {"StartingPosition": "TRIM_HORIZON"} | settings
        mapping = self.account.functions.create_event_source_mapping(
            FunctionName="recorder", EventSourceArn=self.stream, **settings
        )
        assert mapping["State"] == "Creating"
        self.uuid = mapping["UUID"]
        return mapping

    def put(self, *keys, **attributes):
        more = {name: {"S": value} for name, value in attributes.items()}
        for key in keys:
            self.account.dynamodb.put_item(TableName="source", Item={"pk": {"S": key}} | more)

    def events(self):
        items = self.account.dynamodb.scan(TableName="seen", ConsistentRead=True)["Items"]
        return [json.loads(item["event"]["S"]) for item in items]

    def batches(self):
        items = self.account.dynamodb.scan(TableName="seen", ConsistentRead=True)["Items"]
        return [json.loads(item["keys"]["S"]) for item in items]

    def delivered(self):
        return sorted(key for batch in self.batches() for key in batch)

    def state(self):
        return self.account.functions.get_event_source_mapping(UUID=self.uuid)["State"]


def test_changes_start_the_function(account):
    mapped = Mapped(account)
    mapped.put("before")
    created = mapped.map(BatchSize=10)
    assert (created["BatchSize"], created["MaximumRetryAttempts"], created["ParallelizationFactor"]) == (10, -1, 1)
    mapped.put("a", "b", "c")
    eventually(lambda: mapped.delivered() == ["a", "b", "before", "c"])
    record = mapped.events()[0]["Records"][0]
    assert record["eventSource"] == "aws:dynamodb"
    assert record["eventSourceARN"] == mapped.stream
    assert isinstance(record["dynamodb"]["ApproximateCreationDateTime"], (int, float))
    eventually(lambda: mapped.state() == "Enabled")
    last = account.functions.get_event_source_mapping(UUID=mapped.uuid)["LastProcessingResult"]
    assert last == "OK"


def test_a_mapping_is_disabled_changed_and_deleted(account):
    mapped = Mapped(account)
    mapped.map(StartingPosition="LATEST")
    functions = account.functions
    eventually(lambda: mapped.state() == "Enabled")
    listed = functions.list_event_source_mappings(FunctionName="recorder")["EventSourceMappings"]
    assert [mapping["UUID"] for mapping in listed] == [mapped.uuid]
    with refused("ResourceConflictException", 409, "mapping already exists"):
        functions.create_event_source_mapping(
            FunctionName="recorder", EventSourceArn=mapped.stream, StartingPosition="LATEST"
        )
    updated = functions.update_event_source_mapping(UUID=mapped.uuid, Enabled=False)
    assert updated["State"] == "Disabling"
    eventually(lambda: mapped.state() == "Disabled")
    mapped.put("while disabled")
    updated = functions.update_event_source_mapping(UUID=mapped.uuid, Enabled=True, BatchSize=7)
    assert (updated["State"], updated["BatchSize"]) == ("Enabling", 7)
    eventually(lambda: mapped.delivered() == ["while disabled"])
    assert functions.delete_event_source_mapping(UUID=mapped.uuid)["State"] == "Deleting"

    def gone():
        return not functions.list_event_source_mappings()["EventSourceMappings"]

    eventually(gone)
    with refused("ResourceNotFoundException", 404):
        functions.get_event_source_mapping(UUID=mapped.uuid)


def test_filters_drop_what_is_not_wanted(account):
    mapped = Mapped(account)
    wanted = {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"kind": {"S": [{"prefix": "or"}]}}}}
    mapped.map(FilterCriteria={"Filters": [{"Pattern": json.dumps(wanted)}]})
    mapped.put("a", kind="order")
    mapped.put("a", kind="order again")
    mapped.put("b", kind="other")
    mapped.put("c", kind="order")
    eventually(lambda: mapped.delivered() == ["a", "c"])
    with refused("InvalidParameterValueException", 400, "Invalid filter pattern"):
        account.functions.update_event_source_mapping(
            UUID=mapped.uuid, FilterCriteria={"Filters": [{"Pattern": "{"}]}
        )


def test_a_record_that_fails_is_found_by_bisection_and_told_to_a_bucket(account):
    mapped = Mapped(account, then='if "bad" in keys: raise ValueError("bad")')
    account.s3.create_bucket(Bucket=f"failures-{account.id}")
    mapped.put("a", "b", "bad", "c", "d")
    mapped.map(
        MaximumRetryAttempts=1,
        BisectBatchOnFunctionError=True,
        DestinationConfig={"OnFailure": {"Destination": f"arn:aws:s3:::failures-{account.id}"}},
    )

    def told():
        return account.s3.list_objects_v2(Bucket=f"failures-{account.id}").get("Contents", [])

    [told_object] = eventually(told)
    key = told_object["Key"]
    assert key.startswith(f"aws/lambda/{mapped.uuid}/shardId-")
    record = json.loads(account.s3.get_object(Bucket=f"failures-{account.id}", Key=key)["Body"].read())
    assert record["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert record["responseContext"]["functionError"] == "Unhandled"
    assert record["DDBStreamBatchInfo"]["batchSize"] == 1
    [lost] = record["payload"]["Records"]
    assert lost["dynamodb"]["Keys"]["pk"]["S"] == "bad"
    # What came after is delivered all the same.
    eventually(lambda: any("d" in batch and "bad" not in batch for batch in mapped.batches()))


REPORTS_C = """failed = [r for r in event["Records"] if r["dynamodb"]["Keys"]["pk"]["S"] == "c"]
        if failed and len(keys) > 1:
            return {"batchItemFailures": [{"itemIdentifier": failed[0]["dynamodb"]["SequenceNumber"]}]}"""


def test_reported_failures_are_delivered_again_from_the_first_of_them(account):
    mapped = Mapped(account, then=REPORTS_C)
    mapped.put("a", "b", "c")
    mapped.map(FunctionResponseTypes=["ReportBatchItemFailures"])
    eventually(lambda: sorted(mapped.batches()) == [["a", "b", "c"], ["c"]])


def test_tumbling_windows_pass_their_state_along(account):
    count = """return {"state": {"count": event["state"].get("count", 0) + len(keys)}}"""
    mapped = Mapped(account, then=count)
    mapped.map(TumblingWindowInSeconds=2, BatchSize=1)
    mapped.put("a", "b", "c")
    finals = eventually(lambda: [event for event in mapped.events() if event["isFinalInvokeForWindow"]])
    eventually(lambda: mapped.delivered() == ["a", "b", "c"])

    def counted():
        ends = [event for event in mapped.events() if event["isFinalInvokeForWindow"]]
        return sum(event["state"]["count"] for event in ends) == 3

    eventually(counted)
    assert finals[0]["Records"] == [] and finals[0]["eventSourceARN"] == mapped.stream


def test_partitions_side_by_side_keep_their_order(account):
    mapped = Mapped(account)
    for number in range(5):
        mapped.put("x", "y", "z", number=str(number))
    mapped.map(ParallelizationFactor=3, BatchSize=2)
    eventually(lambda: len(mapped.delivered()) == 15)
    for key in "xyz":
        numbers = [
            record["dynamodb"]["NewImage"]["number"]["S"]
            for event in mapped.events()
            for record in event["Records"]
            if record["dynamodb"]["Keys"]["pk"]["S"] == key
        ]
        assert sorted(numbers) == ["0", "1", "2", "3", "4"]


def test_nothing_is_lost_when_the_process_is_killed(own_cloud):
    mapped = Mapped(own_cloud.account())
    mapped.map(BatchSize=2)
    mapped.put(*[f"{number:02}" for number in range(10)])
    eventually(lambda: len(mapped.delivered()) >= 3)
    own_cloud.stop(signal.SIGKILL)
    own_cloud.start()
    mapped.account._clients.clear()
    mapped.put("after")
    expected = {f"{number:02}" for number in range(10)} | {"after"}
    eventually(lambda: set(mapped.delivered()) == expected, 40)


@pytest.mark.parametrize(
    "source, code",
    [
        ("arn:aws:sqs:us-east-1:111122223333:queue", "NotImplemented"),
        ("arn:aws:kinesis:us-east-1:111122223333:stream/s", "NotImplemented"),
        ("arn:aws:s3:::bucket", "InvalidParameterValueException"),
        (
            "arn:aws:dynamodb:us-east-1:111122223333:table/t/stream/2026-01-02T03:04:05.678",
            "InvalidParameterValueException",
        ),
    ],
)
def test_sources_that_are_not_there_are_refused(account, source, code):
    account.python("recorder", "def handler(event, context): pass")
    with refused(code):
        account.functions.create_event_source_mapping(
            FunctionName="recorder", EventSourceArn=source, StartingPosition="LATEST"
        )


def test_starting_positions_are_those_of_dynamodb(account):
    mapped = Mapped(account)
    with refused("InvalidParameterValueException", 400, "Unsupported starting position for arn type"):
        mapped.map(StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=1_700_000_000)
    with refused("ValidationException", 400, "startingPosition"):
        account.functions.create_event_source_mapping(FunctionName="recorder", EventSourceArn=mapped.stream)
