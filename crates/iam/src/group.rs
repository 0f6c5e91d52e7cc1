//! Groups: their rows, how they are found and changed, and how answers show them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use service::{Arn, Context, Result, Scope, Table};
use wire::Timestamp;

use crate::error::Error;
use crate::role::key;

pub(crate) static GROUPS: Table<Group> = Table::account("iam", "groups");

/// A group as it is stored. Its members' rows name it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Group {
    pub name: String,
    pub path: String,
    pub id: String,
    pub created: Timestamp,
    /// Inline policies: name → document.
    #[serde(default)]
    pub inline_policies: BTreeMap<String, String>,
    /// The ARNs of attached policies, in the order they were attached.
    #[serde(default)]
    pub attached_policies: Vec<String>,
    /// How many users are in it: leaving, joining and deleting exclude each other.
    #[serde(default)]
    pub members: u64,
}

/// A group in an answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GroupView {
    path: String,
    group_name: String,
    group_id: String,
    arn: String,
    create_date: Timestamp,
}

impl Group {
    pub(crate) fn arn(&self, scope: &Scope) -> Arn {
        Arn::global("iam", scope, format_args!("group{}{}", self.path, self.name))
    }

    pub(crate) fn view(&self, scope: &Scope) -> GroupView {
        GroupView {
            path: self.path.clone(),
            group_name: self.name.clone(),
            group_id: self.id.clone(),
            arn: self.arn(scope).to_string(),
            create_date: self.created,
        }
    }
}

/// The group as a policy decision sees it. Its path is not known before it was read.
pub(crate) fn resource(cx: &Context, name: &str) -> Arn {
    resource_at(cx, None, name)
}

/// [`resource`] at a path.
pub(crate) fn resource_at(cx: &Context, path: Option<&str>, name: &str) -> Arn {
    Arn::global("iam", cx.scope(), format_args!("group{}{name}", path.unwrap_or("/")))
}

pub(crate) async fn find(cx: &Context, name: &str) -> Result<Group> {
    let group = cx.rows(&GROUPS).get(&key(name)).await?;
    Ok(group.filter(|group| group.name == name).ok_or_else(|| Error::no_group(name))?)
}
