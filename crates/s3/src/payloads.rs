//! Payloads that come and go: what a crash leaves of one, and what no version names any more, is deleted in the
//! background.
//!
//! A payload is noted before it is received, and the note goes with the commit that names it. A commit that takes the last
//! name of a payload notes it as freed. So nothing is lost to a crash, and nothing is ever looked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use service::{Failure, Platform};
use store::{Commit, Order};

use crate::object::{Part, Place, blob_id, decode_parts};
use crate::tables;

/// Notes that are worked off in one go.
const NOTES_AT_ONCE: usize = 256;

/// One run of the server: whatever another one was receiving is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run(pub(crate) [u8; 8]);

impl Run {
    /// A new name; the low half of a commit's is chance.
    pub(crate) fn this() -> Self {
        Run((store::CommitId::random().0 as u64).to_be_bytes())
    }
}

/// Payloads that are being sent part by part: they stay until that is done.
#[derive(Debug, Default)]
pub(crate) struct Pins {
    pinned: Mutex<HashMap<[u8; 16], usize>>,
}

impl Pins {
    pub(crate) fn pin(self: &Arc<Self>, blobs: Vec<[u8; 16]>) -> Pinned {
        let mut pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        for blob in &blobs {
            *pinned.entry(*blob).or_default() += 1;
        }
        Pinned { pins: self.clone(), blobs }
    }

    fn holds(&self, blob: &[u8; 16]) -> bool {
        self.pinned.lock().unwrap_or_else(PoisonError::into_inner).contains_key(blob)
    }
}

/// Keeps payloads as long as it lives.
#[derive(Debug)]
pub(crate) struct Pinned {
    pins: Arc<Pins>,
    blobs: Vec<[u8; 16]>,
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let mut pinned = self.pins.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        for blob in &self.blobs {
            if let Some(count) = pinned.get_mut(blob) {
                *count -= 1;
                if *count == 0 {
                    pinned.remove(blob);
                }
            }
        }
    }
}

/// Deletes some freed payloads; `false` when there is none to delete.
pub(crate) async fn delete_freed(platform: &Platform, pins: &Pins) -> Result<bool, Failure> {
    let snapshot = platform.kv().snapshot().await?;
    let mut range = tables::all_freed();
    let mut commit = Commit::new();
    while commit.writes.is_empty() {
        let rows = snapshot.scan(range.clone(), Order::Forward, NOTES_AT_ONCE).await?;
        let Some((last, _)) = rows.last() else { return Ok(false) };
        range.start = [&last[..], &[0]].concat().into();
        for (key, _) in rows {
            let Some(blob) = tables::read_blob(&key).filter(|blob| !pins.holds(blob)) else { continue };
            platform.blobs().delete(&blob_id(&blob)?).await?;
            commit = commit.delete(key);
        }
    }
    platform.kv().commit(commit).await?;
    Ok(true)
}

/// Deletes a freed list of parts and what it names; `false` when there is none to delete.
pub(crate) async fn delete_freed_list(platform: &Platform, pins: &Pins) -> Result<bool, Failure> {
    let snapshot = platform.kv().snapshot().await?;
    for (note, _) in snapshot.scan(tables::all_freed_lists(), Order::Forward, NOTES_AT_ONCE).await? {
        let Some((account, list)) = tables::read_freed_list(&note) else { continue };
        let row_key = tables::list_of_parts(&account, &list);
        let row = snapshot.get(&row_key).await?;
        let parts = row.and_then(|row| decode_parts(&row.value)).unwrap_or_default();
        let is_pinned = |part: &Part| matches!(&part.piece.place, Place::Blob(id) if pins.holds(id));
        if parts.iter().any(is_pinned) {
            continue;
        }
        for parts in parts.chunks(NOTES_AT_ONCE) {
            let mut commit = Commit::new();
            for part in parts {
                match &part.piece.place {
                    Place::Inline(_) => {}
                    Place::Row(id) => commit = commit.delete(tables::data(&account, id)),
                    Place::Blob(id) => platform.blobs().delete(&blob_id(id)?).await?,
                }
            }
            if !commit.writes.is_empty() {
                platform.kv().commit(commit).await?;
            }
        }
        platform.kv().commit(Commit::new().delete(row_key).delete(note)).await?;
        return Ok(true);
    }
    Ok(false)
}

/// Deletes what other runs of the server were receiving; `false` when there is nothing left.
pub(crate) async fn delete_abandoned(platform: &Platform, run: Run) -> Result<bool, Failure> {
    let snapshot = platform.kv().snapshot().await?;
    let mut range = tables::all_incoming();
    let mut commit = Commit::new();
    while commit.writes.is_empty() {
        let rows = snapshot.scan(range.clone(), Order::Forward, NOTES_AT_ONCE).await?;
        let Some((last, _)) = rows.last() else { return Ok(false) };
        range.start = [&last[..], &[0]].concat().into();
        for (key, row) in rows {
            let Some(blob) = tables::read_blob(&key).filter(|_| row.value[..] != run.0) else { continue };
            platform.blobs().delete(&blob_id(&blob)?).await?;
            commit = commit.check_version(key.clone(), Some(row.version)).delete(key);
        }
    }
    platform.kv().commit(commit).await?;
    Ok(true)
}
