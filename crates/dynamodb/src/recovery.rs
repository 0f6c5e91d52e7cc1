//! Keeping the changes of point-in-time recovery no longer than they are wanted.

use std::sync::Arc;
use std::time::Duration;

use service::{Context, Platform, Principal, Result, Scope};
use store::{Commit, LogId};
use tasks::{OnFailure, Progress, TaskKind, Worker};

use crate::DynamoDb;
use crate::keys::{Keys, Mark};
use crate::marks::Round;
use crate::streams::trim::remove_older;
use crate::table::TableName;
use crate::tables::into_cause;

pub(crate) static KIND: TaskKind = TaskKind {
    name: "dynamodb: forget changes that are too old to be undone",
    on_failure: OnFailure::Log,
    stop_within: Duration::from_secs(5),
};

/// How often the worker looks.
pub(crate) const EVERY: Duration = Duration::from_secs(10 * 60);

/// One unit of work: one table's change log.
pub(crate) struct RecoveryWorker {
    platform: Arc<Platform>,
    dynamodb: DynamoDb,
    round: Round,
}

impl RecoveryWorker {
    pub(crate) fn new(platform: Arc<Platform>, dynamodb: DynamoDb) -> Self {
        RecoveryWorker { platform, dynamodb, round: Round::new(Mark::Recovery) }
    }

    /// `false`: there is no such log any more.
    async fn trim(&self, scope: Scope, name: &str) -> Result<bool> {
        let account = scope.account.clone();
        let principal = Principal::Service { account, name: "dynamodb.amazonaws.com" };
        let cx = Context::internal(&self.platform, scope, principal);
        let table = self.dynamodb.tables().find(&cx, &TableName::plain(name)?).await?;
        let Some(recovery) = table.and_then(|table| table.recovery.clone()) else { return Ok(false) };
        let log = LogId::new(Keys::new(cx.scope()).changes(recovery.storage));
        let earliest = recovery.earliest(cx.now()).epoch_millis();
        remove_older(&self.platform, &log, earliest).await?;
        Ok(true)
    }
}

impl Worker for RecoveryWorker {
    async fn work(&mut self) -> anyhow::Result<Progress> {
        let Some((mark, scope, name)) = self.round.next(&self.platform).await? else {
            return Ok(Progress::Idle);
        };
        if !self.trim(scope, &name).await.map_err(into_cause)? {
            self.platform.kv().commit(Commit::new().delete(mark)).await?;
        }
        Ok(Progress::Busy)
    }
}
