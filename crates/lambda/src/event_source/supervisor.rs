//! Makes what runs what the mappings say.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use service::{Failure, Platform, Rows, Scope};
use tasks::{OnFailure, Progress, TaskKind, Worker};

use super::EventSources;
use super::checkpoint::CHECKPOINTS;
use super::mapping::{MAPPINGS, Mapping, State};
use super::runner::Runner;

pub(crate) static KIND: TaskKind = TaskKind {
    name: "lambda: start and stop event source mappings",
    on_failure: OnFailure::Log,
    stop_within: Duration::from_secs(5),
};

/// How soon a runner that was asked to end is looked at again.
const END_CHECK: Duration = Duration::from_millis(20);

/// One unit of work: every mapping once.
pub(crate) struct Supervisor {
    platform: Arc<Platform>,
    sources: EventSources,
    running: HashMap<String, Runner>,
}

impl Supervisor {
    pub(crate) fn new(platform: Arc<Platform>, sources: EventSources) -> Self {
        Supervisor { platform, sources, running: HashMap::new() }
    }

    /// Brings one mapping nearer to what its state asks for; `true` when it has to be looked at again soon.
    async fn settle(&mut self, key: &str, mapping: Mapping) -> Result<bool, Failure> {
        let state = mapping.state;
        if let Some(runner) = self.running.get(key) {
            let as_wanted = state.wants_runner() && runner.serves(&mapping) && !runner.has_ended();
            if !as_wanted {
                runner.stop();
                if !runner.has_ended() {
                    return Ok(true);
                }
                self.running.remove(key);
            }
        }
        let scope = Scope::default();
        let mappings = Rows::new(self.platform.kv().as_ref(), &MAPPINGS, &scope);
        if state == State::Deleting {
            let checkpoints = Rows::new(self.platform.kv().as_ref(), &CHECKPOINTS, &scope);
            for (shard, _) in checkpoints.all(&format!("{key}/")).await? {
                checkpoints.remove(&shard).await?;
            }
            mappings.remove(key).await?;
            self.sources.forget_result(&mapping.id);
            return Ok(false);
        }
        if state.wants_runner() && !self.running.contains_key(key) {
            let runner = Runner::start(&self.platform, mapping, &self.sources);
            self.running.insert(key.to_owned(), runner);
        }
        if !state.is_settled() {
            mappings
                .update(key, |mapping| {
                    // A client may have changed it meanwhile; then it is looked at again anyway.
                    if mapping.state == state
                        && let Some(settled) = state.settled()
                    {
                        mapping.state = settled;
                    }
                    Ok::<_, Failure>(())
                })
                .await?;
        }
        Ok(false)
    }
}

impl Worker for Supervisor {
    async fn work(&mut self) -> anyhow::Result<Progress> {
        let scope = Scope::default();
        let mappings = Rows::new(self.platform.kv().as_ref(), &MAPPINGS, &scope)
            .all("")
            .await
            .map_err(|failure| anyhow::anyhow!("{failure}"))?;
        let mut again = false;
        // What a reset removed.
        for (key, runner) in &self.running {
            if !mappings.iter().any(|(known, _)| known == key) {
                runner.stop();
            }
        }
        self.running
            .retain(|key, runner| mappings.iter().any(|(known, _)| known == key) || !runner.has_ended());
        for (key, mapping) in mappings {
            again |= self.settle(&key, mapping).await.map_err(|failure| anyhow::anyhow!("{failure}"))?;
        }
        if again {
            tokio::time::sleep(END_CHECK).await;
            return Ok(Progress::Busy);
        }
        Ok(Progress::Idle)
    }
}
