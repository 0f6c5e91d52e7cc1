//! How fast the store is, beside a plain file that is written and synced: `cargo bench -p store`.
//!
//! Ratios matter more than the figures themselves: the sync of the disk decides both.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use futures_util::TryStreamExt;
use store::{
    Blobs, Commit, EngineTime, FjallKv, FjallOptions, Kv, LocalBlobs, LogId, Order, Outcome, sweep_orphans,
};

/// How long each line measures.
const EACH: Duration = Duration::from_secs(2);

/// How often the lines that depend most on the disk take turns.
const ROUNDS: usize = 3;

const ROWS: u64 = 100_000;
const VALUE_BYTES: usize = 1024;

fn main() -> Result<()> {
    if std::env::args().any(|argument| argument == "million") {
        return million();
    }
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let before = resident_kib()?;
    let begun = Instant::now();
    let kv = Arc::new(FjallKv::open(&folder.join("first"))?);
    let opened = begun.elapsed();
    println!("open, empty folder: {opened:?}, resident {before} KiB before, {} KiB after", resident_kib()?);

    println!("{:44} {:>12} {:>10}", "", "per second", "of raw");
    let raw = runtime.block_on(interleaved(folder))?;
    runtime.block_on(key_value(kv, raw))?;
    println!("resident after that: {} KiB", resident_kib()?);
    let begun = Instant::now();
    let kv = FjallKv::open(&folder.join("first"))?;
    println!("open again, {ROWS} rows and what was put: {:?}", begun.elapsed());
    drop(kv);

    let blobs = Arc::new(LocalBlobs::open(&folder.join("blobs"))?);
    runtime.block_on(payloads(blobs, raw))
}

/// What depends most on the disk, by turns, since a shared disk changes its mind; gives the rate of plain syncs.
async fn interleaved(folder: &Path) -> Result<f64> {
    let mut engines = Vec::new();
    for threads in [1, 2] {
        let options = FjallOptions { worker_threads: threads, ..FjallOptions::default() };
        let kv = FjallKv::open_with(&folder.join(format!("{threads} threads")), options)?;
        engines.push((threads, Arc::new(kv)));
    }
    let mut raw = Vec::new();
    let mut rates = vec![(String::new(), Vec::new()); 4];
    for _ in 0..ROUNDS {
        raw.push(raw_syncs(folder)?);
        let mut line = rates.iter_mut();
        for writers in [1, 64] {
            for (threads, kv) in &engines {
                let (name, rates) = line.next().context("a line for each")?;
                *name = format!("put 1 KiB, {writers} writers, {threads} engine threads");
                rates.push(puts(kv, writers).await?);
            }
        }
    }
    let raw_median = median(&mut raw);
    line("raw: write 1 KiB + fdatasync, one file", raw_median, raw_median);
    println!("    in rounds: {raw:.0?}");
    for (name, mut rates) in rates {
        line(&name, median(&mut rates), raw_median);
        println!("    in rounds: {rates:.0?}");
    }
    Ok(raw_median)
}

/// Sorts, and gives the middle.
fn median(rates: &mut [f64]) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

fn line(what: &str, rate: f64, raw: f64) {
    println!("{what:44} {rate:12.0} {:9.2}x", rate / raw);
}

fn raw_syncs(folder: &Path) -> Result<f64> {
    let mut file = File::create(folder.join("raw"))?;
    file.set_len(64 * 1024 * 1024)?;
    file.sync_all()?;
    let value = vec![b'x'; VALUE_BYTES];
    let begun = Instant::now();
    let mut count = 0;
    while begun.elapsed() < EACH {
        file.write_all(&value)?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}

/// A million rows of 1 KiB: room, memory, and the time to open them again.
fn million() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let kv = FjallKv::open(folder.path())?;
    let begun = Instant::now();
    runtime.block_on(async {
        let value = vec![b'x'; VALUE_BYTES];
        for first in (0..MILLION).step_by(1000) {
            let rows = (first..first + 1000).fold(Commit::new(), |commit, row| {
                let mut value = value.clone();
                value[..8].copy_from_slice(&scattered(row).as_bytes()[4..12]);
                commit.put(scattered(row), value)
            });
            kv.commit(rows).await?;
        }
        anyhow::Ok(())
    })?;
    println!("{MILLION} rows of 1 KiB in {:?}, resident {} KiB", begun.elapsed(), resident_kib()?);
    println!("tables: {} MiB, {:?}", kv.activity().table_bytes >> 20, kv.activity());
    let blobs = LocalBlobs::open(&folder.path().join("blobs"))?;
    runtime.block_on(async {
        blobs.put(Bytes::from_static(b"nobody names it")).await?;
        let begun = Instant::now();
        let swept = sweep_orphans(&kv, &blobs, EngineTime(u64::MAX)).await?;
        println!("all rows read for the names of blobs in {:?}, {swept:?}", begun.elapsed());
        anyhow::Ok(())
    })?;
    let begun = Instant::now();
    drop(kv);
    println!("closed in {:?}", begun.elapsed());
    for round in 1..=3 {
        let begun = Instant::now();
        let kv = FjallKv::open(folder.path())?;
        let opened = begun.elapsed();
        let (journals, resident) = (kv.activity().journals, resident_kib()?);
        println!("open {round}: {opened:?}, {journals} journals, resident {resident} KiB");
    }
    Ok(())
}

const MILLION: u64 = 1_000_000;

/// Seconds of processor time the committer has used.
fn committer_seconds() -> Result<f64> {
    let mut ticks = 0_u64;
    for task in std::fs::read_dir("/proc/self/task")? {
        let task = task?.path();
        if std::fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim() == "store:committer") {
            let stat = std::fs::read_to_string(task.join("stat"))?;
            // After the name in brackets; the 14th and 15th fields of all.
            let fields: Vec<&str> =
                stat.rsplit(')').next().context("a stat line")?.split_whitespace().collect();
            ticks += fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
        }
    }
    // The unit is a hundredth of a second on every common system.
    Ok(ticks as f64 / 100.0)
}

fn resident_kib() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("a line with VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}

/// Runs `work` in so many tasks at once for a while; gives the rate.
async fn rate<F>(tasks: u64, work: impl Fn(u64, u64) -> F) -> Result<f64>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let count = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    let mut round = 0;
    for task in 0..tasks {
        running.spawn(work(task, round));
    }
    while let Some(ended) = running.join_next().await {
        ended??;
        count.fetch_add(1, Ordering::Relaxed);
        if begun.elapsed() < EACH {
            round += 1;
            running.spawn(work(round % tasks, round));
        }
    }
    Ok(count.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64())
}

/// A key that hops about.
fn scattered(number: u64) -> String {
    format!("row/{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

async fn puts(kv: &Arc<FjallKv>, writers: u64) -> Result<f64> {
    let value = Bytes::from(vec![b'x'; VALUE_BYTES]);
    rate(writers, |task, round| {
        let commit = Commit::new().put(scattered(round * 64 + task), value.clone());
        let kv = Arc::clone(kv);
        async move {
            ensure!(kv.commit(commit).await? == Outcome::Done(vec![]));
            Ok(())
        }
    })
    .await
}

/// Read, then write if nobody else has; each on rows of its own.
async fn conditional(kv: &Arc<FjallKv>) -> Result<f64> {
    let value = Bytes::from(vec![b'x'; VALUE_BYTES]);
    rate(64, |task, round| {
        let (kv, value) = (Arc::clone(kv), value.clone());
        async move {
            let key = format!("conditional/{task}/{}", round % 1000);
            let version = kv.snapshot().await?.get(key.as_bytes()).await?.map(|row| row.version);
            kv.commit(Commit::new().check_version(key.clone(), version).put(key, value)).await?;
            Ok(())
        }
    })
    .await
}

/// The life of a message: stored and made visible, hidden while it is worked on, gone.
async fn queue(kv: &Arc<FjallKv>) -> Result<f64> {
    let body = Bytes::from(vec![b'x'; VALUE_BYTES]);
    rate(64, |task, round| {
        let (kv, body) = (Arc::clone(kv), body.clone());
        async move {
            let message = format!("message/{task}/{round:012}");
            let (visible, hidden) =
                (format!("visible/{task}/{round:012}"), format!("hidden/{task}/{round:012}"));
            kv.commit(Commit::new().put(message.clone(), body).put(visible, message.clone())).await?;
            let range = Bytes::from(format!("visible/{task}/"))..Bytes::from(format!("visible/{task}0"));
            let head = kv.snapshot().await?.scan(range, Order::Forward, 1).await?;
            let (key, row) = head.into_iter().next().context("what was just sent")?;
            let received = Commit::new()
                .check_version(key.clone(), Some(row.version))
                .delete(key)
                .put(hidden.clone(), row.value);
            kv.commit(received).await?;
            kv.commit(Commit::new().delete(message).delete(hidden)).await?;
            Ok(())
        }
    })
    .await
}

async fn key_value(kv: Arc<FjallKv>, raw: f64) -> Result<()> {
    for writers in [16, 256] {
        line(&format!("put 1 KiB, {writers} writers"), puts(&kv, writers).await?, raw);
    }
    let appends = rate(64, |_, _| {
        let (kv, commit) =
            (Arc::clone(&kv), Commit::new().append(LogId::new("log"), vec![b'x'; VALUE_BYTES]));
        async move {
            kv.commit(commit).await?;
            Ok(())
        }
    });
    line("append 1 KiB to one log, 64 writers", appends.await?, raw);

    let (begun, used) = (Instant::now(), committer_seconds()?);
    let rate_at_64 = puts(&kv, 64).await?;
    let share = (committer_seconds()? - used) / begun.elapsed().as_secs_f64() * 100.0;
    line("put 1 KiB, 64 writers", rate_at_64, raw);
    println!(
        "    the committer used {share:.0} % of one processor; a sync for each 64 would allow {:.0}",
        raw * 64.0
    );
    line("put 1 KiB if unchanged, 64 writers", conditional(&kv).await?, raw);
    line("queue: send, receive, delete, 64 workers", queue(&kv).await?, raw);

    let value = Bytes::from(vec![b'x'; VALUE_BYTES]);
    let begun = Instant::now();
    for first in (0..ROWS).step_by(1000) {
        let rows = (first..first + 1000)
            .fold(Commit::new(), |commit, row| commit.put(format!("read/{}", scattered(row)), value.clone()));
        kv.commit(rows).await?;
    }
    line("put 1 KiB, 1,000 a commit", ROWS as f64 / begun.elapsed().as_secs_f64(), raw);

    for readers in [1, 8] {
        let per_task = 100;
        let gets = rate(readers, |task, round| {
            let kv = Arc::clone(&kv);
            async move {
                for number in 0..per_task {
                    let row = (round * 7919 + task * 104_729 + number * 31) % ROWS;
                    let snapshot = kv.snapshot().await?;
                    let key = format!("read/{}", scattered(row));
                    snapshot.get(key.as_bytes()).await?.context("every row is there")?;
                }
                Ok(())
            }
        });
        line(&format!("snapshot + get 1 KiB, {readers} readers"), gets.await? * per_task as f64, raw);
    }
    let scans = rate(1, |_, round| {
        let kv = Arc::clone(&kv);
        async move {
            let start = format!("read/{}", scattered(round % (ROWS / 2)));
            let range = Bytes::from(start)..Bytes::from_static(b"read0");
            kv.snapshot().await?.scan(range, Order::Forward, 100).await?;
            Ok(())
        }
    });
    line("scan of 100 rows of 1 KiB", scans.await?, raw);

    let begun = Instant::now();
    let snapshots = 1_000_000;
    for _ in 0..snapshots {
        std::hint::black_box(kv.snapshot().await?);
    }
    println!("snapshot alone: {:?}", begun.elapsed() / snapshots);
    Ok(())
}

async fn payloads(blobs: Arc<LocalBlobs>, raw: f64) -> Result<()> {
    for (name, size, tasks) in
        [("1 KiB", 1024, 1), ("1 KiB", 1024, 32), ("1 MiB", 1024 * 1024, 1), ("1 MiB", 1024 * 1024, 8)]
    {
        let body = Bytes::from(vec![b'x'; size]);
        let puts = rate(tasks, |_, _| {
            let (blobs, body) = (Arc::clone(&blobs), body.clone());
            async move {
                blobs.put(body).await?;
                Ok(())
            }
        });
        line(&format!("blob put {name}, {tasks} writers"), puts.await?, raw);
        let id = blobs.put(body.clone()).await?;
        let gets = rate(tasks, |_, _| {
            let (blobs, id) = (Arc::clone(&blobs), id.clone());
            async move {
                let mut pieces = blobs.get_range(&id, 0..u64::MAX).await?;
                while pieces.try_next().await?.is_some() {}
                Ok(())
            }
        });
        line(&format!("blob get {name}, {tasks} readers"), gets.await?, raw);
    }
    Ok(())
}
