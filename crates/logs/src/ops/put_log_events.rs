use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};

use crate::Logs;
use crate::append::{self, RejectedLogEventsInfo, WhenMissing};
use crate::chunk::Event;
use crate::stream;

/// The sequence token is accepted and ignored, as the API reference says.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PutLogEvents {
    log_group_name: String,
    log_stream_name: String,
    log_events: Vec<InputLogEvent>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InputLogEvent {
    pub timestamp: i64,
    pub message: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Output {
    next_sequence_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected_log_events_info: Option<RejectedLogEventsInfo>,
}

impl From<InputLogEvent> for Event {
    fn from(InputLogEvent { timestamp, message }: InputLogEvent) -> Self {
        Event { timestamp: timestamp.max(0), message }
    }
}

impl Operation for PutLogEvents {
    type Service = Logs;
    type Output = Output;
    const NAME: &'static str = "PutLogEvents";

    fn resource(&self, cx: &Context) -> Arn {
        stream::arn(cx.scope(), &self.log_group_name, &self.log_stream_name)
    }

    async fn run(self, logs: &Logs, cx: &Context) -> Result<Output> {
        let events: Vec<Event> = self.log_events.into_iter().map(Event::from).collect();
        append::check_batch(&events)?;
        let (group, stream) = (&self.log_group_name, &self.log_stream_name);
        let appended = append::append(logs, cx, group, stream, events, WhenMissing::Fail).await?;
        Ok(Output {
            next_sequence_token: appended.next_sequence_token,
            rejected_log_events_info: appended.rejected,
        })
    }
}
