use serde::Deserialize;
use service::{Arn, Context, Empty, Operation, Result};

use super::create_log_group::check_name;
use super::put_log_events::InputLogEvent;
use crate::Logs;
use crate::append::{self, WhenMissing};
use crate::chunk::Event;
use crate::error::Error;
use crate::limits::{EVENT_BYTES_MAX, EVENT_OVERHEAD_BYTES, INGEST_BYTES_MAX, INGEST_EVENTS_MAX};
use crate::stream;

/// PutLogEvents for other services: a missing group or stream is created in the same commit, events may come in any
/// order, a message that is too long becomes several events, and an empty one none.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ingest {
    log_group_name: String,
    log_stream_name: String,
    log_events: Vec<InputLogEvent>,
}

impl Operation for Ingest {
    type Service = Logs;
    type Output = Empty;
    const NAME: &'static str = "Ingest";
    const ACTION: &'static str = "PutLogEvents";

    fn resource(&self, cx: &Context) -> Arn {
        stream::arn(cx.scope(), &self.log_group_name, &self.log_stream_name)
    }

    async fn run(self, logs: &Logs, cx: &Context) -> Result<Empty> {
        check_name(&self.log_group_name)?;
        let mut events: Vec<Event> = Vec::with_capacity(self.log_events.len());
        self.log_events.into_iter().for_each(|event| split(event.into(), &mut events));
        events.sort_by_key(|event| event.timestamp);
        let bytes: usize = events.iter().map(Event::counted_bytes).sum();
        if bytes > INGEST_BYTES_MAX || events.len() > INGEST_EVENTS_MAX {
            return Err(Error::invalid(format!(
                "Upload too large: {} events of {bytes} bytes exceed the limits of {INGEST_EVENTS_MAX} and \
                 {INGEST_BYTES_MAX}",
                events.len()
            ))
            .into());
        }
        let (group, stream) = (&self.log_group_name, &self.log_stream_name);
        append::append(logs, cx, group, stream, events, WhenMissing::Create).await?;
        Ok(Empty)
    }
}

fn split(event: Event, events: &mut Vec<Event>) {
    const MESSAGE_BYTES_MAX: usize = EVENT_BYTES_MAX - EVENT_OVERHEAD_BYTES;
    let mut rest = event.message.as_str();
    if rest.len() <= MESSAGE_BYTES_MAX {
        if !rest.is_empty() {
            events.push(event);
        }
        return;
    }
    while !rest.is_empty() {
        let mut end = rest.len().min(MESSAGE_BYTES_MAX);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (part, after) = rest.split_at(end);
        events.push(Event { timestamp: event.timestamp, message: part.to_owned() });
        rest = after;
    }
}
