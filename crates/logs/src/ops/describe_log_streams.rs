use std::ops::Range;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use service::Operation;
use service::{Arn, Context, PageToken, Result};
use store::{Order, Snapshot};

use crate::Logs;
use crate::error::Error;
use crate::group::{self, decode};
use crate::identifier::{group_of, policy_resource};
use crate::keys::Keys;
use crate::limits::LIST_ROWS_MAX;
use crate::stream::{self, LogStream};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DescribeLogStreams {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_name_prefix: Option<String>,
    order_by: Option<OrderBy>,
    #[serde(default)]
    descending: bool,
    next_token: Option<String>,
    limit: Option<usize>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
enum OrderBy {
    LogStreamName,
    LastEventTime,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Output {
    log_streams: Vec<Described>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    log_stream_name: String,
    creation_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_event_timestamp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_event_timestamp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_ingestion_time: Option<i64>,
    upload_sequence_token: String,
    arn: String,
    /// Always zero for streams since June 2019, as the API reference says.
    stored_bytes: u64,
}

impl Operation for DescribeLogStreams {
    type Service = Logs;
    type Output = Output;
    const NAME: &'static str = "DescribeLogStreams";

    fn resource(&self, cx: &Context) -> Arn {
        policy_resource(cx, self.log_group_name.as_deref(), self.log_group_identifier.as_deref())
    }

    async fn run(self, _: &Logs, cx: &Context) -> Result<Output> {
        let group_name = group_of(cx, self.log_group_name.as_deref(), self.log_group_identifier.as_deref())?;
        let by_time = self.order_by == Some(OrderBy::LastEventTime);
        if by_time && self.log_stream_name_prefix.is_some() {
            return Err(Error::invalid("Cannot order by LastEventTime with a logStreamNamePrefix.").into());
        }
        let keys = Keys::new(cx.scope());
        let snapshot = cx.platform().kv().snapshot().await?;
        let group = group::find(snapshot.as_ref(), &keys, &group_name).await?;
        let prefix = self.log_stream_name_prefix.as_deref().unwrap_or("");
        let all = if by_time { keys.latest_from(&group.id, 0) } else { keys.streams(&group.id, prefix) };
        let range = self.remaining(all)?;
        let order = if self.descending { Order::Backward } else { Order::Forward };
        let limit = self.limit.unwrap_or(LIST_ROWS_MAX).clamp(1, LIST_ROWS_MAX);
        let mut rows = snapshot.scan(range, order, limit + 1).await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_token = match rows.last() {
            Some((last, _)) if more => Some(token_of(last)),
            _ => None,
        };
        let streams = if by_time {
            let names = rows.iter().filter_map(|(key, _)| keys.read_latest(key)).map(|(_, name)| name);
            by_names(snapshot.as_ref(), &keys, &group.id, names.collect()).await?
        } else {
            let mut streams = Vec::with_capacity(rows.len());
            for (key, row) in &rows {
                let name = keys.read_stream(key).unwrap_or_default();
                streams.push((name, decode::<LogStream>(&row.value)?));
            }
            streams
        };
        let log_streams = streams
            .into_iter()
            .map(|(name, stream)| Described {
                arn: stream::arn(cx.scope(), &group_name, &name).to_string(),
                log_stream_name: name,
                creation_time: stream.creation_time,
                first_event_timestamp: stream.first_event,
                last_event_timestamp: stream.last_event,
                last_ingestion_time: stream.last_ingestion,
                upload_sequence_token: stream.sequence_token(),
                stored_bytes: 0,
            })
            .collect();
        Ok(Output { log_streams, next_token })
    }
}

impl DescribeLogStreams {
    /// What is left of a range after the page that a token ended.
    fn remaining(&self, mut range: Range<Bytes>) -> std::result::Result<Range<Bytes>, Error> {
        let Some(token) = &self.next_token else { return Ok(range) };
        let PageToken(text) = PageToken::decode(token).map_err(|_| Error::invalid_token())?;
        let key: Bytes = text.chars().map(|next| next as u32 as u8).collect::<Vec<u8>>().into();
        if !range.contains(&key) {
            return Err(Error::invalid_token());
        }
        if self.descending {
            range.end = key;
        } else {
            range.start = [&key[..], &[0]].concat().into();
        }
        Ok(range)
    }
}

/// Keys hold times as bytes; the token is text of one character a byte.
fn token_of(key: &[u8]) -> String {
    PageToken(key.iter().map(|byte| char::from(*byte)).collect()).encode()
}

async fn by_names(
    snapshot: &dyn Snapshot,
    keys: &Keys,
    group_id: &str,
    names: Vec<String>,
) -> Result<Vec<(String, LogStream)>> {
    let wanted: Vec<Bytes> = names.iter().map(|name| keys.stream(group_id, name)).collect();
    let rows = snapshot.get_many(&wanted).await?;
    let found = names.into_iter().zip(rows).filter_map(|(name, row)| Some((name, row?)));
    found.map(|(name, row)| Ok((name, decode(&row.value)?))).collect()
}
