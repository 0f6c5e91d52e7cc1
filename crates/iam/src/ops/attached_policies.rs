use serde::{Deserialize, Serialize};
use service::{Arn, Context, Empty, Failure, Operation, Result};

use super::permissions_boundary::{Use, change_uses};
use crate::Iam;
use crate::error::Error;
use crate::limits::{CONFLICT_RETRIES_MAX, POLICIES_PER_ROLE_MAX};
use crate::page::{self, PageEnd};
use crate::role::{self, ROLES, key};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AttachRolePolicy {
    role_name: String,
    policy_arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DetachRolePolicy {
    role_name: String,
    policy_arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListAttachedRolePolicies {
    role_name: String,
    path_prefix: Option<String>,
    marker: Option<String>,
    max_items: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListOutput {
    attached_policies: Vec<AttachedPolicy>,
    #[serde(flatten)]
    end: PageEnd,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AttachedPolicy {
    policy_name: String,
    policy_arn: String,
}

impl Operation for AttachRolePolicy {
    type Service = Iam;
    type Output = Empty;
    const NAME: &'static str = "AttachRolePolicy";

    fn resource(&self, cx: &Context) -> Arn {
        role::policy_resource(cx, &self.role_name)
    }

    /// Attaching what is attached changes nothing and succeeds.
    async fn run(self, _: &Iam, cx: &Context) -> Result<Empty> {
        let (name, arn) = (self.role_name.as_str(), self.policy_arn);
        for _ in 0..CONFLICT_RETRIES_MAX {
            let row = cx.rows(&ROLES).row(&key(name)).await?.filter(|row| row.value.name == name);
            let mut row = row.ok_or_else(|| Error::no_role(name))?;
            if row.value.attached_policies.contains(&arn) {
                return Ok(Empty);
            }
            if row.value.attached_policies.len() >= POLICIES_PER_ROLE_MAX {
                return Err(Error::over_quota("PoliciesPerRole", POLICIES_PER_ROLE_MAX).into());
            }
            row.value.attached_policies.push(arn.clone());
            let changes = cx.changes().replace(&ROLES, &key(name), &row)?;
            if change_uses(cx, changes, &arn, Use::Attachment, 1).await?.commit().await? {
                return Ok(Empty);
            }
        }
        Err(Failure::Internal(anyhow::anyhow!("role {name} kept changing")))
    }
}

impl Operation for DetachRolePolicy {
    type Service = Iam;
    type Output = Empty;
    const NAME: &'static str = "DetachRolePolicy";

    fn resource(&self, cx: &Context) -> Arn {
        role::policy_resource(cx, &self.role_name)
    }

    async fn run(self, _: &Iam, cx: &Context) -> Result<Empty> {
        let (name, arn) = (self.role_name.as_str(), self.policy_arn);
        for _ in 0..CONFLICT_RETRIES_MAX {
            let row = cx.rows(&ROLES).row(&key(name)).await?.filter(|row| row.value.name == name);
            let mut row = row.ok_or_else(|| Error::no_role(name))?;
            let before = row.value.attached_policies.len();
            row.value.attached_policies.retain(|attached| *attached != arn);
            if row.value.attached_policies.len() == before {
                return Err(Error::no_policy(&arn).into());
            }
            let changes = cx.changes().replace(&ROLES, &key(name), &row)?;
            if change_uses(cx, changes, &arn, Use::Attachment, -1).await?.commit().await? {
                return Ok(Empty);
            }
        }
        Err(Failure::Internal(anyhow::anyhow!("role {name} kept changing")))
    }
}

impl Operation for ListAttachedRolePolicies {
    type Service = Iam;
    type Output = ListOutput;
    const NAME: &'static str = "ListAttachedRolePolicies";

    fn resource(&self, cx: &Context) -> Arn {
        role::policy_resource(cx, &self.role_name)
    }

    async fn run(self, _: &Iam, cx: &Context) -> Result<ListOutput> {
        let prefix = self.path_prefix.as_deref().unwrap_or("/");
        let role = role::find(cx, &self.role_name).await?;
        let mut policies: Vec<(String, AttachedPolicy)> = Vec::new();
        for arn in role.attached_policies {
            // `policy/path/name`: the path begins with its slash.
            let Some((_, place)) = arn.split_once(":policy") else { continue };
            if place.starts_with(prefix) {
                let name = place.rsplit('/').next().unwrap_or_default().to_owned();
                policies.push((arn.clone(), AttachedPolicy { policy_name: name, policy_arn: arn }));
            }
        }
        policies.sort_by(|(one, _), (other, _)| one.cmp(other));
        let (attached_policies, end) = page::cut(policies, self.marker.as_deref(), self.max_items)?;
        Ok(ListOutput { attached_policies, end })
    }
}
