use auth::SessionKind;
use serde::{Deserialize, Serialize};
use service::{Arn, Context, Demand, Failure, Mode, Operation, Principal, Result};

use crate::Sts;
use crate::credentials::{self, Credentials};
use crate::error::{access_denied, validation};
use crate::session::{PolicyDescriptor, Tag, Wishes};

const DURATION_SECONDS: std::ops::RangeInclusive<i64> = 900..=129_600;
const DURATION_SECONDS_DEFAULT: i64 = 43_200;
/// Sessions of the account itself last an hour at most, whatever was asked for.
const ROOT_DURATION_SECONDS_MAX: i64 = 3_600;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetFederationToken {
    name: String,
    duration_seconds: Option<i64>,
    policy: Option<String>,
    #[serde(default)]
    policy_arns: Vec<PolicyDescriptor>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    credentials: Credentials,
    federated_user: FederatedUser,
    #[serde(skip_serializing_if = "Option::is_none")]
    packed_policy_size: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct FederatedUser {
    federated_user_id: String,
    arn: String,
}

impl Operation for GetFederationToken {
    type Service = Sts;
    type Output = Output;
    const NAME: &'static str = "GetFederationToken";

    fn resource(&self, cx: &Context) -> Arn {
        Arn::global("sts", cx.scope(), format_args!("federated-user/{}", self.name))
    }

    fn demands(&self, cx: &Context) -> Vec<Demand> {
        let keys = self.wishes().condition_keys();
        let mut actions = vec!["sts:GetFederationToken"];
        if !self.tags.is_empty() {
            actions.push("sts:TagSession");
        }
        let demand = |action| Demand { keys: keys.clone(), ..Demand::new(action, self.resource(cx)) };
        actions.into_iter().map(demand).collect()
    }

    /// A federated user may do what the policies passed to it and those of the user who asks both allow.
    async fn run(self, sts: &Sts, cx: &Context) -> Result<Output> {
        let asked = self.duration_seconds.unwrap_or(DURATION_SECONDS_DEFAULT);
        if !DURATION_SECONDS.contains(&asked) {
            return Err(validation(format!(
                "DurationSeconds must be between {} and {}.",
                DURATION_SECONDS.start(),
                DURATION_SECONDS.end()
            )));
        }
        let by_session = cx.caller().session.is_some();
        let (account, user_name, user_path, user_id, seconds) = match &cx.caller().principal {
            Principal::User { account, name, path, unique_id } if !by_session => {
                (account, name.clone(), path.clone(), unique_id.clone(), asked)
            }
            Principal::Root { .. } if !by_session && cx.platform().mode() == Mode::Secure => {
                return Err(Failure::unsupported("sts:GetFederationToken for the root user"));
            }
            Principal::Root { account } if !by_session => {
                let seconds = asked.min(ROOT_DURATION_SECONDS_MAX);
                (account, String::new(), "/".into(), account.to_string(), seconds)
            }
            _ => return Err(access_denied("Cannot call GetFederationToken with session credentials")),
        };
        let prepared = self.wishes().prepare(sts.identities(), account, None).await?;
        let kind = SessionKind::FederatedUser { name: self.name.clone(), user_name, user_path, user_id };
        Ok(Output {
            credentials: credentials::issue(sts.issuer(), account, kind, cx.now(), seconds, prepared.detail),
            federated_user: FederatedUser {
                federated_user_id: format!("{account}:{}", self.name),
                arn: format!("arn:aws:sts::{account}:federated-user/{}", self.name),
            },
            packed_policy_size: prepared.packed_percent,
        })
    }
}

impl GetFederationToken {
    fn wishes(&self) -> Wishes {
        Wishes {
            policy: self.policy.clone(),
            policy_arns: self.policy_arns.clone(),
            tags: self.tags.clone(),
            ..Wishes::default()
        }
    }
}
