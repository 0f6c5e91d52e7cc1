//! Operations from input text to output text, in process, over memory and a clock that stands still.

mod buckets;
mod configurations;
mod lifecycle;
mod locks;
mod notifications;
mod objects;
mod uploads;
mod versions;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use md5::{Digest as _, Md5};
use service::{Caller, ContextBuilder, Failure, Mounted, Principal, Reply, ReplyStream};
use testkit::Cloud;
use wire::Document;

use crate::{DEFINITION, S3};

fn cloud() -> Cloud {
    Cloud::new(|_| {
        let service = Arc::new(S3::without_workers());
        vec![Box::new(Mounted { definition: &DEFINITION, service })]
    })
}

/// Runs an operation with a payload.
async fn with_body(cloud: &Cloud, operation: &str, input: &str, body: &[u8]) -> Result<Reply, Failure> {
    let caller = Caller::internal(Principal::Root { account: cloud.scope.account.clone() });
    // As from the network: in pieces.
    let pieces: Vec<_> = body.chunks(10_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let cx = ContextBuilder::new(&cloud.platform, cloud.scope.clone(), caller)
        .body(Box::pin(futures_util::stream::iter(pieces)))
        .build();
    let input: serde_json::Value =
        serde_json::from_str(input).unwrap_or_else(|error| panic!("{input}: {error}"));
    let s3 = cloud.platform.registry().find("s3").expect("it is mounted");
    s3.execute(&cx, operation, Document::from_json(&input)).await
}

/// The answer as JSON, or `Code: message`.
async fn text(cloud: &Cloud, operation: &str, input: &str) -> String {
    cloud.text("s3", &format!("{operation} {input}")).await
}

/// A member of an answer that must be there.
async fn member(cloud: &Cloud, operation: &str, input: &str, name: &str) -> String {
    let answer = text(cloud, operation, input).await;
    let json: serde_json::Value =
        serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{operation}: {answer}"));
    match &json[name] {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

async fn put(cloud: &Cloud, bucket: &str, key: &str, body: &[u8]) -> Option<String> {
    let digest = STANDARD.encode(Md5::digest(body));
    let input = format!(r#"{{"Bucket": "{bucket}", "Key": "{key}", "ContentMD5": "{digest}"}}"#);
    let reply =
        with_body(cloud, "PutObject", &input, body).await.unwrap_or_else(|failure| panic!("{failure}"));
    reply.document.get("VersionId").and_then(Document::as_str).map(str::to_owned)
}

/// The bytes of an object, or `Code: message`.
async fn get(cloud: &Cloud, input: &str) -> Vec<u8> {
    match with_body(cloud, "GetObject", input, b"").await {
        Err(failure) => failure.to_string().into_bytes(),
        Ok(reply) => match reply.stream {
            Some(ReplyStream::Bytes { stream, length }) => {
                let pieces: Vec<Bytes> =
                    stream.try_collect().await.unwrap_or_else(|failure| panic!("{failure}"));
                let body = pieces.concat();
                assert_eq!(length, Some(body.len() as u64));
                body
            }
            _ => panic!("an object without bytes"),
        },
    }
}

#[test]
fn structs_fit_the_model() {
    if let Err(wrong) = service::honesty::check(&DEFINITION) {
        panic!("{wrong}");
    }
}
