"""IAM and STS as far as functions need them: roles, policies, identities, temporary credentials."""

import json
import re

import pytest

from cloud import TRUSTS_LAMBDA, refused

ALLOWS_LOGS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}],
}


def test_role_life(account):
    iam = account.iam
    created = iam.create_role(
        RoleName="r",
        Path="/service/",
        AssumeRolePolicyDocument=TRUSTS_LAMBDA,
        Description="runs",
        MaxSessionDuration=7200,
        Tags=[{"Key": "team", "Value": "one"}],
    )["Role"]
    assert created["Arn"] == f"arn:aws:iam::{account.id}:role/service/r"
    assert re.fullmatch(r"AROA[A-Z0-9]{17}", created["RoleId"])
    assert (created["Path"], created["RoleName"]) == ("/service/", "r")
    read = iam.get_role(RoleName="r")["Role"]
    assert read["AssumeRolePolicyDocument"] == json.loads(TRUSTS_LAMBDA)
    assert (read["Description"], read["MaxSessionDuration"]) == ("runs", 7200)
    assert read["Tags"] == [{"Key": "team", "Value": "one"}]
    assert read["CreateDate"] == created["CreateDate"]
    with refused("EntityAlreadyExists", 409, "Role with name r already exists."):
        iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUSTS_LAMBDA)
    iam.delete_role(RoleName="r")
    with refused("NoSuchEntity", 404, "The role with name r cannot be found."):
        iam.get_role(RoleName="r")
    with refused("NoSuchEntity", 404):
        iam.delete_role(RoleName="r")


def test_roles_are_listed_in_pages(account):
    for number in range(5):
        account.iam.create_role(
            RoleName=f"r{number}",
            Path="/even/" if number % 2 == 0 else "/odd/",
            AssumeRolePolicyDocument=TRUSTS_LAMBDA,
        )
    pages = list(account.iam.get_paginator("list_roles").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["Roles"]) for page in pages] == [2, 2, 1]
    assert [page["IsTruncated"] for page in pages] == [True, True, False]
    assert [role["RoleName"] for page in pages for role in page["Roles"]] == [
        f"r{number}" for number in range(5)
    ]
    odd = account.iam.list_roles(PathPrefix="/odd/")["Roles"]
    assert [role["RoleName"] for role in odd] == ["r1", "r3"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"RoleName": "with space"},
        {"RoleName": "x" * 65},
        {"AssumeRolePolicyDocument": "{not json"},
        {"AssumeRolePolicyDocument": '{"Version":"2012-10-17"}'},
        {"Path": "no-slashes"},
        {"MaxSessionDuration": 10},
    ],
    ids=lambda wrong: "-".join(wrong),
)
def test_wrong_roles_are_refused(account, wrong):
    role = {"RoleName": "r", "AssumeRolePolicyDocument": TRUSTS_LAMBDA} | wrong
    with refused(("ValidationError", "MalformedPolicyDocument"), 400):
        account.iam.create_role(**role)
    assert account.iam.list_roles()["Roles"] == []


def test_inline_policies(account):
    iam = account.iam
    account.role("r")
    iam.put_role_policy(RoleName="r", PolicyName="logs", PolicyDocument=json.dumps(ALLOWS_LOGS))
    iam.put_role_policy(RoleName="r", PolicyName="again", PolicyDocument=json.dumps(ALLOWS_LOGS))
    read = iam.get_role_policy(RoleName="r", PolicyName="logs")
    assert (read["RoleName"], read["PolicyName"], read["PolicyDocument"]) == ("r", "logs", ALLOWS_LOGS)
    assert iam.list_role_policies(RoleName="r")["PolicyNames"] == ["again", "logs"]
    with refused("MalformedPolicyDocument", 400):
        iam.put_role_policy(RoleName="r", PolicyName="broken", PolicyDocument="{")
    with refused("DeleteConflict", 409, "must delete policies first"):
        iam.delete_role(RoleName="r")
    iam.delete_role_policy(RoleName="r", PolicyName="logs")
    iam.delete_role_policy(RoleName="r", PolicyName="again")
    with refused("NoSuchEntity", 404):
        iam.get_role_policy(RoleName="r", PolicyName="logs")
    with refused("NoSuchEntity", 404):
        iam.put_role_policy(RoleName="absent", PolicyName="p", PolicyDocument=json.dumps(ALLOWS_LOGS))
    iam.delete_role(RoleName="r")


def test_managed_policies(account):
    iam = account.iam
    account.role("r")
    policy = iam.create_policy(
        PolicyName="p", PolicyDocument=json.dumps(ALLOWS_LOGS), Description="logs only"
    )["Policy"]
    assert policy["Arn"] == f"arn:aws:iam::{account.id}:policy/p"
    assert (policy["DefaultVersionId"], policy["AttachmentCount"], policy["IsAttachable"]) == ("v1", 0, True)
    with refused("EntityAlreadyExists", 409):
        iam.create_policy(PolicyName="p", PolicyDocument=json.dumps(ALLOWS_LOGS))
    version = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId="v1")["PolicyVersion"]
    assert version["Document"] == ALLOWS_LOGS and version["IsDefaultVersion"] is True
    iam.attach_role_policy(RoleName="r", PolicyArn=policy["Arn"])
    iam.attach_role_policy(RoleName="r", PolicyArn=policy["Arn"])
    assert iam.list_attached_role_policies(RoleName="r")["AttachedPolicies"] == [
        {"PolicyName": "p", "PolicyArn": policy["Arn"]}
    ]
    assert iam.get_policy(PolicyArn=policy["Arn"])["Policy"]["AttachmentCount"] == 1
    assert [found["Arn"] for found in iam.list_policies(Scope="Local")["Policies"]] == [policy["Arn"]]
    for delete in (lambda: iam.delete_role(RoleName="r"), lambda: iam.delete_policy(PolicyArn=policy["Arn"])):
        with refused("DeleteConflict", 409):
            delete()
    iam.detach_role_policy(RoleName="r", PolicyArn=policy["Arn"])
    with refused("NoSuchEntity", 404):
        iam.detach_role_policy(RoleName="r", PolicyArn=policy["Arn"])
    iam.delete_policy(PolicyArn=policy["Arn"])
    with refused("NoSuchEntity", 404):
        iam.get_policy(PolicyArn=policy["Arn"])


def test_policies_of_aws_can_be_attached(account):
    account.role("r")
    arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    account.iam.attach_role_policy(RoleName="r", PolicyArn=arn)
    attached = account.iam.list_attached_role_policies(RoleName="r")["AttachedPolicies"]
    assert attached == [{"PolicyName": "AWSLambdaBasicExecutionRole", "PolicyArn": arn}]
    with refused("NoSuchEntity", 404):
        account.iam.attach_role_policy(RoleName="r", PolicyArn="arn:aws:iam::aws:policy/NoSuchThing")


def test_the_account_is_the_access_key(account):
    identity = account.sts.get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == (account.id, f"arn:aws:iam::{account.id}:root")
    assert identity["UserId"]
    usual = account.client("sts", aws_access_key_id="test").get_caller_identity()
    assert usual["Account"] == "000000000000"


def test_assume_role(account):
    arn = account.role("r")
    assumed = account.sts.assume_role(RoleArn=arn, RoleSessionName="session", DurationSeconds=900)
    credentials = assumed["Credentials"]
    assert re.fullmatch(r"ASIA[A-Z0-9]{16}", credentials["AccessKeyId"])
    assert assumed["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{account.id}:assumed-role/r/session"
    assert re.fullmatch(r"AROA[A-Z0-9]{17}:session", assumed["AssumedRoleUser"]["AssumedRoleId"])
    as_role = session_client(account, "sts", credentials)
    identity = as_role.get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == (account.id, assumed["AssumedRoleUser"]["Arn"])
    assert identity["UserId"] == assumed["AssumedRoleUser"]["AssumedRoleId"]


def test_session_token(account):
    credentials = account.sts.get_session_token(DurationSeconds=900)["Credentials"]
    identity = session_client(account, "sts", credentials).get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == (account.id, f"arn:aws:iam::{account.id}:root")


def test_assuming_what_is_not_there(account):
    with refused("ValidationError", 400):
        account.sts.assume_role(RoleArn="arn:aws:iam::wrong:role/r", RoleSessionName="session")
    # AWS refuses a role that was never made; mode dev takes it as it is named, so that functions run before
    # anybody has written a role.
    assumed = account.sts.assume_role(
        RoleArn=f"arn:aws:iam::{account.id}:role/absent", RoleSessionName="session"
    )
    assert assumed["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{account.id}:assumed-role/absent/session"


def test_wrong_signatures_of_issued_keys_are_refused(account):
    credentials = account.sts.get_session_token()["Credentials"] | {"SecretAccessKey": "wrong"}
    with refused(
        "SignatureDoesNotMatch",
        403,
        "The request signature we calculated does not match the signature you provided",
    ):
        session_client(account, "sts", credentials).get_caller_identity()
    with refused("InvalidSignatureException", 403):
        session_client(account, "lambda", credentials).list_functions()


def session_client(account, service, credentials):
    return account.client(
        service,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
