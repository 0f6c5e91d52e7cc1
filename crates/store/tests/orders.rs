//! Callers, readers and the committer in many orders, each chosen by a model: shuttle decides at every lock, channel and
//! thread who goes on. The engine below is the real one, on a disk in memory.

#![allow(clippy::unwrap_used, reason = "in a test it is an assertion")]

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use shuttle::future::block_on;
use shuttle::scheduler::PctScheduler;
use shuttle::{Config, Runner, thread};
use store::{
    Commit, FailPoint, FjallKv, FjallOptions, Kv, KvError, LogId, Outcome, Version, log_key, log_range,
};
use tempfile::TempDir;

/// Orders tried by each test.
const ORDERS: usize = 250;

/// Times an order turns against the priorities it began with: most faults need two or three.
const TURNS: usize = 3;

/// The engine is not written for small stacks.
const STACK_BYTES: usize = 4 << 20;

fn in_many_orders(test: impl Fn() + Send + Sync + 'static) {
    let mut config = Config::default();
    config.stack_size = STACK_BYTES;
    Runner::new(PctScheduler::new(TURNS, ORDERS), config).run(test);
}

fn scratch() -> TempDir {
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

fn open(options: FjallOptions) -> (TempDir, Arc<FjallKv>) {
    let folder = scratch();
    let kv = FjallKv::open_with(folder.path(), options).unwrap();
    (folder, Arc::new(kv))
}

fn log() -> LogId {
    LogId::new("log")
}

fn commit(kv: &FjallKv, commit: Commit) -> Result<Outcome, KvError> {
    block_on(kv.commit(commit))
}

fn number(kv: &FjallKv, key: &str) -> (u64, Option<Version>) {
    let row = block_on(block_on(kv.snapshot()).unwrap().get(key.as_bytes())).unwrap();
    row.map_or((0, None), |row| (u64::from_be_bytes(row.value[..].try_into().unwrap()), Some(row.version)))
}

#[test]
fn conditional_commits_count_exactly_and_logs_have_no_gap() {
    in_many_orders(|| {
        let (_folder, kv) = open(FjallOptions::default());
        let writers: Vec<_> = (0..3)
            .map(|_| {
                let kv = kv.clone();
                thread::spawn(move || {
                    let mut sequences = Vec::new();
                    while sequences.len() < 2 {
                        let (count, version) = number(&kv, "count");
                        let next = (count + 1).to_be_bytes().to_vec();
                        let attempt = Commit::new()
                            .check_version("count", version)
                            .put("count", next)
                            .append(log(), "entry");
                        match commit(&kv, attempt).unwrap() {
                            Outcome::Done(done) => {
                                assert_eq!(done, [count + 1], "the log and the count go together");
                                assert!(number(&kv, "count").0 > count, "what is acknowledged can be read");
                                sequences.extend(done);
                            }
                            Outcome::Conflict(_) => {}
                        }
                    }
                    sequences
                })
            })
            .collect();
        let mut sequences: Vec<_> = writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
        sequences.sort_unstable();
        assert_eq!(sequences, [1, 2, 3, 4, 5, 6]);
        let snapshot = block_on(kv.snapshot()).unwrap();
        let entries = block_on(snapshot.scan(log_range(&log(), 0), store::Order::Forward, 10)).unwrap();
        assert_eq!(entries.len(), 6);
    });
}

#[test]
fn readers_see_commits_whole_and_never_go_back() {
    in_many_orders(|| {
        let (_folder, kv) = open(FjallOptions::default());
        let writer = {
            let kv = kv.clone();
            thread::spawn(move || {
                for count in 1..=3_u64 {
                    let pair = Commit::new()
                        .put("left", count.to_be_bytes().to_vec())
                        .put("right", count.to_be_bytes().to_vec());
                    assert_eq!(commit(&kv, pair), Ok(Outcome::Done(vec![])));
                }
            })
        };
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let kv = kv.clone();
                thread::spawn(move || {
                    let mut seen = 0;
                    while seen < 3 {
                        let snapshot = block_on(kv.snapshot()).unwrap();
                        let left = block_on(snapshot.get(b"left")).unwrap().map(|row| row.value);
                        thread::yield_now();
                        let right = block_on(snapshot.get(b"right")).unwrap().map(|row| row.value);
                        assert_eq!(left, right, "half a commit");
                        let now = left.map_or(0, |value| u64::from_be_bytes(value[..].try_into().unwrap()));
                        assert!(now >= seen, "{now} after {seen}");
                        seen = now;
                        thread::yield_now();
                    }
                })
            })
            .collect();
        writer.join().unwrap();
        for reader in readers {
            reader.join().unwrap();
        }
    });
}

#[test]
fn after_a_failed_sync_everybody_is_told_the_truth() {
    in_many_orders(|| {
        let synced = Arc::new(AtomicUsize::new(0));
        let failing = FjallOptions {
            on_fatal: Arc::new(|_| {}),
            fail_hook: Arc::new({
                let synced = synced.clone();
                move |point| match point {
                    FailPoint::AfterSync if synced.fetch_add(1, Ordering::SeqCst) == 1 => {
                        Err(io::Error::other("the disk failed"))
                    }
                    _ => Ok(()),
                }
            }),
            ..FjallOptions::default()
        };
        let (folder, kv) = open(failing);
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                let kv = kv.clone();
                thread::spawn(move || commit(&kv, Commit::new().append(log(), format!("{writer}"))))
            })
            .collect();
        let answers: Vec<_> = writers.into_iter().map(|writer| writer.join().unwrap()).collect();
        let read_after = block_on(kv.snapshot()).unwrap();
        for (writer, answer) in answers.iter().enumerate() {
            if let Ok(Outcome::Done(sequences)) = answer {
                let entry = block_on(read_after.get(&log_key(&log(), sequences[0]))).unwrap().unwrap();
                assert_eq!(entry.value, format!("{writer}"), "acknowledged and readable");
            }
        }
        drop((read_after, kv));
        let kv = Arc::new(FjallKv::open(folder.path()).unwrap());
        let snapshot = block_on(kv.snapshot()).unwrap();
        let entries = block_on(snapshot.scan(log_range(&log(), 0), store::Order::Forward, 10)).unwrap();
        let is_there = |writer: usize| entries.iter().any(|(_, entry)| entry.value == format!("{writer}"));
        for (writer, answer) in answers.iter().enumerate() {
            match answer {
                Ok(_) => assert!(is_there(writer), "{writer} was acknowledged"),
                Err(KvError::Determinate(_)) => assert!(!is_there(writer), "{writer} was refused"),
                // It may have happened, and here it has: its batch was synced before the failure.
                Err(KvError::Indeterminate(..)) => assert!(is_there(writer), "{writer} was written"),
                Err(error) => panic!("{error:?}"),
            }
        }
    });
}

#[test]
fn closing_answers_everybody() {
    in_many_orders(|| {
        let (folder, kv) = open(FjallOptions::default());
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                let kv = kv.clone();
                thread::spawn(move || commit(&kv, Commit::new().put(format!("row/{writer}"), "x")))
            })
            .collect();
        // The last of them closes it.
        drop(kv);
        for writer in writers {
            assert_eq!(writer.join().unwrap(), Ok(Outcome::Done(vec![])));
        }
        let kv = Arc::new(FjallKv::open(folder.path()).unwrap());
        for writer in 0..3 {
            let row =
                block_on(block_on(kv.snapshot()).unwrap().get(format!("row/{writer}").as_bytes())).unwrap();
            assert!(row.is_some(), "row {writer}");
        }
    });
}
