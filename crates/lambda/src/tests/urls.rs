//! Function URLs and the download of code.

use expect_test::{Expect, expect};
use futures_util::TryStreamExt;
use service::ReplyStream;
use wire::Document;

use super::stage::{Stage, python};

const SOURCE: &str = "def handler(event, context): return event";

async fn check(stage: &Stage, request: &str, expected: Expect) {
    expected.assert_eq(&stage.text(request).await);
}

#[tokio::test]
async fn a_function_url_is_made_found_and_removed() {
    let stage = Stage::new().await;
    stage.create("hello", SOURCE, r#", "Tags": {"_custom_id_": "my-api"}"#).await;
    let create = r#"CreateFunctionUrlConfig {"FunctionName": "hello", "AuthType": "NONE", "Cors": {"AllowOrigins": ["*"], "MaxAge": 60}}"#;
    check(
        &stage,
        create,
        expect![[r#"
        {
          "AuthType": "NONE",
          "Cors": {
            "AllowOrigins": [
              "*"
            ],
            "MaxAge": 60
          },
          "CreationTime": "2026-01-02T03:04:05.000Z",
          "FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:hello",
          "FunctionUrl": "http://127.0.0.1:4566/_aws/lambda-url/my-api/",
          "InvokeMode": "BUFFERED"
        }"#]],
    )
    .await;
    check(&stage, create, expect!["ResourceConflictException: Failed to create function url config for [functionArn = arn:aws:lambda:us-east-1:111122223333:function:hello]. Error message:  FunctionUrlConfig exists for this Lambda function"]).await;
    check(
        &stage,
        r#"ResolveFunctionUrl {"UrlId": "my-api"}"#,
        expect![[r#"
        {
          "Account": "111122223333",
          "AuthType": "NONE",
          "Cors": {
            "AllowOrigins": [
              "*"
            ],
            "MaxAge": 60
          },
          "FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:hello",
          "FunctionName": "hello",
          "InvokeMode": "BUFFERED",
          "Region": "us-east-1"
        }"#]],
    )
    .await;
    stage.cloud.advance_millis(1_000);
    check(
        &stage,
        r#"UpdateFunctionUrlConfig {"FunctionName": "hello", "InvokeMode": "RESPONSE_STREAM"}"#,
        expect![[r#"
            {
              "AuthType": "NONE",
              "Cors": {
                "AllowOrigins": [
                  "*"
                ],
                "MaxAge": 60
              },
              "CreationTime": "2026-01-02T03:04:05.000Z",
              "FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:hello",
              "FunctionUrl": "http://127.0.0.1:4566/_aws/lambda-url/my-api/",
              "InvokeMode": "RESPONSE_STREAM",
              "LastModifiedTime": "2026-01-02T03:04:06.000Z"
            }"#]],
    )
    .await;
    let listed = stage.text(r#"ListFunctionUrlConfigs {"FunctionName": "hello"}"#).await;
    assert!(listed.contains("RESPONSE_STREAM"), "{listed}");
    // Another account cannot have the same id.
    let other = stage.cloud.elsewhere("444455556666", "us-east-1");
    let mut input = Document::from_json(&serde_json::json!({
        "FunctionName": "mine", "Runtime": "python3.12", "Handler": "app.handler", "Tags": {"_custom_id_": "my-api"},
        "Role": "arn:aws:iam::444455556666:role/x",
    }));
    if let Document::Map(members) = &mut input {
        let file = Document::Blob(python(SOURCE).into());
        members.insert("Code".into(), Document::map([("ZipFile", file)]));
    }
    other.call("lambda", "CreateFunction", input).await.unwrap();
    expect!["ResourceConflictException: Failed to create function url config for [functionArn = arn:aws:lambda:us-east-1:444455556666:function:mine]. Error message:  the id my-api belongs to another function URL"].assert_eq(&other.text("lambda", &create.replace("hello", "mine")).await);
    check(&stage, r#"DeleteFunctionUrlConfig {"FunctionName": "hello"}"#, expect!["{}"]).await;
    check(
        &stage,
        r#"DeleteFunctionUrlConfig {"FunctionName": "hello"}"#,
        expect!["ResourceNotFoundException: The resource you requested does not exist."],
    )
    .await;
    check(
        &stage,
        r#"ResolveFunctionUrl {"UrlId": "my-api"}"#,
        expect!["ResourceNotFoundException: The resource you requested does not exist."],
    )
    .await;
}

#[tokio::test]
async fn an_alias_has_a_url_of_its_own() {
    let stage = Stage::new().await;
    stage.create("hello", SOURCE, r#", "Publish": true"#).await;
    let url =
        r#"CreateFunctionUrlConfig {"FunctionName": "hello", "Qualifier": "live", "AuthType": "AWS_IAM"}"#;
    check(&stage, url, expect!["ResourceNotFoundException: Function does not exist"]).await;
    stage.text(r#"CreateAlias {"FunctionName": "hello", "Name": "live", "FunctionVersion": "1"}"#).await;
    let made = stage.member(url, "FunctionUrl").await;
    let id = made.trim_end_matches('/').rsplit('/').next().unwrap().to_owned();
    assert!(
        id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()),
        "{made}"
    );
    let resolve = format!(r#"ResolveFunctionUrl {{"UrlId": "{id}"}}"#);
    assert_eq!(
        stage.member(&resolve, "FunctionArn").await,
        "arn:aws:lambda:us-east-1:111122223333:function:hello:live"
    );
    for qualifier in ["$LATEST", "1"] {
        let request = url.replace("live", qualifier);
        assert!(stage.text(&request).await.starts_with("ValidationException"));
    }
    stage.text(r#"DeleteAlias {"FunctionName": "hello", "Name": "live"}"#).await;
    assert!(stage.text(&resolve).await.starts_with("ResourceNotFoundException"));
}

#[tokio::test]
async fn code_is_downloaded_with_the_token_of_its_url() {
    let stage = Stage::new().await;
    stage.create("hello", SOURCE, "").await;
    let code: serde_json::Value =
        serde_json::from_str(&stage.text(r#"GetFunction {"FunctionName": "hello"}"#).await).unwrap();
    let location = code["Code"]["Location"].as_str().unwrap();
    let token = location.strip_prefix("http://127.0.0.1:4566/_aws/lambda-code/").unwrap();
    let input = Document::map([("Token", token.into())]);
    let reply = stage.cloud.call("lambda", "OpenCode", input).await.unwrap();
    let Some(ReplyStream::Bytes { stream, .. }) = reply.stream else { panic!("bytes are streamed") };
    let pieces: Vec<bytes::Bytes> = stream.try_collect().await.unwrap();
    assert_eq!(pieces.concat(), python(SOURCE));
    check(
        &stage,
        r#"OpenCode {"Token": "made-up"}"#,
        expect!["AccessDeniedException: This link is not valid or has expired."],
    )
    .await;
    stage.text(r#"DeleteFunction {"FunctionName": "hello"}"#).await;
    check(
        &stage,
        &format!(r#"OpenCode {{"Token": "{token}"}}"#),
        expect!["ResourceNotFoundException: The resource you requested does not exist."],
    )
    .await;
}
