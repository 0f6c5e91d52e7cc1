//! All shards of one mapping.

use std::sync::Arc;
use std::time::Duration;

use service::{AccountId, Context, Failure, Platform, Principal, Region, Result, Scope};
use tasks::{OnFailure, TaskHandle, TaskKind};
use tokio::sync::watch;

use super::EventSources;
use super::dynamodb_stream::DynamoDbStream;
use super::mapping::Mapping;
use super::shard::{Goes, Shard};
use super::source::{Source, SourceArn};

static KIND: TaskKind = TaskKind {
    name: "lambda: deliver records of an event source",
    on_failure: OnFailure::Log,
    stop_within: Duration::from_secs(20),
};

const LAMBDA: &str = "lambda.amazonaws.com";

/// Waits after something did not work, such as a stream that is not there: the first, doubled up to the longest.
const WAIT_FIRST: Duration = Duration::from_millis(200);
const WAIT_MAX: Duration = Duration::from_secs(30);
/// How long a mapping rests whose shards have all ended; they never begin again, but others may appear.
const REST: Duration = Duration::from_secs(30);

/// A mapping that is being served.
pub(crate) struct Runner {
    mapping: Arc<Mapping>,
    stop: watch::Sender<bool>,
    task: TaskHandle,
}

impl Runner {
    pub(crate) fn start(platform: &Arc<Platform>, mapping: Mapping, results: &EventSources) -> Self {
        let mapping = Arc::new(mapping);
        let stop = watch::Sender::new(false);
        let serving = Serving {
            platform: Arc::clone(platform),
            mapping: Arc::clone(&mapping),
            results: results.clone(),
            stop: stop.subscribe(),
        };
        let task = platform.tasks().spawn(&KIND, async move {
            serving.run().await;
            Ok(())
        });
        Runner { mapping, stop, task }
    }

    /// Asks it to end after what it is doing.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.task.is_ended()
    }

    /// Whether it serves the mapping as it is now.
    pub(crate) fn serves(&self, mapping: &Mapping) -> bool {
        self.mapping.settings == mapping.settings && self.mapping.function_arn == mapping.function_arn
    }
}

struct Serving {
    platform: Arc<Platform>,
    mapping: Arc<Mapping>,
    results: EventSources,
    stop: watch::Receiver<bool>,
}

impl Serving {
    async fn run(mut self) {
        let Ok(source) = SourceArn::parse(&self.mapping.source_arn) else { return };
        let scope = Scope {
            account: AccountId::parse(&self.mapping.account).unwrap_or_default(),
            region: Region::parse(&self.mapping.region).unwrap_or_default(),
        };
        let SourceArn::DynamoDbStream(arn) = source;
        let arn = arn.to_string();
        let mut stopping = self.platform.tasks().stopping();
        let open = move |principal| DynamoDbStream { arn: arn.clone(), principal };
        tokio::select! {
            () = self.serve(open, scope) => {}
            // The process stops; what was not noted is delivered again.
            () = stopping.wait() => {}
        }
    }

    async fn serve<S: Source>(&mut self, open: impl Fn(Principal) -> S + Send, scope: Scope) {
        let service = Principal::Service { account: scope.account.clone(), name: LAMBDA };
        let mut wait = WAIT_FIRST;
        while !*self.stop.borrow() {
            let cx = Context::internal(&self.platform, scope.clone(), service.clone());
            let ends = match self.results.role(&cx, &self.mapping.function_arn).await {
                Ok(role) => self.run_shards(Arc::new(open(role.clone())), &scope, role).await,
                Err(failure) => Err(failure),
            };
            wait = match ends {
                Ok(Goes::Stopped) => return,
                Ok(_) => REST,
                Err(failure) => {
                    self.note(&failure);
                    (wait * 2).min(WAIT_MAX)
                }
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = self.stop.wait_for(|stop| *stop) => {}
            }
        }
    }

    /// All shards side by side, until each has ended or one was stopped.
    async fn run_shards<S: Source>(
        &self,
        source: Arc<S>,
        scope: &Scope,
        principal: Principal,
    ) -> Result<Goes> {
        let cx = Context::internal(&self.platform, scope.clone(), principal.clone());
        let shards = source.shards(&cx).await?;
        let running = shards.into_iter().map(|shard| {
            let mut shard = Shard {
                platform: Arc::clone(&self.platform),
                scope: scope.clone(),
                source: Arc::clone(&source),
                mapping: Arc::clone(&self.mapping),
                shard,
                principal: principal.clone(),
                results: self.results.clone(),
                stop: self.stop.clone(),
            };
            async move { shard.run().await }
        });
        let mut goes = Goes::Ended;
        for end in futures_util::future::join_all(running).await {
            if end? == Goes::Stopped {
                goes = Goes::Stopped;
            }
        }
        Ok(goes)
    }

    fn note(&self, failure: &Failure) {
        tracing::debug!(mapping = self.mapping.id, error = %failure, "an event source is not read");
        if failure.code() == "ResourceNotFoundException" {
            self.results.set_result(&self.mapping.id, "PROBLEM: Stream or function not found");
        }
    }
}
