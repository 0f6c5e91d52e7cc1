//! The other side of the pipe: remembers what was acknowledged and holds the reopened store to it.

use std::collections::{BTreeMap, HashSet};
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use store::{
    BlobId, Blobs, Commit, EngineTime, FjallKv, Kv, LocalBlobs, Order, Outcome, SCAN_ROWS_MAX, Snapshot,
    log_counter_key, log_key, log_range, log_sequence, prefix_range, sweep_orphans,
};

use super::child::options;
use super::workload::{
    PAIR_WRITERS, WRITERS, commit_id, content, entry, log, oldest, prefix, row_key, tally_key,
};

/// Longest time until a reopened store takes a write.
pub(super) const PROGRESS_WITHIN: Duration = Duration::from_secs(10);

/// Longest time an open may take: the journals it replays are bounded.
const OPEN_WITHIN: Duration = Duration::from_secs(30);

/// Entries left in the log after each check.
const ENTRIES_KEPT: u64 = 100;

/// Deletes in one commit.
const TRIMMED_AT_ONCE: usize = 2_000;

/// What was acknowledged, outside of the process that wrote it.
pub(super) struct Ledger {
    /// How far each writer got.
    latest: Vec<u64>,
    /// Entries of the log acknowledged since the last check.
    entries: BTreeMap<u64, (u16, u64)>,
    /// When the run of writers began that was killed; none since the last check for 0.
    started: u64,
    pub(super) acknowledged: u64,
}

/// What a check found, beyond that all is well.
pub(super) struct Checked {
    pub(super) opened_in: Duration,
    pub(super) first_write_in: Duration,
    /// Commits that were on their way when the process died, and happened.
    pub(super) unacknowledged_kept: u64,
    pub(super) orphans: u64,
}

impl Ledger {
    pub(super) fn new() -> Self {
        Self { latest: vec![0; usize::from(WRITERS)], entries: BTreeMap::new(), started: 0, acknowledged: 0 }
    }

    /// Takes a line of the child; gives whether it was an acknowledgement.
    pub(super) fn read(&mut self, line: &str) -> Result<bool> {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["started", millis] => {
                ensure!(self.started == 0, "two runs of writers without a check between them");
                self.started = millis.parse()?;
            }
            ["acknowledged", writer, number, sequence] => {
                let (writer, number): (u16, u64) = (writer.parse()?, number.parse()?);
                let latest = self.latest.get_mut(usize::from(writer)).context("a writer")?;
                ensure!(number == *latest + 1, "writer {writer} went from {latest} to {number}");
                *latest = number;
                if writer < PAIR_WRITERS {
                    self.entries.insert(sequence.parse()?, (writer, number));
                }
                self.acknowledged += 1;
                return Ok(true);
            }
            _ => {}
        }
        Ok(false)
    }

    /// Opens the folder and compares everything in it with the ledger.
    pub(super) async fn check(&mut self, folder: &Path) -> Result<Checked> {
        let begun = Instant::now();
        let (kv, blobs) = tokio::time::timeout(OPEN_WITHIN, open(folder)).await.context("opening")??;
        let opened_in = begun.elapsed();
        let snapshot = kv.snapshot().await?;
        let mut unacknowledged_kept = 0;
        for writer in 0..WRITERS {
            let acknowledged = self.latest[usize::from(writer)];
            let found = tally(&*snapshot, writer).await?;
            ensure!(
                found >= acknowledged,
                "writer {writer}: {acknowledged} was acknowledged, {found} is there"
            );
            ensure!(
                found <= acknowledged + 1,
                "writer {writer}: {found} is there, {acknowledged} was written"
            );
            if self.started > 0 {
                let id = commit_id(self.started, writer, acknowledged + 1);
                let happened = kv.outcome(id).await?.is_some();
                ensure!(
                    happened == (found > acknowledged),
                    "writer {writer}: the outcome of {} says {happened}, which is not what is there",
                    acknowledged + 1
                );
            }
            unacknowledged_kept += found - acknowledged;
            self.latest[usize::from(writer)] = found;
            let numbers = oldest(writer, found)..=found;
            if writer < PAIR_WRITERS {
                rows(&*snapshot, "left", writer, &numbers).await?;
                rows(&*snapshot, "right", writer, &numbers).await?;
            }
        }
        let named = self.blobs(&*snapshot, &blobs).await?;
        self.log(&*snapshot).await?;
        drop(snapshot);
        let first_write_in = first_write(&kv).await?;
        trim(&kv).await?;
        let orphans = sweep_orphans(kv.as_ref(), &blobs, EngineTime(u64::MAX)).await?.blobs;
        for id in named {
            blobs.get(&id).await.with_context(|| format!("blob {id} was swept though a row names it"))?;
        }
        self.entries.clear();
        self.started = 0;
        Ok(Checked { opened_in, first_write_in, unacknowledged_kept, orphans })
    }

    /// Every row of a blob has its blob, whole; gives the names.
    async fn blobs(&self, snapshot: &dyn Snapshot, blobs: &dyn Blobs) -> Result<HashSet<BlobId>> {
        let mut named = HashSet::new();
        for writer in PAIR_WRITERS..WRITERS {
            let latest = self.latest[usize::from(writer)];
            let numbers = oldest(writer, latest)..=latest;
            let found = scan(snapshot, "blob", writer).await?;
            keys_are(&found, "blob", writer, &numbers)?;
            for ((_, row), number) in found.iter().zip(numbers) {
                let id: BlobId = std::str::from_utf8(row)?.parse()?;
                let body = blobs.get(&id).await.with_context(|| format!("blob {number} of {writer}"))?;
                ensure!(body == content("blob", writer, number), "blob {number} of writer {writer} is torn");
                named.insert(id);
            }
        }
        Ok(named)
    }

    /// The log has no gap, nothing twice, and each acknowledged entry where it was said to be.
    async fn log(&self, snapshot: &dyn Snapshot) -> Result<()> {
        let appended: u64 = self.latest[..usize::from(PAIR_WRITERS)].iter().sum();
        let counter = snapshot.get(&log_counter_key(&log())).await?;
        let counter = counter.and_then(|row| log_sequence(&row.value)).unwrap_or_default();
        ensure!(counter == appended, "{appended} entries were appended, the log counts {counter}");
        let mut next = None;
        let mut from = 0;
        loop {
            let entries = snapshot.scan(log_range(&log(), from), Order::Forward, SCAN_ROWS_MAX).await?;
            if entries.is_empty() {
                break;
            }
            for (key, row) in entries {
                let sequence = log_sequence(&key).context("an entry's key")?;
                ensure!(next.is_none_or(|next| next == sequence), "the log has a gap before {sequence}");
                next = Some(sequence + 1);
                if let Some((writer, number)) = self.entries.get(&sequence) {
                    ensure!(row.value == entry(*writer, *number), "entry {sequence} is another one");
                }
            }
            from = next.unwrap_or_default();
        }
        if let Some(next) = next {
            ensure!(next == counter + 1, "the log ends before {next}, its counter at {counter}");
        }
        for sequence in self.entries.keys() {
            let is_there = snapshot.get(&log_key(&log(), *sequence)).await?.is_some();
            ensure!(is_there, "entry {sequence} was acknowledged and is not there");
        }
        Ok(())
    }
}

async fn open(folder: &Path) -> Result<(Arc<FjallKv>, LocalBlobs)> {
    let folder = folder.to_owned();
    tokio::task::spawn_blocking(move || {
        let kv = FjallKv::open_with(&folder.join("kv"), options(Arc::new(|_| Ok(()))))?;
        Ok((Arc::new(kv), LocalBlobs::open(&folder.join("blobs"))?))
    })
    .await?
}

async fn tally(snapshot: &dyn Snapshot, writer: u16) -> Result<u64> {
    match snapshot.get(&tally_key(writer)).await? {
        Some(row) => Ok(u64::from_be_bytes(row.value.as_ref().try_into().context("a tally is torn")?)),
        None => Ok(0),
    }
}

async fn scan(snapshot: &dyn Snapshot, side: &str, writer: u16) -> Result<Vec<(Bytes, Bytes)>> {
    let rows = snapshot.scan(prefix_range(&prefix(side, writer)), Order::Forward, SCAN_ROWS_MAX).await?;
    Ok(rows.into_iter().map(|(key, row)| (key, row.value)).collect())
}

/// One side of a writer's pairs: exactly these numbers, each with what was written.
async fn rows(snapshot: &dyn Snapshot, side: &str, writer: u16, numbers: &RangeInclusive<u64>) -> Result<()> {
    let found = scan(snapshot, side, writer).await?;
    keys_are(&found, side, writer, numbers)?;
    for ((_, value), number) in found.iter().zip(numbers.clone()) {
        ensure!(*value == content(side, writer, number), "{side} row {number} of writer {writer} is torn");
    }
    Ok(())
}

fn keys_are(found: &[(Bytes, Bytes)], side: &str, writer: u16, numbers: &RangeInclusive<u64>) -> Result<()> {
    let expected: Vec<Bytes> = numbers.clone().map(|number| row_key(side, writer, number)).collect();
    let differs = expected.iter().zip(found).find(|(expected, (key, _))| *expected != key);
    if found.len() != expected.len() || differs.is_some() {
        bail!(
            "{side} of writer {writer} should have {numbers:?}: {} rows are there, the first that differs is {:?}",
            found.len(),
            differs
        );
    }
    Ok(())
}

async fn first_write(kv: &FjallKv) -> Result<Duration> {
    let begun = Instant::now();
    let commit = Commit::new().put("alive", "1");
    let outcome = tokio::time::timeout(PROGRESS_WITHIN, kv.commit(commit))
        .await
        .context("the reopened store took no write in time")??;
    ensure!(outcome == Outcome::Done(vec![]), "{outcome:?}");
    Ok(begun.elapsed())
}

/// Deletes old entries, so that a long run stays small.
async fn trim(kv: &FjallKv) -> Result<()> {
    let snapshot = kv.snapshot().await?;
    let counter = snapshot.get(&log_counter_key(&log())).await?;
    let counter = counter.and_then(|row| log_sequence(&row.value)).unwrap_or_default();
    let range = log_range(&log(), 0).start..log_key(&log(), counter.saturating_sub(ENTRIES_KEPT));
    let old = snapshot.scan(range, Order::Forward, SCAN_ROWS_MAX).await?;
    for keys in old.chunks(TRIMMED_AT_ONCE) {
        let commit = keys.iter().fold(Commit::new(), |commit, (key, _)| commit.delete(key.clone()));
        tokio::time::timeout(PROGRESS_WITHIN, kv.commit(commit)).await.context("a write took too long")??;
    }
    Ok(())
}
