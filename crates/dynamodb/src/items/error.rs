//! The errors of operations on items.

use serde::Serialize;
use service::WireError;
use wire::Document;

/// Variant names are the model's shapes; the text is what the client reads.
#[expect(clippy::enum_variant_names, reason = "the names are those of the API model")]
#[derive(Debug, thiserror::Error, Serialize)]
pub(crate) enum ItemError {
    #[error("The conditional request failed")]
    ConditionalCheckFailedException {
        /// The item as it is, when that was asked for.
        #[serde(rename = "Item", skip_serializing_if = "Option::is_none")]
        item: Option<Document>,
    },
    #[error(
        "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
        codes(.reasons)
    )]
    TransactionCanceledException {
        #[serde(rename = "CancellationReasons")]
        reasons: Vec<CancellationReason>,
    },
    #[error(
        "Request parameters do not match the ones of an earlier request with the same client request token"
    )]
    IdempotentParameterMismatchException,
    #[error("Duplicate primary key exists in table")]
    DuplicateItemException,
}

impl WireError for ItemError {}

/// Why one action of a transaction stopped it; `None` for those that did not.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CancellationReason {
    pub(crate) code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) item: Option<Document>,
}

impl CancellationReason {
    pub(crate) fn none() -> Self {
        CancellationReason { code: "None", ..CancellationReason::default() }
    }

    pub(crate) fn condition(item: Option<Document>) -> Self {
        let message = Some("The conditional request failed".to_owned());
        CancellationReason { code: "ConditionalCheckFailed", message, item }
    }

    pub(crate) fn invalid(message: String) -> Self {
        CancellationReason { code: "ValidationError", message: Some(message), item: None }
    }

    pub(crate) fn duplicate() -> Self {
        let message = Some("Duplicate primary key exists in table".to_owned());
        CancellationReason { code: "DuplicateItem", message, item: None }
    }

    pub(crate) fn conflict() -> Self {
        let message = Some("Transaction is ongoing for the item".to_owned());
        CancellationReason { code: "TransactionConflict", message, item: None }
    }
}

fn codes(reasons: &[CancellationReason]) -> String {
    reasons.iter().map(|reason| reason.code).collect::<Vec<_>>().join(", ")
}
