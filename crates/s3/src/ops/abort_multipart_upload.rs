use serde::Deserialize;
use service::{Arn, Context, Empty, Operation, Result};

use crate::versions::{self, Target};
use crate::{S3, upload};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AbortMultipartUpload {
    bucket: String,
    key: String,
    upload_id: String,
    expected_bucket_owner: Option<String>,
}

impl Operation for AbortMultipartUpload {
    type Service = S3;
    type Output = Empty;
    const NAME: &'static str = "AbortMultipartUpload";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::object(&self.bucket, &self.key)
    }

    async fn run(self, s3: &S3, cx: &Context) -> Result<Empty> {
        versions::check_key(&self.key)?;
        let target = Target {
            bucket: &self.bucket,
            key: &self.key,
            expected_owner: self.expected_bucket_owner.as_deref(),
        };
        upload::abort(s3, cx, target, &self.upload_id).await?;
        Ok(Empty)
    }
}
