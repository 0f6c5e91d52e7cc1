use serde::Deserialize;
use service::{Arn, Context, Empty, Operation, Result};

use crate::{S3, bucket};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteBucket {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

impl Operation for DeleteBucket {
    type Service = S3;
    type Output = Empty;
    const NAME: &'static str = "DeleteBucket";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::bucket(&self.bucket)
    }

    async fn run(self, _: &S3, cx: &Context) -> Result<Empty> {
        bucket::delete(cx, &self.bucket, self.expected_bucket_owner.as_deref()).await?;
        Ok(Empty)
    }
}
