//! What belongs to the account as a whole.

use super::*;

#[tokio::test]
async fn an_alias_belongs_to_one_account() {
    let cloud = Cloud::new();
    cloud.json("CreateAccountAlias", r#"{"AccountAlias":"first"}"#).await;
    cloud.json("CreateAccountAlias", r#"{"AccountAlias":"second"}"#).await;
    assert_eq!(cloud.json("ListAccountAliases", "{}").await["AccountAliases"], serde_json::json!(["second"]));
    let scope = Scope { account: service::AccountId::parse("111122223333").unwrap(), ..Scope::default() };
    let principal = Principal::Root { account: scope.account.clone() };
    let elsewhere = Context::internal(&cloud.platform, scope, principal);
    let alias = |name: &str| Document::map([("AccountAlias", name.into())]);
    let taken = cloud.iam.execute(&elsewhere, "CreateAccountAlias", alias("second")).await.unwrap_err();
    expect!["EntityAlreadyExistsException: The account alias second already exists."]
        .assert_eq(&taken.to_string());
    cloud.iam.execute(&elsewhere, "CreateAccountAlias", alias("first")).await.unwrap();
    expect!["NoSuchEntityException: The account alias with name first cannot be found."]
        .assert_eq(&cloud.call("DeleteAccountAlias", r#"{"AccountAlias":"first"}"#).await);
    cloud.json("DeleteAccountAlias", r#"{"AccountAlias":"second"}"#).await;
    assert_eq!(cloud.json("ListAccountAliases", "{}").await["AccountAliases"], serde_json::json!([]));
    for wrong in ["a", "A-b-c", "-ab", "a--b", "123456789012"] {
        let answer = cloud.call("CreateAccountAlias", &format!(r#"{{"AccountAlias":"{wrong}"}}"#)).await;
        assert!(answer.starts_with("ValidationError"), "{wrong}: {answer}");
    }
}

#[tokio::test]
async fn everything_is_told_at_once_and_in_pages() {
    let cloud = Cloud::new();
    cloud.role("r").await;
    cloud.json("CreateUser", r#"{"UserName":"u"}"#).await;
    cloud.json("CreateGroup", r#"{"GroupName":"g"}"#).await;
    cloud.json("AddUserToGroup", r#"{"UserName":"u","GroupName":"g"}"#).await;
    let policy = cloud.policy("p").await;
    cloud.json("AttachRolePolicy", &format!(r#"{{"RoleName":"r","PolicyArn":"{policy}"}}"#)).await;
    cloud.json("AttachGroupPolicy", &format!(r#"{{"GroupName":"g","PolicyArn":"{BASIC}"}}"#)).await;
    cloud
        .json("PutUserPolicy", &format!(r#"{{"UserName":"u","PolicyName":"i","PolicyDocument":"{ALLOW}"}}"#))
        .await;
    let all = cloud.json("GetAccountAuthorizationDetails", "{}").await;
    let count = |list: &str| all[list].as_array().unwrap().len();
    assert_eq!(
        (count("UserDetailList"), count("GroupDetailList"), count("RoleDetailList"), count("Policies")),
        (1, 1, 1, 2)
    );
    assert_eq!(all["UserDetailList"][0]["GroupList"][0], "g");
    assert_eq!(all["UserDetailList"][0]["UserPolicyList"][0]["PolicyName"], "i");
    assert_eq!(all["RoleDetailList"][0]["AttachedManagedPolicies"][0]["PolicyArn"], policy);
    assert_eq!(all["Policies"][0]["AttachmentCount"], 1);
    assert_eq!(all["Policies"][1]["PolicyVersionList"][0]["VersionId"], "v1");
    let page = cloud.json("GetAccountAuthorizationDetails", r#"{"MaxItems":2}"#).await;
    assert_eq!(page["IsTruncated"], true);
    let marker = page["Marker"].as_str().unwrap();
    let rest = cloud.json("GetAccountAuthorizationDetails", &format!(r#"{{"Marker":"{marker}"}}"#)).await;
    assert_eq!(
        (rest["UserDetailList"].as_array().unwrap().len(), rest["Policies"].as_array().unwrap().len()),
        (0, 2)
    );
    let users = cloud.json("GetAccountAuthorizationDetails", r#"{"Filter":["User"]}"#).await;
    assert_eq!(
        (users["UserDetailList"].as_array().unwrap().len(), users["Policies"].as_array().unwrap().len()),
        (1, 0)
    );
    let summary = cloud.json("GetAccountSummary", "{}").await;
    assert_eq!((&summary["SummaryMap"]["Users"], &summary["SummaryMap"]["Groups"]), (&1.into(), &1.into()));
    let counted = cloud.json("GetPolicy", &format!(r#"{{"PolicyArn":"{BASIC}"}}"#)).await;
    assert_eq!(counted["Policy"]["AttachmentCount"], 1);
}

#[tokio::test]
async fn what_cannot_be_made_is_not_listed() {
    let cloud = Cloud::new();
    cloud.json("CreateUser", r#"{"UserName":"u"}"#).await;
    for (operation, list) in [
        ("ListMFADevices", "MFADevices"),
        ("ListSSHPublicKeys", "SSHPublicKeys"),
        ("ListSigningCertificates", "Certificates"),
        ("ListServiceSpecificCredentials", "ServiceSpecificCredentials"),
    ] {
        assert_eq!(cloud.json(operation, r#"{"UserName":"u"}"#).await[list], serde_json::json!([]));
        let absent = cloud.call(operation, r#"{"UserName":"none"}"#).await;
        assert_eq!(absent, "NoSuchEntityException: The user with name none cannot be found.");
    }
    for (operation, list) in [
        ("ListVirtualMFADevices", "VirtualMFADevices"),
        ("ListServerCertificates", "ServerCertificateMetadataList"),
        ("ListSAMLProviders", "SAMLProviderList"),
    ] {
        assert_eq!(cloud.json(operation, "{}").await[list], serde_json::json!([]));
    }
}
