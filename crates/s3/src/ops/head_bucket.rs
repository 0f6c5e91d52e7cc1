use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};

use crate::{S3, bucket};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct HeadBucket {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    bucket_arn: String,
    bucket_region: String,
    access_point_alias: bool,
}

impl Operation for HeadBucket {
    type Service = S3;
    type Output = Output;
    const NAME: &'static str = "HeadBucket";
    const ACTION: &'static str = "ListBucket";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::bucket(&self.bucket)
    }

    async fn run(self, _: &S3, cx: &Context) -> Result<Output> {
        let bucket = bucket::load(cx, &self.bucket, self.expected_bucket_owner.as_deref()).await?;
        Ok(Output { bucket_arn: bucket.arn(), bucket_region: bucket.region, access_point_alias: false })
    }
}
