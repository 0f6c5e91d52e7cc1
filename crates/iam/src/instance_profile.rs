//! Instance profiles: a role under a name that machines know. They are kept for the tools that read them.

use serde::{Deserialize, Serialize};
use service::{Arn, Context, Result, Scope, Table, Tags};
use wire::Timestamp;

use crate::error::Error;
use crate::role::{Detail, ROLES, Role, RoleView, key};
use crate::tag_list::{self, Tag};

pub(crate) static INSTANCE_PROFILES: Table<InstanceProfile> = Table::account("iam", "instance_profiles");

/// An instance profile as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct InstanceProfile {
    pub name: String,
    pub path: String,
    pub id: String,
    pub created: Timestamp,
    /// The name of its role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    #[serde(default)]
    pub tags: Tags,
}

/// An instance profile in an answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct InstanceProfileView {
    path: String,
    instance_profile_name: String,
    instance_profile_id: String,
    arn: String,
    create_date: Timestamp,
    roles: Vec<RoleView>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Tag>,
}

impl InstanceProfile {
    pub(crate) fn view(&self, scope: &Scope, role: Option<&Role>) -> InstanceProfileView {
        InstanceProfileView {
            path: self.path.clone(),
            instance_profile_name: self.name.clone(),
            instance_profile_id: self.id.clone(),
            arn: Arn::global("iam", scope, format_args!("instance-profile{}{}", self.path, self.name))
                .to_string(),
            create_date: self.created,
            roles: role.map(|role| role.view(scope, Detail::Listed)).into_iter().collect(),
            tags: tag_list::list(&self.tags),
        }
    }

    /// With its role, which is read.
    pub(crate) async fn full_view(&self, cx: &Context) -> Result<InstanceProfileView> {
        let role = match &self.role {
            Some(name) => cx.rows(&ROLES).get(&key(name)).await?,
            None => None,
        };
        Ok(self.view(cx.scope(), role.as_ref()))
    }
}

pub(crate) fn missing(name: &str) -> Error {
    Error::NoSuchEntityException(format!("Instance Profile {name} cannot be found."))
}

/// The profile as a policy decision sees it. Its path is not known before it was read.
pub(crate) fn resource(cx: &Context, name: &str) -> Arn {
    Arn::global("iam", cx.scope(), format_args!("instance-profile/{name}"))
}

pub(crate) async fn find(cx: &Context, name: &str) -> Result<InstanceProfile> {
    let profile = cx.rows(&INSTANCE_PROFILES).get(&key(name)).await?;
    Ok(profile.filter(|profile| profile.name == name).ok_or_else(|| missing(name))?)
}

/// The profiles that a role is in, by name.
pub(crate) async fn of_role(cx: &Context, role: &str) -> Result<Vec<(String, InstanceProfile)>> {
    let mut profiles = cx.rows(&INSTANCE_PROFILES).all("").await?;
    profiles.retain(|(_, profile)| profile.role.as_deref() == Some(role));
    Ok(profiles)
}

/// Changes a profile in place. An error from `change` leaves it as it was.
pub(crate) async fn update<R>(
    cx: &Context,
    name: &str,
    mut change: impl FnMut(&mut InstanceProfile) -> std::result::Result<R, Error>,
) -> Result<R> {
    let changed = cx
        .rows(&INSTANCE_PROFILES)
        .update(&key(name), |profile| if profile.name == name { change(profile) } else { Err(missing(name)) })
        .await?;
    Ok(changed.ok_or_else(|| missing(name))?)
}
