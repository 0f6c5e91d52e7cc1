//! Policies enforced: the authorizer of secure mode.
//!
//! Identity policies, boundaries and session policies come from IAM, which keeps them compiled; policies of resources
//! come from the service that has the resource, as documents, and are kept compiled here.

mod compiled;
mod keys;

use std::sync::Arc;

use auth::policy::{
    Context as Keys, Decision, Denial, DenyingPolicy, Policies, Policy, Request, Requester, ResourcePolicy,
    ResourcePolicyKind, decide, denied_text, explanation,
};
use auth::{Grants, Identities, Identity, Seal, encode_message};
use service::{
    AccountId, Authorization, Authorizer, BoxFuture, Caller, Context, Demand, Failure, Principal, Result,
};
use wire::Protocol;

use compiled::Compiled;

/// What everybody may do who has signed: to ask who he is, and to get a session of his own.
const FREE: [&str; 2] = ["sts:GetCallerIdentity", "sts:GetSessionToken"];
/// The caller of these is the token he brings, which the operation checks against the role's trust policy.
const PROVEN_BY_TOKEN: [&str; 2] = ["sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML"];
/// What the trust policy of a role decides.
const OF_TRUST: [&str; 3] = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"];

/// Decides by policies; denies unless something allows.
pub struct Enforcer {
    identities: Arc<dyn Identities>,
    compiled: Compiled,
    /// Closes the explanations of denials; without it none are given.
    seal: Option<Arc<dyn Seal>>,
}

/// Who asks, and what bears on all he asks for in one call.
struct Asking {
    requester: Requester,
    grants: Option<Arc<Grants>>,
    /// The user or role is not there any more.
    is_gone: bool,
    session: Option<Arc<[Arc<Policy>]>>,
    keys: Keys,
}

impl Enforcer {
    pub fn new(identities: Arc<dyn Identities>) -> Self {
        Enforcer { identities, compiled: Compiled::default(), seal: None }
    }

    /// Every denial comes with an explanation that only `DecodeAuthorizationMessage` opens.
    #[must_use]
    pub fn explaining(self, seal: Arc<dyn Seal>) -> Self {
        Enforcer { seal: Some(seal), ..self }
    }

    async fn asking(&self, cx: &Context) -> Result<Asking> {
        let caller = cx.caller();
        let requester = requester(&caller.principal);
        let account = caller.principal.account().as_str();
        let identity = match &caller.principal {
            Principal::User { name, unique_id, .. } => Some(Identity::User { name, unique_id }),
            Principal::FederatedUser { user_name, user_id, .. } => {
                Some(Identity::User { name: user_name, unique_id: user_id })
            }
            Principal::AssumedRole { role_name, role_id, .. } => {
                Some(Identity::Role { name: role_name, unique_id: role_id })
            }
            Principal::Root { .. } | Principal::Service { .. } | Principal::Anonymous { .. } => None,
        };
        let grants = match identity {
            Some(identity) => self.identities.grants(account, identity).await?,
            None => None,
        };
        let is_gone = identity.is_some() && grants.is_none();
        let session = self.session_policies(caller, account).await?;
        let keys = keys::global(cx, &requester, grants.as_deref());
        Ok(Asking { requester, grants, is_gone, session, keys })
    }

    /// `None` when the session is not limited.
    async fn session_policies(&self, caller: &Caller, account: &str) -> Result<Option<Arc<[Arc<Policy>]>>> {
        let session = caller.session.as_deref();
        let limited = session.filter(|session| session.policy.is_some() || !session.policy_arns.is_empty());
        match limited {
            Some(session) => {
                let (document, arns) = (session.policy.as_deref(), &session.policy_arns);
                Ok(Some(self.identities.session_policies(account, document, arns).await?))
            }
            // Such a session may do nothing that was not passed to it.
            None if matches!(caller.principal, Principal::FederatedUser { .. }) => Ok(Some([].into())),
            None => Ok(None),
        }
    }

    async fn check(&self, cx: &Context, asking: &Asking, demand: &Demand) -> std::result::Result<(), Denied> {
        if FREE.contains(&&*demand.action) || PROVEN_BY_TOKEN.contains(&&*demand.action) {
            return Ok(());
        }
        let of_resource = self.of_resource(cx, demand).await?;
        let owner = match &of_resource.owner {
            Some(owner) => owner.as_str(),
            None => Some(demand.resource.account())
                .filter(|account| AccountId::parse(account).is_some())
                .unwrap_or(cx.account().as_str()),
        };
        let mut keys = asking.keys.clone();
        keys.set("aws:ResourceAccount", owner);
        for (key, values) in of_resource.keys.iter().chain(&demand.keys) {
            keys.set_all(key, values.clone());
        }
        let request =
            Request::new(asking.requester.clone(), &demand.action, demand.resource.as_str(), owner, keys);
        let session: Option<Vec<&Policy>> =
            asking.session.as_ref().map(|session| session.iter().map(AsRef::as_ref).collect());
        let identity: Vec<&Policy> = match &asking.grants {
            Some(grants) => grants.policies.iter().map(AsRef::as_ref).collect(),
            None => Vec::new(),
        };
        let policies = Policies {
            identity: &identity,
            resource: Some(ResourcePolicy { kind: of_resource.kind, policy: of_resource.policy.as_deref() }),
            boundary: asking.grants.as_ref().and_then(|grants| grants.boundary.as_deref()),
            session: session.as_deref(),
            service_control: &[],
        };
        let denial = match decide(&request, &policies) {
            Decision::Allowed if asking.is_gone => Denial::Implicit(DenyingPolicy::Identity),
            Decision::Allowed => return Ok(()),
            Decision::Denied(denial) => denial,
        };
        let explanation =
            self.seal.as_deref().map(|seal| encode_message(seal, &explanation(&request, &policies, denial)));
        Err(Denied::Policy { text: denied_text(&request, denial), explanation })
    }

    async fn of_resource(&self, cx: &Context, demand: &Demand) -> Result<OfResource> {
        if OF_TRUST.contains(&&*demand.action) && demand.resource.service() == "iam" {
            let role = self.identities.role(demand.resource.as_str()).await?;
            let tags = role.iter().flat_map(|role| &role.tags);
            return Ok(OfResource {
                kind: ResourcePolicyKind::RoleTrust,
                owner: None,
                keys: tags
                    .map(|(key, value)| (format!("aws:ResourceTag/{key}").into(), vec![value.clone()]))
                    .collect(),
                policy: role.map(|role| role.trust.clone()),
            });
        }
        let found = match cx.platform().registry().find(demand.resource.service()) {
            Some(service) => service.resource_policy(cx, demand).await?.unwrap_or_default(),
            None => service::ResourcePolicy::default(),
        };
        Ok(OfResource {
            kind: match found.kind {
                service::ResourcePolicyKind::Ordinary => ResourcePolicyKind::Ordinary,
                service::ResourcePolicyKind::Key => ResourcePolicyKind::Key,
                service::ResourcePolicyKind::RoleTrust => ResourcePolicyKind::RoleTrust,
            },
            owner: found.owner,
            policy: self.compiled.get(&found.documents),
            keys: found.keys,
        })
    }
}

/// A resource's own policy, compiled.
struct OfResource {
    kind: ResourcePolicyKind,
    owner: Option<AccountId>,
    policy: Option<Arc<Policy>>,
    keys: service::ConditionKeys,
}

enum Denied {
    Policy { text: String, explanation: Option<String> },
    Failure(Failure),
}

impl From<Failure> for Denied {
    fn from(failure: Failure) -> Self {
        Denied::Failure(failure)
    }
}

impl Authorizer for Enforcer {
    fn authorize<'a>(&'a self, question: Authorization<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let asking = self.asking(question.cx).await?;
            for demand in &question.demands {
                match self.check(question.cx, &asking, demand).await {
                    Ok(()) => {}
                    Err(Denied::Failure(failure)) => return Err(failure),
                    Err(Denied::Policy { text, explanation }) => {
                        let failure = denial(&asking, question.service, text, explanation.as_deref());
                        // Strangers could have nobody decode it.
                        if let Some(explanation) =
                            explanation.filter(|_| asking.requester.account().is_some())
                        {
                            question.cx.explain_denial(explanation);
                        }
                        return Err(failure);
                    }
                }
            }
            Ok(())
        })
    }
}

/// The error as clients of the service's protocol know it.
fn denial(asking: &Asking, service: &str, text: String, explanation: Option<&str>) -> Failure {
    let protocol = wire::model(service).and_then(|model| model.protocols().first().copied());
    match protocol {
        // Strangers are not told why.
        Some(Protocol::RestXml) if asking.requester == Requester::Anonymous => {
            Failure::new("AccessDenied", 403, "Access Denied")
        }
        Some(Protocol::Ec2Query) => {
            let encoded = explanation
                .map(|message| format!(". Encoded authorization failure message: {message}"))
                .unwrap_or_default();
            let text = format!("You are not authorized to perform this operation. {text}{encoded}");
            Failure::new("UnauthorizedOperation", 403, text)
        }
        Some(Protocol::Query | Protocol::RestXml) => Failure::new("AccessDenied", 403, text),
        Some(Protocol::RestJson) => Failure::new("AccessDeniedException", 403, text),
        Some(Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::RpcV2Cbor) | None => {
            Failure::new("AccessDeniedException", 400, text)
        }
    }
}

fn requester(principal: &Principal) -> Requester {
    let account = principal.account().to_string();
    match principal {
        Principal::Root { .. } => Requester::Root { account },
        Principal::User { unique_id, .. } => {
            Requester::User { account, arn: principal.arn(), unique_id: unique_id.clone() }
        }
        Principal::FederatedUser { user_name, user_path, .. } => Requester::FederatedUser {
            arn: principal.arn(),
            user_arn: format!("arn:aws:iam::{account}:user{user_path}{user_name}"),
            account,
        },
        Principal::AssumedRole { role_arn, role_id, .. } => Requester::RoleSession {
            account,
            role_arn: role_arn.clone(),
            role_id: role_id.clone(),
            session_arn: principal.arn(),
        },
        Principal::Service { name, .. } => Requester::Service { name: (*name).to_owned() },
        Principal::Anonymous { .. } => Requester::Anonymous,
    }
}

#[cfg(test)]
mod tests;
