//! What the embedded engine promises about the disk.

use std::fs;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use store::{
    Commit, CommitId, FailHook, FailPoint, FjallKv, FjallOptions, Kv, KvError, LogId, OUTCOME_KEPT_SECONDS,
    Order, Outcome, QUEUE_BYTES_MAX, VALUE_BYTES_MAX, log_range,
};

use crate::fixture::{HandClock, everything, get, open, put, value};

/// A hook that can be told to fail at a point, and counts.
#[derive(Clone, Default)]
struct Faults {
    fail_at: Arc<Mutex<Option<FailPoint>>>,
    reached: Arc<AtomicUsize>,
    fatal: Arc<Mutex<Vec<String>>>,
}

impl Faults {
    fn options(&self) -> FjallOptions {
        let faults = self.clone();
        let hook: FailHook = Arc::new(move |point| {
            faults.reached.fetch_add(1, Ordering::SeqCst);
            match *faults.fail_at.lock().unwrap() {
                Some(fail_at) if fail_at == point => Err(io::Error::other("the disk is gone")),
                _ => Ok(()),
            }
        });
        let fatal = Arc::clone(&self.fatal);
        FjallOptions {
            fail_hook: hook,
            on_fatal: Arc::new(move |reason| fatal.lock().unwrap().push(reason.to_owned())),
            ..FjallOptions::default()
        }
    }

    fn fail_at(&self, point: FailPoint) {
        *self.fail_at.lock().unwrap() = Some(point);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_readable_before_it_is_durable_nor_acknowledged_before_readable() {
    let folder = tempfile::tempdir().unwrap();
    let (arrived_sender, arrived) = mpsc::channel();
    let (go_on, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let is_armed = Arc::new(AtomicBool::new(false));
    let armed = Arc::clone(&is_armed);
    let hook: FailHook = Arc::new(move |point| {
        if armed.load(Ordering::SeqCst) {
            arrived_sender.send(point).unwrap();
            wait.lock().unwrap().recv().unwrap();
        }
        Ok(())
    });
    let options = FjallOptions { fail_hook: hook, ..FjallOptions::default() };
    let kv = Arc::new(FjallKv::open_with(folder.path(), options).unwrap());
    put(&*kv, "a", "old").await;
    is_armed.store(true, Ordering::SeqCst);
    let writer = tokio::spawn({
        let kv = Arc::clone(&kv);
        async move { kv.commit(Commit::new().put("a", "new").append(LogId::new("log"), "entry")).await }
    });
    let mut watch = kv.watch("a".into());

    for (point, readable) in [
        (FailPoint::BeforeWrite, "old"),
        (FailPoint::AfterSync, "old"),
        (FailPoint::BeforeAcknowledge, "new"),
    ] {
        let reached = tokio::task::block_in_place(|| arrived.recv_timeout(Duration::from_secs(20)).unwrap());
        assert_eq!(reached, point);
        assert_eq!(value(&*kv, "a").await.unwrap(), readable, "{point}");
        let entries = kv.snapshot().await.unwrap();
        let entries = entries.scan(log_range(&LogId::new("log"), 0), Order::Forward, 10).await.unwrap();
        assert_eq!(entries.len(), usize::from(readable == "new"), "{point}");
        assert!(!writer.is_finished(), "{point}");
        let woken = tokio::time::timeout(Duration::from_millis(1), watch.changed()).await;
        assert!(woken.is_err(), "no wake-up before it can be read: {point}");
        go_on.send(()).unwrap();
    }
    assert_eq!(writer.await.unwrap().unwrap(), Outcome::Done(vec![1]));
    is_armed.store(false, Ordering::SeqCst);
}

#[tokio::test]
async fn a_failed_disk_stops_the_store_and_tells_the_truth() {
    for (point, happened) in
        [(FailPoint::BeforeWrite, false), (FailPoint::AfterSync, true), (FailPoint::BeforeAcknowledge, true)]
    {
        let folder = tempfile::tempdir().unwrap();
        let faults = Faults::default();
        let kv = FjallKv::open_with(folder.path(), faults.options()).unwrap();
        put(&kv, "a", "1").await;
        let version = get(&kv, "a").await.unwrap().version;
        faults.fail_at(point);

        // The first one is a batch alone or not: all that would have been done are unknown, a conflict is not.
        let commits: Vec<_> = (0..4)
            .map(|writer| Commit::new().put(format!("new/{writer}"), "1").append(LogId::new("log"), "x"))
            .collect();
        let ids: Vec<CommitId> = commits.iter().map(|commit| commit.id).collect();
        let answers = join_all(commits.into_iter().map(|commit| kv.commit(commit))).await;
        let mut unknown = Vec::new();
        for (answer, id) in answers.into_iter().zip(ids) {
            match answer {
                Err(KvError::Indeterminate(named, reason)) => {
                    assert_eq!(named, id);
                    assert!(reason.contains("the disk is gone"), "{reason}");
                    unknown.push(id);
                }
                // Queued behind the batch that failed.
                Err(KvError::Determinate(message)) => assert!(message.contains("stopped"), "{message}"),
                other => panic!("{point}: {other:?}"),
            }
        }
        assert!(!unknown.is_empty());
        let later = kv.commit(Commit::new().put("b", "1")).await;
        assert!(matches!(later, Err(KvError::Determinate(message)) if message.contains("stopped")));
        if point != FailPoint::BeforeAcknowledge {
            assert_eq!(get(&kv, "new/0").await, None, "{point}: not known to be durable, so not readable");
            let outcome = kv.outcome(unknown[0]).await;
            assert!(matches!(outcome, Err(KvError::Indeterminate(..))), "{point}: {outcome:?}");
        }
        assert_eq!(get(&kv, "a").await.unwrap().version, version);
        drop(kv);
        let reasons = faults.fatal.lock().unwrap().clone();
        assert_eq!(reasons.len(), 1, "told once: {reasons:?}");
        assert!(reasons[0].contains("the disk is gone"));

        let kv = open(folder.path());
        for (sequence, id) in (1..).zip(unknown) {
            let outcome = kv.outcome(id).await.unwrap();
            assert_eq!(outcome, happened.then(|| vec![sequence]), "{point}");
        }
        assert_eq!(get(&kv, "new/0").await.is_some(), happened, "{point}");
        put(&kv, "a", "2").await;
    }
}

#[tokio::test]
async fn a_panic_of_the_committer_stops_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let fatal = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&fatal);
    let options = FjallOptions {
        fail_hook: Arc::new(|point| match point {
            FailPoint::AfterSync => panic!("a bug"),
            _ => Ok(()),
        }),
        on_fatal: Arc::new(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
        }),
        ..FjallOptions::default()
    };
    let kv = FjallKv::open_with(folder.path(), options).unwrap();
    let commit = Commit::new().put("a", "1");
    let id = commit.id;
    let answer = kv.commit(commit).await;
    assert!(matches!(answer, Err(KvError::Indeterminate(named, _)) if named == id), "{answer:?}");
    let later = kv.commit(Commit::new().put("b", "1")).await;
    assert!(matches!(later, Err(KvError::Determinate(_))), "{later:?}");
    drop(kv);
    assert_eq!(fatal.load(Ordering::SeqCst), 1);
    assert_eq!(value(&open(folder.path()), "a").await.unwrap(), "1", "it was on the disk");
}

#[tokio::test]
async fn reopening_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let log = LogId::new("log");
    let mut ids = Vec::new();
    let mut before = Vec::new();
    for round in 0..4_u64 {
        let kv = open(folder.path());
        assert_eq!(everything(&kv).await, before, "round {round}");
        for id in &ids {
            assert!(kv.outcome(*id).await.unwrap().is_some());
        }
        let last = get(&kv, "last").await.map(|row| row.version);
        let commit = Commit::new()
            .check_version("last", last)
            .put("last", round.to_string())
            .put(format!("row/{round}"), vec![b'x'; 100_000])
            .delete(format!("row/{}", round.wrapping_sub(2)))
            .append(log.clone(), "entry");
        ids.push(commit.id);
        assert_eq!(kv.commit(commit).await.unwrap(), Outcome::Done(vec![round + 1]));
        assert!(get(&kv, "last").await.unwrap().version > last.unwrap_or(store::Version(0)));
        before = everything(&kv).await;
    }
}

#[tokio::test]
async fn a_dropped_commit_future_still_commits_and_its_outcome_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let kv = open(folder.path());
    let commit = Commit::new().put("a", "1");
    let id = commit.id;
    let mut future = kv.commit(commit);
    assert!((&mut future).now_or_never().is_none());
    drop(future);
    assert_eq!(kv.outcome(id).await.unwrap(), Some(vec![]));
    assert_eq!(value(&kv, "a").await.unwrap(), "1");
}

#[tokio::test]
async fn the_queue_is_bounded_and_everybody_gets_through() {
    let folder = tempfile::tempdir().unwrap();
    let kv = open(folder.path());
    // Twice what the queue holds.
    let commits = QUEUE_BYTES_MAX / VALUE_BYTES_MAX / 4 * 2;
    let value = bytes::Bytes::from(vec![b'x'; VALUE_BYTES_MAX]);
    let writers = (0..commits).map(|writer| {
        let commit = (0..4).fold(Commit::new(), |commit, _| commit.put(format!("{writer}"), value.clone()));
        kv.commit(commit)
    });
    for outcome in join_all(writers).await {
        assert_eq!(outcome.unwrap(), Outcome::Done(vec![]));
    }
    let before = everything(&kv).await;
    assert_eq!(before.len(), commits);
    drop(kv);
    // More than one journal by now.
    assert_eq!(everything(&open(folder.path())).await, before);
}

#[tokio::test]
async fn a_full_disk_refuses_what_takes_room_and_lets_room_be_made() {
    let folder = tempfile::tempdir().unwrap();
    let kv = open(folder.path());
    put(&kv, "a", "1").await;
    drop(kv);
    let options = FjallOptions { disk_free_bytes_min: u64::MAX, ..FjallOptions::default() };
    let kv = FjallKv::open_with(folder.path(), options).unwrap();
    for commit in [Commit::new().put("b", "1"), Commit::new().delete("a").append(LogId::new("log"), "x")] {
        match kv.commit(commit).await {
            Err(KvError::Determinate(message)) => {
                assert!(
                    message.contains("full") && message.contains(&folder.path().display().to_string()),
                    "{message}"
                );
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(value(&kv, "a").await.unwrap(), "1", "reads go on");
    assert_eq!(kv.commit(Commit::new().delete("a")).await.unwrap(), Outcome::Done(vec![]));
    assert!(everything(&kv).await.is_empty());
}

#[tokio::test]
async fn old_outcomes_are_swept_and_recent_ones_kept() {
    let folder = tempfile::tempdir().unwrap();
    let hand = HandClock::at(1_000_000);
    let options = FjallOptions { clock: Some(hand.clock()), ..FjallOptions::default() };
    let kv = FjallKv::open_with(folder.path(), options.clone()).unwrap();
    let old = Commit::new().put("a", "1");
    let old_id = old.id;
    kv.commit(old).await.unwrap();
    hand.advance(OUTCOME_KEPT_SECONDS * 1000 - 1);
    let mut recent = Vec::new();
    for _ in 0..300 {
        let commit = Commit::new().put("a", "2");
        recent.push(commit.id);
        kv.commit(commit).await.unwrap();
    }
    assert!(kv.outcome(old_id).await.unwrap().is_some(), "kept for the whole hour");
    hand.advance(2);
    for _ in 0..300 {
        kv.commit(Commit::new().put("a", "3")).await.unwrap();
    }
    assert_eq!(kv.outcome(old_id).await.unwrap(), None);
    for id in &recent {
        assert!(kv.outcome(*id).await.unwrap().is_some());
    }
    drop(kv);
    // The history still checks with its front gone.
    let kv = FjallKv::open_with(folder.path(), options).unwrap();
    assert!(kv.outcome(recent[0]).await.unwrap().is_some());
    assert!(kv.now().await.unwrap().0 > OUTCOME_KEPT_SECONDS * 1000);
}

#[tokio::test]
async fn time_does_not_go_back_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let at = |millis| FjallOptions { clock: Some(HandClock::at(millis).clock()), ..FjallOptions::default() };
    let kv = FjallKv::open_with(folder.path(), at(50_000)).unwrap();
    put(&kv, "a", "1").await;
    drop(kv);
    let kv = FjallKv::open_with(folder.path(), at(1)).unwrap();
    assert_eq!(kv.now().await.unwrap().0, 50_000);
}

#[test]
fn a_folder_has_one_user() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path());
    let message = refused(folder.path());
    assert!(message.contains(&folder.path().display().to_string()), "{message}");
    assert!(message.contains("in use by this process"), "{message}");
    drop(first);
    open(folder.path());
}

fn refused(folder: &Path) -> String {
    match FjallKv::open(folder) {
        Err(KvError::Determinate(message)) => message,
        Err(error) => panic!("another error: {error:?}"),
        Ok(_) => panic!("opened"),
    }
}

fn corrupt(folder: &Path) -> String {
    match FjallKv::open(folder) {
        Err(KvError::Corrupt(message)) => message,
        Err(error) => panic!("another error: {error:?}"),
        Ok(_) => panic!("opened"),
    }
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    fs::write(folder.path().join("format"), "2\n").unwrap();
    let message = refused(folder.path());
    assert!(message.contains("format 2") && message.contains("newer"), "{message}");
    fs::write(folder.path().join("format"), "what").unwrap();
    assert!(corrupt(folder.path()).contains("format"));
    fs::remove_file(folder.path().join("format")).unwrap();
    assert!(corrupt(folder.path()).contains("format"), "data is never taken for an empty folder");
    fs::write(folder.path().join("format"), "1\n").unwrap();
    open(folder.path());
}

#[tokio::test]
async fn a_creation_that_was_cut_short_starts_over() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("engine")).unwrap();
    fs::write(folder.path().join("engine/0.jnl"), "half").unwrap();
    fs::write(folder.path().join("creating"), "").unwrap();
    let kv = open(folder.path());
    put(&kv, "a", "1").await;
    drop(kv);
    assert!(!folder.path().join("creating").exists());
    assert_eq!(value(&open(folder.path()), "a").await.unwrap(), "1");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let inside = folder.path().join("file/store");
    assert!(refused(&inside).contains("file/store"));
}

/// The journal of a small store, and how many bytes of it are used.
fn journal(folder: &Path) -> (PathBuf, u64) {
    let mut journals: Vec<_> = fs::read_dir(folder.join("engine"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jnl"))
        .collect();
    assert_eq!(journals.len(), 1);
    let path = journals.remove(0);
    let bytes = fs::read(&path).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap() as u64 + 1;
    (path, used)
}

/// A store of twenty acknowledged commits, closed.
async fn twenty_commits() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let kv = open(folder.path());
    for row in 0..20 {
        put(&kv, &format!("row/{row}"), &"x".repeat(200)).await;
    }
    folder
}

#[tokio::test]
async fn a_lost_end_of_the_journal_is_reported() {
    let folder = twenty_commits().await;
    let (path, used) = journal(folder.path());
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_len(used / 2).unwrap();
    let message = corrupt(folder.path());
    assert!(message.contains("to 20 were acknowledged but are not there"), "{message}");
    assert!(corrupt(folder.path()).contains("acknowledged"), "again, until somebody decides");
    fs::remove_file(folder.path().join("head")).unwrap();
    let kv = open(folder.path());
    let kept = everything(&kv).await.len();
    assert!((5..15).contains(&kept), "{kept}");
    put(&kv, "a", "1").await;
}

fn is_as_put((_, row): &(bytes::Bytes, store::Versioned)) -> bool {
    row.value == "x".repeat(200)
}

/// In the last batch a greater sequence has nothing after it to be compared with, and does no harm: it is still
/// the last.
#[tokio::test]
async fn a_flipped_byte_in_the_journal_is_noticed_and_nothing_is_cut_off() {
    let folder = twenty_commits().await;
    let (path, used) = journal(folder.path());
    let mut whole = fs::read(&path).unwrap();
    whole.truncate(used as usize);
    let last_batch = whole.len() * 19 / 20;
    // A step that is no divisor of a batch's size visits every sort of field; the first batch byte by byte.
    for at in (0..400).chain((400..whole.len()).step_by(61)) {
        // Opened each time: a journal may be put back by a rename.
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.write_all_at(&[whole[at] ^ 0x10], at as u64).unwrap();
        match FjallKv::open(folder.path()) {
            Err(KvError::Corrupt(_)) => {}
            Err(error) => panic!("byte {at}: {error:?}"),
            Ok(kv) => {
                // Or harmless: lengths that stand there twice are read once.
                let rows = everything(&kv).await;
                assert!(
                    at >= last_batch || rows.iter().all(is_as_put),
                    "byte {at} of {used} was not noticed"
                );
                assert_eq!(rows.len(), 20, "byte {at} of {used}");
            }
        }
        // Only the byte: the refusal has left everything else as it was.
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.write_all_at(&whole[at..=at], at as u64).unwrap();
    }
    assert_eq!(everything(&open(folder.path())).await.len(), 20, "repaired, it opens");
}

#[tokio::test]
async fn an_older_copy_of_the_engine_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let kv = open(folder.path());
    put(&kv, "a", "1").await;
    drop(kv);
    let (path, _) = journal(folder.path());
    let old = fs::read(&path).unwrap();
    let kv = open(folder.path());
    put(&kv, "a", "2").await;
    drop(kv);
    fs::write(&path, old).unwrap();
    assert!(corrupt(folder.path()).contains("batches 2 to 2"));
}

/// Opens the engine behind the store's back.
fn with_engine(folder: &Path, change: impl FnOnce(&fjall::Keyspace)) {
    let database = fjall::Database::builder(folder.join("engine")).open().unwrap();
    change(&database.keyspace("rows", fjall::KeyspaceCreateOptions::default).unwrap());
    database.persist(fjall::PersistMode::SyncAll).unwrap();
}

fn record_key(number: u64) -> Vec<u8> {
    [&b"\0r"[..], &number.to_be_bytes()].concat()
}

#[tokio::test]
async fn a_batch_missing_in_the_middle_is_noticed() {
    let folder = twenty_commits().await;
    with_engine(folder.path(), |rows| rows.remove(record_key(7)).unwrap());
    let message = corrupt(folder.path());
    assert!(message.contains("batches 7 to 7 are missing in the middle"), "{message}");
}

#[tokio::test]
async fn a_changed_batch_is_noticed() {
    for number in [1, 9, 20] {
        let folder = twenty_commits().await;
        with_engine(folder.path(), |rows| {
            let mut record = rows.get(record_key(number)).unwrap().unwrap().to_vec();
            *record.last_mut().unwrap() ^= 1;
            rows.insert(record_key(number), record).unwrap();
        });
        let opened = FjallKv::open(folder.path());
        // The oldest has nothing before it to be checked against, which matters to nobody: it is the first to go.
        assert_eq!(opened.is_err(), number != 1, "record {number}");
        if let Err(error) = opened {
            assert_eq!(error, KvError::Corrupt(format!("batch {number} is not what was acknowledged")));
        }
    }
}

#[tokio::test]
async fn a_deleted_engine_is_noticed() {
    let folder = twenty_commits().await;
    fs::remove_dir_all(folder.path().join("engine")).unwrap();
    assert!(corrupt(folder.path()).contains("batches 1 to 20"));
}

#[tokio::test]
async fn a_torn_head_file_does_not_stop_the_store() {
    let folder = twenty_commits().await;
    for torn in [&b""[..], b"kv-head1", &[7; 40], &[0; 100]] {
        fs::write(folder.path().join("head"), torn).unwrap();
        let kv = open(folder.path());
        assert_eq!(everything(&kv).await.len(), 20);
    }
}

#[tokio::test]
async fn data_outlives_many_flushes_and_compactions() {
    let folder = tempfile::tempdir().unwrap();
    let options = FjallOptions { memtable_bytes: 256 * 1024, ..FjallOptions::default() };
    let kv = Arc::new(FjallKv::open_with(folder.path(), options.clone()).unwrap());
    let written = Arc::new(AtomicU64::new(0));
    let writers = (0..8).map(|writer| {
        let (kv, written) = (Arc::clone(&kv), Arc::clone(&written));
        tokio::spawn(async move {
            for row in 0..100_u64 {
                let value = vec![row as u8; 4096];
                let commit = Commit::new().put(format!("{writer}/{}", row % 50), value);
                kv.commit(commit).await.unwrap();
                written.fetch_add(1, Ordering::SeqCst);
            }
        })
    });
    for writer in join_all(writers).await {
        writer.unwrap();
    }
    let before = everything(&*kv).await;
    assert_eq!((before.len(), written.load(Ordering::SeqCst)), (400, 800));
    drop(kv);
    let kv = FjallKv::open_with(folder.path(), options).unwrap();
    assert_eq!(everything(&kv).await, before);
}

#[tokio::test]
async fn deleted_rows_give_their_room_back() {
    let folder = tempfile::tempdir().unwrap();
    let options = FjallOptions { memtable_bytes: 256 * 1024, ..FjallOptions::default() };
    let kv = FjallKv::open_with(folder.path(), options).unwrap();
    assert!(!kv.reclaim_if_due().await.unwrap(), "nothing was deleted");
    for first in (0..20_000).step_by(500) {
        let rows = (first..first + 500)
            .fold(Commit::new(), |commit, row| commit.put(format!("row/{row:05}"), vec![row as u8; 1024]));
        kv.commit(rows).await.unwrap();
    }
    // Between two flushes nothing waits and nothing runs for a moment: the size says when all is written.
    let full = tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            settled(&kv).await;
            let table_bytes = kv.activity().table_bytes;
            if table_bytes > 15 << 20 {
                return table_bytes;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await
    .expect("20,000 rows of 1 KiB become tables");
    assert_eq!(store::clear(&kv, "row/".into()).await.unwrap(), 20_000);
    assert!(kv.reclaim_if_due().await.unwrap());
    assert!(!kv.reclaim_if_due().await.unwrap(), "once is enough");
    // What a flush that ran beside it wrote afterwards is the next one's.
    tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            settled(&kv).await;
            if kv.activity().table_bytes < full / 10 {
                return;
            }
            kv.reclaim().await.unwrap();
        }
    })
    .await
    .unwrap_or_else(|_| panic!("{} of {full} bytes are still in tables", kv.activity().table_bytes));
    assert!(everything(&kv).await.is_empty());
    put(&kv, "a", "1").await;
    drop(kv);
    assert_eq!(everything(&open(folder.path())).await.len(), 1);
}

async fn settled(kv: &FjallKv) {
    while kv.activity().flushes_waiting > 0 || kv.activity().compactions_running > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
