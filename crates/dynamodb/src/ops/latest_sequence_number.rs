use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};

use crate::DynamoDbStreams;
use crate::keys::Keys;
use crate::streams::{Extent, find, sequence_number};

/// For event source mappings: a place in a stream that stays, where an iterator does not. What is written from now on
/// comes after this sequence number.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct LatestSequenceNumber {
    stream_arn: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Latest {
    sequence_number: String,
}

impl Operation for LatestSequenceNumber {
    type Service = DynamoDbStreams;
    type Output = Latest;
    const NAME: &'static str = "LatestSequenceNumber";
    const ACTION: &'static str = "DescribeStream";

    fn resource(&self, _: &Context) -> Arn {
        self.stream_arn.parse().unwrap_or_else(|_| Arn::any())
    }

    async fn run(self, _: &DynamoDbStreams, cx: &Context) -> Result<Latest> {
        let stream = find(cx, &self.stream_arn).await?;
        let snapshot = cx.platform().kv().snapshot().await?;
        let extent = Extent::of(snapshot.as_ref(), &stream.log(&Keys::new(cx.scope()))).await?;
        Ok(Latest { sequence_number: sequence_number(extent.last) })
    }
}
