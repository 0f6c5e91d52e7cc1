//! The engine in memory: the oracle the others are compared with, and the store of tests.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::clock::{Clock, EngineTime, Monotonic};
use crate::lease::epoch_in;
use crate::limits::{OUTCOME_KEPT_SECONDS, check_commit, check_scan};
use crate::log::next_sequence;
use crate::watch::{Watch, Watchers};
use crate::{
    BoxFuture, Check, Commit, CommitId, Fingerprint, Kv, Order, Outcome, Result, Snapshot, Version,
    Versioned, Write,
};

type Rows = BTreeMap<Bytes, Versioned>;

/// A store that lives as long as the process. Written for plainness: a commit while a snapshot is held copies
/// all rows.
pub struct MemoryKv {
    state: Mutex<State>,
    clock: Monotonic,
    watchers: Arc<Watchers>,
}

#[derive(Default)]
struct State {
    rows: Arc<Rows>,
    latest: u64,
    outcomes: HashMap<CommitId, (EngineTime, Vec<u64>)>,
}

impl Default for MemoryKv {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryKv {
    /// An empty store on the machine's clock.
    pub fn new() -> Self {
        Self::on(Monotonic::system())
    }

    /// An empty store on this clock.
    pub fn with_clock(clock: Clock) -> Self {
        Self::on(Monotonic::new(clock))
    }

    fn on(clock: Monotonic) -> Self {
        Self { state: Mutex::default(), clock, watchers: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Rows are replaced only after everything that can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply(&self, commit: &Commit) -> Result<Outcome> {
        check_commit(commit)?;
        let now = self.clock.now();
        let mut state = self.lock();
        for (index, check) in commit.checks.iter().enumerate() {
            if !holds(&state.rows, check)? {
                return Ok(Outcome::Conflict(index));
            }
        }
        let version = Version(state.latest + 1);
        // Apart until all of it is known to work.
        let mut own: BTreeMap<Bytes, Option<Versioned>> = BTreeMap::new();
        let mut sequences = Vec::new();
        for write in &commit.writes {
            match write {
                Write::Put(key, value) => {
                    own.insert(key.clone(), Some(Versioned { value: value.clone(), version }));
                }
                Write::Delete(key) => {
                    own.insert(key.clone(), None);
                }
                Write::Append { log, payload } => {
                    let counter = log.counter_key();
                    let latest =
                        own.get(&counter).cloned().unwrap_or_else(|| state.rows.get(&counter).cloned());
                    let sequence = next_sequence(log, latest.as_ref().map(|row| &*row.value))?;
                    let value = Bytes::copy_from_slice(&sequence.to_be_bytes());
                    own.insert(counter, Some(Versioned { value, version }));
                    own.insert(log.entry_key(sequence), Some(Versioned { value: payload.clone(), version }));
                    sequences.push(sequence);
                }
            }
        }
        state.latest = version.0;
        let rows = Arc::make_mut(&mut state.rows);
        for (key, row) in own {
            match row {
                Some(row) => rows.insert(key, row),
                None => rows.remove(&key),
            };
        }
        let oldest = now.0.saturating_sub(OUTCOME_KEPT_SECONDS * 1000);
        if state.latest.is_multiple_of(1024) {
            state.outcomes.retain(|_, (time, _)| time.0 >= oldest);
        }
        state.outcomes.insert(commit.id, (now, sequences.clone()));
        Ok(Outcome::Done(sequences))
    }
}

fn holds(rows: &Rows, check: &Check) -> Result<bool> {
    Ok(match check {
        Check::Version(key, version) => rows.get(key).map(|row| row.version) == *version,
        Check::RangeUnchanged(range, fingerprint) => fingerprint.matches(versions(rows, range))?,
        Check::Lease(key, epoch) => match rows.get(key.as_bytes()) {
            Some(row) => epoch_in(&row.value)? == Some(*epoch),
            None => false,
        },
    })
}

fn versions(rows: &Rows, range: &Range<Bytes>) -> Vec<Result<(Bytes, Version)>> {
    if range.is_empty() {
        return Vec::new();
    }
    rows.range(range.clone()).map(|(key, row)| Ok((key.clone(), row.version))).collect()
}

impl Kv for MemoryKv {
    fn snapshot(&self) -> BoxFuture<'_, Result<Box<dyn Snapshot>>> {
        Box::pin(async move {
            let rows = Arc::clone(&self.lock().rows);
            Ok(Box::new(MemorySnapshot { rows }) as Box<dyn Snapshot>)
        })
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Outcome>> {
        Box::pin(async move {
            let outcome = self.apply(&commit)?;
            if let Outcome::Done(_) = outcome {
                self.watchers.changed(commit.writes.iter().map(written_key));
            }
            Ok(outcome)
        })
    }

    fn outcome(&self, id: CommitId) -> BoxFuture<'_, Result<Option<Vec<u64>>>> {
        Box::pin(async move { Ok(self.lock().outcomes.get(&id).map(|(_, sequences)| sequences.clone())) })
    }

    fn watch(&self, prefix: Bytes) -> Watch {
        self.watchers.watch(prefix)
    }

    fn now(&self) -> BoxFuture<'_, Result<EngineTime>> {
        Box::pin(async move { Ok(self.clock.now()) })
    }
}

/// The key that stands for a write in watches: the log's own for an entry.
pub(crate) fn written_key(write: &Write) -> &[u8] {
    match write {
        Write::Put(key, _) | Write::Delete(key) => key,
        Write::Append { log, .. } => &log.0,
    }
}

struct MemorySnapshot {
    rows: Arc<Rows>,
}

impl Snapshot for MemorySnapshot {
    fn get(&self, key: &[u8]) -> BoxFuture<'_, Result<Option<Versioned>>> {
        let row = self.rows.get(key).cloned();
        Box::pin(async move { Ok(row) })
    }

    fn get_many(&self, keys: &[Bytes]) -> BoxFuture<'_, Result<Vec<Option<Versioned>>>> {
        let rows = keys.iter().map(|key| self.rows.get(key).cloned()).collect();
        Box::pin(async move { Ok(rows) })
    }

    fn scan(
        &self,
        range: Range<Bytes>,
        order: Order,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(Bytes, Versioned)>>> {
        Box::pin(async move {
            check_scan(limit)?;
            if range.is_empty() {
                return Ok(Vec::new());
            }
            let rows = self.rows.range(range).map(|(key, row)| (key.clone(), row.clone()));
            Ok(match order {
                Order::Forward => rows.take(limit).collect(),
                Order::Backward => rows.rev().take(limit).collect(),
            })
        })
    }

    fn fingerprint(&self, range: Range<Bytes>) -> BoxFuture<'_, Result<Fingerprint>> {
        Box::pin(async move { Fingerprint::of_range(versions(&self.rows, &range)) })
    }
}
