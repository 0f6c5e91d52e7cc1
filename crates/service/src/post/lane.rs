//! Lanes and the keys of their rows.
//!
//! A lane's new posts are a log in the account of the calls, so that an account's reset takes them along; its failed ones
//! lie beside it by the time of their next call. One mark per lane, outside all accounts, is rewritten with every new
//! post: the marks tell which lanes there are, and a mark that is unchanged tells that nothing new came.

use bytes::{BufMut, Bytes, BytesMut};
use store::{LogId, prefix_range};

use crate::{AccountId, Region, Scope};

/// A mark holds nothing; its version counts.
pub(super) const MARK_VALUE: &[u8] = b"1";
const MARKS: &[u8] = b"-\0-\0service\0lanes\0";
const ORDERED: char = '=';
const UNORDERED: char = '~';
const TIME_BYTES: usize = 8;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Lane {
    scope: Scope,
    name: String,
}

impl Lane {
    pub(super) fn new(scope: &Scope, service: &str, operation: &str, key: &str, ordered: bool) -> Self {
        let kind = if ordered { ORDERED } else { UNORDERED };
        Lane { scope: scope.clone(), name: format!("{kind}{service}:{operation}:{key}") }
    }

    pub(super) fn is_ordered(&self) -> bool {
        self.name.starts_with(ORDERED)
    }

    pub(super) fn account(&self) -> &AccountId {
        &self.scope.account
    }

    /// All marks, for a scan.
    pub(super) fn marks() -> std::ops::Range<Bytes> {
        prefix_range(MARKS)
    }

    /// What a watch for new posts looks at.
    pub(super) fn marks_prefix() -> Bytes {
        Bytes::from_static(MARKS)
    }

    pub(super) fn mark(&self) -> Bytes {
        let parts = [self.scope.account.as_str(), "\0", self.scope.region.as_str(), "\0", &self.name];
        [MARKS, parts.concat().as_bytes()].concat().into()
    }

    pub(super) fn of_mark(key: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(key.strip_prefix(MARKS)?).ok()?;
        let mut parts = text.splitn(3, '\0');
        let account = AccountId::parse(parts.next()?)?;
        let region = Region::parse(parts.next()?)?;
        Some(Lane { scope: Scope { account, region }, name: parts.next()?.to_owned() })
    }

    /// Posts that were not called yet, or whose first call was cut short.
    pub(super) fn log(&self) -> LogId {
        LogId::new(self.key("posts"))
    }

    /// Posts to be called again, all of the lane.
    pub(super) fn retries(&self) -> std::ops::Range<Bytes> {
        prefix_range(&[&self.key("retries")[..], &[0]].concat())
    }

    /// Where a post waits for its next call.
    pub(super) fn retry(&self, due_millis: i64, id: &str) -> Bytes {
        let mut key = BytesMut::from(&self.key("retries")[..]);
        key.put_u8(0);
        key.put_i64(due_millis.max(0));
        key.put_slice(id.as_bytes());
        key.freeze()
    }

    /// When the post at this key, one of [`Lane::retries`], is due.
    pub(super) fn due_millis(&self, key: &[u8]) -> Option<i64> {
        let start = self.key("retries").len() + 1;
        let time = key.get(start..start + TIME_BYTES)?;
        Some(i64::from_be_bytes(time.try_into().ok()?))
    }

    /// Where a row goes that cannot be read.
    pub(super) fn unreadable(&self, key: &[u8]) -> Bytes {
        [&self.key("unreadable")[..], &[0], &key[key.len().saturating_sub(64)..]].concat().into()
    }

    fn key(&self, table: &str) -> Bytes {
        let parts = [self.scope.account.as_str(), self.scope.region.as_str(), "service", table, &self.name];
        parts.join("\0").into()
    }
}

impl std::fmt::Display for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.scope.account, self.scope.region, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_times_read_back() {
        let lane = Lane::new(&Scope::default(), "lambda", "Invoke", "arn:aws:x", true);
        assert_eq!(Lane::of_mark(&lane.mark()), Some(lane.clone()));
        assert!(lane.is_ordered() && Lane::marks().contains(&lane.mark()));
        let key = lane.retry(1_234, "id");
        assert!(lane.retries().contains(&key));
        assert_eq!(lane.due_millis(&key), Some(1_234));
        assert_eq!(Lane::of_mark(b"other"), None);
    }
}
