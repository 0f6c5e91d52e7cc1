//! Logs: entries with gapless sequences, as plain rows under the log's own key.
//!
//! A log `L` has a counter row at `L 00 00` that holds its latest sequence, and its entries at
//! `L 00 01 sequence`, big-endian. So a log is read by a scan, trimmed by deletes, and goes away, counter
//! included, when a prefix of its key is cleared. Do not write these rows by hand.

use std::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};

use crate::{KvError, Result};

const COUNTER_TAG: [u8; 2] = [0, 0];
const ENTRY_TAG: [u8; 2] = [0, 1];
const SEQUENCE_BYTES: usize = 8;

/// Names a log: a key under which nothing else is stored.
#[derive(Clone, PartialEq, Eq, Debug, Hash, Ord, PartialOrd)]
pub struct LogId(pub Bytes);

impl LogId {
    /// A log at this key.
    pub fn new(key: impl Into<Bytes>) -> Self {
        Self(key.into())
    }

    pub(crate) fn entry_key(&self, sequence: u64) -> Bytes {
        let mut key = BytesMut::with_capacity(self.0.len() + ENTRY_TAG.len() + SEQUENCE_BYTES);
        key.put_slice(&self.0);
        key.put_slice(&ENTRY_TAG);
        key.put_u64(sequence);
        key.freeze()
    }

    pub(crate) fn counter_key(&self) -> Bytes {
        let mut key = BytesMut::with_capacity(self.0.len() + COUNTER_TAG.len());
        key.put_slice(&self.0);
        key.put_slice(&COUNTER_TAG);
        key.freeze()
    }
}

/// The key of one entry.
pub fn log_key(log: &LogId, sequence: u64) -> Bytes {
    log.entry_key(sequence)
}

/// The key of the row that holds the log's latest sequence; its value reads with [`log_sequence`].
pub fn log_counter_key(log: &LogId) -> Bytes {
    log.counter_key()
}

/// The entries from this sequence on, for a scan.
pub fn log_range(log: &LogId, from_sequence: u64) -> Range<Bytes> {
    // No entry ever gets the greatest sequence: a log would need more than five hundred years at 1e9/s.
    log.entry_key(from_sequence)..log.entry_key(u64::MAX)
}

/// The sequence at the end of an entry's key, or in the value of a counter row.
pub fn log_sequence(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(*key.last_chunk::<SEQUENCE_BYTES>()?))
}

/// The sequence after the one in the counter row.
pub(crate) fn next_sequence(log: &LogId, counter: Option<&[u8]>) -> Result<u64> {
    match counter {
        None => Ok(1),
        Some(value) if value.len() == SEQUENCE_BYTES => {
            let latest = log_sequence(value).expect("it has the length of a sequence");
            Ok(latest.saturating_add(1))
        }
        Some(_) => Err(KvError::Corrupt(format!("the counter of log {:?} is not a sequence", log.0))),
    }
}
