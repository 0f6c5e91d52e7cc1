//! The process that is killed: writes, says what was acknowledged, and at its point dies by its own hand.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use clap::Args;
use store::{Blobs, Commit, CommitId, FailHook, FailPoint, FjallKv, FjallOptions, Kv, LocalBlobs, Outcome};

use super::workload::{PAIR_WRITERS, WRITERS, commit_id, content, entry, log, oldest, row_key, tally_key};

/// Where a process dies by itself; every [`FailPoint`] by its name, and these.
pub(super) const DURING_FLUSH: &str = "during-flush";
pub(super) const DURING_COMPACTION: &str = "during-compaction";
pub(super) const BEFORE_BLOB_ROW: &str = "before-blob-row";
pub(super) const DURING_RECOVERY: &str = "during-recovery";

/// Small, so that flushes and compactions happen in every cycle.
const MEMTABLE_BYTES: u64 = 512 * 1024;

const CACHE_BYTES: u64 = 8 * 1024 * 1024;

#[derive(Args, Clone)]
pub(crate) struct Child {
    /// The folder to write to; set for the processes that are killed
    #[arg(long = "write-to", hide = true)]
    pub(super) folder: Option<PathBuf>,
    /// Where it dies
    #[arg(long, hide = true)]
    pub(super) die_at: Option<String>,
    /// After how many acknowledged commits, or microseconds of opening
    #[arg(long, hide = true, default_value_t = 0)]
    pub(super) die_after: u64,
}

/// Counts what was acknowledged, and ends the process at its point.
#[derive(Clone)]
struct Fate {
    point: Option<String>,
    after: u64,
    acknowledged: Arc<AtomicU64>,
}

impl Fate {
    fn reached(&self, point: &str) {
        let is_due = self.acknowledged.load(Ordering::SeqCst) >= self.after;
        if is_due && self.point.as_deref() == Some(point) {
            self.die();
        }
    }

    /// Says that it was meant, so that no other abort passes for this one.
    fn die(&self) -> ! {
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "dying").and_then(|()| out.flush());
        std::process::abort();
    }
}

/// Options of the store in this harness, the checking side's included.
pub(super) fn options(fail_hook: FailHook) -> FjallOptions {
    FjallOptions {
        memtable_bytes: MEMTABLE_BYTES,
        cache_bytes: CACHE_BYTES,
        fail_hook,
        ..FjallOptions::default()
    }
}

/// Opens the store and writes until the process ends; gives an error when something went wrong before that.
pub(super) fn run(child: &Child) -> Result<()> {
    let folder = child.folder.clone().context("a folder")?;
    let fate = Fate {
        point: child.die_at.clone(),
        after: child.die_after,
        acknowledged: Arc::new(AtomicU64::new(0)),
    };
    if fate.point.as_deref() == Some(DURING_RECOVERY) {
        let fate = fate.clone();
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_micros(fate.after));
            fate.die();
        });
    }
    let hook: FailHook = Arc::new({
        let fate = fate.clone();
        move |point: FailPoint| {
            fate.reached(point.name());
            Ok(())
        }
    });
    let kv = Arc::new(FjallKv::open_with(&folder.join("kv"), options(Arc::clone(&hook)))?);
    let blobs = Arc::new(LocalBlobs::open_with(&folder.join("blobs"), hook)?);
    if fate.point.as_deref() == Some(DURING_RECOVERY) {
        // It was over sooner.
        fate.die();
    }
    watch_the_engine(&fate, &kv);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let started = u64::try_from(CommitId::random().0 >> 80).context("48 bits")?;
        println!("started {started}");
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..WRITERS {
            let (kv, blobs, fate) = (Arc::clone(&kv), Arc::clone(&blobs), fate.clone());
            writers.spawn(async move { write(writer, started, &*kv, &*blobs, &fate).await });
        }
        // None of them ends by itself.
        match writers.join_next().await {
            Some(Ok(Err(error))) => Err(error),
            other => bail!("a writer ended: {other:?}"),
        }
    })
}

/// Dies while the engine flushes or compacts, if that is the point: the engine has no hook there.
fn watch_the_engine(fate: &Fate, kv: &Arc<FjallKv>) {
    let Some(point) =
        fate.point.clone().filter(|point| [DURING_FLUSH, DURING_COMPACTION].contains(&&**point))
    else {
        return;
    };
    let (fate, kv) = (fate.clone(), Arc::clone(kv));
    std::thread::spawn(move || {
        loop {
            let activity = kv.activity();
            let busy =
                if point == DURING_FLUSH { activity.flushes_waiting } else { activity.compactions_running };
            if busy > 0 {
                fate.reached(&point);
            }
            std::thread::sleep(Duration::from_micros(20));
        }
    });
}

async fn write(writer: u16, started: u64, kv: &dyn Kv, blobs: &dyn Blobs, fate: &Fate) -> Result<()> {
    let tally = kv.snapshot().await?.get(&tally_key(writer)).await?;
    let mut version = tally.as_ref().map(|row| row.version);
    let mut number = match &tally {
        Some(row) => u64::from_be_bytes(row.value.as_ref().try_into().context("a tally")?),
        None => 0,
    };
    loop {
        number += 1;
        let mut commit = Commit::new()
            .check_version(tally_key(writer), version)
            .put(tally_key(writer), number.to_be_bytes().to_vec());
        commit.id = commit_id(started, writer, number);
        let gone = oldest(writer, number - 1)..oldest(writer, number);
        let mut blobs_gone = Vec::new();
        if writer < PAIR_WRITERS {
            for side in ["left", "right"] {
                let key = row_key(side, writer, number);
                commit = commit.check_version(key.clone(), None).put(key, content(side, writer, number));
                for gone in gone.clone() {
                    commit = commit.delete(row_key(side, writer, gone));
                }
            }
            commit = commit.append(log(), entry(writer, number));
        } else {
            for gone in gone {
                let key = row_key("blob", writer, gone);
                let row = kv.snapshot().await?.get(&key).await?.context("the row of a blob")?;
                blobs_gone.push(std::str::from_utf8(&row.value)?.parse()?);
                commit = commit.delete(key);
            }
            let id = blobs.put(content("blob", writer, number)).await?;
            fate.reached(BEFORE_BLOB_ROW);
            commit = commit.put(row_key("blob", writer, number), Bytes::from(id.to_string()));
        }
        let Outcome::Done(sequences) = kv.commit(commit).await? else {
            bail!("writer {writer} lost its check of {number}, and nobody else writes its rows");
        };
        say_acknowledged(writer, number, sequences.first().copied().unwrap_or_default())?;
        fate.acknowledged.fetch_add(1, Ordering::SeqCst);
        for gone in blobs_gone {
            blobs.delete(&gone).await?;
        }
        version = kv.snapshot().await?.get(&tally_key(writer)).await?.map(|row| row.version);
    }
}

/// The ledger is on the other side of this pipe: what was written to it outlives us.
fn say_acknowledged(writer: u16, number: u64, sequence: u64) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "acknowledged {writer} {number} {sequence}")?;
    out.flush()?;
    Ok(())
}
