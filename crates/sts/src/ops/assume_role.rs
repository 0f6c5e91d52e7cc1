use serde::{Deserialize, Serialize};
use service::{Arn, Context, Demand, Failure, Mode, Operation, Principal, Result};

use crate::Sts;
use crate::assumed_role::{AssumedRole, AssumedRoleUser, check_session_name};
use crate::credentials::{self, Credentials};
use crate::error::{access_denied, validation};
use crate::session::{PolicyDescriptor, Tag, Wishes};

/// A role assumed by a role ("role chaining") lasts an hour at most.
const CHAINED_SECONDS_MAX: i64 = 3_600;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AssumeRole {
    role_arn: String,
    role_session_name: String,
    duration_seconds: Option<i64>,
    policy: Option<String>,
    #[serde(default)]
    policy_arns: Vec<PolicyDescriptor>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    transitive_tag_keys: Vec<String>,
    external_id: Option<String>,
    source_identity: Option<String>,
    serial_number: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    credentials: Credentials,
    assumed_role_user: AssumedRoleUser,
    /// Policies and tags of the session as a part of what fits, in percent; only where there are some.
    #[serde(skip_serializing_if = "Option::is_none")]
    packed_policy_size: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_identity: Option<String>,
}

impl Operation for AssumeRole {
    type Service = Sts;
    type Output = Output;
    const NAME: &'static str = "AssumeRole";

    fn resource(&self, _: &Context) -> Arn {
        self.role_arn.parse().unwrap_or_else(|_| Arn::any())
    }

    /// The role's trust policy is asked with all that the session is to be. Tags and a source identity are actions of
    /// their own.
    fn demands(&self, cx: &Context) -> Vec<Demand> {
        let mut keys = self.wishes().condition_keys();
        keys.push(("sts:RoleSessionName".into(), vec![self.role_session_name.clone()]));
        keys.push(("sts:ExternalId".into(), self.external_id.iter().cloned().collect()));
        let mut actions = vec!["sts:AssumeRole"];
        if !self.tags.is_empty() {
            actions.push("sts:TagSession");
        }
        if self.source_identity.is_some() {
            actions.push("sts:SetSourceIdentity");
        }
        let demand = |action| Demand { keys: keys.clone(), ..Demand::new(action, self.resource(cx)) };
        actions.into_iter().map(demand).collect()
    }

    async fn run(self, sts: &Sts, cx: &Context) -> Result<Output> {
        check_session_name(&self.role_session_name)?;
        if self.serial_number.is_some() {
            return Err(Failure::unsupported("MFA devices of sts:AssumeRole"));
        }
        let secure = cx.platform().mode() == Mode::Secure;
        if secure && matches!(cx.caller().principal, Principal::Root { .. }) {
            return Err(access_denied("Roles may not be assumed by root accounts."));
        }
        let role = AssumedRole::find(cx, sts.identities(), &self.role_arn).await?;
        let seconds = role.check_duration(self.duration_seconds)?;
        let chained = matches!(cx.caller().principal, Principal::AssumedRole { .. });
        if chained && seconds > CHAINED_SECONDS_MAX {
            return Err(validation(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
            ));
        }
        let calling = cx.caller().session.as_deref();
        let prepared = self.wishes().prepare(sts.identities(), &role.account, calling).await?;
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
            assumed_role_user: AssumedRoleUser::new(&role, &self.role_session_name),
            packed_policy_size: prepared.packed_percent,
            source_identity,
        })
    }
}

impl AssumeRole {
    fn wishes(&self) -> Wishes {
        Wishes {
            policy: self.policy.clone(),
            policy_arns: self.policy_arns.clone(),
            tags: self.tags.clone(),
            transitive_tag_keys: self.transitive_tag_keys.clone(),
            source_identity: self.source_identity.clone(),
        }
    }
}
