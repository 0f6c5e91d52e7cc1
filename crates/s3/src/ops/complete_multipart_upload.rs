use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};

use crate::S3;
use crate::conditions::WriteConditions;
use crate::encryption::Shown;
use crate::error::malformed_xml;
use crate::integrity::Sums;
use crate::upload::{self, Claimed, Completed};
use crate::versions::{self, Target};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CompleteMultipartUpload {
    bucket: String,
    key: String,
    upload_id: String,
    multipart_upload: Option<MultipartUpload>,
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
    checksum_type: Option<String>,
    mpu_object_size: Option<i64>,
    if_match: Option<String>,
    if_none_match: Option<String>,
    expected_bucket_owner: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MultipartUpload {
    #[serde(default)]
    parts: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Part {
    #[serde(rename = "ETag")]
    etag: Option<String>,
    part_number: Option<i64>,
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
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    location: String,
    bucket: String,
    key: String,
    #[serde(rename = "ETag")]
    etag: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
    #[serde(flatten)]
    sums: Sums,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_side_encryption: Option<&'static str>,
}

impl Operation for CompleteMultipartUpload {
    type Service = S3;
    type Output = Output;
    const NAME: &'static str = "CompleteMultipartUpload";
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
        let parts = self.multipart_upload.ok_or_else(malformed_xml)?.parts;
        let claimed: Vec<Claimed> = parts
            .into_iter()
            .map(|part| Claimed {
                number: part.part_number,
                etag: part.etag,
                checksum: part
                    .checksum_crc32
                    .or(part.checksum_crc32c)
                    .or(part.checksum_crc64nvme)
                    .or(part.checksum_sha1)
                    .or(part.checksum_sha256),
            })
            .collect();
        let completed = Completed {
            parts: &claimed,
            checksum: self
                .checksum_crc32
                .or(self.checksum_crc32c)
                .or(self.checksum_crc64nvme)
                .or(self.checksum_sha1)
                .or(self.checksum_sha256),
            checksum_type: self.checksum_type.as_deref(),
            size: self.mpu_object_size,
        };
        let conditions = WriteConditions {
            if_match: self.if_match.as_deref(),
            if_none_match: self.if_none_match.as_deref(),
            ..WriteConditions::default()
        };
        let written = upload::complete(s3, cx, target, &self.upload_id, completed, |_, present, _| {
            conditions.check(&self.key, present)
        });
        let written = written.await?;
        Ok(Output {
            location: format!("{}/{}/{}", cx.endpoint(), self.bucket, self.key),
            etag: written.object.quoted_etag(),
            version_id: written.version_id(),
            sums: Sums::of(written.object.checksum.as_ref()),
            server_side_encryption: Shown::of(&written.object.encryption).server_side_encryption,
            bucket: self.bucket,
            key: self.key,
        })
    }
}
