//! Who makes a request.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::AccountId;

/// The identity a request acts as, after its signature was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// The account itself.
    Root { account: AccountId },
    /// An IAM user; `path` begins and ends with a slash.
    User { account: AccountId, name: String, unique_id: String, path: String },
    /// A session that acts for a user, under a name of its own.
    FederatedUser { account: AccountId, name: String, user_name: String, user_path: String, user_id: String },
    /// A role taken on for a while: what functions run as.
    AssumedRole {
        account: AccountId,
        role_name: String,
        role_arn: String,
        role_id: String,
        session_name: String,
    },
    /// Another service of this cloud, e.g. `lambda.amazonaws.com`.
    Service { account: AccountId, name: &'static str },
    /// A request without a signature.
    Anonymous { account: AccountId },
}

impl Principal {
    pub fn account(&self) -> &AccountId {
        match self {
            Principal::Root { account }
            | Principal::User { account, .. }
            | Principal::FederatedUser { account, .. }
            | Principal::AssumedRole { account, .. }
            | Principal::Service { account, .. }
            | Principal::Anonymous { account } => account,
        }
    }

    /// The ARN that GetCallerIdentity answers and that error texts name.
    pub fn arn(&self) -> String {
        match self {
            Principal::Root { account } => format!("arn:aws:iam::{account}:root"),
            Principal::User { account, name, path, .. } => {
                format!("arn:aws:iam::{account}:user{path}{name}")
            }
            Principal::FederatedUser { account, name, .. } => {
                format!("arn:aws:sts::{account}:federated-user/{name}")
            }
            Principal::AssumedRole { account, role_name, session_name, .. } => {
                format!("arn:aws:sts::{account}:assumed-role/{role_name}/{session_name}")
            }
            Principal::Service { name, .. } => (*name).to_owned(),
            Principal::Anonymous { .. } => "anonymous".into(),
        }
    }

    /// The `UserId` that GetCallerIdentity answers.
    pub fn user_id(&self) -> String {
        match self {
            Principal::Root { account }
            | Principal::Service { account, .. }
            | Principal::Anonymous { account } => account.to_string(),
            Principal::User { unique_id, .. } => unique_id.clone(),
            Principal::FederatedUser { account, name, .. } => format!("{account}:{name}"),
            Principal::AssumedRole { role_id, session_name, .. } => format!("{role_id}:{session_name}"),
        }
    }
}

/// A principal and how it reached us.
#[derive(Clone, Debug)]
pub struct Caller {
    pub principal: Principal,
    pub access_key_id: Option<String>,
    pub source_address: Option<IpAddr>,
    pub user_agent: Option<String>,
    /// What temporary credentials bring along; `None` for long-lived keys and inside the process.
    pub session: Option<Arc<CallerSession>>,
}

/// What a session brings along for policy decisions and for sessions that are made from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallerSession {
    pub issued_epoch_millis: i64,
    /// The session policy as it was passed.
    pub policy: Option<String>,
    /// Managed policies passed as session policies.
    pub policy_arns: Vec<String>,
    pub tags: BTreeMap<String, String>,
    /// The keys of tags that go on into sessions of roles which this session assumes.
    pub transitive_tag_keys: Vec<String>,
    pub source_identity: Option<String>,
    /// The ARN of the provider whose token the session was made from.
    pub provider: Option<String>,
}

impl Caller {
    /// A caller inside this process.
    pub fn internal(principal: Principal) -> Self {
        Caller { principal, access_key_id: None, source_address: None, user_agent: None, session: None }
    }
}
