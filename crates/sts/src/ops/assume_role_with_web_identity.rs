use auth::WebToken;
use auth::policy::{
    Context as Keys, Decision, Policies, Request, Requester, ResourcePolicy, ResourcePolicyKind, decide,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use service::{Arn, Context, Demand, Operation, Result};

use crate::Sts;
use crate::assumed_role::{AssumedRole, AssumedRoleUser, check_session_name};
use crate::credentials::{self, Credentials};
use crate::error::access_denied;
use crate::session::{PolicyDescriptor, Tag, Wishes};
use crate::web_identity::{WebIdentity, verified};

/// Where tokens carry tags for their session.
const TAGS_CLAIM: &str = "https://aws.amazon.com/tags";
const SOURCE_IDENTITY_CLAIM: &str = "https://aws.amazon.com/source_identity";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AssumeRoleWithWebIdentity {
    role_arn: String,
    role_session_name: String,
    web_identity_token: String,
    duration_seconds: Option<i64>,
    policy: Option<String>,
    #[serde(default)]
    policy_arns: Vec<PolicyDescriptor>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    credentials: Credentials,
    subject_from_web_identity_token: String,
    assumed_role_user: AssumedRoleUser,
    #[serde(skip_serializing_if = "Option::is_none")]
    packed_policy_size: Option<usize>,
    provider: String,
    audience: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_identity: Option<String>,
}

impl Operation for AssumeRoleWithWebIdentity {
    type Service = Sts;
    type Output = Output;
    const NAME: &'static str = "AssumeRoleWithWebIdentity";

    fn resource(&self, _: &Context) -> Arn {
        self.role_arn.parse().unwrap_or_else(|_| Arn::any())
    }

    /// The caller is nobody until his token was verified: the trust policy is asked by the operation itself.
    fn demands(&self, _: &Context) -> Vec<Demand> {
        Vec::new()
    }

    async fn run(self, sts: &Sts, cx: &Context) -> Result<Output> {
        check_session_name(&self.role_session_name)?;
        let token = WebToken::parse(&self.web_identity_token).map_err(crate::web_identity::refused)?;
        let role = AssumedRole::find(cx, sts.identities(), &self.role_arn)
            .await
            .map_err(|failure| if failure.code() == "AccessDenied" { not_authorized() } else { failure })?;
        let identity = verified(sts, cx, &role.account, token).await?;
        let wishes =
            Wishes { policy: self.policy, policy_arns: self.policy_arns, ..wishes_of_token(&identity.token) };
        let mut actions = vec!["sts:AssumeRoleWithWebIdentity"];
        if !wishes.tags.is_empty() {
            actions.push("sts:TagSession");
        }
        if wishes.source_identity.is_some() {
            actions.push("sts:SetSourceIdentity");
        }
        for action in actions {
            check_trust(cx, &role, &identity, &wishes, action, &self.role_session_name)?;
        }
        let seconds = role.check_duration(self.duration_seconds)?;
        let mut prepared = wishes.prepare(sts.identities(), &role.account, None).await?;
        prepared.detail.provider = Some(identity.provider_arn.clone());
        let source_identity = prepared.detail.source_identity.clone();
        let kind = role.session(&self.role_session_name);
        Ok(Output {
            credentials: credentials::issue(
                sts.issuer(),
                &role.account,
                kind,
                cx.now(),
                seconds,
                prepared.detail,
            ),
            subject_from_web_identity_token: identity.token.subject().to_owned(),
            assumed_role_user: AssumedRoleUser::new(&role, &self.role_session_name),
            packed_policy_size: prepared.packed_percent,
            provider: identity.provider_arn,
            audience: identity.audience,
            source_identity,
        })
    }
}

/// Asks the trust policy, in every mode: the token is all that the caller has.
fn check_trust(
    cx: &Context,
    role: &AssumedRole,
    identity: &WebIdentity,
    wishes: &Wishes,
    action: &str,
    session_name: &str,
) -> Result<()> {
    // A stand-in of development mode trusts everybody whose token is good.
    let Some(trust) = role.trust.as_deref() else { return Ok(()) };
    let issuer = &identity.issuer;
    let mut keys = Keys::new()
        .with("aws:FederatedProvider", identity.provider_arn.as_str())
        .with("aws:CurrentTime", cx.now().to_rfc3339())
        .with("aws:EpochTime", (cx.now().epoch_millis() / 1_000).to_string())
        .with("sts:RoleSessionName", session_name)
        .with(&format!("{issuer}:aud"), identity.audience.as_str())
        .with(&format!("{issuer}:sub"), identity.token.subject());
    if let Some(address) = cx.caller().source_address {
        keys.set("aws:SourceIp", address.to_string());
    }
    if let Some(Value::Array(methods)) = identity.token.claim("amr") {
        let methods = methods.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        keys.set_all(&format!("{issuer}:amr"), methods);
    }
    for (key, values) in wishes.condition_keys() {
        keys.set_all(&key, values);
    }
    let requester = Requester::WebIdentity { provider: identity.provider_arn.clone() };
    let request = Request::new(requester, action, &role.arn, role.account.as_str(), keys);
    let resource = Some(ResourcePolicy { kind: ResourcePolicyKind::RoleTrust, policy: Some(trust) });
    match decide(&request, &Policies { resource, ..Policies::default() }) {
        Decision::Allowed => Ok(()),
        Decision::Denied(_) => Err(not_authorized()),
    }
}

fn not_authorized() -> service::Failure {
    access_denied("Not authorized to perform sts:AssumeRoleWithWebIdentity")
}

/// Tags and source identity that the provider put into the token.
fn wishes_of_token(token: &WebToken) -> Wishes {
    let mut wishes = Wishes {
        source_identity: token.claim(SOURCE_IDENTITY_CLAIM).and_then(Value::as_str).map(str::to_owned),
        ..Wishes::default()
    };
    let Some(claim) = token.claim(TAGS_CLAIM) else { return wishes };
    for (key, values) in claim.get("principal_tags").and_then(Value::as_object).into_iter().flatten() {
        let value = values.as_array().and_then(|values| values.first()).and_then(Value::as_str);
        wishes.tags.extend(value.map(|value| Tag::new(key.clone(), value.to_owned())));
    }
    let transitive = claim.get("transitive_tag_keys").and_then(Value::as_array).into_iter().flatten();
    wishes.transitive_tag_keys = transitive.filter_map(Value::as_str).map(str::to_owned).collect();
    wishes
}
