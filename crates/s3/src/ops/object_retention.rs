//! GetObjectRetention and PutObjectRetention.

use serde::{Deserialize, Serialize};
use service::{Arn, Context, Demand, Empty, Operation, Result};
use wire::Timestamp;

use super::input::input;
use crate::S3;
use crate::lock::{self, no_lock_configuration};
use crate::object::Retention;
use crate::versions;

input! {
    GetObjectRetention: {
        version_id: Option<String>,
    }
}

input! {
    PutObjectRetention: {
        version_id: Option<String>,
        retention: Option<Shape>,
        #[serde(default)]
        bypass_governance_retention: bool,
    }
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
        let target = self.target();
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

    fn demands(&self, cx: &Context) -> Vec<Demand> {
        let mut demands = vec![Demand::new(format!("s3:{}", Self::ACTION), self.resource(cx))];
        if self.bypass_governance_retention {
            demands.push(Demand::new("s3:BypassGovernanceRetention", self.resource(cx)));
        }
        demands
    }

    async fn run(mut self, s3: &S3, cx: &Context) -> Result<Empty> {
        versions::check_key(&self.key)?;
        let Shape { mode, retain_until_date } = self.retention.take().unwrap_or_default();
        let target = self.target();
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
