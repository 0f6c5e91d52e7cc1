//! Random histories: the embedded engine must do exactly what the oracle does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::join_all;
use proptest::prelude::*;
use store::{
    Check, Commit, CommitId, Fingerprint, FjallKv, FjallOptions, Kv, LeaseKey, LogId, MemoryKv, Order,
    Version, acquire,
};

use crate::fixture::everything;

const KEYS: u8 = 6;

/// One commit, in terms of the state its group begins with.
#[derive(Clone, Debug)]
struct Step {
    checks: Vec<StepCheck>,
    writes: Vec<StepWrite>,
}

#[derive(Clone, Debug)]
enum StepCheck {
    /// The version the key has when the group begins; stale once another commit of the group wrote it.
    AsRead(u8),
    Absent(u8),
    Bogus(u8),
    Range(u8, u8),
    Lease,
}

#[derive(Clone, Debug)]
enum StepWrite {
    Put(u8, u8),
    Delete(u8),
    Append(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let check = prop_oneof![
        4 => (0..KEYS).prop_map(StepCheck::AsRead),
        1 => (0..KEYS).prop_map(StepCheck::Absent),
        1 => (0..KEYS).prop_map(StepCheck::Bogus),
        2 => (0..=KEYS, 0..=KEYS).prop_map(|(from, to)| StepCheck::Range(from, to)),
        1 => Just(StepCheck::Lease),
    ];
    let write = prop_oneof![
        4 => (0..KEYS, any::<u8>()).prop_map(|(key, value)| StepWrite::Put(key, value)),
        2 => (0..KEYS).prop_map(StepWrite::Delete),
        2 => (0..2_u8).prop_map(StepWrite::Append),
    ];
    (prop::collection::vec(check, 0..3), prop::collection::vec(write, 0..4))
        .prop_map(|(checks, writes)| Step { checks, writes })
}

fn key(key: u8) -> Bytes {
    format!("row/{key}").into()
}

/// What a group of concurrent commits has read before it begins.
struct Read {
    versions: Vec<Option<Version>>,
    fingerprints: Vec<Vec<Fingerprint>>,
    lease: Check,
}

async fn read(kv: &dyn Kv, lease: &Check) -> Read {
    let snapshot = kv.snapshot().await.unwrap();
    let keys: Vec<_> = (0..KEYS).map(key).collect();
    let versions =
        snapshot.get_many(&keys).await.unwrap().into_iter().map(|row| row.map(|row| row.version)).collect();
    let mut fingerprints = Vec::new();
    for from in 0..=KEYS {
        let mut row = Vec::new();
        for to in 0..=KEYS {
            row.push(snapshot.fingerprint(key(from)..key(to)).await.unwrap());
        }
        fingerprints.push(row);
    }
    Read { versions, fingerprints, lease: lease.clone() }
}

fn commit(step: &Step, read: &Read, id: u128) -> Commit {
    let mut commit = Commit { id: CommitId(id), ..Commit::new() };
    for check in &step.checks {
        commit = commit.check(match check {
            StepCheck::AsRead(at) => Check::Version(key(*at), read.versions[usize::from(*at)]),
            StepCheck::Absent(at) => Check::Version(key(*at), None),
            StepCheck::Bogus(at) => Check::Version(key(*at), Some(Version(u64::MAX))),
            StepCheck::Range(from, to) => {
                let fingerprint = read.fingerprints[usize::from(*from)][usize::from(*to)];
                Check::RangeUnchanged(key(*from)..key(*to), fingerprint)
            }
            StepCheck::Lease => read.lease.clone(),
        });
    }
    for write in &step.writes {
        commit = match write {
            StepWrite::Put(at, value) => commit.put(key(*at), vec![*value]),
            StepWrite::Delete(at) => commit.delete(key(*at)),
            StepWrite::Append(log) => commit.append(LogId::new(vec![b'l', *log]), "entry"),
        };
    }
    commit
}

/// Runs each group as commits that are under way at once: they share batches, in a known order.
async fn compare(groups: Vec<Vec<Step>>, reopen_after: usize) {
    let folder = tempfile::tempdir().unwrap();
    let oracle = MemoryKv::new();
    let mut engine = FjallKv::open(folder.path()).unwrap();
    let mut id = 0;
    let lease_key = LeaseKey::new("lease");
    let keep = std::time::Duration::from_secs(3600);
    let lease = acquire(&oracle, &lease_key, "us", keep).await.unwrap().unwrap().check();
    assert_eq!(acquire(&engine, &lease_key, "us", keep).await.unwrap().unwrap().check(), lease);
    for (index, group) in groups.into_iter().enumerate() {
        let (oracle_read, engine_read) = (read(&oracle, &lease).await, read(&engine, &lease).await);
        assert_eq!(oracle_read.versions, engine_read.versions);
        assert_eq!(oracle_read.fingerprints, engine_read.fingerprints);
        let commits: Vec<_> = group
            .iter()
            .map(|step| {
                id += 1;
                commit(step, &oracle_read, id)
            })
            .collect();
        let mut expected = Vec::new();
        for commit in &commits {
            expected.push(oracle.commit(commit.clone()).await);
        }
        // The first poll of each, in order, queues it.
        let found = join_all(commits.iter().map(|commit| engine.commit(commit.clone()))).await;
        assert_eq!(found, expected, "{group:?}");
        for commit in &commits {
            assert_eq!(engine.outcome(commit.id).await.unwrap(), oracle.outcome(commit.id).await.unwrap());
        }
        if index == reopen_after {
            drop(engine);
            engine = FjallKv::open(folder.path()).unwrap();
        }
        let rows = |kv: &[(Bytes, store::Versioned)]| -> Vec<_> {
            kv.iter().filter(|(key, _)| key != "lease").cloned().collect()
        };
        let all = everything(&oracle).await;
        assert_eq!(rows(&everything(&engine).await), rows(&all));
        let snapshot = engine.snapshot().await.unwrap();
        let backward = snapshot.scan(key(0)..key(KEYS), Order::Backward, 3).await.unwrap();
        let oracle_snapshot = oracle.snapshot().await.unwrap();
        assert_eq!(backward, oracle_snapshot.scan(key(0)..key(KEYS), Order::Backward, 3).await.unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_does_what_the_oracle_does(
        groups in prop::collection::vec(prop::collection::vec(step(), 1..12), 1..8),
        reopen_after in 0..8_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(compare(groups, reopen_after));
    }
}

/// The groups above are only worth something if their commits really share batches.
#[tokio::test]
async fn commits_under_way_at_once_share_a_batch() {
    let folder = tempfile::tempdir().unwrap();
    let batches = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let is_held = Arc::new(AtomicBool::new(true));
    let (counted, held) = (Arc::clone(&batches), Arc::clone(&is_held));
    let options = FjallOptions {
        fail_hook: Arc::new(move |point| {
            if point == store::FailPoint::BeforeWrite {
                counted.fetch_add(1, Ordering::SeqCst);
                while held.load(Ordering::SeqCst) {
                    std::thread::yield_now();
                }
            }
            Ok(())
        }),
        ..FjallOptions::default()
    };
    let kv = FjallKv::open_with(folder.path(), options).unwrap();
    let mut commits: Vec<_> =
        (0..100).map(|row| kv.commit(Commit::new().put(format!("{row}"), "1"))).collect();
    for commit in &mut commits {
        assert!(commit.now_or_never().is_none());
    }
    is_held.store(false, Ordering::SeqCst);
    for outcome in join_all(commits).await {
        outcome.unwrap();
    }
    let batches = batches.load(Ordering::SeqCst);
    assert!(batches <= 2, "one that was already on its way, one with all the rest: {batches}");
}
