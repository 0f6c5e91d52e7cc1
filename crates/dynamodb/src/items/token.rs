//! Client tokens of transactions: for ten minutes the same token does not do the same twice.
//!
//! A token's row lies under the ten minutes it was first used in, so that those of long ago are found without an index;
//! each transaction with a token removes a few of them.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use service::{Context, Result};
use sha2::{Digest, Sha256};
use store::{Commit, Order, Snapshot};

use super::error::ItemError;
use crate::keys::Keys;
use crate::tables::{decode, encode};

/// How long a token counts, in milliseconds.
const TOKEN_MILLIS: i64 = 10 * 60 * 1_000;
/// Tokens of long ago that one transaction removes.
const OLD_TOKENS_MAX: usize = 8;

/// A token in use.
#[derive(Debug, Serialize, Deserialize)]
struct Used {
    /// A hash of the request it came with.
    request: String,
    at_epoch_millis: i64,
}

/// A token of a request.
#[derive(Debug)]
pub(crate) struct Token {
    request: String,
    key: Bytes,
    earlier_key: Bytes,
    old: std::ops::Range<Bytes>,
    now_epoch_millis: i64,
}

impl Token {
    /// `request` is everything of the request that must be the same.
    pub(crate) fn new(cx: &Context, token: &str, request: &[u8]) -> Self {
        let keys = Keys::new(cx.scope());
        let now_epoch_millis = cx.now().epoch_millis();
        let slot = u64::try_from(now_epoch_millis / TOKEN_MILLIS).unwrap_or(0);
        let earlier = slot.saturating_sub(1);
        Token {
            request: hex::encode(Sha256::digest(request)),
            key: keys.token(slot, token),
            earlier_key: keys.token(earlier, token),
            old: keys.token(0, "")..keys.token(earlier, ""),
            now_epoch_millis,
        }
    }

    /// Whether the same request was done with this token already; another request with it is an error.
    pub(crate) async fn was_used(&self, snapshot: &dyn Snapshot) -> Result<bool> {
        for key in [&self.key, &self.earlier_key] {
            let Some(found) = snapshot.get(key).await? else { continue };
            let used: Used = decode(&found.value)?;
            if self.now_epoch_millis - used.at_epoch_millis >= TOKEN_MILLIS {
                continue;
            }
            if used.request != self.request {
                return Err(ItemError::IdempotentParameterMismatchException.into());
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// Adds the token to the commit of its transaction.
    pub(crate) async fn take(&self, snapshot: &dyn Snapshot, commit: Commit) -> Result<Commit> {
        let used = Used { request: self.request.clone(), at_epoch_millis: self.now_epoch_millis };
        let old = snapshot.scan(self.old.clone(), Order::Forward, OLD_TOKENS_MAX).await?;
        let current = snapshot.get(&self.key).await?.map(|row| row.version);
        let commit = commit.check_version(self.key.clone(), current).put(self.key.clone(), encode(&used)?);
        Ok(old.into_iter().fold(commit, |commit, (key, _)| commit.delete(key)))
    }
}
