use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};

use crate::Iam;
use crate::page::{self, PageEnd};
use crate::policy::{self, policy_resource};
use crate::role::ROLES;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListEntitiesForPolicy {
    policy_arn: String,
    entity_filter: Option<String>,
    path_prefix: Option<String>,
    policy_usage_filter: Option<String>,
    marker: Option<String>,
    max_items: Option<usize>,
}

/// There are no users and groups yet, so none of them has the policy.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    policy_groups: [(); 0],
    policy_users: [(); 0],
    policy_roles: Vec<PolicyRole>,
    #[serde(flatten)]
    end: PageEnd,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyRole {
    role_name: String,
    role_id: String,
}

impl Operation for ListEntitiesForPolicy {
    type Service = Iam;
    type Output = Output;
    const NAME: &'static str = "ListEntitiesForPolicy";

    fn resource(&self, _: &Context) -> Arn {
        policy_resource(&self.policy_arn)
    }

    async fn run(self, _: &Iam, cx: &Context) -> Result<Output> {
        let arn = &self.policy_arn;
        policy::find(cx, arn).await?;
        let prefix = self.path_prefix.as_deref().unwrap_or("/");
        let roles_asked = self.entity_filter.as_deref().is_none_or(|kind| kind == "Role");
        let mut roles = cx.rows(&ROLES).all("").await?;
        roles.retain(|(_, role)| {
            let attached = role.attached_policies.contains(arn);
            let bounded = role.permissions_boundary.as_ref() == Some(arn);
            let used = match self.policy_usage_filter.as_deref() {
                None => attached || bounded,
                Some("PermissionsBoundary") => bounded,
                Some(_) => attached,
            };
            roles_asked && used && role.path.starts_with(prefix)
        });
        let (page, end) = page::cut(roles, self.marker.as_deref(), self.max_items)?;
        let policy_roles =
            page.into_iter().map(|role| PolicyRole { role_name: role.name, role_id: role.id }).collect();
        Ok(Output { policy_groups: [], policy_users: [], policy_roles, end })
    }
}
