//! From the policies that apply to a request to allow or deny.
//!
//! Source: IAM user guide, "Policy evaluation logic" (one account, cross-account, and the effect of resource-based
//! policies on implicit denies) and "Troubleshoot access denied error messages" for the texts.

use super::context::Request;
use super::document::{Bounds, Policy};
use super::principal::{Named, Requester};

/// Every policy that applies to a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Policies<'a> {
    /// Of the user and its groups, or of the role.
    pub identity: &'a [&'a Policy],
    pub resource: Option<ResourcePolicy<'a>>,
    pub boundary: Option<&'a Policy>,
    /// Passed when the session was made; an action needs an `Allow` in one of them.
    pub session: Option<&'a [&'a Policy]>,
    /// One list for each level of the organization; every level must allow. Empty without an organization.
    pub service_control: &'a [&'a [&'a Policy]],
}

impl Policies<'_> {
    pub(super) fn bounds(&self) -> Bounds {
        if self.boundary.is_some() { Bounds::Boundary } else { Bounds::None }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct ResourcePolicy<'a> {
    pub kind: ResourcePolicyKind,
    /// `None` when the resource has none.
    pub policy: Option<&'a Policy>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourcePolicyKind {
    /// Within its account an identity policy is enough.
    Ordinary,
    /// A key's policy must allow, whatever identity policies say.
    Key,
    /// As a key's, with its own words.
    RoleTrust,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Allowed,
    Denied(Denial),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// A `Deny` statement applies.
    Explicit(DenyingPolicy),
    /// The policy type whose `Allow` is missing.
    Implicit(DenyingPolicy),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DenyingPolicy {
    ServiceControl,
    Resource,
    RoleTrust,
    Identity,
    PermissionsBoundary,
    Session,
}

/// Decides a request; deny unless something allows.
pub fn decide(request: &Request, policies: &Policies<'_>) -> Decision {
    match weigh(request, policies) {
        Ok(()) => Decision::Allowed,
        Err(denial) => Decision::Denied(denial),
    }
}

/// The message of an access denied error.
pub fn denied_text(request: &Request, denial: Denial) -> String {
    let (requester, action, resource) = (request.requester().arn(), request.action(), request.resource());
    let place = if resource == "*" { String::new() } else { format!(" on resource: {resource}") };
    let reason = match denial {
        Denial::Explicit(policy) => format!("with an explicit deny in {}", policy.with_article()),
        Denial::Implicit(policy) => format!("because no {} allows the {action} action", policy.name()),
    };
    format!("User: {requester} is not authorized to perform: {action}{place} {reason}")
}

impl DenyingPolicy {
    fn name(self) -> &'static str {
        match self {
            DenyingPolicy::ServiceControl => "service control policy",
            DenyingPolicy::Resource => "resource-based policy",
            DenyingPolicy::RoleTrust => "role trust policy",
            DenyingPolicy::Identity => "identity-based policy",
            DenyingPolicy::PermissionsBoundary => "permissions boundary",
            DenyingPolicy::Session => "session policy",
        }
    }

    fn with_article(self) -> String {
        let article = match self {
            DenyingPolicy::Identity => "an",
            DenyingPolicy::RoleTrust => "the",
            _ => "a",
        };
        format!("{article} {}", self.name())
    }
}

fn weigh(request: &Request, policies: &Policies<'_>) -> Result<(), Denial> {
    use DenyingPolicy::{Identity, PermissionsBoundary, Resource, RoleTrust, ServiceControl, Session};
    let kind = policies.resource.map_or(ResourcePolicyKind::Ordinary, |resource| resource.kind);
    let of_resource = if kind == ResourcePolicyKind::RoleTrust { RoleTrust } else { Resource };

    // Every policy is asked for a deny before any allow counts.
    let mut organization_allows = true;
    for level in policies.service_control {
        organization_allows &= allows(request, level, ServiceControl)?;
    }
    let granted = match policies.resource.and_then(|resource| resource.policy) {
        Some(policy) => {
            let verdict = policy.verdict(request, policies.bounds());
            if verdict.denies {
                return Err(Denial::Explicit(of_resource));
            }
            verdict.allows
        }
        None => Named::Not,
    };
    let identity_allows = allows(request, policies.identity, Identity)?;
    let boundary_allows = match policies.boundary {
        Some(boundary) => allows(request, &[boundary], PermissionsBoundary)?,
        None => true,
    };
    let session_allows = match policies.session {
        Some(session) => allows(request, session, Session)?,
        None => true,
    };

    let need = |allowed: bool, policy| if allowed { Ok(()) } else { Err(Denial::Implicit(policy)) };
    need(organization_allows, ServiceControl)?;
    if request.requester().account().is_none() {
        // Services, providers' tokens and strangers have no policies of their own.
        return need(granted != Named::Not, of_resource);
    }
    let root = matches!(request.requester(), Requester::Root { .. });
    if request.is_cross_account() {
        need(granted != Named::Not, of_resource)?;
    } else {
        if kind != ResourcePolicyKind::Ordinary {
            need(granted != Named::Not, of_resource)?;
        }
        if granted == Named::Directly {
            return Ok(());
        }
        if granted == Named::Role {
            need(boundary_allows, PermissionsBoundary)?;
            return need(session_allows, Session);
        }
    }
    // The root user needs no identity policy; a session of it is still limited by the session's policies.
    need(root || identity_allows, Identity)?;
    need(boundary_allows, PermissionsBoundary)?;
    need(session_allows, Session)
}

/// Whether any of the policies allows; an error when one denies.
fn allows(request: &Request, policies: &[&Policy], of: DenyingPolicy) -> Result<bool, Denial> {
    let mut allowed = false;
    for policy in policies {
        let verdict = policy.verdict(request, Bounds::None);
        if verdict.denies {
            return Err(Denial::Explicit(of));
        }
        allowed |= verdict.allows != Named::Not;
    }
    Ok(allowed)
}
