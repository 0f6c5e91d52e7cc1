//! Read, decide, write, as one: a closure run on a snapshot, its reads turned into checks.

use std::collections::BTreeMap;
use std::future::Future;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use crate::kv::fill_random;
use crate::limits::COMMIT_KEYS_MAX;
use crate::{
    Check, Commit, Fingerprint, KEY_BYTES_MAX, Kv, KvError, LogId, Order, Outcome, Result, Snapshot, Version,
    Write,
};

/// How often [`txn`] runs its body before it gives up on conflicts.
pub const TXN_ATTEMPTS_MAX: u32 = 24;

/// Longest wait between two attempts, in milliseconds.
const TXN_WAIT_MILLIS_MAX: u64 = 32;

/// Rows that [`clear`] removes per commit.
const CLEAR_ROWS: usize = COMMIT_KEYS_MAX / 4;

/// Runs `body` on a snapshot, recording what it reads, then commits what it wrote on condition that all it read
/// is unchanged. On a conflict it runs `body` again on a newer snapshot, up to [`TXN_ATTEMPTS_MAX`] times; so
/// `body` must have no effect of its own. When `body` fails nothing is written and its error comes back. A body
/// that writes nothing only reads, consistently.
pub async fn txn<T, E, F, Fut>(kv: &dyn Kv, body: F) -> std::result::Result<T, E>
where
    E: From<KvError>,
    F: FnMut(Txn) -> Fut,
    Fut: Future<Output = std::result::Result<T, E>>,
{
    Ok(txn_with_sequences(kv, body).await?.0)
}

/// As [`txn`]; also gives the sequence of each [`Txn::append`], in order.
pub async fn txn_with_sequences<T, E, F, Fut>(
    kv: &dyn Kv,
    mut body: F,
) -> std::result::Result<(T, Vec<u64>), E>
where
    E: From<KvError>,
    F: FnMut(Txn) -> Fut,
    Fut: Future<Output = std::result::Result<T, E>>,
{
    for attempt in 0..TXN_ATTEMPTS_MAX {
        let txn = Txn::on(kv.snapshot().await?);
        let value = body(txn.clone()).await?;
        let Some(commit) = txn.into_commit() else { return Ok((value, Vec::new())) };
        if let Outcome::Done(sequences) = kv.commit(commit).await? {
            return Ok((value, sequences));
        }
        wait_before_retry(attempt).await;
    }
    Err(KvError::Determinate(format!(
        "others changed what the transaction read {TXN_ATTEMPTS_MAX} times in a row"
    ))
    .into())
}

/// One attempt of a transaction: reads go to its snapshot, writes are kept for the commit. A cheap handle; its
/// reads see its own puts and deletes (not its appends).
#[derive(Clone)]
pub struct Txn {
    attempt: Arc<Attempt>,
}

struct Attempt {
    snapshot: Box<dyn Snapshot>,
    recorded: Mutex<Recorded>,
}

#[derive(Default)]
struct Recorded {
    reads: BTreeMap<Bytes, Option<Version>>,
    checks: Vec<Check>,
    writes: Vec<Write>,
    /// What the attempt's own puts (Some) and deletes (None) make of keys.
    own: BTreeMap<Bytes, Option<Bytes>>,
}

impl Txn {
    fn on(snapshot: Box<dyn Snapshot>) -> Self {
        Self { attempt: Arc::new(Attempt { snapshot, recorded: Mutex::default() }) }
    }

    /// The value of a key; the commit will require that it has not changed.
    pub async fn get(&self, key: impl Into<Bytes>) -> Result<Option<Bytes>> {
        let key = key.into();
        if let Some(own) = self.recorded().own.get(&key) {
            return Ok(own.clone());
        }
        let row = self.attempt.snapshot.get(&key).await?;
        self.recorded().reads.insert(key, row.as_ref().map(|row| row.version));
        Ok(row.map(|row| row.value))
    }

    /// At most `limit` rows of a range; the commit will require that the part of the range that was looked at
    /// has not changed, new rows included.
    pub async fn scan(&self, range: Range<Bytes>, order: Order, limit: usize) -> Result<Vec<(Bytes, Bytes)>> {
        if range.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        // Each row we deleted ourselves may hide one of the snapshot's.
        let own: BTreeMap<_, _> = self
            .recorded()
            .own
            .range(range.clone())
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let asked = limit.saturating_add(own.values().filter(|value| value.is_none()).count());
        let rows = self.attempt.snapshot.scan(range.clone(), order, asked).await?;
        let complete = rows.len() < asked;
        let seen = seen_part(&range, order, rows.last().map(|(key, _)| key), complete);
        let versions = rows.iter().map(|(key, row)| (key.clone(), row.version));
        let fingerprint = match order {
            Order::Forward => Fingerprint::of(versions),
            Order::Backward => Fingerprint::of(versions.rev()),
        };
        let mut merged: BTreeMap<Bytes, Bytes> =
            rows.into_iter().map(|(key, row)| (key, row.value)).collect();
        for (key, value) in own {
            match value {
                Some(value) if seen.contains(&key) => {
                    merged.insert(key, value);
                }
                // Behind the part that was looked at the snapshot may have rows that come first.
                Some(_) => {}
                None => {
                    merged.remove(&key);
                }
            }
        }
        self.recorded().checks.push(Check::RangeUnchanged(seen, fingerprint));
        Ok(match order {
            Order::Forward => merged.into_iter().take(limit).collect(),
            Order::Backward => merged.into_iter().rev().take(limit).collect(),
        })
    }

    /// Sets key to value at commit.
    pub fn put(&self, key: impl Into<Bytes>, value: impl Into<Bytes>) {
        let (key, value) = (key.into(), value.into());
        let mut recorded = self.recorded();
        recorded.own.insert(key.clone(), Some(value.clone()));
        recorded.writes.push(Write::Put(key, value));
    }

    /// Removes the key at commit.
    pub fn delete(&self, key: impl Into<Bytes>) {
        let key = key.into();
        let mut recorded = self.recorded();
        recorded.own.insert(key.clone(), None);
        recorded.writes.push(Write::Delete(key));
    }

    /// Adds an entry to a log at commit.
    pub fn append(&self, log: LogId, payload: impl Into<Bytes>) {
        self.recorded().writes.push(Write::Append { log, payload: payload.into() });
    }

    /// Adds a condition of the caller's own, such as a lease.
    pub fn check(&self, check: Check) {
        self.recorded().checks.push(check);
    }

    fn into_commit(self) -> Option<Commit> {
        let recorded = std::mem::take(&mut *self.recorded());
        if recorded.writes.is_empty() {
            return None;
        }
        let mut commit = Commit::new();
        commit.checks = recorded.checks;
        commit.checks.extend(recorded.reads.into_iter().map(|(key, version)| Check::Version(key, version)));
        commit.writes = recorded.writes;
        Some(commit)
    }

    fn recorded(&self) -> MutexGuard<'_, Recorded> {
        // A body that panicked between two calls leaves a record that is whole as far as it goes.
        self.attempt.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All keys that start with a prefix; for an empty prefix all keys there can be.
pub fn prefix_range(prefix: &[u8]) -> Range<Bytes> {
    let start = Bytes::copy_from_slice(prefix);
    let mut end = prefix.to_vec();
    while end.last() == Some(&u8::MAX) {
        end.pop();
    }
    match end.last_mut() {
        Some(last) => *last += 1,
        // No key can be greater: it is longer than the longest and made of the greatest byte.
        None => end = vec![u8::MAX; KEY_BYTES_MAX + 1],
    }
    start..Bytes::from(end)
}

/// Deletes every row there is now under a prefix, in bounded commits; gives how many. Rows written meanwhile may
/// stay.
pub async fn clear(kv: &dyn Kv, prefix: Bytes) -> Result<u64> {
    let snapshot = kv.snapshot().await?;
    let mut rest = prefix_range(&prefix);
    let mut cleared = 0;
    loop {
        let rows = snapshot.scan(rest.clone(), Order::Forward, CLEAR_ROWS).await?;
        let Some((last, _)) = rows.last() else { return Ok(cleared) };
        rest.start = just_after(last);
        cleared += rows.len() as u64;
        let mut commit = Commit::new();
        commit.writes = rows.into_iter().map(|(key, _)| Write::Delete(key)).collect();
        kv.commit(commit).await?;
    }
}

/// The smallest key greater than this one.
fn just_after(key: &[u8]) -> Bytes {
    [key, &[0]].concat().into()
}

/// The part of a range that a scan has looked at.
fn seen_part(range: &Range<Bytes>, order: Order, last: Option<&Bytes>, complete: bool) -> Range<Bytes> {
    match (last, order) {
        (Some(last), Order::Forward) if !complete => range.start.clone()..just_after(last),
        (Some(last), Order::Backward) if !complete => last.clone()..range.end.clone(),
        _ => range.clone(),
    }
}

async fn wait_before_retry(attempt: u32) {
    let mut random = [0; 8];
    fill_random(&mut random);
    let bound = (1_u64 << attempt.min(16)).min(TXN_WAIT_MILLIS_MAX);
    // The first retry is at once; later ones spread out so that the same rivals do not meet again.
    let wait = u64::from_le_bytes(random) % (bound * 1000);
    if attempt == 0 {
        tokio::task::yield_now().await;
    } else {
        tokio::time::sleep(Duration::from_micros(wait)).await;
    }
}
