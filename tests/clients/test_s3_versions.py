"""Versions, delete markers and locks, with boto3."""

import datetime

import pytest

from cloud import refused
from s3_shared import body, bucket, keys, name, s3, versioned  # noqa: F401


def put(s3, bucket, content, key="k", **options):
    return s3.put_object(Bucket=bucket, Key=key, Body=content, **options).get("VersionId")


def history(s3, bucket):
    """Every version and delete marker, the latest first, as far as one key is concerned."""
    listed = s3.list_object_versions(Bucket=bucket)
    versions = [(entry["VersionId"], entry["IsLatest"], entry["Size"]) for entry in listed.get("Versions", [])]
    markers = [(entry["VersionId"], entry["IsLatest"]) for entry in listed.get("DeleteMarkers", [])]
    return versions, markers


def test_versions_are_kept(s3, versioned):
    assert s3.get_bucket_versioning(Bucket=versioned)["Status"] == "Enabled"
    one, two = put(s3, versioned, b"1"), put(s3, versioned, b"22")
    assert body(s3, versioned, "k") == b"22"
    assert body(s3, versioned, "k", VersionId=one) == b"1"
    marker = s3.delete_object(Bucket=versioned, Key="k")
    assert marker["DeleteMarker"] is True
    assert history(s3, versioned) == ([(two, False, 2), (one, False, 1)], [(marker["VersionId"], True)])
    with refused("NoSuchKey", 404) as gone:
        s3.get_object(Bucket=versioned, Key="k")
    headers = gone.response["ResponseMetadata"]["HTTPHeaders"]
    assert (headers["x-amz-delete-marker"], headers["x-amz-version-id"]) == ("true", marker["VersionId"])
    with refused("MethodNotAllowed", 405):
        s3.get_object(Bucket=versioned, Key="k", VersionId=marker["VersionId"])
    assert keys(s3.list_objects_v2(Bucket=versioned)) == []
    removed = s3.delete_object(Bucket=versioned, Key="k", VersionId=marker["VersionId"])
    assert removed["DeleteMarker"] is True and removed["VersionId"] == marker["VersionId"]
    assert body(s3, versioned, "k") == b"22"
    s3.delete_object(Bucket=versioned, Key="k", VersionId=two)
    assert body(s3, versioned, "k") == b"1"
    s3.delete_object(Bucket=versioned, Key="k", VersionId=one)
    assert history(s3, versioned) == ([], [])
    s3.delete_bucket(Bucket=versioned)


def test_null_versions(s3, bucket):
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    assert put(s3, bucket, b"null") is None
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    one = put(s3, bucket, b"1")
    assert body(s3, bucket, "k", VersionId="null") == b"null"
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    put(s3, bucket, b"other null")
    assert body(s3, bucket, "k", VersionId="null") == b"other null"
    assert [version[0] for version in history(s3, bucket)[0]] == ["null", one]
    marker = s3.delete_object(Bucket=bucket, Key="k")
    assert (marker["VersionId"], marker["DeleteMarker"]) == ("null", True)
    assert history(s3, bucket) == ([(one, False, 1)], [("null", True)])
    s3.delete_object(Bucket=bucket, Key="k", VersionId="null")
    assert body(s3, bucket, "k") == b"1"
    put(s3, bucket, b"3")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    two = put(s3, bucket, b"2")
    s3.delete_object(Bucket=bucket, Key="k", VersionId="null")
    assert [version[0] for version in history(s3, bucket)[0]] == [two, one]


def test_versions_that_are_not_there(s3, versioned):
    put(s3, versioned, b"1")
    with refused("NoSuchVersion", 404) as missing:
        s3.get_object(Bucket=versioned, Key="k", VersionId="0" * 32)
    assert missing.response["Error"]["VersionId"] == "0" * 32
    with refused("InvalidArgument", 400):
        s3.get_object(Bucket=versioned, Key="k", VersionId="nonsense")
    assert s3.delete_object(Bucket=versioned, Key="k", VersionId="0" * 32)["VersionId"] == "0" * 32


def test_batches_of_versions(s3, versioned):
    one, two = put(s3, versioned, b"1"), put(s3, versioned, b"2")
    named = [{"Key": "k", "VersionId": one}, {"Key": "k"}]
    deleted = s3.delete_objects(Bucket=versioned, Delete={"Objects": named})["Deleted"]
    assert deleted[0] == {"Key": "k", "VersionId": one}
    assert deleted[1]["DeleteMarker"] is True and "VersionId" not in deleted[1]
    versions, markers = history(s3, versioned)
    assert [version[0] for version in versions] == [two]
    assert markers == [(deleted[1]["DeleteMarkerVersionId"], True)]


def test_old_versions_are_copied_and_tagged(s3, versioned):
    one = put(s3, versioned, b"1")
    put(s3, versioned, b"2")
    source = {"Bucket": versioned, "Key": "k", "VersionId": one}
    copied = s3.copy_object(Bucket=versioned, Key="k", CopySource=source)
    assert copied["CopySourceVersionId"] == one
    assert body(s3, versioned, "k") == b"1"
    tags = {"TagSet": [{"Key": "a", "Value": "b"}]}
    assert s3.put_object_tagging(Bucket=versioned, Key="k", VersionId=one, Tagging=tags)["VersionId"] == one
    assert s3.get_object_tagging(Bucket=versioned, Key="k", VersionId=one)["TagSet"] == tags["TagSet"]
    assert s3.get_object_tagging(Bucket=versioned, Key="k")["TagSet"] == []


@pytest.fixture
def locked(s3):
    made = name("locked")
    s3.create_bucket(Bucket=made, ObjectLockEnabledForBucket=True)
    return made


def in_days(days):
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)


def test_retention(s3, locked):
    version = put(s3, locked, b"1")
    for mode in ("GOVERNANCE", "COMPLIANCE"):
        key = mode.lower()
        version = put(s3, locked, b"1", key=key)
        until = in_days(2).replace(microsecond=0)
        target = {"Bucket": locked, "Key": key, "VersionId": version}
        s3.put_object_retention(**target, Retention={"Mode": mode, "RetainUntilDate": until})
        assert s3.get_object_retention(**target)["Retention"] == {"Mode": mode, "RetainUntilDate": until}
        told = s3.head_object(**target)
        assert (told["ObjectLockMode"], told["ObjectLockRetainUntilDate"]) == (mode, until)
        with refused("AccessDenied", 403):
            s3.delete_object(**target)
        with refused("AccessDenied", 403):
            s3.put_object_retention(**target, Retention={"Mode": mode, "RetainUntilDate": in_days(1)})
        s3.put_object_retention(**target, Retention={"Mode": mode, "RetainUntilDate": in_days(3)})
        assert s3.delete_object(Bucket=locked, Key=key)["DeleteMarker"] is True
    s3.delete_object(
        Bucket=locked,
        Key="governance",
        VersionId=s3.list_object_versions(Bucket=locked, Prefix="gov")["Versions"][0]["VersionId"],
        BypassGovernanceRetention=True,
    )
    with refused("AccessDenied", 403):
        s3.delete_object(Bucket=locked, Key="compliance", VersionId=version, BypassGovernanceRetention=True)
    with refused("MalformedXML", 400):
        s3.put_object_retention(
            Bucket=locked, Key="k", Retention={"Mode": "governance", "RetainUntilDate": in_days(1)}
        )
    with refused("InvalidArgument", 400):
        s3.put_object_retention(
            Bucket=locked, Key="k", Retention={"Mode": "GOVERNANCE", "RetainUntilDate": in_days(-1)}
        )


def test_legal_hold(s3, locked):
    version = put(s3, locked, b"1", ObjectLockLegalHoldStatus="ON")
    target = {"Bucket": locked, "Key": "k", "VersionId": version}
    assert s3.get_object_legal_hold(**target)["LegalHold"]["Status"] == "ON"
    with refused("AccessDenied", 403):
        s3.delete_object(**target, BypassGovernanceRetention=True)
    errors = s3.delete_objects(Bucket=locked, Delete={"Objects": [{"Key": "k", "VersionId": version}]})["Errors"]
    assert [error["Code"] for error in errors] == ["AccessDenied"]
    s3.put_object_legal_hold(**target, LegalHold={"Status": "OFF"})
    s3.delete_object(**target)
    put(s3, locked, b"2")
    with refused("NoSuchObjectLockConfiguration", 404):
        s3.get_object_legal_hold(Bucket=locked, Key="k")
    with refused("MalformedXML", 400):
        s3.put_object_legal_hold(Bucket=locked, Key="k", LegalHold={"Status": "MAYBE"})


def test_default_retention(s3, locked, bucket):
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
    s3.put_object_lock_configuration(
        Bucket=locked, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    told = s3.get_object_lock_configuration(Bucket=locked)["ObjectLockConfiguration"]
    assert told == {"ObjectLockEnabled": "Enabled", "Rule": rule}
    put(s3, locked, b"1")
    assert s3.head_object(Bucket=locked, Key="k")["ObjectLockMode"] == "GOVERNANCE"
    for wrong in ({"Mode": "GOVERNANCE"}, {"Mode": "X", "Days": 1}, {"Mode": "GOVERNANCE", "Days": 1, "Years": 1}):
        with refused("MalformedXML", 400):
            s3.put_object_lock_configuration(
                Bucket=locked,
                ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": wrong}},
            )
    with refused("InvalidBucketState", 409):
        s3.put_bucket_versioning(Bucket=locked, VersioningConfiguration={"Status": "Suspended"})
    with refused("ObjectLockConfigurationNotFoundError", 404):
        s3.get_object_lock_configuration(Bucket=bucket)
    with refused("InvalidBucketState", 409):
        s3.put_object_lock_configuration(
            Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}
        )
    with refused("InvalidRequest", 400):
        put(s3, bucket, b"1", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=in_days(1))
