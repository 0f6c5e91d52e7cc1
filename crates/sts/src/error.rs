//! The errors of the API, with the texts that clients match.

use serde::Serialize;
use service::{Failure, WireError};

#[derive(Debug, thiserror::Error, Serialize)]
#[expect(clippy::enum_variant_names, reason = "variants are named as the error shapes of the model")]
pub(crate) enum Error {
    #[error("{0}")]
    PackedPolicyTooLargeException(#[serde(skip)] String),
    #[error("{0}")]
    MalformedPolicyDocumentException(#[serde(skip)] String),
    #[error("{0}")]
    InvalidIdentityTokenException(#[serde(skip)] String),
    #[error("{0}")]
    ExpiredTokenException(#[serde(skip)] String),
    #[error("{0}")]
    IDPCommunicationErrorException(#[serde(skip)] String),
    #[error("{0}")]
    InvalidAuthorizationMessageException(#[serde(skip)] &'static str),
}

impl WireError for Error {}

pub(crate) fn access_denied(message: impl Into<String>) -> Failure {
    Failure::new("AccessDenied", 403, message)
}

pub(crate) fn validation(message: impl Into<String>) -> Failure {
    Failure::new("ValidationError", 400, message)
}

pub(crate) fn invalid_parameter(message: impl Into<String>) -> Failure {
    Failure::new("InvalidParameterValue", 400, message)
}
