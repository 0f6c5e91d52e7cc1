//! Streamed answers: `InvokeMode` `RESPONSE_STREAM`.
//!
//! A function that sets status and headers sends them as JSON before its first byte, set off by eight zero bytes,
//! and announces that with a content type of its own.

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};
use http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::{Map, Value};
use service::{Event, EventStream, Failure};
use wire::Document;

use super::{bad_gateway, response};
use crate::body::{Body, Pieces, Response};
use crate::limits::PRELUDE_BYTES_MAX;

const HTTP_INTEGRATION: &str = "application/vnd.awslambda.http-integration-response";
const DELIMITER: [u8; 8] = [0; 8];

/// Waits for the first byte, or for the prelude where there is one; the rest follows at the client's speed.
pub(super) async fn response(content_type: &str, mut events: EventStream) -> Result<Response, Failure> {
    let has_prelude = content_type.starts_with(HTTP_INTEGRATION);
    let mut begun = BytesMut::new();
    let prelude_bytes = loop {
        if has_prelude && let Some(found) = delimiter(&begun) {
            break Some(found);
        }
        if (has_prelude && begun.len() > PRELUDE_BYTES_MAX) || (!has_prelude && !begun.is_empty()) {
            break None;
        }
        match events.next().await {
            None => break None,
            Some(event) => match part(event?) {
                Part::Chunk(bytes) => begun.extend_from_slice(&bytes),
                Part::Failed => return Ok(bad_gateway()),
                Part::Complete => break None,
            },
        }
    };
    let mut begun = begun.freeze();
    let mut answer = Response::new(Body::empty());
    let fallback =
        if has_prelude || content_type.is_empty() { "application/octet-stream" } else { content_type };
    if has_prelude {
        let Some(prelude_bytes) = prelude_bytes else {
            tracing::warn!("a streamed HTTP answer has no end of its prelude");
            return Ok(bad_gateway());
        };
        let prelude = begun.split_to(prelude_bytes);
        begun = begun.slice(DELIMITER.len()..);
        if let Err(reason) = read_prelude(&prelude, &mut answer) {
            tracing::warn!(reason, "the prelude of a streamed HTTP answer does not read");
            return Ok(bad_gateway());
        }
    }
    if let Ok(fallback) = HeaderValue::from_str(fallback) {
        answer.headers_mut().entry(CONTENT_TYPE).or_insert(fallback);
    }
    *answer.body_mut() = Body::Pieces { pieces: rest(begun, events), length: None };
    Ok(answer)
}

fn read_prelude(prelude: &[u8], answer: &mut Response) -> Result<(), &'static str> {
    let members: Map<String, Value> =
        serde_json::from_slice(prelude).map_err(|_| "it is not a JSON object")?;
    response::head(&members, answer).map_err(|malformed| malformed.0)
}

fn delimiter(begun: &[u8]) -> Option<usize> {
    begun.windows(DELIMITER.len()).position(|window| window == DELIMITER)
}

enum Part {
    Chunk(Bytes),
    Complete,
    Failed,
}

fn part(event: Event) -> Part {
    let is_failure = |document: &Document| document.get("ErrorCode").is_some_and(|code| !code.is_null());
    match event.document {
        Document::Map(mut members) if event.name == "PayloadChunk" => match members.swap_remove("Payload") {
            Some(Document::Blob(bytes)) => Part::Chunk(bytes),
            _ => Part::Chunk(Bytes::new()),
        },
        document if is_failure(&document) => Part::Failed,
        _ => Part::Complete,
    }
}

/// What the function sends from here on. A failure now can only break the connection off.
fn rest(begun: Bytes, events: EventStream) -> Pieces {
    let first = stream::iter((!begun.is_empty()).then_some(Ok(begun)));
    let later = events.filter_map(|event| async move {
        match event.map(part) {
            Ok(Part::Chunk(bytes)) if bytes.is_empty() => None,
            Ok(Part::Chunk(bytes)) => Some(Ok(bytes)),
            Ok(Part::Complete) => None,
            Ok(Part::Failed) => Some(Err(anyhow::anyhow!("the function failed while streaming"))),
            Err(failure) => Some(Err(anyhow::anyhow!("{failure}"))),
        }
    });
    Box::pin(first.chain(later))
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    fn chunk(bytes: &'static [u8]) -> Result<Event, Failure> {
        let document = Document::map([("Payload", Document::Blob(Bytes::from_static(bytes)))]);
        Ok(Event { name: "PayloadChunk", document })
    }

    fn complete(error: Option<&str>) -> Result<Event, Failure> {
        let document = match error {
            Some(code) => Document::map([("ErrorCode", code.into())]),
            None => Document::Map(wire::Map::default()),
        };
        Ok(Event { name: "InvokeComplete", document })
    }

    async fn answered(content_type: &str, events: Vec<Result<Event, Failure>>) -> String {
        let response = response(content_type, Box::pin(stream::iter(events))).await.unwrap();
        let (head, body) = response.into_parts();
        let content_type = head.headers[CONTENT_TYPE].to_str().unwrap().to_owned();
        let body = match body.collect().await {
            Ok(body) => String::from_utf8(body.to_bytes().to_vec()).unwrap(),
            Err(error) => format!("broken off: {error}"),
        };
        format!("{} {content_type} {body}", head.status.as_u16())
    }

    #[tokio::test]
    async fn plain_streams_follow_their_content_type() {
        let events = vec![chunk(b"a"), chunk(b""), chunk(b"b"), complete(None)];
        assert_eq!(answered("text/plain", events).await, "200 text/plain ab");
        assert_eq!(answered("", vec![complete(None)]).await, "200 application/octet-stream ");
    }

    #[tokio::test]
    async fn a_prelude_sets_status_and_headers_wherever_it_is_cut() {
        let events = vec![
            chunk(br#"{"statusCode":202,"headers":{"Content-Type":"te"#),
            chunk(b"xt/csv\"}}\0\0\0"),
            chunk(b"\0\0\0\0\0x,"),
            chunk(b"y"),
            complete(None),
        ];
        assert_eq!(answered(HTTP_INTEGRATION, events).await, "202 text/csv x,y");
    }

    #[tokio::test]
    async fn failures_before_the_first_byte_are_bad_gateways_and_later_ones_break_off() {
        assert_eq!(
            answered("text/plain", vec![complete(Some("Unhandled"))]).await,
            "502 application/json Internal Server Error"
        );
        let events = vec![chunk(b"a"), complete(Some("Unhandled"))];
        assert_eq!(
            answered("text/plain", events).await,
            "200 text/plain broken off: the function failed while streaming"
        );
        let unfinished = vec![chunk(b"{\"statusCode\":200}"), complete(None)];
        assert!(answered(HTTP_INTEGRATION, unfinished).await.starts_with("502 "));
        let broken = vec![chunk(b"nonsense\0\0\0\0\0\0\0\0"), complete(None)];
        assert!(answered(HTTP_INTEGRATION, broken).await.starts_with("502 "));
    }
}
