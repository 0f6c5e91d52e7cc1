//! Layers and functions that use them.

use expect_test::{Expect, expect};

use super::stage::Stage;
use crate::package::zip_of;

async fn check(stage: &Stage, request: &str, expected: Expect) {
    expected.assert_eq(&stage.text(request).await);
}

const ARN: &str = "arn:aws:lambda:us-east-1:111122223333:layer:tools";

#[tokio::test]
async fn a_layer_is_published_read_and_deleted() {
    let stage = Stage::new().await;
    let zip = zip_of(&[("python/tools.py", 0o644, b"NAME = 'one'")]);
    let publish = r#"PublishLayerVersion {"LayerName": "tools", "Description": "d", "CompatibleRuntimes": ["python3.12"]}"#;
    expect![[r#"
        {
          "CompatibleRuntimes": [
            "python3.12"
          ],
          "Content": {
            "CodeSha256": "ZeodOht6Qf2jwHQX7MlwGg8SwXW2VmZ7kx7bGQuHwBo=",
            "CodeSize": 142,
            "Location": "http://127.0.0.1:4566/_aws/lambda-code/token-1"
          },
          "CreatedDate": "2026-01-02T03:04:05.000+0000",
          "Description": "d",
          "LayerArn": "arn:aws:lambda:us-east-1:111122223333:layer:tools",
          "LayerVersionArn": "arn:aws:lambda:us-east-1:111122223333:layer:tools:1",
          "Version": 1
        }"#]]
    .assert_eq(&stage.with_zip(publish, &zip).await);
    stage.with_zip(r#"PublishLayerVersion {"LayerName": "tools"}"#, &zip).await;
    check(
        &stage,
        r#"ListLayers {}"#,
        expect![[r#"
        {
          "Layers": [
            {
              "LatestMatchingVersion": {
                "CreatedDate": "2026-01-02T03:04:05.000+0000",
                "LayerVersionArn": "arn:aws:lambda:us-east-1:111122223333:layer:tools:2",
                "Version": 2
              },
              "LayerArn": "arn:aws:lambda:us-east-1:111122223333:layer:tools",
              "LayerName": "tools"
            }
          ]
        }"#]],
    )
    .await;
    check(
        &stage,
        r#"ListLayers {"CompatibleRuntime": "nodejs20.x"}"#,
        expect![[r#"
        {
          "Layers": []
        }"#]],
    )
    .await;
    check(
        &stage,
        r#"ListLayerVersions {"LayerName": "tools", "CompatibleRuntime": "python3.12"}"#,
        expect![[r#"
            {
              "LayerVersions": [
                {
                  "CompatibleRuntimes": [
                    "python3.12"
                  ],
                  "CreatedDate": "2026-01-02T03:04:05.000+0000",
                  "Description": "d",
                  "LayerVersionArn": "arn:aws:lambda:us-east-1:111122223333:layer:tools:1",
                  "Version": 1
                }
              ]
            }"#]],
    )
    .await;
    let by_arn = format!(r#"GetLayerVersionByArn {{"Arn": "{ARN}:2"}}"#);
    assert_eq!(stage.member(&by_arn, "Version").await, "2");
    check(
        &stage,
        r#"GetLayerVersion {"LayerName": "tools", "VersionNumber": 3}"#,
        expect!["ResourceNotFoundException: The resource you requested does not exist."],
    )
    .await;
    check(
        &stage,
        r#"GetLayerVersion {"LayerName": "tools", "VersionNumber": 0}"#,
        expect!["InvalidParameterValueException: Layer Version Cannot be less than 1."],
    )
    .await;
    check(&stage, r#"DeleteLayerVersion {"LayerName": "tools", "VersionNumber": 2}"#, expect!["{}"]).await;
    check(&stage, r#"DeleteLayerVersion {"LayerName": "tools", "VersionNumber": 2}"#, expect!["{}"]).await;
    let again = stage.with_zip(r#"PublishLayerVersion {"LayerName": "tools"}"#, &zip).await;
    assert!(again.contains(r#""Version": 3"#), "numbers are not given twice: {again}");
    expect!["InvalidParameterValueException: Could not unzip uploaded file. Please check your file, then try to upload again."].assert_eq(&stage.with_zip(publish, b"no zip").await);
}

#[tokio::test]
async fn layer_permissions_make_a_policy() {
    let stage = Stage::new().await;
    stage.with_zip(r#"PublishLayerVersion {"LayerName": "tools"}"#, &zip_of(&[("a", 0o644, b"a")])).await;
    let add = r#"AddLayerVersionPermission {"LayerName": "tools", "VersionNumber": 1, "StatementId": "all", "Action": "lambda:GetLayerVersion", "Principal": "*"}"#;
    check(&stage, add, expect![[r#"
        {
          "RevisionId": "00000000-0000-4000-8000-000000000008",
          "Statement": "{\"Sid\":\"all\",\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"lambda:GetLayerVersion\",\"Resource\":\"arn:aws:lambda:us-east-1:111122223333:layer:tools:1\"}"
        }"#]]).await;
    check(&stage, r#"GetLayerVersionPolicy {"LayerName": "tools", "VersionNumber": 1}"#, expect![[r#"
        {
          "Policy": "{\"Version\":\"2012-10-17\",\"Id\":\"default\",\"Statement\":[{\"Sid\":\"all\",\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"lambda:GetLayerVersion\",\"Resource\":\"arn:aws:lambda:us-east-1:111122223333:layer:tools:1\"}]}",
          "RevisionId": "00000000-0000-4000-8000-000000000008"
        }"#]]).await;
    let remove =
        r#"RemoveLayerVersionPermission {"LayerName": "tools", "VersionNumber": 1, "StatementId": "all"}"#;
    check(&stage, remove, expect!["{}"]).await;
    check(
        &stage,
        remove,
        expect!["ResourceNotFoundException: No policy is associated with the given resource."],
    )
    .await;
}

#[tokio::test]
async fn functions_use_layers_in_their_order() {
    let stage = Stage::new().await;
    for (layer, text) in [("one", "1"), ("two", "2")] {
        let source = format!("NAME = {text}");
        let zip = zip_of(&[("python/tools.py", 0o644, source.as_bytes())]);
        stage.with_zip(&format!(r#"PublishLayerVersion {{"LayerName": "{layer}"}}"#), &zip).await;
    }
    let arn = |layer: &str| format!("arn:aws:lambda:us-east-1:111122223333:layer:{layer}:1");
    let settings = format!(r#", "Layers": ["{}", "{}"]"#, arn("one"), arn("two"));
    let source = "import tools\ndef handler(event, context): return tools.NAME";
    let created: serde_json::Value =
        serde_json::from_str(&stage.create("hello", source, &settings).await).unwrap();
    assert_eq!(created["Layers"][1]["Arn"], arn("two"));
    // A deleted layer version stays with the functions that use it.
    stage.text(r#"DeleteLayerVersion {"LayerName": "two", "VersionNumber": 1}"#).await;
    assert_eq!(stage.cloud.platform.blobs().list().await.unwrap().len(), 3);
    let route = crate::name::Target::parse(&stage.cloud.context(), "hello", None).unwrap();
    let route = stage.lambda.route(&stage.cloud.context(), &route).await.unwrap();
    let opt = route.pick(&stage.cloud.context()).function.opt.clone().unwrap();
    assert_eq!(std::fs::read_to_string(opt.join("python/tools.py")).unwrap(), "NAME = 2");
    let twice = format!(
        r#"UpdateFunctionConfiguration {{"FunctionName": "hello", "Layers": ["{0}", "{0}"]}}"#,
        arn("one")
    );
    check(&stage, &twice, expect!["InvalidParameterValueException: Two different versions of the same layer are not allowed to be referenced in the same function. arn:aws:lambda:us-east-1:111122223333:layer:one:1 and arn:aws:lambda:us-east-1:111122223333:layer:one:1 are versions of the same layer."]).await;
    check(&stage, r#"UpdateFunctionConfiguration {"FunctionName": "hello", "Layers": ["arn:aws:lambda:us-east-1:444455556666:layer:x:1"]}"#, expect!["InvalidParameterValueException: Layer version arn:aws:lambda:us-east-1:444455556666:layer:x:1 does not exist."]).await;
    let none = stage.text(r#"UpdateFunctionConfiguration {"FunctionName": "hello", "Layers": []}"#).await;
    assert!(!none.contains("Layers"), "{none}");
}
