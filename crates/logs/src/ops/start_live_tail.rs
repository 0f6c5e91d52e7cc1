use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use serde::{Deserialize, Serialize};
use service::{Arn, Context, Empty, Event, EventStream, Operation, ReplyStream, Result, Streamed};
use tasks::Stopping;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;
use wire::Document;

use crate::Logs;
use crate::error::Error;
use crate::group;
use crate::identifier::from_identifier;
use crate::keys::Keys;
use crate::limits::{LIVE_TAIL_SECONDS_MAX, LIVE_TAIL_UPDATE_EVENTS_MAX, LIVE_TAIL_UPDATE_MILLIS};
use crate::live::{Ingested, Session};
use crate::pattern::Pattern;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StartLiveTail {
    log_group_identifiers: Vec<String>,
    #[serde(default)]
    log_stream_names: Vec<String>,
    #[serde(default)]
    log_stream_name_prefixes: Vec<String>,
    #[serde(default)]
    log_event_filter_pattern: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionStart {
    request_id: String,
    session_id: String,
    log_group_identifiers: Vec<String>,
    log_stream_names: Vec<String>,
    log_stream_name_prefixes: Vec<String>,
    log_event_filter_pattern: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionUpdate {
    session_metadata: SessionMetadata,
    session_results: VecDeque<LiveEvent>,
}

#[derive(Serialize)]
struct SessionMetadata {
    /// Events were left out: more came in than an update holds, or the client reads too slowly.
    sampled: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LiveEvent {
    log_group_identifier: String,
    log_stream_name: String,
    message: String,
    timestamp: i64,
    ingestion_time: i64,
}

impl Operation for StartLiveTail {
    type Service = Logs;
    type Output = Streamed<Empty>;
    const NAME: &'static str = "StartLiveTail";

    fn resource(&self, cx: &Context) -> Arn {
        let first = self.log_group_identifiers.first();
        match first.map(|identifier| from_identifier(cx, identifier)) {
            Some(Ok(name)) => group::policy_resource(cx.scope(), &name),
            _ => Arn::any(),
        }
    }

    async fn run(self, logs: &Logs, cx: &Context) -> Result<Streamed<Empty>> {
        let pattern = Pattern::parse(&self.log_event_filter_pattern)
            .map_err(|error| Error::invalid(error.to_string()))?;
        let by_stream = !self.log_stream_names.is_empty() || !self.log_stream_name_prefixes.is_empty();
        if !self.log_stream_names.is_empty() && !self.log_stream_name_prefixes.is_empty() {
            return Err(
                Error::invalid("logStreamNames and logStreamNamePrefixes are mutually exclusive.").into()
            );
        }
        if by_stream && self.log_group_identifiers.len() != 1 {
            return Err(
                Error::invalid("Log streams can be given only together with exactly one log group.").into()
            );
        }
        let keys = Keys::new(cx.scope());
        let snapshot = cx.platform().kv().snapshot().await?;
        let mut groups = Vec::new();
        for identifier in &self.log_group_identifiers {
            let name = from_identifier(cx, identifier)?;
            group::find(snapshot.as_ref(), &keys, &name).await?;
            groups.push(name);
        }
        drop(snapshot);
        let session = logs
            .live()
            .open()
            .ok_or_else(|| Error::LimitExceededException("Too many concurrent Live Tail sessions.".into()))?;
        let start = SessionStart {
            request_id: cx.request_id().to_owned(),
            session_id: cx.platform().ids().uuid(),
            log_group_identifiers: self.log_group_identifiers.clone(),
            log_stream_names: self.log_stream_names.clone(),
            log_stream_name_prefixes: self.log_stream_name_prefixes.clone(),
            log_event_filter_pattern: self.log_event_filter_pattern.clone(),
        };
        let tail = Tail {
            session,
            scope: cx.scope().clone(),
            groups,
            names: self.log_stream_names,
            prefixes: self.log_stream_name_prefixes,
            pattern,
            stopping: cx.platform().tasks().stopping(),
            ends: Instant::now() + Duration::from_secs(LIVE_TAIL_SECONDS_MAX),
            start: Some(start),
            over: false,
        };
        let stream: EventStream = Box::pin(stream::unfold(tail, Tail::next));
        Ok(Streamed { output: Empty, stream: ReplyStream::Events(stream) })
    }
}

/// One session while it lasts.
struct Tail {
    session: Session,
    scope: service::Scope,
    groups: Vec<String>,
    names: Vec<String>,
    prefixes: Vec<String>,
    pattern: Pattern,
    stopping: Stopping,
    ends: Instant,
    /// Sent first.
    start: Option<SessionStart>,
    over: bool,
}

impl Tail {
    async fn next(mut self) -> Option<(Result<Event>, Self)> {
        if self.over {
            return None;
        }
        if let Some(start) = self.start.take() {
            return Some((event("sessionStart", &start), self));
        }
        let (results, sampled) = self.collect().await;
        if self.stopping.is_stopping() {
            return None;
        }
        if Instant::now() >= self.ends {
            self.over = true;
            let message = Document::map([("message", "The session has timed out.".into())]);
            return Some((Ok(Event { name: "SessionTimeoutException", document: message }), self));
        }
        let update =
            SessionUpdate { session_metadata: SessionMetadata { sampled }, session_results: results };
        Some((event("sessionUpdate", &update), self))
    }

    /// What comes in until the next update is due.
    async fn collect(&mut self) -> (VecDeque<LiveEvent>, bool) {
        let due = Instant::now() + Duration::from_millis(LIVE_TAIL_UPDATE_MILLIS);
        let mut results = VecDeque::new();
        let mut sampled = false;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(due) => return (results, sampled),
                () = self.stopping.wait() => return (results, sampled),
                received = self.session.batches.recv() => match received {
                    Ok(batch) => sampled |= self.take(&batch, &mut results),
                    Err(RecvError::Lagged(_)) => sampled = true,
                    Err(RecvError::Closed) => {
                        tokio::time::sleep_until(due).await;
                        return (results, sampled);
                    }
                },
            }
        }
    }

    /// Adds a batch's events; `true` when some had to be dropped, the oldest first.
    fn take(&self, batch: &Arc<Ingested>, results: &mut VecDeque<LiveEvent>) -> bool {
        let by_stream = self.names.is_empty() && self.prefixes.is_empty()
            || self.names.contains(&batch.stream)
            || self.prefixes.iter().any(|prefix| batch.stream.starts_with(prefix.as_str()));
        if batch.scope != self.scope || !self.groups.contains(&batch.group) || !by_stream {
            return false;
        }
        let mut dropped = false;
        for found in batch.events.iter().filter(|event| self.pattern.matches(&event.message)) {
            results.push_back(LiveEvent {
                log_group_identifier: format!("{}:{}", self.scope.account, batch.group),
                log_stream_name: batch.stream.clone(),
                message: found.message.clone(),
                timestamp: found.timestamp,
                ingestion_time: batch.ingestion_time,
            });
            if results.len() > LIVE_TAIL_UPDATE_EVENTS_MAX {
                results.pop_front();
                dropped = true;
            }
        }
        dropped
    }
}

fn event<T: Serialize>(name: &'static str, value: &T) -> Result<Event> {
    let document =
        wire::to_document(value).map_err(|error| anyhow::anyhow!("{name} does not serialize: {error}"))?;
    Ok(Event { name, document })
}
