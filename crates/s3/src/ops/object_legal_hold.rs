//! GetObjectLegalHold and PutObjectLegalHold.

use serde::{Deserialize, Serialize};
use service::{Arn, Context, Empty, Operation, Result};

use super::input::input;
use crate::S3;
use crate::error::malformed_xml;
use crate::lock::{self, no_lock_configuration};
use crate::versions;

input! {
    GetObjectLegalHold: {
        version_id: Option<String>,
    }
}

input! {
    PutObjectLegalHold: {
        version_id: Option<String>,
        legal_hold: Option<Shape>,
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Shape {
    status: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    legal_hold: Shape,
}

impl Operation for GetObjectLegalHold {
    type Service = S3;
    type Output = Output;
    const NAME: &'static str = "GetObjectLegalHold";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::object(&self.bucket, &self.key)
    }

    async fn run(self, _: &S3, cx: &Context) -> Result<Output> {
        versions::check_key(&self.key)?;
        let target = self.target();
        let read = versions::read(cx, target, self.version_id.as_deref()).await?;
        lock::check_bucket(&read.bucket)?;
        let is_on = read.object.legal_hold.ok_or_else(no_lock_configuration)?;
        let status = if is_on { "ON" } else { "OFF" };
        Ok(Output { legal_hold: Shape { status: Some(status.to_owned()) } })
    }
}

impl Operation for PutObjectLegalHold {
    type Service = S3;
    type Output = Empty;
    const NAME: &'static str = "PutObjectLegalHold";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::object(&self.bucket, &self.key)
    }

    async fn run(self, s3: &S3, cx: &Context) -> Result<Empty> {
        versions::check_key(&self.key)?;
        let is_on = match self.legal_hold.as_ref().and_then(|shape| shape.status.as_deref()) {
            Some("ON") => true,
            Some("OFF") => false,
            _ => return Err(malformed_xml().into()),
        };
        let target = self.target();
        versions::update(s3, cx, target, self.version_id.as_deref(), &[], |bucket, object| {
            lock::check_bucket(bucket)?;
            object.legal_hold = Some(is_on);
            Ok(())
        })
        .await?;
        Ok(Empty)
    }
}
