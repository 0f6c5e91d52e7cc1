//! Payloads that are streamed: unframed, and committed only when they are what was signed.

use auth::{Credentials, Session, SessionKind, sign, sign_payload};
use bytes::Bytes;
use http::header::HOST;
use http_body_util::Full;
use ring::{digest, hmac};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::stage::{NOW_EPOCH_MILLIS, Stage, parse, signature, written};

const DAY: &str = "20260102";
const TIME: &str = "20260102T030405Z";
const SIGNED: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
const SIGNED_TRAILER: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
const UNSIGNED_TRAILER: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

fn credentials(stage: &Stage) -> Credentials {
    let kind = SessionKind::User { name: "ann".into(), unique_id: "AIDAEXAMPLE".into(), path: "/".into() };
    let expires_epoch_millis = NOW_EPOCH_MILLIS + 60_000;
    let session =
        Session { account: "111122223333".into(), kind, expires_epoch_millis, detail: Default::default() };
    stage.issuer.issue(&session).credentials
}

fn head(extra: &[(&'static str, &str)]) -> http::request::Parts {
    let mut request =
        http::Request::builder().method("PUT").uri("/bucket/key").header(HOST, "127.0.0.1:4566");
    for (name, value) in extra {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

async fn send(stage: &Stage, head: http::request::Parts, body: &str) -> String {
    let request = http::Request::from_parts(head, Full::new(Bytes::copy_from_slice(body.as_bytes())));
    let response = stage.send(request).await;
    let tag = response.headers().get("etag").map(|tag| tag.to_str().unwrap().to_owned());
    match tag {
        Some(tag) => tag,
        None => written(response).await,
    }
}

fn object(stage: &Stage) -> Option<Bytes> {
    stage.probe.object.lock().unwrap().take()
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}

/// Frames `parts` in signed chunks that follow the signature of the head.
fn framed(credentials: &Credentials, head: &http::request::Parts, parts: &[&str], trailer: &str) -> String {
    let mut key =
        hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{}", credentials.secret_access_key).as_bytes());
    for part in [DAY, "us-east-1", "s3", "aws4_request"] {
        key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref());
    }
    let scope = format!("{DAY}/us-east-1/s3/aws4_request");
    let authorization = head.headers["authorization"].to_str().unwrap();
    let mut previous = authorization.rsplit('=').next().unwrap().to_owned();
    let mut body = String::new();
    for part in parts.iter().chain(&[""]) {
        let hash = format!("{}\n{}", sha256(b""), sha256(part.as_bytes()));
        let text = format!("AWS4-HMAC-SHA256-PAYLOAD\n{TIME}\n{scope}\n{previous}\n{hash}");
        previous = hex::encode(hmac::sign(&key, text.as_bytes()));
        let end = if part.is_empty() { "" } else { "\r\n" };
        body += &format!("{:x};chunk-signature={previous}\r\n{part}{end}", part.len());
    }
    if !trailer.is_empty() {
        let hash = sha256(format!("{trailer}\n").as_bytes());
        let text = format!("AWS4-HMAC-SHA256-TRAILER\n{TIME}\n{scope}\n{previous}\n{hash}");
        let signature = hex::encode(hmac::sign(&key, text.as_bytes()));
        body += &format!("{trailer}\r\nx-amz-trailer-signature:{signature}\r\n");
    }
    body + "\r\n"
}

#[tokio::test]
async fn a_hash_of_the_payload_is_checked_at_its_end() {
    let stage = Stage::with_s3().await;
    let credentials = credentials(&stage);
    let mut good = head(&[]);
    sign(&mut good, b"hello", &credentials, "us-east-1", "s3", NOW_EPOCH_MILLIS);
    assert_eq!(send(&stage, good.clone(), "hello").await, "5 Some(5) - []");
    assert_eq!(object(&stage).as_deref(), Some(b"hello".as_slice()));
    let altered = send(&stage, good.clone(), "hellO").await;
    assert!(altered.contains("XAmzContentSHA256Mismatch"), "{altered}");
    assert_eq!(object(&stage), None);
    // Of a key that is not ours too: the hash needs no secret.
    let authorization = signature("test", "s3").parse().unwrap();
    good.headers.insert("authorization", authorization);
    assert_eq!(send(&stage, good.clone(), "hello").await, "5 Some(5) - []");
    assert!(send(&stage, good.clone(), "hellO").await.contains("XAmzContentSHA256Mismatch"));
    good.headers.insert("x-amz-content-sha256", "hello".parse().unwrap());
    assert!(send(&stage, good.clone(), "hello").await.contains("InvalidArgument"));
    let mut unsigned = head(&[]);
    sign_payload(&mut unsigned, "UNSIGNED-PAYLOAD", &credentials, "us-east-1", "s3", NOW_EPOCH_MILLIS);
    assert_eq!(send(&stage, unsigned.clone(), "anything").await, "8 Some(8) - []");
    unsigned.headers.remove("x-amz-content-sha256");
    let missing = send(&stage, unsigned, "anything").await;
    assert!(missing.contains("x-amz-content-sha256"), "{missing}");
}

#[tokio::test]
async fn signed_chunks_are_checked_and_unframed() {
    let stage = Stage::with_s3().await;
    let credentials = credentials(&stage);
    let mut head = head(&[("x-amz-decoded-content-length", "11"), ("content-encoding", "aws-chunked,gzip")]);
    sign_payload(&mut head, SIGNED, &credentials, "us-east-1", "s3", NOW_EPOCH_MILLIS);
    let body = framed(&credentials, &head, &["hello ", "world"], "");
    assert_eq!(send(&stage, head.clone(), &body).await, "11 Some(11) gzip []");
    assert_eq!(object(&stage).as_deref(), Some(b"hello world".as_slice()));
    for (wrong, code) in [
        (body.replace("world", "World"), "SignatureDoesNotMatch"),
        (body.replace("0;chunk", "0;chink"), "SignatureDoesNotMatch"),
        (body[..body.len() - 60].to_owned(), "IncompleteBody"),
        (body[..100].to_owned(), "IncompleteBody"),
    ] {
        let refused = send(&stage, head.clone(), &wrong).await;
        assert!(refused.contains(code), "{wrong} {refused}");
        assert_eq!(object(&stage), None);
    }
    // The seed is the signature of the head, which covers the declared length.
    head.headers.insert("x-amz-decoded-content-length", "12".parse().unwrap());
    assert!(send(&stage, head, &body).await.contains("SignatureDoesNotMatch"));
}

#[tokio::test]
async fn trailers_are_checked_and_handed_on() {
    let stage = Stage::with_s3().await;
    let credentials = credentials(&stage);
    let trailer = "x-amz-checksum-crc32:y/Q5Jg==";
    let fields = [("x-amz-decoded-content-length", "9"), ("x-amz-trailer", "x-amz-checksum-crc32")];
    let known = "9 Some(9) - [(\"x-amz-checksum-crc32\", \"y/Q5Jg==\")]";
    let mut signed = head(&fields);
    sign_payload(&mut signed, SIGNED_TRAILER, &credentials, "us-east-1", "s3", NOW_EPOCH_MILLIS);
    let body = framed(&credentials, &signed, &["123456789"], trailer);
    assert_eq!(send(&stage, signed.clone(), &body).await, known);
    let forged = body.replace("y/Q5", "y/Q6");
    assert!(send(&stage, signed, &forged).await.contains("SignatureDoesNotMatch"));
    let mut unsigned = head(&fields);
    sign_payload(&mut unsigned, UNSIGNED_TRAILER, &credentials, "us-east-1", "s3", NOW_EPOCH_MILLIS);
    let body = format!("9\r\n123456789\r\n0\r\n{trailer}\r\n\r\n");
    assert_eq!(send(&stage, unsigned.clone(), &body).await, known);
    object(&stage);
    let wrong = body.replace("123456789", "123456780");
    assert!(send(&stage, unsigned.clone(), &wrong).await.contains("BadDigest"));
    let longer = body.replace("9\r\n1", "a\r\n01");
    assert!(send(&stage, unsigned, &longer).await.contains("IncompleteBody"));
    assert_eq!(object(&stage), None);
}

#[tokio::test]
async fn chunks_of_unknown_keys_are_unframed_too() {
    let stage = Stage::with_s3().await;
    let answer = |payload: &'static str, fields: &'static str, body: &'static str| {
        let text = format!("PUT /bucket/key\nsigned: s3\nx-amz-content-sha256: {payload}{fields}\n\n{body}");
        let (head, body) = parse(&text).into_parts();
        let stage = &stage;
        async move { stage.send(http::Request::from_parts(head, body)).await }
    };
    let plain = "5;chunk-signature=00\r\nhello\r\n0;chunk-signature=00\r\n\r\n";
    let response = answer(SIGNED, "\nx-amz-decoded-content-length: 5", plain).await;
    assert_eq!(response.headers()["etag"], "5 Some(5) - []");
    let response = answer(SIGNED, "", plain).await;
    assert_eq!(response.status(), 411);
    let fields = "\nx-amz-decoded-content-length: 9\nx-amz-trailer: x-amz-checksum-crc32";
    let body = "9;chunk-signature=00\r\n123456789\r\n0;chunk-signature=00\r\nx-amz-checksum-crc32:y/Q5Jg==\r\n\
                x-amz-trailer-signature:00\r\n\r\n";
    let response = answer(SIGNED_TRAILER, fields, body).await;
    assert_eq!(response.headers()["etag"], "9 Some(9) - [(\"x-amz-checksum-crc32\", \"y/Q5Jg==\")]");
    let response =
        answer(UNSIGNED_TRAILER, fields, "9\r\n123456789\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n");
    assert_eq!(response.await.status(), 400);
}

/// The head, then what the server says before it has the body, then the body when it asks for it.
async fn expecting(stage: &Stage, key: &str, length: u64, body: &[u8]) -> (String, String) {
    let mut stream = TcpStream::connect(stage.address).await.unwrap();
    let authorization = signature("test", "s3");
    let head = format!(
        "PUT /bucket/{key} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: {authorization}\r\ncontent-length: {length}\r\n\
         expect: 100-continue\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut first = vec![0; 25];
    stream.read_exact(&mut first).await.unwrap();
    let first = String::from_utf8(first).unwrap();
    if first.starts_with("HTTP/1.1 100 Continue") {
        stream.write_all(body).await.unwrap();
    }
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.unwrap();
    (first, rest)
}

#[tokio::test]
async fn a_client_that_waits_is_told_to_continue_only_when_its_body_is_wanted() {
    let stage = Stage::with_s3().await;
    let (first, rest) = expecting(&stage, "key", 5, b"hello").await;
    assert_eq!(first, "HTTP/1.1 100 Continue\r\n\r\n");
    assert!(rest.starts_with("HTTP/1.1 200") && rest.contains("5 Some(5)"), "{rest}");
    let (first, _) = expecting(&stage, "refused", 5, b"hello").await;
    assert!(first.starts_with("HTTP/1.1 404"), "{first}");
    let (first, rest) = expecting(&stage, "key", 6 * 1024 * 1024 * 1024, b"hello").await;
    assert!(first.starts_with("HTTP/1.1 400") && rest.contains("EntityTooLarge"), "{first}{rest}");
}

#[tokio::test]
async fn a_payload_that_nobody_reads_does_not_hide_the_answer() {
    let stage = Stage::with_s3().await;
    let body = "x".repeat(8 * 1024 * 1024);
    let text = format!("PUT /bucket/refused\nsigned: s3\n\n{body}");
    let answer = stage.ask(&text).await;
    assert!(answer.starts_with("404 application/xml") && answer.contains("NoSuchBucket"), "{answer}");
}
