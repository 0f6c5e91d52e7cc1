//! GetAccountAuthorizationDetails: everything about who may do what, in pages.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use service::{Context, Result};
use wire::Timestamp;

use crate::document;
use crate::group::Group;
use crate::holder::{AttachedPolicy, attached_policies};
use crate::instance_profile::{INSTANCE_PROFILES, InstanceProfile, InstanceProfileView};
use crate::managed;
use crate::page::{self, PageEnd};
use crate::policy::{POLICIES, Policy, PolicyView, VersionView, managed_view};
use crate::role::{AttachedBoundary, Role};
use crate::tag_list::{self, Tag};
use crate::user::User;
use crate::uses::Holders;

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntityType {
    User,
    Role,
    Group,
    LocalManagedPolicy,
    #[serde(rename = "AWSManagedPolicy")]
    AwsManagedPolicy,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DetailsOutput {
    user_detail_list: Vec<UserDetail>,
    group_detail_list: Vec<GroupDetail>,
    role_detail_list: Vec<RoleDetail>,
    policies: Vec<PolicyDetail>,
    #[serde(flatten)]
    end: PageEnd,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct UserDetail {
    path: String,
    user_name: String,
    user_id: String,
    arn: String,
    create_date: Timestamp,
    user_policy_list: Vec<InlinePolicy>,
    group_list: Vec<String>,
    attached_managed_policies: Vec<AttachedPolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions_boundary: Option<AttachedBoundary>,
    tags: Vec<Tag>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GroupDetail {
    path: String,
    group_name: String,
    group_id: String,
    arn: String,
    create_date: Timestamp,
    group_policy_list: Vec<InlinePolicy>,
    attached_managed_policies: Vec<AttachedPolicy>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RoleDetail {
    path: String,
    role_name: String,
    role_id: String,
    arn: String,
    create_date: Timestamp,
    assume_role_policy_document: String,
    instance_profile_list: Vec<InstanceProfileView>,
    role_policy_list: Vec<InlinePolicy>,
    attached_managed_policies: Vec<AttachedPolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions_boundary: Option<AttachedBoundary>,
    tags: Vec<Tag>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyDetail {
    #[serde(flatten)]
    policy: PolicyView,
    policy_version_list: Vec<VersionView>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct InlinePolicy {
    policy_name: String,
    policy_document: String,
}

enum Entity {
    User(User),
    Group(Group),
    Role(Role),
    /// With its ARN.
    Policy(String, Policy),
}

operation! {
    GetAccountAuthorizationDetails {
        #[serde(default)] filter: Vec<EntityType>, marker: Option<String>, max_items: Option<usize>,
    } -> DetailsOutput,
    run |this, _, cx| {
        let entities = entities(cx, &this.filter).await?;
        let (page, end) = page::cut(entities, this.marker.as_deref(), this.max_items)?;
        let profiles = cx.rows(&INSTANCE_PROFILES).all("").await?;
        let mut output = DetailsOutput { end, ..DetailsOutput::default() };
        for entity in page {
            match entity {
                Entity::User(user) => output.user_detail_list.push(of_user(cx, user)),
                Entity::Group(group) => output.group_detail_list.push(of_group(cx, group)),
                Entity::Role(role) => output.role_detail_list.push(of_role(cx, role, &profiles)),
                Entity::Policy(arn, policy) => output.policies.push(of_policy(&arn, &policy)),
            }
        }
        Ok(output)
    }
}

/// Sorted by kind, then by name.
async fn entities(cx: &Context, filter: &[EntityType]) -> Result<Vec<(String, Entity)>> {
    let asked = |kind| filter.is_empty() || filter.contains(&kind);
    let holders = Holders::read(cx).await?;
    let mut entities = Vec::new();
    // AWS's policies are listed only where they are used, unless they are asked for.
    for (arn, mut policy) in managed::all() {
        (policy.attachments, policy.boundary_uses) = holders.uses(&arn);
        let used = policy.attachments + policy.boundary_uses > 0;
        if filter.contains(&EntityType::AwsManagedPolicy) || filter.is_empty() && used {
            entities.push((format!("4 {arn}"), Entity::Policy(arn, policy)));
        }
    }
    if asked(EntityType::LocalManagedPolicy) {
        for (key, policy) in cx.rows(&POLICIES).all("").await? {
            entities.push((format!("5 {key}"), Entity::Policy(policy.arn(cx.scope()), policy)));
        }
    }
    if asked(EntityType::User) {
        entities
            .extend(holders.users.into_iter().map(|(key, user)| (format!("1 {key}"), Entity::User(user))));
    }
    if asked(EntityType::Group) {
        entities.extend(
            holders.groups.into_iter().map(|(key, group)| (format!("2 {key}"), Entity::Group(group))),
        );
    }
    if asked(EntityType::Role) {
        entities
            .extend(holders.roles.into_iter().map(|(key, role)| (format!("3 {key}"), Entity::Role(role))));
    }
    entities.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(entities)
}

fn inline(policies: &BTreeMap<String, String>) -> Vec<InlinePolicy> {
    let shown = |(name, text): (&String, &String)| InlinePolicy {
        policy_name: name.clone(),
        policy_document: document::encode(text),
    };
    policies.iter().map(shown).collect()
}

fn of_user(cx: &Context, user: User) -> UserDetail {
    UserDetail {
        arn: user.arn(cx.scope()).to_string(),
        path: user.path,
        user_name: user.name,
        user_id: user.id,
        create_date: user.created,
        user_policy_list: inline(&user.inline_policies),
        group_list: user.groups,
        attached_managed_policies: attached_policies(&user.attached_policies),
        permissions_boundary: user.permissions_boundary.map(AttachedBoundary::new),
        tags: tag_list::list(&user.tags),
    }
}

fn of_group(cx: &Context, group: Group) -> GroupDetail {
    GroupDetail {
        arn: group.arn(cx.scope()).to_string(),
        path: group.path,
        group_name: group.name,
        group_id: group.id,
        create_date: group.created,
        group_policy_list: inline(&group.inline_policies),
        attached_managed_policies: attached_policies(&group.attached_policies),
    }
}

fn of_role(cx: &Context, role: Role, profiles: &[(String, InstanceProfile)]) -> RoleDetail {
    let own = profiles.iter().filter(|(_, profile)| profile.role.as_ref() == Some(&role.name));
    RoleDetail {
        arn: role.arn(cx.scope()).to_string(),
        instance_profile_list: own.map(|(_, profile)| profile.view(cx.scope(), Some(&role))).collect(),
        assume_role_policy_document: document::encode(&role.trust_policy),
        role_policy_list: inline(&role.inline_policies),
        attached_managed_policies: attached_policies(&role.attached_policies),
        tags: tag_list::list(&role.tags),
        path: role.path,
        role_name: role.name,
        role_id: role.id,
        create_date: role.created,
        permissions_boundary: role.permissions_boundary.map(AttachedBoundary::new),
    }
}

fn of_policy(arn: &str, policy: &Policy) -> PolicyDetail {
    let newest_first = policy.versions.iter().rev().map(|version| policy.version_view(version));
    PolicyDetail {
        policy: managed_view(policy, arn).without_tags(),
        policy_version_list: newest_first.collect(),
    }
}
