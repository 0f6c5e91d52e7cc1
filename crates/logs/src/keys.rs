//! Where everything lies in the store.
//!
//! Under `account NUL region NUL logs NUL`:
//! * `groups NUL name` → [`LogGroup`](crate::group::LogGroup)
//! * `streams NUL group-id name` → [`LogStream`](crate::stream::LogStream)
//! * `latest NUL group-id last-event stream-name` → [`Latest`](crate::stream::Latest), the streams by their last event
//! * `events NUL group-id stream-id first-event sequence` → a [chunk](crate::chunk)
//!
//! Groups and streams have ids of their own, so one that is deleted and created again begins empty at once, while
//! what it held is cleared in the background. For that, and for retention, the installation keeps under
//! `- NUL - NUL logs NUL`:
//! * `deleted NUL id` → [`Deleted`](crate::retention::Deleted)
//! * `retention NUL account NUL region NUL group-name` → empty: the group has a retention policy

use std::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};
use service::{AccountId, Scope};

/// The id of a group or a stream: sixteen hexadecimal digits.
pub(crate) const ID_BYTES: usize = 16;

const INSTALLATION: &[u8] = b"-\0-\0logs\0";

/// The keys of one account and region.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    scope: Scope,
}

impl Keys {
    pub(crate) fn new(scope: &Scope) -> Self {
        Keys { scope: scope.clone() }
    }

    pub(crate) fn group(&self, name: &str) -> Bytes {
        self.key("groups", &[name.as_bytes()])
    }

    /// All groups whose names start with `prefix`.
    pub(crate) fn groups(&self, prefix: &str) -> Range<Bytes> {
        store::prefix_range(&self.group(prefix))
    }

    pub(crate) fn stream(&self, group_id: &str, name: &str) -> Bytes {
        self.key("streams", &[group_id.as_bytes(), name.as_bytes()])
    }

    pub(crate) fn streams(&self, group_id: &str, prefix: &str) -> Range<Bytes> {
        store::prefix_range(&self.stream(group_id, prefix))
    }

    /// The place of a stream among its group's streams by their last event; streams without one come first.
    pub(crate) fn latest(&self, group_id: &str, last_event: Option<i64>, stream: &str) -> Bytes {
        self.key("latest", &[group_id.as_bytes(), &time_bytes(last_event.unwrap_or(0)), stream.as_bytes()])
    }

    /// The streams whose last event is not before `from`.
    pub(crate) fn latest_from(&self, group_id: &str, from: i64) -> Range<Bytes> {
        let all = store::prefix_range(&self.key("latest", &[group_id.as_bytes()]));
        self.latest(group_id, Some(from), "")..all.end
    }

    /// Last event and name from a key of [`Keys::latest`].
    pub(crate) fn read_latest(&self, key: &[u8]) -> Option<(i64, String)> {
        let rest = key.get(self.key("latest", &[]).len() + ID_BYTES..)?;
        let (time, name) = rest.split_at_checked(8)?;
        Some((read_time(time)?, String::from_utf8(name.to_vec()).ok()?))
    }

    /// The name at the end of a stream's key.
    pub(crate) fn read_stream(&self, key: &[u8]) -> Option<String> {
        let name = key.get(self.key("streams", &[]).len() + ID_BYTES..)?;
        String::from_utf8(name.to_vec()).ok()
    }

    pub(crate) fn read_group(&self, key: &[u8]) -> Option<String> {
        String::from_utf8(key.get(self.group("").len()..)?.to_vec()).ok()
    }

    pub(crate) fn chunk(&self, group_id: &str, stream_id: &str, first_event: i64, sequence: u64) -> Bytes {
        self.key(
            "events",
            &[group_id.as_bytes(), stream_id.as_bytes(), &time_bytes(first_event), &sequence.to_be_bytes()],
        )
    }

    /// The chunks of a stream that begin within these times; both ends are inclusive.
    pub(crate) fn chunks(&self, group_id: &str, stream_id: &str, from: i64, to: i64) -> Range<Bytes> {
        let end = self.chunk(group_id, stream_id, to, u64::MAX);
        self.chunk(group_id, stream_id, from, 0)..[&end[..], &[0]].concat().into()
    }

    /// First event and sequence from a chunk's key.
    pub(crate) fn read_chunk(key: &[u8]) -> Option<(i64, u64)> {
        let (rest, sequence) = key.split_last_chunk::<8>()?;
        let time = rest.last_chunk::<8>()?;
        Some((read_time(time)?, u64::from_be_bytes(*sequence)))
    }

    /// What a deleted group leaves behind.
    pub(crate) fn remains_of_group(&self, group_id: &str) -> Vec<Bytes> {
        ["streams", "latest", "events"].map(|table| self.key(table, &[group_id.as_bytes()])).to_vec()
    }

    /// What a deleted stream leaves behind.
    pub(crate) fn remains_of_stream(&self, group_id: &str, stream_id: &str) -> Vec<Bytes> {
        vec![self.key("events", &[group_id.as_bytes(), stream_id.as_bytes()])]
    }

    /// Marks the group for the retention worker.
    pub(crate) fn retention(&self, group: &str) -> Bytes {
        let scope = &self.scope;
        installation(&format!("retention\0{}\0{}\0{group}", scope.account, scope.region))
    }

    fn key(&self, table: &str, parts: &[&[u8]]) -> Bytes {
        let mut key = BytesMut::with_capacity(128);
        for part in [self.scope.account.as_str(), self.scope.region.as_str(), "logs", table] {
            key.put_slice(part.as_bytes());
            key.put_u8(0);
        }
        for part in parts {
            key.put_slice(part);
        }
        key.freeze()
    }
}

/// Everything the retention worker looks at.
pub(crate) fn all_retention() -> Range<Bytes> {
    store::prefix_range(&installation("retention\0"))
}

pub(crate) fn retention_of_account(account: &AccountId) -> Bytes {
    installation(&format!("retention\0{account}\0"))
}

/// Account, region and group name from a key of [`Keys::retention`].
pub(crate) fn read_retention(key: &[u8]) -> Option<(String, String, String)> {
    let rest = key.strip_prefix(INSTALLATION)?.strip_prefix(b"retention\0")?;
    let mut parts = std::str::from_utf8(rest).ok()?.splitn(3, '\0').map(str::to_owned);
    Some((parts.next()?, parts.next()?, parts.next()?))
}

pub(crate) fn deleted(id: &str) -> Bytes {
    installation(&format!("deleted\0{id}"))
}

pub(crate) fn all_deleted() -> Range<Bytes> {
    store::prefix_range(&installation("deleted\0"))
}

fn installation(rest: &str) -> Bytes {
    [INSTALLATION, rest.as_bytes()].concat().into()
}

fn time_bytes(epoch_millis: i64) -> [u8; 8] {
    u64::try_from(epoch_millis).unwrap_or(0).to_be_bytes()
}

fn read_time(bytes: &[u8]) -> Option<i64> {
    i64::try_from(u64::from_be_bytes(bytes.try_into().ok()?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: &str = "00000000000000aa";
    const STREAM: &str = "00000000000000bb";

    #[test]
    fn keys_read_back() {
        let keys = Keys::new(&Scope::default());
        assert_eq!(Keys::read_chunk(&keys.chunk(GROUP, STREAM, 1_234, 7)), Some((1_234, 7)));
        assert_eq!(keys.read_latest(&keys.latest(GROUP, Some(99), "a/b")), Some((99, "a/b".into())));
        assert_eq!(keys.read_stream(&keys.stream(GROUP, "s")), Some("s".into()));
        assert_eq!(keys.read_group(&keys.group("/aws/lambda/x")), Some("/aws/lambda/x".into()));
        let read = read_retention(&keys.retention("g"));
        assert_eq!(read, Some(("000000000000".into(), "us-east-1".into(), "g".into())));
    }

    #[test]
    fn chunk_ranges_include_both_ends() {
        let keys = Keys::new(&Scope::default());
        let range = keys.chunks(GROUP, STREAM, 10, 20);
        for (time, inside) in [(9, false), (10, true), (20, true), (21, false)] {
            assert_eq!(range.contains(&keys.chunk(GROUP, STREAM, time, u64::MAX)), inside, "{time}");
        }
    }
}
