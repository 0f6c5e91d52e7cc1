"""Buckets and objects with boto3."""

import base64
import datetime
import hashlib
import io
import os
import threading

import pytest
import urllib3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

from cloud import refused
from s3_shared import body, bucket, keys, name, s3, versioned  # noqa: F401

MEBIBYTE = 1024 * 1024


def test_buckets(account, cloud):
    s3, made = account.s3, name()
    created = s3.create_bucket(Bucket=made)
    assert created["Location"] == f"/{made}"
    s3.create_bucket(Bucket=made)
    with refused("BucketAlreadyExists", 409):
        cloud.account().s3.create_bucket(Bucket=made)
    assert s3.head_bucket(Bucket=made)["BucketRegion"] == "us-east-1"
    assert s3.get_bucket_location(Bucket=made)["LocationConstraint"] is None
    listed = s3.list_buckets()
    assert [entry["Name"] for entry in listed["Buckets"]] == [made]
    assert len(listed["Owner"]["ID"]) == 64
    assert cloud.account().s3.list_buckets()["Buckets"] == []
    s3.put_object(Bucket=made, Key="k")
    with refused("BucketNotEmpty", 409):
        s3.delete_bucket(Bucket=made)
    s3.delete_object(Bucket=made, Key="k")
    s3.delete_bucket(Bucket=made)
    with refused("404", 404):
        s3.head_bucket(Bucket=made)
    with refused("NoSuchBucket", 404) as missing:
        s3.list_objects_v2(Bucket=made)
    assert missing.response["Error"]["BucketName"] == made


def test_buckets_of_other_regions(cloud):
    account = cloud.account("eu-central-1")
    made = name()
    with refused("IllegalLocationConstraintException", 400):
        account.s3.create_bucket(Bucket=made)
    account.s3.create_bucket(
        Bucket=made, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    assert account.s3.get_bucket_location(Bucket=made)["LocationConstraint"] == "eu-central-1"
    with refused("BucketAlreadyOwnedByYou", 409):
        account.s3.create_bucket(
            Bucket=made, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
    with refused("InvalidBucketName", 400):
        account.s3.create_bucket(Bucket="No_Good")


def test_pages_of_buckets(account):
    s3, start = account.s3, name("paged")
    made = sorted(f"{start}-{number}" for number in range(5))
    for one in made:
        s3.create_bucket(Bucket=one)
    first = s3.list_buckets(MaxBuckets=3, Prefix=start)
    rest = s3.list_buckets(MaxBuckets=3, Prefix=start, ContinuationToken=first["ContinuationToken"])
    names = [entry["Name"] for page in (first, rest) for entry in page["Buckets"]]
    assert names == made and "ContinuationToken" not in rest


@pytest.mark.parametrize("size", [0, 1, 2048, 2049, 32 * 1024, 32 * 1024 + 1, 3 * MEBIBYTE + 7])
def test_bytes_come_back(s3, bucket, size):
    content = os.urandom(size)
    put = s3.put_object(Bucket=bucket, Key="a/b", Body=content)
    assert put["ETag"] == f'"{hashlib.md5(content).hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key="a/b")
    assert got["Body"].read() == content
    assert (got["ContentLength"], got["ETag"], got["AcceptRanges"]) == (size, put["ETag"], "bytes")
    head = s3.head_object(Bucket=bucket, Key="a/b")
    assert (head["ContentLength"], head["ETag"]) == (size, put["ETag"])
    if size > 10:
        ranged = s3.get_object(Bucket=bucket, Key="a/b", Range=f"bytes=5-{size - 2}")
        assert ranged["ResponseMetadata"]["HTTPStatusCode"] == 206
        assert ranged["ContentRange"] == f"bytes 5-{size - 2}/{size}"
        assert ranged["Body"].read() == content[5:-1]
        assert body(s3, bucket, "a/b", Range="bytes=-3") == content[-3:]


def test_descriptions_come_back(s3, bucket):
    described = {
        "CacheControl": "no-cache",
        "ContentDisposition": 'attachment; filename="a.txt"',
        "ContentEncoding": "gzip",
        "ContentLanguage": "de",
        "ContentType": "text/plain; charset=utf-8",
        "Metadata": {"colour": "blue", "two-words": "a, b"},
        "StorageClass": "STANDARD_IA",
        "WebsiteRedirectLocation": "/other",
    }
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="a=1&b=%20", **described)
    for told in (s3.head_object(Bucket=bucket, Key="k"), s3.get_object(Bucket=bucket, Key="k")):
        assert {name: told[name] for name in described} == described
        assert told["TagCount"] == 2
    assert s3.get_object(Bucket=bucket, Key="k", ResponseContentType="text/html")["ContentType"] == "text/html"
    s3.put_object(Bucket=bucket, Key="plain", Body=b"x")
    assert s3.head_object(Bucket=bucket, Key="plain")["ContentType"] == "binary/octet-stream"
    with refused("MetadataTooLarge", 400):
        s3.put_object(Bucket=bucket, Key="k", Metadata={"a": "b" * 2100})
    with refused(("InvalidStorageClass", "InvalidArgument"), 400):
        s3.put_object(Bucket=bucket, Key="k", StorageClass="BEST")


@pytest.mark.parametrize(
    "key",
    [
        "a//b",
        "/lead",
        "trail/",
        "a/./b",
        "a/../b",
        "..",
        "sp ace+plus%percent",
        "ключ/☃",
        "q?a=b&c#d",
        "'\"<>&",
        "$@=;:,!*()",
        "k" * 1024,
    ],
)
def test_keys_are_taken_as_they_are(s3, bucket, key):
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert body(s3, bucket, key) == key.encode()
    assert keys(s3.list_objects_v2(Bucket=bucket)) == [key]
    assert keys(s3.list_objects_v2(Bucket=bucket, EncodingType="url", Prefix=key[:3])) != []
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": key})
    assert body(s3, bucket, "copy") == key.encode()
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}, {"Key": "copy"}]})
    assert keys(s3.list_objects_v2(Bucket=bucket)) == []


def test_what_is_missing(s3, bucket):
    with refused("NoSuchKey", 404, "The specified key does not exist.") as missing:
        s3.get_object(Bucket=bucket, Key="absent")
    assert missing.response["Error"]["Key"] == "absent"
    with refused("404", 404):
        s3.head_object(Bucket=bucket, Key="absent")
    s3.delete_object(Bucket=bucket, Key="absent")
    with refused("KeyTooLongError", 400):
        s3.put_object(Bucket=bucket, Key="k" * 1025)
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    with refused("InvalidRange", 416):
        s3.get_object(Bucket=bucket, Key="k", Range="bytes=10-12")
    assert body(s3, bucket, "k", Range="bytes=5-99") == b"56789"


def test_conditional_reads(s3, bucket):
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    changed = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    before, after = changed - datetime.timedelta(days=1), changed + datetime.timedelta(days=1)
    assert body(s3, bucket, "k", IfMatch=put["ETag"]) == b"x"
    assert body(s3, bucket, "k", IfNoneMatch='"other"', IfModifiedSince=before) == b"x"
    assert body(s3, bucket, "k", IfMatch=put["ETag"], IfUnmodifiedSince=before) == b"x"
    with refused("PreconditionFailed", 412):
        s3.get_object(Bucket=bucket, Key="k", IfMatch='"other"')
    with refused("PreconditionFailed", 412):
        s3.get_object(Bucket=bucket, Key="k", IfUnmodifiedSince=before)
    for call in (s3.get_object, s3.head_object):
        with refused("304", 304) as same:
            call(Bucket=bucket, Key="k", IfNoneMatch=put["ETag"])
        assert same.response["ResponseMetadata"]["HTTPHeaders"]["etag"] == put["ETag"]
        with refused("304", 304):
            call(Bucket=bucket, Key="k", IfModifiedSince=after)


def test_conditional_writes(s3, bucket):
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")
    with refused("PreconditionFailed", 412):
        s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")
    second = s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=first["ETag"])
    with refused("PreconditionFailed", 412):
        s3.put_object(Bucket=bucket, Key="k", Body=b"3", IfMatch=first["ETag"])
    with refused("NoSuchKey", 404):
        s3.put_object(Bucket=bucket, Key="absent", IfMatch=first["ETag"])
    with refused("PreconditionFailed", 412):
        s3.delete_object(Bucket=bucket, Key="k", IfMatch=first["ETag"])
    s3.delete_object(Bucket=bucket, Key="k", IfMatch=second["ETag"])
    # Of many at once, one is first.
    outcomes = []

    def put():
        try:
            s3.put_object(Bucket=bucket, Key="race", Body=b"x", IfNoneMatch="*")
            outcomes.append(200)
        except s3.exceptions.ClientError as error:
            outcomes.append(error.response["ResponseMetadata"]["HTTPStatusCode"])

    threads = [threading.Thread(target=put) for _ in range(12)]
    [thread.start() for thread in threads], [thread.join() for thread in threads]
    assert sorted(outcomes) == [200] + [412] * 11


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_checksums(s3, bucket, algorithm):
    field = f"Checksum{algorithm}"
    try:
        put = s3.put_object(Bucket=bucket, Key="k", Body=b"123456789", ChecksumAlgorithm=algorithm)
    except Exception as error:  # what the SDK cannot compute it is given
        assert "crt" in str(error).lower(), error
        known = {"CRC32C": "4waSgw==", "CRC64NVME": "rosUhgp5mIg="}
        put = s3.put_object(Bucket=bucket, Key="k", Body=b"123456789", **{field: known[algorithm]})
    told = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert told[field] == put[field] and told["ChecksumType"] == "FULL_OBJECT"
    attributes = s3.get_object_attributes(
        Bucket=bucket, Key="k", ObjectAttributes=["ETag", "Checksum", "ObjectSize", "StorageClass"]
    )
    assert attributes["Checksum"][field] == put[field]
    assert (attributes["ObjectSize"], attributes["StorageClass"]) == (9, "STANDARD")
    assert attributes["ETag"] == put["ETag"].strip('"')
    wrong = base64.b64encode(bytes(len(base64.b64decode(put[field])))).decode()
    with refused("BadDigest", 400):
        s3.put_object(Bucket=bucket, Key="bad", Body=b"123456789", **{field: wrong})
    with refused("InvalidRequest", 400):
        s3.put_object(Bucket=bucket, Key="bad", Body=b"123456789", **{field: "AAAA"})
    with refused("NoSuchKey", 404):
        s3.get_object(Bucket=bucket, Key="bad")


def test_content_md5(s3, bucket):
    right = base64.b64encode(hashlib.md5(b"x").digest()).decode()
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentMD5=right)
    with refused("BadDigest", 400):
        s3.put_object(Bucket=bucket, Key="k", Body=b"y", ContentMD5=right)
    with refused("InvalidDigest", 400):
        s3.put_object(Bucket=bucket, Key="k", Body=b"y", ContentMD5="no")
    assert body(s3, bucket, "k") == b"x"


def test_copies(s3, bucket):
    other = name()
    s3.create_bucket(Bucket=other)
    source = {"Bucket": bucket, "Key": "a"}
    s3.put_object(
        Bucket=bucket, Key="a", Body=b"copied", Metadata={"m": "1"}, ContentType="text/plain", Tagging="t=1"
    )
    copied = s3.copy_object(Bucket=other, Key="b", CopySource=source)["CopyObjectResult"]
    told = s3.head_object(Bucket=other, Key="b")
    assert (told["Metadata"], told["ContentType"], told["TagCount"]) == ({"m": "1"}, "text/plain", 1)
    assert told["ETag"] == copied["ETag"]
    s3.copy_object(
        Bucket=other, Key="b", CopySource=source, MetadataDirective="REPLACE", Metadata={"n": "2"}
    )
    assert s3.head_object(Bucket=other, Key="b")["Metadata"] == {"n": "2"}
    with refused("InvalidRequest", 400):
        s3.copy_object(Bucket=bucket, Key="a", CopySource=source)
    s3.copy_object(Bucket=bucket, Key="a", CopySource=source, StorageClass="STANDARD_IA")
    with refused("NoSuchKey", 404):
        s3.copy_object(Bucket=other, Key="b", CopySource=f"{bucket}/absent")
    with refused("PreconditionFailed", 412):
        s3.copy_object(Bucket=other, Key="b", CopySource=source, CopySourceIfMatch='"x"')
    with refused("PreconditionFailed", 412):
        s3.copy_object(Bucket=other, Key="b", CopySource=source, IfNoneMatch="*")


def test_batch_deletes(s3, bucket):
    for number in range(20):
        s3.put_object(Bucket=bucket, Key=f"k{number}")
    named = [{"Key": f"k{number}"} for number in range(20)] + [{"Key": "absent"}]
    deleted = s3.delete_objects(Bucket=bucket, Delete={"Objects": named})
    assert len(deleted["Deleted"]) == 21 and "Errors" not in deleted
    assert keys(s3.list_objects_v2(Bucket=bucket)) == []
    quiet = s3.delete_objects(Bucket=bucket, Delete={"Objects": named, "Quiet": True})
    assert "Deleted" not in quiet
    with refused("MalformedXML", 400):
        s3.delete_objects(Bucket=bucket, Delete={"Objects": named * 50})


def test_object_tags(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k")
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": tags})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == tags
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    with refused("InvalidTag", 400):
        s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": tags[:1] * 2})
    with refused("NoSuchKey", 404):
        s3.get_object_tagging(Bucket=bucket, Key="absent")


def customer_key(byte):
    key = bytes([byte]) * 32
    return {
        "SSECustomerAlgorithm": "AES256",
        "SSECustomerKey": base64.b64encode(key).decode(),
        "SSECustomerKeyMD5": base64.b64encode(hashlib.md5(key).digest()).decode(),
    }


@pytest.mark.parametrize("size", [100, 20_000, 300_000])
def test_customer_keys(s3, bucket, cloud, size):
    content = b"secret-" * (size // 7)
    right, wrong = customer_key(1), customer_key(2)
    s3.put_object(Bucket=bucket, Key="k", Body=content, **right)
    assert body(s3, bucket, "k", **right) == content
    assert body(s3, bucket, "k", Range="bytes=70-90", **right) == content[70:91]
    assert s3.head_object(Bucket=bucket, Key="k", **right)["SSECustomerKeyMD5"] == right["SSECustomerKeyMD5"]
    for options in ({}, wrong):
        with refused("InvalidRequest", 400):
            s3.get_object(Bucket=bucket, Key="k", **options)
    source = {f"CopySource{field}": value for field, value in right.items()}
    s3.copy_object(Bucket=bucket, Key="c", CopySource=f"{bucket}/k", **source, **wrong)
    assert body(s3, bucket, "c", **wrong) == content
    s3.put_object(Bucket=bucket, Key="plain", Body=b"x")
    with refused("InvalidRequest", 400):
        s3.get_object(Bucket=bucket, Key="plain", **right)
    blobs = cloud.data / "blobs"
    assert not any(b"secret-secret" in path.read_bytes() for path in blobs.rglob("*") if path.is_file())


def test_encryption_by_the_service(s3, bucket):
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="AES256")
    assert put["ServerSideEncryption"] == "AES256"
    assert s3.head_object(Bucket=bucket, Key="k")["ServerSideEncryption"] == "AES256"
    with refused("NotImplemented", 501):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="aws:kms")


def test_archived_objects_are_restored_first(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"cold", StorageClass="GLACIER")
    with refused("InvalidObjectState", 403):
        s3.get_object(Bucket=bucket, Key="k")
    restored = s3.restore_object(Bucket=bucket, Key="k", RestoreRequest={"Days": 2})
    assert restored["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert 'ongoing-request="false"' in s3.head_object(Bucket=bucket, Key="k")["Restore"]
    assert body(s3, bucket, "k") == b"cold"
    s3.put_object(Bucket=bucket, Key="warm")
    with refused("InvalidObjectState", 403):
        s3.restore_object(Bucket=bucket, Key="warm", RestoreRequest={"Days": 2})
    with refused("NotImplemented", 501):
        s3.select_object_content(
            Bucket=bucket,
            Key="k",
            Expression="select 1",
            ExpressionType="SQL",
            InputSerialization={"CSV": {}},
            OutputSerialization={"CSV": {}},
        )


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_presigned_urls(account, bucket, version):
    s3 = account.client("s3", config=Config(signature_version=version, s3={"addressing_style": "path"}))
    put = s3.generate_presigned_url(
        "put_object", {"Bucket": bucket, "Key": "a b", "Metadata": {"m": "1"}, "ContentType": "text/plain"}
    )
    headers = {"Content-Type": "text/plain", "x-amz-meta-m": "1"}
    assert urllib3.request("PUT", put, body=b"presigned", headers=headers).status == 200
    told = s3.head_object(Bucket=bucket, Key="a b")
    assert (told["Metadata"], told["ContentType"]) == ({"m": "1"}, "text/plain")
    disposition = 'attachment; filename="x"'
    get = s3.generate_presigned_url(
        "get_object", {"Bucket": bucket, "Key": "a b", "ResponseContentDisposition": disposition}
    )
    got = urllib3.request("GET", get)
    assert (got.data, got.headers["content-disposition"]) == (b"presigned", disposition)


def test_metadata_in_the_query(s3, bucket, cloud):
    query = f"x-amz-meta-colour=blue&x-amz-storage-class=STANDARD_IA&X-Amz-Credential={'1' * 12}%2F20260101%2Fus-east-1%2Fs3%2Faws4_request"
    assert cloud.http("PUT", f"/{bucket}/k?{query}", body=b"x").status == 200
    told = s3.head_object(Bucket=bucket, Key="k")
    assert (told["Metadata"], told["StorageClass"]) == ({"colour": "blue"}, "STANDARD_IA")


def test_virtual_hosts(s3, bucket, cloud):
    port = cloud.address.split(":")[1]
    s3.put_object(Bucket=bucket, Key="a/b", Body=b"virtual")
    for host in [
        f"{bucket}.s3.us-east-1.amazonaws.com",
        f"{bucket}.s3.amazonaws.com",
        f"{bucket}.s3.localhost.localstack.cloud:{port}",
        f"{bucket}.s3.us-east-1.localhost.localstack.cloud:{port}",
        f"{bucket}.localhost:{port}",
        f"{bucket}.127.0.0.1:{port}",
    ]:
        assert cloud.http("GET", "/a/b", host=host).data == b"virtual", host
        assert b"<Key>a/b</Key>" in cloud.http("GET", "/", host=host).data, host


def test_objects_that_are_forms(s3, bucket):
    content = b"Action=SendMessage&Version=2012-11-05"
    s3.put_object(Bucket=bucket, Key="k", Body=content, ContentType="application/x-www-form-urlencoded")
    assert body(s3, bucket, "k") == content


def test_the_transfer_manager(s3, bucket, tmp_path):
    content = os.urandom(20 * MEBIBYTE + 11)
    config = TransferConfig(multipart_threshold=5 * MEBIBYTE, multipart_chunksize=5 * MEBIBYTE)
    s3.upload_fileobj(io.BytesIO(content), bucket, "big", Config=config)
    told = s3.head_object(Bucket=bucket, Key="big")
    assert told["ContentLength"] == len(content) and told["ETag"].endswith('-5"')
    s3.copy({"Bucket": bucket, "Key": "big"}, bucket, "copy", Config=config)
    for key in ("big", "copy"):
        path = tmp_path / key
        s3.download_file(bucket, key, str(path), Config=config)
        assert path.read_bytes() == content
    across = slice(5 * MEBIBYTE - 10, 5 * MEBIBYTE + 10)
    assert body(s3, bucket, "big", Range=f"bytes={across.start}-{across.stop - 1}") == content[across]


def test_expected_owners(s3, bucket):
    with refused("AccessDenied", 403):
        s3.list_objects_v2(Bucket=bucket, ExpectedBucketOwner="999999999999")
