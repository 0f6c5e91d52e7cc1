//! The errors of DynamoDB, by the names of its API model, with the texts that clients match.

use serde::Serialize;
use service::{Failure, WireError};

use crate::table::TableName;

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
    #[error("{0}")]
    TableNotFoundException(#[serde(skip)] String),
    #[error("{0}")]
    TableAlreadyExistsException(#[serde(skip)] String),
    #[error("{0}")]
    BackupNotFoundException(#[serde(skip)] String),
    #[error("{0}")]
    PointInTimeRecoveryUnavailableException(#[serde(skip)] String),
    #[error("{0}")]
    InvalidRestoreTimeException(#[serde(skip)] String),
    #[error("{0}")]
    PolicyNotFoundException(#[serde(skip)] String),
    #[error("{0}")]
    GlobalTableNotFoundException(#[serde(skip)] String),
    #[error("{0}")]
    ExpiredIteratorException(#[serde(skip)] String),
    #[error("{0}")]
    TrimmedDataAccessException(#[serde(skip)] String),
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

    /// What operations on backups answer for [`Error::no_table`]; other failures stay as they are.
    pub(crate) fn as_table_not_found(failure: Failure, name: &TableName) -> Failure {
        if failure.code() != "ResourceNotFoundException" {
            return failure;
        }
        Error::TableNotFoundException(format!("Table not found: {}", name.as_str())).into()
    }

    /// What restores answer when the name is taken.
    pub(crate) fn table_exists(name: &str) -> Self {
        Error::TableAlreadyExistsException(format!("Table already exists: {name}"))
    }

    /// The record that a place in a stream names is not there any more.
    pub(crate) fn trimmed() -> Self {
        Error::TrimmedDataAccessException(
            "The operation attempted to read past the oldest stream record in a shard.".into(),
        )
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
