use serde::{Deserialize, Serialize};
use service::{Arn, Context, Failure, Operation, Result};
use wire::Timestamp;

use crate::DynamoDbStreams;
use crate::error::{Error, invalid};
use crate::keys::Keys;
use crate::streams::{Extent, ShardIterator, find, first_since, read_sequence_number};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetShardIterator {
    stream_arn: String,
    shard_id: String,
    shard_iterator_type: String,
    sequence_number: Option<String>,
    timestamp: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Iterator {
    shard_iterator: String,
}

impl Operation for GetShardIterator {
    type Service = DynamoDbStreams;
    type Output = Iterator;
    const NAME: &'static str = "GetShardIterator";

    fn resource(&self, _: &Context) -> Arn {
        self.stream_arn.parse().unwrap_or_else(|_| Arn::any())
    }

    async fn run(self, _: &DynamoDbStreams, cx: &Context) -> Result<Iterator> {
        let stream = find(cx, &self.stream_arn).await?;
        if self.shard_id != stream.shard_id() {
            return Err(Error::ResourceNotFoundException(format!(
                "Requested resource not found: Shard: {} in Stream: {} not found",
                self.shard_id, self.stream_arn
            ))
            .into());
        }
        let log = stream.log(&Keys::new(cx.scope()));
        let snapshot = cx.platform().kv().snapshot().await?;
        let extent = Extent::of(snapshot.as_ref(), &log).await?;
        let next = match self.shard_iterator_type.as_str() {
            "TRIM_HORIZON" => 0,
            "LATEST" => extent.last + 1,
            "AT_TIMESTAMP" => {
                let time = self.timestamp.ok_or_else(|| missing("timestamp"))?;
                first_since(snapshot.as_ref(), &log, time.epoch_millis()).await?
            }
            "AT_SEQUENCE_NUMBER" => there(self.sequence(extent)?, extent)?,
            _ => there(self.sequence(extent)?.saturating_add(1), extent)?,
        };
        Ok(Iterator { shard_iterator: ShardIterator::new(&stream, cx, next).encode() })
    }
}

impl GetShardIterator {
    fn sequence(&self, extent: Extent) -> Result<u64> {
        let text = self.sequence_number.as_deref().ok_or_else(|| missing("sequenceNumber"))?;
        read_sequence_number(text)
            // The first number of an empty shard is named by DescribeStream before there is a record.
            .filter(|sequence| *sequence <= extent.last.max(extent.first))
            .ok_or_else(|| invalid(format!("Invalid SequenceNumber: {text}")))
    }
}

/// Reading can begin here only if nothing from here on was removed.
fn there(next: u64, extent: Extent) -> Result<u64> {
    if next < extent.first { Err(Error::trimmed().into()) } else { Ok(next) }
}

fn missing(member: &str) -> Failure {
    invalid(format!(
        "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
    ))
}
