//! Security Token Service: who a caller is, and short-lived credentials.
//!
//! Nothing is stored: a session travels inside its token, sealed with the installation's key. Roles and identity
//! providers are asked of [`auth::Identities`]. Whether a role may be assumed is decided by the authorizer, which asks
//! the role's trust policy; only tokens of identity providers are checked here.
//!
//! This crate must not know HTTP, signatures or how roles are kept.

mod assumed_role;
mod credentials;
mod error;
mod ops;
mod session;
#[cfg(test)]
mod tests;
mod web_identity;

use std::sync::Arc;

use auth::{Identities, Issuer};
use service::{Definition, operations};

use ops::{
    AssumeRole, AssumeRoleWithWebIdentity, DecodeAuthorizationMessage, GetAccessKeyInfo, GetCallerIdentity,
    GetFederationToken, GetSessionToken,
};

pub use web_identity::Fetch;

/// Issues credentials in the name of the installation.
pub struct Sts {
    issuer: Arc<Issuer>,
    identities: Arc<dyn Identities>,
    fetch: Arc<dyn Fetch>,
    keys: web_identity::Keys,
}

impl Sts {
    /// `fetch` gets the keys of identity providers.
    pub fn new(issuer: Arc<Issuer>, identities: Arc<dyn Identities>, fetch: Arc<dyn Fetch>) -> Self {
        Sts { issuer, identities, fetch, keys: web_identity::Keys::default() }
    }

    fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    fn identities(&self) -> &dyn Identities {
        self.identities.as_ref()
    }
}

/// The operations of STS.
pub static DEFINITION: Definition<Sts> = Definition {
    name: "sts",
    action_prefix: "sts",
    operations: operations![
        AssumeRole,
        AssumeRoleWithWebIdentity,
        DecodeAuthorizationMessage,
        GetAccessKeyInfo,
        GetCallerIdentity,
        GetFederationToken,
        GetSessionToken,
    ],
    internal: &[],
    reset: |_, _, _| Box::pin(std::future::ready(Ok(()))),
};
