"""Lists of objects, with boto3."""

import pytest

from cloud import refused
from s3_shared import bucket, keys, prefixes, s3  # noqa: F401

NAMES = ["asdf", "boo/bar", "boo/baz/xyzzy", "cquux/thud", "cquux/bla", "under1-bar", "under1/bar"]


@pytest.fixture
def filled(s3, bucket):
    for key in NAMES:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    return bucket


def pages(s3, version, **options):
    """Every page of a list, by either version of the API."""
    found = []
    call = s3.list_objects_v2 if version == 2 else s3.list_objects
    while True:
        page = call(**options)
        found.append((keys(page), prefixes(page)))
        if not page["IsTruncated"]:
            return found
        if version == 2:
            options["ContinuationToken"] = page["NextContinuationToken"]
        else:
            options["Marker"] = page.get("NextMarker") or keys(page)[-1]


@pytest.mark.parametrize("version", [1, 2])
def test_delimiters(s3, filled, version):
    assert pages(s3, version, Bucket=filled) == [(sorted(NAMES), [])]
    assert pages(s3, version, Bucket=filled, Delimiter="/") == [
        (["asdf", "under1-bar"], ["boo/", "cquux/", "under1/"])
    ]
    assert pages(s3, version, Bucket=filled, Delimiter="/", Prefix="boo/") == [(["boo/bar"], ["boo/baz/"])]
    assert pages(s3, version, Bucket=filled, Delimiter="a", Prefix="boo/") == [([], ["boo/ba"])]
    assert pages(s3, version, Bucket=filled, Prefix="absent") == [([], [])]


@pytest.mark.parametrize("version", [1, 2])
def test_pages_go_on_exactly(s3, filled, version):
    assert pages(s3, version, Bucket=filled, Delimiter="/", MaxKeys=1) == [
        (["asdf"], []),
        ([], ["boo/"]),
        ([], ["cquux/"]),
        (["under1-bar"], []),
        ([], ["under1/"]),
    ]
    assert pages(s3, version, Bucket=filled, Delimiter="/", MaxKeys=2, Prefix="boo/") == [
        (["boo/bar"], ["boo/baz/"])
    ]
    assert [key for page in pages(s3, version, Bucket=filled, MaxKeys=3) for key in page[0]] == sorted(NAMES)


def test_what_a_page_says(s3, filled):
    page = s3.list_objects_v2(Bucket=filled, MaxKeys=2, StartAfter="asdf", FetchOwner=True)
    assert (page["KeyCount"], page["MaxKeys"], page["StartAfter"], page["IsTruncated"]) == (2, 2, "asdf", True)
    first = page["Contents"][0]
    assert (first["Key"], first["Size"], first["StorageClass"]) == ("boo/bar", 7, "STANDARD")
    assert len(first["Owner"]["ID"]) == 64 and first["ETag"].startswith('"')
    assert "Owner" not in s3.list_objects_v2(Bucket=filled)["Contents"][0]
    assert "Owner" in s3.list_objects(Bucket=filled)["Contents"][0]
    empty = s3.list_objects_v2(Bucket=filled, MaxKeys=0)
    assert (empty["IsTruncated"], empty["KeyCount"]) == (False, 0)
    assert s3.list_objects(Bucket=filled, MaxKeys=2)["IsTruncated"]
    assert s3.list_objects(Bucket=filled, Marker="zzz")["IsTruncated"] is False


def test_wrong_arguments(s3, filled, cloud, account):
    for query in ("max-keys=-1", "max-keys=blah", "encoding-type=base64", "list-type=2&continuation-token=x"):
        answer = cloud.http("GET", f"/{filled}?{query}")
        assert (answer.status, b"<Code>InvalidArgument</Code>" in answer.data) == (400, True), answer.data


def test_names_that_xml_cannot_say(s3, bucket, cloud):
    key = "a\x01b c+d"
    s3.put_object(Bucket=bucket, Key=key)
    assert keys(s3.list_objects_v2(Bucket=bucket, EncodingType="url")) == ["a%01b%20c%2Bd"]
    assert keys(s3.list_objects_v2(Bucket=bucket)) == [key]
    assert b"<Key>a%01b%20c%2Bd</Key>" in cloud.http("GET", f"/{bucket}?encoding-type=url").data


def test_many_keys_under_few_prefixes(s3, bucket):
    for folder in range(3):
        for number in range(40):
            s3.put_object(Bucket=bucket, Key=f"f{folder}/{number:03}")
    s3.put_object(Bucket=bucket, Key="f1")
    assert pages(s3, 2, Bucket=bucket, Delimiter="/") == [(["f1"], ["f0/", "f1/", "f2/"])]
    assert pages(s3, 1, Bucket=bucket, Delimiter="/", MaxKeys=2) == [
        (["f1"], ["f0/"]),
        ([], ["f1/", "f2/"]),
    ]


def test_pages_of_versions(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for key in ("a", "b", "b", "b", "c/1", "c/2"):
        s3.put_object(Bucket=bucket, Key=key)
    s3.delete_object(Bucket=bucket, Key="b")
    found, options = [], {"Bucket": bucket, "MaxKeys": 2, "Delimiter": "/"}
    while True:
        page = s3.list_object_versions(**options)
        found += [(entry["Key"], entry["IsLatest"]) for entry in page.get("Versions", [])]
        found += [(entry["Key"], "marker") for entry in page.get("DeleteMarkers", [])]
        found += prefixes(page)
        if not page["IsTruncated"]:
            break
        options["KeyMarker"] = page["NextKeyMarker"]
        options["VersionIdMarker"] = page.get("NextVersionIdMarker", "")
    assert found == [("a", True), ("b", "marker"), ("b", False), ("b", False), ("b", False), "c/"]
    with refused("InvalidArgument", 400):
        s3.list_object_versions(Bucket=bucket, VersionIdMarker="null")
