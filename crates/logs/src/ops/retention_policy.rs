use serde::Deserialize;
use service::{Arn, Context, Empty, Operation, Result};

use crate::Logs;
use crate::error::Error;
use crate::group;
use crate::limits::RETENTION_DAYS;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PutRetentionPolicy {
    log_group_name: String,
    retention_in_days: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeleteRetentionPolicy {
    log_group_name: String,
}

impl Operation for PutRetentionPolicy {
    type Service = Logs;
    type Output = Empty;
    const NAME: &'static str = "PutRetentionPolicy";

    fn resource(&self, cx: &Context) -> Arn {
        group::policy_resource(cx.scope(), &self.log_group_name)
    }

    async fn run(self, logs: &Logs, cx: &Context) -> Result<Empty> {
        if !RETENTION_DAYS.contains(&self.retention_in_days) {
            return Err(Error::invalid(format!(
                "Invalid retention value. Valid values are: {RETENTION_DAYS:?}"
            ))
            .into());
        }
        group::update(cx, &self.log_group_name, |group| {
            group.retention_in_days = Some(self.retention_in_days);
            Ok(())
        })
        .await?;
        logs.clean_soon();
        Ok(Empty)
    }
}

impl Operation for DeleteRetentionPolicy {
    type Service = Logs;
    type Output = Empty;
    const NAME: &'static str = "DeleteRetentionPolicy";

    fn resource(&self, cx: &Context) -> Arn {
        group::policy_resource(cx.scope(), &self.log_group_name)
    }

    async fn run(self, _: &Logs, cx: &Context) -> Result<Empty> {
        group::update(cx, &self.log_group_name, |group| {
            group.retention_in_days = None;
            Ok(())
        })
        .await?;
        Ok(Empty)
    }
}
