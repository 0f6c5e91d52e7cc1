"""Who may use a bucket, where policies are enforced: its policy, ACLs and the block of public access."""

import json

import pytest

from cloud import Account, Cloud
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
