//! What users, groups and roles have in common: inline and attached policies, and for two of them a boundary.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use service::{Changes, Context, Empty, Failure, Result, Row, Table, Tags};

use crate::document::{self, Purpose, counted_chars};
use crate::error::Error;
use crate::group::{GROUPS, Group};
use crate::limits::{
    CONFLICT_RETRIES_MAX, INLINE_POLICIES_PER_GROUP_CHARS_MAX, INLINE_POLICIES_PER_ROLE_CHARS_MAX,
    INLINE_POLICIES_PER_USER_CHARS_MAX, POLICIES_PER_IDENTITY_MAX,
};
use crate::page::{self, PageEnd};
use crate::role::{ROLES, Role, check_name, key};
use crate::user::{USERS, User};
use crate::uses::{Use, change_uses};

pub(crate) const POLICY_NAME_CHARS_MAX: usize = 128;

/// A row that holds policies.
pub(crate) trait Holder: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    const TABLE: &'static Table<Self>;
    /// As errors call it.
    const KIND: &'static str;
    const ATTACHED_QUOTA: &'static str;
    /// Characters of all inline policies, white space left out.
    const INLINE_CHARS_MAX: usize;

    fn name(&self) -> &str;
    fn inline(&self) -> &BTreeMap<String, String>;
    fn inline_mut(&mut self) -> &mut BTreeMap<String, String>;
    fn attached(&self) -> &[String];
    fn attached_mut(&mut self) -> &mut Vec<String>;

    fn missing(name: &str) -> Error {
        Error::NoSuchEntityException(format!("The {} with name {name} cannot be found.", Self::KIND))
    }
}

/// A holder that a policy may bound and that has tags.
pub(crate) trait Bounded: Holder {
    fn boundary_mut(&mut self) -> &mut Option<String>;
    fn tags_mut(&mut self) -> &mut Tags;
}

macro_rules! holder {
    ($type:ident, $table:ident, $kind:literal, $quota:literal, $chars:ident) => {
        impl Holder for $type {
            const TABLE: &'static Table<Self> = &$table;
            const KIND: &'static str = $kind;
            const ATTACHED_QUOTA: &'static str = $quota;
            const INLINE_CHARS_MAX: usize = $chars;

            fn name(&self) -> &str {
                &self.name
            }

            fn inline(&self) -> &BTreeMap<String, String> {
                &self.inline_policies
            }

            fn inline_mut(&mut self) -> &mut BTreeMap<String, String> {
                &mut self.inline_policies
            }

            fn attached(&self) -> &[String] {
                &self.attached_policies
            }

            fn attached_mut(&mut self) -> &mut Vec<String> {
                &mut self.attached_policies
            }
        }
    };
}

macro_rules! bounded {
    ($type:ident) => {
        impl Bounded for $type {
            fn boundary_mut(&mut self) -> &mut Option<String> {
                &mut self.permissions_boundary
            }

            fn tags_mut(&mut self) -> &mut Tags {
                &mut self.tags
            }
        }
    };
}

holder!(User, USERS, "user", "PoliciesPerUser", INLINE_POLICIES_PER_USER_CHARS_MAX);
holder!(Group, GROUPS, "group", "PoliciesPerGroup", INLINE_POLICIES_PER_GROUP_CHARS_MAX);
holder!(Role, ROLES, "role", "PoliciesPerRole", INLINE_POLICIES_PER_ROLE_CHARS_MAX);
bounded!(User);
bounded!(Role);

/// The holder of this name.
pub(crate) async fn find<H: Holder>(cx: &Context, name: &str) -> Result<H> {
    Ok(row::<H>(cx, name).await?.value)
}

pub(crate) async fn row<H: Holder>(cx: &Context, name: &str) -> Result<Row<H>> {
    let row = cx.rows(H::TABLE).row(&key(name)).await?.filter(|row| row.value.name() == name);
    Ok(row.ok_or_else(|| H::missing(name))?)
}

/// Changes a holder in place. An error from `change` leaves it as it was.
pub(crate) async fn update<H: Holder, R>(
    cx: &Context,
    name: &str,
    mut change: impl FnMut(&mut H) -> std::result::Result<R, Error>,
) -> Result<R> {
    let changed = cx
        .rows(H::TABLE)
        .update(&key(name), |row| if row.name() == name { change(row) } else { Err(H::missing(name)) })
        .await?;
    Ok(changed.ok_or_else(|| H::missing(name))?)
}

/// Tries a change of several rows until no one else's came between. `attempt` reads the rows anew each time and gives
/// the changes with what to answer, or nothing to commit.
pub(crate) async fn committed<'a, R, F>(what: &str, mut attempt: impl FnMut() -> F) -> Result<R>
where
    F: Future<Output = Result<(Option<Changes<'a>>, R)>>,
{
    for _ in 0..CONFLICT_RETRIES_MAX {
        let (changes, answer) = attempt().await?;
        let done = match changes {
            Some(changes) => changes.commit().await?,
            None => true,
        };
        if done {
            return Ok(answer);
        }
    }
    Err(Failure::Internal(anyhow::anyhow!("{what} kept changing")))
}

/// Attaching what is attached changes nothing and succeeds.
pub(crate) async fn attach<H: Holder>(cx: &Context, name: &str, arn: &str) -> Result<Empty> {
    committed(name, || async {
        let mut row = row::<H>(cx, name).await?;
        if row.value.attached().iter().any(|attached| attached == arn) {
            return Ok((None, Empty));
        }
        if row.value.attached().len() >= POLICIES_PER_IDENTITY_MAX {
            return Err(Error::over_quota(H::ATTACHED_QUOTA, POLICIES_PER_IDENTITY_MAX).into());
        }
        row.value.attached_mut().push(arn.to_owned());
        let changes = cx.changes().replace(H::TABLE, &key(name), &row)?;
        Ok((Some(change_uses(cx, changes, arn, Use::Attachment, 1).await?), Empty))
    })
    .await
}

pub(crate) async fn detach<H: Holder>(cx: &Context, name: &str, arn: &str) -> Result<Empty> {
    committed(name, || async {
        let mut row = row::<H>(cx, name).await?;
        let before = row.value.attached().len();
        row.value.attached_mut().retain(|attached| attached != arn);
        if row.value.attached().len() == before {
            return Err(Error::no_policy(arn).into());
        }
        let changes = cx.changes().replace(H::TABLE, &key(name), &row)?;
        Ok((Some(change_uses(cx, changes, arn, Use::Attachment, -1).await?), Empty))
    })
    .await
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AttachedPolicies {
    attached_policies: Vec<AttachedPolicy>,
    #[serde(flatten)]
    end: PageEnd,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AttachedPolicy {
    policy_name: String,
    policy_arn: String,
}

/// Attached policies as answers show them, by ARN.
pub(crate) fn attached_policies(arns: &[String]) -> Vec<AttachedPolicy> {
    let mut arns = arns.to_vec();
    arns.sort();
    let named = |arn: String| {
        let name = arn.rsplit('/').next().unwrap_or_default().to_owned();
        AttachedPolicy { policy_name: name, policy_arn: arn }
    };
    arns.into_iter().map(named).collect()
}

pub(crate) async fn list_attached<H: Holder>(
    cx: &Context,
    name: &str,
    path_prefix: Option<&str>,
    marker: Option<&str>,
    max_items: Option<usize>,
) -> Result<AttachedPolicies> {
    let prefix = path_prefix.unwrap_or("/");
    let holder = find::<H>(cx, name).await?;
    let mut policies: Vec<(String, AttachedPolicy)> = attached_policies(holder.attached())
        .into_iter()
        .map(|policy| (policy.policy_arn.clone(), policy))
        .collect();
    // `policy/path/name`: the path begins with its slash.
    policies.retain(|(arn, _)| arn.split_once(":policy").is_some_and(|(_, place)| place.starts_with(prefix)));
    let (attached_policies, end) = page::cut(policies, marker, max_items)?;
    Ok(AttachedPolicies { attached_policies, end })
}

pub(crate) async fn put_inline<H: Holder>(
    cx: &Context,
    name: &str,
    policy_name: &str,
    document: &str,
) -> Result<Empty> {
    check_name(policy_name, POLICY_NAME_CHARS_MAX)?;
    document::check(document, Purpose::Permissions)?;
    update::<H, _>(cx, name, |holder| {
        holder.inline_mut().insert(policy_name.to_owned(), document.to_owned());
        let chars: usize = holder.inline().values().map(|document| counted_chars(document)).sum();
        if chars > H::INLINE_CHARS_MAX {
            return Err(Error::LimitExceededException(format!(
                "Maximum policy size of {} bytes exceeded for {} {name}",
                H::INLINE_CHARS_MAX,
                H::KIND
            )));
        }
        Ok(Empty)
    })
    .await
}

/// The document as answers carry it.
pub(crate) async fn inline_document<H: Holder>(
    cx: &Context,
    name: &str,
    policy_name: &str,
) -> Result<String> {
    let holder = find::<H>(cx, name).await?;
    let found = holder.inline().get(policy_name).ok_or_else(|| no_inline_policy::<H>(policy_name))?;
    Ok(document::encode(found))
}

pub(crate) async fn delete_inline<H: Holder>(cx: &Context, name: &str, policy_name: &str) -> Result<Empty> {
    update::<H, _>(cx, name, |holder| {
        let removed = holder.inline_mut().remove(policy_name);
        removed.map(|_| Empty).ok_or_else(|| no_inline_policy::<H>(policy_name))
    })
    .await
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct InlinePolicyNames {
    policy_names: Vec<String>,
    #[serde(flatten)]
    end: PageEnd,
}

pub(crate) async fn list_inline<H: Holder>(
    cx: &Context,
    name: &str,
    marker: Option<&str>,
    max_items: Option<usize>,
) -> Result<InlinePolicyNames> {
    let holder = find::<H>(cx, name).await?;
    let names = holder.inline().keys().map(|name| (name.clone(), name.clone())).collect();
    let (policy_names, end) = page::cut(names, marker, max_items)?;
    Ok(InlinePolicyNames { policy_names, end })
}

pub(crate) async fn set_boundary<H: Bounded>(
    cx: &Context,
    name: &str,
    boundary: Option<String>,
) -> Result<Empty> {
    committed(name, || async {
        let mut row = row::<H>(cx, name).await?;
        let before = std::mem::replace(row.value.boundary_mut(), boundary.clone());
        if boundary.is_none() && before.is_none() {
            let kind = H::KIND[..1].to_uppercase() + &H::KIND[1..];
            return Err(Error::NoSuchEntityException(format!(
                "{kind} {name} does not have a permissions boundary."
            ))
            .into());
        }
        if boundary == before {
            return Ok((None, Empty));
        }
        let mut changes = cx.changes().replace(H::TABLE, &key(name), &row)?;
        if let Some(before) = before {
            changes = change_uses(cx, changes, &before, Use::Boundary, -1).await?;
        }
        if let Some(boundary) = &boundary {
            changes = change_uses(cx, changes, boundary, Use::Boundary, 1).await?;
        }
        Ok((Some(changes), Empty))
    })
    .await
}

fn no_inline_policy<H: Holder>(policy_name: &str) -> Error {
    Error::NoSuchEntityException(format!("The {} policy with name {policy_name} cannot be found.", H::KIND))
}
