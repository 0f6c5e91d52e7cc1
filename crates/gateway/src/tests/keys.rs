//! Long-lived keys, and what is refused where only known keys are let in.

use auth::{Credentials, KeyOwner, sign, sign_payload};
use bytes::Bytes;
use expect_test::expect;
use http::header::{AUTHORIZATION, HOST};
use http_body_util::Full;
use ring::hmac;

use super::identities::WrittenDown;
use super::stage::{NOW_EPOCH_MILLIS, Stage, written};

const KEY: &str = "AKIAANNANNANNANNANNA";
const SECRET: &str = "a secret of forty characters, more or less";
const WHO: &str = "Action=GetCallerIdentity&Version=2011-06-15";
const LOGS: &str = r#"{"logGroupName":"x"}"#;

fn identities(statements: &str) -> WrittenDown {
    let mut identities = WrittenDown::default();
    let owner = KeyOwner::User { name: "ann".into(), path: "/team/".into(), unique_id: "AIDAANN".into() };
    identities.key(KEY, SECRET, owner.clone(), true);
    identities.key("AKIAOLD", SECRET, owner, false);
    identities.key("AKIAROOT", SECRET, KeyOwner::Root, true);
    identities.grant("AIDAANN", "arn:aws:iam::111122223333:user/team/ann", statements, "");
    identities
}

fn credentials(key: &str) -> Credentials {
    Credentials { access_key_id: key.into(), secret_access_key: SECRET.into(), session_token: None }
}

fn query(body: &str) -> (http::request::Parts, Bytes) {
    let request = http::Request::post("/")
        .header(HOST, "127.0.0.1:4566")
        .header("content-type", "application/x-www-form-urlencoded");
    (request.body(()).unwrap().into_parts().0, Bytes::copy_from_slice(body.as_bytes()))
}

fn json(target: &str, body: &str) -> (http::request::Parts, Bytes) {
    let request = http::Request::post("/")
        .header(HOST, "127.0.0.1:4566")
        .header("x-amz-target", target)
        .header("content-type", "application/x-amz-json-1.1");
    (request.body(()).unwrap().into_parts().0, Bytes::copy_from_slice(body.as_bytes()))
}

async fn send(stage: &Stage, (head, body): (http::request::Parts, Bytes)) -> String {
    written(stage.send(http::Request::from_parts(head, Full::new(body))).await).await
}

async fn signed(
    stage: &Stage,
    key: &str,
    service: &str,
    (mut head, body): (http::request::Parts, Bytes),
) -> String {
    sign(&mut head, &body, &credentials(key), "us-east-1", service, NOW_EPOCH_MILLIS);
    send(stage, (head, body)).await
}

#[tokio::test]
async fn long_lived_keys_act_as_their_owner_in_both_modes() {
    for stage in [Stage::with(identities("")).await, Stage::secure(identities("")).await] {
        let ann = signed(&stage, KEY, "sts", query(WHO)).await;
        assert!(ann.contains("<Arn>arn:aws:iam::111122223333:user/team/ann in us-east-1</Arn>"), "{ann}");
        let root = signed(&stage, "AKIAROOT", "sts", query(WHO)).await;
        assert!(root.contains("<Arn>arn:aws:iam::111122223333:root in us-east-1</Arn>"), "{root}");
        let inactive = signed(&stage, "AKIAOLD", "sts", query(WHO)).await;
        assert!(inactive.contains("<Code>InvalidClientTokenId</Code>"), "{inactive}");
        let (mut head, body) = query(WHO);
        let wrong = Credentials { secret_access_key: "wrong".into(), ..credentials(KEY) };
        sign(&mut head, &body, &wrong, "us-east-1", "sts", NOW_EPOCH_MILLIS);
        let refused = send(&stage, (head, body)).await;
        assert!(refused.contains("<Code>SignatureDoesNotMatch</Code>"), "{refused}");
    }
}

#[tokio::test]
async fn only_known_keys_are_let_in_where_it_matters() {
    let stage = Stage::secure(identities("")).await;
    for (key, code) in [("test", "InvalidClientTokenId"), ("111122223333", "InvalidClientTokenId")] {
        let answer = signed(&stage, key, "sts", query(WHO)).await;
        assert!(answer.starts_with("403") && answer.contains(code), "{answer}");
    }
    let unsigned = send(&stage, query(WHO)).await;
    assert!(unsigned.contains("<Code>MissingAuthenticationToken</Code>"), "{unsigned}");
    let unsigned = send(&stage, json("Logs_20140328.DeleteLogGroup", LOGS)).await;
    expect![[r#"
        403 application/x-amz-json-1.1
        {"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}"#]]
    .assert_eq(&unsigned);
    let unknown = signed(&stage, "test", "logs", json("Logs_20140328.DeleteLogGroup", LOGS)).await;
    expect![[r#"
        403 application/x-amz-json-1.1
        {"__type":"UnrecognizedClientException","message":"The security token included in the request is invalid."}"#]]
    .assert_eq(&unknown);
    let (mut head, body) = query(WHO);
    head.headers.insert(AUTHORIZATION, "AWS4-HMAC-SHA256 Credential=test".parse().unwrap());
    let cut = send(&stage, (head, body)).await;
    assert!(cut.contains("<Code>IncompleteSignature</Code>"), "{cut}");
}

#[tokio::test]
async fn policies_decide_what_a_known_key_may_do() {
    let delete = || json("Logs_20140328.DeleteLogGroup", LOGS);
    let stage = Stage::secure(identities("")).await;
    expect![[r#"
        400 application/x-amz-json-1.1
        {"__type":"AccessDeniedException","message":"User: arn:aws:iam::111122223333:user/team/ann is not authorized to perform: logs:DeleteLogGroup because no identity-based policy allows the logs:DeleteLogGroup action"}"#]]
    .assert_eq(&signed(&stage, KEY, "logs", delete()).await);
    let allow = r#"{"Effect":"Allow","Action":"logs:*","Resource":"*"}"#;
    let stage = Stage::secure(identities(allow)).await;
    let answer = signed(&stage, KEY, "logs", delete()).await;
    assert!(answer.contains("ResourceNotFoundException"), "{answer}");
}

#[tokio::test]
async fn denials_come_with_an_explanation_for_those_who_may_decode_it() {
    let deny = r#"{"Sid":"NoLogs","Effect":"Deny","Action":"logs:*","Resource":"*"}"#;
    let stage = Stage::secure(identities(deny)).await;
    let (mut head, body) = json("Logs_20140328.DeleteLogGroup", LOGS);
    sign(&mut head, &body, &credentials(KEY), "us-east-1", "logs", NOW_EPOCH_MILLIS);
    let answer = stage.send(http::Request::from_parts(head, Full::new(body))).await;
    assert_eq!(answer.status(), 400);
    let message = answer.headers()["x-cloudling-authorization-message"].to_str().unwrap();
    let decoded = auth::decode_message(&*stage.issuer, message).unwrap();
    let decoded: serde_json::Value = serde_json::from_str(&decoded).unwrap();
    assert_eq!(decoded["matchedStatements"]["items"][0]["statementId"], "NoLogs");
    assert_eq!(decoded["context"]["principal"]["arn"], "arn:aws:iam::111122223333:user/team/ann");
    assert_eq!(decoded["context"]["action"], "logs:DeleteLogGroup");
    let (head, body) = json("Logs_20140328.DeleteLogGroup", LOGS);
    let stranger = stage.send(http::Request::from_parts(head, Full::new(body))).await;
    assert!(!stranger.headers().contains_key("x-cloudling-authorization-message"));
}

#[tokio::test]
async fn a_signature_counts_for_the_service_it_was_made_for() {
    let allow = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    let stage = Stage::secure(identities(allow)).await;
    // Its scope says one service, its target another.
    let answer = signed(&stage, KEY, "sts", json("Logs_20140328.DeleteLogGroup", LOGS)).await;
    assert!(answer.contains("Credential should be scoped to correct service: 'logs'."), "{answer}");
    let (mut head, body) = json("Logs_20140328.DeleteLogGroup", LOGS);
    sign(&mut head, &body, &credentials(KEY), "us-east-1", "logs", NOW_EPOCH_MILLIS);
    head.headers.insert("x-amz-note", "added".parse().unwrap());
    let answer = send(&stage, (head, body)).await;
    assert!(answer.contains("'x-amz-note' must be a 'SignedHeader'"), "{answer}");
}

#[tokio::test]
async fn other_algorithms_are_refused_by_name_in_both_modes() {
    for stage in [Stage::with(identities("")).await, Stage::secure(identities("")).await] {
        let (mut head, body) = query(WHO);
        let text = "AWS4-ECDSA-P256-SHA256 Credential=AKIAANNANNANNANNANNA/20260102/sts/aws4_request, \
                    SignedHeaders=host, Signature=00";
        head.headers.insert(AUTHORIZATION, text.parse().unwrap());
        let answer = send(&stage, (head, body)).await;
        assert!(answer.contains("AWS4-ECDSA-P256-SHA256: sign with AWS4-HMAC-SHA256"), "{answer}");
    }
}

#[tokio::test]
async fn a_path_is_acted_on_as_it_is_signed() {
    let only = |name: &str| {
        let resource = format!("arn:aws:lambda:us-east-1:111122223333:function:{name}");
        format!(r#"{{"Effect":"Allow","Action":"lambda:*","Resource":"{resource}"}}"#)
    };
    let invoke = |path: &str| {
        let request = http::Request::post(path.to_owned()).header(HOST, "127.0.0.1:4566");
        (request.body(()).unwrap().into_parts().0, Bytes::from_static(b"{}"))
    };
    let stage = Stage::secure(identities(&only("mine"))).await;
    let mine = "/2015-03-31/functions/mine/invocations";
    let answer = signed(&stage, KEY, "lambda", invoke(mine)).await;
    assert!(answer.contains("\"mine\""), "{answer}");
    // One signature is good for all spellings of a path, so all of them mean one function.
    for spelling in
        ["/2015-03-31/functions/theirs/../mine/invocations", "//2015-03-31//functions/./mine/invocations"]
    {
        let (mut head, body) = invoke(mine);
        sign(&mut head, &body, &credentials(KEY), "us-east-1", "lambda", NOW_EPOCH_MILLIS);
        head.uri = spelling.parse().unwrap();
        let answer = send(&stage, (head, body)).await;
        assert!(answer.contains("\"mine\""), "{spelling} {answer}");
    }
    for spelling in [
        "/2015-03-31/functions/mine/../theirs/invocations",
        "/2015-03-31/functions/mine%2f..%2ftheirs/invocations",
        "/2015-03-31/functions/%2e%2e/invocations",
    ] {
        let answer = signed(&stage, KEY, "lambda", invoke(spelling)).await;
        assert!(!answer.starts_with("200"), "{spelling} {answer}");
    }
}

/// A presigned URL of Signature Version 2 for an upload.
fn version_2(path: &str, secret: &str, expires: i64) -> http::request::Parts {
    use base64::Engine as _;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
    let text = format!("PUT\n\n\n{expires}\n{path}");
    let signature = base64::engine::general_purpose::STANDARD.encode(hmac::sign(&key, text.as_bytes()));
    let encoded: String = signature
        .chars()
        .map(|next| match next {
            '+' => "%2B".to_owned(),
            '/' => "%2F".to_owned(),
            '=' => "%3D".to_owned(),
            plain => plain.to_string(),
        })
        .collect();
    let uri = format!("{path}?AWSAccessKeyId={KEY}&Signature={encoded}&Expires={expires}");
    let request = http::Request::put(uri).header(HOST, "127.0.0.1:4566").body(()).unwrap();
    request.into_parts().0
}

#[tokio::test]
async fn presigned_urls_of_either_version_upload() {
    let allow = r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#;
    let stage = Stage::secure(identities(allow)).await;
    let body = || Bytes::from_static(b"hello");
    let later = NOW_EPOCH_MILLIS / 1_000 + 60;
    let answer = send(&stage, (version_2("/bucket/key", SECRET, later), body())).await;
    assert!(answer.starts_with("200"), "{answer}");
    assert_eq!(stage.probe.object.lock().unwrap().as_deref(), Some(b"hello".as_slice()));
    let answer = send(&stage, (version_2("/bucket/key", "wrong", later), body())).await;
    assert!(answer.contains("<Code>SignatureDoesNotMatch</Code>"), "{answer}");
    let answer = send(&stage, (version_2("/bucket/key", SECRET, later - 120), body())).await;
    assert!(
        answer.contains("<Code>AccessDenied</Code>") && answer.contains("Request has expired"),
        "{answer}"
    );
    let denied = Stage::secure(identities("")).await;
    let answer = send(&denied, (version_2("/bucket/key", SECRET, later), body())).await;
    assert!(answer.contains("<Code>AccessDenied</Code>"), "{answer}");
}

#[tokio::test]
async fn strangers_ask_s3_and_its_policies_answer() {
    let stage = Stage::secure(identities("")).await;
    let head =
        http::Request::put("/bucket/key").header(HOST, "127.0.0.1:4566").body(()).unwrap().into_parts().0;
    let answer = send(&stage, (head, Bytes::from_static(b"hello"))).await;
    assert!(answer.contains("<Code>AccessDenied</Code><Message>Access Denied</Message>"), "{answer}");
}

#[tokio::test]
async fn times_that_are_far_off_have_their_own_code_in_s3() {
    let stage = Stage::secure(identities("")).await;
    let mut head =
        http::Request::put("/bucket/key").header(HOST, "127.0.0.1:4566").body(()).unwrap().into_parts().0;
    let early = NOW_EPOCH_MILLIS - 16 * 60 * 1_000;
    sign_payload(&mut head, "UNSIGNED-PAYLOAD", &credentials(KEY), "us-east-1", "s3", early);
    let answer = send(&stage, (head, Bytes::new())).await;
    assert!(answer.starts_with("403") && answer.contains("<Code>RequestTimeTooSkewed</Code>"), "{answer}");
}

#[tokio::test]
async fn a_signature_that_was_cut_short_or_altered_is_refused() {
    let stage = Stage::secure(identities("")).await;
    let (mut head, body) = query(WHO);
    sign(&mut head, &body, &credentials(KEY), "us-east-1", "sts", NOW_EPOCH_MILLIS);
    let whole = head.headers[AUTHORIZATION].to_str().unwrap().to_owned();
    let last = whole.chars().last().unwrap();
    let other = if last == '0' { '1' } else { '0' };
    for altered in [
        whole[..whole.len() - 1].to_owned(),
        format!("{}{other}", &whole[..whole.len() - 1]),
        whole.replace("us-east-1", "us-east-2"),
        whole.replace("host;", ""),
    ] {
        head.headers.insert(AUTHORIZATION, altered.parse().unwrap());
        let answer = send(&stage, (head.clone(), body.clone())).await;
        assert!(answer.starts_with("403") || answer.starts_with("400"), "{altered}\n{answer}");
        assert!(!answer.contains("<Arn>"), "{answer}");
    }
}
