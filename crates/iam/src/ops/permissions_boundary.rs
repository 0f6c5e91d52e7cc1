use serde::Deserialize;
use service::{Arn, Changes, Context, Empty, Failure, Operation, Result};

use crate::Iam;
use crate::error::Error;
use crate::limits::CONFLICT_RETRIES_MAX;
use crate::policy::{Owner, POLICIES, owner};
use crate::role::{self, ROLES, key};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutRolePermissionsBoundary {
    role_name: String,
    permissions_boundary: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteRolePermissionsBoundary {
    role_name: String,
}

impl Operation for PutRolePermissionsBoundary {
    type Service = Iam;
    type Output = Empty;
    const NAME: &'static str = "PutRolePermissionsBoundary";

    fn resource(&self, cx: &Context) -> Arn {
        role::policy_resource(cx, &self.role_name)
    }

    async fn run(self, _: &Iam, cx: &Context) -> Result<Empty> {
        set(cx, &self.role_name, Some(self.permissions_boundary)).await
    }
}

impl Operation for DeleteRolePermissionsBoundary {
    type Service = Iam;
    type Output = Empty;
    const NAME: &'static str = "DeleteRolePermissionsBoundary";

    fn resource(&self, cx: &Context) -> Arn {
        role::policy_resource(cx, &self.role_name)
    }

    async fn run(self, _: &Iam, cx: &Context) -> Result<Empty> {
        set(cx, &self.role_name, None).await
    }
}

/// How an identity uses a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Attachment,
    Boundary,
}

/// Adds the change of a policy's count of uses to others. A policy that is newly used must exist.
pub(crate) async fn change_uses<'a>(
    cx: &Context,
    changes: Changes<'a>,
    arn: &str,
    how: Use,
    by: i64,
) -> Result<Changes<'a>> {
    let key = match owner(cx, arn) {
        Some(Owner::Aws(_)) => return Ok(changes),
        Some(Owner::Account(key)) => key,
        None => return Err(Error::not_attachable(arn).into()),
    };
    let row = cx.rows(&POLICIES).row(&key).await?.filter(|row| row.value.arn(cx.scope()) == arn);
    let mut row = row.ok_or_else(|| Error::not_attachable(arn))?;
    let count = match how {
        Use::Attachment => &mut row.value.attachments,
        Use::Boundary => &mut row.value.boundary_uses,
    };
    *count = count.saturating_add_signed(by);
    changes.replace(&POLICIES, &key, &row)
}

async fn set(cx: &Context, name: &str, boundary: Option<String>) -> Result<Empty> {
    for _ in 0..CONFLICT_RETRIES_MAX {
        let row = cx.rows(&ROLES).row(&key(name)).await?.filter(|row| row.value.name == name);
        let mut row = row.ok_or_else(|| Error::no_role(name))?;
        let before = std::mem::replace(&mut row.value.permissions_boundary, boundary.clone());
        if boundary.is_none() && before.is_none() {
            return Err(Error::NoSuchEntityException(format!(
                "Role {name} does not have a permissions boundary."
            ))
            .into());
        }
        if boundary == before {
            return Ok(Empty);
        }
        let mut changes = cx.changes().replace(&ROLES, &key(name), &row)?;
        if let Some(before) = before {
            changes = change_uses(cx, changes, &before, Use::Boundary, -1).await?;
        }
        if let Some(boundary) = &boundary {
            changes = change_uses(cx, changes, boundary, Use::Boundary, 1).await?;
        }
        if changes.commit().await? {
            return Ok(Empty);
        }
    }
    Err(Failure::Internal(anyhow::anyhow!("role {name} kept changing")))
}
