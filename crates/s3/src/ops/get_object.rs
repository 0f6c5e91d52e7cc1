use serde::Deserialize;
use service::{Arn, Context, Operation, Principal, ReplyStream, Result, Streamed};
use wire::Timestamp;

use crate::conditions::ReadConditions;
use crate::encryption::CustomerRequest;
use crate::head::{Head, Overrides, Selection};
use crate::versions::{self, Target};
use crate::{S3, archive, content, encryption, error};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetObject {
    bucket: String,
    key: String,
    version_id: Option<String>,
    range: Option<String>,
    part_number: Option<i64>,
    if_match: Option<String>,
    if_none_match: Option<String>,
    if_modified_since: Option<Timestamp>,
    if_unmodified_since: Option<Timestamp>,
    response_cache_control: Option<String>,
    response_content_disposition: Option<String>,
    response_content_encoding: Option<String>,
    response_content_language: Option<String>,
    response_content_type: Option<String>,
    response_expires: Option<Timestamp>,
    checksum_mode: Option<String>,
    #[serde(rename = "SSECustomerAlgorithm")]
    sse_customer_algorithm: Option<String>,
    #[serde(rename = "SSECustomerKey")]
    sse_customer_key: Option<String>,
    #[serde(rename = "SSECustomerKeyMD5")]
    sse_customer_key_md5: Option<String>,
    expected_bucket_owner: Option<String>,
}

impl Operation for GetObject {
    type Service = S3;
    type Output = Streamed<Head>;
    const NAME: &'static str = "GetObject";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::object(&self.bucket, &self.key)
    }

    async fn run(self, s3: &S3, cx: &Context) -> Result<Streamed<Head>> {
        versions::check_key(&self.key)?;
        let target = Target {
            bucket: &self.bucket,
            key: &self.key,
            expected_owner: self.expected_bucket_owner.as_deref(),
        };
        let read = versions::read(cx, target, self.version_id.as_deref()).await?;
        let customer = CustomerRequest {
            algorithm: self.sse_customer_algorithm,
            key: self.sse_customer_key,
            key_md5: self.sse_customer_key_md5,
        };
        let key = encryption::key_for(&read.object, &customer)?;
        let conditions = ReadConditions {
            if_match: self.if_match.as_deref(),
            if_none_match: self.if_none_match.as_deref(),
            if_modified_since: self.if_modified_since,
            if_unmodified_since: self.if_unmodified_since,
        };
        conditions.check(&read.object)?;
        archive::check_readable(&read.object, cx.now())?;
        let selection = Selection { range: self.range.as_deref(), part_number: self.part_number };
        let selected = selection.select(cx, &read).await?;
        let overrides = Overrides {
            cache_control: self.response_cache_control,
            content_disposition: self.response_content_disposition,
            content_encoding: self.response_content_encoding,
            content_language: self.response_content_language,
            content_type: self.response_content_type,
            expires: self.response_expires.map(Timestamp::to_http_date),
        };
        overrides.check(matches!(cx.caller().principal, Principal::Anonymous { .. }))?;
        let with_checksum = self.checksum_mode.is_some();
        let head = Head::of(&read, &selected, with_checksum, self.part_number.is_some()).with(overrides);
        let length = selected.range.end - selected.range.start;
        let stream = content::send(s3, cx, &read.bucket.owner, &read.object, selected.range, key).await?;
        Ok(Streamed { output: head, stream: ReplyStream::Bytes { length: Some(length), stream } })
    }
}

impl Overrides {
    /// Only whoever signs may say how an object is presented.
    pub(crate) fn check(&self, is_anonymous: bool) -> Result<()> {
        let asks = [
            &self.cache_control,
            &self.content_disposition,
            &self.content_encoding,
            &self.content_language,
            &self.content_type,
            &self.expires,
        ];
        if is_anonymous && asks.iter().any(|asked| asked.is_some()) {
            let text = "Request specific response headers cannot be used for anonymous GET requests.";
            return Err(error::invalid_request(text).into());
        }
        Ok(())
    }
}
