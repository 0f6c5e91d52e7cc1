//! Groups and who is in them.

use serde::Serialize;
use service::{Context, Empty, Result};

use crate::error::Error;
use crate::group::{self, GROUPS, Group, GroupView};
use crate::holder::{self, committed};
use crate::limits::GROUPS_PER_USER_MAX;
use crate::page::{self, PageEnd};
use crate::role::{check_name, check_path, key};
use crate::user::{USERS, User, UserView};

const GROUP_NAME_CHARS_MAX: usize = 128;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GroupOutput {
    group: GroupView,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GroupsOutput {
    groups: Vec<GroupView>,
    #[serde(flatten)]
    end: PageEnd,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct MembersOutput {
    group: GroupView,
    users: Vec<UserView>,
    #[serde(flatten)]
    end: PageEnd,
}

impl GroupsOutput {
    pub(super) fn cut(
        cx: &Context,
        groups: Vec<(String, Group)>,
        marker: Option<&str>,
        max_items: Option<usize>,
    ) -> Result<Self> {
        let (page, end) = page::cut(groups, marker, max_items)?;
        Ok(GroupsOutput { groups: page.iter().map(|group| group.view(cx.scope())).collect(), end })
    }
}

operation! {
    CreateGroup { group_name: String, path: Option<String> } -> GroupOutput,
    on |this, cx| group::resource_at(cx, this.path.as_deref(), &this.group_name),
    run |this, _, cx| {
        check_name(&this.group_name, GROUP_NAME_CHARS_MAX)?;
        let path = this.path.unwrap_or_else(|| "/".into());
        check_path(&path)?;
        let group = Group {
            id: format!("AGPA{}", cx.platform().ids().upper_alphanumeric::<17>()),
            name: this.group_name,
            path,
            created: cx.now(),
            inline_policies: Default::default(),
            attached_policies: Vec::new(),
            members: 0,
        };
        if !cx.rows(&GROUPS).insert(&key(&group.name), &group).await? {
            return Err(Error::taken(format!("Group with name {} already exists.", group.name)).into());
        }
        Ok(GroupOutput { group: group.view(cx.scope()) })
    }
}
operation! {
    GetGroup { group_name: String, marker: Option<String>, max_items: Option<usize> } -> MembersOutput,
    on |this, cx| group::resource(cx, &this.group_name),
    run |this, _, cx| {
        let group = group::find(cx, &this.group_name).await?;
        let mut users = cx.rows(&USERS).all("").await?;
        users.retain(|(_, user)| user.groups.contains(&group.name));
        let (page, end) = page::cut(users, this.marker.as_deref(), this.max_items)?;
        let users = page.iter().map(|user| user.view(cx.scope()).listed()).collect();
        Ok(MembersOutput { group: group.view(cx.scope()), users, end })
    }
}
operation! {
    ListGroups { path_prefix: Option<String>, marker: Option<String>, max_items: Option<usize> } -> GroupsOutput,
    on |this, cx| group::resource_at(cx, this.path_prefix.as_deref(), ""),
    run |this, _, cx| {
        let prefix = this.path_prefix.as_deref().unwrap_or("/");
        let mut groups = cx.rows(&GROUPS).all("").await?;
        groups.retain(|(_, group)| group.path.starts_with(prefix));
        GroupsOutput::cut(cx, groups, this.marker.as_deref(), this.max_items)
    }
}
operation! {
    UpdateGroup { group_name: String, new_path: Option<String>, new_group_name: Option<String> } -> Empty,
    on |this, cx| group::resource(cx, &this.group_name),
    run |this, _, cx| {
        if let Some(path) = &this.new_path {
            check_path(path)?;
        }
        if let Some(name) = &this.new_group_name {
            check_name(name, GROUP_NAME_CHARS_MAX)?;
        }
        let name = &this.group_name;
        committed(name, || async {
            let mut row = holder::row::<Group>(cx, name).await?;
            let renamed = this.new_group_name.clone().unwrap_or_else(|| name.clone());
            row.value.name = renamed.clone();
            if let Some(path) = &this.new_path {
                row.value.path = path.clone();
            }
            if renamed == *name {
                return Ok((Some(cx.changes().replace(&GROUPS, &key(name), &row)?), Empty));
            }
            let mut changes = if key(&renamed) == key(name) {
                cx.changes().replace(&GROUPS, &key(name), &row)?
            } else {
                if cx.rows(&GROUPS).get(&key(&renamed)).await?.is_some() {
                    return Err(Error::taken(format!("Group with name {renamed} already exists.")).into());
                }
                let removed = cx.changes().remove_row(&GROUPS, &key(name), &row);
                removed.insert(&GROUPS, &key(&renamed), &row.value)?
            };
            // Members name their groups.
            for (user_key, user) in cx.rows(&USERS).all("").await? {
                if !user.groups.contains(name) {
                    continue;
                }
                let Some(mut member) = cx.rows(&USERS).row(&user_key).await? else { continue };
                for group in member.value.groups.iter_mut().filter(|group| *group == name) {
                    group.clone_from(&renamed);
                }
                changes = changes.replace(&USERS, &user_key, &member)?;
            }
            Ok((Some(changes), Empty))
        })
        .await
    }
}
operation! {
    DeleteGroup { group_name: String } -> Empty,
    on |this, cx| group::resource(cx, &this.group_name),
    run |this, _, cx| {
        let name = &this.group_name;
        committed(name, || async {
            let row = holder::row::<Group>(cx, name).await?;
            let group = &row.value;
            for (left, what) in [
                (group.members > 0, "Cannot delete entity, must remove users from group first."),
                (!group.attached_policies.is_empty(), "Cannot delete entity, must detach all policies first."),
                (!group.inline_policies.is_empty(), "Cannot delete entity, must delete policies first."),
            ] {
                if left {
                    return Err(Error::DeleteConflictException(what).into());
                }
            }
            Ok((Some(cx.changes().remove_row(&GROUPS, &key(name), &row)), Empty))
        })
        .await
    }
}
operation! {
    AddUserToGroup { group_name: String, user_name: String } -> Empty,
    on |this, cx| group::resource(cx, &this.group_name),
    run |this, _, cx| {
        let (group_name, user_name) = (&this.group_name, &this.user_name);
        committed(group_name, || async {
            let mut group = holder::row::<Group>(cx, group_name).await?;
            let mut user = holder::row::<User>(cx, user_name).await?;
            if user.value.groups.contains(group_name) {
                return Ok((None, Empty));
            }
            if user.value.groups.len() >= GROUPS_PER_USER_MAX {
                return Err(Error::over_quota("GroupsPerUser", GROUPS_PER_USER_MAX).into());
            }
            user.value.groups.push(group_name.clone());
            group.value.members += 1;
            let changes = cx.changes().replace(&GROUPS, &key(group_name), &group)?;
            Ok((Some(changes.replace(&USERS, &key(user_name), &user)?), Empty))
        })
        .await
    }
}
operation! {
    RemoveUserFromGroup { group_name: String, user_name: String } -> Empty,
    on |this, cx| group::resource(cx, &this.group_name),
    run |this, _, cx| {
        let (group_name, user_name) = (&this.group_name, &this.user_name);
        committed(group_name, || async {
            let mut group = holder::row::<Group>(cx, group_name).await?;
            let mut user = holder::row::<User>(cx, user_name).await?;
            let before = user.value.groups.len();
            user.value.groups.retain(|group| group != group_name);
            if user.value.groups.len() == before {
                return Err(Error::NoSuchEntityException(format!(
                    "User {user_name} is not in group {group_name}."
                ))
                .into());
            }
            group.value.members = group.value.members.saturating_sub(1);
            let changes = cx.changes().replace(&GROUPS, &key(group_name), &group)?;
            Ok((Some(changes.replace(&USERS, &key(user_name), &user)?), Empty))
        })
        .await
    }
}
