use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};

use crate::Logs;
use crate::group;
use crate::identifier::group_of;
use crate::keys::Keys;
use crate::limits::PAGE_EVENTS_MAX;
use crate::pattern::Pattern;
use crate::position::{Direction, Position, read_token, token};
use crate::search::{Page, Search, Source};
use crate::stream;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetLogEvents {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_name: String,
    start_time: Option<i64>,
    end_time: Option<i64>,
    next_token: Option<String>,
    limit: Option<usize>,
    #[serde(default)]
    start_from_head: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Output {
    events: Vec<OutputLogEvent>,
    next_forward_token: String,
    next_backward_token: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OutputLogEvent {
    timestamp: i64,
    message: String,
    ingestion_time: i64,
}

impl Operation for GetLogEvents {
    type Service = Logs;
    type Output = Output;
    const NAME: &'static str = "GetLogEvents";

    fn resource(&self, cx: &Context) -> Arn {
        match group_of(cx, self.log_group_name.as_deref(), self.log_group_identifier.as_deref()) {
            Ok(group) => stream::arn(cx.scope(), &group, &self.log_stream_name),
            Err(_) => Arn::any(),
        }
    }

    async fn run(self, _: &Logs, cx: &Context) -> Result<Output> {
        let group_name = group_of(cx, self.log_group_name.as_deref(), self.log_group_identifier.as_deref())?;
        let continued = self.next_token.as_deref().map(read_token).transpose()?;
        let keys = Keys::new(cx.scope());
        let snapshot = cx.platform().kv().snapshot().await?;
        let group = group::find(snapshot.as_ref(), &keys, &group_name).await?;
        let found = stream::find(snapshot.as_ref(), &keys, &group.id, &self.log_stream_name).await?;
        let sources: Vec<Source> = Source::of(self.log_stream_name, found).into_iter().collect();

        let expired_before = group.expired_before(cx.now().epoch_millis());
        let mut lower = Position::at(self.start_time.unwrap_or(0).max(expired_before));
        let mut upper = Position::at(self.end_time.unwrap_or(i64::MAX));
        let head = if self.start_from_head { Direction::Forward } else { Direction::Backward };
        let direction = match continued {
            Some((Direction::Forward, from)) => {
                lower = lower.max(from);
                Direction::Forward
            }
            Some((Direction::Backward, to)) => {
                upper = upper.min(to);
                Direction::Backward
            }
            None => head,
        };
        let search = Search {
            snapshot: snapshot.as_ref(),
            keys: &keys,
            group_id: &group.id,
            sources: &sources,
            pattern: &Pattern::Everything,
            direction,
            events_max: self.limit.unwrap_or(PAGE_EVENTS_MAX).clamp(1, PAGE_EVENTS_MAX),
        };
        let page = search.page(lower, upper).await?;
        let (forward, backward) = ends(&page, direction, continued.map(|(_, at)| at).unwrap_or(lower));
        Ok(Output {
            next_forward_token: token(Direction::Forward, forward),
            next_backward_token: token(Direction::Backward, backward),
            events: page
                .events
                .into_iter()
                .map(|event| OutputLogEvent {
                    timestamp: event.position.timestamp,
                    message: event.message,
                    ingestion_time: event.position.ingestion_time,
                })
                .collect(),
        })
    }
}

/// Where the page ends on either side. An empty page ends where it began, so that the same token comes back.
fn ends(page: &Page, direction: Direction, began: Position) -> (Position, Position) {
    match (page.events.first(), page.events.last()) {
        (Some(first), Some(last)) => (last.position.next(), first.position),
        _ => match (page.rest, direction) {
            (Some(rest), Direction::Forward) => (rest, began),
            (Some(rest), Direction::Backward) => (began, rest),
            (None, _) => (began, began),
        },
    }
}
