//! What decisions ask of IAM.

use auth::{Identities as _, Identity, KeyOwner};

use super::*;

#[tokio::test]
async fn grants_of_a_role_follow_changes() {
    let cloud = Cloud::new();
    let identities = &cloud.identities;
    let input = format!(r#"{{"RoleName":"r","AssumeRolePolicyDocument":"{TRUST}"}}"#);
    let role = cloud.json("CreateRole", &input).await;
    let (id, arn) = (role["Role"]["RoleId"].as_str().unwrap(), role["Role"]["Arn"].as_str().unwrap());
    let identity = Identity::Role { name: "r", unique_id: id };
    let grants = async || identities.grants("000000000000", identity).await.unwrap();
    assert_eq!(grants().await.unwrap().policies.len(), 0);
    let put = format!(r#"{{"RoleName":"r","PolicyName":"p","PolicyDocument":"{ALLOW}"}}"#);
    cloud.json("PutRolePolicy", &put).await;
    cloud.json("AttachRolePolicy", &format!(r#"{{"RoleName":"r","PolicyArn":"{BASIC}"}}"#)).await;
    let first = grants().await.unwrap();
    assert_eq!((first.policies.len(), first.boundary.is_some()), (2, false));
    assert!(Arc::ptr_eq(&first, &grants().await.unwrap()), "kept until something changes");
    let bound = format!(r#"{{"RoleName":"r","PermissionsBoundary":"{BASIC}"}}"#);
    cloud.json("PutRolePermissionsBoundary", &bound).await;
    assert!(grants().await.unwrap().boundary.is_some());
    assert_eq!(identities.role(arn).await.unwrap().unwrap().max_session_seconds, 3_600);
    let other = Identity::Role { name: "r", unique_id: "AROAOTHER" };
    assert!(identities.grants("000000000000", other).await.unwrap().is_none());
    assert!(identities.grants("111122223333", identity).await.unwrap().is_none());
    let sessions = identities.session_policies("000000000000", None, &[BASIC.to_owned()]).await.unwrap();
    assert_eq!(sessions.len(), 1);
    cloud.iam.reset(&cloud.platform, None).await.unwrap();
    store::clear(cloud.platform.kv().as_ref(), Default::default()).await.unwrap();
    cloud.iam.reset(&cloud.platform, None).await.unwrap();
    assert!(grants().await.is_none());
    assert!(identities.role(arn).await.unwrap().is_none());
}

#[tokio::test]
async fn grants_of_a_user_hold_those_of_its_groups() {
    let cloud = Cloud::new();
    let user =
        cloud.json("CreateUser", r#"{"UserName":"ada","Path":"/a/","Tags":[{"Key":"k","Value":"v"}]}"#).await;
    let id = user["User"]["UserId"].as_str().unwrap();
    let identity = Identity::User { name: "ada", unique_id: id };
    let count = async || {
        let grants = cloud.identities.grants("000000000000", identity).await.unwrap().unwrap();
        assert_eq!(grants.arn, "arn:aws:iam::000000000000:user/a/ada");
        assert_eq!(grants.tags.get("k").map(String::as_str), Some("v"));
        grants.policies.len()
    };
    assert_eq!(count().await, 0);
    cloud.json("CreateGroup", r#"{"GroupName":"g"}"#).await;
    cloud
        .json(
            "PutGroupPolicy",
            &format!(r#"{{"GroupName":"g","PolicyName":"p","PolicyDocument":"{ALLOW}"}}"#),
        )
        .await;
    cloud.json("AttachGroupPolicy", &format!(r#"{{"GroupName":"g","PolicyArn":"{BASIC}"}}"#)).await;
    assert_eq!(count().await, 0);
    cloud.json("AddUserToGroup", r#"{"GroupName":"g","UserName":"ada"}"#).await;
    assert_eq!(count().await, 2);
    cloud.json("UpdateGroup", r#"{"GroupName":"g","NewGroupName":"h"}"#).await;
    assert_eq!(count().await, 2);
    cloud.json("AttachUserPolicy", &format!(r#"{{"UserName":"ada","PolicyArn":"{BASIC}"}}"#)).await;
    assert_eq!(count().await, 3);
    cloud.json("RemoveUserFromGroup", r#"{"GroupName":"h","UserName":"ada"}"#).await;
    assert_eq!(count().await, 1);
}

#[tokio::test]
async fn keys_are_found_opened_and_closed() {
    let cloud = Cloud::new();
    cloud.json("CreateUser", r#"{"UserName":"ada"}"#).await;
    let made = cloud.json("CreateAccessKey", r#"{"UserName":"ada"}"#).await;
    let id = made["AccessKey"]["AccessKeyId"].as_str().unwrap();
    let found = cloud.identities.access_key(id).await.unwrap().unwrap();
    assert_eq!(made["AccessKey"]["SecretAccessKey"].as_str().unwrap(), found.secret_access_key);
    assert!(matches!(&found.owner, KeyOwner::User { name, .. } if name == "ada"));
    assert!(found.active && found.account == "000000000000");
    assert!(!format!("{found:?}").contains(&found.secret_access_key));
    let inactive = format!(r#"{{"UserName":"ada","AccessKeyId":"{id}","Status":"Inactive"}}"#);
    cloud.json("UpdateAccessKey", &inactive).await;
    assert!(!cloud.identities.access_key(id).await.unwrap().unwrap().active);
    cloud.json("UpdateUser", r#"{"UserName":"ada","NewUserName":"eve","NewPath":"/p/"}"#).await;
    let renamed = cloud.identities.access_key(id).await.unwrap().unwrap();
    assert!(matches!(&renamed.owner, KeyOwner::User { name, path, .. } if name == "eve" && path == "/p/"));
    cloud.json("DeleteAccessKey", &format!(r#"{{"UserName":"eve","AccessKeyId":"{id}"}}"#)).await;
    assert!(cloud.identities.access_key(id).await.unwrap().is_none());
    let root = cloud.json("CreateAccessKey", "{}").await;
    assert_eq!(root["AccessKey"]["UserName"], "000000000000");
    let id = root["AccessKey"]["AccessKeyId"].as_str().unwrap();
    assert_eq!(cloud.identities.access_key(id).await.unwrap().unwrap().owner, KeyOwner::Root);
    // A copy of the data opens with the installation's key only.
    let stranger = Arc::new(auth::Issuer::from_key([8; 32]));
    let elsewhere = crate::Identities::new(cloud.platform.kv().clone(), stranger);
    assert!(elsewhere.access_key(id).await.is_err());
    let account = Scope::default().account;
    cloud.iam.reset(&cloud.platform, Some(&account)).await.unwrap();
    assert!(cloud.identities.access_key(id).await.unwrap().is_none());
}

#[tokio::test]
async fn tags_of_roles_are_condition_keys() {
    let cloud = Cloud::new();
    cloud.role("r").await;
    cloud.json("TagRole", r#"{"RoleName":"r","Tags":[{"Key":"team","Value":"one"}]}"#).await;
    let cx = Context::internal(&cloud.platform, Scope::default(), cloud.principal.clone());
    let arn: service::Arn = "arn:aws:iam::000000000000:role/r".parse().unwrap();
    let demand = service::Demand::new("iam:GetRole", arn);
    let policy = cloud.iam.resource_policy(&cx, &demand).await.unwrap().unwrap();
    assert_eq!(policy.documents.len(), 0);
    assert_eq!(policy.keys[0], ("aws:ResourceTag/team".into(), vec!["one".to_owned()]));
}
