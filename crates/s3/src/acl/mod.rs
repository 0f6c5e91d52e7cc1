//! Access control lists of buckets and objects: who was granted what.
//!
//! Source: user guide, "Access control list (ACL) overview".

mod grants;
mod stored;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::error::{Error, invalid_argument};

pub(crate) use grants::GrantHeaders;

/// Grants of one list.
const GRANTS_MAX: usize = 100;
pub(crate) const ALL_USERS: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
pub(crate) const AUTHENTICATED_USERS: &str = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
pub(crate) const LOG_DELIVERY: &str = "http://acs.amazonaws.com/groups/s3/LogDelivery";
/// The account that `aws-exec-read` lets read.
const EXEC_READ_ID: &str = "6aa5a366c34c1cbe25dc49211496e913e0351eb0e8c37aa3477e40942ec6b97c";

pub(crate) const FULL_CONTROL: &str = "FULL_CONTROL";
pub(crate) const READ: &str = "READ";
pub(crate) const WRITE: &str = "WRITE";
pub(crate) const READ_ACP: &str = "READ_ACP";
pub(crate) const WRITE_ACP: &str = "WRITE_ACP";

/// An access control list, as it is kept and answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Acl {
    pub(crate) owner: Owner,
    pub(crate) grants: Vec<Grant>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Owner {
    #[serde(rename = "ID")]
    pub(crate) id: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Grant {
    pub(crate) grantee: Grantee,
    pub(crate) permission: String,
}

/// Whom a grant is for: an account by its canonical id, or a group by its URI.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Grantee {
    #[serde(rename = "Type")]
    pub(crate) kind: String,
    #[serde(rename = "ID", skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    #[serde(rename = "URI", skip_serializing_if = "Option::is_none")]
    pub(crate) uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) email_address: Option<String>,
}

/// The body of PutBucketAcl and PutObjectAcl.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct AccessControlPolicy {
    pub(crate) owner: Option<Owner>,
    pub(crate) grants: Option<Vec<SentGrant>>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct SentGrant {
    pub(crate) grantee: Option<Grantee>,
    pub(crate) permission: Option<String>,
}

impl Grantee {
    pub(crate) fn account(id: &str) -> Self {
        Grantee { kind: "CanonicalUser".into(), id: Some(id.to_owned()), ..Grantee::default() }
    }

    pub(crate) fn group(uri: &str) -> Self {
        Grantee { kind: "Group".into(), uri: Some(uri.to_owned()), ..Grantee::default() }
    }

    fn check(&self) -> Result<(), Error> {
        match self.kind.as_str() {
            "CanonicalUser" => match &self.id {
                Some(id) if is_canonical_id(id) => Ok(()),
                Some(id) => Err(invalid_argument("Invalid id", "CanonicalUser/ID", id)),
                None => Err(malformed_acl()),
            },
            "Group" => match self.uri.as_deref() {
                Some(ALL_USERS | AUTHENTICATED_USERS | LOG_DELIVERY) => Ok(()),
                Some(uri) => Err(invalid_argument("Invalid group uri", "Group/URI", uri)),
                None => Err(malformed_acl()),
            },
            // Accounts here have no address, so none is ever found.
            "AmazonCustomerByEmail" => Err(Error::new(
                "UnresolvableGrantByEmailAddress",
                400,
                "The e-mail address you provided does not match any account on record.",
            )),
            _ => Err(malformed_acl()),
        }
    }
}

impl Acl {
    /// Full control for the owner and nobody else.
    pub(crate) fn private(owner_id: &str) -> Self {
        let grants = vec![Grant { grantee: Grantee::account(owner_id), permission: FULL_CONTROL.into() }];
        Acl { owner: Owner { id: owner_id.to_owned() }, grants }
    }

    /// One of the lists that have a name. `bucket_owner_id` differs from the owner of an object somebody else put.
    pub(crate) fn canned(name: &str, owner_id: &str, bucket_owner_id: &str) -> Result<Self, Error> {
        let mut acl = Acl::private(owner_id);
        let mut grant = |grantee: Grantee, permission: &str| {
            acl.grants.push(Grant { grantee, permission: permission.to_owned() });
        };
        match name {
            "private" => {}
            "public-read" => grant(Grantee::group(ALL_USERS), READ),
            "public-read-write" => {
                grant(Grantee::group(ALL_USERS), READ);
                grant(Grantee::group(ALL_USERS), WRITE);
            }
            "authenticated-read" => grant(Grantee::group(AUTHENTICATED_USERS), READ),
            "aws-exec-read" => grant(Grantee::account(EXEC_READ_ID), READ),
            "log-delivery-write" => {
                grant(Grantee::group(LOG_DELIVERY), WRITE);
                grant(Grantee::group(LOG_DELIVERY), READ_ACP);
            }
            "bucket-owner-read" if owner_id != bucket_owner_id => {
                grant(Grantee::account(bucket_owner_id), READ)
            }
            "bucket-owner-full-control" if owner_id != bucket_owner_id => {
                grant(Grantee::account(bucket_owner_id), FULL_CONTROL);
            }
            "bucket-owner-read" | "bucket-owner-full-control" => {}
            _ => return Err(invalid_argument("Argument is not valid", "x-amz-acl", name)),
        }
        Ok(acl)
    }

    /// The list of a request's body. Its owner cannot be another one than `owner_id`.
    pub(crate) fn sent(policy: AccessControlPolicy, owner_id: &str) -> Result<Self, Error> {
        let (Some(owner), Some(sent)) = (policy.owner, policy.grants) else { return Err(malformed_acl()) };
        if owner.id != owner_id {
            return Err(crate::error::access_denied());
        }
        if sent.len() > GRANTS_MAX {
            return Err(malformed_acl());
        }
        let mut grants = Vec::with_capacity(sent.len());
        for grant in sent {
            let (Some(grantee), Some(permission)) = (grant.grantee, grant.permission) else {
                return Err(malformed_acl());
            };
            if ![FULL_CONTROL, READ, WRITE, READ_ACP, WRITE_ACP].contains(&permission.as_str()) {
                return Err(malformed_acl());
            }
            grantee.check()?;
            grants.push(Grant { grantee, permission });
        }
        Ok(Acl { owner, grants })
    }

    /// Whether everybody, or everybody with an account, is granted anything.
    pub(crate) fn is_public(&self) -> bool {
        let public = [Some(ALL_USERS), Some(AUTHENTICATED_USERS)];
        self.grants.iter().any(|grant| public.contains(&grant.grantee.uri.as_deref()))
    }

    /// Without the grants that a public access block has us ignore.
    pub(crate) fn without_public(mut self) -> Self {
        let public = [Some(ALL_USERS), Some(AUTHENTICATED_USERS)];
        self.grants.retain(|grant| !public.contains(&grant.grantee.uri.as_deref()));
        self
    }

    /// Whether only the owner has full control and nobody else anything: what buckets without ACLs accept.
    pub(crate) fn is_owners_alone(&self, bucket_owner_id: &str) -> bool {
        self.grants.iter().all(|grant| {
            grant.permission == FULL_CONTROL
                && grant.grantee.id.as_deref().is_some_and(|id| id == bucket_owner_id || id == self.owner.id)
        })
    }
}

/// Buckets whose ownership is `BucketOwnerEnforced` have no ACLs.
pub(crate) fn not_supported() -> Error {
    Error::new("AccessControlListNotSupported", 400, "The bucket does not allow ACLs")
}

fn is_canonical_id(id: &str) -> bool {
    id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn malformed_acl() -> Error {
    Error::new(
        "MalformedACLError",
        400,
        "The XML you provided was not well-formed or did not validate against our published schema",
    )
}

/// The list that a request puts: in its headers or in its body, not in both.
pub(crate) fn new_acl(
    headers: GrantHeaders<'_>,
    body: Option<AccessControlPolicy>,
    owner_id: &str,
    bucket_owner_id: &str,
) -> Result<Acl, Error> {
    // A client that sends no body may send an empty document.
    let body = body.filter(|policy| *policy != AccessControlPolicy::default());
    match (headers.acl(owner_id, bucket_owner_id)?, body) {
        (Some(acl), None) => Ok(acl),
        (None, Some(policy)) => Acl::sent(policy, owner_id),
        (Some(_), Some(_)) => {
            Err(Error::new("UnexpectedContent", 400, "This request does not support content"))
        }
        (None, None) => {
            Err(Error::new("MissingSecurityHeader", 400, "Your request was missing a required header")
                .with("MissingHeaderName", "x-amz-acl"))
        }
    }
}
