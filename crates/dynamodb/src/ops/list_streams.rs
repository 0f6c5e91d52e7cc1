use serde::{Deserialize, Serialize};
use service::{Context, Operation, Result};
use store::Order;

use crate::DynamoDbStreams;
use crate::error::invalid;
use crate::keys::{Keys, just_after};
use crate::streams::{Stream, read_arn};
use crate::table::TableName;
use crate::tables::decode;

/// Streams on one page (ListStreams in the API reference).
const PAGE_STREAMS_MAX: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListStreams {
    table_name: Option<String>,
    limit: Option<usize>,
    exclusive_start_stream_arn: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StreamsListed {
    streams: Vec<ListedStream>,
    last_evaluated_stream_arn: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListedStream {
    stream_arn: String,
    table_name: String,
    stream_label: String,
}

impl Operation for ListStreams {
    type Service = DynamoDbStreams;
    type Output = StreamsListed;
    const NAME: &'static str = "ListStreams";

    async fn run(self, _: &DynamoDbStreams, cx: &Context) -> Result<StreamsListed> {
        let keys = Keys::new(cx.scope());
        let mut range = match &self.table_name {
            Some(name) => keys.streams_of(TableName::parse(cx, name)?.as_str()),
            None => keys.streams(),
        };
        if let Some(after) = &self.exclusive_start_stream_arn {
            let (table, label) =
                read_arn(cx.scope(), after).ok_or_else(|| invalid(format!("Invalid StreamArn: {after}")))?;
            range.start = range.start.max(just_after(&keys.stream(&table, &label)));
        }
        let limit = self.limit.unwrap_or(PAGE_STREAMS_MAX).clamp(1, PAGE_STREAMS_MAX);
        let snapshot = cx.platform().kv().snapshot().await?;
        let rows = snapshot.scan(range, Order::Forward, limit + 1).await?;
        let mut streams = Vec::new();
        for (_, row) in rows.iter().take(limit) {
            let stream: Stream = decode(&row.value)?;
            streams.push(ListedStream {
                stream_arn: stream.arn(cx.scope()).to_string(),
                table_name: stream.table,
                stream_label: stream.label,
            });
        }
        let last = streams.last().filter(|_| rows.len() > limit);
        Ok(StreamsListed { last_evaluated_stream_arn: last.map(|last| last.stream_arn.clone()), streams })
    }
}
