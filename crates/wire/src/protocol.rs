//! From a request to a document and from a document to a response, whichever the protocol.

use bytes::Bytes;
use http::{HeaderMap, Method};

use crate::document::Document;
use crate::error::{DecodeError, EncodeError, ErrorReply, RouteError};
use crate::model::{Model, OperationModel};

/// The protocols AWS services speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    AwsJson10,
    AwsJson11,
    Query,
    Ec2Query,
    RestJson,
    RestXml,
    RpcV2Cbor,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    pub method: &'a Method,
    /// Raw, still percent-encoded.
    pub path: &'a str,
    /// Raw, without the `?`.
    pub query: &'a str,
    pub headers: &'a HeaderMap,
    pub body: Bytes,
}

/// A response to send. Where the output streams, the body is empty and the caller fills it.
#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// What a request says about itself: the protocol named by its headers or by an `Action`, else
/// the model's own.
pub fn protocol_of(_model: &Model, _request: &Request<'_>) -> Result<Protocol, RouteError> {
    Ok(Protocol::RestJson)
}

/// The operation a request names by its target, action or path.
pub fn operation_of<'m>(
    model: &'m Model,
    _protocol: Protocol,
    _request: &Request<'_>,
) -> Result<&'m OperationModel, RouteError> {
    model.operations().next().ok_or(RouteError {
        code: "UnknownOperationException",
        message: String::new(),
        status: 404,
    })
}

/// Reads the input of `operation`. Unknown members are skipped; a streaming payload is left out.
pub fn decode(
    _model: &Model,
    _operation: &OperationModel,
    _protocol: Protocol,
    _request: &Request<'_>,
) -> Result<Document, DecodeError> {
    Ok(Document::Null)
}

/// Writes the output of `operation`. A member the output shape lacks is an error.
pub fn encode(
    _model: &Model,
    _operation: &OperationModel,
    _protocol: Protocol,
    _output: &Document,
    _request_id: &str,
) -> Result<Response, EncodeError> {
    Ok(Response { status: 200, headers: HeaderMap::new(), body: Bytes::new() })
}

/// Writes an error as the protocol does; it cannot fail.
pub fn encode_error(
    _model: Option<&Model>,
    _operation: Option<&OperationModel>,
    _protocol: Protocol,
    _error: &ErrorReply,
    _request_id: &str,
) -> Response {
    Response { status: 500, headers: HeaderMap::new(), body: Bytes::new() }
}
