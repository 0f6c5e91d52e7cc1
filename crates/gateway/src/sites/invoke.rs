//! Invoking a function on behalf of an HTTP request.

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use service::{Failure, Reply, ReplyStream, Trace};
use wire::Document;

use super::{Access, call};
use crate::Gateway;
use crate::identity::Identity;
use crate::request::Request;

/// What came of a buffered invocation.
pub(super) enum Invoked {
    Payload(Bytes),
    /// The function failed; what it said is for its log, not for the HTTP client.
    FunctionError,
}

pub(super) async fn buffered(
    gateway: &Gateway,
    request: &Request,
    caller: (Identity, Access),
    trace: &Trace,
    function: &str,
    event: Bytes,
) -> Result<Invoked, Failure> {
    let input = Document::map([
        ("FunctionName", function.into()),
        ("InvocationType", "RequestResponse".into()),
        ("Payload", Document::Blob(event)),
    ]);
    let reply = call(gateway, request, caller, trace, "Invoke", input).await?;
    if reply.document.get("FunctionError").is_some_and(|error| !error.is_null()) {
        return Ok(Invoked::FunctionError);
    }
    Ok(Invoked::Payload(payload(reply).await?))
}

/// The events of a streamed invocation, and the content type that the function announced.
pub(super) async fn streamed(
    gateway: &Gateway,
    request: &Request,
    caller: (Identity, Access),
    trace: &Trace,
    function: &str,
    event: Bytes,
) -> Result<(String, service::EventStream), Failure> {
    let input = Document::map([("FunctionName", function.into()), ("Payload", Document::Blob(event))]);
    let reply = call(gateway, request, caller, trace, "InvokeWithResponseStream", input).await?;
    let content_type =
        reply.document.get("ResponseStreamContentType").and_then(Document::as_str).unwrap_or("").to_owned();
    match reply.stream {
        Some(ReplyStream::Events(events)) => Ok((content_type, events)),
        _ => Err(anyhow::anyhow!("InvokeWithResponseStream answered without a stream").into()),
    }
}

async fn payload(reply: Reply) -> Result<Bytes, Failure> {
    match reply.stream {
        Some(ReplyStream::Bytes { stream, .. }) => joined(stream).await,
        Some(ReplyStream::Events(_)) => Err(anyhow::anyhow!("Invoke answered with events").into()),
        None => Ok(reply.document.get("Payload").and_then(Document::as_blob).cloned().unwrap_or_default()),
    }
}

async fn joined(mut stream: impl Stream<Item = Result<Bytes, Failure>> + Unpin) -> Result<Bytes, Failure> {
    let Some(first) = stream.next().await.transpose()? else { return Ok(Bytes::new()) };
    let mut whole = bytes::BytesMut::from(first);
    while let Some(piece) = stream.next().await {
        whole.extend_from_slice(&piece?);
    }
    Ok(whole.freeze())
}
