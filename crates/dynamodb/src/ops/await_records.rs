use std::time::Duration;

use serde::{Deserialize, Serialize};
use service::{Arn, Context, Failure, Operation, Result};
use store::log_counter_key;

use crate::DynamoDbStreams;
use crate::keys::Keys;
use crate::streams::{Extent, ShardIterator, find};

/// Longest wait of one call.
const WAIT_MILLIS_MAX: u64 = 20_000;

/// For event source mappings: answers as soon as GetRecords with this iterator would give something (a record, the end of
/// the shard, an error), or after a while.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AwaitRecords {
    shard_iterator: String,
    wait_millis: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Awaited {
    ready: bool,
}

impl Operation for AwaitRecords {
    type Service = DynamoDbStreams;
    type Output = Awaited;
    const NAME: &'static str = "AwaitRecords";
    const ACTION: &'static str = "GetRecords";

    fn resource(&self, _: &Context) -> Arn {
        let arn = self.shard_iterator.rsplitn(4, '|').last().unwrap_or_default();
        arn.parse().unwrap_or_else(|_| Arn::any())
    }

    async fn run(self, _: &DynamoDbStreams, cx: &Context) -> Result<Awaited> {
        let iterator = ShardIterator::decode(&self.shard_iterator, cx.now())?;
        let (kv, keys) = (cx.platform().kv(), Keys::new(cx.scope()));
        let stream = find(cx, &iterator.stream_arn).await?;
        let log = stream.log(&keys);
        let mut changed = kv.watch(log_counter_key(&log));
        // The end of a shard shows in the stream's row, which is looked at by the caller's next call.
        let wait = Duration::from_millis(self.wait_millis.min(WAIT_MILLIS_MAX));
        let ready = async {
            loop {
                let extent = Extent::of(kv.snapshot().await?.as_ref(), &log).await?;
                if stream.disabled.is_some() || extent.last >= iterator.next.max(1) {
                    return Ok::<_, Failure>(true);
                }
                changed.changed().await;
            }
        };
        match tokio::time::timeout(wait, ready).await {
            Ok(ready) => Ok(Awaited { ready: ready? }),
            Err(_) => Ok(Awaited { ready: false }),
        }
    }
}
