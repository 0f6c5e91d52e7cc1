//! The end of the journal after a power loss in the middle of a write: a part of a batch nobody was told of.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use store::{FjallKv, KvError};
use tempfile::TempDir;

use crate::disk;
use crate::fixture::{everything, open, put};

const ROWS: usize = 5;

/// A store of acknowledged rows, closed, and where in its journal each batch ends.
struct Written {
    folder: TempDir,
    ends: Vec<usize>,
}

impl Written {
    async fn rows(count: usize) -> Self {
        let folder = disk::scratch();
        let mut ends = Vec::new();
        for row in 0..count {
            // Opened each time, so that what is written ends with the batch.
            put(&open(folder.path()), &format!("row/{row}"), &"x".repeat(500)).await;
            ends.push(used(folder.path()));
        }
        Self { folder, ends }
    }

    fn journal(&self) -> Vec<u8> {
        let mut bytes = fs::read(journal(self.folder.path())).unwrap();
        bytes.truncate(self.ends[self.ends.len() - 1]);
        bytes
    }
}

fn journal(folder: &Path) -> PathBuf {
    folder.join("engine/0.jnl")
}

fn used(folder: &Path) -> usize {
    fs::read(journal(folder)).unwrap().iter().rposition(|byte| *byte != 0).unwrap() + 1
}

/// Lays bytes over the journal from a place on.
fn lay(folder: &Path, at: usize, bytes: &[u8]) {
    let file = fs::File::options().write(true).open(journal(folder)).unwrap();
    file.write_all_at(bytes, at as u64).unwrap();
}

fn refusal(folder: &Path) -> String {
    match FjallKv::open(folder) {
        Err(KvError::Corrupt(message)) => message,
        Err(error) => panic!("another error: {error:?}"),
        Ok(_) => panic!("opened"),
    }
}

#[tokio::test]
async fn a_torn_batch_that_nobody_was_told_of_is_cut_off() {
    let all = Written::rows(ROWS + 1).await;
    let torn = all.journal()[all.ends[ROWS - 1]..].to_vec();
    let holes = [0..1, 1..13, 0..40, 40..torn.len() / 2, 30..torn.len() - 4, torn.len() / 2..torn.len()];
    for hole in holes {
        let store = Written::rows(ROWS).await;
        let mut part = torn.clone();
        part[hole.clone()].fill(0);
        lay(store.folder.path(), store.ends[ROWS - 1], &part);
        let kv = open(store.folder.path());
        assert_eq!(everything(&kv).await.len(), ROWS, "{hole:?}");
        put(&kv, "after", "1").await;
        drop(kv);
        assert_eq!(everything(&open(store.folder.path())).await.len(), ROWS + 1, "{hole:?}");
        let left: Vec<_> =
            fs::read_dir(store.folder.path()).unwrap().map(|file| file.unwrap().path()).collect();
        assert!(!left.iter().any(|path| path.to_string_lossy().ends_with(".saved")), "{left:?}");
    }
}

#[tokio::test]
async fn a_damaged_batch_that_was_acknowledged_is_never_cut_off() {
    // The last one: the head tells that it was acknowledged.
    let store = Written::rows(ROWS).await;
    lay(store.folder.path(), store.ends[ROWS - 2] + 60, &[0; 50]);
    let before = store.journal();
    assert!(refusal(store.folder.path()).contains("were acknowledged but are not there"));
    assert!(store.journal() == before, "the refusal changes nothing");

    // One with others behind it, without the head: what lies behind it tells that it was synced.
    let store = Written::rows(ROWS).await;
    fs::remove_file(store.folder.path().join("head")).unwrap();
    lay(store.folder.path(), store.ends[ROWS - 3] + 60, &[0; 50]);
    let before = store.journal();
    let message = refusal(store.folder.path());
    assert!(message.contains(&format!("is damaged at byte {}", store.ends[ROWS - 3])), "{message}");
    assert!(store.journal() == before, "the refusal changes nothing");
}

#[tokio::test]
async fn the_first_batch_is_cut_off_only_if_nobody_was_told() {
    let store = Written::rows(1).await;
    lay(store.folder.path(), 30, &[0; 50]);
    let before = store.journal();
    assert!(refusal(store.folder.path()).contains("batches 1 to 1 were acknowledged"));
    assert!(store.journal() == before, "the refusal changes nothing");
    fs::remove_file(store.folder.path().join("head")).unwrap();
    assert!(everything(&open(store.folder.path())).await.is_empty());
}
