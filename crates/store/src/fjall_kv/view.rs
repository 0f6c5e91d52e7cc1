//! Reading a durable state.

use std::ops::Range;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use fjall::Readable;

use super::engine::{Engine, engine_error};
use crate::limits::{RESERVED_PREFIX, check_scan};
use crate::{BoxFuture, Fingerprint, KvError, Order, Result, Snapshot, Version, Versioned};

/// Bytes of the version in front of each stored value.
const VERSION_BYTES: usize = 8;

/// One durable state of the store. Kept alive by those who read it.
pub(super) struct View {
    // The snapshot goes before the engine it belongs to.
    pub(super) snapshot: fjall::Snapshot,
    pub(super) engine: Arc<Engine>,
}

impl View {
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Versioned>> {
        if key.first().is_none_or(|first| *first == RESERVED_PREFIX) {
            return Ok(None);
        }
        match self.snapshot.get(&self.engine.rows, key) {
            Ok(None) => Ok(None),
            Ok(Some(stored)) => decode(stored.into()).map(Some),
            Err(error) => Err(engine_error("read", error)),
        }
    }

    /// The rows of a range that callers may see, in key order, from either end.
    pub(super) fn range(
        &self,
        range: &Range<Bytes>,
    ) -> impl DoubleEndedIterator<Item = Result<(Bytes, Versioned)>> {
        let first = Bytes::from_static(&[RESERVED_PREFIX + 1]);
        let range = range.start.clone().max(first)..range.end.clone();
        let rows = (!range.is_empty()).then(|| self.snapshot.range(&self.engine.rows, range));
        rows.into_iter().flatten().map(|row| {
            let (key, stored) = row.into_inner().map_err(|error| engine_error("read", error))?;
            Ok((key.into(), decode(stored.into())?))
        })
    }

    pub(super) fn versions(&self, range: &Range<Bytes>) -> impl Iterator<Item = Result<(Bytes, Version)>> {
        self.range(range).map(|row| row.map(|(key, row)| (key, row.version)))
    }
}

/// A value as it is stored: its version, then itself.
pub(super) fn encode(row: &Versioned) -> Bytes {
    let mut stored = BytesMut::with_capacity(VERSION_BYTES + row.value.len());
    stored.put_u64(row.version.0);
    stored.put_slice(&row.value);
    stored.freeze()
}

fn decode(stored: Bytes) -> Result<Versioned> {
    let Some(version) = stored.first_chunk::<VERSION_BYTES>() else {
        return Err(KvError::Corrupt("a row is too short to hold its version".to_owned()));
    };
    let version = Version(u64::from_be_bytes(*version));
    Ok(Versioned { value: stored.slice(VERSION_BYTES..), version })
}

/// What callers hold.
pub(super) struct FjallSnapshot {
    pub(super) view: Arc<View>,
}

impl Snapshot for FjallSnapshot {
    fn get(&self, key: &[u8]) -> BoxFuture<'_, Result<Option<Versioned>>> {
        Box::pin(std::future::ready(self.view.get(key)))
    }

    fn get_many(&self, keys: &[Bytes]) -> BoxFuture<'_, Result<Vec<Option<Versioned>>>> {
        Box::pin(std::future::ready(keys.iter().map(|key| self.view.get(key)).collect()))
    }

    fn scan(
        &self,
        range: Range<Bytes>,
        order: Order,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(Bytes, Versioned)>>> {
        Box::pin(async move {
            check_scan(limit)?;
            let rows = self.view.range(&range);
            match order {
                Order::Forward => rows.take(limit).collect(),
                Order::Backward => rows.rev().take(limit).collect(),
            }
        })
    }

    fn fingerprint(&self, range: Range<Bytes>) -> BoxFuture<'_, Result<Fingerprint>> {
        Box::pin(async move { Fingerprint::of_range(self.view.versions(&range)) })
    }
}
