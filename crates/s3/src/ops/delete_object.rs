use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};
use wire::Timestamp;

use crate::conditions::WriteConditions;
use crate::versions::{self, Causes, Removed, Target};
use crate::{S3, lock};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteObject {
    bucket: String,
    key: String,
    version_id: Option<String>,
    #[serde(default)]
    bypass_governance_retention: bool,
    if_match: Option<String>,
    if_match_last_modified_time: Option<Timestamp>,
    if_match_size: Option<i64>,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    #[serde(skip_serializing_if = "Option::is_none")]
    delete_marker: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
}

impl Operation for DeleteObject {
    type Service = S3;
    type Output = Output;
    const NAME: &'static str = "DeleteObject";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::object(&self.bucket, &self.key)
    }

    async fn run(self, s3: &S3, cx: &Context) -> Result<Output> {
        versions::check_key(&self.key)?;
        let target = Target {
            bucket: &self.bucket,
            key: &self.key,
            expected_owner: self.expected_bucket_owner.as_deref(),
        };
        let version = self.version_id.as_deref().map(versions::parse_version_id).transpose()?;
        let conditions = WriteConditions {
            if_match: self.if_match.as_deref(),
            if_match_modified: self.if_match_last_modified_time,
            if_match_size: self.if_match_size,
            ..WriteConditions::default()
        };
        let is_permanent = version.is_some();
        let removed = versions::remove(s3, cx, target, version, Causes::REQUEST, |_, object| {
            conditions.check(&self.key, object)?;
            match object {
                Some(object) if is_permanent => {
                    lock::check_removal(object, cx.now(), self.bypass_governance_retention)
                }
                _ => Ok(()),
            }
        });
        let Removed { version_id, delete_marker } = removed.await?;
        Ok(Output { delete_marker, version_id })
    }
}
