use serde::Deserialize;
use service::{Arn, Context, Empty, Operation, Result};

use crate::Logs;
use crate::group;
use crate::identifier::{from_identifier, policy_resource};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PutLogGroupDeletionProtection {
    log_group_identifier: String,
    deletion_protection_enabled: bool,
}

impl Operation for PutLogGroupDeletionProtection {
    type Service = Logs;
    type Output = Empty;
    const NAME: &'static str = "PutLogGroupDeletionProtection";

    fn resource(&self, cx: &Context) -> Arn {
        policy_resource(cx, None, Some(&self.log_group_identifier))
    }

    async fn run(self, _: &Logs, cx: &Context) -> Result<Empty> {
        let name = from_identifier(cx, &self.log_group_identifier)?;
        group::update(cx, &name, |group| {
            group.deletion_protection = self.deletion_protection_enabled;
            Ok(())
        })
        .await?;
        Ok(Empty)
    }
}
