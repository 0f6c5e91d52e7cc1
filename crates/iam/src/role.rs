//! Roles: their rows, how they are found and changed, and how answers show them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use service::{Arn, Context, Result, Scope, Table, Tags};
use wire::Timestamp;

use crate::document;
use crate::limits::SESSION_SECONDS_DEFAULT;
use crate::tag_list::{self, Tag};

pub(crate) static ROLES: Table<Role> = Table::account("iam", "roles");

/// A role as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Role {
    pub name: String,
    pub path: String,
    pub id: String,
    pub created: Timestamp,
    /// Who may assume the role, as it was sent.
    pub trust_policy: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default = "session_seconds_default")]
    pub max_session_seconds: i64,
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
}

/// A role in an answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RoleView {
    path: String,
    role_name: String,
    role_id: String,
    arn: String,
    create_date: Timestamp,
    assume_role_policy_document: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    max_session_duration: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions_boundary: Option<AttachedBoundary>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Tag>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AttachedBoundary {
    permissions_boundary_type: &'static str,
    permissions_boundary_arn: String,
}

impl AttachedBoundary {
    pub(crate) fn new(arn: String) -> Self {
        AttachedBoundary { permissions_boundary_type: "Policy", permissions_boundary_arn: arn }
    }
}

/// How much of a role an answer shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Tags and permissions boundary too.
    All,
    /// What lists show.
    Listed,
}

pub(crate) fn session_seconds_default() -> i64 {
    SESSION_SECONDS_DEFAULT
}

impl Role {
    pub(crate) fn arn(&self, scope: &Scope) -> Arn {
        Arn::global("iam", scope, format_args!("role{}{}", self.path, self.name))
    }

    pub(crate) fn view(&self, scope: &Scope, detail: Detail) -> RoleView {
        let all = detail == Detail::All;
        RoleView {
            path: self.path.clone(),
            role_name: self.name.clone(),
            role_id: self.id.clone(),
            arn: self.arn(scope).to_string(),
            create_date: self.created,
            assume_role_policy_document: document::encode(&self.trust_policy),
            description: self.description.clone(),
            max_session_duration: self.max_session_seconds,
            permissions_boundary: self
                .permissions_boundary
                .clone()
                .filter(|_| all)
                .map(AttachedBoundary::new),
            tags: if all { tag_list::list(&self.tags) } else { Vec::new() },
        }
    }
}

/// The key of a role or a policy: names are unique whatever their case.
pub(crate) fn key(name: &str) -> String {
    name.to_lowercase()
}

/// The role as a policy decision sees it. Its path is not known before it was read.
pub(crate) fn policy_resource(cx: &Context, name: &str) -> Arn {
    Arn::global("iam", cx.scope(), format_args!("role/{name}"))
}

pub(crate) fn check_name(name: &str, chars_max: usize) -> Result<()> {
    let plain = name.chars().all(|next| next.is_ascii_alphanumeric() || "_+=,.@-".contains(next));
    if name.is_empty() || name.chars().count() > chars_max || !plain {
        return Err(crate::error::validation(
            "The specified value is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-",
        ));
    }
    Ok(())
}

/// `/` or text that begins and ends with it.
pub(crate) fn check_path(path: &str) -> Result<()> {
    const PATH_CHARS_MAX: usize = 512;
    let closed = path.starts_with('/') && path.ends_with('/');
    let graphic = path.chars().all(|next| next.is_ascii_graphic());
    if !closed || !graphic || path.len() > PATH_CHARS_MAX {
        return Err(crate::error::validation(
            "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric \
             characters and/or / characters.",
        ));
    }
    Ok(())
}
