//! What the data folder needs now and then: room given back after much was deleted, blobs swept that no row names.

use std::sync::Arc;
use std::time::Duration;

use service::Platform;
use store::{EngineTime, FjallKv, Kv as _, ORPHAN_AGE_MILLIS_MIN, sweep_orphans};
use tasks::{OnFailure, Progress, TaskKind, Worker};
use tokio::sync::Notify;

const KIND: TaskKind = TaskKind {
    name: "store: give room back and sweep orphaned blobs",
    on_failure: OnFailure::Log,
    stop_within: Duration::from_secs(5),
};

/// How often it is asked whether there is room to give back.
const EVERY: Duration = Duration::from_secs(10 * 60);

/// Orphans come from crashes only, and finding them reads every row.
const SWEEP_EVERY_MILLIS: u64 = 24 * 60 * 60 * 1000;

/// The first sweep waits until the start is over.
const FIRST_SWEEP_AFTER_MILLIS: u64 = 15 * 60 * 1000;

/// Starts the worker that does it.
pub(crate) fn start(platform: &Arc<Platform>, kv: Arc<FjallKv>) {
    let upkeep = Upkeep { platform: platform.clone(), kv, next_sweep: None };
    platform.tasks().spawn_worker(&KIND, upkeep, Arc::new(Notify::new()), EVERY);
}

struct Upkeep {
    platform: Arc<Platform>,
    kv: Arc<FjallKv>,
    next_sweep: Option<EngineTime>,
}

impl Worker for Upkeep {
    async fn work(&mut self) -> anyhow::Result<Progress> {
        if self.kv.reclaim_if_due().await? {
            tracing::info!(
                table_bytes = self.kv.activity().table_bytes,
                "gave the room of deleted rows back"
            );
        }
        let now = self.kv.now().await?;
        let next_sweep = *self.next_sweep.get_or_insert(now.plus_millis(FIRST_SWEEP_AFTER_MILLIS));
        if now >= next_sweep {
            self.next_sweep = Some(now.plus_millis(SWEEP_EVERY_MILLIS));
            let written_before = EngineTime(now.0.saturating_sub(ORPHAN_AGE_MILLIS_MIN));
            let swept =
                sweep_orphans(self.kv.as_ref(), self.platform.blobs().as_ref(), written_before).await?;
            if swept.blobs > 0 {
                tracing::info!(blobs = swept.blobs, bytes = swept.bytes, "swept blobs that no row names");
            }
        }
        Ok(Progress::Idle)
    }
}
