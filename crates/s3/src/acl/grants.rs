//! Grants in headers: `x-amz-grant-read: id="…", uri="…"`.

use super::{Acl, FULL_CONTROL, GRANTS_MAX, Grant, Grantee, Owner, READ, READ_ACP, WRITE, WRITE_ACP};
use crate::error::{Error, invalid_argument, invalid_request};

/// The ACL headers of a request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct GrantHeaders<'a> {
    pub(crate) canned: Option<&'a str>,
    pub(crate) full_control: Option<&'a str>,
    pub(crate) read: Option<&'a str>,
    pub(crate) read_acp: Option<&'a str>,
    pub(crate) write: Option<&'a str>,
    pub(crate) write_acp: Option<&'a str>,
}

impl<'a> GrantHeaders<'a> {
    /// The list that the headers describe; `None` when there are none.
    pub(crate) fn acl(&self, owner_id: &str, bucket_owner_id: &str) -> Result<Option<Acl>, Error> {
        let grants = self.grants()?;
        match (self.canned, grants.is_empty()) {
            (None, true) => Ok(None),
            (Some(name), true) => Acl::canned(name, owner_id, bucket_owner_id).map(Some),
            (None, false) => Ok(Some(Acl { owner: Owner { id: owner_id.to_owned() }, grants })),
            (Some(_), false) => {
                Err(invalid_request("Specifying both Canned ACLs and Header Grants is not allowed"))
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.canned.is_none() && self.named().iter().all(|(_, _, value)| value.is_none())
    }

    fn named(&self) -> [(&'static str, &'static str, Option<&'a str>); 5] {
        [
            ("x-amz-grant-full-control", FULL_CONTROL, self.full_control),
            ("x-amz-grant-read", READ, self.read),
            ("x-amz-grant-read-acp", READ_ACP, self.read_acp),
            ("x-amz-grant-write", WRITE, self.write),
            ("x-amz-grant-write-acp", WRITE_ACP, self.write_acp),
        ]
    }

    fn grants(&self) -> Result<Vec<Grant>, Error> {
        let mut grants = Vec::new();
        for (header, permission, value) in self.named() {
            for part in value.into_iter().flat_map(|value| value.split(',')) {
                let grantee = grantee(part).ok_or_else(|| {
                    invalid_argument("Argument format not recognized", header, value.unwrap_or(""))
                })?;
                grantee.check()?;
                grants.push(Grant { grantee, permission: permission.to_owned() });
            }
        }
        if grants.len() > GRANTS_MAX {
            return Err(invalid_request(format!("You cannot specify more than {GRANTS_MAX} grants")));
        }
        Ok(grants)
    }
}

/// `id="…"`, `uri="…"` or `emailAddress="…"`; the quotes may be missing.
fn grantee(text: &str) -> Option<Grantee> {
    let (name, value) = text.trim().split_once('=')?;
    let value = value.trim();
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    match name.trim() {
        name if name.eq_ignore_ascii_case("id") => Some(Grantee::account(value)),
        name if name.eq_ignore_ascii_case("uri") => Some(Grantee::group(value)),
        name if name.eq_ignore_ascii_case("emailAddress") => Some(Grantee {
            kind: "AmazonCustomerByEmail".into(),
            email_address: Some(value.to_owned()),
            ..Grantee::default()
        }),
        _ => None,
    }
}
