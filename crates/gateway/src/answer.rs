//! Replies on their way out: documents written in the request's protocol, streams behind them.

use bytes::Bytes;
use futures_util::StreamExt as _;
use service::{Event, EventStream, Failure, Reply, ReplyStream};
use wire::{Document, Model, OperationModel, Protocol, event_stream};

use crate::body::{Body, Pieces, Response};
use crate::refusal::{Course, from_wire};

pub(crate) fn response(
    course: &Course,
    operation: &'static OperationModel,
    reply: Reply,
    request_id: &str,
) -> Result<Response, Failure> {
    let model = course.model.ok_or_else(|| anyhow::anyhow!("answered before its service was known"))?;
    let written = wire::encode(model, operation, course.protocol, &reply.document, request_id)
        .map_err(|error| anyhow::anyhow!("{} does not fit its model: {error}", operation.name()))?;
    let mut response = from_wire(written);
    match reply.stream {
        None => {}
        Some(ReplyStream::Bytes { length, stream }) => {
            let pieces = stream.map(|piece| piece.map_err(|failure| anyhow::anyhow!("{failure}")));
            *response.body_mut() = Body::Pieces { pieces: Box::pin(pieces), length };
        }
        Some(ReplyStream::Events(events)) => {
            let writer = Writer { model, operation, protocol: course.protocol };
            let first = writer.initial(&reply.document)?;
            *response.body_mut() = Body::Pieces { pieces: writer.pieces(first, events), length: None };
        }
    }
    Ok(response)
}

#[derive(Clone, Copy)]
struct Writer {
    model: &'static Model,
    operation: &'static OperationModel,
    protocol: Protocol,
}

impl Writer {
    /// RPC protocols have no other place for the members beside the stream than a first message.
    fn initial(self, output: &Document) -> Result<Option<Bytes>, Failure> {
        match self.protocol {
            Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::RpcV2Cbor => {
                event_stream::encode_initial_response(self.model, self.operation, self.protocol, output)
                    .map(Some)
                    .map_err(|error| anyhow::anyhow!("initial response: {error}").into())
            }
            Protocol::RestJson | Protocol::RestXml | Protocol::Query | Protocol::Ec2Query => Ok(None),
        }
    }

    fn pieces(self, first: Option<Bytes>, events: EventStream) -> Pieces {
        let first = futures_util::stream::iter(first.map(Ok));
        Box::pin(first.chain(events.map(move |event| match event {
            Ok(event) => self.event(&event),
            Err(failure) => Ok(self.failure(failure)),
        })))
    }

    fn event(self, event: &Event) -> anyhow::Result<Bytes> {
        event_stream::encode_event(self.model, self.operation, self.protocol, event.name, &event.document)
            .map_err(|error| anyhow::anyhow!("event {}: {error}", event.name))
    }

    /// A failure in the middle of a stream ends it with an exception message.
    fn failure(self, failure: Failure) -> Bytes {
        match failure {
            Failure::Modelled(reply) => {
                let mut members = reply.members;
                members.insert("message".to_owned(), reply.message.as_str().into());
                let exception = Document::Map(members);
                event_stream::encode_exception(
                    self.model,
                    self.operation,
                    self.protocol,
                    &reply.code,
                    &exception,
                )
                .unwrap_or_else(|_| event_stream::encode_error(&reply.code, &reply.message))
            }
            Failure::Internal(cause) => {
                tracing::error!(
                    operation = self.operation.name(),
                    error = format!("{cause:#}"),
                    "stream failed unexpectedly"
                );
                event_stream::encode_error(
                    "InternalFailure",
                    "The stream ended because of an unexpected error.",
                )
            }
        }
    }
}
