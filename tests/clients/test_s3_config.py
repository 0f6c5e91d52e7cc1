"""Everything about S3 buckets around their objects: what is put comes back, and new buckets answer as on AWS."""

import json
import random

import pytest

from cloud import refused


def bucket_name():
    return f"bucket-{random.randrange(10**12):012}"


@pytest.fixture
def bucket(account):
    name = bucket_name()
    account.s3.create_bucket(Bucket=name)
    return name


def answered(reply):
    return {name: value for name, value in reply.items() if name != "ResponseMetadata"}


DEFAULTS = {
    "get_bucket_abac": {"AbacStatus": {"Status": "Disabled"}},
    "get_bucket_accelerate_configuration": {},
    "get_bucket_encryption": {
        "ServerSideEncryptionConfiguration": {
            "Rules": [
                {
                    "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
                    "BucketKeyEnabled": False,
                }
            ]
        }
    },
    "get_bucket_location": {"LocationConstraint": None},
    "get_bucket_logging": {},
    "get_bucket_notification_configuration": {},
    "get_bucket_ownership_controls": {
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    },
    "get_bucket_request_payment": {"Payer": "BucketOwner"},
    "get_bucket_versioning": {},
    "get_public_access_block": {
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        }
    },
    "list_bucket_analytics_configurations": {"IsTruncated": False},
    "list_bucket_intelligent_tiering_configurations": {"IsTruncated": False},
    "list_bucket_inventory_configurations": {"IsTruncated": False},
    "list_bucket_metrics_configurations": {"IsTruncated": False},
}

MISSING = {
    "get_bucket_cors": "NoSuchCORSConfiguration",
    "get_bucket_lifecycle_configuration": "NoSuchLifecycleConfiguration",
    "get_bucket_policy": "NoSuchBucketPolicy",
    "get_bucket_policy_status": "NoSuchBucketPolicy",
    "get_bucket_replication": "ReplicationConfigurationNotFoundError",
    "get_bucket_tagging": "NoSuchTagSet",
    "get_bucket_website": "NoSuchWebsiteConfiguration",
    "get_object_lock_configuration": "ObjectLockConfigurationNotFoundError",
}


@pytest.mark.parametrize("operation", DEFAULTS)
def test_new_buckets_answer_their_defaults(account, bucket, operation):
    assert answered(getattr(account.s3, operation)(Bucket=bucket)) == DEFAULTS[operation]


@pytest.mark.parametrize("operation", MISSING)
def test_new_buckets_say_what_they_have_not(account, bucket, operation):
    with refused(MISSING[operation], 404):
        getattr(account.s3, operation)(Bucket=bucket)


@pytest.mark.parametrize("operation", [*DEFAULTS, *MISSING])
def test_nothing_is_configured_in_a_bucket_that_is_not_there(account, operation):
    with refused("NoSuchBucket", 404):
        getattr(account.s3, operation)(Bucket=bucket_name())


TAGS = {"TagSet": [{"Key": "team", "Value": "photos & more"}, {"Key": "stage", "Value": ""}]}
CORS = {
    "CORSRules": [
        {
            "ID": "one",
            "AllowedHeaders": ["*"],
            "AllowedMethods": ["GET", "PUT"],
            "AllowedOrigins": ["https://*.example.com"],
            "ExposeHeaders": ["ETag"],
            "MaxAgeSeconds": 3000,
        },
        {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]},
    ]
}
WEBSITE = {
    "IndexDocument": {"Suffix": "index.html"},
    "ErrorDocument": {"Key": "errors/404.html"},
    "RoutingRules": [
        {
            "Condition": {"HttpErrorCodeReturnedEquals": "404", "KeyPrefixEquals": "images/"},
            "Redirect": {
                "HostName": "example.com",
                "HttpRedirectCode": "307",
                "Protocol": "https",
                "ReplaceKeyPrefixWith": "resize?key=",
            },
        }
    ],
}
ENCRYPTION = {
    "Rules": [
        {
            "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
            "BucketKeyEnabled": True,
            "BlockedEncryptionTypes": {"EncryptionType": ["NONE"]},
        }
    ]
}
LIFECYCLE = {
    "Rules": [
        {
            "ID": "logs",
            "Status": "Enabled",
            "Filter": {"Prefix": "logs/"},
            "Expiration": {"Days": 30},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        },
        {
            "ID": "drafts",
            "Status": "Disabled",
            "Filter": {"And": {"Prefix": "", "Tags": [{"Key": "kind", "Value": "draft"}]}},
            "Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}],
            "NoncurrentVersionExpiration": {"NoncurrentDays": 5, "NewerNoncurrentVersions": 3},
        },
    ]
}


def test_tags(account, bucket):
    s3 = account.s3
    s3.put_bucket_tagging(Bucket=bucket, Tagging=TAGS)
    assert answered(s3.get_bucket_tagging(Bucket=bucket)) == TAGS
    with refused("InvalidTag", 400):
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "aws:x", "Value": "y"}]})
    s3.delete_bucket_tagging(Bucket=bucket)
    with refused("NoSuchTagSet", 404):
        s3.get_bucket_tagging(Bucket=bucket)


def test_cors(account, bucket):
    s3 = account.s3
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration=CORS)
    assert answered(s3.get_bucket_cors(Bucket=bucket)) == CORS
    with refused("InvalidRequest", 400, "Unsupported method is PATCH"):
        rule = {"AllowedMethods": ["PATCH"], "AllowedOrigins": ["*"]}
        s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    s3.delete_bucket_cors(Bucket=bucket)
    with refused("NoSuchCORSConfiguration", 404):
        s3.get_bucket_cors(Bucket=bucket)


def test_website(account, bucket):
    s3 = account.s3
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=WEBSITE)
    assert answered(s3.get_bucket_website(Bucket=bucket)) == WEBSITE
    elsewhere = {"RedirectAllRequestsTo": {"HostName": "example.com"}}
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=elsewhere)
    assert answered(s3.get_bucket_website(Bucket=bucket)) == elsewhere
    with refused("InvalidArgument", 400):
        s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "a/b"}})
    s3.delete_bucket_website(Bucket=bucket)
    with refused("NoSuchWebsiteConfiguration", 404):
        s3.get_bucket_website(Bucket=bucket)


def test_encryption(account, bucket):
    s3 = account.s3
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=ENCRYPTION)
    assert answered(s3.get_bucket_encryption(Bucket=bucket)) == {
        "ServerSideEncryptionConfiguration": ENCRYPTION
    }
    with refused("NotImplemented", 501, "keys of KMS"):
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
        s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    s3.delete_bucket_encryption(Bucket=bucket)
    assert answered(s3.get_bucket_encryption(Bucket=bucket)) == DEFAULTS["get_bucket_encryption"]


def test_lifecycle(account, bucket):
    s3 = account.s3
    put = s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=LIFECYCLE)
    assert put["TransitionDefaultMinimumObjectSize"] == "all_storage_classes_128K"
    found = answered(s3.get_bucket_lifecycle_configuration(Bucket=bucket))
    assert found == LIFECYCLE | {"TransitionDefaultMinimumObjectSize": "all_storage_classes_128K"}
    dated = {"Rules": [{"Status": "Enabled", "Filter": {}, "Expiration": {"Date": "2026-01-01T00:00:00Z"}}]}
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=dated)
    rule = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"][0]
    assert rule["ID"] and rule["Expiration"]["Date"].isoformat() == "2026-01-01T00:00:00+00:00"
    with refused("InvalidArgument", 400, "'Date' must be at midnight GMT"):
        dated["Rules"][0]["Expiration"]["Date"] = "2026-01-01T00:00:01Z"
        s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=dated)
    s3.delete_bucket_lifecycle(Bucket=bucket)
    with refused("NoSuchLifecycleConfiguration", 404):
        s3.get_bucket_lifecycle_configuration(Bucket=bucket)


def test_policy_and_its_status(account, bucket):
    s3 = account.s3
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{bucket}/*",
            }
        ],
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == policy
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"] == {"IsPublic": True}
    policy["Statement"][0]["Condition"] = {"StringEquals": {"aws:SourceVpce": "vpce-1"}}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"] == {"IsPublic": False}
    policy["Statement"][0]["Resource"] = "arn:aws:s3:::another"
    with refused("MalformedPolicy", 400, "Policy has invalid resource"):
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    s3.delete_bucket_policy(Bucket=bucket)
    with refused("NoSuchBucketPolicy", 404):
        s3.get_bucket_policy(Bucket=bucket)


def test_versioning_and_object_lock(account, bucket):
    s3 = account.s3
    lock = {
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Years": 1}},
    }
    with refused("InvalidBucketState", 409):
        s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=lock)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=lock)
    assert s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"] == lock
    with refused("InvalidBucketState", 409):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    with refused("MalformedXML", 400):
        lock["Rule"]["DefaultRetention"]["Days"] = 1
        s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=lock)


def test_acls_need_an_ownership_that_has_them(account, bucket):
    s3 = account.s3
    with refused("AccessControlListNotSupported", 400, "The bucket does not allow ACLs"):
        s3.put_bucket_acl(Bucket=bucket, ACL="public-read")
    owner = s3.get_bucket_acl(Bucket=bucket)["Owner"]
    controls = {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=controls)
    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"] == controls
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read")
    everyone = {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"}
    mine = {"Grantee": {"Type": "CanonicalUser", "ID": owner["ID"]}, "Permission": "FULL_CONTROL"}
    grants = s3.get_bucket_acl(Bucket=bucket)["Grants"]
    assert grants == [mine, {"Grantee": everyone, "Permission": "READ"}]
    s3.put_bucket_acl(Bucket=bucket, AccessControlPolicy={"Owner": owner, "Grants": [mine]})
    assert s3.get_bucket_acl(Bucket=bucket)["Grants"] == [mine]
    s3.put_object(Bucket=bucket, Key="a", Body=b"a")
    s3.put_object_acl(Bucket=bucket, Key="a", GrantRead=f'uri="{everyone["URI"]}"')
    assert s3.get_object_acl(Bucket=bucket, Key="a")["Grants"] == [
        {"Grantee": everyone, "Permission": "READ"}
    ]
    with refused("InvalidArgument", 400):
        s3.put_object_acl(Bucket=bucket, Key="a", GrantRead="everybody")
    with refused("NoSuchKey", 404):
        s3.get_object_acl(Bucket=bucket, Key="b")
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    with refused("OwnershipControlsNotFoundError", 404):
        s3.get_bucket_ownership_controls(Bucket=bucket)


def test_new_buckets_may_have_acls_and_tags(account):
    s3 = account.s3
    made = bucket_name()
    with refused("InvalidBucketAclWithObjectOwnership", 400):
        s3.create_bucket(Bucket=made, ACL="public-read")
    s3.create_bucket(
        Bucket=made,
        ACL="public-read",
        ObjectOwnership="ObjectWriter",
        CreateBucketConfiguration={"Tags": [{"Key": "team", "Value": "photos"}]},
    )
    assert len(s3.get_bucket_acl(Bucket=made)["Grants"]) == 2
    assert s3.get_bucket_tagging(Bucket=made)["TagSet"] == [{"Key": "team", "Value": "photos"}]
    s3.put_object(Bucket=made, Key="a", Body=b"a", ACL="public-read")
    copied = {"CopySource": {"Bucket": made, "Key": "a"}, "ACL": "authenticated-read"}
    s3.copy_object(Bucket=made, Key="b", **copied)
    for key, group in [("a", "AllUsers"), ("b", "AuthenticatedUsers")]:
        grants = s3.get_object_acl(Bucket=made, Key=key)["Grants"]
        assert grants[1]["Grantee"]["URI"].endswith(group)


def test_public_access_block(account, bucket):
    s3 = account.s3
    block = {
        "BlockPublicAcls": False,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": False,
        "RestrictPublicBuckets": False,
    }
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == block
    s3.delete_public_access_block(Bucket=bucket)
    with refused("NoSuchPublicAccessBlockConfiguration", 404):
        s3.get_public_access_block(Bucket=bucket)


def test_what_is_kept_for_tools_that_read_it_back(account, bucket):
    s3 = account.s3
    logs = bucket_name()
    s3.create_bucket(Bucket=logs)
    logging = {"LoggingEnabled": {"TargetBucket": logs, "TargetPrefix": "log/"}}
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus=logging)
    assert answered(s3.get_bucket_logging(Bucket=bucket)) == logging
    with refused("InvalidTargetBucketForLogging", 400):
        logging["LoggingEnabled"]["TargetBucket"] = bucket_name()
        s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus=logging)
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
    assert answered(s3.get_bucket_logging(Bucket=bucket)) == {}
    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "Requester"})
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "Requester"
    s3.put_bucket_accelerate_configuration(Bucket=bucket, AccelerateConfiguration={"Status": "Enabled"})
    assert s3.get_bucket_accelerate_configuration(Bucket=bucket)["Status"] == "Enabled"
    s3.put_bucket_abac(Bucket=bucket, AbacStatus={"Status": "Disabled"})
    with refused("NotImplemented", 501):
        s3.put_bucket_abac(Bucket=bucket, AbacStatus={"Status": "Enabled"})


def test_replication_needs_versions_at_both_ends(account, bucket):
    s3 = account.s3
    target = bucket_name()
    s3.create_bucket(Bucket=target)
    configuration = {
        "Role": f"arn:aws:iam::{account.id}:role/replication",
        "Rules": [
            {
                "ID": "all",
                "Priority": 1,
                "Status": "Enabled",
                "Filter": {"Prefix": ""},
                "DeleteMarkerReplication": {"Status": "Disabled"},
                "Destination": {"Bucket": f"arn:aws:s3:::{target}"},
            }
        ],
    }
    for name, text in [(bucket, "Versioning must be"), (target, "Destination bucket must have versioning")]:
        with refused("InvalidRequest", 400, text):
            s3.put_bucket_replication(Bucket=bucket, ReplicationConfiguration=configuration)
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_replication(Bucket=bucket, ReplicationConfiguration=configuration)
    assert s3.get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"] == configuration
    s3.delete_bucket_replication(Bucket=bucket)
    with refused("ReplicationConfigurationNotFoundError", 404):
        s3.get_bucket_replication(Bucket=bucket)


LISTED = {
    "inventory": (
        "InventoryConfiguration",
        {
            "Destination": {
                "S3BucketDestination": {"Bucket": "arn:aws:s3:::reports", "Format": "CSV", "Prefix": "in"}
            },
            "IsEnabled": True,
            "IncludedObjectVersions": "All",
            "OptionalFields": ["Size", "ETag"],
            "Schedule": {"Frequency": "Daily"},
        },
    ),
    "analytics": (
        "AnalyticsConfiguration",
        {"Filter": {"Prefix": "documents/"}, "StorageClassAnalysis": {}},
    ),
    "metrics": ("MetricsConfiguration", {"Filter": {"Tag": {"Key": "kind", "Value": "draft"}}}),
    "intelligent_tiering": (
        "IntelligentTieringConfiguration",
        {"Status": "Enabled", "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}]},
    ),
}
# Spelled out for whoever looks for the operation that a test drives:
# put_bucket_inventory_configuration get_bucket_inventory_configuration delete_bucket_inventory_configuration
# put_bucket_analytics_configuration get_bucket_analytics_configuration delete_bucket_analytics_configuration
# put_bucket_metrics_configuration get_bucket_metrics_configuration delete_bucket_metrics_configuration
# put_bucket_intelligent_tiering_configuration get_bucket_intelligent_tiering_configuration
# delete_bucket_intelligent_tiering_configuration


@pytest.mark.parametrize("kind", LISTED)
def test_configurations_with_ids(account, bucket, kind):
    def call(verb, number="", **options):
        return getattr(account.s3, f"{verb}_bucket_{kind}_configuration{number}")(Bucket=bucket, **options)

    member, configuration = LISTED[kind]
    for name in ["b", "a"]:
        call("put", Id=name, **{member: configuration | {"Id": name}})
    assert call("get", Id="a")[member] == configuration | {"Id": "a"}
    listed = call("list", "s")
    assert [found["Id"] for found in listed[f"{member}List"]] == ["a", "b"]
    assert listed["IsTruncated"] is False
    with refused("InvalidArgument", 400):
        call("put", Id="c", **{member: configuration | {"Id": "d"}})
    call("delete", Id="a")
    for verb in ["get", "delete"]:
        with refused("NoSuchConfiguration", 404):
            call(verb, Id="a")

def test_what_is_not_in_the_model_is_malformed(account, bucket):
    s3 = account.s3
    with refused("MalformedXML", 400):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "On"})
    with refused("MalformedXML", 400):
        s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "Nobody"})
    with refused("MalformedXML", 400):
        s3.put_bucket_ownership_controls(
            Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "Everybody"}]}
        )
