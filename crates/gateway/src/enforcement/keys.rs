//! The condition keys that every request has.
//!
//! Source: IAM user guide, "AWS global condition context keys".

use auth::Grants;
use auth::policy::{Context as Keys, Requester};
use service::{Context, Principal};
use wire::Timestamp;

pub(super) fn global(cx: &Context, requester: &Requester, grants: Option<&Grants>) -> Keys {
    let caller = cx.caller();
    let now = cx.now();
    let mut keys = Keys::new()
        .with_requester(requester)
        .with("aws:CurrentTime", now.to_rfc3339())
        .with("aws:EpochTime", (now.epoch_millis() / 1_000).to_string())
        .with("aws:RequestedRegion", cx.region().as_str())
        .with("aws:SecureTransport", caller.is_encrypted.to_string())
        .with("aws:ViaAWSService", "false");
    if let Some(address) = caller.source_address {
        keys.set("aws:SourceIp", address.to_string());
    }
    if let Some(agent) = &caller.user_agent {
        keys.set("aws:UserAgent", agent.as_str());
    }
    for (name, value) in grants.iter().flat_map(|grants| &grants.tags) {
        keys.set(&format!("aws:PrincipalTag/{name}"), value.as_str());
    }
    if let Some(session) = caller.session.as_deref() {
        for (name, value) in &session.tags {
            keys.set(&format!("aws:PrincipalTag/{name}"), value.as_str());
        }
        keys.set(
            "aws:TokenIssueTime",
            Timestamp::from_epoch_millis(session.issued_epoch_millis).to_rfc3339(),
        );
        keys.set("aws:MultiFactorAuthPresent", "false");
        if let Some(identity) = &session.source_identity {
            keys.set("aws:SourceIdentity", identity.as_str());
        }
        if let Some(provider) = &session.provider {
            keys.set("aws:FederatedProvider", provider.as_str());
        }
    }
    // Services say for whose sake they call; nobody else is believed.
    if let Principal::Service { account, .. } = &caller.principal {
        keys.set("aws:SourceAccount", account.as_str());
        if let Some(source) = cx.source() {
            keys.set("aws:SourceArn", source.as_str());
        }
    }
    keys
}
