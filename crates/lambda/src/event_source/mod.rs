//! Event source mappings: functions that are invoked with the records of a stream.
//!
//! * A mapping is a row; its state is brought about by the [supervisor](supervisor), which starts and stops one
//!   [runner](runner) a mapping and does the same again after a restart.
//! * A runner reads the shards of its [source](source), lets [filters](filter) drop what is not wanted, and invokes the
//!   function with [batches](batch). Records of a key are delivered in order, each at least once.
//! * How far a shard is done is a [checkpoint](checkpoint), written after the invocation it stands for and before the next
//!   one, so a crash repeats at most what was running.
//!
//! Source of the rules: "Using Lambda to process records from Amazon DynamoDB Streams" and CreateEventSourceMapping in the
//! Lambda developer guide and API reference.

pub(crate) mod batch;
mod checkpoint;
mod dynamodb_stream;
mod failure;
mod filter;
mod invoke;
mod mapping;
mod runner;
mod settings;
mod shard;
mod source;
mod start;
mod supervisor;
mod window;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use service::{Context, Platform, Principal, Result};
use tokio::sync::Notify;

use crate::credentials::RoleCredentials;
use crate::functions::revision;
use crate::name::Target;

pub(crate) use checkpoint::{CHECKPOINTS, Checkpoint};
pub(crate) use mapping::{MAPPINGS, Mapping, MappingView, State, key, scope_prefix};
pub(crate) use settings::{Asked, DestinationConfig, FilterCriteria, Settings};
pub(crate) use source::SourceArn;
pub(crate) use start::{EventSourceStart, check_destination, start};

use supervisor::Supervisor;

/// How often the supervisor looks without being woken.
const EVERY: Duration = Duration::from_secs(5);

/// The service's handle on its mappings; clones share it.
#[derive(Clone, Default)]
pub(crate) struct EventSources {
    shared: Arc<Shared>,
    /// Sources are read, and failures told, as the function's role.
    credentials: RoleCredentials,
}

#[derive(Default)]
struct Shared {
    wake: Arc<Notify>,
    /// What the last invocation of each mapping came to, by its id. Told, not kept.
    results: Mutex<HashMap<String, &'static str>>,
}

impl EventSources {
    pub(crate) fn new(credentials: RoleCredentials) -> Self {
        EventSources { shared: Arc::default(), credentials }
    }

    /// The role of the function that the mapping invokes, as a caller of other services.
    pub(crate) async fn role(&self, cx: &Context, function_arn: &str) -> Result<Principal> {
        let target = Target::parse(cx, function_arn, None)?;
        let (_, revision) = revision(cx, &target).await?;
        self.credentials.principal(cx, &target.scope, &revision.settings.role, &target.name).await
    }

    /// Starts the supervisor.
    pub(crate) fn start(&self, platform: &Arc<Platform>) {
        let supervisor = Supervisor::new(Arc::clone(platform), self.clone());
        // It ends with the process.
        let _ = platform.tasks().spawn_worker(
            &supervisor::KIND,
            supervisor,
            Arc::clone(&self.shared.wake),
            EVERY,
        );
    }

    /// A mapping's row changed.
    pub(crate) fn changed(&self) {
        self.shared.wake.notify_one();
    }

    pub(crate) fn last_result(&self, id: &str) -> &'static str {
        self.results().get(id).copied().unwrap_or("No records processed")
    }

    fn set_result(&self, id: &str, result: &'static str) {
        let mut results = self.results();
        if results.get(id) != Some(&result) {
            results.insert(id.to_owned(), result);
        }
    }

    fn forget_result(&self, id: &str) {
        self.results().remove(id);
    }

    fn results(&self) -> MutexGuard<'_, HashMap<String, &'static str>> {
        self.shared.results.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
