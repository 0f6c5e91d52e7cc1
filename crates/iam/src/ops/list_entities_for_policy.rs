//! Who has a policy, attached or as a boundary.

use serde::{Deserialize, Serialize};

use crate::page::{self, PageEnd};
use crate::policy::{self, policy_resource};
use crate::uses::Holders;

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Usage {
    PermissionsPolicy,
    PermissionsBoundary,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct EntitiesOutput {
    policy_groups: Vec<PolicyGroup>,
    policy_users: Vec<PolicyUser>,
    policy_roles: Vec<PolicyRole>,
    #[serde(flatten)]
    end: PageEnd,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyGroup {
    group_name: String,
    group_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyUser {
    user_name: String,
    user_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyRole {
    role_name: String,
    role_id: String,
}

enum Entity {
    Group(PolicyGroup),
    User(PolicyUser),
    Role(PolicyRole),
}

operation! {
    ListEntitiesForPolicy {
        policy_arn: String, entity_filter: Option<String>, path_prefix: Option<String>,
        policy_usage_filter: Option<Usage>, marker: Option<String>, max_items: Option<usize>,
    } -> EntitiesOutput,
    on |this, _| policy_resource(&this.policy_arn),
    run |this, _, cx| {
        policy::find(cx, &this.policy_arn).await?;
        let holders = Holders::read(cx).await?;
        let arn = &this.policy_arn;
        let prefix = this.path_prefix.as_deref().unwrap_or("/");
        let asked = |kind: &str| this.entity_filter.as_deref().is_none_or(|filter| filter == kind);
        let used = |path: &str, attached: &[String], boundary: Option<&String>| {
            let (attached, bounded) = (attached.contains(arn), boundary == Some(arn));
            let used = match this.policy_usage_filter {
                None => attached || bounded,
                Some(Usage::PermissionsPolicy) => attached,
                Some(Usage::PermissionsBoundary) => bounded,
            };
            used && path.starts_with(prefix)
        };
        let mut entities = Vec::new();
        for (key, group) in holders.groups {
            if asked("Group") && used(&group.path, &group.attached_policies, None) {
                let group = PolicyGroup { group_name: group.name, group_id: group.id };
                entities.push((format!("1 {key}"), Entity::Group(group)));
            }
        }
        for (key, user) in holders.users {
            if asked("User") && used(&user.path, &user.attached_policies, user.permissions_boundary.as_ref()) {
                let user = PolicyUser { user_name: user.name, user_id: user.id };
                entities.push((format!("2 {key}"), Entity::User(user)));
            }
        }
        for (key, role) in holders.roles {
            if asked("Role") && used(&role.path, &role.attached_policies, role.permissions_boundary.as_ref()) {
                let role = PolicyRole { role_name: role.name, role_id: role.id };
                entities.push((format!("3 {key}"), Entity::Role(role)));
            }
        }
        let (page, end) = page::cut(entities, this.marker.as_deref(), this.max_items)?;
        let mut output =
            EntitiesOutput { policy_groups: vec![], policy_users: vec![], policy_roles: vec![], end };
        for entity in page {
            match entity {
                Entity::Group(group) => output.policy_groups.push(group),
                Entity::User(user) => output.policy_users.push(user),
                Entity::Role(role) => output.policy_roles.push(role),
            }
        }
        Ok(output)
    }
}
