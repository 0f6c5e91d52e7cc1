use serde::Deserialize;
use service::{Arn, Context, Empty, Failure, Operation, Result};

use crate::Iam;
use crate::error::Error;
use crate::instance_profile;
use crate::limits::CONFLICT_RETRIES_MAX;
use crate::role::{self, ROLES, key};
use crate::uses::{Use, change_uses};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteRole {
    role_name: String,
}

impl Operation for DeleteRole {
    type Service = Iam;
    type Output = Empty;
    const NAME: &'static str = "DeleteRole";

    fn resource(&self, cx: &Context) -> Arn {
        role::policy_resource(cx, &self.role_name)
    }

    async fn run(self, _: &Iam, cx: &Context) -> Result<Empty> {
        let name = self.role_name.as_str();
        for _ in 0..CONFLICT_RETRIES_MAX {
            let row = cx.rows(&ROLES).row(&key(name)).await?.filter(|row| row.value.name == name);
            let row = row.ok_or_else(|| Error::no_role(name))?;
            if !instance_profile::of_role(cx, name).await?.is_empty() {
                return Err(Error::DeleteConflictException(
                    "Cannot delete entity, must remove roles from instance profile first.",
                )
                .into());
            }
            if !row.value.attached_policies.is_empty() {
                return Err(Error::DeleteConflictException(
                    "Cannot delete entity, must detach all policies first.",
                )
                .into());
            }
            if !row.value.inline_policies.is_empty() {
                return Err(Error::DeleteConflictException(
                    "Cannot delete entity, must delete policies first.",
                )
                .into());
            }
            let mut changes = cx.changes().remove_row(&ROLES, &key(name), &row);
            if let Some(boundary) = &row.value.permissions_boundary {
                changes = change_uses(cx, changes, boundary, Use::Boundary, -1).await?;
            }
            if changes.commit().await? {
                return Ok(Empty);
            }
        }
        Err(Failure::Internal(anyhow::anyhow!("role {name} kept changing")))
    }
}
