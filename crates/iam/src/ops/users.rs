//! Users from create to delete.

use serde::Serialize;
use service::{Empty, Tags};

use crate::access_key::{ACCESS_KEYS, KeyUser};
use crate::conditions;
use crate::error::Error;
use crate::group;
use crate::holder::{self, committed};
use crate::page::{self, PageEnd};
use crate::role::{check_name, check_path, key};
use crate::subject::Subject;
use crate::tag_list::{self, Tag};
use crate::user::{self, USERS, User, UserView};
use crate::uses::{Use, change_uses};

const USER_NAME_CHARS_MAX: usize = 64;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UserOutput {
    user: UserView,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UsersOutput {
    users: Vec<UserView>,
    #[serde(flatten)]
    end: PageEnd,
}

operation! {
    CreateUser {
        user_name: String, path: Option<String>, permissions_boundary: Option<String>, #[serde(default)] tags: Vec<Tag>,
    } -> UserOutput,
    on |this, cx| user::resource_at(cx, this.path.as_deref(), &this.user_name),
    keys |this| conditions::of_request(&this.tags, this.permissions_boundary.as_deref()),
    run |this, _, cx| {
        check_name(&this.user_name, USER_NAME_CHARS_MAX)?;
        let path = this.path.unwrap_or_else(|| "/".into());
        check_path(&path)?;
        let mut tags = Tags::default();
        tag_list::add(&mut tags, this.tags)?;
        let user = User {
            id: format!("AIDA{}", cx.platform().ids().upper_alphanumeric::<17>()),
            name: this.user_name,
            path,
            created: cx.now(),
            permissions_boundary: this.permissions_boundary,
            tags,
            inline_policies: Default::default(),
            attached_policies: Vec::new(),
            groups: Vec::new(),
            access_keys: Vec::new(),
            login_profile: None,
        };
        let user = &user;
        committed(&user.name, || async {
            if cx.rows(&USERS).get(&key(&user.name)).await?.is_some() {
                return Err(Error::taken(format!("User with name {} already exists.", user.name)).into());
            }
            let mut changes = cx.changes();
            if let Some(boundary) = &user.permissions_boundary {
                changes = change_uses(cx, changes, boundary, Use::Boundary, 1).await?;
            }
            Ok((Some(changes.insert(&USERS, &key(&user.name), user)?), ()))
        })
        .await?;
        Ok(UserOutput { user: user.view(cx.scope()) })
    }
}
operation! {
    GetUser { user_name: Option<String> } -> UserOutput,
    on |this, cx| Subject::resource(cx, this.user_name.as_deref()),
    run |this, _, cx| match Subject::of(cx, this.user_name)? {
        Subject::User(name) => Ok(UserOutput { user: user::find(cx, &name).await?.view(cx.scope()) }),
        Subject::Root => Ok(UserOutput { user: UserView::of_root(cx.scope()) }),
    }
}
operation! {
    ListUsers { path_prefix: Option<String>, marker: Option<String>, max_items: Option<usize> } -> UsersOutput,
    on |this, cx| user::resource_at(cx, this.path_prefix.as_deref(), ""),
    run |this, _, cx| {
        let prefix = this.path_prefix.as_deref().unwrap_or("/");
        let mut users = cx.rows(&USERS).all("").await?;
        users.retain(|(_, user)| user.path.starts_with(prefix));
        let (page, end) = page::cut(users, this.marker.as_deref(), this.max_items)?;
        Ok(UsersOutput { users: page.iter().map(|user| user.view(cx.scope()).listed()).collect(), end })
    }
}
operation! {
    UpdateUser { user_name: String, new_path: Option<String>, new_user_name: Option<String> } -> Empty,
    on |this, cx| user::resource(cx, &this.user_name),
    run |this, _, cx| {
        if let Some(path) = &this.new_path {
            check_path(path)?;
        }
        if let Some(name) = &this.new_user_name {
            check_name(name, USER_NAME_CHARS_MAX)?;
        }
        let name = &this.user_name;
        committed(name, || async {
            let mut row = holder::row::<User>(cx, name).await?;
            let renamed = this.new_user_name.clone().unwrap_or_else(|| name.clone());
            row.value.name = renamed.clone();
            if let Some(path) = &this.new_path {
                row.value.path = path.clone();
            }
            let mut changes = if key(&renamed) == key(name) {
                cx.changes().replace(&USERS, &key(name), &row)?
            } else {
                if cx.rows(&USERS).get(&key(&renamed)).await?.is_some() {
                    return Err(Error::taken(format!("User with name {renamed} already exists.")).into());
                }
                let removed = cx.changes().remove_row(&USERS, &key(name), &row);
                removed.insert(&USERS, &key(&renamed), &row.value)?
            };
            for id in &row.value.access_keys {
                if let Some(mut held) = cx.rows(&ACCESS_KEYS).row(id).await? {
                    let user = &row.value;
                    held.value.user =
                        Some(KeyUser { name: user.name.clone(), path: user.path.clone(), id: user.id.clone() });
                    changes = changes.replace(&ACCESS_KEYS, id, &held)?;
                }
            }
            Ok((Some(changes), Empty))
        })
        .await
    }
}
operation! {
    DeleteUser { user_name: String } -> Empty,
    on |this, cx| user::resource(cx, &this.user_name),
    run |this, _, cx| {
        let name = &this.user_name;
        committed(name, || async {
            let row = holder::row::<User>(cx, name).await?;
            let user = &row.value;
            for (left, what) in [
                (!user.groups.is_empty(), "Cannot delete entity, must remove users from group first."),
                (!user.attached_policies.is_empty(), "Cannot delete entity, must detach all policies first."),
                (!user.inline_policies.is_empty(), "Cannot delete entity, must delete policies first."),
                (!user.access_keys.is_empty(), "Cannot delete entity, must delete access keys first."),
                (user.login_profile.is_some(), "Cannot delete entity, must delete login profile first."),
            ] {
                if left {
                    return Err(Error::DeleteConflictException(what).into());
                }
            }
            let mut changes = cx.changes().remove_row(&USERS, &key(name), &row);
            if let Some(boundary) = &user.permissions_boundary {
                changes = change_uses(cx, changes, boundary, Use::Boundary, -1).await?;
            }
            Ok((Some(changes), Empty))
        })
        .await
    }
}
operation! {
    ListGroupsForUser { user_name: String, marker: Option<String>, max_items: Option<usize> } -> super::groups::GroupsOutput,
    on |this, cx| user::resource(cx, &this.user_name),
    run |this, _, cx| {
        let user = user::find(cx, &this.user_name).await?;
        let mut groups = Vec::new();
        for name in &user.groups {
            groups.push((key(name), group::find(cx, name).await?));
        }
        groups.sort_by(|(one, _), (other, _)| one.cmp(other));
        super::groups::GroupsOutput::cut(cx, groups, this.marker.as_deref(), this.max_items)
    }
}
