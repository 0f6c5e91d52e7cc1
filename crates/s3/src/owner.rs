//! Accounts as S3 names them: by a canonical user id.

use ring::digest;
use serde::Serialize;
use service::AccountId;

/// Digits of an id before those of the account.
const DIGEST_DIGITS: usize = 52;

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
    let digest = hex::encode(digest);
    // The account's own digits end it, so that a grant to the id leads back to the account.
    format!("{}{account}", digest.get(..DIGEST_DIGITS).unwrap_or_default())
}

/// The account of a canonical id; `None` for ids that were not made here.
pub(crate) fn account_of(id: &str) -> Option<AccountId> {
    let account = AccountId::parse(id.get(DIGEST_DIGITS..)?)?;
    (canonical_id(account.as_str()) == id).then_some(account)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_lead_back_to_their_accounts() {
        let id = canonical_id("111122223333");
        assert_eq!(id.len(), 64);
        assert_eq!(account_of(&id), AccountId::parse("111122223333"));
        assert_eq!(account_of(&id.replace("111122223333", "222222222222")), None);
        assert_eq!(account_of("short"), None);
    }
}
