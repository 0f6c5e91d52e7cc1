"""Uploads by a browser's form."""

import base64
import datetime
import json
import xml.etree.ElementTree as ElementTree

import urllib3

from s3_shared import body, bucket, s3  # noqa: F401


def post(account, made, file=b"hello", name="a.txt", path=None, **options):
    """Sends the form of a presigned post, the file last."""
    fields = [(field, value) for field, value in made["fields"].items()]
    fields.append(("file", (name, file, "text/plain")))
    content, content_type = urllib3.encode_multipart_formdata(fields)
    headers = {"Content-Type": content_type} | options.pop("headers", {})
    address = path or made["url"].removeprefix(account.cloud.endpoint)
    return account.cloud.http("POST", address, body=content, headers=headers, **options)


def error(answer):
    return ElementTree.fromstring(answer.data).findtext("Code")


def test_a_presigned_form_stores_its_file(account, s3, bucket):  # noqa: F811
    made = s3.generate_presigned_post(
        bucket,
        "user/${filename}",
        Fields={"success_action_status": "201", "x-amz-meta-color": "red"},
        Conditions=[{"success_action_status": "201"}, {"x-amz-meta-color": "red"}],
    )
    answer = post(account, made, name="C:\\pictures\\a b.txt")
    assert answer.status == 201, answer.data
    told = ElementTree.fromstring(answer.data)
    assert (told.tag, told.findtext("Bucket"), told.findtext("Key")) == (
        "PostResponse",
        bucket,
        "user/a b.txt",
    )
    assert told.findtext("Location") == answer.headers["location"]
    assert answer.headers["location"].endswith("/user%2Fa%20b.txt")
    stored = s3.get_object(Bucket=bucket, Key="user/a b.txt")
    assert stored["Body"].read() == b"hello"
    assert stored["Metadata"] == {"color": "red"} and stored["ContentType"] == "text/plain"
    assert told.findtext("ETag") == stored["ETag"]


def test_answers_are_as_the_form_wants_them(account, s3, bucket):  # noqa: F811
    plain = post(account, s3.generate_presigned_post(bucket, "a"))
    assert (plain.status, plain.data) == (204, b"") and plain.headers["etag"]
    there = "https://app.example.com/done?x=1"
    made = s3.generate_presigned_post(
        bucket,
        "dir/b",
        Fields={"success_action_redirect": there},
        Conditions=[["starts-with", "$success_action_redirect", "https://"]],
    )
    moved = post(account, made)
    assert moved.status == 303
    assert moved.headers["location"].startswith(f"{there}&bucket={bucket}&key=dir%2Fb&etag=%22")


def test_what_the_policy_forbids_is_refused(account, s3, bucket):  # noqa: F811
    made = s3.generate_presigned_post(
        bucket, "a", Conditions=[["content-length-range", 2, 10], ["eq", "$Content-Type", "text/plain"]]
    )
    made["fields"]["Content-Type"] = "text/plain"
    assert post(account, made).status == 204
    for file, code in [(b"x", "EntityTooSmall"), (b"x" * 11, "EntityTooLarge")]:
        answer = post(account, made, file)
        assert (answer.status, error(answer)) == (400, code)
    other = {"url": made["url"], "fields": made["fields"] | {"Content-Type": "text/html"}}
    answer = post(account, other)
    assert (answer.status, error(answer)) == (403, "AccessDenied")
    assert b'["eq", "$Content-Type", "text/plain"]' in answer.data or b"&quot;eq&quot;" in answer.data
    extra = {"url": made["url"], "fields": made["fields"] | {"x-amz-meta-a": "b"}}
    assert b"Extra input fields: x-amz-meta-a" in post(account, extra).data
    expired = s3.generate_presigned_post(bucket, "a", ExpiresIn=-10)
    assert b"Policy expired" in post(account, expired).data
    assert body(s3, bucket, "a") == b"hello"


def test_what_is_no_form_is_refused(account, s3, bucket):  # noqa: F811
    made = s3.generate_presigned_post(bucket, "a")
    del made["fields"]["key"]
    answer = post(account, made)
    assert (answer.status, error(answer)) == (400, "InvalidArgument")
    assert b"must contain a field named 'key'" in answer.data
    unsigned = {"url": made["url"], "fields": {"key": "a"}}
    unsigned["fields"]["policy"] = base64.b64encode(
        json.dumps({"expiration": "yesterday", "conditions": []}).encode()
    ).decode()
    assert error(post(account, unsigned)) == "InvalidPolicyDocument"
    long = {"url": made["url"], "fields": {"key": "a", "x-amz-meta-a": "x" * 30_000}}
    assert error(post(account, long)) == "MaxPostPreDataLengthExceeded"
    broken = account.cloud.http(
        "POST", f"/{bucket}", body=b"--x", headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert (broken.status, error(broken)) == (400, "MalformedPOSTRequest")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_signatures_of_keys_that_are_known_are_checked(account, s3, bucket):  # noqa: F811
    account.role("uploader")
    trusted = account.sts.assume_role(
        RoleArn=f"arn:aws:iam::{account.id}:role/uploader", RoleSessionName="browser"
    )["Credentials"]
    signer = account.client(
        "s3",
        aws_access_key_id=trusted["AccessKeyId"],
        aws_secret_access_key=trusted["SecretAccessKey"],
        aws_session_token=trusted["SessionToken"],
    )
    made = signer.generate_presigned_post(bucket, "a")
    assert post(account, made).status == 204
    policy = json.loads(base64.b64decode(made["fields"]["policy"]))
    policy["expiration"] = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=9)).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )
    forged = {"url": made["url"], "fields": dict(made["fields"])}
    forged["fields"]["policy"] = base64.b64encode(json.dumps(policy).encode()).decode()
    answer = post(account, forged)
    assert (answer.status, error(answer)) == (403, "SignatureDoesNotMatch")
