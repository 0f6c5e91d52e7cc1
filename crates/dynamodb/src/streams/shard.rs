//! Reading the one shard of a stream: its ends, its records, places in it.

use bytes::Bytes;
use service::Result;
use store::{LogId, Order, Snapshot, log_counter_key, log_key, log_range, log_sequence};

use super::Entry;

/// Digits of a sequence number behind its leading 1: all have the same length, so their texts sort as they do.
const SEQUENCE_DIGITS: usize = 20;

/// The sequence number as the API writes it: 21 digits.
pub(crate) fn sequence_number(sequence: u64) -> String {
    format!("1{sequence:0SEQUENCE_DIGITS$}")
}

pub(crate) fn read_sequence_number(text: &str) -> Option<u64> {
    let digits = text.strip_prefix('1').filter(|digits| digits.len() == SEQUENCE_DIGITS)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// What is in a shard at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// The oldest record that is still there; one behind the last when there is none.
    pub(crate) first: u64,
    /// The newest record there ever was; 0 for none.
    pub(crate) last: u64,
}

impl Extent {
    pub(crate) async fn of(snapshot: &dyn Snapshot, log: &LogId) -> Result<Self> {
        let counter = snapshot.get(&log_counter_key(log)).await?;
        let last = counter.and_then(|row| log_sequence(&row.value)).unwrap_or(0);
        let oldest = snapshot.scan(log_range(log, 0), Order::Forward, 1).await?;
        let first = oldest.first().and_then(|(key, _)| log_sequence(key)).unwrap_or(last + 1);
        Ok(Extent { first, last })
    }
}

/// Records from a sequence on, in order, until there are so many or they have so many bytes; at least one if there is
/// one.
pub(crate) async fn read(
    snapshot: &dyn Snapshot,
    log: &LogId,
    from: u64,
    records_max: usize,
    bytes_max: usize,
) -> Result<Vec<(u64, Entry)>> {
    /// Records read from the store at once; a record can have a megabyte.
    const AT_ONCE: usize = 64;
    let mut found = Vec::new();
    let (mut next, mut bytes) = (from, 0);
    while found.len() < records_max {
        let asked = AT_ONCE.min(records_max - found.len());
        let rows = snapshot.scan(log_range(log, next), Order::Forward, asked).await?;
        for (key, row) in &rows {
            let Some(sequence) = log_sequence(key) else { continue };
            bytes += row.value.len();
            if bytes > bytes_max && !found.is_empty() {
                return Ok(found);
            }
            found.push((sequence, Entry::decode(&row.value)?));
            next = sequence + 1;
        }
        if rows.len() < asked {
            break;
        }
    }
    Ok(found)
}

/// The first record that was written at this time or later; one behind the last when there is none. Times of records that
/// were written at once may be a little out of order, so what is found is near, not exact.
pub(crate) async fn first_since(snapshot: &dyn Snapshot, log: &LogId, epoch_millis: i64) -> Result<u64> {
    let extent = Extent::of(snapshot, log).await?;
    let (mut low, mut high) = (extent.first, extent.last + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let row = snapshot.get(&log_key(log, middle)).await?;
        let time = row.and_then(|row| Entry::time(&row.value));
        // A record that is gone was older than all that are there.
        if time.is_none_or(|time| time < epoch_millis) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// The keys of the oldest records, as many as are older than this, at most `limit`.
pub(crate) async fn older_than(
    snapshot: &dyn Snapshot,
    log: &LogId,
    epoch_millis: i64,
    limit: usize,
) -> Result<Vec<Bytes>> {
    let rows = snapshot.scan(log_range(log, 0), Order::Forward, limit).await?;
    let old = rows
        .into_iter()
        .take_while(|(_, row)| Entry::time(&row.value).is_some_and(|time| time < epoch_millis));
    Ok(old.map(|(key, _)| key).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_are_21_digits_that_sort() {
        assert_eq!(sequence_number(7), "100000000000000000007");
        assert!(sequence_number(9) < sequence_number(10));
        assert_eq!(read_sequence_number(&sequence_number(u64::MAX)), Some(u64::MAX));
        for text in ["", "7", "200000000000000000007", "10000000000000000000a", "1000000000000000000007"] {
            assert_eq!(read_sequence_number(text), None, "{text}");
        }
    }
}
