//! Filling a table that is being built.
//!
//! Undoing changes: the state of a table at a moment, from its state now and the log of its changes.

use bytes::Bytes;
use service::{Context, Result};
use store::{BlobId, LogId, Order, Snapshot, log_range};

use super::building::Building;
use super::contents::BackupRows;
use crate::items::encode_item;
use crate::keys::just_after;
use crate::streams::Entry;
use crate::value::decode_attributes;

/// Rows copied at once; a row can have 400 KB.
const ROWS_AT_ONCE: usize = 64;

/// Changes read at once.
const ENTRIES_AT_ONCE: usize = 64;

/// Changes that are committed at once may have times a little out of order: this far behind the moment none of them is
/// younger.
const DISORDER_MILLIS_MAX: i64 = 60_000;

/// What a table is filled with.
pub(crate) enum Contents {
    OfBackup(BlobId),
    OfPast(Past),
}

/// A table at a moment.
pub(crate) struct Past {
    /// What the keys of its items begin with.
    pub(crate) items: Bytes,
    /// Its changes.
    pub(crate) log: LogId,
    pub(crate) moment_epoch_millis: i64,
}

impl Contents {
    pub(crate) async fn fill(&self, cx: &Context, building: &mut Building<'_>) -> Result<()> {
        match self {
            Contents::OfBackup(blob) => {
                let mut rows = BackupRows::open(cx, blob).await?;
                while let Some((end_of_key, row)) = rows.next().await? {
                    building.put(&end_of_key, row).await?;
                }
                Ok(())
            }
            Contents::OfPast(past) => past.fill(cx, building).await,
        }
    }
}

impl Past {
    /// The items as they are, less what was changed since.
    async fn fill(&self, cx: &Context, building: &mut Building<'_>) -> Result<()> {
        let snapshot = cx.platform().kv().snapshot().await?;
        let mut range = store::prefix_range(&self.items);
        loop {
            let rows = snapshot.scan(range.clone(), Order::Forward, ROWS_AT_ONCE).await?;
            let Some((last, _)) = rows.last() else { break };
            range.start = just_after(last);
            for (key, row) in &rows {
                building.put(&key[self.items.len()..], row.value.clone()).await?;
            }
        }
        undo_since(building, snapshot.as_ref(), &self.items, &self.log, self.moment_epoch_millis).await
    }
}

/// Undoes, in a table that holds the items as they are in the snapshot, each change that was made after a moment, the
/// newest first.
async fn undo_since(
    building: &mut Building<'_>,
    snapshot: &dyn Snapshot,
    items_prefix: &Bytes,
    log: &LogId,
    moment_epoch_millis: i64,
) -> Result<()> {
    let mut range = log_range(log, 0);
    loop {
        let rows = snapshot.scan(range.clone(), Order::Backward, ENTRIES_AT_ONCE).await?;
        let Some((last, _)) = rows.last() else { return Ok(()) };
        range.end = last.clone();
        for (_, row) in &rows {
            let entry = Entry::decode(&row.value)?;
            if entry.at_epoch_millis < moment_epoch_millis - DISORDER_MILLIS_MAX {
                return Ok(());
            }
            if entry.at_epoch_millis <= moment_epoch_millis {
                continue;
            }
            let Some(end_of_key) = entry.keys.strip_prefix(&items_prefix[..]) else { continue };
            match &entry.old {
                Some(old) => {
                    let item = decode_attributes(old).map_err(anyhow::Error::new)?;
                    building.put(end_of_key, encode_item(&item)).await?;
                }
                None => building.remove(end_of_key).await?,
            }
        }
    }
}
