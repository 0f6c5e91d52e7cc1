//! Security Token Service: who a caller is, and short-lived credentials.
//!
//! Nothing is stored: a session travels inside its token, sealed with the installation's key. Roles are looked up
//! with IAM's GetRole in the role's own account.
//!
//! This crate must not know HTTP, signatures or how roles are kept.

mod assumed_role;
mod credentials;
mod error;
mod ops;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use auth::Issuer;
use service::{Definition, operations};

use ops::{AssumeRole, GetCallerIdentity, GetSessionToken};

/// Issues credentials in the name of the installation.
pub struct Sts {
    issuer: Arc<Issuer>,
}

impl Sts {
    pub fn new(issuer: Arc<Issuer>) -> Self {
        Sts { issuer }
    }

    fn issuer(&self) -> &Issuer {
        &self.issuer
    }
}

/// The operations of STS.
pub static DEFINITION: Definition<Sts> = Definition {
    name: "sts",
    action_prefix: "sts",
    operations: operations![AssumeRole, GetCallerIdentity, GetSessionToken],
    internal: &[],
    reset: |_, _, _| Box::pin(std::future::ready(Ok(()))),
};
