"""Uploads in parts, with boto3."""

import base64
import hashlib
import os
import zlib

import pytest

from cloud import eventually, refused
from s3_shared import body, bucket, s3, versioned  # noqa: F401

PART = 5 * 1024 * 1024


def begin(s3, bucket, key="k", **options):
    created = s3.create_multipart_upload(Bucket=bucket, Key=key, **options)
    return {"Bucket": bucket, "Key": key, "UploadId": created["UploadId"]}


def upload(s3, target, contents, **options):
    parts = []
    for number, content in enumerate(contents, 1):
        put = s3.upload_part(**target, PartNumber=number, Body=content, **options)
        sums = {name: value for name, value in put.items() if name.startswith("Checksum")}
        parts.append({"PartNumber": number, "ETag": put["ETag"], **sums})
    return parts


def test_an_upload(s3, bucket):
    target = begin(s3, bucket, ContentType="text/plain", Metadata={"m": "1"}, Tagging="a=b")
    contents = [os.urandom(PART), os.urandom(PART + 3), b"last"]
    parts = upload(s3, target, contents)
    with refused("NoSuchKey", 404):
        s3.get_object(Bucket=bucket, Key="k")
    assert s3.list_multipart_uploads(Bucket=bucket)["Uploads"][0]["UploadId"] == target["UploadId"]
    listed = s3.list_parts(**target, MaxParts=2)
    assert [(part["PartNumber"], part["Size"]) for part in listed["Parts"]] == [(1, PART), (2, PART + 3)]
    assert listed["IsTruncated"] and listed["NextPartNumberMarker"] == 2
    rest = s3.list_parts(**target, PartNumberMarker=2)
    assert [part["PartNumber"] for part in rest["Parts"]] == [3]
    done = s3.complete_multipart_upload(**target, MultipartUpload={"Parts": parts})
    digests = b"".join(hashlib.md5(content).digest() for content in contents)
    assert done["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-3"'
    told = s3.get_object(Bucket=bucket, Key="k")
    assert told["Body"].read() == b"".join(contents)
    assert (told["ContentType"], told["Metadata"], told["TagCount"]) == ("text/plain", {"m": "1"}, 1)
    second = s3.get_object(Bucket=bucket, Key="k", PartNumber=2)
    assert (second["PartsCount"], second["Body"].read()) == (3, contents[1])
    assert s3.head_object(Bucket=bucket, Key="k", PartNumber=3)["ContentLength"] == 4
    with refused("InvalidPartNumber", 416):
        s3.get_object(Bucket=bucket, Key="k", PartNumber=4)
    assert body(s3, bucket, "k", Range=f"bytes={PART - 5}-{PART + 5}") == b"".join(contents)[PART - 5 : PART + 6]
    attributes = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectParts"])["ObjectParts"]
    assert (attributes["TotalPartsCount"], len(attributes["Parts"])) == (3, 3)
    with refused("NoSuchUpload", 404):
        s3.list_parts(**target)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_parts_are_replaced_and_chosen(s3, bucket):
    target = begin(s3, bucket)
    first, second, third = upload(s3, target, [b"a" * PART, b"b" * PART, b"c"])
    again = s3.upload_part(**target, PartNumber=1, Body=b"A" * PART)
    first |= {name: again[name] for name in first.keys() & again.keys()}
    s3.complete_multipart_upload(**target, MultipartUpload={"Parts": [first, third]})
    assert body(s3, bucket, "k") == b"A" * PART + b"c"


def test_an_upload_is_completed_again(s3, bucket):
    target = begin(s3, bucket)
    parts = {"Parts": upload(s3, target, [b"a" * PART, b"b"])}
    first = s3.complete_multipart_upload(**target, MultipartUpload=parts)
    again = s3.complete_multipart_upload(**target, MultipartUpload=parts)
    assert (first["ETag"], first["Location"]) == (again["ETag"], again["Location"])
    with refused("NoSuchUpload", 404):
        s3.complete_multipart_upload(**target, MultipartUpload={"Parts": parts["Parts"][:1]})
    s3.put_object(Bucket=bucket, Key=target["Key"], Body=b"other")
    with refused("NoSuchUpload", 404):
        s3.complete_multipart_upload(**target, MultipartUpload=parts)
    assert body(s3, bucket, target["Key"]) == b"other"


def test_lifecycle_rules_show_in_answers(s3, bucket):
    rule = {"ID": "soon & later", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 1}}
    rule["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": 2}
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})
    put = s3.put_object(Bucket=bucket, Key="tmp/a", Body=b"")
    assert put["Expiration"].startswith('expiry-date="') and 'rule-id="soon%20%26%20later"' in put["Expiration"]
    assert s3.head_object(Bucket=bucket, Key="tmp/a")["Expiration"] == put["Expiration"]
    assert "Expiration" not in s3.put_object(Bucket=bucket, Key="kept", Body=b"")
    begun = s3.create_multipart_upload(Bucket=bucket, Key="tmp/b")
    assert begun["AbortRuleId"] == "soon & later" and begun["AbortDate"].hour == 0
    assert "AbortDate" not in s3.create_multipart_upload(Bucket=bucket, Key="kept")


def test_what_is_refused(s3, bucket):
    target = begin(s3, bucket)
    parts = upload(s3, target, [b"small", b"b"])

    def complete(parts):
        s3.complete_multipart_upload(**target, MultipartUpload={"Parts": parts})

    with refused("EntityTooSmall", 400):
        complete(parts)
    with refused("InvalidPartOrder", 400):
        complete(parts[::-1])
    with refused("InvalidPart", 400):
        complete([parts[0] | {"ETag": '"' + "0" * 32 + '"'}])
    with refused("InvalidPart", 400):
        complete([parts[0], {"PartNumber": 9, "ETag": parts[1]["ETag"]}])
    with refused("MalformedXML", 400):
        complete([])
    with refused("InvalidArgument", 400):
        s3.upload_part(**target, PartNumber=10_001, Body=b"x")
    with refused("InvalidArgument", 400):
        s3.upload_part(**target, PartNumber=0, Body=b"x")
    with refused("NoSuchUpload", 404):
        s3.upload_part(**target | {"UploadId": "nonsense"}, PartNumber=1, Body=b"x")
    with refused("NoSuchUpload", 404):
        s3.upload_part(**target | {"Key": "other"}, PartNumber=1, Body=b"x")
    complete(parts[:1])
    assert body(s3, bucket, "k") == b"small"


def test_an_aborted_upload_leaves_nothing(s3, bucket, cloud):
    target = begin(s3, bucket)
    mark = os.urandom(64)
    upload(s3, target, [mark + b"x" * PART])
    blobs = cloud.data / "blobs"

    def has_mark():
        return any(mark in path.read_bytes()[:64] for path in blobs.glob("??/*") if path.is_file())

    assert has_mark()
    s3.abort_multipart_upload(**target)
    with refused("NoSuchUpload", 404):
        s3.abort_multipart_upload(**target)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    eventually(lambda: not has_mark())


def test_parts_are_copied(s3, bucket):
    source = os.urandom(2 * PART)
    s3.put_object(Bucket=bucket, Key="source", Body=source)
    target = begin(s3, bucket)
    parts = []
    for number, (start, end) in enumerate([(0, PART - 1), (PART, 2 * PART - 1)], 1):
        copied = s3.upload_part_copy(
            **target,
            PartNumber=number,
            CopySource=f"{bucket}/source",
            CopySourceRange=f"bytes={start}-{end}",
        )
        parts.append({"PartNumber": number, "ETag": copied["CopyPartResult"]["ETag"]})
    s3.complete_multipart_upload(**target, MultipartUpload={"Parts": parts})
    assert body(s3, bucket, "k") == source
    target = begin(s3, bucket)
    with refused("InvalidRange", 416):
        s3.upload_part_copy(
            **target, PartNumber=1, CopySource=f"{bucket}/source", CopySourceRange=f"bytes=0-{2 * PART}"
        )
    with refused("InvalidArgument", 400):
        s3.upload_part_copy(**target, PartNumber=1, CopySource=f"{bucket}/source", CopySourceRange="bytes=0-")


def test_lists_of_uploads(s3, bucket):
    made = [begin(s3, bucket, key) for key in ("a/1", "a/2", "b", "b", "c d")]
    found, options = [], {"Bucket": bucket, "MaxUploads": 2}
    while True:
        page = s3.list_multipart_uploads(**options)
        found += [(entry["Key"], entry["UploadId"]) for entry in page.get("Uploads", [])]
        if not page["IsTruncated"]:
            break
        options |= {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}
    assert sorted(found) == sorted((target["Key"], target["UploadId"]) for target in made)
    assert [key for key, _ in found] == ["a/1", "a/2", "b", "b", "c d"]
    folded = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [entry["Prefix"] for entry in folded["CommonPrefixes"]] == ["a/"]
    assert len(folded["Uploads"]) == 3


@pytest.mark.parametrize("kind", ["COMPOSITE", "FULL_OBJECT"])
def test_checksums_of_parts(s3, bucket, kind):
    contents = [b"1" * PART, b"2" * 10]
    target = begin(s3, bucket, ChecksumAlgorithm="CRC32", ChecksumType=kind)
    parts = upload(s3, target, contents, ChecksumAlgorithm="CRC32")

    def crc(data):
        return zlib.crc32(data).to_bytes(4, "big")

    whole = base64.b64encode(crc(b"".join(contents))).decode()
    composite = base64.b64encode(crc(b"".join(crc(content) for content in contents))).decode() + "-2"
    done = s3.complete_multipart_upload(**target, MultipartUpload={"Parts": parts})
    assert (done["ChecksumCRC32"], done["ChecksumType"]) == (
        (whole if kind == "FULL_OBJECT" else composite),
        kind,
    )
    told = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert told["ChecksumCRC32"] == done["ChecksumCRC32"]
    with refused("InvalidRequest", 400):
        begin(s3, bucket, ChecksumAlgorithm="SHA1", ChecksumType="FULL_OBJECT")


def test_conditions_and_versions(s3, versioned):
    target = begin(s3, versioned)
    parts = upload(s3, target, [b"x"])
    s3.put_object(Bucket=versioned, Key="k", Body=b"before")
    with refused("PreconditionFailed", 412):
        s3.complete_multipart_upload(**target, MultipartUpload={"Parts": parts}, IfNoneMatch="*")
    done = s3.complete_multipart_upload(**target, MultipartUpload={"Parts": parts})
    assert body(s3, versioned, "k", VersionId=done["VersionId"]) == b"x"
    assert len(s3.list_object_versions(Bucket=versioned)["Versions"]) == 2


def test_customer_keys(s3, bucket):
    key = b"k" * 32
    options = {
        "SSECustomerAlgorithm": "AES256",
        "SSECustomerKey": base64.b64encode(key).decode(),
        "SSECustomerKeyMD5": base64.b64encode(hashlib.md5(key).digest()).decode(),
    }
    target = begin(s3, bucket, **options)
    contents = [os.urandom(PART), os.urandom(100_000)]
    with refused("InvalidRequest", 400):
        s3.upload_part(**target, PartNumber=1, Body=b"x")
    parts = upload(s3, target, contents, **options)
    s3.complete_multipart_upload(**target, MultipartUpload={"Parts": parts})
    assert body(s3, bucket, "k", **options) == b"".join(contents)
    assert body(s3, bucket, "k", Range=f"bytes={PART - 2}-{PART + 1}", **options) == b"".join(contents)[PART - 2 : PART + 2]
