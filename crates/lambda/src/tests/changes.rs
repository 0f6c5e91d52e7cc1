//! Functions that change: code, configuration, and both at once from many sides.

use expect_test::{Expect, expect};

use super::stage::{Stage, python};

const SOURCE: &str = "def handler(event, context): return event";

async fn check(stage: &Stage, request: &str, expected: Expect) {
    expected.assert_eq(&stage.text(request).await);
}

#[tokio::test]
async fn code_and_configuration_change() {
    let stage = Stage::new().await;
    stage.create("hello", SOURCE, "").await;
    stage.cloud.advance_millis(60_000);
    let changed = "def handler(event, context): return 2";
    let update = r#"UpdateFunctionCode {"FunctionName": "hello", "RevisionId": "wrong"}"#;
    expect!["PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id"].assert_eq(&stage.with_zip(update, &python(changed)).await);
    let before = stage.member(r#"GetFunctionConfiguration {"FunctionName": "hello"}"#, "CodeSha256").await;
    let dry = r#"UpdateFunctionCode {"FunctionName": "hello", "DryRun": true}"#;
    assert!(!stage.with_zip(dry, &python(changed)).await.contains(&before));
    assert_eq!(
        stage.member(r#"GetFunctionConfiguration {"FunctionName": "hello"}"#, "CodeSha256").await,
        before
    );
    let update = r#"UpdateFunctionCode {"FunctionName": "hello", "Architectures": ["arm64"]}"#;
    expect![[r#"
        {
          "Architectures": [
            "arm64"
          ],
          "CodeSha256": "94inRjoQ0m9DW0yVRgQJ16A7pK07+OuOPUwJK07ebmk=",
          "CodeSize": 149,
          "Description": "",
          "EphemeralStorage": {
            "Size": 512
          },
          "FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:hello",
          "FunctionName": "hello",
          "Handler": "app.handler",
          "LastModified": "2026-01-02T03:05:05.000+0000",
          "LastUpdateStatus": "InProgress",
          "LastUpdateStatusReason": "The function is being created.",
          "LastUpdateStatusReasonCode": "Creating",
          "LoggingConfig": {
            "LogFormat": "Text",
            "LogGroup": "/aws/lambda/hello"
          },
          "MemorySize": 128,
          "PackageType": "Zip",
          "RevisionId": "00000000-0000-4000-8000-000000000015",
          "Role": "arn:aws:iam::111122223333:role/lambda-role",
          "Runtime": "python3.12",
          "RuntimeVersionConfig": {
            "RuntimeVersionArn": "arn:aws:lambda:us-east-1::runtime:42f2b28d8258c41a63374ac4365007738900f66a9b62a7eb1a2041a2e091d41b"
          },
          "SnapStart": {
            "ApplyOn": "None",
            "OptimizationStatus": "Off"
          },
          "State": "Active",
          "Timeout": 3,
          "TracingConfig": {
            "Mode": "PassThrough"
          },
          "Version": "$LATEST"
        }"#]].assert_eq(&stage.with_zip(update, &python(changed)).await);
    assert_eq!(stage.cloud.platform.blobs().list().await.unwrap().len(), 1, "the old package is gone");
    check(
        &stage,
        r#"UpdateFunctionConfiguration {"FunctionName": "hello", "MemorySize": 256, "Environment": {"Variables": {"A1": "b"}}, "LoggingConfig": {"LogFormat": "JSON"}, "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}}"#,
        expect![[r#"
            {
              "Architectures": [
                "arm64"
              ],
              "CodeSha256": "94inRjoQ0m9DW0yVRgQJ16A7pK07+OuOPUwJK07ebmk=",
              "CodeSize": 149,
              "Description": "",
              "Environment": {
                "Variables": {
                  "A1": "b"
                }
              },
              "EphemeralStorage": {
                "Size": 512
              },
              "FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:hello",
              "FunctionName": "hello",
              "Handler": "app.handler",
              "LastModified": "2026-01-02T03:05:05.000+0000",
              "LastUpdateStatus": "InProgress",
              "LastUpdateStatusReason": "The function is being created.",
              "LastUpdateStatusReasonCode": "Creating",
              "LoggingConfig": {
                "ApplicationLogLevel": "INFO",
                "LogFormat": "JSON",
                "LogGroup": "/aws/lambda/hello",
                "SystemLogLevel": "INFO"
              },
              "MemorySize": 256,
              "PackageType": "Zip",
              "RevisionId": "00000000-0000-4000-8000-000000000019",
              "Role": "arn:aws:iam::111122223333:role/lambda-role",
              "Runtime": "python3.12",
              "RuntimeVersionConfig": {
                "RuntimeVersionArn": "arn:aws:lambda:us-east-1::runtime:42f2b28d8258c41a63374ac4365007738900f66a9b62a7eb1a2041a2e091d41b"
              },
              "SnapStart": {
                "ApplyOn": "None",
                "OptimizationStatus": "Off"
              },
              "State": "Active",
              "Timeout": 3,
              "TracingConfig": {
                "Mode": "PassThrough"
              },
              "Version": "$LATEST",
              "VpcConfig": {
                "SecurityGroupIds": [
                  "sg-1"
                ],
                "SubnetIds": [
                  "subnet-1"
                ],
                "VpcId": ""
              }
            }"#]],
    )
    .await;
    check(&stage, r#"GetFunctionConfiguration {"FunctionName": "hello"}"#, expect![[r#"
        {
          "Architectures": [
            "arm64"
          ],
          "CodeSha256": "94inRjoQ0m9DW0yVRgQJ16A7pK07+OuOPUwJK07ebmk=",
          "CodeSize": 149,
          "Description": "",
          "Environment": {
            "Variables": {
              "A1": "b"
            }
          },
          "EphemeralStorage": {
            "Size": 512
          },
          "FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:hello",
          "FunctionName": "hello",
          "Handler": "app.handler",
          "LastModified": "2026-01-02T03:05:05.000+0000",
          "LastUpdateStatus": "Successful",
          "LoggingConfig": {
            "ApplicationLogLevel": "INFO",
            "LogFormat": "JSON",
            "LogGroup": "/aws/lambda/hello",
            "SystemLogLevel": "INFO"
          },
          "MemorySize": 256,
          "PackageType": "Zip",
          "RevisionId": "00000000-0000-4000-8000-000000000019",
          "Role": "arn:aws:iam::111122223333:role/lambda-role",
          "Runtime": "python3.12",
          "RuntimeVersionConfig": {
            "RuntimeVersionArn": "arn:aws:lambda:us-east-1::runtime:42f2b28d8258c41a63374ac4365007738900f66a9b62a7eb1a2041a2e091d41b"
          },
          "SnapStart": {
            "ApplyOn": "None",
            "OptimizationStatus": "Off"
          },
          "State": "Active",
          "Timeout": 3,
          "TracingConfig": {
            "Mode": "PassThrough"
          },
          "Version": "$LATEST",
          "VpcConfig": {
            "SecurityGroupIds": [
              "sg-1"
            ],
            "SubnetIds": [
              "subnet-1"
            ],
            "VpcId": ""
          }
        }"#]]).await;
    check(&stage, r#"UpdateFunctionConfiguration {"FunctionName": "none"}"#, expect!["ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:111122223333:function:none"]).await;
}

/// Whatever the order, a function ends with one package that is there, and nothing is left of the others.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_changes_leave_one_whole_function() {
    let stage = Stage::new().await;
    stage.create("hello", SOURCE, "").await;
    let update = r#"UpdateFunctionCode {"FunctionName": "hello"}"#;
    for round in 0..10 {
        let codes =
            [0, 1, 1, 2].map(|n| python(&format!("def handler(event, context): return {round} * {n}")));
        let requests = codes.iter().map(|code| stage.with_zip(update, code));
        let answers = futures_util::future::join_all(requests).await;
        for answer in answers {
            let fine = answer.contains("InProgress") || answer.starts_with("ResourceConflictException");
            assert!(fine, "{answer}");
        }
        let blobs = stage.cloud.platform.blobs().list().await.unwrap();
        assert_eq!(blobs.len(), 1, "round {round}");
    }
    stage.lambda.folders.forget(None).await.unwrap();
    assert!(stage.invoke("hello", "").await.starts_with("- $LATEST "));
}
