//! The background work of the service, started in one place.

use std::sync::Arc;
use std::time::Duration;

use service::{Platform, Scope};
use store::Commit;
use tasks::{OnFailure, Progress, TaskKind, Worker};

use crate::cleaning::{self, CleaningWorker};
use crate::expiring::{self, ExpiryWorker};
use crate::indexing::{self, IndexWorker};
use crate::keys::Keys;
use crate::recovery::{self, RecoveryWorker};
use crate::streams::trim::{self, TrimWorker};
use crate::tables::{encode, into_cause};
use crate::{DynamoDb, Shared};

static SIZES: TaskKind = TaskKind {
    name: "dynamodb: save what tables hold",
    on_failure: OnFailure::Log,
    stop_within: Duration::from_secs(5),
};

/// How often sizes are saved; a crash loses the changes of about this long from the counts, never from the tables.
const SIZES_EVERY: Duration = Duration::from_secs(5);

/// Starts all of it; workers end with the process and nobody waits for them.
pub(crate) fn start(platform: &Arc<Platform>, dynamodb: &DynamoDb) {
    let tasks = platform.tasks();
    let Shared { cleaning, indexing, expiring, .. } = dynamodb.shared.as_ref();
    let (cleaning, indexing, expiring) = (Arc::clone(cleaning), Arc::clone(indexing), Arc::clone(expiring));
    let worker = CleaningWorker::new(Arc::clone(platform));
    let _ = tasks.spawn_worker(&cleaning::KIND, worker, cleaning, cleaning::EVERY);
    let worker = IndexWorker::new(Arc::clone(platform), dynamodb.clone());
    let _ = tasks.spawn_worker(&indexing::KIND, worker, indexing, indexing::EVERY);
    let worker = ExpiryWorker::new(Arc::clone(platform), dynamodb.clone());
    let _ = tasks.spawn_worker(&expiring::KIND, worker, expiring, expiring::EVERY);
    let worker = TrimWorker::new(Arc::clone(platform));
    let _ = tasks.spawn_worker(&trim::KIND, worker, Arc::default(), trim::EVERY);
    let worker = RecoveryWorker::new(Arc::clone(platform), dynamodb.clone());
    let _ = tasks.spawn_worker(&recovery::KIND, worker, Arc::default(), recovery::EVERY);
    let worker = SizesWorker { platform: Arc::clone(platform), dynamodb: dynamodb.clone() };
    let _ = tasks.spawn_worker(&SIZES, worker, Arc::default(), SIZES_EVERY);
}

/// Saves what was counted since the last time.
struct SizesWorker {
    platform: Arc<Platform>,
    dynamodb: DynamoDb,
}

impl Worker for SizesWorker {
    async fn work(&mut self) -> anyhow::Result<Progress> {
        let mut commit = Commit::new();
        for (scope, table) in self.dynamodb.tables().counted() {
            let scope: Scope = scope;
            if let Some(counted) = table.sizes.take_unsaved() {
                let row = Keys::new(&scope).sizes(table.storage);
                // A table that was deleted meanwhile leaves nothing behind.
                commit = commit.put(row, encode(&counted).map_err(into_cause)?);
            }
        }
        if !commit.writes.is_empty() {
            self.platform.kv().commit(commit).await?;
        }
        Ok(Progress::Idle)
    }
}
