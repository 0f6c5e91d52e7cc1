//! The way of functions' output to CloudWatch Logs: buffered, in batches, never in the way of an invocation.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use service::{AccountId, Context, Failure, Platform, Principal, Scope};
use tasks::{OnFailure, Stopping, TaskKind, Tasks};
use tokio::sync::Notify;
use wire::Document;
use worker::{LogLine, LogSink};

/// Lines wait at most this long while more may come.
const FLUSH_AFTER: Duration = Duration::from_millis(100);
/// A batch is sent at once when it is this large.
const BATCH_BYTES_MAX: usize = 256 * 1024;
/// Lines of one call to logs.
const BATCH_LINES_MAX: usize = 10_000;
/// Lines beyond this are dropped and counted: logs are too slow or broken.
const BUFFER_BYTES_MAX: usize = 32 * 1024 * 1024;
/// What logs count for each event beside its text.
const LINE_OVERHEAD_BYTES: usize = 26;
const ATTEMPTS_MAX: usize = 3;
const RETRY_AFTER: Duration = Duration::from_millis(200);
/// While the process stops, running invocations may still write.
const STOP_CHECK: Duration = Duration::from_millis(20);

static FLUSH: TaskKind = TaskKind {
    name: "lambda: send function logs",
    on_failure: OnFailure::Log,
    stop_within: Duration::from_secs(30),
};

/// All lines on their way.
#[derive(Clone, Default)]
pub(crate) struct LogBuffer {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// There are lines.
    some: Notify,
    /// There are enough lines to send them now.
    enough: Notify,
    /// Held while lines are taken and sent, so that each stream keeps its order.
    sending: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Waiting {
    streams: HashMap<Stream, Vec<LogLine>>,
    bytes: usize,
    dropped: u64,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Stream {
    group: Arc<Group>,
    name: String,
}

#[derive(PartialEq, Eq, Hash)]
struct Group {
    scope: Scope,
    name: String,
}

/// The sink of one function's log group.
struct GroupSink {
    group: Arc<Group>,
    shared: Arc<Shared>,
}

impl LogBuffer {
    /// Where a function whose output belongs to this log group writes.
    pub(crate) fn group(&self, scope: &Scope, name: &str) -> Arc<dyn LogSink> {
        let group = Arc::new(Group { scope: scope.clone(), name: name.to_owned() });
        Arc::new(GroupSink { group, shared: Arc::clone(&self.shared) })
    }

    /// Starts sending in the background, until the process stops and no request runs any more.
    pub(crate) fn start(&self, platform: &Arc<Platform>) {
        let (buffer, platform) = (self.clone(), Arc::clone(platform));
        let tasks = platform.tasks().clone();
        tasks.clone().spawn(&FLUSH, async move {
            buffer.send_until_stopped(&platform, &tasks).await;
            Ok(())
        });
    }

    /// Sends what waits now. What logs refuse is dropped after [`ATTEMPTS_MAX`] attempts and counted.
    pub(crate) async fn flush(&self, platform: &Arc<Platform>) {
        let _turn = self.shared.sending.lock().await;
        let (streams, dropped) = {
            let mut waiting = self.shared.waiting();
            waiting.bytes = 0;
            (std::mem::take(&mut waiting.streams), std::mem::take(&mut waiting.dropped))
        };
        if dropped > 0 {
            tracing::warn!(lines = dropped, "function log lines were dropped: logs do not keep up");
        }
        for (stream, lines) in streams {
            for batch in batches(lines) {
                let count = batch.len();
                if let Err(failure) = send(platform, &stream, batch).await {
                    tracing::warn!(
                        lines = count,
                        log_group = stream.group.name,
                        error = %failure,
                        "function log lines were dropped: logs refused them"
                    );
                }
            }
        }
    }

    /// Drops the lines of one account, or of all.
    pub(crate) fn forget(&self, account: Option<&AccountId>) {
        let mut waiting = self.shared.waiting();
        waiting
            .streams
            .retain(|stream, _| account.is_some_and(|account| stream.group.scope.account != *account));
        waiting.bytes = waiting.streams.values().flatten().map(weight).sum();
    }

    async fn send_until_stopped(&self, platform: &Arc<Platform>, tasks: &Tasks) {
        let mut stopping: Stopping = tasks.stopping();
        while !stopping.is_stopping() {
            tokio::select! {
                () = self.shared.some.notified() => {
                    tokio::select! {
                        () = self.shared.enough.notified() => {}
                        () = tokio::time::sleep(FLUSH_AFTER) => {}
                        () = stopping.wait() => {}
                    }
                    self.flush(platform).await;
                }
                () = stopping.wait() => {}
            }
        }
        while tasks.requests() > 0 {
            self.flush(platform).await;
            tokio::time::sleep(STOP_CHECK).await;
        }
        self.flush(platform).await;
    }
}

impl LogSink for GroupSink {
    fn write(&self, stream: &str, lines: Vec<LogLine>) {
        let added: usize = lines.iter().map(weight).sum();
        let mut waiting = self.shared.waiting();
        if waiting.bytes + added > BUFFER_BYTES_MAX {
            waiting.dropped += lines.len() as u64;
            return;
        }
        waiting.bytes += added;
        let bytes = waiting.bytes;
        let stream = Stream { group: Arc::clone(&self.group), name: stream.to_owned() };
        waiting.streams.entry(stream).or_default().extend(lines);
        drop(waiting);
        self.shared.some.notify_one();
        if bytes >= BATCH_BYTES_MAX {
            self.shared.enough.notify_one();
        }
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn weight(line: &LogLine) -> usize {
    line.text.len() + LINE_OVERHEAD_BYTES
}

/// Cuts lines into batches that logs take in one call; a longer line is a batch of its own.
fn batches(lines: Vec<LogLine>) -> Vec<Vec<LogLine>> {
    let mut batches: Vec<Vec<LogLine>> = Vec::new();
    let mut bytes = 0;
    for line in lines {
        let weight = weight(&line);
        let full = batches
            .last()
            .is_none_or(|batch| bytes + weight > BATCH_BYTES_MAX || batch.len() >= BATCH_LINES_MAX);
        if full {
            batches.push(Vec::new());
            bytes = 0;
        }
        bytes += weight;
        if let Some(batch) = batches.last_mut() {
            batch.push(line);
        }
    }
    batches
}

async fn send(platform: &Arc<Platform>, stream: &Stream, lines: Vec<LogLine>) -> Result<(), Failure> {
    let events: Vec<Document> = lines
        .into_iter()
        .map(|line| {
            let timestamp = i64::try_from(line.epoch_millis).unwrap_or(i64::MAX);
            Document::map([("timestamp", timestamp.into()), ("message", line.text.into())])
        })
        .collect();
    let input = Document::map([
        ("logGroupName", stream.group.name.as_str().into()),
        ("logStreamName", stream.name.as_str().into()),
        ("logEvents", events.into()),
    ]);
    let scope = &stream.group.scope;
    let principal = Principal::Service { account: scope.account.clone(), name: "lambda.amazonaws.com" };
    let mut attempt = 1;
    loop {
        let cx = Context::internal(platform, scope.clone(), principal.clone());
        match cx.call(principal.clone(), "logs", "Ingest", input.clone()).await {
            Ok(_) => return Ok(()),
            // An answer is final; only unexpected trouble may pass.
            Err(Failure::Internal(_)) if attempt < ATTEMPTS_MAX => {
                attempt += 1;
                tokio::time::sleep(RETRY_AFTER).await;
            }
            Err(failure) => return Err(failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(bytes: usize) -> LogLine {
        LogLine { epoch_millis: 1, text: "x".repeat(bytes) }
    }

    #[test]
    fn batches_stay_within_their_limits() {
        let small = BATCH_BYTES_MAX / 4 - LINE_OVERHEAD_BYTES;
        let sizes = |lines: Vec<LogLine>| batches(lines).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(vec![line(small); 4]), [4]);
        assert_eq!(sizes(vec![line(small); 5]), [4, 1]);
        assert_eq!(sizes(vec![line(1), line(BATCH_BYTES_MAX), line(1)]), [1, 1, 1]);
        assert_eq!(sizes(vec![line(0); BATCH_LINES_MAX + 1]), [BATCH_LINES_MAX, 1]);
        assert!(batches(Vec::new()).is_empty());
    }

    #[test]
    fn what_does_not_fit_is_dropped_and_counted() {
        let buffer = LogBuffer::default();
        let sink = buffer.group(&Scope::default(), "/aws/lambda/f");
        sink.write("s", vec![line(BUFFER_BYTES_MAX - LINE_OVERHEAD_BYTES)]);
        sink.write("s", vec![line(1), line(1)]);
        assert_eq!(buffer.shared.waiting().dropped, 2);
        buffer.forget(Some(&AccountId::parse("111122223333").unwrap()));
        assert_eq!(buffer.shared.waiting().bytes, BUFFER_BYTES_MAX);
        buffer.forget(Some(&AccountId::default()));
        assert_eq!(buffer.shared.waiting().bytes, 0);
        sink.write("s", vec![line(1)]);
        assert_eq!(buffer.shared.waiting().bytes, 1 + LINE_OVERHEAD_BYTES);
    }
}
