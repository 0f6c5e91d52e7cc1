//! Removing what deleted tables and indexes left behind, in the background.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use service::{Platform, Result};
use store::{Commit, Order, Txn};
use tasks::{OnFailure, Progress, TaskKind, Worker};

use crate::keys;
use crate::tables::encode;

pub(crate) static KIND: TaskKind = TaskKind {
    name: "dynamodb: remove what deleted tables held",
    on_failure: OnFailure::Log,
    stop_within: Duration::from_secs(5),
};

/// How often the worker looks without being woken.
pub(crate) const EVERY: Duration = Duration::from_secs(10 * 60);

/// Tables that were being built at once when the process ended, at most.
const UNFINISHED_MAX: usize = 1_000;

/// Prefixes to clear after the commit that made them unreachable.
#[derive(Debug, Serialize, Deserialize)]
struct Remains {
    prefixes: Vec<Vec<u8>>,
}

/// Leaves the removal of these prefixes to the worker, in the transaction after which nothing reads them.
pub(crate) fn leave(txn: &Txn, id: &str, prefixes: Vec<Bytes>) -> Result<()> {
    let prefixes = prefixes.into_iter().map(Vec::from).collect();
    txn.put(keys::deleted(id), encode(&Remains { prefixes })?);
    Ok(())
}

/// One unit of work: one deleted thing.
pub(crate) struct CleaningWorker {
    platform: Arc<Platform>,
    /// Nothing is being built when the process starts: what was is cleared once.
    is_first: bool,
}

impl CleaningWorker {
    pub(crate) fn new(platform: Arc<Platform>) -> Self {
        CleaningWorker { platform, is_first: true }
    }
}

impl CleaningWorker {
    async fn clear_unfinished(&self) -> anyhow::Result<()> {
        let kv = self.platform.kv().as_ref();
        let rows = kv.snapshot().await?.scan(keys::all_building(), Order::Forward, UNFINISHED_MAX).await?;
        for (key, row) in rows {
            let prefixes: Vec<Vec<u8>> = serde_json::from_slice(&row.value)?;
            for prefix in prefixes {
                store::clear(kv, prefix.into()).await?;
            }
            kv.commit(Commit::new().delete(key)).await?;
        }
        Ok(())
    }
}

impl Worker for CleaningWorker {
    async fn work(&mut self) -> anyhow::Result<Progress> {
        if std::mem::take(&mut self.is_first) {
            self.clear_unfinished().await?;
        }
        let kv = self.platform.kv().as_ref();
        let rows = kv.snapshot().await?.scan(keys::all_deleted(), Order::Forward, 1).await?;
        let Some((key, row)) = rows.into_iter().next() else { return Ok(Progress::Idle) };
        let remains: Remains = serde_json::from_slice(&row.value)?;
        for prefix in remains.prefixes {
            store::clear(kv, prefix.into()).await?;
        }
        kv.commit(Commit::new().delete(key)).await?;
        Ok(Progress::Busy)
    }
}
