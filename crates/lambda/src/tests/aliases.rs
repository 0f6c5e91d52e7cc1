//! Aliases and their weights.

use expect_test::{Expect, expect};

use super::stage::{Stage, python};

async fn check(stage: &Stage, request: &str, expected: Expect) {
    expected.assert_eq(&stage.text(request).await);
}

async fn with_two_versions() -> Stage {
    let stage = Stage::new().await;
    stage.create("hello", "def handler(event, context): return 1", r#", "Publish": true"#).await;
    let update = r#"UpdateFunctionCode {"FunctionName": "hello", "Publish": true}"#;
    stage.with_zip(update, &python("def handler(event, context): return 2")).await;
    stage
}

#[tokio::test]
async fn an_alias_lives_beside_its_function() {
    let stage = with_two_versions().await;
    let create = r#"CreateAlias {"FunctionName": "hello", "Name": "live", "FunctionVersion": "1", "Description": "d"}"#;
    check(
        &stage,
        create,
        expect![[r#"
        {
          "AliasArn": "arn:aws:lambda:us-east-1:111122223333:function:hello:live",
          "Description": "d",
          "FunctionVersion": "1",
          "Name": "live",
          "RevisionId": "00000000-0000-4000-8000-00000000000f"
        }"#]],
    )
    .await;
    check(&stage, create, expect!["ResourceConflictException: Alias already exists: arn:aws:lambda:us-east-1:111122223333:function:hello:live"]).await;
    check(
        &stage,
        r#"CreateAlias {"FunctionName": "hello", "Name": "next", "FunctionVersion": "9"}"#,
        expect!["ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:111122223333:function:hello:9"],
    )
    .await;
    check(
        &stage,
        r#"CreateAlias {"FunctionName": "none", "Name": "next", "FunctionVersion": "1"}"#,
        expect!["ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:111122223333:function:none"],
    )
    .await;
    check(
        &stage,
        r#"UpdateAlias {"FunctionName": "hello", "Name": "live", "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.25}}}"#,
        expect![[r#"
            {
              "AliasArn": "arn:aws:lambda:us-east-1:111122223333:function:hello:live",
              "Description": "d",
              "FunctionVersion": "1",
              "Name": "live",
              "RevisionId": "00000000-0000-4000-8000-00000000001f",
              "RoutingConfig": {
                "AdditionalVersionWeights": {
                  "2": 0.25
                }
              }
            }"#]],
    )
    .await;
    check(
        &stage,
        r#"UpdateAlias {"FunctionName": "hello", "Name": "live", "FunctionVersion": "2"}"#,
        expect!["InvalidParameterValueException: Invalid function version 2. Function version 2 is already included in routing configuration."],
    )
    .await;
    check(
        &stage,
        r#"UpdateAlias {"FunctionName": "hello", "Name": "none", "FunctionVersion": "2"}"#,
        expect!["ResourceNotFoundException: Alias not found: arn:aws:lambda:us-east-1:111122223333:function:hello:none"],
    )
    .await;
    check(
        &stage,
        r#"UpdateAlias {"FunctionName": "hello", "Name": "live", "RevisionId": "old"}"#,
        expect!["PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id"],
    )
    .await;
    check(&stage, r#"GetAlias {"FunctionName": "hello", "Name": "none"}"#, expect!["ResourceNotFoundException: Cannot find alias arn: arn:aws:lambda:us-east-1:111122223333:function:hello:none"]).await;
    for version in ["1", "2"] {
        let request = format!(r#"DeleteFunction {{"FunctionName": "hello", "Qualifier": "{version}"}}"#);
        check(&stage, &request, expect!["ResourceConflictException: Unable to delete version because the following aliases reference it: [live]"]).await;
    }
    let configuration = r#"GetFunctionConfiguration {"FunctionName": "hello", "Qualifier": "live"}"#;
    assert_eq!(stage.member(configuration, "Version").await, "1");
    assert!(stage.member(configuration, "FunctionArn").await.ends_with(":hello:live"));
    check(
        &stage,
        r#"DeleteFunction {"FunctionName": "hello", "Qualifier": "live"}"#,
        expect!["InvalidParameterValueException: Deletion of aliases is not currently supported."],
    )
    .await;
    check(&stage, r#"DeleteAlias {"FunctionName": "hello", "Name": "live"}"#, expect!["{}"]).await;
    check(&stage, r#"DeleteAlias {"FunctionName": "hello", "Name": "live"}"#, expect!["{}"]).await;
    check(
        &stage,
        r#"ListAliases {"FunctionName": "hello"}"#,
        expect![[r#"
        {
          "Aliases": []
        }"#]],
    )
    .await;
}

#[tokio::test]
async fn aliases_are_listed_by_version_and_in_pages() {
    let stage = with_two_versions().await;
    for (name, version) in [("a", "1"), ("b", "2"), ("c", "1")] {
        let request = format!(
            r#"CreateAlias {{"FunctionName": "hello", "Name": "{name}", "FunctionVersion": "{version}"}}"#
        );
        stage.text(&request).await;
    }
    let names = |text: String| {
        let page: serde_json::Value = serde_json::from_str(&text).unwrap();
        let names: Vec<_> =
            page["Aliases"].as_array().unwrap().iter().map(|alias| alias["Name"].to_string()).collect();
        (names.join(","), page["NextMarker"].to_string())
    };
    let (first, _) =
        names(stage.text(r#"ListAliases {"FunctionName": "hello", "FunctionVersion": "1"}"#).await);
    assert_eq!(first, r#""a","c""#);
    let (first, marker) = names(stage.text(r#"ListAliases {"FunctionName": "hello", "MaxItems": 2}"#).await);
    assert_eq!(first, r#""a","b""#);
    let rest = stage.text(&format!(r#"ListAliases {{"FunctionName": "hello", "Marker": {marker}}}"#)).await;
    assert_eq!(names(rest), (r#""c""#.into(), "null".into()));
}
