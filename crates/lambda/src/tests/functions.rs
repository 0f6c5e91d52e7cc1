//! Functions, their settings and versions.

use expect_test::{Expect, expect};
use service::Mode;

use super::stage::{ROLE, Stage, python};

const SOURCE: &str = "def handler(event, context): return event";

async fn check(stage: &Stage, request: &str, expected: Expect) {
    expected.assert_eq(&stage.text(request).await);
}

#[tokio::test]
async fn a_function_is_created_read_and_deleted() {
    let stage = Stage::new().await;
    let settings =
        r#", "Environment": {"Variables": {"TABLE": "users"}}, "Tags": {"team": "blue"}, "Timeout": 10"#;
    expect![[r#"
        {
          "Architectures": [
            "x86_64"
          ],
          "CodeSha256": "R6nmTLmL/Od+ap3NFDFqsXBHjSH6ux6/39fPHAivdus=",
          "CodeSize": 150,
          "Description": "",
          "Environment": {
            "Variables": {
              "TABLE": "users"
            }
          },
          "EphemeralStorage": {
            "Size": 512
          },
          "FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:hello",
          "FunctionName": "hello",
          "Handler": "app.handler",
          "LastModified": "2026-01-02T03:04:05.000+0000",
          "LoggingConfig": {
            "LogFormat": "Text",
            "LogGroup": "/aws/lambda/hello"
          },
          "MemorySize": 128,
          "PackageType": "Zip",
          "RevisionId": "00000000-0000-4000-8000-000000000005",
          "Role": "arn:aws:iam::111122223333:role/lambda-role",
          "Runtime": "python3.12",
          "RuntimeVersionConfig": {
            "RuntimeVersionArn": "arn:aws:lambda:us-east-1::runtime:42f2b28d8258c41a63374ac4365007738900f66a9b62a7eb1a2041a2e091d41b"
          },
          "SnapStart": {
            "ApplyOn": "None",
            "OptimizationStatus": "Off"
          },
          "State": "Pending",
          "StateReason": "The function is being created.",
          "StateReasonCode": "Creating",
          "Timeout": 10,
          "TracingConfig": {
            "Mode": "PassThrough"
          },
          "Version": "$LATEST"
        }"#]].assert_eq(&stage.create("hello", SOURCE, settings).await);
    check(&stage, r#"GetFunction {"FunctionName": "hello"}"#, expect![[r#"
        {
          "Code": {
            "Location": "http://127.0.0.1:4566/_aws/lambda-code/token-1",
            "RepositoryType": "S3"
          },
          "Configuration": {
            "Architectures": [
              "x86_64"
            ],
            "CodeSha256": "R6nmTLmL/Od+ap3NFDFqsXBHjSH6ux6/39fPHAivdus=",
            "CodeSize": 150,
            "Description": "",
            "Environment": {
              "Variables": {
                "TABLE": "users"
              }
            },
            "EphemeralStorage": {
              "Size": 512
            },
            "FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:hello",
            "FunctionName": "hello",
            "Handler": "app.handler",
            "LastModified": "2026-01-02T03:04:05.000+0000",
            "LastUpdateStatus": "Successful",
            "LoggingConfig": {
              "LogFormat": "Text",
              "LogGroup": "/aws/lambda/hello"
            },
            "MemorySize": 128,
            "PackageType": "Zip",
            "RevisionId": "00000000-0000-4000-8000-000000000005",
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
            "Timeout": 10,
            "TracingConfig": {
              "Mode": "PassThrough"
            },
            "Version": "$LATEST"
          },
          "Tags": {
            "team": "blue"
          }
        }"#]]).await;
    check(&stage, r#"DeleteFunction {"FunctionName": "hello"}"#, expect!["{}"]).await;
    check(&stage, r#"GetFunction {"FunctionName": "hello"}"#, expect!["ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:111122223333:function:hello"]).await;
    check(&stage, r#"DeleteFunction {"FunctionName": "hello"}"#, expect!["ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:111122223333:function:hello"]).await;
    let blobs = stage.cloud.platform.blobs().list().await.unwrap();
    assert!(blobs.is_empty(), "the package goes with its function");
}

#[tokio::test]
async fn names_are_found_in_every_form() {
    let stage = Stage::new().await;
    stage.create("hello", SOURCE, r#", "Publish": true"#).await;
    for (name, arn) in [
        ("hello", "arn:aws:lambda:us-east-1:111122223333:function:hello"),
        ("hello:$LATEST", "arn:aws:lambda:us-east-1:111122223333:function:hello:$LATEST"),
        ("111122223333:function:hello", "arn:aws:lambda:us-east-1:111122223333:function:hello"),
        (
            "arn:aws:lambda:us-east-1:111122223333:function:hello:1",
            "arn:aws:lambda:us-east-1:111122223333:function:hello:1",
        ),
    ] {
        let request = format!(r#"GetFunctionConfiguration {{"FunctionName": "{name}"}}"#);
        assert_eq!(stage.member(&request, "FunctionArn").await, arn);
    }
    check(
        &stage,
        r#"GetFunction {"FunctionName": "arn:aws:lambda:eu-west-1:111122223333:function:hello"}"#,
        expect!["ResourceNotFoundException: Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"],
    )
    .await;
    check(&stage, r#"GetFunction {"FunctionName": "hello:1", "Qualifier": "2"}"#, expect!["InvalidParameterValueException: The derived qualifier from the function name does not match the specified qualifier."]).await;
    check(&stage, r#"GetFunction {"FunctionName": "hello", "Qualifier": "7"}"#, expect!["ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:111122223333:function:hello:7"]).await;
    check(&stage, r#"GetFunction {"FunctionName": "444455556666:function:hello"}"#, expect!["ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:444455556666:function:hello"]).await;
}

#[tokio::test]
async fn bad_requests_leave_nothing_behind() {
    let stage = Stage::new().await;
    for (settings, expected) in [
        (
            r#", "Runtime": "java21""#,
            expect![
                "InvalidParameterValueException: Cloudling does not run functions of the runtime java21. Use the runtime provided.al2023 with an executable named bootstrap, for example a native build, or a nodejs or python3 runtime."
            ],
        ),
        (
            r#", "Timeout": 901"#,
            expect![
                "ValidationException: 1 validation error detected: Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900"
            ],
        ),
        (
            r#", "Environment": {"Variables": {"AWS_REGION": "x"}}"#,
            expect![
                "InvalidParameterValueException: Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: AWS_REGION"
            ],
        ),
        (
            r#", "Layers": ["arn:aws:lambda:us-east-1:111122223333:layer:none:1"]"#,
            expect![
                "InvalidParameterValueException: Layer version arn:aws:lambda:us-east-1:111122223333:layer:none:1 does not exist."
            ],
        ),
        (
            r#", "PackageType": "Image""#,
            expect![
                "NotImplemented: Cloudling does not implement functions from container images (PackageType Image) yet."
            ],
        ),
        (
            r#", "Tags": {"aws:x": "y"}"#,
            expect![[
                r#"InvalidParameterValueException: Tag keys starting with "aws:" are reserved for system use and cannot be set."#
            ]],
        ),
    ] {
        expected.assert_eq(&stage.create("hello", SOURCE, settings).await);
    }
    let request = format!(
        r#"CreateFunction {{"FunctionName": "hello", "Runtime": "python3.12", "Handler": "app.handler", "Role": "{ROLE}"}}"#
    );
    expect!["InvalidParameterValueException: Could not unzip uploaded file. Please check your file, then try to upload again."].assert_eq(&stage.with_zip(&request, b"not a zip").await);
    expect!["InvalidParameterValueException: Uploaded file must be a non-empty zip"]
        .assert_eq(&stage.with_zip(&request, b"").await);
    expect!["NotImplemented: Cloudling does not implement s3:GetObject yet."].assert_eq(
        &stage
            .text(
                &request
                    .replace(r#""Handler""#, r#""Code": {"S3Bucket": "bucket", "S3Key": "x"}, "Handler""#),
            )
            .await,
    );
    check(
        &stage,
        r#"ListFunctions {}"#,
        expect![[r#"
        {
          "Functions": []
        }"#]],
    )
    .await;
    assert!(stage.cloud.platform.blobs().list().await.unwrap().is_empty());
    stage.create("hello", SOURCE, "").await;
    expect!["ResourceConflictException: Function already exist: hello"]
        .assert_eq(&stage.create("hello", SOURCE, "").await);
    assert_eq!(stage.cloud.platform.blobs().list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn roles_are_checked_in_secure_mode() {
    let refused = r#", "Role": "arn:aws:iam::111122223333:role/refused""#;
    let stage = Stage::in_mode(Mode::Secure).await;
    let request = |role: &str| {
        format!(
            r#"CreateFunction {{"FunctionName": "hello", "Runtime": "python3.12", "Handler": "app.handler"{role}}}"#
        )
    };
    expect!["InvalidParameterValueException: The role defined for the function cannot be assumed by Lambda."]
        .assert_eq(&stage.with_zip(&request(refused), &python(SOURCE)).await);
    let stage = Stage::new().await;
    let created = stage.with_zip(&request(refused), &python(SOURCE)).await;
    assert!(created.contains("Pending"), "{created}");
}

#[tokio::test]
async fn versions_are_published_once_for_each_state() {
    let stage = Stage::new().await;
    stage.create("hello", SOURCE, "").await;
    let publish = r#"PublishVersion {"FunctionName": "hello", "Description": "first"}"#;
    check(&stage, publish, expect![[r#"
        {
          "Architectures": [
            "x86_64"
          ],
          "CodeSha256": "R6nmTLmL/Od+ap3NFDFqsXBHjSH6ux6/39fPHAivdus=",
          "CodeSize": 150,
          "Description": "first",
          "EphemeralStorage": {
            "Size": 512
          },
          "FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:hello:1",
          "FunctionName": "hello",
          "Handler": "app.handler",
          "LastModified": "2026-01-02T03:04:05.000+0000",
          "LastUpdateStatus": "Successful",
          "LoggingConfig": {
            "LogFormat": "Text",
            "LogGroup": "/aws/lambda/hello"
          },
          "MemorySize": 128,
          "PackageType": "Zip",
          "RevisionId": "00000000-0000-4000-8000-000000000009",
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
          "Version": "1"
        }"#]]).await;
    assert_eq!(stage.member(publish, "Version").await, "1", "nothing changed");
    check(&stage, r#"PublishVersion {"FunctionName": "hello", "CodeSha256": "other"}"#, expect!["InvalidParameterValueException: CodeSHA256 (other) is different from current CodeSHA256 in $LATEST (R6nmTLmL/Od+ap3NFDFqsXBHjSH6ux6/39fPHAivdus=). Please try again with the CodeSHA256 in $LATEST."]).await;
    check(&stage, r#"PublishVersion {"FunctionName": "hello", "RevisionId": "other"}"#, expect!["PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id"]).await;
    let update = r#"UpdateFunctionCode {"FunctionName": "hello", "Publish": true}"#;
    let changed = stage.with_zip(update, &python("def handler(event, context): return 2")).await;
    assert!(changed.contains(r#""Version": "2""#), "{changed}");
    assert_eq!(stage.cloud.platform.blobs().list().await.unwrap().len(), 2, "version 1 keeps its package");
    let versions = stage.text(r#"ListVersionsByFunction {"FunctionName": "hello", "MaxItems": 2}"#).await;
    let first: serde_json::Value = serde_json::from_str(&versions).unwrap();
    assert_eq!(
        (first["Versions"][0]["Version"].as_str(), first["Versions"][1]["Version"].as_str()),
        (Some("$LATEST"), Some("1"))
    );
    let next =
        format!(r#"ListVersionsByFunction {{"FunctionName": "hello", "Marker": {}}}"#, first["NextMarker"]);
    let rest: serde_json::Value = serde_json::from_str(&stage.text(&next).await).unwrap();
    assert_eq!(rest["Versions"].as_array().unwrap().len(), 1);
    assert_eq!(rest["Versions"][0]["FunctionArn"], "arn:aws:lambda:us-east-1:111122223333:function:hello:2");
    check(
        &stage,
        r#"DeleteFunction {"FunctionName": "hello", "Qualifier": "$LATEST"}"#,
        expect![
            "InvalidParameterValueException: $LATEST version cannot be deleted without deleting the function."
        ],
    )
    .await;
    check(&stage, r#"DeleteFunction {"FunctionName": "hello", "Qualifier": "1"}"#, expect!["{}"]).await;
    check(&stage, r#"DeleteFunction {"FunctionName": "hello", "Qualifier": "1"}"#, expect!["ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:111122223333:function:hello:1"]).await;
    assert_eq!(stage.cloud.platform.blobs().list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn lists_come_in_pages() {
    let stage = Stage::new().await;
    for name in ["a", "b", "c"] {
        stage.create(name, SOURCE, r#", "Publish": true"#).await;
    }
    for (all, expected) in [
        ("", vec!["a", "b", "c"]),
        (r#", "FunctionVersion": "ALL""#, vec!["a:$LATEST", "a:1", "b:$LATEST", "b:1", "c:$LATEST", "c:1"]),
    ] {
        for size in [1, 2, 3, 50] {
            let mut found = Vec::new();
            let mut marker = String::new();
            loop {
                let request = format!(r#"ListFunctions {{"MaxItems": {size}{all}{marker}}}"#);
                let page: serde_json::Value = serde_json::from_str(&stage.text(&request).await).unwrap();
                for function in page["Functions"].as_array().unwrap() {
                    let arn = function["FunctionArn"].as_str().unwrap();
                    found.push(arn.split_once(":function:").unwrap().1.to_owned());
                }
                if page["NextMarker"].is_null() {
                    break;
                }
                marker = format!(r#", "Marker": {}"#, page["NextMarker"]);
            }
            assert_eq!(found, expected, "pages of {size}");
        }
    }
    check(
        &stage,
        r#"ListFunctions {"Marker": "elsewhere"}"#,
        expect!["InvalidParameterValueException: Invalid marker value"],
    )
    .await;
    check(
        &stage,
        r#"GetAccountSettings {}"#,
        expect![[r#"
        {
          "AccountLimit": {
            "CodeSizeUnzipped": 262144000,
            "CodeSizeZipped": 52428800,
            "ConcurrentExecutions": 1000,
            "TotalCodeSize": 80530636800,
            "UnreservedConcurrentExecutions": 1000
          },
          "AccountUsage": {
            "FunctionCount": 3,
            "TotalCodeSize": 900
          }
        }"#]],
    )
    .await;
}

#[tokio::test]
async fn tags_belong_to_the_function() {
    let stage = Stage::new().await;
    stage.create("hello", SOURCE, r#", "Tags": {"a": "1"}"#).await;
    let arn = "arn:aws:lambda:us-east-1:111122223333:function:hello";
    check(
        &stage,
        &format!(r#"TagResource {{"Resource": "{arn}", "Tags": {{"b": "2", "c": "3"}}}}"#),
        expect!["{}"],
    )
    .await;
    check(&stage, &format!(r#"UntagResource {{"Resource": "{arn}", "TagKeys": ["a", "c"]}}"#), expect!["{}"])
        .await;
    check(
        &stage,
        &format!(r#"ListTags {{"Resource": "{arn}"}}"#),
        expect![[r#"
        {
          "Tags": {
            "b": "2"
          }
        }"#]],
    )
    .await;
    check(&stage, &format!(r#"ListTags {{"Resource": "{arn}:1"}}"#), expect!["InvalidParameterValueException: Tags on function aliases and versions are not supported. Please specify a function ARN."]).await;
    check(&stage, &format!(r#"ListTags {{"Resource": "{arn}2"}}"#), expect!["ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:111122223333:function:hello2"]).await;
    let many: Vec<String> = (0..50).map(|n| format!(r#""k{n}": """#)).collect();
    let request = format!(r#"TagResource {{"Resource": "{arn}", "Tags": {{{}}}}}"#, many.join(","));
    check(
        &stage,
        &request,
        expect!["InvalidParameterValueException: Number of tags exceeds resource tag limit."],
    )
    .await;
}

#[tokio::test]
async fn the_reads_of_deployment_tools_are_answered() {
    let stage = Stage::new().await;
    stage.create("hello", SOURCE, "").await;
    for (operation, expected) in [
        (
            "GetFunctionCodeSigningConfig",
            expect![[r#"
            {
              "FunctionName": "hello"
            }"#]],
        ),
        (
            "GetFunctionRecursionConfig",
            expect![[r#"
            {
              "RecursiveLoop": "Terminate"
            }"#]],
        ),
        (
            "GetRuntimeManagementConfig",
            expect![[r#"
            {
              "FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:hello",
              "UpdateRuntimeOn": "Auto"
            }"#]],
        ),
        (
            "GetFunctionEventInvokeConfig",
            expect![
                "ResourceNotFoundException: The function arn:aws:lambda:us-east-1:111122223333:function:hello:$LATEST doesn't have an EventInvokeConfig"
            ],
        ),
        ("GetFunctionConcurrency", expect!["{}"]),
        ("GetPolicy", expect!["ResourceNotFoundException: The resource you requested does not exist."]),
        (
            "GetFunctionUrlConfig",
            expect!["ResourceNotFoundException: The resource you requested does not exist."],
        ),
    ] {
        check(&stage, &format!(r#"{operation} {{"FunctionName": "hello"}}"#), expected).await;
    }
}

#[tokio::test]
async fn a_reset_forgets_one_account() {
    let stage = Stage::new().await;
    stage.create("hello", SOURCE, "").await;
    stage.text(r#"CreateFunctionUrlConfig {"FunctionName": "hello", "AuthType": "NONE"}"#).await;
    let other = stage.cloud.elsewhere("444455556666", "eu-west-1");
    let platform = &stage.cloud.platform;
    platform.reset(Some(&other.scope.account)).await.unwrap();
    assert_eq!(platform.blobs().list().await.unwrap().len(), 1);
    platform.reset(Some(&stage.cloud.scope.account)).await.unwrap();
    assert!(platform.blobs().list().await.unwrap().is_empty());
    check(
        &stage,
        r#"ListFunctions {}"#,
        expect![[r#"
        {
          "Functions": []
        }"#]],
    )
    .await;
    let everything = platform.kv().snapshot().await.unwrap();
    let rows = everything.scan(vec![1].into()..vec![255].into(), store::Order::Forward, 10).await.unwrap();
    assert!(rows.is_empty(), "{rows:?}");
}

/// An alias is made before its function is deleted, or not at all.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_outlives_its_function() {
    let stage = Stage::new().await;
    for _ in 0..10 {
        stage.create("hello", SOURCE, r#", "Publish": true"#).await;
        let alias = r#"CreateAlias {"FunctionName": "hello", "Name": "live", "FunctionVersion": "1"}"#;
        let url = r#"CreateFunctionUrlConfig {"FunctionName": "hello", "AuthType": "NONE"}"#;
        let delete = r#"DeleteFunction {"FunctionName": "hello"}"#;
        let (_, _, deleted) = tokio::join!(stage.text(alias), stage.text(url), stage.text(delete));
        assert_eq!(deleted, "{}");
        let snapshot = stage.cloud.platform.kv().snapshot().await.unwrap();
        let rows = snapshot.scan(vec![1].into()..vec![255].into(), store::Order::Forward, 10).await.unwrap();
        assert!(rows.is_empty(), "{rows:?}");
    }
}

/// Not a promise, a look: how long the service itself takes for a warm invocation.
#[tokio::test(flavor = "multi_thread")]
async fn a_warm_invocation_is_prepared_from_memory() {
    let stage = Stage::new().await;
    stage.create("hello", SOURCE, "").await;
    let cx = stage.cloud.context();
    let target = crate::name::Target::parse(&cx, "hello", None).unwrap();
    let call = || crate::invocation::Call {
        target: &target,
        payload: bytes::Bytes::from_static(b"{}"),
        client_context: None,
        response: worker::ResponseMode::Buffered { bytes_max: 1 },
    };
    drop(stage.lambda.prepare(&cx, call()).await.unwrap());
    let started = std::time::Instant::now();
    for _ in 0..1_000 {
        drop(stage.lambda.prepare(&cx, call()).await.unwrap());
    }
    let each = started.elapsed() / 1_000;
    println!("preparing a warm invocation takes {each:?}");
    assert_eq!(stage.doubles.roles.lock().unwrap().len(), 1, "credentials were asked for once");
}
