//! What can go wrong on the wire, and how a failure is described to a client.

use crate::document::{Document, Map};

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
#[error("{path}: {message}")]
pub struct EncodeError {
    /// The shape and, below it, the member, such as `FunctionConfiguration.Timeout`.
    pub path: String,
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

impl ErrorReply {
    /// An error without further members, with the model's status or the fault's usual one.
    pub fn new(code: impl Into<String>, message: impl Into<String>, fault: Fault) -> ErrorReply {
        ErrorReply { code: code.into(), message: message.into(), members: Map::new(), status: None, fault }
    }
}

impl From<RouteError> for ErrorReply {
    fn from(error: RouteError) -> Self {
        ErrorReply { status: Some(error.status), ..ErrorReply::new(error.code, error.message, Fault::Client) }
    }
}

impl From<DecodeError> for ErrorReply {
    fn from(error: DecodeError) -> Self {
        ErrorReply { status: Some(error.status), ..ErrorReply::new(error.code, error.message, Fault::Client) }
    }
}

impl DecodeError {
    pub(crate) fn new(code: &'static str, malformed: Malformed) -> DecodeError {
        DecodeError { code, message: malformed.0, status: 400 }
    }
}

impl EncodeError {
    pub(crate) fn new(message: impl Into<String>) -> EncodeError {
        EncodeError { path: String::new(), message: message.into() }
    }

    pub(crate) fn expected(expected: &str, found: &Document) -> EncodeError {
        EncodeError::new(format!("expected {expected}, found {}", found.kind()))
    }

    pub(crate) fn within(mut self, segment: &str) -> EncodeError {
        self.path = match self.path.as_str() {
            "" => segment.to_owned(),
            rest => format!("{segment}.{rest}"),
        };
        self
    }
}

/// Why bytes or a text cannot be read; the protocol adds its code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) String);

impl Malformed {
    pub(crate) fn new(message: impl Into<String>) -> Malformed {
        Malformed(message.into())
    }

    pub(crate) fn too_deep() -> Malformed {
        Malformed::new(format!("The request is nested more than {MAX_DEPTH_LEVELS} levels deep"))
    }
}

/// How deep lists, maps and structures may lie in each other, in every format.
pub(crate) const MAX_DEPTH_LEVELS: usize = 256;
