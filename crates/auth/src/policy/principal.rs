//! Who asks, and the `Principal` and `NotPrincipal` elements that name them.
//!
//! Source: IAM user guide, "AWS JSON policy elements: Principal" and "NotPrincipal".

use super::json::Json;

/// Who makes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requester {
    /// The account's root user.
    Root {
        account: String,
    },
    User {
        account: String,
        arn: String,
        unique_id: String,
    },
    /// A session of a role; `session_arn` is `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
    RoleSession {
        account: String,
        role_arn: String,
        role_id: String,
        session_arn: String,
    },
    /// A session of `GetFederationToken`, acting for `user_arn`.
    FederatedUser {
        account: String,
        arn: String,
        user_arn: String,
    },
    /// A token of an identity provider, before it becomes a role session. `provider` is the ARN or the host name.
    WebIdentity {
        provider: String,
    },
    /// Another service of the cloud, e.g. `s3.amazonaws.com`.
    Service {
        name: String,
    },
    Anonymous,
}

impl Requester {
    /// `None` for those who belong to no account.
    pub fn account(&self) -> Option<&str> {
        match self {
            Requester::Root { account }
            | Requester::User { account, .. }
            | Requester::RoleSession { account, .. }
            | Requester::FederatedUser { account, .. } => Some(account),
            Requester::WebIdentity { .. } | Requester::Service { .. } | Requester::Anonymous => None,
        }
    }

    /// The name in error texts.
    pub fn arn(&self) -> String {
        match self {
            Requester::Root { account } => format!("arn:aws:iam::{account}:root"),
            Requester::User { arn, .. } | Requester::FederatedUser { arn, .. } => arn.clone(),
            Requester::RoleSession { session_arn, .. } => session_arn.clone(),
            Requester::WebIdentity { provider } => provider.clone(),
            Requester::Service { name } => name.clone(),
            Requester::Anonymous => "anonymous".to_owned(),
        }
    }

    pub(super) fn condition_keys(&self) -> Vec<(&'static str, String)> {
        let last = |arn: &str| arn.rsplit('/').next().unwrap_or_default().to_owned();
        let mut keys = Vec::new();
        if let Some(account) = self.account() {
            keys.push(("aws:PrincipalAccount", account.to_owned()));
            keys.push(("aws:PrincipalIsAWSService", "false".to_owned()));
        }
        match self {
            Requester::Root { account } => {
                keys.push(("aws:PrincipalArn", self.arn()));
                keys.push(("aws:PrincipalType", "Account".to_owned()));
                keys.push(("aws:userid", account.clone()));
            }
            Requester::User { arn, unique_id, .. } => {
                keys.push(("aws:PrincipalArn", arn.clone()));
                keys.push(("aws:PrincipalType", "User".to_owned()));
                keys.push(("aws:userid", unique_id.clone()));
                keys.push(("aws:username", last(arn)));
            }
            // The key names the role, not the session.
            Requester::RoleSession { role_arn, role_id, session_arn, .. } => {
                keys.push(("aws:PrincipalArn", role_arn.clone()));
                keys.push(("aws:PrincipalType", "AssumedRole".to_owned()));
                keys.push(("aws:userid", format!("{role_id}:{}", last(session_arn))));
            }
            Requester::FederatedUser { account, arn, .. } => {
                keys.push(("aws:PrincipalArn", arn.clone()));
                keys.push(("aws:PrincipalType", "FederatedUser".to_owned()));
                keys.push(("aws:userid", format!("{account}:{}", last(arn))));
            }
            Requester::Service { name } => {
                keys.push(("aws:PrincipalIsAWSService", "true".to_owned()));
                keys.push(("aws:PrincipalServiceName", name.clone()));
            }
            Requester::WebIdentity { .. } => {}
            Requester::Anonymous => keys.push(("aws:PrincipalType", "Anonymous".to_owned())),
        }
        keys
    }
}

/// How directly a principal element names the requester; a grant's strength decides which implicit denies limit it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Named {
    Not,
    /// Its account: the account's own policies decide further.
    Account,
    /// The role behind the session, or the user behind the federated one.
    Role,
    Directly,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PrincipalElement {
    anyone: bool,
    accounts: Vec<String>,
    arns: Vec<String>,
    unique_ids: Vec<String>,
    services: Vec<String>,
    federated: Vec<String>,
}

impl PrincipalElement {
    /// The error is the `"kind":"name"` that is no principal, or nothing when the form is wrong.
    pub(super) fn parse(json: &Json) -> Result<Self, Option<String>> {
        let mut element = PrincipalElement::default();
        let members = match json {
            Json::Text(text) if text == "*" => {
                element.anyone = true;
                return Ok(element);
            }
            Json::Text(text) => return Err(Some(format!("\"{text}\""))),
            Json::Map(members) if !members.is_empty() => members,
            _ => return Err(None),
        };
        for (kind, names) in members {
            let names = names.one_or_many();
            if names.is_empty() {
                return Err(None);
            }
            for name in names {
                let name = name.text().ok_or(None)?;
                if !element.add(kind, name) {
                    return Err(Some(format!("\"{kind}\":\"{name}\"")));
                }
            }
        }
        Ok(element)
    }

    fn add(&mut self, kind: &str, name: &str) -> bool {
        match kind {
            "AWS" => return self.add_aws(name),
            "Service" if name.contains('.') && !name.contains(['*', ' ']) => {
                self.services.push(name.to_owned());
            }
            "Federated" if !name.is_empty() && !name.contains('*') => self.federated.push(name.to_owned()),
            // Canonical users are S3's other name of an account; nobody is known under one here.
            "CanonicalUser" if !name.is_empty() => {}
            _ => return false,
        }
        true
    }

    fn add_aws(&mut self, name: &str) -> bool {
        if name == "*" {
            self.anyone = true;
            return true;
        }
        if is_account(name) {
            self.accounts.push(name.to_owned());
            return true;
        }
        let parts: Vec<&str> = name.splitn(6, ':').collect();
        if let ["arn", partition, service @ ("iam" | "sts"), "", account, resource] = parts[..] {
            if !partition.starts_with("aws") || !is_account(account) || name.contains(['*', '?']) {
                return false;
            }
            if resource == "root" {
                self.accounts.push(account.to_owned());
                return true;
            }
            let kinds: &[&str] =
                if service == "iam" { &["user/", "role/"] } else { &["assumed-role/", "federated-user/"] };
            let known = kinds.iter().any(|kind| resource.len() > kind.len() && resource.starts_with(kind));
            if known {
                self.arns.push(name.to_owned());
            }
            return known;
        }
        // What IAM leaves of a user or role that was deleted and named by its ARN.
        let unique = name.len() >= 16
            && ["AIDA", "AROA"].iter().any(|prefix| name.starts_with(prefix))
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if unique {
            self.unique_ids.push(name.to_owned());
        }
        unique
    }

    /// As `NotPrincipal`: only who is listed itself is left out. Its account is not it, and neither is the role of a
    /// session, which AWS wants listed beside the session's own ARN.
    pub(super) fn excepts(&self, requester: &Requester) -> bool {
        self.anyone || self.names(requester) == Named::Directly
    }

    pub(super) fn names(&self, requester: &Requester) -> Named {
        let arn = |arn: &String| self.arns.contains(arn);
        let account = |account: &String| {
            let listed = self.accounts.contains(account);
            if listed { Named::Account } else { Named::Not }
        };
        match requester {
            Requester::Root { account: own } if self.anyone || self.accounts.contains(own) => Named::Directly,
            Requester::Root { .. } => Named::Not,
            Requester::User { arn: own, unique_id, .. }
                if self.anyone || arn(own) || self.unique_ids.contains(unique_id) =>
            {
                Named::Directly
            }
            Requester::User { account: own, .. } => account(own),
            Requester::RoleSession { session_arn, .. } if arn(session_arn) => Named::Directly,
            // A grant to everyone names no session, so the role's limits still hold.
            Requester::RoleSession { role_arn, role_id, .. }
                if self.anyone || arn(role_arn) || self.unique_ids.contains(role_id) =>
            {
                Named::Role
            }
            Requester::RoleSession { account: own, .. } => account(own),
            Requester::FederatedUser { arn: own, .. } if arn(own) => Named::Directly,
            Requester::FederatedUser { user_arn, .. } if self.anyone || arn(user_arn) => Named::Role,
            Requester::FederatedUser { account: own, .. } => account(own),
            Requester::WebIdentity { provider } if self.anyone || self.federated.contains(provider) => {
                Named::Directly
            }
            Requester::Service { name } if self.anyone || self.services.contains(name) => Named::Directly,
            Requester::Anonymous if self.anyone => Named::Directly,
            Requester::WebIdentity { .. } | Requester::Service { .. } | Requester::Anonymous => Named::Not,
        }
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}
