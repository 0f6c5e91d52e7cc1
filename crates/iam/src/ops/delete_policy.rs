use serde::Deserialize;
use service::{Arn, Context, Empty, Failure, Operation, Result};

use crate::Iam;
use crate::error::Error;
use crate::limits::CONFLICT_RETRIES_MAX;
use crate::policy::{POLICIES, account_key, policy_resource};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeletePolicy {
    policy_arn: String,
}

impl Operation for DeletePolicy {
    type Service = Iam;
    type Output = Empty;
    const NAME: &'static str = "DeletePolicy";

    fn resource(&self, _: &Context) -> Arn {
        policy_resource(&self.policy_arn)
    }

    async fn run(self, _: &Iam, cx: &Context) -> Result<Empty> {
        let arn = &self.policy_arn;
        let key = account_key(cx, arn)?;
        for _ in 0..CONFLICT_RETRIES_MAX {
            let row = cx.rows(&POLICIES).row(&key).await?.filter(|row| row.value.arn(cx.scope()) == *arn);
            let row = row.ok_or_else(|| Error::no_policy(arn))?;
            if row.value.attachments + row.value.boundary_uses > 0 {
                return Err(
                    Error::DeleteConflictException("Cannot delete a policy attached to entities.").into()
                );
            }
            if row.value.versions.len() > 1 {
                return Err(Error::DeleteConflictException(
                    "This policy has more than one version. Before you delete a policy, you must delete the policy's \
                     versions. The default version is deleted with the policy.",
                )
                .into());
            }
            if cx.changes().remove_row(&POLICIES, &key, &row).commit().await? {
                return Ok(Empty);
            }
        }
        Err(Failure::Internal(anyhow::anyhow!("policy {arn} kept changing")))
    }
}
