use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};

use super::input::input;
use crate::encryption::Shown;
use crate::error::malformed_xml;
use crate::integrity::Sums;
use crate::upload::{self, Claimed, Completed};
use crate::versions;
use crate::{S3, lifecycle};

input! {
    CompleteMultipartUpload: checksums, conditions {
        upload_id: String,
        multipart_upload: Option<MultipartUpload>,
        checksum_type: Option<String>,
        mpu_object_size: Option<i64>,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MultipartUpload {
    #[serde(default)]
    parts: Vec<Part>,
}

input! {
    @ Part {
        #[serde(rename = "ETag")]
        etag: Option<String>,
        part_number: Option<i64>,
    } checksums
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
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<String>,
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

    async fn run(mut self, s3: &S3, cx: &Context) -> Result<Output> {
        versions::check_key(&self.key)?;
        let parts = self.multipart_upload.take().ok_or_else(malformed_xml)?.parts;
        let claimed: Vec<Claimed> = parts
            .into_iter()
            .map(|mut part| Claimed { number: part.part_number, sums: part.checksums(), etag: part.etag })
            .collect();
        let sums = self.checksums();
        let completed = Completed {
            parts: &claimed,
            sums,
            checksum_type: self.checksum_type.as_deref(),
            size: self.mpu_object_size,
        };
        let (target, conditions) = (self.target(), self.conditions());
        let written = upload::complete(s3, cx, target, &self.upload_id, completed, |_, present, _| {
            conditions.check(&self.key, present)
        });
        let written = written.await?;
        Ok(Output {
            location: format!("{}/{}/{}", cx.endpoint(), self.bucket, self.key),
            etag: written.object.quoted_etag(),
            version_id: written.version_id(),
            expiration: lifecycle::expiration_header(cx, &written.bucket, &self.key, &written.object).await?,
            sums: Sums::of(written.object.checksum.as_ref()),
            server_side_encryption: Shown::of(&written.object.encryption).server_side_encryption,
            bucket: self.bucket,
            key: self.key,
        })
    }
}
