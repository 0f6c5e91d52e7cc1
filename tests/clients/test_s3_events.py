"""Functions are told of what happens to objects: with permission, at least once, whatever happens to the server."""

import json
import signal

import pytest

from cloud import Account, Cloud, eventually, refused
from s3_shared import name

TELLS = """
    exports.handler = async (event) => console.log('told ' + JSON.stringify(event.Records[0]));
"""


def permit(account, function, bucket):
    account.functions.add_permission(
        FunctionName=function,
        StatementId=f"from-{bucket}",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn=f"arn:aws:s3:::{bucket}",
        SourceAccount=account.id,
    )


def notify(account, bucket, function, events, prefix="", suffix=""):
    rules = [{"Name": "prefix", "Value": prefix}, {"Name": "suffix", "Value": suffix}]
    rule = {
        "Id": "rule",
        "LambdaFunctionArn": account.arn(function),
        "Events": events,
        "Filter": {"Key": {"FilterRules": rules}},
    }
    account.s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [rule]}
    )


def told(account, function):
    lines = [event["message"] for event in account.logged(f"/aws/lambda/{function}", '"told"')]
    return [json.loads(line.split("told ", 1)[1]) for line in lines]


@pytest.fixture
def bucket(account):
    made = name()
    account.s3.create_bucket(Bucket=made)
    account.node("f", TELLS)
    return made


def test_a_function_is_told_of_uploads(account, bucket):
    permit(account, "f", bucket)
    notify(account, bucket, "f", ["s3:ObjectCreated:*"], "in/", ".txt")
    s3 = account.s3
    for key in ["in/red flower.txt", "in/other.bin", "out/a.txt"]:
        s3.put_object(Bucket=bucket, Key=key, Body=b"12345")
    (record,) = eventually(lambda: told(account, "f"))
    assert record["eventSource"] == "aws:s3" and record["eventName"] == "ObjectCreated:Put"
    assert record["eventVersion"].startswith("2.") and record["awsRegion"] == "us-east-1"
    assert record["s3"]["configurationId"] == "rule"
    assert record["s3"]["bucket"]["name"] == bucket
    assert record["s3"]["bucket"]["arn"] == f"arn:aws:s3:::{bucket}"
    thing = record["s3"]["object"]
    assert (thing["key"], thing["size"]) == ("in/red+flower.txt", 5)
    assert thing["eTag"] == "827ccb0eea8a706c4c34a16891f84e7b" and thing["sequencer"]
    assert record["userIdentity"]["principalId"].startswith("AWS:")


def test_each_kind_of_change_has_its_event(account, bucket):
    permit(account, "f", bucket)
    notify(account, bucket, "f", ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*"])
    s3 = account.s3
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=bucket, Key="a", Body=b"a")["VersionId"]
    s3.copy_object(Bucket=bucket, Key="b", CopySource={"Bucket": bucket, "Key": "a"})
    s3.put_object_tagging(Bucket=bucket, Key="a", Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    s3.delete_object(Bucket=bucket, Key="a")
    s3.delete_object(Bucket=bucket, Key="a", VersionId=version)
    wanted = [
        "ObjectCreated:Copy",
        "ObjectCreated:Put",
        "ObjectRemoved:Delete",
        "ObjectRemoved:DeleteMarkerCreated",
        "ObjectTagging:Put",
    ]
    eventually(lambda: sorted({record["eventName"] for record in told(account, "f")}) == wanted)
    records = {record["eventName"]: record["s3"]["object"] for record in told(account, "f")}
    assert records["ObjectCreated:Put"]["versionId"] == version
    assert "size" not in records["ObjectRemoved:Delete"]
    # Sequencers of one key order its changes.
    assert records["ObjectCreated:Put"]["sequencer"] < records["ObjectRemoved:DeleteMarkerCreated"]["sequencer"]


def test_targets_are_checked(account, bucket):
    with refused("InvalidArgument", 400, "Unable to validate the following destination configurations"):
        notify(account, bucket, "f", ["s3:ObjectCreated:*"])
    with refused("InvalidArgument", 400, "Unable to validate the following destination configurations"):
        notify(account, bucket, "missing", ["s3:ObjectCreated:*"])
    permit(account, "f", "another-bucket")
    with refused("InvalidArgument", 400):
        notify(account, bucket, "f", ["s3:ObjectCreated:*"])
    permit(account, "f", bucket)
    # AWS calls it InvalidArgument; here the document's schema is checked first.
    with refused("MalformedXML", 400):
        notify(account, bucket, "f", ["s3:ObjectCreated:Eaten"])
    queue = {"QueueArn": f"arn:aws:sqs:us-east-1:{account.id}:q", "Events": ["s3:ObjectCreated:*"]}
    with refused("NotImplemented", 501):
        account.s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [queue]}
        )
    notify(account, bucket, "f", ["s3:ObjectCreated:*"], "a")
    found = account.s3.get_bucket_notification_configuration(Bucket=bucket)
    (rule,) = found["LambdaFunctionConfigurations"]
    assert rule["LambdaFunctionArn"] == account.arn("f") and rule["Events"] == ["s3:ObjectCreated:*"]
    account.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    found = account.s3.get_bucket_notification_configuration(Bucket=bucket)
    assert "LambdaFunctionConfigurations" not in found


# Writes down what it is told where a killed server does not lose it.
WRITES_DOWN = """
    const { S3Client, PutObjectCommand } = require('@aws-sdk/client-s3');
    const s3 = new S3Client({});
    exports.handler = async (event) => {
      for (const record of event.Records) {
        await s3.send(new PutObjectCommand({ Bucket: process.env.TOLD, Key: record.s3.object.key, Body: '' }));
      }
    };
"""
UPLOADS = 20


def test_what_was_stored_is_told_though_the_server_dies(tmp_path):
    """Every upload that was acknowledged is told of, whenever the server was killed."""
    cloud = Cloud(tmp_path / "data")
    try:
        account = cloud.account()
        bucket, notes = name(), name("told")
        account.s3.create_bucket(Bucket=bucket)
        account.s3.create_bucket(Bucket=notes)
        account.node("f", WRITES_DOWN, Environment={"Variables": {"TOLD": notes}})
        permit(account, "f", bucket)
        notify(account, bucket, "f", ["s3:ObjectCreated:*"])
        keys = [f"{number:02}" for number in range(UPLOADS)]
        for key in keys:
            account.s3.put_object(Bucket=bucket, Key=key, Body=b"x")
        cloud.stop(signal.SIGKILL)
        cloud.start()
        again = Account(cloud, account.id)

        def all_told():
            listed = again.s3.list_objects_v2(Bucket=notes)
            return [entry["Key"] for entry in listed.get("Contents", [])] == keys

        eventually(all_told, deadline_s=120)
        assert cloud.stop() == 0
    finally:
        cloud.stop(signal.SIGKILL)
