//! The errors of AWS Lambda, by the names of its API model.

use std::fmt;

use serde::Serialize;
use service::WireError;

/// Variant names are the model's shapes; the text is what the client reads.
#[derive(Debug, thiserror::Error, Serialize)]
#[expect(clippy::enum_variant_names, reason = "the names are those of the API model")]
pub(crate) enum Error {
    #[error("{0}")]
    AliasLimitExceededException(Cause),
    #[error("{0}")]
    CodeStorageExceededException(Cause),
    #[error("{0}")]
    InvalidParameterValueException(Cause),
    #[error("{0}")]
    InvalidRequestContentException(Cause),
    #[error("{0}")]
    PolicyLengthExceededException(Cause),
    #[error("{0}")]
    PreconditionFailedException(Cause),
    #[error("{0}")]
    ProvisionedConcurrencyConfigNotFoundException(Cause),
    #[error("{0}")]
    RequestTooLargeException(Cause),
    #[error("{0}")]
    ResourceConflictException(Cause),
    #[error("{0}")]
    ResourceInUseException(Cause),
    #[error("{0}")]
    ResourceNotFoundException(Cause),
    #[error("Rate Exceeded.")]
    TooManyRequestsException {
        #[serde(rename = "Type")]
        fault: &'static str,
        #[serde(rename = "Reason")]
        reason: Throttle,
    },
}

impl WireError for Error {}

/// The text of an error and the `Type` member that every Lambda error carries.
#[derive(Debug, Serialize)]
pub(crate) struct Cause {
    #[serde(skip)]
    text: String,
    #[serde(rename = "Type")]
    fault: &'static str,
}

/// Why an invocation was throttled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Throttle {
    ConcurrentInvocationLimitExceeded,
    ReservedFunctionConcurrentInvocationLimitExceeded,
}

impl Error {
    pub(crate) fn alias_limit(text: impl Into<String>) -> Self {
        Error::AliasLimitExceededException(Cause::user(text))
    }

    pub(crate) fn code_storage(text: impl Into<String>) -> Self {
        Error::CodeStorageExceededException(Cause::user(text))
    }

    pub(crate) fn parameter(text: impl Into<String>) -> Self {
        Error::InvalidParameterValueException(Cause::user(text))
    }

    pub(crate) fn request_content(text: impl Into<String>) -> Self {
        Error::InvalidRequestContentException(Cause::user(text))
    }

    pub(crate) fn policy_length(text: impl Into<String>) -> Self {
        Error::PolicyLengthExceededException(Cause::user(text))
    }

    pub(crate) fn precondition(text: impl Into<String>) -> Self {
        Error::PreconditionFailedException(Cause::user(text))
    }

    pub(crate) fn too_large(text: impl Into<String>) -> Self {
        Error::RequestTooLargeException(Cause::user(text))
    }

    pub(crate) fn conflict(text: impl Into<String>) -> Self {
        Error::ResourceConflictException(Cause::user(text))
    }

    pub(crate) fn not_found(text: impl Into<String>) -> Self {
        Error::ResourceNotFoundException(Cause::user(text))
    }

    pub(crate) fn no_provisioned_config() -> Self {
        let text = "No Provisioned Concurrency Config found for this function";
        Error::ProvisionedConcurrencyConfigNotFoundException(Cause::user(text))
    }

    /// A mapping that is on its way to another state.
    pub(crate) fn in_use(text: impl Into<String>) -> Self {
        Error::ResourceInUseException(Cause::user(text))
    }

    pub(crate) fn throttled(reason: Throttle) -> Self {
        Error::TooManyRequestsException { fault: USER, reason }
    }

    /// What the reads of policies, function URLs and layers answer for a thing that is not there.
    pub(crate) fn no_such_resource() -> Self {
        Self::not_found("The resource you requested does not exist.")
    }

    /// `source` names the read that tells the current revision, e.g. `GetFunction/GetAlias`.
    pub(crate) fn stale_revision(source: &str) -> Self {
        Self::precondition(format!(
            "The Revision Id provided does not match the latest Revision Id. Call the {source} API to retrieve \
             the latest Revision Id"
        ))
    }
}

const USER: &str = "User";

impl Cause {
    fn user(text: impl Into<String>) -> Self {
        Cause { text: text.into(), fault: USER }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use service::Failure;
    use wire::Document;

    use super::*;

    #[test]
    fn errors_carry_their_shape_text_and_type() {
        let Failure::Modelled(reply) = Failure::from(Error::not_found("Function not found: x")) else {
            panic!()
        };
        assert_eq!(
            (reply.code.as_str(), reply.message.as_str()),
            ("ResourceNotFoundException", "Function not found: x")
        );
        assert_eq!(reply.members.get("Type").and_then(Document::as_str), Some("User"));
        assert_eq!(reply.members.len(), 1);
    }

    #[test]
    fn throttling_names_its_reason() {
        let error = Error::throttled(Throttle::ReservedFunctionConcurrentInvocationLimitExceeded);
        let Failure::Modelled(reply) = Failure::from(error) else { panic!() };
        assert_eq!(reply.message, "Rate Exceeded.");
        let reason = reply.members.get("Reason").and_then(Document::as_str);
        assert_eq!(reason, Some("ReservedFunctionConcurrentInvocationLimitExceeded"));
    }
}
