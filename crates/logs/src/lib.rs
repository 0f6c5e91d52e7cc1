//! CloudWatch Logs: groups of streams of events.
//!
//! * A group and its streams are rows; a stream's events are packed into [chunks](chunk) that are read by range.
//!   [`keys`] says where everything lies.
//! * A batch of events, its stream's row and, for [`ops::Ingest`], a missing group or stream are one commit.
//! * Reading never holds more than a page of events and a few chunks: see [`search`].
//! * Events that expired are not shown from that moment on; [`retention`] removes them later, as it removes what
//!   deleted groups and streams held.
//!
//! This crate must not know HTTP, signatures or any other service.

mod append;
mod chunk;
mod error;
mod group;
mod identifier;
mod keys;
mod limits;
mod live;
mod ops;
mod pattern;
mod position;
mod retention;
mod search;
mod select;
mod stream;
#[cfg(test)]
mod tests;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use service::{BoxFuture, Definition, Platform, Scope, operations};
use tokio::sync::{Mutex, Notify};

use live::Live;
use ops::*;
use retention::RetentionWorker;

/// Locks that writers of one stream share; more of them mean fewer streams that wait for another.
const WRITER_TURNS: usize = 256;

/// The state of the service beside the store.
pub struct Logs {
    turns: Box<[Mutex<()>]>,
    live: Live,
    cleaning: Arc<Notify>,
}

impl Logs {
    /// Starts the worker that removes expired and deleted events.
    pub fn new(platform: &Arc<Platform>) -> Self {
        let logs = Self::without_worker();
        let worker = RetentionWorker::new(Arc::clone(platform));
        // The worker ends with the process; nobody waits for it.
        let _ = platform.tasks().spawn_worker(
            &retention::KIND,
            worker,
            Arc::clone(&logs.cleaning),
            retention::EVERY,
        );
        logs
    }

    fn without_worker() -> Self {
        Logs {
            turns: (0..WRITER_TURNS).map(|_| Mutex::new(())).collect(),
            live: Live::new(),
            cleaning: Arc::default(),
        }
    }

    fn live(&self) -> &Live {
        &self.live
    }

    fn turn_of(&self, scope: &Scope, group: &str, stream: &str) -> &Mutex<()> {
        let mut hasher = DefaultHasher::new();
        (scope, group, stream).hash(&mut hasher);
        let turn = hasher.finish() % self.turns.len() as u64;
        &self.turns[turn as usize]
    }

    /// There is something for the retention worker to do.
    fn clean_soon(&self) {
        self.cleaning.notify_one();
    }
}

/// The operations of CloudWatch Logs.
pub static DEFINITION: Definition<Logs> = Definition {
    name: "logs",
    action_prefix: "logs",
    operations: operations![
        CreateLogGroup,
        CreateLogStream,
        DeleteLogGroup,
        DeleteLogStream,
        DeleteRetentionPolicy,
        DescribeLogGroups,
        DescribeLogStreams,
        FilterLogEvents,
        GetLogEvents,
        ListTagsForResource,
        ListTagsLogGroup,
        PutLogEvents,
        PutLogGroupDeletionProtection,
        PutRetentionPolicy,
        StartLiveTail,
        TagLogGroup,
        TagResource,
        TestMetricFilter,
        UntagLogGroup,
        UntagResource,
    ],
    internal: operations![Ingest],
    reset,
};

/// Rows of the account go with it; the marks of its retention policies lie outside.
fn reset<'a>(
    _: &'a Logs,
    platform: &'a Platform,
    account: Option<&'a service::AccountId>,
) -> BoxFuture<'a, anyhow::Result<()>> {
    Box::pin(async move {
        if let Some(account) = account {
            store::clear(platform.kv().as_ref(), keys::retention_of_account(account)).await?;
        }
        Ok(())
    })
}
