//! GetObjectLockConfiguration and PutObjectLockConfiguration.

use serde::{Deserialize, Serialize};
use service::{Arn, Context, Empty, Operation, Result};

use crate::bucket::{self, DefaultRetention, ObjectLock, Versioning};
use crate::error::{Error, malformed_xml};
use crate::{S3, lock};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetObjectLockConfiguration {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutObjectLockConfiguration {
    bucket: String,
    object_lock_configuration: Option<Shape>,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Shape {
    object_lock_enabled: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<Rule>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Rule {
    default_retention: Option<RuleRetention>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RuleRetention {
    mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    years: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    object_lock_configuration: Shape,
}

impl Operation for GetObjectLockConfiguration {
    type Service = S3;
    type Output = Output;
    const NAME: &'static str = "GetObjectLockConfiguration";
    const ACTION: &'static str = "GetBucketObjectLockConfiguration";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::bucket(&self.bucket)
    }

    async fn run(self, _: &S3, cx: &Context) -> Result<Output> {
        let bucket = bucket::load(cx, &self.bucket, self.expected_bucket_owner.as_deref()).await?;
        let Some(lock) = bucket.object_lock else {
            let text = "Object Lock configuration does not exist for this bucket";
            let error = Error::new("ObjectLockConfigurationNotFoundError", 404, text);
            return Err(error.with("BucketName", self.bucket).into());
        };
        let rule = lock.default_retention.map(|retention| Rule {
            default_retention: Some(RuleRetention {
                mode: Some(retention.mode),
                days: retention.days,
                years: retention.years,
            }),
        });
        Ok(Output { object_lock_configuration: Shape { object_lock_enabled: Some("Enabled".into()), rule } })
    }
}

impl Operation for PutObjectLockConfiguration {
    type Service = S3;
    type Output = Empty;
    const NAME: &'static str = "PutObjectLockConfiguration";
    const ACTION: &'static str = "PutBucketObjectLockConfiguration";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::bucket(&self.bucket)
    }

    async fn run(self, _: &S3, cx: &Context) -> Result<Empty> {
        let shape = self.object_lock_configuration.ok_or_else(malformed_xml)?;
        if shape.object_lock_enabled.as_deref() != Some("Enabled") {
            return Err(malformed_xml().into());
        }
        let default_retention = match shape.rule {
            None => None,
            Some(rule) => Some(retention(rule.default_retention.ok_or_else(malformed_xml)?)?),
        };
        bucket::update(cx, &self.bucket, self.expected_bucket_owner.as_deref(), |bucket| {
            if bucket.versioning != Versioning::Enabled {
                let text = "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration";
                return Err(Error::new("InvalidBucketState", 409, text).into());
            }
            bucket.object_lock = Some(ObjectLock { default_retention: default_retention.clone() });
            Ok(())
        })
        .await?;
        Ok(Empty)
    }
}

fn retention(rule: RuleRetention) -> Result<DefaultRetention> {
    let mode = rule.mode.filter(|mode| lock::is_mode(mode)).ok_or_else(malformed_xml)?;
    let period = match (rule.days, rule.years) {
        (Some(days), None) => days,
        (None, Some(years)) => years.saturating_mul(365),
        _ => return Err(malformed_xml().into()),
    };
    if period <= 0 {
        let text = "Default retention period must be a positive integer value.";
        return Err(Error::new("InvalidRetentionPeriod", 400, text).into());
    }
    if period > lock::RETENTION_DAYS_MAX {
        let text = "Default retention period is too large: it may be 36500 days or 100 years at most.";
        return Err(Error::new("InvalidRetentionPeriod", 400, text).into());
    }
    Ok(DefaultRetention { mode, days: rule.days, years: rule.years })
}
