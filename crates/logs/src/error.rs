//! The errors of the API, with the texts that clients match.

use serde::Serialize;
use service::WireError;

#[derive(Debug, thiserror::Error, Serialize)]
#[expect(clippy::enum_variant_names, reason = "variants are named as the error shapes of the model")]
pub(crate) enum Error {
    #[error("{0}")]
    InvalidParameterException(#[serde(skip)] String),
    #[error("{}", .0.text())]
    ResourceNotFoundException(#[serde(skip)] Missing),
    #[error("{}", .0.text())]
    ResourceAlreadyExistsException(#[serde(skip)] Taken),
    #[error("A resource can have no more than 50 tags.")]
    TooManyTagsException {
        #[serde(rename = "resourceName")]
        resource_name: String,
    },
    #[error("{0}")]
    ValidationException(#[serde(skip)] String),
    #[error("{0}")]
    LimitExceededException(#[serde(skip)] String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    LogGroup,
    LogStream,
    Resource,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    LogGroup,
    LogStream,
}

impl WireError for Error {}

impl Error {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Error::InvalidParameterException(message.into())
    }

    pub(crate) fn no_group() -> Self {
        Error::ResourceNotFoundException(Missing::LogGroup)
    }

    pub(crate) fn no_stream() -> Self {
        Error::ResourceNotFoundException(Missing::LogStream)
    }

    pub(crate) fn invalid_token() -> Self {
        Error::invalid("The specified nextToken is invalid.")
    }
}

impl Missing {
    fn text(self) -> &'static str {
        match self {
            Missing::LogGroup => "The specified log group does not exist.",
            Missing::LogStream => "The specified log stream does not exist.",
            Missing::Resource => "The specified resource does not exist.",
        }
    }
}

impl Taken {
    fn text(self) -> &'static str {
        match self {
            Taken::LogGroup => "The specified log group already exists",
            Taken::LogStream => "The specified log stream already exists",
        }
    }
}
