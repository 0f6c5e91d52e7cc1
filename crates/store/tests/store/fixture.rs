//! Engines to test, and short words for common steps.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use store::{
    Clock, Commit, EngineTime, FjallKv, FjallOptions, Kv, MemoryKv, Order, Outcome, SCAN_ROWS_MAX, Versioned,
    prefix_range,
};
use tempfile::TempDir;

/// An engine and the folder it lives in.
pub(crate) struct Fixture {
    pub(crate) kv: Arc<dyn Kv>,
    _folder: Option<TempDir>,
}

/// How to make an engine.
pub(crate) type Make = fn(Option<Clock>) -> Fixture;

pub(crate) fn memory(clock: Option<Clock>) -> Fixture {
    let kv = clock.map_or_else(MemoryKv::new, MemoryKv::with_clock);
    Fixture { kv: Arc::new(kv), _folder: None }
}

pub(crate) fn fjall(clock: Option<Clock>) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let kv = FjallKv::open_with(folder.path(), FjallOptions { clock, ..FjallOptions::default() }).unwrap();
    Fixture { kv: Arc::new(kv), _folder: Some(folder) }
}

pub(crate) fn open(folder: &Path) -> FjallKv {
    FjallKv::open(folder).unwrap()
}

/// A clock that moves when told to.
#[derive(Clone, Default)]
pub(crate) struct HandClock(Arc<AtomicU64>);

impl HandClock {
    pub(crate) fn at(millis: u64) -> Self {
        Self(Arc::new(AtomicU64::new(millis)))
    }

    pub(crate) fn advance(&self, millis: u64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }

    pub(crate) fn clock(&self) -> Clock {
        let millis = Arc::clone(&self.0);
        Arc::new(move || EngineTime(millis.load(Ordering::SeqCst)))
    }
}

pub(crate) async fn get(kv: &dyn Kv, key: &str) -> Option<Versioned> {
    kv.snapshot().await.unwrap().get(key.as_bytes()).await.unwrap()
}

pub(crate) async fn value(kv: &dyn Kv, key: &str) -> Option<String> {
    get(kv, key).await.map(|row| String::from_utf8(row.value.to_vec()).unwrap())
}

pub(crate) async fn put(kv: &dyn Kv, key: &str, value: &str) {
    let commit =
        Commit::new().put(Bytes::copy_from_slice(key.as_bytes()), Bytes::copy_from_slice(value.as_bytes()));
    assert_eq!(kv.commit(commit).await.unwrap(), Outcome::Done(vec![]));
}

/// Every key there is and what it holds.
pub(crate) async fn everything(kv: &dyn Kv) -> Vec<(Bytes, Versioned)> {
    let snapshot = kv.snapshot().await.unwrap();
    snapshot.scan(prefix_range(b""), Order::Forward, SCAN_ROWS_MAX).await.unwrap()
}

pub(crate) fn keys(rows: &[(Bytes, Versioned)]) -> Vec<&str> {
    rows.iter().map(|(key, _)| std::str::from_utf8(key).unwrap()).collect()
}
