use serde::Serialize;
use service::{Arn, Context, Operation, Result};

use super::input::input;
use crate::content;
use crate::encryption::{Shown, key_for};
use crate::integrity::Sums;
use crate::versions;
use crate::{S3, upload};

input! {
    UploadPart: claims, customer {
        upload_id: String,
        part_number: i64,
    }
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

    async fn run(mut self, s3: &S3, cx: &Context) -> Result<Output> {
        versions::check_key(&self.key)?;
        let number = upload::check_number(self.part_number)?;
        let (claims, customer) = (self.claims(), self.customer());
        let target = self.target();
        let state = upload::State::read(cx, target, &self.upload_id).await?;
        let key = key_for(&state.upload.object, &customer)?;
        let expected = claims.read(key)?.for_upload(&state.upload.object)?;
        let received = content::receive(s3, cx, cx.take_body(), &expected).await?;
        let stored = match upload::check_trailer(&state.upload.object, &received) {
            Ok(()) => upload::put_part(s3, cx, target, &self.upload_id, number, &received).await,
            Err(failure) => Err(failure),
        };
        let sums = Sums::of_part(received.sent.as_ref().or(received.kept(&state.upload.object)));
        let part = content::keep_or_discard(cx, received, stored).await?;
        Ok(Output {
            etag: format!("\"{}\"", part.etag()),
            sums,
            encryption: Shown::of(&state.upload.object.encryption),
        })
    }
}
