//! Long-lived access keys. Their ids are unique across accounts, so that a request finds its account by them.

use serde::{Deserialize, Serialize};
use service::{AccountId, Table};
use wire::Timestamp;

pub(crate) static ACCESS_KEYS: Table<AccessKeyRow> = Table::installation("iam", "access_keys");

/// An access key as it is stored, under its id.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AccessKeyRow {
    pub account: String,
    /// `None` for a key of the account itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<KeyUser>,
    /// The secret, sealed for this key's id.
    pub sealed_secret: Vec<u8>,
    pub active: bool,
    pub created: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<LastUsed>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyUser {
    pub name: String,
    pub path: String,
    pub id: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastUsed {
    pub at: Timestamp,
    pub region: String,
    pub service: String,
}

impl AccessKeyRow {
    pub(crate) fn is_of(&self, account: &AccountId) -> bool {
        self.account == account.as_str()
    }
}

/// The place that a secret is sealed for.
pub(crate) fn place(access_key_id: &str) -> String {
    format!("iam access key {access_key_id}")
}
