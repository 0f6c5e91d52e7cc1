//! How an operation fails: with an error the API model names, or with a cause the client must not see.

use serde::Serialize;
use wire::{Document, ErrorReply, Fault, Map};

pub type Result<T> = std::result::Result<T, Failure>;

/// The error of a service. Variant names are the model's error shapes, fields are their members, and `Display`
/// is the message the client reads; status and wire code come from the model.
pub trait WireError: std::error::Error + Serialize + Send + Sync + 'static {}

#[derive(Debug)]
pub enum Failure {
    /// An answer the client can act on.
    Modelled(ErrorReply),
    /// Unexpected; logged once by the gateway with the request id and answered as `InternalFailure`.
    Internal(anyhow::Error),
}

impl Failure {
    /// An error that no service models, such as `AccessDeniedException` from the gateway itself.
    pub fn new(code: &str, status: u16, message: impl Into<String>) -> Self {
        let fault = if status < 500 { Fault::Client } else { Fault::Server };
        Failure::Modelled(ErrorReply {
            code: code.into(),
            message: message.into(),
            members: Map::default(),
            status: Some(status),
            fault,
        })
    }

    /// An operation that the API has and Cloudling does not.
    pub fn not_implemented(service: &str, operation: &str) -> Self {
        Failure::new(
            "NotImplemented",
            501,
            format!("Cloudling does not implement {service}:{operation} yet."),
        )
    }

    /// A parameter or a choice that the API has and Cloudling does not.
    pub fn unsupported(what: impl std::fmt::Display) -> Self {
        Failure::new("NotImplemented", 501, format!("Cloudling does not implement {what} yet."))
    }

    pub fn validation(message: impl Into<String>) -> Self {
        Failure::new("ValidationException", 400, message)
    }

    /// The error's code, `InternalFailure` for unexpected causes.
    pub fn code(&self) -> &str {
        match self {
            Failure::Modelled(reply) => &reply.code,
            Failure::Internal(_) => "InternalFailure",
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Modelled(reply) => write!(f, "{}: {}", reply.code, reply.message),
            Failure::Internal(cause) => write!(f, "{cause:#}"),
        }
    }
}

impl<E: WireError> From<E> for Failure {
    fn from(error: E) -> Self {
        let message = error.to_string();
        let (code, members) = match wire::to_document(&error) {
            Ok(Document::Text(code)) => (code, Map::default()),
            Ok(Document::Map(variant)) if variant.len() == 1 => match variant.into_iter().next() {
                Some((code, Document::Map(members))) => (code, members),
                Some((code, _)) => (code, Map::default()),
                None => return Failure::Internal(anyhow::anyhow!("error without a variant: {message}")),
            },
            other => {
                return Failure::Internal(anyhow::anyhow!(
                    "error {message} does not read as a shape: {other:?}"
                ));
            }
        };
        Failure::Modelled(ErrorReply { code, message, members, status: None, fault: Fault::Client })
    }
}

impl From<anyhow::Error> for Failure {
    fn from(cause: anyhow::Error) -> Self {
        Failure::Internal(cause)
    }
}

impl From<store::KvError> for Failure {
    fn from(cause: store::KvError) -> Self {
        Failure::Internal(anyhow::Error::new(cause).context("storage"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error, Serialize)]
    enum Error {
        #[error("The specified queue does not exist.")]
        QueueDoesNotExist,
        #[error("Function not found: {name}")]
        ResourceNotFoundException {
            #[serde(skip)]
            name: String,
            #[serde(rename = "Type")]
            kind: &'static str,
        },
    }
    impl WireError for Error {}

    #[test]
    fn variants_are_the_models_error_names() {
        let Failure::Modelled(reply) = Failure::from(Error::QueueDoesNotExist) else { panic!() };
        assert_eq!(
            (reply.code.as_str(), reply.message.as_str()),
            ("QueueDoesNotExist", "The specified queue does not exist.")
        );
        let error = Error::ResourceNotFoundException { name: "x".into(), kind: "User" };
        let Failure::Modelled(reply) = Failure::from(error) else { panic!() };
        assert_eq!(reply.message, "Function not found: x");
        assert_eq!(reply.members.get("Type").and_then(Document::as_str), Some("User"));
        assert!(!reply.members.contains_key("name"));
    }
}
