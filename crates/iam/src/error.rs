//! The errors of the API, with the texts that clients match.

use serde::Serialize;
use service::{Failure, WireError};

#[derive(Debug, thiserror::Error, Serialize)]
#[expect(clippy::enum_variant_names, reason = "variants are named as the error shapes of the model")]
pub(crate) enum Error {
    #[error("{0}")]
    NoSuchEntityException(#[serde(skip)] String),
    #[error("{0}")]
    EntityAlreadyExistsException(#[serde(skip)] String),
    #[error("{0}")]
    DeleteConflictException(#[serde(skip)] &'static str),
    #[error("{0}")]
    PasswordPolicyViolationException(#[serde(skip)] &'static str),
    #[error("{0}")]
    LimitExceededException(#[serde(skip)] String),
    #[error("{0}")]
    MalformedPolicyDocumentException(#[serde(skip)] String),
    #[error("{0}")]
    InvalidInputException(#[serde(skip)] String),
}

impl WireError for Error {}

impl Error {
    pub(crate) fn no_role(name: &str) -> Self {
        Error::NoSuchEntityException(format!("The role with name {name} cannot be found."))
    }

    pub(crate) fn no_user(name: &str) -> Self {
        Error::NoSuchEntityException(format!("The user with name {name} cannot be found."))
    }

    pub(crate) fn no_group(name: &str) -> Self {
        Error::NoSuchEntityException(format!("The group with name {name} cannot be found."))
    }

    pub(crate) fn no_policy(arn: &str) -> Self {
        Error::NoSuchEntityException(format!("Policy {arn} was not found."))
    }

    pub(crate) fn not_attachable(arn: &str) -> Self {
        Error::NoSuchEntityException(format!("Policy {arn} does not exist or is not attachable."))
    }

    pub(crate) fn taken(text: String) -> Self {
        Error::EntityAlreadyExistsException(text)
    }

    pub(crate) fn over_quota(quota: &str, limit: usize) -> Self {
        Error::LimitExceededException(format!("Cannot exceed quota for {quota}: {limit}"))
    }
}

/// A policy of AWS was to be changed.
pub(crate) fn owned_by_aws() -> Failure {
    Failure::new("AccessDenied", 403, "Cannot perform the operation on a policy that AWS manages.")
}

pub(crate) fn validation(message: impl Into<String>) -> Failure {
    Failure::new("ValidationError", 400, message)
}
