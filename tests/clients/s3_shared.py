"""What the tests of S3 share."""

import random
import string

import pytest


def name(prefix="bucket"):
    """A bucket name nobody else has: names are unique among all accounts."""
    return f"{prefix}-" + "".join(random.choices(string.ascii_lowercase + string.digits, k=12))


@pytest.fixture
def s3(account):
    return account.s3


@pytest.fixture
def bucket(s3):
    made = name()
    s3.create_bucket(Bucket=made)
    return made


@pytest.fixture
def versioned(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


def body(s3, bucket, key, **options):
    return s3.get_object(Bucket=bucket, Key=key, **options)["Body"].read()


def keys(listed):
    return [entry["Key"] for entry in listed.get("Contents", [])]


def prefixes(listed):
    return [entry["Prefix"] for entry in listed.get("CommonPrefixes", [])]
