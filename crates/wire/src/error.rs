//! What can go wrong on the wire, and how a failure is described to a client.

use crate::document::Map;

/// A request that names no operation of the model. `code` is the AWS error code for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RouteError {
    pub code: &'static str,
    pub message: String,
    pub status: u16,
}

/// A request that cannot be read. `code` is the AWS error code of the protocol
/// (`SerializationException`, `MalformedXML` …); `message` is meant for the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DecodeError {
    pub code: &'static str,
    pub message: String,
    pub status: u16,
}

/// An output that does not fit the model: a mistake of the service, never of the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{shape}: {message}")]
pub struct EncodeError {
    /// The shape and, below it, the member, such as `FunctionConfiguration.Timeout`.
    pub shape: String,
    pub message: String,
}

/// Who is to blame for an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Client,
    Server,
}

/// An error a service answers with.
#[derive(Debug, Clone, PartialEq)]
pub struct ErrorReply {
    /// The name of the model's error shape, or a generic code such as `InternalFailure`.
    pub code: String,
    pub message: String,
    /// Further modelled members of the error shape.
    pub members: Map,
    /// Replaces the model's HTTP status; needed for codes the model lacks.
    pub status: Option<u16>,
    pub fault: Fault,
}
