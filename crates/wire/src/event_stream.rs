//! The framing of `application/vnd.amazon.eventstream`.

use bytes::Bytes;

use crate::document::Document;
use crate::error::EncodeError;
use crate::model::{Model, OperationModel};
use crate::protocol::Protocol;

/// A header value of an event stream message.
#[derive(Debug, Clone, PartialEq)]
pub enum HeaderValue {
    Bool(bool),
    Byte(i8),
    Short(i16),
    Int(i32),
    Long(i64),
    Bytes(Bytes),
    Text(String),
    /// Milliseconds since 1970.
    Timestamp(i64),
    Uuid([u8; 16]),
}

/// One message of a stream.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Message {
    pub headers: Vec<(String, HeaderValue)>,
    pub payload: Bytes,
}

/// A message that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FrameError(pub &'static str);

pub fn encode_message(_message: &Message) -> Bytes {
    Bytes::new()
}

/// Takes the first message off `buffer`; `Ok(None)` when it is not complete yet.
pub fn decode_message(_buffer: &mut Bytes) -> Result<Option<Message>, FrameError> {
    Ok(None)
}

/// All messages of a complete body.
pub fn decode_messages(_body: Bytes) -> Result<Vec<Message>, FrameError> {
    Ok(Vec::new())
}

/// One event of the operation's output stream: `name` is the member of the stream's union.
pub fn encode_event(
    _model: &Model,
    _operation: &OperationModel,
    _protocol: Protocol,
    _name: &str,
    _event: &Document,
) -> Result<Bytes, EncodeError> {
    Ok(Bytes::new())
}

/// A modelled exception that ends the stream.
pub fn encode_exception(
    _model: &Model,
    _operation: &OperationModel,
    _protocol: Protocol,
    _name: &str,
    _exception: &Document,
) -> Result<Bytes, EncodeError> {
    Ok(Bytes::new())
}

/// An error outside the model that ends the stream.
pub fn encode_error(_code: &str, _message: &str) -> Bytes {
    Bytes::new()
}

/// The first message of the RPC protocols: the output's members beside the stream.
pub fn encode_initial_response(
    _model: &Model,
    _operation: &OperationModel,
    _protocol: Protocol,
    _output: &Document,
) -> Result<Bytes, EncodeError> {
    Ok(Bytes::new())
}
