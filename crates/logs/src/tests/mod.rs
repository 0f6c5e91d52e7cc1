//! Operations from input text to output text, in process, over memory and a clock that stands still.

mod cli_tail;
mod events;
mod filter;
mod groups;
mod live_tail;
mod removal;
mod streams;

use std::sync::Arc;

use service::{
    AllowAll, AnyService, Clock, Context, Ids, Mode, Mounted, Platform, PlatformParts, Principal, Reply,
    Result, Scope,
};
use store::{MemoryBlobs, MemoryKv, Order};
use tasks::{Progress, Tasks, Worker};
use wire::{Document, Protocol, Timestamp};

use crate::retention::RetentionWorker;
use crate::{DEFINITION, Logs};

/// 2023-11-14T22:13:20Z.
const NOW: i64 = 1_700_000_000_000;

struct Cloud {
    platform: Arc<Platform>,
    logs: Mounted<Logs>,
}

impl Cloud {
    fn new() -> Self {
        let platform = Platform::new(PlatformParts {
            mode: Mode::Dev,
            kv: Arc::new(MemoryKv::new()),
            blobs: Arc::new(MemoryBlobs::new()),
            clock: Clock::manual(Timestamp::from_epoch_millis(NOW)),
            ids: Ids::counting(),
            authorizer: Arc::new(AllowAll),
            tasks: Tasks::new(),
        });
        let logs = Mounted { definition: &DEFINITION, service: Arc::new(Logs::without_worker()) };
        Cloud { platform, logs }
    }

    async fn reply(&self, operation: &str, input: &str) -> Result<Reply> {
        let scope = Scope::default();
        let principal = Principal::Root { account: scope.account.clone() };
        let cx = Context::internal(&self.platform, scope, principal);
        let input: serde_json::Value =
            serde_json::from_str(input).unwrap_or_else(|error| panic!("{input}: {error}"));
        let reply = self.logs.execute(&cx, operation, Document::from_json(&input)).await?;
        fits_the_model(operation, &reply.document);
        Ok(reply)
    }

    /// The output as JSON, or the error.
    async fn call(&self, operation: &str, input: &str) -> String {
        match self.reply(operation, input).await {
            Ok(reply) => serde_json::to_string_pretty(&reply.document.to_json()).unwrap(),
            Err(failure) => failure.to_string(),
        }
    }

    /// A call that must succeed.
    async fn json(&self, operation: &str, input: &str) -> serde_json::Value {
        match self.reply(operation, input).await {
            Ok(reply) => reply.document.to_json(),
            Err(failure) => panic!("{operation}: {failure}"),
        }
    }

    async fn create(&self, group: &str, streams: &[&str]) {
        self.json("CreateLogGroup", &format!(r#"{{"logGroupName":"{group}"}}"#)).await;
        for stream in streams {
            let input = format!(r#"{{"logGroupName":"{group}","logStreamName":"{stream}"}}"#);
            self.json("CreateLogStream", &input).await;
        }
    }

    /// Puts events at so many milliseconds from [`NOW`].
    async fn put(&self, group: &str, stream: &str, events: &[(i64, &str)]) -> serde_json::Value {
        let events: Vec<_> = events
            .iter()
            .map(|(after, message)| serde_json::json!({"timestamp": NOW + after, "message": message}))
            .collect();
        let input = serde_json::json!({"logGroupName": group, "logStreamName": stream, "logEvents": events});
        self.json("PutLogEvents", &input.to_string()).await
    }

    /// Lets the background worker finish all it has to do.
    async fn clean(&self) {
        let mut worker = RetentionWorker::new(Arc::clone(&self.platform));
        while worker.work().await.unwrap() == Progress::Busy {}
    }

    /// How many rows the store holds.
    async fn rows(&self) -> usize {
        let everything = store::prefix_range(b"");
        let snapshot = self.platform.kv().snapshot().await.unwrap();
        snapshot.scan(everything, Order::Forward, 10_000).await.unwrap().len()
    }
}

/// What is answered must fit the model: an output member that it lacks fails here as it would on the wire.
fn fits_the_model(operation: &str, document: &Document) {
    let model = DEFINITION.model();
    if let Some(operation) = model.operation(operation) {
        wire::encode(model, operation, Protocol::AwsJson11, document, "id")
            .unwrap_or_else(|error| panic!("{}: {error}", operation.name()));
    }
}

/// The messages of an answer, in order.
fn messages(output: &serde_json::Value) -> Vec<&str> {
    output["events"].as_array().unwrap().iter().map(|event| event["message"].as_str().unwrap()).collect()
}

#[test]
fn structs_fit_the_model() {
    if let Err(wrong) = service::honesty::check(&DEFINITION) {
        panic!("{wrong}");
    }
}
