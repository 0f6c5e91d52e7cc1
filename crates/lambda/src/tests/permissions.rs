//! Resource policies of functions.

use expect_test::{Expect, expect};

use super::stage::Stage;

async fn check(stage: &Stage, request: &str, expected: Expect) {
    expected.assert_eq(&stage.text(request).await);
}

#[tokio::test]
async fn permissions_make_a_policy() {
    let stage = Stage::new().await;
    stage.create("hello", "def handler(event, context): pass", r#", "Publish": true"#).await;
    let add = r#"AddPermission {"FunctionName": "hello", "StatementId": "s3", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com", "SourceArn": "arn:aws:s3:::bucket", "SourceAccount": "111122223333"}"#;
    check(&stage, add, expect![[r#"
        {
          "Statement": "{\"Sid\":\"s3\",\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"s3.amazonaws.com\"},\"Action\":\"lambda:InvokeFunction\",\"Resource\":\"arn:aws:lambda:us-east-1:111122223333:function:hello\",\"Condition\":{\"ArnLike\":{\"AWS:SourceArn\":\"arn:aws:s3:::bucket\"},\"StringEquals\":{\"AWS:SourceAccount\":\"111122223333\"}}}"
        }"#]]).await;
    check(&stage, add, expect!["ResourceConflictException: The statement id (s3) provided already exists. Please provide a new statement id, or remove the existing statement."]).await;
    check(&stage, r#"GetPolicy {"FunctionName": "hello"}"#, expect![[r#"
        {
          "Policy": "{\"Version\":\"2012-10-17\",\"Id\":\"default\",\"Statement\":[{\"Sid\":\"s3\",\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"s3.amazonaws.com\"},\"Action\":\"lambda:InvokeFunction\",\"Resource\":\"arn:aws:lambda:us-east-1:111122223333:function:hello\",\"Condition\":{\"ArnLike\":{\"AWS:SourceArn\":\"arn:aws:s3:::bucket\"},\"StringEquals\":{\"AWS:SourceAccount\":\"111122223333\"}}}]}",
          "RevisionId": "00000000-0000-4000-8000-00000000000a"
        }"#]]).await;
    check(
        &stage,
        r#"GetPolicy {"FunctionName": "hello", "Qualifier": "1"}"#,
        expect!["ResourceNotFoundException: The resource you requested does not exist."],
    )
    .await;
    let stale = add
        .replace("\"s3\"", "\"s4\"")
        .replace("{\"FunctionName\"", "{\"RevisionId\": \"old\", \"FunctionName\"");
    check(&stage, &stale, expect!["PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest Revision Id"]).await;
    let qualified = add.replace("\"hello\"", "\"hello:1\"");
    assert!(stage.text(&qualified).await.contains("function:hello:1"));
    check(
        &stage,
        &add.replace("\"hello\"", "\"hello:$LATEST\""),
        expect!["InvalidParameterValueException: We currently do not support adding policies for $LATEST."],
    )
    .await;
    check(&stage, &add.replace("s3.amazonaws.com", "somebody"), expect!["InvalidParameterValueException: The provided principal was invalid. Please check the principal and try again."]).await;
    check(&stage, &add.replace("\"hello\"", "\"none\""), expect!["ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:111122223333:function:none"]).await;
    check(
        &stage,
        r#"RemovePermission {"FunctionName": "hello", "StatementId": "other"}"#,
        expect!["ResourceNotFoundException: Statement other is not found in resource policy."],
    )
    .await;
    check(&stage, r#"RemovePermission {"FunctionName": "hello", "StatementId": "s3"}"#, expect!["{}"]).await;
    check(
        &stage,
        r#"RemovePermission {"FunctionName": "hello", "StatementId": "s3"}"#,
        expect!["ResourceNotFoundException: No policy is associated with the given resource."],
    )
    .await;
    check(
        &stage,
        r#"GetPolicy {"FunctionName": "hello"}"#,
        expect!["ResourceNotFoundException: The resource you requested does not exist."],
    )
    .await;
}
