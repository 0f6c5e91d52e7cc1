//! The one thread that writes.
//!
//! It takes all that is queued, decides each commit against the durable state plus the earlier commits of the
//! same batch, writes all that passed as one batch with one sync, then makes it readable, then answers. While it
//! waits for the disk the next batch queues up, so the more writers there are, the more share one sync.

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use fjall::PersistMode;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::folder::free_bytes;
use super::head::{Head, HeadFile};
use super::record::{self, Record, Tail};
use super::view::{View, encode};
use super::{FatalHook, FjallOptions, Shared};
use crate::fail::{FailHook, FailPoint};
use crate::lease::epoch_in;
use crate::limits::OUTCOME_KEPT_SECONDS;
use crate::log::next_sequence;
use crate::memory::written_key;
use crate::sync::mpsc;
use crate::{Check, Commit, CommitId, EngineTime, KvError, Outcome, Result, Version, Versioned, Write};

/// Most commits that share one sync.
const BATCH_COMMITS_MAX: usize = 1024;

/// A batch is closed once it holds this many bytes.
const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Every so many batches old records are removed, with the batch.
const SWEEP_EVERY_BATCHES: u64 = 256;

/// Most records removed at once; well over [`SWEEP_EVERY_BATCHES`], so that it catches up.
const SWEEP_RECORDS_MAX: usize = 1024;

/// Full memtables that may wait to become tables before writes wait for them. The engine itself stops at four, and a
/// batch can fill two: with this it never does, and at most so many and two more are in memory.
const MEMTABLES_WAITING_MAX: usize = 1;

const TABLES_LOOK_EVERY: Duration = Duration::from_millis(1);

/// What callers ask of the committer.
pub(super) enum Request {
    Commit {
        commit: Commit,
        bytes: usize,
        reply: oneshot::Sender<Result<Outcome>>,
        /// The caller's place in the bounded queue, given back with the answer.
        place: OwnedSemaphorePermit,
    },
    /// Answered once everything queued before it is.
    Barrier { reply: oneshot::Sender<()> },
}

pub(super) struct Committer {
    shared: Arc<Shared>,
    /// What is published; nobody else publishes.
    view: Arc<View>,
    tail: Tail,
    head: HeadFile,
    disk_free_bytes_min: u64,
    fail_hook: FailHook,
    on_fatal: FatalHook,
}

/// A commit that is decided, and waits for its batch to be durable.
struct Decided {
    commit: Commit,
    outcome: Result<Outcome>,
    reply: oneshot::Sender<Result<Outcome>>,
    place: OwnedSemaphorePermit,
}

impl Committer {
    pub(super) fn new(
        shared: Arc<Shared>,
        view: Arc<View>,
        tail: Tail,
        head: HeadFile,
        options: &FjallOptions,
    ) -> Self {
        Self {
            shared,
            view,
            tail,
            head,
            disk_free_bytes_min: options.disk_free_bytes_min,
            fail_hook: Arc::clone(&options.fail_hook),
            on_fatal: Arc::clone(&options.on_fatal),
        }
    }

    /// Serves until every sender is gone.
    pub(super) fn run(mut self, queue: &mpsc::Receiver<Request>) {
        let panicked = catch_unwind(AssertUnwindSafe(|| self.serve(queue))).is_err();
        if panicked {
            // Callers learn it from their dropped reply: the outcome is unknown.
            let reason = "the committer panicked";
            self.note_stopped(reason);
            (self.on_fatal)(reason);
            while let Ok(request) = queue.recv() {
                refuse(&self.shared, request);
            }
        }
    }

    fn serve(&mut self, queue: &mpsc::Receiver<Request>) {
        while let Ok(first) = queue.recv() {
            if self.shared.stopped.get().is_some() {
                refuse(&self.shared, first);
                continue;
            }
            let (commits, barriers) = take_batch(first, queue);
            if !commits.is_empty() {
                self.batch(commits);
            }
            for barrier in barriers {
                // Who asked may have gone.
                let _ = barrier.send(());
            }
        }
    }

    fn batch(&mut self, requests: Vec<Undecided>) {
        let full = self.full_disk();
        let mut pending = Pending { view: &self.view, rows: BTreeMap::new() };
        let mut version = self.tail.version;
        let mut outcomes = Vec::new();
        let mut decided = Vec::with_capacity(requests.len());
        for Undecided { commit, reply, place } in requests {
            let outcome = match &full {
                Some(refusal) if takes_room(&commit) => Err(refusal.clone()),
                _ => pending.decide(&commit, Version(version.0 + 1)),
            };
            if let Ok(Outcome::Done(sequences)) = &outcome {
                version = Version(version.0 + 1);
                outcomes.push((commit.id, sequences.clone()));
            }
            decided.push(Decided { commit, outcome, reply, place });
        }
        if !outcomes.is_empty()
            && let Err(reason) = self.write(pending.rows, version, &outcomes)
        {
            // Whoever hears of it finds the store stopped; and all hear of it before the process goes.
            self.note_stopped(&reason);
            unknown(decided, &reason);
            (self.on_fatal)(&reason);
            return;
        }
        for Decided { commit, outcome, reply, place } in decided {
            if let Ok(Outcome::Done(_)) = outcome {
                self.shared.watchers.changed(commit.writes.iter().map(written_key));
            }
            // A caller that has left does not undo its commit.
            let _ = reply.send(outcome);
            drop(place);
        }
    }

    /// Makes a batch durable, then readable. After an error nobody knows what is on the disk.
    fn write(
        &mut self,
        rows: BTreeMap<Bytes, Option<Versioned>>,
        version: Version,
        outcomes: &[(CommitId, Vec<u64>)],
    ) -> std::result::Result<(), String> {
        let engine = Arc::clone(&self.view.engine);
        let time = self.shared.clock.now();
        let number = self.tail.number + 1;
        let gone = self.expired(number, time);
        let (key, value, chain) = Record { number, time, version, outcomes }.encode(self.tail.chain);
        let mut batch = engine.database.batch().durability(Some(PersistMode::SyncData));
        let mut deleted = 0;
        for (key, row) in rows {
            match row {
                Some(row) => batch.insert(&engine.rows, key, encode(&row)),
                None => {
                    batch.remove(&engine.rows, key);
                    deleted += 1;
                }
            }
        }
        self.shared.deleted_rows.fetch_add(deleted, Ordering::Relaxed);
        batch.insert(&engine.rows, key, value);
        for number in gone.clone() {
            batch.remove(&engine.rows, record::key(number));
        }
        self.reach(FailPoint::BeforeWrite)?;
        self.shared.writing.begin();
        let written = self.wait_for_tables().and_then(|()| {
            batch.commit().map_err(|error| format!("a batch could not be written and synced: {error}"))
        });
        self.shared.writing.end();
        written?;
        self.reach(FailPoint::AfterSync)?;
        self.head.write(Head { number, chain }).map_err(|error| error.to_string())?;
        self.tail = Tail { number, chain, version, time, oldest: gone.end };
        self.view = Arc::new(View::latest(engine));
        self.shared.publish(Arc::clone(&self.view));
        self.reach(FailPoint::BeforeAcknowledge)
    }

    /// Waits while the engine is behind with turning memtables into tables. It would wait by itself, but without
    /// looking whether the thread that does it is still there.
    fn wait_for_tables(&self) -> std::result::Result<(), String> {
        let engine = &self.view.engine;
        while engine.rows.sealed_memtable_count() > MEMTABLES_WAITING_MAX {
            // Writes nothing; only a stopped engine refuses it.
            engine
                .database
                .persist(PersistMode::Buffer)
                .map_err(|error| format!("the engine could not write a table and has stopped: {error}"))?;
            if self.shared.stopped.get().is_some() {
                return Err("the store has stopped".to_owned());
            }
            std::thread::sleep(TABLES_LOOK_EVERY);
        }
        Ok(())
    }

    /// The refusal of what takes room, when the disk is nearly full.
    fn full_disk(&self) -> Option<KvError> {
        let free = free_bytes(self.head.path())?;
        (free < self.disk_free_bytes_min).then(|| {
            KvError::Determinate(format!(
                "the disk of {} is full: {} MiB are free and {} are kept; make room or delete something",
                self.head.path().display(),
                free >> 20,
                self.disk_free_bytes_min >> 20
            ))
        })
    }

    /// The records that go with this batch.
    fn expired(&self, number: u64, now: EngineTime) -> Range<u64> {
        let none = self.tail.oldest..self.tail.oldest;
        if !number.is_multiple_of(SWEEP_EVERY_BATCHES) {
            return none;
        }
        let before = EngineTime(now.0.saturating_sub(OUTCOME_KEPT_SECONDS * 1000));
        record::expired(&self.view, &self.tail, before, SWEEP_RECORDS_MAX).unwrap_or_else(|error| {
            // They only take space; the next sweep tries again.
            tracing::warn!(error = %error, "old records could not be read");
            none
        })
    }

    fn reach(&self, point: FailPoint) -> std::result::Result<(), String> {
        (self.fail_hook)(point).map_err(|error| format!("{point}: {error}"))
    }

    fn note_stopped(&self, reason: &str) {
        // The first reason is the cause of the others.
        let _ = self.shared.stopped.set(reason.to_owned());
    }
}

struct Undecided {
    commit: Commit,
    reply: oneshot::Sender<Result<Outcome>>,
    place: OwnedSemaphorePermit,
}

/// The first request and all that is queued behind it, up to the limits of a batch.
fn take_batch(first: Request, queue: &mpsc::Receiver<Request>) -> (Vec<Undecided>, Vec<oneshot::Sender<()>>) {
    let mut commits = Vec::new();
    let mut barriers = Vec::new();
    let mut batch_bytes = 0;
    let mut next = Some(first);
    while let Some(request) = next {
        match request {
            Request::Commit { commit, bytes, reply, place } => {
                batch_bytes += bytes;
                commits.push(Undecided { commit, reply, place });
            }
            Request::Barrier { reply } => barriers.push(reply),
        }
        if commits.len() >= BATCH_COMMITS_MAX || batch_bytes >= BATCH_BYTES_MAX {
            break;
        }
        next = queue.try_recv().ok();
    }
    (commits, barriers)
}

fn takes_room(commit: &Commit) -> bool {
    commit.writes.iter().any(|write| !matches!(write, Write::Delete(_)))
}

/// Answers a batch that failed on its way to the disk.
fn unknown(decided: Vec<Decided>, reason: &str) {
    for Decided { commit, outcome, reply, place } in decided {
        let answer = match outcome {
            Ok(Outcome::Done(_)) => Err(KvError::Indeterminate(commit.id, reason.to_owned())),
            did_nothing => did_nothing,
        };
        let _ = reply.send(answer);
        drop(place);
    }
}

/// Answers a request of a store that has stopped: nothing of it happened.
fn refuse(shared: &Shared, request: Request) {
    match request {
        Request::Commit { reply, .. } => {
            let _ = reply.send(Err(shared.refusal()));
        }
        Request::Barrier { reply } => drop(reply),
    }
}

/// The durable state with what the batch has so far on top.
struct Pending<'a> {
    view: &'a View,
    /// None: deleted.
    rows: BTreeMap<Bytes, Option<Versioned>>,
}

impl Pending<'_> {
    /// Decides a commit and, if it passes, adds its rows.
    fn decide(&mut self, commit: &Commit, version: Version) -> Result<Outcome> {
        for (index, check) in commit.checks.iter().enumerate() {
            if !self.holds(check)? {
                return Ok(Outcome::Conflict(index));
            }
        }
        // Apart until all of it is known to work.
        let mut own = BTreeMap::new();
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
                    let latest = match own.get(&counter) {
                        Some(row) => row.clone(),
                        None => self.get(&counter)?,
                    };
                    let sequence = next_sequence(log, latest.as_ref().map(|row| &*row.value))?;
                    sequences.push(sequence);
                    let value = Bytes::copy_from_slice(&sequence.to_be_bytes());
                    own.insert(counter, Some(Versioned { value, version }));
                    let entry = Versioned { value: payload.clone(), version };
                    own.insert(log.entry_key(sequence), Some(entry));
                }
            }
        }
        self.rows.extend(own);
        Ok(Outcome::Done(sequences))
    }

    fn get(&self, key: &[u8]) -> Result<Option<Versioned>> {
        match self.rows.get(key) {
            Some(row) => Ok(row.clone()),
            None => self.view.get(key),
        }
    }

    fn holds(&self, check: &Check) -> Result<bool> {
        Ok(match check {
            Check::Version(key, version) => self.get(key)?.map(|row| row.version) == *version,
            Check::RangeUnchanged(range, fingerprint) => fingerprint.matches(self.versions(range))?,
            Check::Lease(key, epoch) => match self.get(key.as_bytes())? {
                Some(row) => epoch_in(&row.value)? == Some(*epoch),
                None => false,
            },
        })
    }

    /// The keys of a range and their versions: those of the view and of the batch, merged.
    fn versions(&self, range: &Range<Bytes>) -> impl Iterator<Item = Result<(Bytes, Version)>> {
        let own = (!range.is_empty()).then(|| self.rows.range(range.clone()));
        let mut own = own.into_iter().flatten().peekable();
        let mut stored = self.view.versions(range).peekable();
        std::iter::from_fn(move || {
            loop {
                let own_is_next = match (own.peek(), stored.peek()) {
                    (None, _) => false,
                    (Some(_), None) => true,
                    (Some((own_key, _)), Some(Ok((stored_key, _)))) => *own_key <= stored_key,
                    (Some(_), Some(Err(_))) => false,
                };
                if !own_is_next {
                    return stored.next();
                }
                let (key, row) = own.next()?;
                stored.next_if(|stored| matches!(stored, Ok((stored_key, _)) if stored_key == key));
                if let Some(row) = row {
                    return Some(Ok((key.clone(), row.version)));
                }
            }
        })
    }
}
