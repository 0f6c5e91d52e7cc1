//! Whose request it is.

use auth::{Session, SessionKind};
use bytes::Bytes;
use expect_test::expect;
use http::Request;
use http_body_util::Full;

use super::stage::{NOW_EPOCH_MILLIS, Stage, signature, written};

const WHO: &str = "POST /\ncontent-type: application/x-www-form-urlencoded";
const BODY: &str = "Action=GetCallerIdentity&Version=2011-06-15";

async fn arn(stage: &Stage, authorization: &str) -> String {
    let answer = stage.ask(&format!("{WHO}\nauthorization: {authorization}\n\n{BODY}")).await;
    between(&answer, "<Arn>", "</Arn>").unwrap_or(answer)
}

fn between(text: &str, start: &str, end: &str) -> Option<String> {
    Some(text.split_once(start)?.1.split_once(end)?.0.to_owned())
}

#[tokio::test]
async fn in_development_any_key_is_let_in_and_twelve_digits_are_an_account() {
    let stage = Stage::new().await;
    assert_eq!(arn(&stage, &signature("test", "sts")).await, "arn:aws:iam::000000000000:root in us-east-1");
    assert_eq!(
        arn(&stage, &signature("111122223333", "sts")).await,
        "arn:aws:iam::111122223333:root in us-east-1"
    );
    let elsewhere = signature("AKIAEXAMPLE", "sts").replace("us-east-1", "eu-west-3");
    assert_eq!(arn(&stage, &elsewhere).await, "arn:aws:iam::000000000000:root in eu-west-3");
    let unsigned = stage.ask(&format!("{WHO}\n\n{BODY}")).await;
    assert!(unsigned.contains("000000000000:root in us-east-1"), "{unsigned}");
}

fn session(expires_epoch_millis: i64) -> Session {
    let kind = SessionKind::AssumedRole {
        role_name: "worker".into(),
        role_arn: "arn:aws:iam::111122223333:role/worker".into(),
        role_id: "AROAEXAMPLE".into(),
        session_name: "hello".into(),
    };
    Session { account: "111122223333".into(), kind, expires_epoch_millis, detail: Default::default() }
}

fn signed(credentials: &auth::Credentials, body: &'static str) -> http::request::Parts {
    let request = Request::post("/")
        .header("host", "127.0.0.1:4566")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(())
        .unwrap();
    let (mut head, ()) = request.into_parts();
    auth::sign(&mut head, body.as_bytes(), credentials, "us-east-1", "sts", NOW_EPOCH_MILLIS);
    head
}

async fn sent(stage: &Stage, head: http::request::Parts, body: &'static str) -> String {
    written(stage.send(Request::from_parts(head, Full::new(Bytes::from_static(body.as_bytes())))).await).await
}

#[tokio::test]
async fn credentials_of_ours_are_verified_and_act_as_their_session() {
    let stage = Stage::new().await;
    let credentials = stage.issuer.issue(&session(NOW_EPOCH_MILLIS + 60_000)).credentials;
    let answer = sent(&stage, signed(&credentials, BODY), BODY).await;
    assert!(answer.contains("arn:aws:sts::111122223333:assumed-role/worker/hello in us-east-1"), "{answer}");
}

#[tokio::test]
async fn wrong_signatures_bodies_and_times_are_refused() {
    let stage = Stage::new().await;
    let issued = stage.issuer.issue(&session(NOW_EPOCH_MILLIS + 60_000)).credentials;
    let wrong_secret = auth::Credentials { secret_access_key: "wrong".into(), ..issued.clone() };
    let code = |answer: &str| between(answer, "<Code>", "</Code>").unwrap_or_else(|| answer.to_owned());
    assert_eq!(code(&sent(&stage, signed(&wrong_secret, BODY), BODY).await), "SignatureDoesNotMatch");
    let other_body = "Action=GetCallerIdentity&Version=2011-06-15&x=y";
    assert_eq!(code(&sent(&stage, signed(&issued, BODY), other_body).await), "SignatureDoesNotMatch");
    let without_token = auth::Credentials { session_token: None, ..issued.clone() };
    assert_eq!(code(&sent(&stage, signed(&without_token, BODY), BODY).await), "InvalidClientTokenId");
    stage.platform.clock().advance_millis(60_001);
    assert_eq!(code(&sent(&stage, signed(&issued, BODY), BODY).await), "ExpiredToken");
}

#[tokio::test]
async fn refusals_read_as_their_protocol_does() {
    let stage = Stage::new().await;
    let issued = stage.issuer.issue(&session(NOW_EPOCH_MILLIS + 60_000)).credentials;
    let request = format!(
        "GET /2015-03-31/functions\nauthorization: {}\nx-amz-date: 20260102T030405Z",
        signature(&issued.access_key_id, "lambda")
    );
    stage
        .check(
            &request,
            expect![[r#"
        403 application/json
        {"message":"The security token included in the request is invalid."}"#]],
        )
        .await;
}
