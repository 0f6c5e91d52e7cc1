//! Decisions tried out.

use serde_json::{Value, json};

use super::*;

fn policy(statements: Value) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn allow(action: &str, resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": resource})
}

/// Action, resource and decision of each result.
fn decisions(output: &Value) -> Vec<String> {
    let results = output["EvaluationResults"].as_array().unwrap().iter();
    results
        .map(|result| {
            let text = |member: &str| result[member].as_str().unwrap().to_owned();
            format!("{} {} {}", text("EvalActionName"), text("EvalResourceName"), text("EvalDecision"))
        })
        .collect()
}

#[tokio::test]
async fn custom_policies_are_tried_on_every_action_and_resource() {
    let cloud = Cloud::new();
    let deny = json!({"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/secret"});
    let input = json!({
        "PolicyInputList": [policy(json!([allow("s3:Get*", "arn:aws:s3:::b/*"), deny]))],
        "ActionNames": ["s3:GetObject", "s3:PutObject"],
        "ResourceArns": ["arn:aws:s3:::b/open", "arn:aws:s3:::b/secret"],
    });
    let output = cloud.json("SimulateCustomPolicy", &input.to_string()).await;
    assert_eq!(
        decisions(&output),
        [
            "s3:GetObject arn:aws:s3:::b/open allowed",
            "s3:GetObject arn:aws:s3:::b/secret explicitDeny",
            "s3:PutObject arn:aws:s3:::b/open implicitDeny",
            "s3:PutObject arn:aws:s3:::b/secret implicitDeny",
        ]
    );
    let matched = &output["EvaluationResults"][1]["MatchedStatements"];
    assert_eq!(matched.as_array().unwrap().len(), 1);
    assert_eq!(
        (&matched[0]["SourcePolicyId"], &matched[0]["SourcePolicyType"]),
        (&"PolicyInputList.1".into(), &"none".into())
    );
    assert_eq!(matched[0]["StartPosition"]["Line"], 1);
    let first = &output["EvaluationResults"][0]["MatchedStatements"][0]["StartPosition"]["Column"];
    assert!(matched[0]["StartPosition"]["Column"].as_u64() > first.as_u64());
    assert_eq!(output["EvaluationResults"][2]["MatchedStatements"], json!([]));
    let page = cloud
        .json("SimulateCustomPolicy", &{
            let mut input = input.clone();
            input["MaxItems"] = 3.into();
            input.to_string()
        })
        .await;
    assert_eq!((decisions(&page).len(), &page["IsTruncated"]), (3, &true.into()));
}

#[tokio::test]
async fn context_and_boundaries_decide_too() {
    let cloud = Cloud::new();
    let mut statement = allow("s3:*", "arn:aws:s3:::b/${aws:username}/*");
    statement["Condition"] = json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}});
    let input = |entries: Value, boundary: &str| {
        json!({
            "PolicyInputList": [policy(json!([statement]))],
            "PermissionsBoundaryPolicyInputList": [policy(json!([allow(boundary, "*")]))],
            "ActionNames": ["s3:GetObject"],
            "ResourceArns": ["arn:aws:s3:::b/ada/x"],
            "ContextEntries": entries,
        })
        .to_string()
    };
    let nothing = cloud.json("SimulateCustomPolicy", &input(json!([]), "s3:*")).await;
    assert_eq!(nothing["EvaluationResults"][0]["EvalDecision"], "implicitDeny");
    assert_eq!(
        nothing["EvaluationResults"][0]["MissingContextValues"],
        json!(["aws:SourceIp", "aws:username"])
    );
    let known = json!([
        {"ContextKeyName": "aws:SourceIp", "ContextKeyType": "ip", "ContextKeyValues": ["10.1.2.3"]},
        {"ContextKeyName": "aws:username", "ContextKeyType": "string", "ContextKeyValues": ["ada"]},
    ]);
    let inside = cloud.json("SimulateCustomPolicy", &input(known.clone(), "s3:*")).await;
    let result = &inside["EvaluationResults"][0];
    assert_eq!((&result["EvalDecision"], &result["MissingContextValues"]), (&"allowed".into(), &json!([])));
    assert_eq!(result["PermissionsBoundaryDecisionDetail"]["AllowedByPermissionsBoundary"], true);
    let outside = cloud.json("SimulateCustomPolicy", &input(known, "sqs:*")).await;
    let result = &outside["EvaluationResults"][0];
    assert_eq!(result["EvalDecision"], "implicitDeny");
    assert_eq!(result["PermissionsBoundaryDecisionDetail"]["AllowedByPermissionsBoundary"], false);
}

#[tokio::test]
async fn the_policies_of_an_identity_are_tried() {
    let cloud = Cloud::new();
    cloud.json("CreateUser", r#"{"UserName":"u"}"#).await;
    cloud.json("CreateGroup", r#"{"GroupName":"g"}"#).await;
    cloud.json("AddUserToGroup", r#"{"UserName":"u","GroupName":"g"}"#).await;
    cloud
        .json(
            "PutGroupPolicy",
            &format!(r#"{{"GroupName":"g","PolicyName":"p","PolicyDocument":"{ALLOW}"}}"#),
        )
        .await;
    cloud.json("AttachUserPolicy", &format!(r#"{{"UserName":"u","PolicyArn":"{BASIC}"}}"#)).await;
    let arn = "arn:aws:iam::000000000000:user/u";
    let input = |rest: Value| {
        let mut input = json!({"PolicySourceArn": arn, "ActionNames": ["s3:GetObject", "logs:PutLogEvents", "sqs:SendMessage"]});
        input.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        input.to_string()
    };
    let output = cloud.json("SimulatePrincipalPolicy", &input(json!({}))).await;
    assert_eq!(
        decisions(&output),
        ["s3:GetObject * allowed", "logs:PutLogEvents * allowed", "sqs:SendMessage * implicitDeny"]
    );
    let source = |index: usize| {
        let matched = &output["EvaluationResults"][index]["MatchedStatements"][0];
        format!(
            "{} {}",
            matched["SourcePolicyId"].as_str().unwrap(),
            matched["SourcePolicyType"].as_str().unwrap()
        )
    };
    assert_eq!(
        (source(0), source(1)),
        ("group_g_p group".into(), "AWSLambdaBasicExecutionRole aws-managed".into())
    );
    // The resource's own policy, and the user's boundary.
    let queue =
        json!([{"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sqs:SendMessage", "Resource": "*"}]);
    let output =
        cloud.json("SimulatePrincipalPolicy", &input(json!({"ResourcePolicy": policy(queue)}))).await;
    assert_eq!(output["EvaluationResults"][2]["EvalDecision"], "allowed");
    assert_eq!(output["EvaluationResults"][2]["MatchedStatements"][0]["SourcePolicyType"], "resource");
    cloud
        .json("PutUserPermissionsBoundary", &format!(r#"{{"UserName":"u","PermissionsBoundary":"{BASIC}"}}"#))
        .await;
    let output = cloud.json("SimulatePrincipalPolicy", &input(json!({}))).await;
    assert_eq!(
        decisions(&output),
        ["s3:GetObject * implicitDeny", "logs:PutLogEvents * allowed", "sqs:SendMessage * implicitDeny"]
    );
    let absent =
        json!({"PolicySourceArn": "arn:aws:iam::000000000000:user/none", "ActionNames": ["s3:GetObject"]});
    expect!["NoSuchEntityException: The user with name none cannot be found."]
        .assert_eq(&cloud.call("SimulatePrincipalPolicy", &absent.to_string()).await);
    let keys = json!({"PolicySourceArn": arn, "PolicyInputList": [policy(json!([allow("s3:*", "arn:aws:s3:::${aws:username}")]))]});
    let keys = cloud.json("GetContextKeysForPrincipalPolicy", &keys.to_string()).await;
    assert_eq!(keys["ContextKeyNames"], json!(["aws:username"]));
}

#[tokio::test]
async fn wrong_simulations_are_refused() {
    let cloud = Cloud::new();
    let good = policy(json!([allow("s3:*", "*")]));
    for (input, expected) in [
        (
            json!({"PolicyInputList": ["{"], "ActionNames": ["s3:GetObject"]}),
            "InvalidInputException: PolicyInputList.1: This policy contains invalid Json",
        ),
        (
            json!({"PolicyInputList": [good], "ActionNames": ["GetObject"]}),
            "InvalidInputException: Invalid Action Name: GetObject",
        ),
        (
            json!({"PolicyInputList": [good], "ActionNames": ["s3:GetObject"], "CallerArn": "me"}),
            "InvalidInputException: Invalid CallerArn: me",
        ),
        (
            json!({"PolicyInputList": [good], "ActionNames": ["s3:GetObject"], "ResourceOwner": "me"}),
            "InvalidInputException: Invalid ResourceOwner: me",
        ),
        (
            json!({"PolicyInputList": [good], "ActionNames": vec!["s3:GetObject"; 1_001]}),
            "InvalidInputException: A simulation has at most 1000 pairs of an action and a resource.",
        ),
    ] {
        assert_eq!(cloud.call("SimulateCustomPolicy", &input.to_string()).await, expected);
    }
    let keys = json!({"PolicyInputList": [good, "{}"]});
    expect!["InvalidInputException: Syntax errors in policy."]
        .assert_eq(&cloud.call("GetContextKeysForCustomPolicy", &keys.to_string()).await);
}
