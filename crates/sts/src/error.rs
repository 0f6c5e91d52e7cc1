//! The errors of the API, with the texts that clients match.

use serde::Serialize;
use service::{Failure, WireError};

#[derive(Debug, thiserror::Error, Serialize)]
pub(crate) enum Error {
    #[error("{0}")]
    PackedPolicyTooLargeException(#[serde(skip)] String),
}

impl WireError for Error {}

pub(crate) fn access_denied(message: impl Into<String>) -> Failure {
    Failure::new("AccessDenied", 403, message)
}

pub(crate) fn validation(message: impl Into<String>) -> Failure {
    Failure::new("ValidationError", 400, message)
}
