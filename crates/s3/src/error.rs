//! The errors of S3, with the codes, texts and members that clients match.
//!
//! Source: S3 API reference, "Error responses". The API model names only a few of them, so status codes stand here.

use service::Failure;
use wire::{Document, ErrorReply, Fault, Map};

/// One error answer. Built by the functions below; becomes a [`Failure`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Error {
    code: &'static str,
    status: u16,
    message: String,
    members: Map,
}

impl Error {
    pub(crate) fn new(code: &'static str, status: u16, message: impl Into<String>) -> Self {
        Error { code, status, message: message.into(), members: Map::default() }
    }

    /// A further element of the error, such as `Key`. Members of the operation's output that travel as headers do so
    /// in its errors too.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Document>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    #[cfg(test)]
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    #[cfg(test)]
    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let fault = if error.status < 500 { Fault::Client } else { Fault::Server };
        Failure::Modelled(ErrorReply {
            code: error.code.to_owned(),
            message: error.message,
            members: error.members,
            status: Some(error.status),
            fault,
        })
    }
}

pub(crate) fn no_such_bucket(bucket: &str) -> Error {
    Error::new("NoSuchBucket", 404, "The specified bucket does not exist").with("BucketName", bucket)
}

pub(crate) fn no_such_key(key: &str) -> Error {
    Error::new("NoSuchKey", 404, "The specified key does not exist.").with("Key", key)
}

pub(crate) fn no_such_version(key: &str, version_id: &str) -> Error {
    Error::new("NoSuchVersion", 404, "The specified version does not exist.")
        .with("Key", key)
        .with("VersionId", version_id)
}

pub(crate) fn invalid_argument(message: impl Into<String>, name: &str, value: &str) -> Error {
    Error::new("InvalidArgument", 400, message).with("ArgumentName", name).with("ArgumentValue", value)
}

pub(crate) fn invalid_request(message: impl Into<String>) -> Error {
    Error::new("InvalidRequest", 400, message)
}

pub(crate) fn malformed_xml() -> Error {
    Error::new(
        "MalformedXML",
        400,
        "The XML you provided was not well-formed or did not validate against our published schema",
    )
}

pub(crate) fn access_denied() -> Error {
    Error::new("AccessDenied", 403, "Access Denied")
}

/// A condition of the request did not hold; `condition` is the header's name.
pub(crate) fn precondition_failed(condition: &str) -> Error {
    Error::new("PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold")
        .with("Condition", condition)
}

/// A version that is a delete marker was named; only deleting it makes sense.
pub(crate) fn method_not_allowed_on_marker(marker: &crate::object::Object) -> Error {
    Error::new("MethodNotAllowed", 405, "The specified method is not allowed against this resource.")
        .with("ResourceType", "DeleteMarker")
        .with("DeleteMarker", true)
        .with("VersionId", marker.version_id())
        .with("LastModified", wire::Timestamp::from_epoch_millis(marker.modified_epoch_millis))
}

pub(crate) fn access_denied_because(why: &str) -> Error {
    Error::new("AccessDenied", 403, why)
}
