use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};

use crate::Logs;
use crate::error::Error;
use crate::group;
use crate::identifier::{group_of, policy_resource};
use crate::keys::Keys;
use crate::limits::PAGE_EVENTS_MAX;
use crate::pattern::Pattern;
use crate::position::{Direction, Position, read_token, token};
use crate::search::Search;
use crate::select::{Selection, select};

/// 2024-01-01T00:00:00Z: the earliest start of a search from the latest event (API reference).
const BACKWARD_FROM_MIN: i64 = 1_704_067_200_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FilterLogEvents {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_names: Option<Vec<String>>,
    log_stream_name_prefix: Option<String>,
    start_time: Option<i64>,
    end_time: Option<i64>,
    filter_pattern: Option<String>,
    next_token: Option<String>,
    limit: Option<usize>,
    start_from_head: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Output {
    events: Vec<FilteredLogEvent>,
    /// Always empty since May 2020, as the API reference says.
    searched_log_streams: [(); 0],
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FilteredLogEvent {
    log_stream_name: String,
    timestamp: i64,
    message: String,
    ingestion_time: i64,
    event_id: String,
}

impl Operation for FilterLogEvents {
    type Service = Logs;
    type Output = Output;
    const NAME: &'static str = "FilterLogEvents";

    fn resource(&self, cx: &Context) -> Arn {
        policy_resource(cx, self.log_group_name.as_deref(), self.log_group_identifier.as_deref())
    }

    async fn run(self, _: &Logs, cx: &Context) -> Result<Output> {
        let group_name = group_of(cx, self.log_group_name.as_deref(), self.log_group_identifier.as_deref())?;
        let pattern = Pattern::parse(self.filter_pattern.as_deref().unwrap_or(""))
            .map_err(|error| Error::invalid(error.to_string()))?;
        let continued = self.next_token.as_deref().map(read_token).transpose()?;
        if self.start_from_head == Some(false)
            && self.start_time.is_none_or(|start| start < BACKWARD_FROM_MIN)
        {
            return Err(Error::invalid(
                "startFromHead can be false only if startTime is on or after 2024-01-01T00:00:00Z.",
            )
            .into());
        }
        let selection = match (self.log_stream_names, self.log_stream_name_prefix) {
            (Some(_), Some(_)) => {
                return Err(Error::invalid(
                    "LogStreamNamePrefix and LogStreamNames are mutually exclusive parameters.",
                )
                .into());
            }
            (Some(names), None) => Selection::Names(names),
            (None, Some(prefix)) => Selection::Prefix(prefix),
            (None, None) => Selection::All,
        };
        let keys = Keys::new(cx.scope());
        let snapshot = cx.platform().kv().snapshot().await?;
        let group = group::find(snapshot.as_ref(), &keys, &group_name).await?;

        let expired_before = group.expired_before(cx.now().epoch_millis());
        let mut lower = Position::at(self.start_time.unwrap_or(0).max(expired_before));
        // Events of the end time itself are included, unlike with GetLogEvents.
        let mut upper = Position::at(self.end_time.map_or(i64::MAX, |end| end.saturating_add(1)));
        let direction = match continued {
            Some((Direction::Forward, from)) => {
                lower = lower.max(from);
                Direction::Forward
            }
            Some((Direction::Backward, to)) => {
                upper = upper.min(to);
                Direction::Backward
            }
            None if self.start_from_head == Some(false) => Direction::Backward,
            None => Direction::Forward,
        };
        let sources = select(snapshot.as_ref(), &keys, &group.id, &selection, lower.timestamp).await?;
        let search = Search {
            snapshot: snapshot.as_ref(),
            keys: &keys,
            group_id: &group.id,
            sources: &sources,
            pattern: &pattern,
            direction,
            events_max: self.limit.unwrap_or(PAGE_EVENTS_MAX).clamp(1, PAGE_EVENTS_MAX),
        };
        let page = search.page(lower, upper).await?;
        let mut events: Vec<_> = page
            .events
            .into_iter()
            .map(|event| FilteredLogEvent {
                log_stream_name: sources[event.source].stream_name.clone(),
                timestamp: event.position.timestamp,
                message: event.message,
                ingestion_time: event.position.ingestion_time,
                event_id: event.position.event_id(),
            })
            .collect();
        if direction == Direction::Backward {
            events.reverse();
        }
        Ok(Output {
            events,
            searched_log_streams: [],
            next_token: page.rest.map(|rest| token(direction, rest)),
        })
    }
}
