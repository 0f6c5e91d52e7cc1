"""Who may use a bucket, where policies are enforced: its policy, ACLs and the block of public access."""

import json

import pytest

from cloud import Account, Cloud, refused
from s3_shared import name


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    cloud = Cloud(tmp_path_factory.mktemp("enforced") / "data", "--enforce")
    yield Account(cloud, "000000000000")
    assert cloud.stop() == 0


@pytest.fixture
def bucket(root):
    made = name()
    root.s3.create_bucket(Bucket=made)
    root.s3.put_object(Bucket=made, Key="open/a", Body=b"a")
    root.s3.put_object(Bucket=made, Key="b", Body=b"b")
    website = {"IndexDocument": {"Suffix": "index.html"}}
    root.s3.put_bucket_website(Bucket=made, WebsiteConfiguration=website)
    return made


def statement(effect, principal, action, *resources):
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": effect, "Principal": principal, "Action": action, "Resource": list(resources)}
        ],
    }


def read(root, bucket, key):
    """As somebody without a key: a visitor of the bucket's website."""
    return root.cloud.http("GET", f"/{key}", host=f"{bucket}.s3-website.localhost.localstack.cloud")


def open_to_the_public(root, bucket):
    root.s3.delete_public_access_block(Bucket=bucket)
    policy = statement("Allow", "*", "s3:GetObject", f"arn:aws:s3:::{bucket}/open/*")
    root.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


def test_nobody_reads_unless_a_policy_says_so(root, bucket):
    assert read(root, bucket, "open/a").status == 403
    open_to_the_public(root, bucket)
    assert read(root, bucket, "open/a").data == b"a"
    assert read(root, bucket, "b").status == 403
    page = read(root, bucket, "b")
    assert b"<li>Code: AccessDenied</li>" in page.data
    block = {"RestrictPublicBuckets": True}
    root.s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)
    assert read(root, bucket, "open/a").status == 403


def test_acls_decide_where_a_bucket_has_them(root, bucket):
    controls = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    root.s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=controls)
    root.s3.delete_public_access_block(Bucket=bucket)
    root.s3.put_object_acl(Bucket=bucket, Key="b", ACL="public-read")
    assert read(root, bucket, "b").data == b"b"
    assert read(root, bucket, "open/a").status == 403
    root.s3.put_object(Bucket=bucket, Key="c", Body=b"c", ACL="public-read")
    assert read(root, bucket, "c").data == b"c"
    block = {"IgnorePublicAcls": True}
    root.s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)
    assert read(root, bucket, "b").status == 403


def user(root, *statements):
    """S3 for a new user, who may do what the statements of its policy say: action and resource."""
    user_name = name("user")
    root.iam.create_user(UserName=user_name)
    allow(root, user_name, *statements)
    key = root.iam.create_access_key(UserName=user_name)["AccessKey"]
    secret = key["SecretAccessKey"]
    return user_name, root.client("s3", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=secret)


def allow(root, user_name, *statements):
    statements = [{"Effect": "Allow", "Action": action, "Resource": to} for action, to in statements]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    root.iam.put_user_policy(UserName=user_name, PolicyName="p", PolicyDocument=document)


def test_a_copy_needs_leave_to_read_its_source(root, bucket):
    objects = f"arn:aws:s3:::{bucket}/*"
    user_name, s3 = user(root, ("s3:PutObject", objects))
    source = {"Bucket": bucket, "Key": "b"}
    upload = {"Bucket": bucket, "Key": "parts", "PartNumber": 1, "CopySource": source}
    upload["UploadId"] = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    with refused("AccessDenied", 403, "s3:GetObject"):
        s3.copy_object(Bucket=bucket, Key="copy", CopySource=source)
    with refused("AccessDenied", 403, "s3:GetObject"):
        s3.upload_part_copy(**upload)
    assert "copy" not in [found["Key"] for found in root.s3.list_objects_v2(Bucket=bucket)["Contents"]]
    allow(root, user_name, (["s3:PutObject", "s3:GetObject"], objects))
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=source)
    s3.upload_part_copy(**upload)
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == b"b"


def test_versions_have_actions_of_their_own(root, bucket):
    root.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = {"Bucket": bucket, "Key": "v"}
    version["VersionId"] = root.s3.put_object(Bucket=bucket, Key="v", Body=b"v")["VersionId"]
    objects = f"arn:aws:s3:::{bucket}/*"
    user_name, s3 = user(root, (["s3:GetObject", "s3:DeleteObject", "s3:GetObjectTagging"], objects))
    assert s3.get_object(Bucket=bucket, Key="v")["Body"].read() == b"v"
    with refused("AccessDenied", 403, "s3:GetObjectVersion"):
        s3.get_object(**version)
    with refused("403", 403):
        s3.head_object(**version)
    with refused("AccessDenied", 403, "s3:GetObjectVersionTagging"):
        s3.get_object_tagging(**version)
    with refused("AccessDenied", 403, "s3:DeleteObjectVersion"):
        s3.delete_object(**version)
    allow(root, user_name, (["s3:GetObjectVersion", "s3:DeleteObjectVersion"], objects))
    assert s3.get_object(**version)["Body"].read() == b"v"
    s3.delete_object(**version)
    with refused("AccessDenied", 403, "s3:GetObject"):
        s3.get_object(Bucket=bucket, Key="open/a")


def test_each_key_of_a_batch_is_asked_about(root, bucket):
    _, s3 = user(root, ("s3:DeleteObject", f"arn:aws:s3:::{bucket}/open/*"))
    keys = {"Objects": [{"Key": "open/a"}, {"Key": "b"}]}
    answer = s3.delete_objects(Bucket=bucket, Delete=keys)
    assert [found["Key"] for found in answer["Deleted"]] == ["open/a"]
    assert [(found["Key"], found["Code"]) for found in answer["Errors"]] == [("b", "AccessDenied")]
    assert [found["Key"] for found in root.s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["b"]


def test_that_a_key_is_missing_is_for_those_who_may_list(root, bucket):
    objects = f"arn:aws:s3:::{bucket}/*"
    user_name, s3 = user(root, ("s3:GetObject", objects))
    with refused("AccessDenied", 403, "s3:ListBucket"):
        s3.get_object(Bucket=bucket, Key="missing")
    with refused("403", 403):
        s3.head_object(Bucket=bucket, Key="missing")
    allow(root, user_name, ("s3:GetObject", objects), ("s3:ListBucket", f"arn:aws:s3:::{bucket}"))
    with refused("NoSuchKey", 404):
        s3.get_object(Bucket=bucket, Key="missing")


def test_what_comes_with_an_object_is_asked_for(root, bucket):
    objects = f"arn:aws:s3:::{bucket}/*"
    user_name, s3 = user(root, ("s3:PutObject", objects))
    s3.put_object(Bucket=bucket, Key="plain", Body=b"")
    with refused("AccessDenied", 403, "s3:PutObjectTagging"):
        s3.put_object(Bucket=bucket, Key="tagged", Body=b"", Tagging="a=b")
    with refused("AccessDenied", 403, "s3:PutObjectAcl"):
        s3.put_object(Bucket=bucket, Key="open", Body=b"", ACL="bucket-owner-full-control")
    allow(root, user_name, (["s3:PutObject", "s3:PutObjectTagging"], objects))
    s3.put_object(Bucket=bucket, Key="tagged", Body=b"", Tagging="a=b")


def test_a_block_refuses_public_policies(root, bucket):
    policy = json.dumps(statement("Allow", "*", "s3:GetObject", f"arn:aws:s3:::{bucket}/*"))
    with refused("AccessDenied", 403):
        root.s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    root.s3.delete_public_access_block(Bucket=bucket)
    root.s3.put_bucket_policy(Bucket=bucket, Policy=policy)
