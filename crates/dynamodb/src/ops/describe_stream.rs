use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};

use crate::DynamoDbStreams;
use crate::keys::Keys;
use crate::streams::{Extent, StreamDescription, find};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeStream {
    stream_arn: String,
    exclusive_start_shard_id: Option<String>,
    shard_filter: Option<ShardFilter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ShardFilter {
    r#type: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StreamDescribed {
    stream_description: StreamDescription,
}

impl Operation for DescribeStream {
    type Service = DynamoDbStreams;
    type Output = StreamDescribed;
    const NAME: &'static str = "DescribeStream";

    fn resource(&self, _: &Context) -> Arn {
        self.stream_arn.parse().unwrap_or_else(|_| Arn::any())
    }

    async fn run(self, _: &DynamoDbStreams, cx: &Context) -> Result<StreamDescribed> {
        let stream = find(cx, &self.stream_arn).await?;
        let snapshot = cx.platform().kv().snapshot().await?;
        let extent = Extent::of(snapshot.as_ref(), &stream.log(&Keys::new(cx.scope()))).await?;
        let mut description = StreamDescription::new(cx.scope(), &stream, extent);
        // The one shard never has children, and nothing comes after it.
        let children_only =
            self.shard_filter.and_then(|filter| filter.r#type).as_deref() == Some("CHILD_SHARDS");
        if children_only || self.exclusive_start_shard_id.is_some_and(|after| after >= stream.shard_id()) {
            description.shards.clear();
        }
        Ok(StreamDescribed { stream_description: description })
    }
}
