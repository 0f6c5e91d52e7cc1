//! Users: their rows, how they are found and changed, and how answers show them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use service::{Arn, Context, Result, Scope, Table, Tags};
use wire::Timestamp;

use crate::error::Error;
use crate::role::{AttachedBoundary, key};
use crate::tag_list::{self, Tag};

pub(crate) static USERS: Table<User> = Table::account("iam", "users");

/// A user as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct User {
    pub name: String,
    pub path: String,
    pub id: String,
    pub created: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions_boundary: Option<String>,
    #[serde(default)]
    pub tags: Tags,
    /// Inline policies: name → document.
    #[serde(default)]
    pub inline_policies: BTreeMap<String, String>,
    /// The ARNs of attached policies, in the order they were attached.
    #[serde(default)]
    pub attached_policies: Vec<String>,
    /// The names of its groups.
    #[serde(default)]
    pub groups: Vec<String>,
    /// The ids of its access keys, oldest first.
    #[serde(default)]
    pub access_keys: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_profile: Option<LoginProfile>,
}

/// That a user may sign in with a password. The password is not kept: there is nothing to sign in to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LoginProfile {
    pub created: Timestamp,
    pub password_reset_required: bool,
}

/// A user in an answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UserView {
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<String>,
    user_id: String,
    arn: String,
    create_date: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions_boundary: Option<AttachedBoundary>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Tag>,
}

impl User {
    pub(crate) fn arn(&self, scope: &Scope) -> Arn {
        Arn::global("iam", scope, format_args!("user{}{}", self.path, self.name))
    }

    pub(crate) fn view(&self, scope: &Scope) -> UserView {
        UserView {
            path: Some(self.path.clone()),
            user_name: Some(self.name.clone()),
            user_id: self.id.clone(),
            arn: self.arn(scope).to_string(),
            create_date: self.created,
            permissions_boundary: self.permissions_boundary.clone().map(AttachedBoundary::new),
            tags: tag_list::list(&self.tags),
        }
    }
}

impl UserView {
    /// The account's own user, which has no name and no path.
    pub(crate) fn of_root(scope: &Scope) -> Self {
        UserView {
            path: None,
            user_name: None,
            user_id: scope.account.to_string(),
            arn: Arn::global("iam", scope, "root").to_string(),
            create_date: Timestamp::from_epoch_millis(0),
            permissions_boundary: None,
            tags: Vec::new(),
        }
    }

    /// As lists show it: without boundary and tags.
    pub(crate) fn listed(self) -> Self {
        UserView { permissions_boundary: None, tags: Vec::new(), ..self }
    }
}

/// The user as a policy decision sees it. Its path is not known before it was read.
pub(crate) fn resource(cx: &Context, name: &str) -> Arn {
    resource_at(cx, None, name)
}

/// [`resource`] at a path.
pub(crate) fn resource_at(cx: &Context, path: Option<&str>, name: &str) -> Arn {
    Arn::global("iam", cx.scope(), format_args!("user{}{name}", path.unwrap_or("/")))
}

pub(crate) async fn find(cx: &Context, name: &str) -> Result<User> {
    let user = cx.rows(&USERS).get(&key(name)).await?;
    Ok(user.filter(|user| user.name == name).ok_or_else(|| Error::no_user(name))?)
}
