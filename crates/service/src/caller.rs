//! Who makes a request.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Deserializer, Serialize};

use crate::AccountId;

/// E.g. `lambda.amazonaws.com`. Under this name serde does not take it for text borrowed from a row.
type ServiceName = &'static str;

/// The identity a request acts as, after its signature was verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    Service {
        account: AccountId,
        #[serde(deserialize_with = "known_for_good")]
        name: ServiceName,
    },
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

/// The name out of a stored row. There are as many as services that wrote one, so each is kept for good.
fn known_for_good<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ServiceName, D::Error> {
    static NAMES: Mutex<BTreeSet<ServiceName>> = Mutex::new(BTreeSet::new());
    let name = String::deserialize(deserializer)?;
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(names.get(name.as_str()).copied().unwrap_or_else(|| {
        let kept: ServiceName = name.leak();
        names.insert(kept);
        kept
    }))
}

/// A principal and how it reached us.
#[derive(Clone, Debug)]
pub struct Caller {
    pub principal: Principal,
    pub access_key_id: Option<String>,
    pub source_address: Option<IpAddr>,
    pub user_agent: Option<String>,
    /// Whether nobody could read along.
    pub is_encrypted: bool,
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
        Caller {
            principal,
            access_key_id: None,
            source_address: None,
            user_agent: None,
            // Nothing leaves the process.
            is_encrypted: true,
            session: None,
        }
    }
}
