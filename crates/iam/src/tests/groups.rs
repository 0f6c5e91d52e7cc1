//! Groups and instance profiles.

use super::*;

#[tokio::test]
async fn a_group_lives() {
    let cloud = Cloud::new();
    expect![[r#"
        {
          "Group": {
            "Arn": "arn:aws:iam::000000000000:group/eng/g",
            "CreateDate": "2023-11-14T22:13:20Z",
            "GroupId": "AGPAAAAAAAAAAAAAAAAAE",
            "GroupName": "g",
            "Path": "/eng/"
          }
        }"#]]
    .assert_eq(&cloud.call("CreateGroup", r#"{"GroupName":"g","Path":"/eng/"}"#).await);
    expect!["EntityAlreadyExistsException: Group with name G already exists."]
        .assert_eq(&cloud.call("CreateGroup", r#"{"GroupName":"G"}"#).await);
    for user in ["a", "b", "c"] {
        cloud.json("CreateUser", &format!(r#"{{"UserName":"{user}"}}"#)).await;
        let join = format!(r#"{{"UserName":"{user}","GroupName":"g"}}"#);
        cloud.json("AddUserToGroup", &join).await;
        cloud.json("AddUserToGroup", &join).await;
    }
    let members = cloud.json("GetGroup", r#"{"GroupName":"g","MaxItems":2}"#).await;
    assert_eq!((members["Users"].as_array().unwrap().len(), &members["IsTruncated"]), (2, &true.into()));
    cloud.json("UpdateGroup", r#"{"GroupName":"g","NewGroupName":"h","NewPath":"/"}"#).await;
    let of_user = cloud.json("ListGroupsForUser", r#"{"UserName":"a"}"#).await;
    assert_eq!(of_user["Groups"][0]["Arn"], "arn:aws:iam::000000000000:group/h");
    expect!["NoSuchEntityException: The group with name g cannot be found."]
        .assert_eq(&cloud.call("GetGroup", r#"{"GroupName":"g"}"#).await);
    expect!["DeleteConflictException: Cannot delete entity, must remove users from group first."]
        .assert_eq(&cloud.call("DeleteGroup", r#"{"GroupName":"h"}"#).await);
    for user in ["a", "b", "c"] {
        cloud.json("RemoveUserFromGroup", &format!(r#"{{"UserName":"{user}","GroupName":"h"}}"#)).await;
    }
    cloud
        .json(
            "PutGroupPolicy",
            &format!(r#"{{"GroupName":"h","PolicyName":"p","PolicyDocument":"{ALLOW}"}}"#),
        )
        .await;
    let names = cloud.json("ListGroupPolicies", r#"{"GroupName":"h"}"#).await;
    assert_eq!(names["PolicyNames"][0], "p");
    expect!["DeleteConflictException: Cannot delete entity, must delete policies first."]
        .assert_eq(&cloud.call("DeleteGroup", r#"{"GroupName":"h"}"#).await);
    cloud.json("DeleteGroupPolicy", r#"{"GroupName":"h","PolicyName":"p"}"#).await;
    assert_eq!(cloud.call("DeleteGroup", r#"{"GroupName":"h"}"#).await, "{}");
    assert_eq!(cloud.json("ListGroups", "{}").await["Groups"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn a_user_is_in_ten_groups_at_most() {
    let cloud = Cloud::new();
    cloud.json("CreateUser", r#"{"UserName":"u"}"#).await;
    for number in 0..11 {
        cloud.json("CreateGroup", &format!(r#"{{"GroupName":"g{number}"}}"#)).await;
        let answer =
            cloud.call("AddUserToGroup", &format!(r#"{{"UserName":"u","GroupName":"g{number}"}}"#)).await;
        let expected = if number < 10 {
            "{}"
        } else {
            "LimitExceededException: Cannot exceed quota for GroupsPerUser: 10"
        };
        assert_eq!(answer, expected);
    }
}

#[tokio::test]
async fn an_instance_profile_has_one_role() {
    let cloud = Cloud::new();
    cloud.role("r").await;
    cloud.role("s").await;
    let made = cloud.json("CreateInstanceProfile", r#"{"InstanceProfileName":"p","Path":"/x/"}"#).await;
    assert_eq!(made["InstanceProfile"]["Arn"], "arn:aws:iam::000000000000:instance-profile/x/p");
    assert_eq!(made["InstanceProfile"]["Roles"].as_array().unwrap().len(), 0);
    cloud.json("AddRoleToInstanceProfile", r#"{"InstanceProfileName":"p","RoleName":"r"}"#).await;
    expect!["LimitExceededException: Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1"]
        .assert_eq(
            &cloud.call("AddRoleToInstanceProfile", r#"{"InstanceProfileName":"p","RoleName":"s"}"#).await,
        );
    let listed = cloud.json("ListInstanceProfilesForRole", r#"{"RoleName":"r"}"#).await;
    assert_eq!(listed["InstanceProfiles"][0]["Roles"][0]["RoleName"], "r");
    expect!["DeleteConflictException: Cannot delete entity, must remove roles from instance profile first."]
        .assert_eq(&cloud.call("DeleteRole", r#"{"RoleName":"r"}"#).await);
    expect!["DeleteConflictException: Cannot delete entity, must remove roles from instance profile first."]
        .assert_eq(&cloud.call("DeleteInstanceProfile", r#"{"InstanceProfileName":"p"}"#).await);
    cloud.json("TagInstanceProfile", r#"{"InstanceProfileName":"p","Tags":[{"Key":"k","Value":"v"}]}"#).await;
    let tags = cloud.json("ListInstanceProfileTags", r#"{"InstanceProfileName":"p"}"#).await;
    assert_eq!(tags["Tags"][0]["Value"], "v");
    cloud.json("UntagInstanceProfile", r#"{"InstanceProfileName":"p","TagKeys":["k"]}"#).await;
    cloud.json("RemoveRoleFromInstanceProfile", r#"{"InstanceProfileName":"p","RoleName":"r"}"#).await;
    cloud.json("DeleteInstanceProfile", r#"{"InstanceProfileName":"p"}"#).await;
    expect!["NoSuchEntityException: Instance Profile p cannot be found."]
        .assert_eq(&cloud.call("GetInstanceProfile", r#"{"InstanceProfileName":"p"}"#).await);
    assert_eq!(
        cloud.json("ListInstanceProfiles", "{}").await["InstanceProfiles"].as_array().unwrap().len(),
        0
    );
}
