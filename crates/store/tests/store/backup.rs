//! Backups: one moment of everything, taken while it changes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use store::{
    BlobId, Blobs, Commit, Copied, FjallKv, Kv, KvError, LocalBlobs, LogId, MemoryBlobs, MemoryKv, Order,
    SCAN_ROWS_MAX, backup, log_range, log_sequence, prefix_range, restore,
};
use tempfile::TempDir;

use crate::fixture::{everything, open, put};

/// Rows that stay with each writer.
const KEPT: u64 = 20;

/// A store that is written to as long as it lives.
struct Load {
    kv: Arc<FjallKv>,
    blobs: Arc<LocalBlobs>,
    stop: Arc<AtomicBool>,
    writers: tokio::task::JoinSet<u64>,
    _folder: TempDir,
}

impl Load {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let kv = Arc::new(open(&folder.path().join("kv")));
        let blobs = Arc::new(LocalBlobs::open(&folder.path().join("blobs")).unwrap());
        let stop = Arc::new(AtomicBool::new(false));
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..4 {
            let (kv, blobs, stop) = (Arc::clone(&kv), Arc::clone(&blobs), Arc::clone(&stop));
            writers.spawn(async move {
                let mut ids: Vec<BlobId> = Vec::new();
                let mut number = 0;
                while !stop.load(Ordering::SeqCst) || number < 2 * KEPT {
                    let id = blobs.put(body(writer, number)).await.unwrap();
                    let name = format!("{writer}/{number:06}");
                    let mut commit = Commit::new()
                        .put(format!("left/{name}"), id.to_string())
                        .put(format!("right/{name}"), id.to_string())
                        .append(LogId::new("log"), name);
                    ids.push(id);
                    let gone = number.checked_sub(KEPT);
                    if let Some(gone) = gone {
                        let name = format!("{writer}/{gone:06}");
                        commit = commit.delete(format!("left/{name}")).delete(format!("right/{name}"));
                    }
                    kv.commit(commit).await.unwrap();
                    if let Some(gone) = gone {
                        blobs.delete(&ids[gone as usize]).await.unwrap();
                    }
                    number += 1;
                }
                number
            });
        }
        Self { kv, blobs, stop, writers, _folder: folder }
    }

    async fn end(mut self) -> (Arc<FjallKv>, Arc<LocalBlobs>, TempDir) {
        self.stop.store(true, Ordering::SeqCst);
        while let Some(written) = self.writers.join_next().await {
            assert!(written.unwrap() >= 2 * KEPT);
        }
        (self.kv, self.blobs, self._folder)
    }
}

fn body(writer: u64, number: u64) -> Bytes {
    Bytes::from(format!("{writer}/{number:06}").repeat(1 + (number as usize * 37) % 9_000))
}

async fn restored(from: &Path, into: &Path) -> (FjallKv, LocalBlobs, Copied) {
    let kv = open(&into.join("kv"));
    let blobs = LocalBlobs::open(&into.join("blobs")).unwrap();
    let copied = restore(from, &kv, &blobs, &mut |_| {}).await.unwrap();
    (kv, blobs, copied)
}

/// Each pair whole, each blob there, the log without a gap.
async fn is_one_moment(kv: &dyn Kv, blobs: &dyn Blobs) {
    let snapshot = kv.snapshot().await.unwrap();
    let mut sides = Vec::new();
    for side in ["left/", "right/"] {
        let rows = snapshot.scan(prefix_range(side.as_bytes()), Order::Forward, SCAN_ROWS_MAX).await.unwrap();
        let rows: BTreeSet<(String, String)> = rows
            .into_iter()
            .map(|(key, row)| {
                let name = std::str::from_utf8(&key).unwrap().strip_prefix(side).unwrap().to_owned();
                (name, String::from_utf8(row.value.to_vec()).unwrap())
            })
            .collect();
        sides.push(rows);
    }
    assert_eq!(sides[0], sides[1]);
    for (name, id) in &sides[0] {
        let (writer, number) = name.split_once('/').unwrap();
        let expected = body(writer.parse().unwrap(), number.parse().unwrap());
        assert_eq!(blobs.get(&id.parse().unwrap()).await.unwrap(), expected, "{name}");
    }
    let log = snapshot.scan(log_range(&LogId::new("log"), 0), Order::Forward, SCAN_ROWS_MAX).await.unwrap();
    for (sequence, (key, _)) in (1..).zip(&log) {
        assert_eq!(log_sequence(key), Some(sequence));
    }
    assert!(log.len() >= sides[0].len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_is_one_moment_with_its_blobs() {
    let load = Load::start();
    let place = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let into = place.path().join(format!("backup-{round}"));
        let mut calls = 0;
        let copied = backup(&*load.kv, &*load.blobs, &into, &mut |_| calls += 1).await.unwrap();
        assert!(calls > 0);
        let new = tempfile::tempdir().unwrap();
        let (kv, blobs, restored) = restored(&into, new.path()).await;
        assert_eq!(restored, copied);
        is_one_moment(&kv, &blobs).await;
        // It goes on where the backup ends.
        kv.commit(Commit::new().append(LogId::new("log"), "next")).await.unwrap();
    }
    let (kv, blobs, _folder) = load.end().await;
    is_one_moment(&*kv, &*blobs).await;
    assert_eq!(blobs.list().await.unwrap().len() as u64, 4 * KEPT, "what was held back is deleted");
}

#[tokio::test]
async fn everything_comes_back_whatever_the_sizes() {
    let place = tempfile::tempdir().unwrap();
    let kv = MemoryKv::new();
    let blobs = MemoryBlobs::new();
    for size in [0, 1, 1000, 300_000, 1024 * 1024] {
        kv.commit(Commit::new().put(format!("{size}"), vec![b'x'; size])).await.unwrap();
        blobs.put(Bytes::from(vec![b'x'; size])).await.unwrap();
    }
    for number in 0..2_500 {
        put(&kv, &format!("many/{number}"), "x").await;
    }
    let from = place.path().join("backup");
    let copied = backup(&kv, &blobs, &from, &mut |_| {}).await.unwrap();
    assert_eq!((copied.rows, copied.blobs, copied.blobs_in_all), (2_505, 5, 5));
    let new = tempfile::tempdir().unwrap();
    let (restored_kv, restored_blobs, _) = restored(&from, new.path()).await;
    let values = |rows: Vec<(Bytes, store::Versioned)>| -> Vec<(Bytes, Bytes)> {
        rows.into_iter().map(|(key, row)| (key, row.value)).collect()
    };
    assert_eq!(values(everything(&restored_kv).await), values(everything(&kv).await));
    for blob in blobs.list().await.unwrap() {
        assert_eq!(restored_blobs.get(&blob.id).await.unwrap(), blobs.get(&blob.id).await.unwrap());
    }
    let again = restore(&from, &restored_kv, &restored_blobs, &mut |_| {}).await;
    assert!(matches!(again, Err(KvError::Determinate(message)) if message.contains("empty store only")));
}

#[tokio::test]
async fn what_is_no_whole_backup_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let (kv, blobs) = (MemoryKv::new(), MemoryBlobs::new());
    put(&kv, "a", "1").await;
    put(&kv, "b", "2").await;
    blobs.put(Bytes::from_static(b"payload")).await.unwrap();
    let from = place.path().join("backup");
    backup(&kv, &blobs, &from, &mut |_| {}).await.unwrap();
    let full = backup(&kv, &blobs, &from, &mut |_| {}).await;
    assert!(matches!(full, Err(KvError::Determinate(message)) if message.contains("is not empty")));

    let refusal = async || {
        let new = tempfile::tempdir().unwrap();
        let kv = open(&new.path().join("kv"));
        let blobs = LocalBlobs::open(&new.path().join("blobs")).unwrap();
        restore(&from, &kv, &blobs, &mut |_| {}).await.unwrap_err()
    };
    let manifest = fs::read_to_string(from.join("backup")).unwrap();
    fs::write(from.join("backup"), manifest.replace("backup 1", "backup 2")).unwrap();
    let newer = refusal().await.to_string();
    assert!(newer.contains("format 2") && newer.contains("newer version"), "{newer}");
    fs::write(from.join("backup"), "what").unwrap();
    assert!(matches!(refusal().await, KvError::Corrupt(_)));
    fs::remove_file(from.join("backup")).unwrap();
    assert!(refusal().await.to_string().contains("no complete backup"));
    fs::write(from.join("backup"), &manifest).unwrap();

    let rows = fs::read(from.join("rows")).unwrap();
    for at in 0..rows.len() {
        let mut flipped = rows.clone();
        flipped[at] ^= 0x20;
        fs::write(from.join("rows"), flipped).unwrap();
        assert!(matches!(refusal().await, KvError::Corrupt(_)), "byte {at}");
    }
    for length in [0, 3, 7, 20, rows.len() - 1] {
        fs::write(from.join("rows"), &rows[..length]).unwrap();
        assert!(matches!(refusal().await, KvError::Corrupt(_)), "{length} bytes");
    }
    fs::write(from.join("rows"), &rows).unwrap();
    fs::remove_dir_all(from.join("blobs")).unwrap();
    assert!(matches!(refusal().await, KvError::Corrupt(message) if message.contains("1 blobs")));
}
