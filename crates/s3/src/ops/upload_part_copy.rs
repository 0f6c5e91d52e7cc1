use serde::Serialize;
use service::{Arn, Context, Demand, Operation, Result};
use wire::Timestamp;

use super::input::input;
use crate::content::{self, Expected};
use crate::encryption::{Shown, key_for};
use crate::integrity::Sums;
use crate::source::Source;
use crate::versions;
use crate::{S3, demands, range, upload};

input! {
    UploadPartCopy: source, customer {
        upload_id: String,
        part_number: i64,
        copy_source_range: Option<String>,
    }
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

    fn demands(&self, cx: &Context) -> Vec<Demand> {
        let put = Demand::new("s3:PutObject", self.resource(cx));
        let put = put.with("s3:x-amz-copy-source", self.copy_source.as_str());
        [put].into_iter().chain(demands::on_source(&self.copy_source)).collect()
    }

    async fn run(mut self, s3: &S3, cx: &Context) -> Result<Output> {
        versions::check_key(&self.key)?;
        let customer = self.customer();
        let number = upload::check_number(self.part_number)?;
        let source = Source::parse(&self.copy_source)?;
        let target = self.target();
        let state = upload::State::read(cx, target, &self.upload_id).await?;
        let key = key_for(&state.upload.object, &customer)?;
        let (read, source_key) = source.open(cx, &self.source()).await?;
        let selected = match self.copy_source_range.as_deref() {
            Some(header) => range::of_copy_source(header, read.object.size)?,
            None => 0..read.object.size,
        };
        crate::source::check_size(selected.end - selected.start)?;
        let stream = content::send(s3, cx, &read.bucket.owner, &read.object, selected, source_key).await?;
        let expected = Expected { key, ..Expected::default() }.for_upload(&state.upload.object)?;
        let received = content::receive(s3, cx, Some(stream), &expected).await?;
        let stored = upload::put_part(s3, cx, target, &self.upload_id, number, &received).await;
        let sums = Sums::of_part(received.kept(&state.upload.object));
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
