use serde::Serialize;
use service::{Arn, Context, Demand, Operation, Result};
use wire::Timestamp;

use super::input::input;
use crate::conditions::WriteConditions;
use crate::demands::on_version;
use crate::versions::{self, Causes, Removed};
use crate::{S3, lock};

input! {
    DeleteObject: {
        version_id: Option<String>,
        #[serde(default)]
        bypass_governance_retention: bool,
        if_match: Option<String>,
        if_match_last_modified_time: Option<Timestamp>,
        if_match_size: Option<i64>,
    }
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

    fn demands(&self, cx: &Context) -> Vec<Demand> {
        let mut demands = vec![on_version(
            "s3:DeleteObject",
            "s3:DeleteObjectVersion",
            self.target(),
            self.version_id.as_deref(),
        )];
        if self.bypass_governance_retention {
            demands.push(Demand::new("s3:BypassGovernanceRetention", self.resource(cx)));
        }
        demands
    }

    async fn run(self, s3: &S3, cx: &Context) -> Result<Output> {
        versions::check_key(&self.key)?;
        let target = self.target();
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
