//! Function URLs, the REST proxy, health and reset over real connections.

use expect_test::expect;

use super::stage::{Stage, parse};

#[tokio::test]
async fn function_urls_run_functions_and_show_what_they_answer() {
    let stage = Stage::new().await;
    stage
        .check(
            "GET /_aws/lambda-url/hello/",
            expect![[r#"
        200 application/json
        "hello""#]],
        )
        .await;
    stage
        .check(
            "GET /_aws/lambda-url/fail/",
            expect![[r#"
        502 application/json
        Internal Server Error"#]],
        )
        .await;
    stage
        .check(
            "GET /_aws/lambda-url/busy/",
            expect![[r#"
        429 application/json
        {"Message":"Rate Exceeded."}"#]],
        )
        .await;
    stage
        .check(
            "GET /_aws/lambda-url/nobody/",
            expect![[r#"
        404 application/json
        {"Message":"There is no such function URL."}"#]],
        )
        .await;
    stage
        .check(
            "GET /\nhost: hello.lambda-url.eu-west-1.localhost.localstack.cloud:4566",
            expect![[r#"
        200 application/json
        "hello""#]],
        )
        .await;
}

#[tokio::test]
async fn function_urls_send_what_they_were_asked() {
    let stage = Stage::new().await;
    let answer =
        stage.ask("POST /_aws/lambda-url/echo/a/b?x=1\ncontent-type: text/plain\ncookie: c=1\n\nhi").await;
    let event: serde_json::Value = serde_json::from_str(answer.split_once('\n').unwrap().1).unwrap();
    assert_eq!(event["rawPath"], "/a/b");
    assert_eq!(event["rawQueryString"], "x=1");
    assert_eq!(event["cookies"][0], "c=1");
    assert_eq!(event["body"], "hi");
    assert_eq!(event["requestContext"]["apiId"], "echo");
}

#[tokio::test]
async fn urls_with_iam_want_a_signature() {
    let stage = Stage::new().await;
    stage
        .check(
            "GET /_aws/lambda-url/hello-iam/",
            expect![[r#"
        403 application/json
        {"Message":"Forbidden"}"#]],
        )
        .await;
    stage
        .check(
            "GET /_aws/lambda-url/hello-iam/\nsigned: s3",
            expect![[r#"
        403 application/json
        {"Message":"Forbidden"}"#]],
        )
        .await;
    stage
        .check(
            "GET /_aws/lambda-url/hello-iam/\nsigned: lambda",
            expect![[r#"
        200 application/json
        "hello""#]],
        )
        .await;
}

#[tokio::test]
async fn preflights_reach_the_function_only_without_rules() {
    let stage = Stage::new().await;
    let preflight = |id: &str| {
        parse(&format!(
            "OPTIONS /_aws/lambda-url/{id}/\norigin: https://a.example\naccess-control-request-method: PUT"
        ))
    };
    let ruled = stage.send(preflight("echo-cors")).await;
    assert_eq!(ruled.headers()["access-control-allow-origin"], "*");
    assert!(stage.probe.event.lock().unwrap().is_none());
    let free = stage.send(preflight("echo")).await;
    assert!(free.headers().get("access-control-allow-origin").is_none());
    assert!(stage.probe.event.lock().unwrap().is_some());
}

#[tokio::test]
async fn large_bodies_are_refused() {
    let stage = Stage::new().await;
    let large = "x".repeat(crate::limits::FUNCTION_URL_BODY_BYTES_MAX + 1);
    stage
        .check(
            &format!("POST /_aws/lambda-url/echo/\n\n{large}"),
            expect![[r#"
        413 application/json
        {"Message":"Request Entity Too Large"}"#]],
        )
        .await;
}

#[tokio::test]
async fn the_rest_proxy_sends_events_of_format_1() {
    let stage = Stage::new().await;
    stage
        .check(
            "GET /_aws/lambda-rest/fail/users",
            expect![[r#"
        502 application/json
        {"message":"Internal server error"}"#]],
        )
        .await;
    let _ = stage.ask("POST /_aws/lambda-rest/echo/users/1?x=1\n\n{\"name\":\"Ada\"}").await;
    let event = stage.probe.event.lock().unwrap().clone().unwrap();
    let event: serde_json::Value = serde_json::from_str(&event).unwrap();
    assert_eq!(event["httpMethod"], "POST");
    assert_eq!(event["path"], "/users/1");
    assert_eq!(event["body"], "{\"name\":\"Ada\"}");
}

#[tokio::test]
async fn health_and_information_are_there() {
    let stage = Stage::new().await;
    stage.check("GET /_localstack/health", expect![[r#"
        200 application/json
        {"edition":"cloudling","services":{"dynamodb":"available","lambda":"available","logs":"available","sts":"available"},"version":"1.2.3"}"#]]).await;
    stage
        .check(
            "GET /_localstack/init",
            expect![[r#"
        200 application/json
        {"completed":{"BOOT":true,"READY":true,"SHUTDOWN":false,"START":true},"scripts":[]}"#]],
        )
        .await;
    stage.check("GET /_localstack/nothing", expect![[r#"
        404 application/json
        {"Message":"Nothing here.","Paths":["GET /_localstack/health","GET /_localstack/info","GET /_localstack/init","GET /_localstack/plugins","GET /_cloudling/health","POST /_cloudling/reset?account="]}"#]]).await;
    stage.check("GET /", expect![[r#"
        200 application/json
        {"endpoint":"http://127.0.0.1:4566","health":"http://127.0.0.1:4566/_localstack/health","name":"cloudling","services":["dynamodb","lambda","logs","sts"],"version":"1.2.3"}"#]]).await;
    let page = stage.ask("GET /\naccept: text/html").await;
    assert!(
        page.starts_with("200 text/html")
            && page.contains("AWS_ENDPOINT_URL=http://127.0.0.1:4566")
            && page.contains("AWS_REGION=us-east-1"),
        "{page}"
    );
}

#[tokio::test]
async fn reset_is_a_post_for_all_or_one_account() {
    let stage = Stage::new().await;
    stage
        .check(
            "POST /_cloudling/reset",
            expect![[r#"
        200 application/json
        {"reset":"all"}"#]],
        )
        .await;
    stage
        .check(
            "POST /_cloudling/reset?account=111122223333",
            expect![[r#"
        200 application/json
        {"reset":"111122223333"}"#]],
        )
        .await;
    stage
        .check(
            "POST /_cloudling/reset?account=1",
            expect![[r#"
        400 application/json
        {"Message":"An account is twelve digits, such as 000000000000."}"#]],
        )
        .await;
    stage
        .check(
            "GET /_cloudling/reset",
            expect![[r#"
        405 application/json
        {"Message":"Reset with POST."}"#]],
        )
        .await;
    stage
        .check(
            "POST /_cloudling/reset\norigin: https://a.example",
            expect![[r#"
        403 text/plain; charset=utf-8
        Pages from other origins may not call this."#]],
        )
        .await;
}

#[tokio::test]
async fn pages_from_this_machine_may_call_apis_and_others_may_not() {
    let stage = Stage::new().await;
    let call = "GET /2015-03-31/functions\nsigned: lambda\norigin: ";
    let local = stage.send(parse(&format!("{call}http://localhost:3000"))).await;
    assert_eq!(local.headers()["access-control-allow-origin"], "http://localhost:3000");
    let foreign = stage.send(parse(&format!("{call}https://a.example"))).await;
    assert_eq!(foreign.status(), 403);
}

#[tokio::test]
async fn a_function_may_ask_but_not_reset() {
    let stage = Stage::new().await;
    let answer = stage.ask_from_a_sandbox("GET /_cloudling/health").await;
    assert!(answer.starts_with("200 "), "{answer}");
    let answer = stage.ask_from_a_sandbox("POST /_cloudling/reset?account=111122223333").await;
    assert_eq!(
        answer,
        "403 application/json\n{\"Message\":\"Functions may not reset the cloud they run in.\"}"
    );
}
