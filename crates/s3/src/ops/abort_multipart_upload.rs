use service::{Arn, Context, Empty, Operation, Result};

use super::input::input;
use crate::versions;
use crate::{S3, upload};

input! {
    AbortMultipartUpload: {
        upload_id: String,
    }
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
        let target = self.target();
        upload::abort(s3, cx, target, &self.upload_id).await?;
        Ok(Empty)
    }
}
