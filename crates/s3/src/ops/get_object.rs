use service::{Arn, Context, Demand, Operation, Principal, ReplyStream, Result, Streamed};

use super::input::input;
use crate::demands::{hide_what_is_missing, on_version};
use crate::head::{Head, Overrides};
use crate::{S3, archive, content, encryption, error, versions};

input! { GetObject: reading {} }

impl Operation for GetObject {
    type Service = S3;
    type Output = Streamed<Head>;
    const NAME: &'static str = "GetObject";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::object(&self.bucket, &self.key)
    }

    fn demands(&self, _: &Context) -> Vec<Demand> {
        vec![on_version("s3:GetObject", "s3:GetObjectVersion", self.target(), self.version_id.as_deref())]
    }

    async fn run(mut self, s3: &S3, cx: &Context) -> Result<Streamed<Head>> {
        versions::check_key(&self.key)?;
        let (customer, overrides) = (self.customer(), self.overrides());
        let read = versions::read(cx, self.target(), self.version_id.as_deref()).await;
        let read = hide_what_is_missing(cx, Self::NAME, &self.bucket, read).await?;
        let key = encryption::key_for(&read.object, &customer)?;
        self.conditions().check(&read.object)?;
        archive::check_readable(&read.object, cx.now())?;
        let selected = self.selection().select(cx, &read).await?;
        overrides.check(matches!(cx.caller().principal, Principal::Anonymous { .. }))?;
        let head = Head::of(cx, &read, &self.key, &selected, self.checksum_mode.is_some()).await?;
        let length = selected.range.end - selected.range.start;
        let stream = content::send(s3, cx, &read.bucket.owner, &read.object, selected.range, key).await?;
        let stream = ReplyStream::Bytes { length: Some(length), stream };
        Ok(Streamed { output: head.with(overrides), stream })
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
