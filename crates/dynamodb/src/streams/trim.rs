//! Removing records that are a day old, and streams that ended a day ago.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use service::{Platform, Scope};
use store::{Commit, LogId};
use tasks::{OnFailure, Progress, TaskKind, Worker};

use super::{Stream, shard};
use crate::keys::{Keys, Mark};
use crate::marks::Round;
use crate::tables::decode;

pub(crate) static KIND: TaskKind = TaskKind {
    name: "dynamodb: remove stream records after a day",
    on_failure: OnFailure::Log,
    stop_within: Duration::from_secs(5),
};

/// How often the worker looks.
pub(crate) const EVERY: Duration = Duration::from_secs(60);

/// How long records are kept ("Data retention limit for DynamoDB Streams").
const KEPT_MILLIS: i64 = 24 * 60 * 60 * 1_000;

/// Records removed in one commit.
const RECORDS_AT_ONCE: usize = 500;

/// One unit of work: some old records of one stream.
pub(crate) struct TrimWorker {
    platform: Arc<Platform>,
    round: Round,
}

impl TrimWorker {
    pub(crate) fn new(platform: Arc<Platform>) -> Self {
        TrimWorker { platform, round: Round::new(Mark::Stream) }
    }

    async fn trim(&self, scope: &Scope, table: &str, label: &str, mark: &Bytes) -> anyhow::Result<()> {
        let (kv, keys) = (self.platform.kv().as_ref(), Keys::new(scope));
        let row = keys.stream(table, label);
        let snapshot = kv.snapshot().await?;
        let Some(found) = snapshot.get(&row).await? else {
            kv.commit(Commit::new().delete(mark.clone())).await?;
            return Ok(());
        };
        let stream: Stream = decode(&found.value).map_err(crate::tables::into_cause)?;
        let log = stream.log(&keys);
        let kept_since = self.platform.clock().now().epoch_millis() - KEPT_MILLIS;
        if stream.disabled.is_some_and(|disabled| disabled.epoch_millis() < kept_since) {
            store::clear(kv, log.0).await?;
            kv.commit(Commit::new().delete(row).delete(mark.clone())).await?;
            return Ok(());
        }
        drop(snapshot);
        remove_older(&self.platform, &log, kept_since).await
    }
}

/// Removes the entries of a log from before a time.
pub(crate) async fn remove_older(
    platform: &Arc<Platform>,
    log: &LogId,
    kept_since_epoch_millis: i64,
) -> anyhow::Result<()> {
    let kv = platform.kv().as_ref();
    loop {
        let snapshot = kv.snapshot().await?;
        let old = shard::older_than(snapshot.as_ref(), log, kept_since_epoch_millis, RECORDS_AT_ONCE)
            .await
            .map_err(crate::tables::into_cause)?;
        let more = old.len() == RECORDS_AT_ONCE;
        if !old.is_empty() {
            kv.commit(old.into_iter().fold(Commit::new(), Commit::delete)).await?;
        }
        if !more {
            return Ok(());
        }
    }
}

impl Worker for TrimWorker {
    async fn work(&mut self) -> anyhow::Result<Progress> {
        let Some((mark, scope, rest)) = self.round.next(&self.platform).await? else {
            return Ok(Progress::Idle);
        };
        if let Some((table, label)) = rest.split_once('\0') {
            self.trim(&scope, table, label, &mark).await?;
        }
        Ok(Progress::Busy)
    }
}
