//! How events get into a stream.

use std::ops::Range;

use serde::Serialize;
use service::{Context, Failure, Result};
use store::Txn;

use crate::Logs;
use crate::chunk::{Event, pack};
use crate::error::Error;
use crate::group::{self, LogGroup};
use crate::keys::Keys;
use crate::limits::{
    BATCH_BYTES_MAX, BATCH_EVENTS_MAX, BATCH_SPAN_MILLIS_MAX, EVENT_AGE_MILLIS_MAX, EVENT_AHEAD_MILLIS_MAX,
    EVENT_BYTES_MAX,
};
use crate::live::Ingested;
use crate::stream::{self, LogStream};

/// The events that were not taken, by their place in the batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RejectedLogEventsInfo {
    /// The first that is too far in the future.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub too_new_log_event_start_index: Option<usize>,
    /// One past the last that is too old.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub too_old_log_event_end_index: Option<usize>,
    /// One past the last that the group's retention has already expired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expired_log_event_end_index: Option<usize>,
}

/// What became of a batch.
#[derive(Clone, Debug)]
pub(crate) struct Appended {
    pub next_sequence_token: String,
    pub rejected: Option<RejectedLogEventsInfo>,
}

/// What to do about a group or a stream that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhenMissing {
    Fail,
    Create,
}

/// The limits of one batch; checked before anything is read.
pub(crate) fn check_batch(events: &[Event]) -> std::result::Result<(), Error> {
    if events.len() > BATCH_EVENTS_MAX {
        return Err(Error::invalid(format!(
            "Upload too large: {} events exceeds limit of {BATCH_EVENTS_MAX}",
            events.len()
        )));
    }
    if let Some(bytes) = events.iter().map(Event::counted_bytes).find(|bytes| *bytes > EVENT_BYTES_MAX) {
        return Err(Error::invalid(format!(
            "Log event too large: {bytes} bytes exceeds limit of {EVENT_BYTES_MAX}"
        )));
    }
    let bytes: usize = events.iter().map(Event::counted_bytes).sum();
    if bytes > BATCH_BYTES_MAX {
        return Err(Error::invalid(format!(
            "Upload too large: {bytes} bytes exceeds limit of {BATCH_BYTES_MAX}"
        )));
    }
    if !events.is_sorted_by_key(|event| event.timestamp) {
        return Err(Error::invalid(
            "Log events in a single PutLogEvents request must be in chronological order.",
        ));
    }
    Ok(())
}

/// Which events of a sorted batch are taken, and what is said about the others.
pub(crate) fn sort_out(
    events: &[Event],
    now: i64,
    expired_before: i64,
) -> std::result::Result<(Range<usize>, Option<RejectedLogEventsInfo>), Error> {
    let before = |time: i64| events.partition_point(|event| event.timestamp < time);
    let too_old = before(now.saturating_sub(EVENT_AGE_MILLIS_MAX));
    let expired = before(expired_before);
    let too_new =
        events.partition_point(|event| event.timestamp <= now.saturating_add(EVENT_AHEAD_MILLIS_MAX));
    let taken = too_old.max(expired).min(too_new)..too_new;
    if let [first, .., last] = &events[taken.clone()]
        && last.timestamp - first.timestamp > BATCH_SPAN_MILLIS_MAX
    {
        return Err(Error::invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        ));
    }
    let rejected = RejectedLogEventsInfo {
        too_new_log_event_start_index: (too_new < events.len()).then_some(too_new),
        too_old_log_event_end_index: (too_old > 0).then_some(too_old),
        expired_log_event_end_index: (expired > 0).then_some(expired),
    };
    Ok((taken, (rejected != RejectedLogEventsInfo::default()).then_some(rejected)))
}

/// Adds a sorted batch to a stream, in one commit.
pub(crate) async fn append(
    logs: &Logs,
    cx: &Context,
    group_name: &str,
    stream_name: &str,
    events: Vec<Event>,
    when_missing: WhenMissing,
) -> Result<Appended> {
    stream::check_name(stream_name)?;
    let keys = Keys::new(cx.scope());
    let now = cx.now().epoch_millis();
    // Writers of one stream would only conflict with each other.
    let turn = logs.turn_of(cx.scope(), group_name, stream_name).lock().await;
    let (appended, taken) = store::txn(cx.platform().kv().as_ref(), |txn| {
        let (keys, events) = (&keys, &events);
        async move {
            let group = find_group(&txn, cx, keys, group_name, when_missing).await?;
            let found = stream::look_up(&txn, keys, &group.id, stream_name).await?;
            let before = found.as_ref().map(|stream| stream.last_event);
            let mut stream = match (found, when_missing) {
                (Some(stream), _) => stream,
                (None, WhenMissing::Create) => LogStream::new(cx),
                (None, WhenMissing::Fail) => return Err(Error::no_stream().into()),
            };
            let (taken, rejected) = sort_out(events, now, group.expired_before(now))?;
            let is_new = before.is_none();
            if is_new || !taken.is_empty() {
                write(&txn, keys, &group.id, &mut stream, &events[taken.clone()], now);
                stream::put(&txn, keys, &group.id, stream_name, &stream, before)?;
            }
            let next_sequence_token = stream.sequence_token();
            Ok::<_, Failure>((Appended { next_sequence_token, rejected }, taken))
        }
    })
    .await?;
    drop(turn);
    logs.live().publish(|| Ingested {
        scope: cx.scope().clone(),
        group: group_name.to_owned(),
        stream: stream_name.to_owned(),
        ingestion_time: now,
        events: events[taken].to_vec(),
    });
    Ok(appended)
}

async fn find_group(
    txn: &Txn,
    cx: &Context,
    keys: &Keys,
    name: &str,
    when_missing: WhenMissing,
) -> Result<LogGroup> {
    match (group::look_up(txn, keys, name).await?, when_missing) {
        (Some(group), _) => Ok(group),
        (None, WhenMissing::Fail) => Err(Error::no_group().into()),
        (None, WhenMissing::Create) => {
            let group = LogGroup::new(cx);
            group::put(txn, keys, name, &group)?;
            Ok(group)
        }
    }
}

fn write(txn: &Txn, keys: &Keys, group_id: &str, stream: &mut LogStream, events: &[Event], now: i64) {
    let (Some(first), Some(last)) = (events.first(), events.last()) else { return };
    for chunk in pack(events, now) {
        txn.put(keys.chunk(group_id, &stream.id, chunk.first_event, stream.next_sequence), chunk.value);
        stream.next_sequence += 1;
    }
    let earlier = stream.first_event.map_or(first.timestamp, |time| time.min(first.timestamp));
    let later = stream.last_event.map_or(last.timestamp, |time| time.max(last.timestamp));
    stream.first_event = Some(earlier);
    stream.last_event = Some(later);
    stream.last_ingestion = Some(now);
    stream.stored_bytes += events.iter().map(|event| event.counted_bytes() as u64).sum::<u64>();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{DAY_MILLIS, HOUR_MILLIS};

    fn events(times: &[i64]) -> Vec<Event> {
        times.iter().map(|time| Event { timestamp: *time, message: "x".into() }).collect()
    }

    #[test]
    fn batches_have_limits() {
        let of_bytes = |count: usize, bytes: usize| -> Vec<Event> {
            (0..count).map(|_| Event { timestamp: 1, message: "x".repeat(bytes) }).collect()
        };
        assert!(check_batch(&of_bytes(1, 1_048_550)).is_ok());
        assert_eq!(
            check_batch(&of_bytes(1, 1_048_551)).unwrap_err().to_string(),
            "Log event too large: 1048577 bytes exceeds limit of 1048576"
        );
        assert_eq!(
            check_batch(&of_bytes(2, 524_263)).unwrap_err().to_string(),
            "Upload too large: 1048578 bytes exceeds limit of 1048576"
        );
        assert!(check_batch(&of_bytes(10_000, 1)).is_ok());
        assert!(check_batch(&of_bytes(10_001, 1)).is_err());
        assert!(check_batch(&events(&[1, 1, 2])).is_ok());
        assert!(check_batch(&events(&[2, 1])).is_err());
    }

    #[test]
    fn what_is_out_of_time_is_named_and_left_out() {
        let now = 100 * DAY_MILLIS;
        let times = [
            now - 20 * DAY_MILLIS,
            now - 14 * DAY_MILLIS,
            now - 4 * DAY_MILLIS,
            now - DAY_MILLIS,
            now + 2 * HOUR_MILLIS,
            now + 2 * HOUR_MILLIS + 1,
        ];
        let (taken, rejected) = sort_out(&events(&times[3..4]), now, now - 3 * DAY_MILLIS).unwrap();
        assert_eq!((taken, rejected), (0..1, None));
        let mut batch = events(&times);
        batch.remove(4);
        let (taken, rejected) = sort_out(&batch, now, now - 3 * DAY_MILLIS).unwrap();
        assert_eq!(taken, 3..4);
        assert_eq!(
            rejected,
            Some(RejectedLogEventsInfo {
                too_new_log_event_start_index: Some(4),
                too_old_log_event_end_index: Some(1),
                expired_log_event_end_index: Some(3),
            })
        );
    }

    #[test]
    fn a_batch_spans_a_day_at_most() {
        let now = 100 * DAY_MILLIS;
        assert!(sort_out(&events(&[now - DAY_MILLIS, now]), now, 0).is_ok());
        assert!(sort_out(&events(&[now - DAY_MILLIS - 1, now]), now, 0).is_err());
        assert!(sort_out(&events(&[now - 20 * DAY_MILLIS, now]), now, 0).is_ok());
    }

    #[test]
    fn all_rejected_takes_none() {
        let now = 100 * DAY_MILLIS;
        let (taken, _) = sort_out(&events(&[now + 3 * HOUR_MILLIS]), now, 0).unwrap();
        assert!(taken.is_empty());
        let (taken, _) = sort_out(&events(&[1, 2]), now, 0).unwrap();
        assert!(taken.is_empty());
    }
}
