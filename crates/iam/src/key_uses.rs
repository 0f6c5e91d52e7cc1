//! When access keys were last used: noted in memory by every request, written down now and then.

use std::sync::Arc;
use std::time::Duration;

use service::{Failure, Platform, Rows, Scope};
use tasks::{OnFailure, Progress, TaskKind, Worker};
use tokio::sync::Notify;

use crate::Identities;
use crate::access_key::ACCESS_KEYS;

const KIND: TaskKind = TaskKind {
    name: "iam: write down when access keys were used",
    on_failure: OnFailure::Log,
    stop_within: Duration::from_secs(5),
};

const EVERY: Duration = Duration::from_secs(60);

/// Starts the task. What was noted in its last minute is lost with the process.
pub(crate) fn write_down(platform: &Arc<Platform>, identities: Arc<Identities>) {
    let worker = KeyUses { platform: platform.clone(), identities };
    let _ = platform.tasks().spawn_worker(&KIND, worker, Arc::new(Notify::new()), EVERY);
}

struct KeyUses {
    platform: Arc<Platform>,
    identities: Arc<Identities>,
}

impl Worker for KeyUses {
    async fn work(&mut self) -> anyhow::Result<Progress> {
        let scope = Scope::default();
        let keys = Rows::new(self.platform.kv().as_ref(), &ACCESS_KEYS, &scope);
        for (id, used) in self.identities.take_uses() {
            keys.update(&id, |row| {
                row.last_used = Some(used.clone());
                Ok::<_, Failure>(())
            })
            .await
            .map_err(|failure| anyhow::anyhow!("access key {id}: {failure}"))?;
        }
        Ok(Progress::Idle)
    }
}
