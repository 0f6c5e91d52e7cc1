use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};
use wire::Timestamp;

use crate::conditions::ReadConditions;
use crate::content::{self, Expected};
use crate::encryption::{CustomerRequest, Shown, key_for};
use crate::integrity::Sums;
use crate::source::{Source, SourceRequest};
use crate::versions::{self, Target};
use crate::{S3, range, upload};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UploadPartCopy {
    bucket: String,
    key: String,
    upload_id: String,
    part_number: i64,
    copy_source_range: Option<String>,
    copy_source: String,
    copy_source_if_match: Option<String>,
    copy_source_if_none_match: Option<String>,
    copy_source_if_modified_since: Option<Timestamp>,
    copy_source_if_unmodified_since: Option<Timestamp>,
    #[serde(rename = "CopySourceSSECustomerAlgorithm")]
    source_customer_algorithm: Option<String>,
    #[serde(rename = "CopySourceSSECustomerKey")]
    source_customer_key: Option<String>,
    #[serde(rename = "CopySourceSSECustomerKeyMD5")]
    source_customer_key_md5: Option<String>,
    expected_source_bucket_owner: Option<String>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    copy_source_version_id: Option<String>,
    copy_part_result: CopyPartResult,
    #[serde(flatten)]
    encryption: Shown,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CopyPartResult {
    #[serde(rename = "ETag")]
    etag: String,
    last_modified: Timestamp,
    #[serde(flatten)]
    sums: Sums,
}

impl Operation for UploadPartCopy {
    type Service = S3;
    type Output = Output;
    const NAME: &'static str = "UploadPartCopy";
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
        let source = Source::parse(&self.copy_source)?;
        let state = upload::State::read(cx, target, &self.upload_id).await?;
        let customer = CustomerRequest {
            algorithm: self.sse_customer_algorithm,
            key: self.sse_customer_key,
            key_md5: self.sse_customer_key_md5,
        };
        let key = key_for(&state.upload.object, &customer)?;
        let request = SourceRequest {
            conditions: ReadConditions {
                if_match: self.copy_source_if_match.as_deref(),
                if_none_match: self.copy_source_if_none_match.as_deref(),
                if_modified_since: self.copy_source_if_modified_since,
                if_unmodified_since: self.copy_source_if_unmodified_since,
            },
            expected_owner: self.expected_source_bucket_owner.as_deref(),
            customer: CustomerRequest {
                algorithm: self.source_customer_algorithm,
                key: self.source_customer_key,
                key_md5: self.source_customer_key_md5,
            },
        };
        let (read, source_key) = source.open(cx, &request).await?;
        let selected = match self.copy_source_range.as_deref() {
            Some(header) => range::of_copy_source(header, read.object.size)?,
            None => 0..read.object.size,
        };
        crate::source::check_size(selected.end - selected.start)?;
        let stream = content::send(s3, cx, &read.bucket.owner, &read.object, selected, source_key).await?;
        let expected = Expected { key, ..Expected::default() }.for_upload(&state.upload.object)?;
        let received = content::receive(s3, cx, Some(stream), &expected).await?;
        let stored = upload::put_part(s3, cx, target, &self.upload_id, number, &received).await;
        let sums = received.sums();
        let part = content::keep_or_discard(cx, received, stored).await?;
        Ok(Output {
            copy_source_version_id: read.version_id(),
            copy_part_result: CopyPartResult {
                etag: format!("\"{}\"", part.etag()),
                last_modified: Timestamp::from_epoch_millis(part.modified_epoch_millis),
                sums,
            },
            encryption: Shown::of(&state.upload.object.encryption),
        })
    }
}
