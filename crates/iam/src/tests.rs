//! Operations from input text to output text, in process, over memory and a clock that stands still.

use std::sync::Arc;

use expect_test::expect;
use service::{AllowAll, AnyService, Clock, Context, Ids, Mode, Platform, PlatformParts, Principal, Scope};
use store::{MemoryBlobs, MemoryKv};
use tasks::Tasks;
use wire::{Document, Protocol, Timestamp};

use crate::DEFINITION;

const TRUST: &str = r#"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"lambda.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}"#;
const ALLOW: &str = r#"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\"}]}"#;
const BASIC: &str = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";

mod accounts;
mod groups;
mod identities;
mod providers;
mod simulation;
mod users;

struct Cloud {
    platform: Arc<Platform>,
    iam: Box<dyn AnyService>,
    identities: Arc<crate::Identities>,
    principal: Principal,
}

impl Cloud {
    fn new() -> Self {
        let platform = Platform::new(PlatformParts {
            mode: Mode::Dev,
            kv: Arc::new(MemoryKv::new()),
            blobs: Arc::new(MemoryBlobs::new()),
            clock: Clock::manual(Timestamp::from_epoch_millis(1_700_000_000_000)),
            ids: Ids::counting(),
            authorizer: Arc::new(AllowAll),
            tasks: Tasks::new(),
        });
        let seal = Arc::new(auth::Issuer::from_key([7; 32]));
        let identities = Arc::new(crate::Identities::new(platform.kv().clone(), seal));
        let iam = crate::service(&platform, identities.clone());
        let principal = Principal::Root { account: Scope::default().account };
        Cloud { platform, iam, identities, principal }
    }

    async fn call(&self, operation: &str, input: &str) -> String {
        let scope = Scope::default();
        let cx = Context::internal(&self.platform, scope, self.principal.clone());
        let input: serde_json::Value =
            serde_json::from_str(input).unwrap_or_else(|error| panic!("{input}: {error}"));
        match self.iam.execute(&cx, operation, Document::from_json(&input)).await {
            Ok(reply) => {
                fits_the_model(operation, &reply.document);
                serde_json::to_string_pretty(&reply.document.to_json()).unwrap()
            }
            Err(failure) => failure.to_string(),
        }
    }

    /// A call that must succeed.
    async fn json(&self, operation: &str, input: &str) -> serde_json::Value {
        let output = self.call(operation, input).await;
        serde_json::from_str(&output).unwrap_or_else(|_| panic!("{operation}: {output}"))
    }

    async fn role(&self, name: &str) {
        let input = format!(r#"{{"RoleName":"{name}","AssumeRolePolicyDocument":"{TRUST}"}}"#);
        self.json("CreateRole", &input).await;
    }

    /// Creates a policy; gives its ARN.
    async fn policy(&self, name: &str) -> String {
        let output = self
            .json("CreatePolicy", &format!(r#"{{"PolicyName":"{name}","PolicyDocument":"{ALLOW}"}}"#))
            .await;
        output["Policy"]["Arn"].as_str().unwrap().to_owned()
    }
}

/// What is answered must fit the model: an output member that it lacks fails here as it would on the wire.
fn fits_the_model(operation: &str, document: &Document) {
    let model = DEFINITION.model();
    if let Some(operation) = model.operation(operation) {
        wire::encode(model, operation, Protocol::Query, document, "id")
            .unwrap_or_else(|error| panic!("{}: {error}", operation.name()));
    }
}

#[test]
fn structs_fit_the_model() {
    if let Err(wrong) = service::honesty::check(&DEFINITION) {
        panic!("{wrong}");
    }
}

#[tokio::test]
async fn a_role_lives() {
    let cloud = Cloud::new();
    let input = format!(
        r#"{{"RoleName":"Hello","Path":"/app/","AssumeRolePolicyDocument":"{TRUST}","Description":"d",
            "MaxSessionDuration":7200,"PermissionsBoundary":"{BASIC}","Tags":[{{"Key":"k","Value":"v"}}]}}"#
    );
    expect![[r#"
        {
          "Role": {
            "Arn": "arn:aws:iam::000000000000:role/app/Hello",
            "AssumeRolePolicyDocument": "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B%22Service%22%3A%22lambda.amazonaws.com%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D",
            "CreateDate": "2023-11-14T22:13:20Z",
            "Description": "d",
            "MaxSessionDuration": 7200,
            "Path": "/app/",
            "PermissionsBoundary": {
              "PermissionsBoundaryArn": "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
              "PermissionsBoundaryType": "Policy"
            },
            "RoleId": "AROAAAAAAAAAAAAAAAAAE",
            "RoleName": "Hello",
            "Tags": [
              {
                "Key": "k",
                "Value": "v"
              }
            ]
          }
        }"#]].assert_eq(&cloud.call("CreateRole", &input).await);
    let again = format!(r#"{{"RoleName":"hello","AssumeRolePolicyDocument":"{TRUST}"}}"#);
    expect!["EntityAlreadyExistsException: Role with name hello already exists."]
        .assert_eq(&cloud.call("CreateRole", &again).await);
    let role = cloud.json("GetRole", r#"{"RoleName":"Hello"}"#).await;
    assert_eq!(role["Role"]["MaxSessionDuration"], 7_200);
    expect!["NoSuchEntityException: The role with name none cannot be found."]
        .assert_eq(&cloud.call("GetRole", r#"{"RoleName":"none"}"#).await);
    cloud.json("UpdateRole", r#"{"RoleName":"Hello","Description":"e"}"#).await;
    let role = cloud.json("UpdateRoleDescription", r#"{"RoleName":"Hello","Description":"f"}"#).await;
    assert_eq!(
        (&role["Role"]["MaxSessionDuration"], &role["Role"]["Description"]),
        (&3_600.into(), &"f".into())
    );
    let listed = cloud.json("ListRoles", r#"{"PathPrefix":"/app"}"#).await;
    assert_eq!(listed["Roles"][0]["Tags"], serde_json::Value::Null);
    expect![[r#"
        {
          "IsTruncated": false,
          "Roles": []
        }"#]]
    .assert_eq(&cloud.call("ListRoles", r#"{"PathPrefix":"/other/"}"#).await);
    expect![[r#"
        {
          "InstanceProfiles": [],
          "IsTruncated": false
        }"#]]
    .assert_eq(&cloud.call("ListInstanceProfilesForRole", r#"{"RoleName":"Hello"}"#).await);
    assert_eq!(cloud.call("DeleteRole", r#"{"RoleName":"Hello"}"#).await, "{}");
    expect!["NoSuchEntityException: The role with name Hello cannot be found."]
        .assert_eq(&cloud.call("DeleteRole", r#"{"RoleName":"Hello"}"#).await);
}

#[tokio::test]
async fn bad_roles_are_refused() {
    let cloud = Cloud::new();
    for (rest, expected) in [
        (
            r#""RoleName":"a b""#,
            expect![
                "ValidationError: The specified value is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"
            ],
        ),
        (
            r#""RoleName":"r","Path":"x""#,
            expect![
                "ValidationError: The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters."
            ],
        ),
        (
            r#""RoleName":"r","MaxSessionDuration":60"#,
            expect!["ValidationError: MaxSessionDuration must be between 3600 and 43200 seconds."],
        ),
        (
            r#""RoleName":"r","PermissionsBoundary":"arn:aws:iam::aws:policy/None""#,
            expect![
                "NoSuchEntityException: Policy arn:aws:iam::aws:policy/None does not exist or is not attachable."
            ],
        ),
        (
            r#""RoleName":"r","PermissionsBoundary":"nonsense""#,
            expect!["NoSuchEntityException: Policy nonsense does not exist or is not attachable."],
        ),
        (
            r#""RoleName":"r","Tags":[{"Key":"a","Value":""},{"Key":"A","Value":""}]"#,
            expect![
                "InvalidInputException: Duplicate tag keys found. Please note that Tag keys are case insensitive."
            ],
        ),
    ] {
        let input = format!(r#"{{{rest},"AssumeRolePolicyDocument":"{TRUST}"}}"#);
        expected.assert_eq(&cloud.call("CreateRole", &input).await);
    }
    let long = format!(
        r#"{{"RoleName":"r","AssumeRolePolicyDocument":"{}"}}"#,
        TRUST.replace("lambda", &"x".repeat(2_048))
    );
    expect!["LimitExceededException: Cannot exceed quota for ACLSizePerRole: 2048"]
        .assert_eq(&cloud.call("CreateRole", &long).await);
    expect!["MalformedPolicyDocumentException: This policy contains invalid Json"]
        .assert_eq(&cloud.call("CreateRole", r#"{"RoleName":"r","AssumeRolePolicyDocument":"{"}"#).await);
    assert_eq!(cloud.json("ListRoles", "{}").await["Roles"], serde_json::json!([]));
}

#[tokio::test]
async fn inline_policies_live_with_their_role() {
    let cloud = Cloud::new();
    cloud.role("r").await;
    for name in ["b", "a"] {
        let input = format!(r#"{{"RoleName":"r","PolicyName":"{name}","PolicyDocument":"{ALLOW}"}}"#);
        assert_eq!(cloud.call("PutRolePolicy", &input).await, "{}");
    }
    expect![[r#"
        {
          "PolicyDocument": "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22s3%3A%2A%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D",
          "PolicyName": "a",
          "RoleName": "r"
        }"#]].assert_eq(&cloud.call("GetRolePolicy", r#"{"RoleName":"r","PolicyName":"a"}"#).await);
    expect!["NoSuchEntityException: The role policy with name c cannot be found."]
        .assert_eq(&cloud.call("GetRolePolicy", r#"{"RoleName":"r","PolicyName":"c"}"#).await);
    let first = cloud.json("ListRolePolicies", r#"{"RoleName":"r","MaxItems":1}"#).await;
    assert_eq!((&first["PolicyNames"][0], &first["IsTruncated"]), (&"a".into(), &true.into()));
    let input = format!(r#"{{"RoleName":"r","Marker":{}}}"#, first["Marker"]);
    expect![[r#"
        {
          "IsTruncated": false,
          "PolicyNames": [
            "b"
          ]
        }"#]]
    .assert_eq(&cloud.call("ListRolePolicies", &input).await);
    expect!["DeleteConflictException: Cannot delete entity, must delete policies first."]
        .assert_eq(&cloud.call("DeleteRole", r#"{"RoleName":"r"}"#).await);
    let large = ALLOW.replace("s3:*", &format!("s3:{}", "x".repeat(10_200)));
    let input = format!(r#"{{"RoleName":"r","PolicyName":"c","PolicyDocument":"{large}"}}"#);
    expect!["LimitExceededException: Maximum policy size of 10240 bytes exceeded for role r"]
        .assert_eq(&cloud.call("PutRolePolicy", &input).await);
    let input = format!(r#"{{"RoleName":"r","PolicyName":"c","PolicyDocument":"{TRUST}"}}"#);
    expect!["MalformedPolicyDocumentException: Policy document should not specify a principal."]
        .assert_eq(&cloud.call("PutRolePolicy", &input).await);
    for name in ["b", "a"] {
        cloud.json("DeleteRolePolicy", &format!(r#"{{"RoleName":"r","PolicyName":"{name}"}}"#)).await;
    }
    expect!["NoSuchEntityException: The role policy with name a cannot be found."]
        .assert_eq(&cloud.call("DeleteRolePolicy", r#"{"RoleName":"r","PolicyName":"a"}"#).await);
    cloud.json("DeleteRole", r#"{"RoleName":"r"}"#).await;
}

#[tokio::test]
async fn a_managed_policy_lives() {
    let cloud = Cloud::new();
    let input = format!(r#"{{"PolicyName":"P","Path":"/x/","PolicyDocument":"{ALLOW}","Description":"d"}}"#);
    expect![[r#"
        {
          "Policy": {
            "Arn": "arn:aws:iam::000000000000:policy/x/P",
            "AttachmentCount": 0,
            "CreateDate": "2023-11-14T22:13:20Z",
            "DefaultVersionId": "v1",
            "IsAttachable": true,
            "Path": "/x/",
            "PermissionsBoundaryUsageCount": 0,
            "PolicyId": "ANPAAAAAAAAAAAAAAAAAE",
            "PolicyName": "P",
            "UpdateDate": "2023-11-14T22:13:20Z"
          }
        }"#]]
    .assert_eq(&cloud.call("CreatePolicy", &input).await);
    let again = format!(r#"{{"PolicyName":"p","PolicyDocument":"{ALLOW}"}}"#);
    expect![
        "EntityAlreadyExistsException: A policy called p already exists. Duplicate names are not allowed."
    ]
    .assert_eq(&cloud.call("CreatePolicy", &again).await);
    let arn = r#""PolicyArn":"arn:aws:iam::000000000000:policy/x/P""#;
    for _ in 0..4 {
        cloud.json("CreatePolicyVersion", &format!(r#"{{{arn},"PolicyDocument":"{ALLOW}"}}"#)).await;
    }
    expect!["LimitExceededException: A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version."].assert_eq(
        &cloud.call("CreatePolicyVersion", &format!(r#"{{{arn},"PolicyDocument":"{ALLOW}"}}"#)).await,
    );
    cloud.json("SetDefaultPolicyVersion", &format!(r#"{{{arn},"VersionId":"v3"}}"#)).await;
    expect!["DeleteConflictException: Cannot delete the default version of a policy."]
        .assert_eq(&cloud.call("DeletePolicyVersion", &format!(r#"{{{arn},"VersionId":"v3"}}"#)).await);
    expect!["NoSuchEntityException: Policy arn:aws:iam::000000000000:policy/x/P version v9 does not exist or is not attachable."]
        .assert_eq(&cloud.call("DeletePolicyVersion", &format!(r#"{{{arn},"VersionId":"v9"}}"#)).await);
    expect!["DeleteConflictException: This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy."].assert_eq(&cloud.call("DeletePolicy", &format!("{{{arn}}}")).await);
    for version in ["v1", "v2", "v4"] {
        cloud.json("DeletePolicyVersion", &format!(r#"{{{arn},"VersionId":"{version}"}}"#)).await;
    }
    expect![[r#"
        {
          "IsTruncated": false,
          "Versions": [
            {
              "CreateDate": "2023-11-14T22:13:20Z",
              "IsDefaultVersion": false,
              "VersionId": "v5"
            },
            {
              "CreateDate": "2023-11-14T22:13:20Z",
              "IsDefaultVersion": true,
              "VersionId": "v3"
            }
          ]
        }"#]]
    .assert_eq(&cloud.call("ListPolicyVersions", &format!("{{{arn}}}")).await);
    expect![[r#"
        {
          "PolicyVersion": {
            "CreateDate": "2023-11-14T22:13:20Z",
            "Document": "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22s3%3A%2A%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D",
            "IsDefaultVersion": false,
            "VersionId": "v5"
          }
        }"#]]
        .assert_eq(&cloud.call("GetPolicyVersion", &format!(r#"{{{arn},"VersionId":"v5"}}"#)).await);
    cloud
        .json(
            "TagPolicy",
            &format!(r#"{{{arn},"Tags":[{{"Key":"k","Value":"v"}},{{"Key":"l","Value":""}}]}}"#),
        )
        .await;
    cloud.json("UntagPolicy", &format!(r#"{{{arn},"TagKeys":["l"]}}"#)).await;
    expect![[r#"
        {
          "IsTruncated": false,
          "Tags": [
            {
              "Key": "k",
              "Value": "v"
            }
          ]
        }"#]]
    .assert_eq(&cloud.call("ListPolicyTags", &format!("{{{arn}}}")).await);
    cloud.json("DeletePolicyVersion", &format!(r#"{{{arn},"VersionId":"v5"}}"#)).await;
    expect![[r#"
        {
          "Policy": {
            "Arn": "arn:aws:iam::000000000000:policy/x/P",
            "AttachmentCount": 0,
            "CreateDate": "2023-11-14T22:13:20Z",
            "DefaultVersionId": "v3",
            "Description": "d",
            "IsAttachable": true,
            "Path": "/x/",
            "PermissionsBoundaryUsageCount": 0,
            "PolicyId": "ANPAAAAAAAAAAAAAAAAAE",
            "PolicyName": "P",
            "Tags": [
              {
                "Key": "k",
                "Value": "v"
              }
            ],
            "UpdateDate": "2023-11-14T22:13:20Z"
          }
        }"#]]
    .assert_eq(&cloud.call("GetPolicy", &format!("{{{arn}}}")).await);
    cloud.json("DeletePolicy", &format!("{{{arn}}}")).await;
    expect!["NoSuchEntityException: Policy arn:aws:iam::000000000000:policy/x/P was not found."]
        .assert_eq(&cloud.call("GetPolicy", &format!("{{{arn}}}")).await);
}

#[tokio::test]
async fn policies_of_aws_are_there_and_cannot_be_changed() {
    let cloud = Cloud::new();
    cloud.role("r").await;
    cloud.json("AttachRolePolicy", &format!(r#"{{"RoleName":"r","PolicyArn":"{BASIC}"}}"#)).await;
    expect![[r#"
        {
          "Policy": {
            "Arn": "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
            "AttachmentCount": 1,
            "CreateDate": "2015-02-06T18:40:00Z",
            "DefaultVersionId": "v1",
            "IsAttachable": true,
            "Path": "/service-role/",
            "PermissionsBoundaryUsageCount": 0,
            "PolicyId": "ANPARECLAVXRMMJEYEAAD",
            "PolicyName": "AWSLambdaBasicExecutionRole",
            "UpdateDate": "2015-02-06T18:40:00Z"
          }
        }"#]]
    .assert_eq(&cloud.call("GetPolicy", &format!(r#"{{"PolicyArn":"{BASIC}"}}"#)).await);
    expect![[r#"
        {
          "PolicyVersion": {
            "CreateDate": "2015-02-06T18:40:00Z",
            "Document": "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Action%22%3A%5B%22logs%3ACreateLogGroup%22%2C%22logs%3ACreateLogStream%22%2C%22logs%3APutLogEvents%22%5D%2C%22Effect%22%3A%22Allow%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D",
            "IsDefaultVersion": true,
            "VersionId": "v1"
          }
        }"#]].assert_eq(
        &cloud.call("GetPolicyVersion", &format!(r#"{{"PolicyArn":"{BASIC}","VersionId":"v1"}}"#)).await,
    );
    expect!["AccessDenied: Cannot perform the operation on a policy that AWS manages."]
        .assert_eq(&cloud.call("DeletePolicy", &format!(r#"{{"PolicyArn":"{BASIC}"}}"#)).await);
    let arn = cloud.policy("mine").await;
    let names = |output: serde_json::Value| -> Vec<String> {
        let policies = output["Policies"].as_array().unwrap();
        policies.iter().map(|policy| policy["PolicyName"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(cloud.json("ListPolicies", r#"{"Scope":"Local"}"#).await), ["mine"]);
    assert_eq!(
        names(cloud.json("ListPolicies", r#"{"OnlyAttached":true}"#).await),
        ["AWSLambdaBasicExecutionRole"]
    );
    let boundary = format!(r#"{{"RoleName":"r","PermissionsBoundary":"{arn}"}}"#);
    cloud.json("PutRolePermissionsBoundary", &boundary).await;
    cloud.json("PutRolePermissionsBoundary", &boundary).await;
    assert_eq!(
        names(cloud.json("ListPolicies", r#"{"PolicyUsageFilter":"PermissionsBoundary"}"#).await),
        ["mine"]
    );
    expect!["DeleteConflictException: Cannot delete a policy attached to entities."]
        .assert_eq(&cloud.call("DeletePolicy", &format!(r#"{{"PolicyArn":"{arn}"}}"#)).await);
    cloud.json("DeleteRolePermissionsBoundary", r#"{"RoleName":"r"}"#).await;
    expect!["NoSuchEntityException: Role r does not have a permissions boundary."]
        .assert_eq(&cloud.call("DeleteRolePermissionsBoundary", r#"{"RoleName":"r"}"#).await);
    cloud.json("DeletePolicy", &format!(r#"{{"PolicyArn":"{arn}"}}"#)).await;
}

#[tokio::test]
async fn attached_policies_hold_role_and_policy() {
    let cloud = Cloud::new();
    cloud.role("r").await;
    let arn = cloud.policy("P").await;
    let both = format!(r#"{{"RoleName":"r","PolicyArn":"{arn}"}}"#);
    assert_eq!(cloud.call("AttachRolePolicy", &both).await, "{}");
    assert_eq!(cloud.call("AttachRolePolicy", &both).await, "{}");
    expect![[r#"
        {
          "AttachedPolicies": [
            {
              "PolicyArn": "arn:aws:iam::000000000000:policy/P",
              "PolicyName": "P"
            }
          ],
          "IsTruncated": false
        }"#]]
    .assert_eq(&cloud.call("ListAttachedRolePolicies", r#"{"RoleName":"r"}"#).await);
    expect![[r#"
        {
          "IsTruncated": false,
          "PolicyGroups": [],
          "PolicyRoles": [
            {
              "RoleId": "AROAAAAAAAAAAAAAAAAAE",
              "RoleName": "r"
            }
          ],
          "PolicyUsers": []
        }"#]]
    .assert_eq(&cloud.call("ListEntitiesForPolicy", &format!(r#"{{"PolicyArn":"{arn}"}}"#)).await);
    expect!["DeleteConflictException: Cannot delete entity, must detach all policies first."]
        .assert_eq(&cloud.call("DeleteRole", r#"{"RoleName":"r"}"#).await);
    expect!["DeleteConflictException: Cannot delete a policy attached to entities."]
        .assert_eq(&cloud.call("DeletePolicy", &format!(r#"{{"PolicyArn":"{arn}"}}"#)).await);
    cloud.json("DetachRolePolicy", &both).await;
    expect!["NoSuchEntityException: Policy arn:aws:iam::000000000000:policy/P was not found."]
        .assert_eq(&cloud.call("DetachRolePolicy", &both).await);
    for absent in ["arn:aws:iam::aws:policy/NoSuchPolicy", "arn:aws:iam::111122223333:policy/P", "x"] {
        let input = format!(r#"{{"RoleName":"r","PolicyArn":"{absent}"}}"#);
        let expected = format!("NoSuchEntityException: Policy {absent} does not exist or is not attachable.");
        assert_eq!(cloud.call("AttachRolePolicy", &input).await, expected);
    }
    for number in 0..10 {
        let arn = cloud.policy(&format!("p{number}")).await;
        cloud.json("AttachRolePolicy", &format!(r#"{{"RoleName":"r","PolicyArn":"{arn}"}}"#)).await;
    }
    expect!["LimitExceededException: Cannot exceed quota for PoliciesPerRole: 10"]
        .assert_eq(&cloud.call("AttachRolePolicy", &both).await);
    cloud.json("DeletePolicy", &format!(r#"{{"PolicyArn":"{arn}"}}"#)).await;
}

#[tokio::test]
async fn roles_have_tags() {
    let cloud = Cloud::new();
    cloud.role("r").await;
    cloud
        .json("TagRole", r#"{"RoleName":"r","Tags":[{"Key":"b","Value":"1"},{"Key":"a","Value":"2"}]}"#)
        .await;
    cloud.json("UntagRole", r#"{"RoleName":"r","TagKeys":["b"]}"#).await;
    expect![[r#"
        {
          "IsTruncated": false,
          "Tags": [
            {
              "Key": "a",
              "Value": "2"
            }
          ]
        }"#]]
    .assert_eq(&cloud.call("ListRoleTags", r#"{"RoleName":"r"}"#).await);
    expect!["InvalidInputException: tag keys must not begin with aws:"]
        .assert_eq(&cloud.call("TagRole", r#"{"RoleName":"r","Tags":[{"Key":"aws:x","Value":"1"}]}"#).await);
}

#[tokio::test]
async fn the_account_summary_counts_what_is_there() {
    let cloud = Cloud::new();
    cloud.role("worker").await;
    cloud.json("CreatePolicy", &format!(r#"{{"PolicyName":"read","PolicyDocument":"{ALLOW}"}}"#)).await;
    let summary = cloud.json("GetAccountSummary", "{}").await;
    let counts = &summary["SummaryMap"];
    assert_eq!(
        (&counts["Roles"], &counts["Policies"], &counts["PolicyVersionsInUse"]),
        (&1.into(), &1.into(), &1.into())
    );
    assert_eq!(counts["AttachedPoliciesPerRoleQuota"], 10);
    assert_eq!(counts["Users"], 0);
}
