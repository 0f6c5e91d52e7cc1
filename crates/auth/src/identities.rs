//! What a request needs to know of the identities of an installation: the secret and owner of an access key, and the
//! policies that apply to who asks. IAM answers from memory; the gateway and the authorizer ask.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::policy::Policy;

pub type Answer<'a, T> = Pin<Box<dyn Future<Output = anyhow::Result<T>> + Send + 'a>>;

/// The identities of all accounts. Answers are kept compiled and dropped when IAM changes, so that asking again costs
/// a look-up in memory.
pub trait Identities: Send + Sync + 'static {
    /// A long-lived key, `AKIA…`, active or not; `None` when nobody has it.
    fn access_key<'a>(&'a self, access_key_id: &'a str) -> Answer<'a, Option<Arc<AccessKey>>>;

    /// Notes that a key was used, for `GetAccessKeyLastUsed`. Written down later, and lost in a crash.
    fn note_use(&self, access_key_id: &str, region: &str, service: &str, now_epoch_millis: i64);

    /// What a user or a role may do; `None` when there is no such identity (any more), so that nothing allows.
    fn grants<'a>(&'a self, account: &'a str, identity: Identity<'a>) -> Answer<'a, Option<Arc<Grants>>>;

    /// The policies that limit one session: `document` is the one it was made with, `arns` name managed policies of
    /// `account` or of AWS. A policy that is not there any more allows nothing.
    fn session_policies<'a>(
        &'a self,
        account: &'a str,
        document: Option<&'a str>,
        arns: &'a [String],
    ) -> Answer<'a, Arc<[Arc<Policy>]>>;

    /// A role by its ARN; `None` when there is none, or when `arn` names none.
    fn role<'a>(&'a self, arn: &'a str) -> Answer<'a, Option<Arc<Role>>>;

    /// An OpenID Connect provider of an account, by the host and path of its issuer.
    fn provider<'a>(&'a self, account: &'a str, issuer: &'a str) -> Answer<'a, Option<Arc<Provider>>>;

    /// Changes with every change in IAM: whoever keeps a conclusion keeps this number with it.
    fn generation(&self) -> u64;
}

/// Whose policies are asked for. Ids tell an identity from an earlier one of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity<'a> {
    User { name: &'a str, unique_id: &'a str },
    Role { name: &'a str, unique_id: &'a str },
}

/// The compiled policies of a user (its groups' included) or a role.
#[derive(Clone, Debug)]
pub struct Grants {
    pub account: String,
    pub name: String,
    /// With its path.
    pub arn: String,
    pub policies: Vec<Arc<Policy>>,
    /// `Some` without statements that allow when the boundary's policy cannot be read: bounds never vanish.
    pub boundary: Option<Arc<Policy>>,
    /// `aws:PrincipalTag/…`.
    pub tags: BTreeMap<String, String>,
}

#[derive(Clone)]
pub struct AccessKey {
    pub account: String,
    pub owner: KeyOwner,
    pub secret_access_key: String,
    pub active: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyOwner {
    Root,
    User { name: String, path: String, unique_id: String },
}

/// What assuming a role needs to know of it.
#[derive(Clone, Debug)]
pub struct Role {
    pub account: String,
    pub name: String,
    pub arn: String,
    pub unique_id: String,
    pub trust: Arc<Policy>,
    pub max_session_seconds: i64,
    pub tags: BTreeMap<String, String>,
}

/// A provider of identity tokens that an account trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    pub arn: String,
    /// `https://` and what follows; loopback providers may say `http://`.
    pub url: String,
    /// The audiences that tokens may have.
    pub client_ids: Vec<String>,
    /// SHA-1 of certificates of the issuer's server, in hexadecimal.
    pub thumbprints: Vec<String>,
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey")
            .field("account", &self.account)
            .field("owner", &self.owner)
            .field("active", &self.active)
            .finish_non_exhaustive()
    }
}
