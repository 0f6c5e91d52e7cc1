//! GetObjectLegalHold and PutObjectLegalHold.

use serde::{Deserialize, Serialize};
use service::{Arn, Context, Empty, Operation, Result};

use crate::S3;
use crate::error::malformed_xml;
use crate::lock::{self, no_lock_configuration};
use crate::versions::{self, Target};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetObjectLegalHold {
    bucket: String,
    key: String,
    version_id: Option<String>,
    expected_bucket_owner: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutObjectLegalHold {
    bucket: String,
    key: String,
    version_id: Option<String>,
    legal_hold: Option<Shape>,
    expected_bucket_owner: Option<String>,
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
        let target = Target {
            bucket: &self.bucket,
            key: &self.key,
            expected_owner: self.expected_bucket_owner.as_deref(),
        };
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
        let is_on = match self.legal_hold.and_then(|shape| shape.status).as_deref() {
            Some("ON") => true,
            Some("OFF") => false,
            _ => return Err(malformed_xml().into()),
        };
        let target = Target {
            bucket: &self.bucket,
            key: &self.key,
            expected_owner: self.expected_bucket_owner.as_deref(),
        };
        versions::update(s3, cx, target, self.version_id.as_deref(), &[], |bucket, object| {
            lock::check_bucket(bucket)?;
            object.legal_hold = Some(is_on);
            Ok(())
        })
        .await?;
        Ok(Empty)
    }
}
