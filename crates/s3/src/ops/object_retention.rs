//! GetObjectRetention and PutObjectRetention.

use serde::{Deserialize, Serialize};
use service::{Arn, Context, Empty, Operation, Result};
use wire::Timestamp;

use crate::S3;
use crate::lock::{self, no_lock_configuration};
use crate::object::Retention;
use crate::versions::{self, Target};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetObjectRetention {
    bucket: String,
    key: String,
    version_id: Option<String>,
    expected_bucket_owner: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutObjectRetention {
    bucket: String,
    key: String,
    version_id: Option<String>,
    retention: Option<Shape>,
    #[serde(default)]
    bypass_governance_retention: bool,
    expected_bucket_owner: Option<String>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Shape {
    mode: Option<String>,
    retain_until_date: Option<Timestamp>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    retention: Shape,
}

impl Operation for GetObjectRetention {
    type Service = S3;
    type Output = Output;
    const NAME: &'static str = "GetObjectRetention";

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
        let Retention { mode, until_epoch_millis } =
            read.object.retention.ok_or_else(no_lock_configuration)?;
        let retain_until_date = Some(Timestamp::from_epoch_millis(until_epoch_millis));
        Ok(Output { retention: Shape { mode: Some(mode.name().to_owned()), retain_until_date } })
    }
}

impl Operation for PutObjectRetention {
    type Service = S3;
    type Output = Empty;
    const NAME: &'static str = "PutObjectRetention";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::object(&self.bucket, &self.key)
    }

    async fn run(self, s3: &S3, cx: &Context) -> Result<Empty> {
        versions::check_key(&self.key)?;
        let target = Target {
            bucket: &self.bucket,
            key: &self.key,
            expected_owner: self.expected_bucket_owner.as_deref(),
        };
        let Shape { mode, retain_until_date } = self.retention.unwrap_or_default();
        let bypass = self.bypass_governance_retention;
        versions::update(s3, cx, target, self.version_id.as_deref(), &[], |bucket, object| {
            lock::check_bucket(bucket)?;
            let wanted = lock::read_retention(mode.as_deref(), retain_until_date, cx.now())?;
            lock::check_change(object.retention.as_ref(), wanted.as_ref(), cx.now(), bypass)?;
            object.retention = wanted;
            Ok(())
        })
        .await?;
        Ok(Empty)
    }
}
