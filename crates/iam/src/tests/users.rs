//! Users, their keys and login profiles.

use super::*;

#[tokio::test]
async fn a_user_lives() {
    let cloud = Cloud::new();
    let input = format!(
        r#"{{"UserName":"Ada","Path":"/eng/","PermissionsBoundary":"{BASIC}","Tags":[{{"Key":"k","Value":"v"}}]}}"#
    );
    expect![[r#"
        {
          "User": {
            "Arn": "arn:aws:iam::000000000000:user/eng/Ada",
            "CreateDate": "2023-11-14T22:13:20Z",
            "Path": "/eng/",
            "PermissionsBoundary": {
              "PermissionsBoundaryArn": "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
              "PermissionsBoundaryType": "Policy"
            },
            "Tags": [
              {
                "Key": "k",
                "Value": "v"
              }
            ],
            "UserId": "AIDAAAAAAAAAAAAAAAAAE",
            "UserName": "Ada"
          }
        }"#]]
    .assert_eq(&cloud.call("CreateUser", &input).await);
    for (operation, input, expected) in [
        (
            "CreateUser",
            r#"{"UserName":"ada"}"#,
            expect!["EntityAlreadyExistsException: User with name ada already exists."],
        ),
        (
            "GetUser",
            r#"{"UserName":"ada"}"#,
            expect!["NoSuchEntityException: The user with name ada cannot be found."],
        ),
        (
            "CreateUser",
            r#"{"UserName":"a b"}"#,
            expect![
                "ValidationError: The specified value is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"
            ],
        ),
        (
            "CreateUser",
            r#"{"UserName":"b","PermissionsBoundary":"arn:aws:iam::000000000000:policy/none"}"#,
            expect![
                "NoSuchEntityException: Policy arn:aws:iam::000000000000:policy/none does not exist or is not attachable."
            ],
        ),
        (
            "DeleteUserPermissionsBoundary",
            r#"{"UserName":"none"}"#,
            expect!["NoSuchEntityException: The user with name none cannot be found."],
        ),
        (
            "ListUserTags",
            r#"{"UserName":"none"}"#,
            expect!["NoSuchEntityException: The user with name none cannot be found."],
        ),
    ] {
        expected.assert_eq(&cloud.call(operation, input).await);
    }
    cloud.json("UntagUser", r#"{"UserName":"Ada","TagKeys":["k"]}"#).await;
    cloud.json("TagUser", r#"{"UserName":"Ada","Tags":[{"Key":"x","Value":"y"}]}"#).await;
    let tags = cloud.json("ListUserTags", r#"{"UserName":"Ada"}"#).await;
    assert_eq!(tags["Tags"][0]["Key"], "x");
    cloud.json("DeleteUserPermissionsBoundary", r#"{"UserName":"Ada"}"#).await;
    expect!["NoSuchEntityException: User Ada does not have a permissions boundary."]
        .assert_eq(&cloud.call("DeleteUserPermissionsBoundary", r#"{"UserName":"Ada"}"#).await);
    cloud.json("UpdateUser", r#"{"UserName":"Ada","NewUserName":"Eve","NewPath":"/"}"#).await;
    let listed = cloud.json("ListUsers", r#"{"PathPrefix":"/"}"#).await;
    assert_eq!(listed["Users"][0]["Arn"], "arn:aws:iam::000000000000:user/Eve");
    assert_eq!(
        cloud.json("ListUsers", r#"{"PathPrefix":"/eng/"}"#).await["Users"].as_array().unwrap().len(),
        0
    );
    assert_eq!(cloud.call("DeleteUser", r#"{"UserName":"Eve"}"#).await, "{}");
}

#[tokio::test]
async fn a_user_is_deleted_when_nothing_is_left_of_it() {
    let cloud = Cloud::new();
    cloud.json("CreateUser", r#"{"UserName":"u"}"#).await;
    cloud.json("CreateGroup", r#"{"GroupName":"g"}"#).await;
    let key = cloud.json("CreateAccessKey", r#"{"UserName":"u"}"#).await;
    let key = key["AccessKey"]["AccessKeyId"].as_str().unwrap();
    let policy = cloud.policy("p").await;
    for (make, input) in [
        ("AddUserToGroup", r#"{"UserName":"u","GroupName":"g"}"#.to_owned()),
        ("AttachUserPolicy", format!(r#"{{"UserName":"u","PolicyArn":"{policy}"}}"#)),
        ("PutUserPolicy", format!(r#"{{"UserName":"u","PolicyName":"i","PolicyDocument":"{ALLOW}"}}"#)),
        ("CreateLoginProfile", r#"{"UserName":"u","Password":"secret!"}"#.to_owned()),
    ] {
        cloud.json(make, &input).await;
    }
    let entities = cloud.json("ListEntitiesForPolicy", &format!(r#"{{"PolicyArn":"{policy}"}}"#)).await;
    assert_eq!(entities["PolicyUsers"][0]["UserName"], "u");
    let delete = async || cloud.call("DeleteUser", r#"{"UserName":"u"}"#).await;
    for (undo, input, expected) in [
        (
            "RemoveUserFromGroup",
            r#"{"UserName":"u","GroupName":"g"}"#.to_owned(),
            "must remove users from group first.",
        ),
        (
            "DetachUserPolicy",
            format!(r#"{{"UserName":"u","PolicyArn":"{policy}"}}"#),
            "must detach all policies first.",
        ),
        (
            "DeleteUserPolicy",
            r#"{"UserName":"u","PolicyName":"i"}"#.to_owned(),
            "must delete policies first.",
        ),
        (
            "DeleteAccessKey",
            format!(r#"{{"UserName":"u","AccessKeyId":"{key}"}}"#),
            "must delete access keys first.",
        ),
        ("DeleteLoginProfile", r#"{"UserName":"u"}"#.to_owned(), "must delete login profile first."),
    ] {
        assert_eq!(delete().await, format!("DeleteConflictException: Cannot delete entity, {expected}"));
        cloud.json(undo, &input).await;
    }
    assert_eq!(delete().await, "{}");
}

#[tokio::test]
async fn access_keys_are_two_at_most_and_belong_to_one_user() {
    let cloud = Cloud::new();
    for user in ["u", "v"] {
        cloud.json("CreateUser", &format!(r#"{{"UserName":"{user}"}}"#)).await;
    }
    let first = cloud.json("CreateAccessKey", r#"{"UserName":"u"}"#).await;
    let id = first["AccessKey"]["AccessKeyId"].as_str().unwrap();
    assert_eq!((id.len(), &id[..4], &first["AccessKey"]["Status"]), (20, "AKIA", &"Active".into()));
    assert_eq!(first["AccessKey"]["SecretAccessKey"].as_str().unwrap().len(), 40);
    cloud.json("CreateAccessKey", r#"{"UserName":"u"}"#).await;
    expect!["LimitExceededException: Cannot exceed quota for AccessKeysPerUser: 2"]
        .assert_eq(&cloud.call("CreateAccessKey", r#"{"UserName":"u"}"#).await);
    let keys = cloud.json("ListAccessKeys", r#"{"UserName":"u","MaxItems":1}"#).await;
    assert_eq!(
        (&keys["AccessKeyMetadata"][0]["AccessKeyId"], &keys["IsTruncated"]),
        (&id.into(), &true.into())
    );
    assert_eq!(keys["AccessKeyMetadata"][0].get("SecretAccessKey"), None);
    let other = format!(r#"{{"UserName":"v","AccessKeyId":"{id}"}}"#);
    let expected = format!("NoSuchEntityException: The Access Key with id {id} cannot be found.");
    assert_eq!(cloud.call("DeleteAccessKey", &other).await, expected);
    let unused = cloud.json("GetAccessKeyLastUsed", &format!(r#"{{"AccessKeyId":"{id}"}}"#)).await;
    assert_eq!(
        (&unused["UserName"], &unused["AccessKeyLastUsed"]["ServiceName"]),
        (&"u".into(), &"N/A".into())
    );
    auth::Identities::note_use(cloud.identities.as_ref(), id, "eu-west-1", "s3", 1_700_000_001_000);
    let used = cloud.json("GetAccessKeyLastUsed", &format!(r#"{{"AccessKeyId":"{id}"}}"#)).await;
    expect![[r#"{"LastUsedDate":"2023-11-14T22:13:21Z","Region":"eu-west-1","ServiceName":"s3"}"#]]
        .assert_eq(&used["AccessKeyLastUsed"].to_string());
}

#[tokio::test]
async fn who_names_no_user_means_itself() {
    let mut cloud = Cloud::new();
    let made = cloud.json("CreateUser", r#"{"UserName":"u"}"#).await;
    let root = cloud.json("GetUser", "{}").await;
    assert_eq!(root["User"]["Arn"], "arn:aws:iam::000000000000:root");
    let account = Scope::default().account;
    let id = made["User"]["UserId"].as_str().unwrap().to_owned();
    cloud.principal =
        Principal::User { account: account.clone(), name: "u".into(), unique_id: id, path: "/".into() };
    assert_eq!(cloud.json("GetUser", "{}").await["User"]["UserName"], "u");
    assert_eq!(cloud.json("CreateAccessKey", "{}").await["AccessKey"]["UserName"], "u");
    cloud.principal = Principal::AssumedRole {
        account,
        role_name: "r".into(),
        role_arn: "arn:aws:iam::000000000000:role/r".into(),
        role_id: "AROA".into(),
        session_name: "s".into(),
    };
    expect!["ValidationError: Must specify userName when calling with non-User credentials"]
        .assert_eq(&cloud.call("GetUser", "{}").await);
}

#[tokio::test]
async fn passwords_follow_the_policy() {
    let cloud = Cloud::new();
    cloud.json("CreateUser", r#"{"UserName":"u"}"#).await;
    expect!["NoSuchEntityException: The Password Policy with domain name 000000000000 cannot be found."]
        .assert_eq(&cloud.call("GetAccountPasswordPolicy", "{}").await);
    cloud
        .json(
            "UpdateAccountPasswordPolicy",
            r#"{"MinimumPasswordLength":8,"RequireNumbers":true,"RequireSymbols":true,"MaxPasswordAge":90}"#,
        )
        .await;
    let policy = cloud.json("GetAccountPasswordPolicy", "{}").await;
    assert_eq!(policy["PasswordPolicy"]["ExpirePasswords"], true);
    for (password, expected) in [
        ("abcdefgh", "PasswordPolicyViolationException: Password should have at least one number"),
        ("abcdefg1", "PasswordPolicyViolationException: Password should have at least one symbol"),
    ] {
        let input = format!(r#"{{"UserName":"u","Password":"{password}"}}"#);
        assert_eq!(cloud.call("CreateLoginProfile", &input).await, expected);
    }
    let made = cloud
        .json("CreateLoginProfile", r#"{"UserName":"u","Password":"abcdef1!","PasswordResetRequired":true}"#)
        .await;
    assert_eq!(made["LoginProfile"]["PasswordResetRequired"], true);
    expect!["EntityAlreadyExistsException: Login Profile for user u already exists."]
        .assert_eq(&cloud.call("CreateLoginProfile", r#"{"UserName":"u","Password":"abcdef1!"}"#).await);
    cloud.json("UpdateLoginProfile", r#"{"UserName":"u","PasswordResetRequired":false}"#).await;
    let read = cloud.json("GetLoginProfile", r#"{"UserName":"u"}"#).await;
    assert_eq!(read["LoginProfile"]["PasswordResetRequired"], false);
    cloud.json("DeleteLoginProfile", r#"{"UserName":"u"}"#).await;
    expect!["NoSuchEntityException: Login Profile for User u cannot be found."]
        .assert_eq(&cloud.call("GetLoginProfile", r#"{"UserName":"u"}"#).await);
    cloud.json("DeleteAccountPasswordPolicy", "{}").await;
    expect!["NoSuchEntityException: The Password Policy with domain name 000000000000 cannot be found."]
        .assert_eq(&cloud.call("DeleteAccountPasswordPolicy", "{}").await);
}
