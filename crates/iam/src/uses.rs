//! Who uses a managed policy. Policies of the account count their uses in their rows, so that attaching and deleting
//! exclude each other; uses of AWS's policies are counted when asked for.

use service::{Changes, Context, Result};

use crate::error::Error;
use crate::group::{GROUPS, Group};
use crate::policy::{Owner, POLICIES, owner};
use crate::role::{ROLES, Role};
use crate::user::{USERS, User};

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

/// All identities of an account, sorted by name.
pub(crate) struct Holders {
    pub users: Vec<(String, User)>,
    pub groups: Vec<(String, Group)>,
    pub roles: Vec<(String, Role)>,
}

impl Holders {
    pub(crate) async fn read(cx: &Context) -> Result<Self> {
        Ok(Holders {
            users: cx.rows(&USERS).all("").await?,
            groups: cx.rows(&GROUPS).all("").await?,
            roles: cx.rows(&ROLES).all("").await?,
        })
    }

    /// Attachments and uses as a boundary.
    pub(crate) fn uses(&self, arn: &str) -> (u64, u64) {
        let users = self.users.iter().map(|(_, user)| (&user.attached_policies, &user.permissions_boundary));
        let groups = self.groups.iter().map(|(_, group)| (&group.attached_policies, &None));
        let roles = self.roles.iter().map(|(_, role)| (&role.attached_policies, &role.permissions_boundary));
        let (mut attachments, mut boundaries) = (0, 0);
        for (attached, boundary) in users.chain(groups).chain(roles) {
            attachments += u64::from(attached.iter().any(|attached| attached == arn));
            boundaries += u64::from(boundary.as_deref() == Some(arn));
        }
        (attachments, boundaries)
    }
}
