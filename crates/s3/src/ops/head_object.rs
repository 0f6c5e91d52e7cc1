use service::{Arn, Context, Demand, Operation, Result};

use super::input::input;
use crate::demands::{hide_what_is_missing, on_version};
use crate::head::Head;
use crate::{S3, encryption, versions};

input! { HeadObject: reading {} }

impl Operation for HeadObject {
    type Service = S3;
    type Output = Head;
    const NAME: &'static str = "HeadObject";
    const ACTION: &'static str = "GetObject";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::object(&self.bucket, &self.key)
    }

    fn demands(&self, _: &Context) -> Vec<Demand> {
        vec![on_version("s3:GetObject", "s3:GetObjectVersion", self.target(), self.version_id.as_deref())]
    }

    async fn run(mut self, _: &S3, cx: &Context) -> Result<Head> {
        versions::check_key(&self.key)?;
        let (customer, overrides) = (self.customer(), self.overrides());
        let read = versions::read(cx, self.target(), self.version_id.as_deref()).await;
        let read = hide_what_is_missing(cx, Self::NAME, &self.bucket, read).await?;
        encryption::key_for(&read.object, &customer)?;
        self.conditions().check(&read.object)?;
        let selected = self.selection().select(cx, &read).await?;
        let mut head = Head::of(cx, &read, &self.key, &selected, self.checksum_mode.is_some()).await?;
        head.content_length = i64::try_from(selected.range.end - selected.range.start).ok();
        Ok(head.with(overrides))
    }
}
