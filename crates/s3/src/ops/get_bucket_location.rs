use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};

use crate::{S3, bucket};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetBucketLocation {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    /// Empty for us-east-1.
    #[serde(skip_serializing_if = "Option::is_none")]
    location_constraint: Option<String>,
}

impl Operation for GetBucketLocation {
    type Service = S3;
    type Output = Output;
    const NAME: &'static str = "GetBucketLocation";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::bucket(&self.bucket)
    }

    async fn run(self, _: &S3, cx: &Context) -> Result<Output> {
        let bucket = bucket::load(cx, &self.bucket, self.expected_bucket_owner.as_deref()).await?;
        Ok(Output { location_constraint: Some(bucket.region).filter(|region| region != "us-east-1") })
    }
}
