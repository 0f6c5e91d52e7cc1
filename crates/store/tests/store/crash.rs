//! Killed at any moment, the store has everything it acknowledged, and nothing by halves.
//!
//! The test starts itself again as the process that is killed.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use store::{
    Commit, FailPoint, FjallKv, FjallOptions, Kv, KvError, LogId, Order, Outcome, SCAN_ROWS_MAX, log_range,
    log_sequence,
};

use crate::fixture::{open, put, value};

const CHILD_FOLDER: &str = "STORE_CRASH_FOLDER";
const CHILD_POINT: &str = "STORE_CRASH_POINT";
const CHILD_CYCLE: &str = "STORE_CRASH_CYCLE";
const WRITERS: u64 = 8;

/// Acknowledged commits per cycle before the end; different in each cycle so that it falls differently.
const ACKNOWLEDGED: [u64; 8] = [40, 137, 301, 77, 523, 211, 95, 160];

/// Longest time a cycle may take to get that far: a store that stands still fails.
const PROGRESS_WITHIN: Duration = Duration::from_secs(30);

#[test]
fn nothing_acknowledged_is_lost_by_a_kill() {
    if let Ok(folder) = std::env::var(CHILD_FOLDER) {
        return write_until_killed(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = BTreeMap::new();
    let points =
        [None, Some(FailPoint::BeforeWrite), Some(FailPoint::AfterSync), Some(FailPoint::BeforeAcknowledge)];
    for (cycle, acknowledged) in ACKNOWLEDGED.into_iter().enumerate() {
        let point = points[cycle % points.len()];
        run_and_kill(folder.path(), cycle, point, acknowledged, &mut ledger);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check(folder.path(), cycle, &ledger));
    }
    assert!(ledger.len() as u64 >= ACKNOWLEDGED.iter().sum(), "{}", ledger.len());
}

/// Runs a child until it has acknowledged so many commits, then kills it (or lets it die at its point). Adds what
/// it acknowledged to the ledger: row to log sequence.
fn run_and_kill(
    folder: &Path,
    cycle: usize,
    point: Option<FailPoint>,
    acknowledged: u64,
    ledger: &mut BTreeMap<String, u64>,
) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["crash::nothing_acknowledged_is_lost_by_a_kill", "--exact", "--nocapture"])
        .env(CHILD_FOLDER, folder)
        .env(CHILD_CYCLE, cycle.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if let Some(point) = point {
        command.env(CHILD_POINT, format!("{point} {acknowledged}"));
    }
    let mut child: Child = command.spawn().unwrap();
    let begun = Instant::now();
    let mut count = 0;
    let mut killed = false;
    // To the end of the pipe: what it acknowledged while we made up our mind counts too.
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let Some(acknowledgement) = line.strip_prefix("acknowledged ") else { continue };
        let (row, sequence) = acknowledgement.split_once(' ').unwrap();
        ledger.insert(row.to_owned(), sequence.parse().unwrap());
        count += 1;
        if count == 10 {
            assert_refused_while_in_use(folder, child.id());
        }
        if point.is_none() && count >= acknowledged && !killed {
            child.kill().unwrap();
            killed = true;
        }
        assert!(begun.elapsed() < PROGRESS_WITHIN, "cycle {cycle} got to {count} only");
    }
    let status = child.wait().unwrap();
    assert!(!status.success(), "it was meant to die: {status}");
    assert!(count >= acknowledged, "cycle {cycle} died after {count}, at {point:?}");
}

fn assert_refused_while_in_use(folder: &Path, pid: u32) {
    match FjallKv::open(folder) {
        Err(KvError::Determinate(message)) => {
            assert!(message.contains(&format!("in use by process {pid}")), "{message}");
            assert!(message.contains(&folder.display().to_string()), "{message}");
        }
        Err(error) => panic!("another error: {error:?}"),
        Ok(_) => panic!("two processes have the folder"),
    }
}

async fn check(folder: &Path, cycle: usize, ledger: &BTreeMap<String, u64>) {
    let kv = open(folder);
    let snapshot = kv.snapshot().await.unwrap();
    for (row, sequence) in ledger {
        for half in ["left", "right"] {
            let found = snapshot.get(format!("{half}/{row}").as_bytes()).await.unwrap();
            assert!(found.is_some(), "cycle {cycle}: {half}/{row} was acknowledged");
        }
        let log = LogId::new("log");
        let entry = snapshot.get(&store::log_key(&log, *sequence)).await.unwrap().unwrap();
        assert_eq!(entry.value, row, "cycle {cycle}: entry {sequence}");
    }
    // Acknowledged or not: both halves or none, and no gap in the log.
    let left = count(&*snapshot, "left/", "left0").await;
    let right = count(&*snapshot, "right/", "right0").await;
    assert_eq!(left, right, "cycle {cycle}");
    let mut next = 1;
    loop {
        let entries =
            snapshot.scan(log_range(&LogId::new("log"), next), Order::Forward, SCAN_ROWS_MAX).await.unwrap();
        if entries.is_empty() {
            break;
        }
        for (key, _) in entries {
            assert_eq!(log_sequence(&key), Some(next), "cycle {cycle}");
            next += 1;
        }
    }
    assert_eq!(next - 1, left, "cycle {cycle}: one entry each");
    put(&kv, "alive", &cycle.to_string()).await;
    assert_eq!(value(&kv, "alive").await.unwrap(), cycle.to_string());
}

async fn count(snapshot: &dyn store::Snapshot, from: &str, to: &str) -> u64 {
    let mut start = bytes::Bytes::copy_from_slice(from.as_bytes());
    let end = bytes::Bytes::copy_from_slice(to.as_bytes());
    let mut count = 0;
    loop {
        let rows = snapshot.scan(start.clone()..end.clone(), Order::Forward, SCAN_ROWS_MAX).await.unwrap();
        let Some((last, _)) = rows.last() else { return count };
        start = [last, &b"\0"[..]].concat().into();
        count += rows.len() as u64;
    }
}

/// The child: writes pairs and says so, until it is killed or dies at its point by itself.
fn write_until_killed(folder: &Path) {
    let cycle = std::env::var(CHILD_CYCLE).unwrap();
    let death = std::env::var(CHILD_POINT).ok().map(|text| {
        let (point, after) = text.split_once(' ').unwrap();
        let point = FailPoint::ALL.into_iter().find(|known| known.name() == point).unwrap();
        (point, after.parse::<u64>().unwrap())
    });
    let acknowledged = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&acknowledged);
    let options = FjallOptions {
        // Small, so that flushes and compactions fall into the cycles too.
        memtable_bytes: 128 * 1024,
        fail_hook: Arc::new(move |reached| {
            if let Some((point, after)) = death
                && reached == point
                && counted.load(Ordering::SeqCst) >= after
            {
                std::process::abort();
            }
            Ok(())
        }),
        ..FjallOptions::default()
    };
    let kv = Arc::new(FjallKv::open_with(folder, options).unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let writers = (0..WRITERS).map(|writer| {
            let (kv, acknowledged, cycle) = (Arc::clone(&kv), Arc::clone(&acknowledged), cycle.clone());
            tokio::spawn(async move {
                for number in 0_u64.. {
                    let row = format!("{cycle}.{writer}.{number}");
                    let commit = Commit::new()
                        .check_version(format!("left/{row}"), None)
                        .put(format!("left/{row}"), vec![b'l'; 300])
                        .append(LogId::new("log"), row.clone())
                        .put(format!("right/{row}"), vec![b'r'; 300]);
                    let Outcome::Done(sequences) = kv.commit(commit).await.unwrap() else {
                        panic!("nobody else writes {row}");
                    };
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "acknowledged {row} {}", sequences[0]).unwrap();
                    out.flush().unwrap();
                    acknowledged.fetch_add(1, Ordering::SeqCst);
                }
            })
        });
        futures_util::future::join_all(writers).await;
    });
}
