"""No operation is implemented without a real client that drives it, and the small ones that need no file of their own."""

import json
import re
import subprocess
from pathlib import Path

from botocore import xform_name

from cloud import BINARY, TRUSTS_LAMBDA, refused, zip_of

ALLOWS = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
ALLOWS_LESS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}],
}


def test_every_implemented_operation_is_driven_by_boto3():
    listed = subprocess.run(
        [BINARY, "operations", "--output", "json"], capture_output=True, text=True, check=True
    )
    sources = "".join(path.read_text() for path in Path(__file__).parent.glob("*.py"))
    missing = [
        f"{row['service']}:{operation}"
        for row in json.loads(listed.stdout)
        for operation in row["implemented"]
        if not re.search(rf"\b{xform_name(operation)}\b", sources)
    ]
    assert missing == []


def test_role_changes(account):
    iam = account.iam
    account.role("r")
    iam.update_role(RoleName="r", Description="changed", MaxSessionDuration=7200)
    role = iam.get_role(RoleName="r")["Role"]
    assert (role["Description"], role["MaxSessionDuration"]) == ("changed", 7200)
    assert iam.update_role_description(RoleName="r", Description="again")["Role"]["Description"] == "again"
    trust = json.loads(TRUSTS_LAMBDA)
    trust["Statement"][0]["Principal"]["Service"] = "states.amazonaws.com"
    iam.update_assume_role_policy(RoleName="r", PolicyDocument=json.dumps(trust))
    assert iam.get_role(RoleName="r")["Role"]["AssumeRolePolicyDocument"] == trust
    assert iam.list_instance_profiles_for_role(RoleName="r")["InstanceProfiles"] == []
    for call in (iam.list_instance_profiles_for_role, iam.update_role, iam.list_role_tags):
        with refused("NoSuchEntity", 404):
            call(RoleName="absent")


def test_role_tags(account):
    iam = account.iam
    account.role("r")
    iam.tag_role(RoleName="r", Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    iam.tag_role(RoleName="r", Tags=[{"Key": "a", "Value": "3"}])
    iam.untag_role(RoleName="r", TagKeys=["b"])
    assert iam.list_role_tags(RoleName="r")["Tags"] == [{"Key": "a", "Value": "3"}]


def test_permissions_boundary(account):
    iam = account.iam
    account.role("r")
    arn = iam.create_policy(PolicyName="p", PolicyDocument=json.dumps(ALLOWS))["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName="r", PermissionsBoundary=arn)
    boundary = iam.get_role(RoleName="r")["Role"]["PermissionsBoundary"]
    assert boundary == {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}
    iam.delete_role_permissions_boundary(RoleName="r")
    assert "PermissionsBoundary" not in iam.get_role(RoleName="r")["Role"]


def test_policy_versions(account):
    iam = account.iam
    arn = iam.create_policy(PolicyName="p", PolicyDocument=json.dumps(ALLOWS))["Policy"]["Arn"]
    made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(ALLOWS_LESS))["PolicyVersion"]
    assert (made["VersionId"], made["IsDefaultVersion"]) == ("v2", False)
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v2")
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v2"
    with refused("DeleteConflict", 409):
        iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    assert [version["VersionId"] for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]] == ["v2"]
    for _ in range(4):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(ALLOWS))
    with refused("LimitExceeded", 409):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(ALLOWS))


def test_policy_tags_and_entities(account):
    iam = account.iam
    account.role("r")
    arn = iam.create_policy(PolicyName="p", PolicyDocument=json.dumps(ALLOWS))["Policy"]["Arn"]
    iam.tag_policy(PolicyArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    iam.untag_policy(PolicyArn=arn, TagKeys=["a"])
    assert iam.list_policy_tags(PolicyArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    assert iam.list_entities_for_policy(PolicyArn=arn)["PolicyRoles"] == []
    iam.attach_role_policy(RoleName="r", PolicyArn=arn)
    assert [role["RoleName"] for role in iam.list_entities_for_policy(PolicyArn=arn)["PolicyRoles"]] == ["r"]


def test_layer_permissions(account):
    functions = account.functions
    functions.publish_layer_version(LayerName="l", Content={"ZipFile": zip_of({"a": "b"})})
    version = {"LayerName": "l", "VersionNumber": 1}
    with refused("ResourceNotFoundException", 404):
        functions.get_layer_version_policy(**version)
    functions.add_layer_version_permission(
        **version, StatementId="all", Action="lambda:GetLayerVersion", Principal="*"
    )
    policy = json.loads(functions.get_layer_version_policy(**version)["Policy"])
    assert [statement["Sid"] for statement in policy["Statement"]] == ["all"]
    functions.remove_layer_version_permission(**version, StatementId="all")
    with refused("ResourceNotFoundException", 404):
        functions.get_layer_version_policy(**version)


def test_what_infrastructure_tools_read_of_a_function(account):
    functions = account.functions
    account.node("f", "exports.handler = async () => 1;")
    assert functions.get_function_code_signing_config(FunctionName="f")["FunctionName"] == "f"
    assert functions.get_runtime_management_config(FunctionName="f")["UpdateRuntimeOn"] == "Auto"
    assert functions.get_function_recursion_config(FunctionName="f")["RecursiveLoop"] == "Terminate"
    with refused("ResourceNotFoundException", 404):
        functions.get_function_event_invoke_config(FunctionName="f")
    for call in (functions.get_function_code_signing_config, functions.get_runtime_management_config):
        with refused("ResourceNotFoundException", 404):
            call(FunctionName="absent")


def test_patterns_can_be_tried(account):
    matches = account.logs.test_metric_filter(
        filterPattern="{ $.status >= 500 }", logEventMessages=['{"status":200}', '{"status":503}', "no json"]
    )["matches"]
    assert [(match["eventNumber"], match["eventMessage"]) for match in matches] == [(2, '{"status":503}')]


def test_a_protected_log_group_stays(account):
    logs = account.logs
    logs.create_log_group(logGroupName="/kept")
    logs.put_log_group_deletion_protection(logGroupIdentifier="/kept", deletionProtectionEnabled=True)
    with refused(("ValidationException", "OperationAbortedException", "InvalidParameterException"), 400):
        logs.delete_log_group(logGroupName="/kept")
    logs.put_log_group_deletion_protection(logGroupIdentifier="/kept", deletionProtectionEnabled=False)
    logs.delete_log_group(logGroupName="/kept")


def test_account_summary(account):
    account.role("r")
    account.iam.create_policy(PolicyName="p", PolicyDocument=json.dumps(ALLOWS))
    summary = account.iam.get_account_summary()["SummaryMap"]
    assert (summary["Roles"], summary["Policies"], summary["PolicyVersionsInUse"]) == (1, 1, 1)
    assert summary["AttachedPoliciesPerRoleQuota"] == 10
