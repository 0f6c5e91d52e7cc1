use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};

use crate::DynamoDbStreams;
use crate::error::{Error, invalid};
use crate::keys::Keys;
use crate::streams::{Extent, Record, ShardIterator, find, read};

/// Records of one answer.
const RECORDS_MAX: usize = 1_000;
/// Bytes of the records of one answer, as they are stored.
const RECORDS_BYTES_MAX: usize = 1024 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetRecords {
    shard_iterator: String,
    limit: Option<usize>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Records {
    records: Vec<Record>,
    next_shard_iterator: Option<String>,
}

impl Operation for GetRecords {
    type Service = DynamoDbStreams;
    type Output = Records;
    const NAME: &'static str = "GetRecords";

    fn resource(&self, _: &Context) -> Arn {
        let arn = self.shard_iterator.rsplitn(4, '|').last().unwrap_or_default();
        arn.parse().unwrap_or_else(|_| Arn::any())
    }

    async fn run(self, _: &DynamoDbStreams, cx: &Context) -> Result<Records> {
        let limit = self.limit.unwrap_or(RECORDS_MAX);
        if limit > RECORDS_MAX {
            return Err(invalid(format!(
                "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member must have \
                 value less than or equal to {RECORDS_MAX}"
            )));
        }
        let iterator = ShardIterator::decode(&self.shard_iterator, cx.now())?;
        let stream = find(cx, &iterator.stream_arn).await?;
        let log = stream.log(&Keys::new(cx.scope()));
        let snapshot = cx.platform().kv().snapshot().await?;
        let extent = Extent::of(snapshot.as_ref(), &log).await?;
        if iterator.next != 0 && iterator.next < extent.first {
            return Err(Error::trimmed().into());
        }
        let from = iterator.next.max(extent.first);
        let found = read(snapshot.as_ref(), &log, from, limit, RECORDS_BYTES_MAX).await?;
        let next = found.last().map_or(from, |(sequence, _)| sequence + 1);
        let ended = stream.disabled.is_some() && next > extent.last;
        let records = found
            .iter()
            .map(|(sequence, entry)| Record::new(cx.scope(), &stream, *sequence, entry))
            .collect::<Result<_>>()?;
        Ok(Records {
            records,
            next_shard_iterator: (!ended).then(|| ShardIterator::new(&stream, cx, next).encode()),
        })
    }
}
