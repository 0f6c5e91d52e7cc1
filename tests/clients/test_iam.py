"""IAM with boto3: users, groups, keys, providers, and the flows infrastructure tools make."""

import json
import re

from cloud import TRUSTS_LAMBDA, refused

READS = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}
BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


def test_user_life(account):
    iam = account.iam
    user = iam.create_user(UserName="ada", Path="/eng/", Tags=[{"Key": "team", "Value": "one"}])["User"]
    assert user["Arn"] == f"arn:aws:iam::{account.id}:user/eng/ada"
    assert re.fullmatch(r"AIDA[A-Z0-9]{17}", user["UserId"])
    assert iam.get_user(UserName="ada")["User"] == user
    assert iam.get_user()["User"]["Arn"] == f"arn:aws:iam::{account.id}:root"
    with refused("EntityAlreadyExists", 409, "User with name ada already exists."):
        iam.create_user(UserName="ada")
    iam.tag_user(UserName="ada", Tags=[{"Key": "a", "Value": "1"}])
    iam.untag_user(UserName="ada", TagKeys=["team"])
    assert iam.list_user_tags(UserName="ada")["Tags"] == [{"Key": "a", "Value": "1"}]
    iam.put_user_permissions_boundary(UserName="ada", PermissionsBoundary=BASIC)
    bounded = iam.get_user(UserName="ada")["User"]["PermissionsBoundary"]
    assert bounded == {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": BASIC}
    iam.delete_user_permissions_boundary(UserName="ada")
    iam.update_user(UserName="ada", NewUserName="eve", NewPath="/")
    assert [user["UserName"] for user in iam.list_users(PathPrefix="/")["Users"]] == ["eve"]
    with refused("NoSuchEntity", 404, "The user with name ada cannot be found."):
        iam.get_user(UserName="ada")
    iam.delete_user(UserName="eve")
    assert iam.list_users()["Users"] == []


def test_policies_of_users_and_groups(account):
    iam = account.iam
    iam.create_user(UserName="u")
    iam.create_group(GroupName="g")
    arn = iam.create_policy(PolicyName="p", PolicyDocument=json.dumps(READS))["Policy"]["Arn"]
    attached = [{"PolicyName": "p", "PolicyArn": arn}]
    iam.attach_user_policy(UserName="u", PolicyArn=arn)
    iam.attach_group_policy(GroupName="g", PolicyArn=arn)
    assert iam.list_attached_user_policies(UserName="u")["AttachedPolicies"] == attached
    assert iam.list_attached_group_policies(GroupName="g")["AttachedPolicies"] == attached
    entities = iam.list_entities_for_policy(PolicyArn=arn)
    assert [user["UserName"] for user in entities["PolicyUsers"]] == ["u"]
    assert [group["GroupName"] for group in entities["PolicyGroups"]] == ["g"]
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 2
    iam.put_user_policy(UserName="u", PolicyName="i", PolicyDocument=json.dumps(READS))
    iam.put_group_policy(GroupName="g", PolicyName="i", PolicyDocument=json.dumps(READS))
    assert iam.get_user_policy(UserName="u", PolicyName="i")["PolicyDocument"] == READS
    assert iam.get_group_policy(GroupName="g", PolicyName="i")["PolicyDocument"] == READS
    assert iam.list_user_policies(UserName="u")["PolicyNames"] == ["i"]
    assert iam.list_group_policies(GroupName="g")["PolicyNames"] == ["i"]
    with refused("MalformedPolicyDocument", 400, "Policy document should not specify a principal."):
        policy = json.loads(json.dumps(READS))
        policy["Statement"][0]["Principal"] = "*"
        iam.put_user_policy(UserName="u", PolicyName="i", PolicyDocument=json.dumps(policy))
    with refused("LimitExceeded", 409, "Maximum policy size of 2048 bytes exceeded for user u"):
        policy = json.loads(json.dumps(READS))
        policy["Statement"][0]["Action"] = [f"s3:Get{number:020}" for number in range(90)]
        iam.put_user_policy(UserName="u", PolicyName="large", PolicyDocument=json.dumps(policy))
    iam.delete_user_policy(UserName="u", PolicyName="i")
    iam.delete_group_policy(GroupName="g", PolicyName="i")
    iam.detach_user_policy(UserName="u", PolicyArn=arn)
    iam.detach_group_policy(GroupName="g", PolicyArn=arn)
    iam.delete_policy(PolicyArn=arn)


def test_groups(account):
    iam = account.iam
    group = iam.create_group(GroupName="g", Path="/eng/")["Group"]
    assert group["Arn"] == f"arn:aws:iam::{account.id}:group/eng/g"
    for name in ("a", "b"):
        iam.create_user(UserName=name)
        iam.add_user_to_group(UserName=name, GroupName="g")
    assert [user["UserName"] for user in iam.get_group(GroupName="g")["Users"]] == ["a", "b"]
    iam.update_group(GroupName="g", NewGroupName="h")
    assert [found["GroupName"] for found in iam.list_groups_for_user(UserName="a")["Groups"]] == ["h"]
    assert [found["GroupName"] for found in iam.list_groups()["Groups"]] == ["h"]
    with refused("DeleteConflict", 409, "Cannot delete entity, must remove users from group first."):
        iam.delete_group(GroupName="h")
    for name in ("a", "b"):
        iam.remove_user_from_group(UserName=name, GroupName="h")
    iam.delete_group(GroupName="h")


def test_access_keys(account):
    iam = account.iam
    iam.create_user(UserName="u")
    key = iam.create_access_key(UserName="u")["AccessKey"]
    assert re.fullmatch(r"AKIA[A-Z2-7]{16}", key["AccessKeyId"]) and len(key["SecretAccessKey"]) == 40
    iam.update_access_key(UserName="u", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    (listed,) = iam.list_access_keys(UserName="u")["AccessKeyMetadata"]
    assert (listed["AccessKeyId"], listed["Status"]) == (key["AccessKeyId"], "Inactive")
    used = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
    assert (used["UserName"], used["AccessKeyLastUsed"]["ServiceName"]) == ("u", "N/A")
    with refused("DeleteConflict", 409, "Cannot delete entity, must delete access keys first."):
        iam.delete_user(UserName="u")
    iam.delete_access_key(UserName="u", AccessKeyId=key["AccessKeyId"])
    with refused("NoSuchEntity", 404):
        iam.delete_access_key(UserName="u", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="u")


def test_secrets_are_sealed_on_disk(own_cloud):
    account = own_cloud.account()
    account.iam.create_user(UserName="u")
    secret = account.iam.create_access_key(UserName="u")["AccessKey"]["SecretAccessKey"]
    own_cloud.stop()
    for path in own_cloud.data.rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path


def test_login_profiles_and_password_policy(account):
    iam = account.iam
    iam.create_user(UserName="u")
    with refused("NoSuchEntity", 404):
        iam.get_account_password_policy()
    iam.update_account_password_policy(MinimumPasswordLength=10, RequireNumbers=True)
    policy = iam.get_account_password_policy()["PasswordPolicy"]
    assert (policy["MinimumPasswordLength"], policy["RequireNumbers"], policy["ExpirePasswords"]) == (
        10,
        True,
        False,
    )
    with refused("PasswordPolicyViolation", 400):
        iam.create_login_profile(UserName="u", Password="too simple")
    iam.create_login_profile(UserName="u", Password="long enough 1", PasswordResetRequired=True)
    iam.update_login_profile(UserName="u", PasswordResetRequired=False)
    assert iam.get_login_profile(UserName="u")["LoginProfile"]["PasswordResetRequired"] is False
    iam.delete_login_profile(UserName="u")
    with refused("NoSuchEntity", 404, "Login Profile for User u cannot be found."):
        iam.get_login_profile(UserName="u")
    iam.delete_account_password_policy()


def test_account_alias(account):
    iam, alias = account.iam, f"alias-{account.id}"
    iam.create_account_alias(AccountAlias=alias)
    assert iam.list_account_aliases()["AccountAliases"] == [alias]
    with refused("EntityAlreadyExists", 409):
        account.cloud.account().iam.create_account_alias(AccountAlias=alias)
    iam.delete_account_alias(AccountAlias=alias)
    assert iam.list_account_aliases()["AccountAliases"] == []


def test_instance_profiles(account):
    iam = account.iam
    account.role("r")
    profile = iam.create_instance_profile(InstanceProfileName="p")["InstanceProfile"]
    assert profile["Arn"] == f"arn:aws:iam::{account.id}:instance-profile/p"
    iam.add_role_to_instance_profile(InstanceProfileName="p", RoleName="r")
    for read in (
        iam.get_instance_profile(InstanceProfileName="p")["InstanceProfile"],
        iam.list_instance_profiles()["InstanceProfiles"][0],
        iam.list_instance_profiles_for_role(RoleName="r")["InstanceProfiles"][0],
    ):
        assert [role["RoleName"] for role in read["Roles"]] == ["r"]
    iam.tag_instance_profile(InstanceProfileName="p", Tags=[{"Key": "a", "Value": "1"}])
    assert iam.list_instance_profile_tags(InstanceProfileName="p")["Tags"] == [{"Key": "a", "Value": "1"}]
    iam.untag_instance_profile(InstanceProfileName="p", TagKeys=["a"])
    with refused("DeleteConflict", 409, "must remove roles from instance profile first"):
        iam.delete_role(RoleName="r")
    iam.remove_role_from_instance_profile(InstanceProfileName="p", RoleName="r")
    iam.delete_instance_profile(InstanceProfileName="p")
    iam.delete_role(RoleName="r")


def test_identity_providers(account):
    iam = account.iam
    arn = iam.create_open_id_connect_provider(
        Url="https://token.example.com", ClientIDList=["one"], ThumbprintList=["a" * 40]
    )["OpenIDConnectProviderArn"]
    assert arn == f"arn:aws:iam::{account.id}:oidc-provider/token.example.com"
    named = {"OpenIDConnectProviderArn": arn}
    iam.add_client_id_to_open_id_connect_provider(**named, ClientID="two")
    iam.remove_client_id_from_open_id_connect_provider(**named, ClientID="one")
    iam.update_open_id_connect_provider_thumbprint(**named, ThumbprintList=["b" * 40])
    iam.tag_open_id_connect_provider(**named, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    iam.untag_open_id_connect_provider(**named, TagKeys=["b"])
    assert iam.list_open_id_connect_provider_tags(**named)["Tags"] == [{"Key": "a", "Value": "1"}]
    read = iam.get_open_id_connect_provider(**named)
    assert (read["Url"], read["ClientIDList"], read["ThumbprintList"]) == (
        "token.example.com",
        ["two"],
        ["b" * 40],
    )
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == [{"Arn": arn}]
    iam.delete_open_id_connect_provider(**named)
    with refused("NoSuchEntity", 404):
        iam.get_open_id_connect_provider(**named)


def test_account_details_come_in_pages(account):
    iam = account.iam
    for number in range(3):
        iam.create_user(UserName=f"u{number}")
    account.role("r")
    iam.put_role_policy(RoleName="r", PolicyName="i", PolicyDocument=json.dumps(READS))
    iam.attach_role_policy(RoleName="r", PolicyArn=BASIC)
    pages = iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": 2})
    pages = list(pages)
    assert [user["UserName"] for page in pages for user in page["UserDetailList"]] == ["u0", "u1", "u2"]
    (role,) = [role for page in pages for role in page["RoleDetailList"]]
    assert role["RolePolicyList"] == [{"PolicyName": "i", "PolicyDocument": READS}]
    assert role["AssumeRolePolicyDocument"] == json.loads(TRUSTS_LAMBDA)
    (policy,) = [policy for page in pages for policy in page["Policies"]]
    assert (policy["Arn"], policy["AttachmentCount"]) == (BASIC, 1)
    only = iam.get_account_authorization_details(Filter=["Role"])
    assert (len(only["RoleDetailList"]), only["UserDetailList"]) == (1, [])
    assert iam.get_account_summary()["SummaryMap"]["Users"] == 3


def test_what_tools_ask_before_they_delete_a_user(account):
    iam = account.iam
    iam.create_user(UserName="u")
    assert iam.list_mfa_devices(UserName="u")["MFADevices"] == []
    assert iam.list_ssh_public_keys(UserName="u")["SSHPublicKeys"] == []
    assert iam.list_signing_certificates(UserName="u")["Certificates"] == []
    assert iam.list_service_specific_credentials(UserName="u")["ServiceSpecificCredentials"] == []
    assert iam.list_virtual_mfa_devices()["VirtualMFADevices"] == []
    assert iam.list_server_certificates()["ServerCertificateMetadataList"] == []
    assert iam.list_saml_providers()["SAMLProviderList"] == []
    iam.delete_user(UserName="u")


def test_what_a_tool_made_it_reads_back_without_drift(account):
    """As Terraform, CDK and SAM do: create, attach, tag, read back each part, read it all again unchanged."""
    iam = account.iam
    role = iam.create_role(
        RoleName="svc",
        Path="/app/",
        AssumeRolePolicyDocument=TRUSTS_LAMBDA,
        Description="runs the service",
        MaxSessionDuration=3600,
        Tags=[{"Key": "env", "Value": "test"}, {"Key": "app", "Value": "svc"}],
    )["Role"]
    policy = iam.create_policy(
        PolicyName="svc", Path="/app/", PolicyDocument=json.dumps(READS), Tags=[{"Key": "env", "Value": "test"}]
    )["Policy"]
    iam.attach_role_policy(RoleName="svc", PolicyArn=policy["Arn"])
    iam.attach_role_policy(RoleName="svc", PolicyArn=BASIC)
    iam.put_role_policy(RoleName="svc", PolicyName="inline", PolicyDocument=json.dumps(READS))

    def read():
        found = iam.get_role(RoleName="svc")["Role"]
        version = iam.get_policy(PolicyArn=policy["Arn"])["Policy"]["DefaultVersionId"]
        return {
            "role": found,
            "tags": iam.list_role_tags(RoleName="svc")["Tags"],
            "inline": iam.list_role_policies(RoleName="svc")["PolicyNames"],
            "document": iam.get_role_policy(RoleName="svc", PolicyName="inline")["PolicyDocument"],
            "attached": iam.list_attached_role_policies(RoleName="svc")["AttachedPolicies"],
            "profiles": iam.list_instance_profiles_for_role(RoleName="svc")["InstanceProfiles"],
            "policy": iam.get_policy(PolicyArn=policy["Arn"])["Policy"],
            "version": iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=version)["PolicyVersion"],
            "policy_tags": iam.list_policy_tags(PolicyArn=policy["Arn"])["Tags"],
        }

    first = read()
    assert first == read()
    assert first["role"]["AssumeRolePolicyDocument"] == json.loads(TRUSTS_LAMBDA)
    assert {key: first["role"][key] for key in ("Arn", "RoleId", "Path", "Description")} == {
        key: role[key] for key in ("Arn", "RoleId", "Path", "Description")
    }
    assert first["tags"] == [{"Key": "app", "Value": "svc"}, {"Key": "env", "Value": "test"}]
    assert first["version"]["Document"] == READS == first["document"]
    assert sorted(found["PolicyArn"] for found in first["attached"]) == sorted([policy["Arn"], BASIC])
    assert (first["policy"]["Path"], first["policy_tags"]) == ("/app/", [{"Key": "env", "Value": "test"}])
    for attached in first["attached"]:
        iam.detach_role_policy(RoleName="svc", PolicyArn=attached["PolicyArn"])
    iam.delete_role_policy(RoleName="svc", PolicyName="inline")
    iam.delete_role(RoleName="svc")
    iam.delete_policy(PolicyArn=policy["Arn"])


def test_policies_are_tried_out(account):
    iam = account.iam
    policy = json.loads(json.dumps(READS))
    policy["Statement"][0]["Condition"] = {"StringEquals": {"aws:PrincipalTag/team": "one"}}
    document = json.dumps(policy)
    keys = iam.get_context_keys_for_custom_policy(PolicyInputList=[document])["ContextKeyNames"]
    assert keys == ["aws:PrincipalTag/team"]
    without = iam.simulate_custom_policy(PolicyInputList=[document], ActionNames=["s3:GetObject"])
    (result,) = without["EvaluationResults"]
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("implicitDeny", keys)
    entry = {
        "ContextKeyName": "aws:PrincipalTag/team",
        "ContextKeyType": "string",
        "ContextKeyValues": ["one"],
    }
    allowed = iam.simulate_custom_policy(
        PolicyInputList=[document],
        ActionNames=["s3:GetObject", "s3:PutObject"],
        ResourceArns=["arn:aws:s3:::b/k"],
        ContextEntries=[entry],
    )["EvaluationResults"]
    assert [result["EvalDecision"] for result in allowed] == ["allowed", "implicitDeny"]
    assert allowed[0]["MatchedStatements"][0]["SourcePolicyId"] == "PolicyInputList.1"
    iam.create_user(UserName="u")
    iam.put_user_policy(UserName="u", PolicyName="reads", PolicyDocument=json.dumps(READS))
    arn = f"arn:aws:iam::{account.id}:user/u"
    tried = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=["s3:GetObject", "s3:DeleteObject"])
    assert [result["EvalDecision"] for result in tried["EvaluationResults"]] == ["allowed", "implicitDeny"]
    assert iam.get_context_keys_for_principal_policy(PolicySourceArn=arn)["ContextKeyNames"] == []
