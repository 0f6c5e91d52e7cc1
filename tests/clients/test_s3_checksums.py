"""Checksums of S3: verified whichever is sent, kept whether one is sent or not."""

import base64
import hashlib

import boto3
import pytest
from botocore.config import Config

from cloud import refused
from s3_shared import bucket, s3  # noqa: F401

BODY = b"The quick brown fox jumps over the lazy dog"


def b64(data):
    return base64.b64encode(data).decode()


@pytest.fixture
def plain(s3):
    """A client that adds no checksum of its own."""
    credentials = s3._request_signer._credentials
    return boto3.client(
        "s3",
        endpoint_url=s3.meta.endpoint_url,
        region_name=s3.meta.region_name,
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        aws_session_token=credentials.token,
        config=Config(
            request_checksum_calculation="when_required", retries={"max_attempts": 0}, s3={"addressing_style": "path"}
        ),
    )


def put_with(client, bucket, headers, key="k"):
    def add(params, **_):
        params["headers"].update(headers)

    client.meta.events.register("before-call.s3.PutObject", add)
    try:
        return client.put_object(Bucket=bucket, Key=key, Body=BODY)
    finally:
        client.meta.events.unregister("before-call.s3.PutObject", add)


def test_an_object_without_a_checksum_is_given_one(plain, bucket):
    put_with(plain, bucket, {})
    head = plain.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    # Of the catalogue of CRC algorithms: CRC-64/NVME.
    assert head["ChecksumType"] == "FULL_OBJECT" and len(base64.b64decode(head["ChecksumCRC64NVME"])) == 8
    plain.put_object(Bucket=bucket, Key="check", Body=b"123456789")
    head = plain.head_object(Bucket=bucket, Key="check", ChecksumMode="ENABLED")
    assert head["ChecksumCRC64NVME"] == b64((0xAE8B14860A799888).to_bytes(8, "big"))


@pytest.mark.parametrize("name", ["md5", "sha1", "sha256", "sha512"])
def test_digests_are_verified_and_kept(plain, bucket, name):
    header = f"x-amz-checksum-{name}"
    digest = b64(hashlib.new(name, BODY).digest())
    put_with(plain, bucket, {header: digest})
    head = plain.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head["ResponseMetadata"]["HTTPHeaders"][header] == digest
    other = b64(hashlib.new(name, b"other").digest())
    with refused("BadDigest", 400):
        put_with(plain, bucket, {header: other}, key="wrong")
    with refused("InvalidRequest", 400):
        put_with(plain, bucket, {header: "bm90IG9uZQ=="}, key="wrong")
    with refused("404", 404):
        plain.head_object(Bucket=bucket, Key="wrong")


def test_two_checksums_are_refused(plain, bucket):
    digests = {f"x-amz-checksum-{name}": b64(hashlib.new(name, BODY).digest()) for name in ["sha1", "sha256"]}
    with refused("InvalidRequest", 400):
        put_with(plain, bucket, digests)


def test_bodies_of_configuration_are_verified(plain, bucket):
    wrong = b64(hashlib.md5(b"other").digest())

    def add(params, **_):
        params["headers"]["Content-MD5"] = wrong

    plain.meta.events.register("before-call.s3.PutBucketTagging", add)
    with refused("BadDigest", 400):
        plain.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    with refused("NoSuchTagSet", 404):
        plain.get_bucket_tagging(Bucket=bucket)
