//! The errors of DynamoDB, by the names of its API model, with the texts that clients match.

use serde::Serialize;
use service::{Failure, WireError};

/// Variant names are the model's shapes; the text is what the client reads.
#[derive(Debug, thiserror::Error, Serialize)]
#[expect(clippy::enum_variant_names, reason = "the names are those of the API model")]
pub(crate) enum Error {
    #[error("{0}")]
    ResourceNotFoundException(#[serde(skip)] String),
    #[error("{0}")]
    ResourceInUseException(#[serde(skip)] String),
    #[error("{0}")]
    LimitExceededException(#[serde(skip)] String),
}

impl WireError for Error {}

impl Error {
    /// What operations on a table itself answer when it is not there.
    pub(crate) fn no_table(name: &str) -> Self {
        Error::ResourceNotFoundException(format!("Requested resource not found: Table: {name} not found"))
    }

    /// What operations on items answer when their table is not there.
    pub(crate) fn no_resource() -> Self {
        Error::ResourceNotFoundException("Requested resource not found".into())
    }

    pub(crate) fn in_use(text: impl Into<String>) -> Self {
        Error::ResourceInUseException(text.into())
    }

    pub(crate) fn limit(text: impl Into<String>) -> Self {
        Error::LimitExceededException(text.into())
    }
}

/// A rule of the service that the input breaks.
pub(crate) fn invalid(text: impl Into<String>) -> Failure {
    Failure::validation(text)
}

/// [`invalid`] with the words that most of DynamoDB's texts begin with.
pub(crate) fn invalid_parameters(text: impl std::fmt::Display) -> Failure {
    Failure::validation(format!("One or more parameter values were invalid: {text}"))
}
