//! Accounts as S3 names them: by a canonical user id.

use ring::digest;
use serde::Serialize;

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Owner {
    #[serde(rename = "ID")]
    pub(crate) id: String,
}

impl Owner {
    pub(crate) fn of(account: &str) -> Self {
        Owner { id: canonical_id(account) }
    }
}

/// 64 hexadecimal digits that stand for an account.
pub(crate) fn canonical_id(account: &str) -> String {
    let digest = digest::digest(&digest::SHA256, format!("canonical user of account {account}").as_bytes());
    hex::encode(digest)
}
