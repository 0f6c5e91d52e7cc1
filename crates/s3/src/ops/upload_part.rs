use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};

use crate::content;
use crate::encryption::{CustomerRequest, Shown, key_for};
use crate::integrity::{Claims, Sums};
use crate::versions::{self, Target};
use crate::{S3, upload};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UploadPart {
    bucket: String,
    key: String,
    upload_id: String,
    part_number: i64,
    #[serde(rename = "ContentMD5")]
    content_md5: Option<String>,
    checksum_algorithm: Option<String>,
    #[serde(rename = "ChecksumCRC32")]
    checksum_crc32: Option<String>,
    #[serde(rename = "ChecksumCRC32C")]
    checksum_crc32c: Option<String>,
    #[serde(rename = "ChecksumCRC64NVME")]
    checksum_crc64nvme: Option<String>,
    #[serde(rename = "ChecksumSHA1")]
    checksum_sha1: Option<String>,
    #[serde(rename = "ChecksumSHA256")]
    checksum_sha256: Option<String>,
    #[serde(rename = "SSECustomerAlgorithm")]
    sse_customer_algorithm: Option<String>,
    #[serde(rename = "SSECustomerKey")]
    sse_customer_key: Option<String>,
    #[serde(rename = "SSECustomerKeyMD5")]
    sse_customer_key_md5: Option<String>,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    #[serde(rename = "ETag")]
    etag: String,
    #[serde(flatten)]
    sums: Sums,
    #[serde(flatten)]
    encryption: Shown,
}

impl Operation for UploadPart {
    type Service = S3;
    type Output = Output;
    const NAME: &'static str = "UploadPart";
    const ACTION: &'static str = "PutObject";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::object(&self.bucket, &self.key)
    }

    async fn run(self, s3: &S3, cx: &Context) -> Result<Output> {
        versions::check_key(&self.key)?;
        let target = Target {
            bucket: &self.bucket,
            key: &self.key,
            expected_owner: self.expected_bucket_owner.as_deref(),
        };
        let number = upload::check_number(self.part_number)?;
        let state = upload::State::read(cx, target, &self.upload_id).await?;
        let customer = CustomerRequest {
            algorithm: self.sse_customer_algorithm,
            key: self.sse_customer_key,
            key_md5: self.sse_customer_key_md5,
        };
        let key = key_for(&state.upload.object, &customer)?;
        let claims = Claims {
            content_md5: self.content_md5,
            algorithm: self.checksum_algorithm,
            crc32: self.checksum_crc32,
            crc32c: self.checksum_crc32c,
            crc64nvme: self.checksum_crc64nvme,
            sha1: self.checksum_sha1,
            sha256: self.checksum_sha256,
        };
        let expected = claims.read(key)?.for_upload(&state.upload.object)?;
        let received = content::receive(s3, cx, cx.take_body(), &expected).await?;
        let stored = match upload::check_trailer(&state.upload.object, &received) {
            Ok(()) => upload::put_part(s3, cx, target, &self.upload_id, number, &received).await,
            Err(failure) => Err(failure),
        };
        let sums = received.sums();
        let part = content::keep_or_discard(cx, received, stored).await?;
        Ok(Output {
            etag: format!("\"{}\"", part.etag()),
            sums,
            encryption: Shown::of(&state.upload.object.encryption),
        })
    }
}
