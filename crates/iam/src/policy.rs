//! Managed policies: those of the account as rows, those of AWS as data, and how answers show both.

use serde::{Deserialize, Serialize};
use service::{Arn, Context, Result, Scope, Table, Tags};
use wire::Timestamp;

use crate::document;
use crate::error::{Error, owned_by_aws};
use crate::managed;
use crate::role::key;
use crate::tag_list::{self, Tag};
use crate::uses::Holders;

pub(crate) static POLICIES: Table<Policy> = Table::account("iam", "policies");

/// A managed policy as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Policy {
    pub name: String,
    pub path: String,
    pub id: String,
    pub created: Timestamp,
    pub updated: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub versions: Vec<PolicyVersion>,
    pub default_version: u64,
    /// Numbers are never used twice.
    pub next_version: u64,
    #[serde(default)]
    pub tags: Tags,
    /// How many identities it is attached to.
    #[serde(default)]
    pub attachments: u64,
    /// How many identities it bounds.
    #[serde(default)]
    pub boundary_uses: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PolicyVersion {
    pub number: u64,
    pub document: String,
    pub created: Timestamp,
}

/// A policy in an answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PolicyView {
    pub policy_name: String,
    policy_id: String,
    pub arn: String,
    pub path: String,
    default_version_id: String,
    pub attachment_count: u64,
    pub permissions_boundary_usage_count: u64,
    is_attachable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    create_date: Timestamp,
    update_date: Timestamp,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Tag>,
}

/// A version in an answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct VersionView {
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<String>,
    version_id: String,
    is_default_version: bool,
    create_date: Timestamp,
}

impl Policy {
    pub(crate) fn arn(&self, scope: &Scope) -> String {
        Arn::global("iam", scope, format_args!("policy{}{}", self.path, self.name)).to_string()
    }

    pub(crate) fn view(&self, scope: &Scope) -> PolicyView {
        self.view_as(self.arn(scope))
    }

    fn view_as(&self, arn: String) -> PolicyView {
        PolicyView {
            policy_name: self.name.clone(),
            policy_id: self.id.clone(),
            arn,
            path: self.path.clone(),
            default_version_id: version_id(self.default_version),
            attachment_count: self.attachments,
            permissions_boundary_usage_count: self.boundary_uses,
            is_attachable: true,
            description: self.description.clone(),
            create_date: self.created,
            update_date: self.updated,
            tags: tag_list::list(&self.tags),
        }
    }

    pub(crate) fn version(&self, arn: &str, version: &str) -> std::result::Result<&PolicyVersion, Error> {
        let found = self.versions.iter().find(|candidate| version_id(candidate.number) == version);
        found.ok_or_else(|| {
            Error::NoSuchEntityException(format!(
                "Policy {arn} version {version} does not exist or is not attachable."
            ))
        })
    }

    pub(crate) fn version_view(&self, version: &PolicyVersion) -> VersionView {
        VersionView {
            document: Some(document::encode(&version.document)),
            version_id: version_id(version.number),
            is_default_version: version.number == self.default_version,
            create_date: version.created,
        }
    }
}

pub(crate) fn version_id(number: u64) -> String {
    format!("v{number}")
}

impl PolicyView {
    /// As CreatePolicy answers it.
    pub(crate) fn without_description(self) -> Self {
        PolicyView { description: None, ..self }
    }

    /// As GetAccountAuthorizationDetails shows it.
    pub(crate) fn without_tags(self) -> Self {
        PolicyView { tags: Vec::new(), ..self }
    }

    /// As lists show it: without description and tags.
    pub(crate) fn listed(self) -> Self {
        PolicyView { description: None, tags: Vec::new(), ..self }
    }
}

impl VersionView {
    /// As lists and CreatePolicyVersion show it.
    pub(crate) fn without_document(self) -> Self {
        VersionView { document: None, ..self }
    }
}

/// Where a policy lives.
pub(crate) enum Owner {
    Aws(Policy),
    /// The key of its row.
    Account(String),
}

/// Reads an ARN; `None` when it can name no policy of this account or of AWS.
pub(crate) fn owner(cx: &Context, arn: &str) -> Option<Owner> {
    if let Some(policy) = managed::find(arn) {
        return Some(Owner::Aws(policy));
    }
    let parsed: Arn = arn.parse().ok()?;
    let name = parsed.resource().strip_prefix("policy/")?.rsplit('/').next()?;
    let ours = parsed.service() == "iam" && parsed.account() == cx.account().as_str();
    (ours && !name.is_empty()).then(|| Owner::Account(key(name)))
}

/// The policy of this ARN.
pub(crate) async fn find(cx: &Context, arn: &str) -> Result<Policy> {
    let found = match owner(cx, arn) {
        Some(Owner::Aws(mut policy)) => {
            (policy.attachments, policy.boundary_uses) = Holders::read(cx).await?.uses(arn);
            Some(policy)
        }
        Some(Owner::Account(key)) => {
            cx.rows(&POLICIES).get(&key).await?.filter(|policy| policy.arn(cx.scope()) == arn)
        }
        None => None,
    };
    Ok(found.ok_or_else(|| Error::no_policy(arn))?)
}

/// Changes a policy of the account in place. An error from `change` leaves it as it was.
pub(crate) async fn update<R>(
    cx: &Context,
    arn: &str,
    mut change: impl FnMut(&mut Policy) -> std::result::Result<R, Error>,
) -> Result<R> {
    let key = account_key(cx, arn)?;
    let changed =
        cx.rows(&POLICIES)
            .update(&key, |policy| {
                if policy.arn(cx.scope()) == arn { change(policy) } else { Err(Error::no_policy(arn)) }
            })
            .await?;
    Ok(changed.ok_or_else(|| Error::no_policy(arn))?)
}

/// The row of a policy that is to be changed.
pub(crate) fn account_key(cx: &Context, arn: &str) -> Result<String> {
    match owner(cx, arn) {
        Some(Owner::Account(key)) => Ok(key),
        Some(Owner::Aws(_)) => Err(owned_by_aws()),
        None => Err(Error::no_policy(arn).into()),
    }
}

/// The policy as a policy decision sees it.
pub(crate) fn policy_resource(arn: &str) -> Arn {
    arn.parse().unwrap_or_else(|_| Arn::any())
}

/// A view of a policy of AWS.
pub(crate) fn managed_view(policy: &Policy, arn: &str) -> PolicyView {
    policy.view_as(arn.to_owned())
}
