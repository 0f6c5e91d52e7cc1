//! Instance profiles from create to delete, and the role in them.

use serde::Serialize;
use service::{Empty, Tags};

use crate::conditions;
use crate::error::Error;
use crate::holder::{self, committed};
use crate::instance_profile::{self, INSTANCE_PROFILES, InstanceProfile, InstanceProfileView};
use crate::page::{self, PageEnd};
use crate::role::{self, ROLES, Role, check_name, check_path, key};
use crate::tag_list::{self, Tag};

const INSTANCE_PROFILE_NAME_CHARS_MAX: usize = 128;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct InstanceProfileOutput {
    instance_profile: InstanceProfileView,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct InstanceProfilesOutput {
    instance_profiles: Vec<InstanceProfileView>,
    #[serde(flatten)]
    end: PageEnd,
}

operation! {
    CreateInstanceProfile {
        instance_profile_name: String, path: Option<String>, #[serde(default)] tags: Vec<Tag>,
    } -> InstanceProfileOutput,
    on |this, cx| instance_profile::resource(cx, &this.instance_profile_name),
    keys |this| conditions::of_request(&this.tags, None),
    run |this, _, cx| {
        check_name(&this.instance_profile_name, INSTANCE_PROFILE_NAME_CHARS_MAX)?;
        let path = this.path.unwrap_or_else(|| "/".into());
        check_path(&path)?;
        let mut tags = Tags::default();
        tag_list::add(&mut tags, this.tags)?;
        let profile = InstanceProfile {
            id: format!("AIPA{}", cx.platform().ids().upper_alphanumeric::<17>()),
            name: this.instance_profile_name,
            path,
            created: cx.now(),
            role: None,
            tags,
        };
        if !cx.rows(&INSTANCE_PROFILES).insert(&key(&profile.name), &profile).await? {
            return Err(Error::taken(format!("Instance Profile {} already exists.", profile.name)).into());
        }
        Ok(InstanceProfileOutput { instance_profile: profile.view(cx.scope(), None) })
    }
}
operation! {
    GetInstanceProfile { instance_profile_name: String } -> InstanceProfileOutput,
    on |this, cx| instance_profile::resource(cx, &this.instance_profile_name),
    run |this, _, cx| {
        let profile = instance_profile::find(cx, &this.instance_profile_name).await?;
        Ok(InstanceProfileOutput { instance_profile: profile.full_view(cx).await? })
    }
}
operation! {
    ListInstanceProfiles {
        path_prefix: Option<String>, marker: Option<String>, max_items: Option<usize>,
    } -> InstanceProfilesOutput,
    on |_, cx| instance_profile::resource(cx, ""),
    run |this, _, cx| {
        let prefix = this.path_prefix.as_deref().unwrap_or("/");
        let mut profiles = cx.rows(&INSTANCE_PROFILES).all("").await?;
        profiles.retain(|(_, profile)| profile.path.starts_with(prefix));
        let (page, end) = page::cut(profiles, this.marker.as_deref(), this.max_items)?;
        let mut instance_profiles = Vec::new();
        for profile in page {
            instance_profiles.push(profile.full_view(cx).await?);
        }
        Ok(InstanceProfilesOutput { instance_profiles, end })
    }
}
operation! {
    ListInstanceProfilesForRole {
        role_name: String, marker: Option<String>, max_items: Option<usize>,
    } -> InstanceProfilesOutput,
    on |this, cx| role::policy_resource(cx, &this.role_name),
    run |this, _, cx| {
        let role = holder::find::<Role>(cx, &this.role_name).await?;
        let profiles = instance_profile::of_role(cx, &role.name).await?;
        let (page, end) = page::cut(profiles, this.marker.as_deref(), this.max_items)?;
        let instance_profiles = page.iter().map(|profile| profile.view(cx.scope(), Some(&role))).collect();
        Ok(InstanceProfilesOutput { instance_profiles, end })
    }
}
operation! {
    AddRoleToInstanceProfile { instance_profile_name: String, role_name: String } -> Empty,
    on |this, cx| instance_profile::resource(cx, &this.instance_profile_name),
    run |this, _, cx| {
        let (name, role_name) = (&this.instance_profile_name, &this.role_name);
        committed(name, || async {
            let row = cx.rows(&INSTANCE_PROFILES).row(&key(name)).await?.filter(|row| row.value.name == *name);
            let mut profile = row.ok_or_else(|| instance_profile::missing(name))?;
            let role = holder::row::<Role>(cx, role_name).await?;
            if profile.value.role.is_some() {
                return Err(Error::over_quota("InstanceSessionsPerInstanceProfile", 1).into());
            }
            profile.value.role = Some(role_name.clone());
            // The role must still be there when the profile names it.
            let changes = cx.changes().expect(&ROLES, &key(role_name), &role);
            Ok((Some(changes.replace(&INSTANCE_PROFILES, &key(name), &profile)?), Empty))
        })
        .await
    }
}
operation! {
    RemoveRoleFromInstanceProfile { instance_profile_name: String, role_name: String } -> Empty,
    on |this, cx| instance_profile::resource(cx, &this.instance_profile_name),
    run |this, _, cx| {
        holder::find::<Role>(cx, &this.role_name).await?;
        instance_profile::update(cx, &this.instance_profile_name, |profile| {
            if profile.role.as_ref() != Some(&this.role_name) {
                return Err(Error::no_role(&this.role_name));
            }
            profile.role = None;
            Ok(Empty)
        })
        .await
    }
}
operation! {
    DeleteInstanceProfile { instance_profile_name: String } -> Empty,
    on |this, cx| instance_profile::resource(cx, &this.instance_profile_name),
    run |this, _, cx| {
        let name = &this.instance_profile_name;
        committed(name, || async {
            let row = cx.rows(&INSTANCE_PROFILES).row(&key(name)).await?.filter(|row| row.value.name == *name);
            let profile = row.ok_or_else(|| instance_profile::missing(name))?;
            if profile.value.role.is_some() {
                return Err(Error::DeleteConflictException(
                    "Cannot delete entity, must remove roles from instance profile first.",
                )
                .into());
            }
            Ok((Some(cx.changes().remove_row(&INSTANCE_PROFILES, &key(name), &profile)), Empty))
        })
        .await
    }
}
