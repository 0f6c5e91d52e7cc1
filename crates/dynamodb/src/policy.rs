//! Resource policies of tables and streams, kept and read back.

use serde::{Deserialize, Serialize};
use service::{Context, Result};

use crate::error::invalid_parameters;

/// Largest policy document, in bytes ("Resource-based policy considerations").
const POLICY_BYTES_MAX: usize = 20_480;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Policy {
    pub(crate) document: String,
    pub(crate) revision: String,
}

/// A policy as it was given, under a new revision. It must be a JSON object with statements.
pub(crate) fn check_policy(cx: &Context, document: String) -> Result<Policy> {
    if document.len() > POLICY_BYTES_MAX {
        return Err(invalid_parameters(format!("Maximum policy size of {POLICY_BYTES_MAX} bytes exceeded")));
    }
    let Ok(serde_json::Value::Object(members)) = serde_json::from_str(&document) else {
        return Err(invalid_parameters("Invalid policy document: This policy contains invalid Json"));
    };
    let empty = match members.get("Statement") {
        None => true,
        Some(serde_json::Value::Array(statements)) => statements.is_empty(),
        Some(_) => false,
    };
    if empty {
        return Err(invalid_parameters(
            "Invalid policy document: Could not parse the policy: Statement is empty!",
        ));
    }
    let digits = u64::from_be_bytes(cx.platform().ids().bytes());
    Ok(Policy { document, revision: format!("{}{digits:020}", cx.now().epoch_millis()) })
}
