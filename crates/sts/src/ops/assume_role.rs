use auth::{SessionDetail, SessionKind};
use serde::{Deserialize, Serialize};
use service::{Arn, Context, Failure, Mode, Operation, Principal, Result};

use crate::Sts;
use crate::assumed_role::AssumedRole;
use crate::credentials::{self, Credentials};
use crate::error::{Error, validation};

const DURATION_SECONDS_MIN: i64 = 900;
const DURATION_SECONDS_MAX: i64 = 43_200;
const DURATION_SECONDS_DEFAULT: i64 = 3_600;
/// A role assumed by a role ("role chaining") lasts an hour at most.
const CHAINED_SECONDS_MAX: i64 = 3_600;
const SESSION_NAME_CHARS: std::ops::RangeInclusive<usize> = 2..=64;
/// Characters of a session policy.
const POLICY_CHARS_MAX: usize = 2_048;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AssumeRole {
    role_arn: String,
    role_session_name: String,
    duration_seconds: Option<i64>,
    policy: Option<String>,
    #[serde(default)]
    policy_arns: Vec<PolicyDescriptor>,
}

#[derive(Deserialize)]
struct PolicyDescriptor {
    arn: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    credentials: Credentials,
    assumed_role_user: AssumedRoleUser,
    /// Session policies as a part of what fits, in percent; only where there are some.
    #[serde(skip_serializing_if = "Option::is_none")]
    packed_policy_size: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AssumedRoleUser {
    assumed_role_id: String,
    arn: String,
}

impl Operation for AssumeRole {
    type Service = Sts;
    type Output = Output;
    const NAME: &'static str = "AssumeRole";

    fn resource(&self, _: &Context) -> Arn {
        self.role_arn.parse().unwrap_or_else(|_| Arn::any())
    }

    async fn run(self, sts: &Sts, cx: &Context) -> Result<Output> {
        check_session_name(&self.role_session_name)?;
        let packed_policy_size = self.packed_policy_size(cx)?;
        let seconds = self.duration_seconds.unwrap_or(DURATION_SECONDS_DEFAULT);
        if !(DURATION_SECONDS_MIN..=DURATION_SECONDS_MAX).contains(&seconds) {
            return Err(validation(format!(
                "DurationSeconds must be between {DURATION_SECONDS_MIN} and {DURATION_SECONDS_MAX}."
            )));
        }
        let chained = matches!(cx.caller().principal, Principal::AssumedRole { .. });
        if chained && seconds > CHAINED_SECONDS_MAX {
            return Err(validation(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
            ));
        }
        let role = AssumedRole::find(cx, &self.role_arn).await?;
        if seconds > role.max_session_seconds {
            return Err(validation(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            ));
        }
        let session = &self.role_session_name;
        let kind = SessionKind::AssumedRole {
            role_name: role.name.clone(),
            role_arn: role.arn,
            role_id: role.id.clone(),
            session_name: session.clone(),
        };
        Ok(Output {
            credentials: credentials::issue(
                sts.issuer(),
                &role.account,
                kind,
                cx.now(),
                seconds,
                SessionDetail::default(),
            ),
            assumed_role_user: AssumedRoleUser {
                assumed_role_id: format!("{}:{session}", role.id),
                arn: format!("arn:aws:sts::{}:assumed-role/{}/{session}", role.account, role.name),
            },
            packed_policy_size,
        })
    }
}

impl AssumeRole {
    /// Session policies narrow what the session may do. They are not kept yet, so they are refused where policies
    /// are enforced; in development mode, where none is, they are only measured.
    fn packed_policy_size(&self, cx: &Context) -> Result<Option<usize>> {
        if self.policy.is_none() && self.policy_arns.is_empty() {
            return Ok(None);
        }
        if cx.platform().mode() == Mode::Secure {
            return Err(Failure::unsupported("session policies of sts:AssumeRole"));
        }
        let arns = self.policy_arns.iter().filter_map(|descriptor| descriptor.arn.as_ref());
        let chars: usize = self.policy.iter().chain(arns).map(|text| text.chars().count()).sum();
        let percent = (chars * 100).div_ceil(POLICY_CHARS_MAX);
        if percent > 100 {
            return Err(Error::PackedPolicyTooLargeException(format!(
                "Packed size of session policies consumes {percent}% of allotted space."
            ))
            .into());
        }
        Ok(Some(percent))
    }
}

fn check_session_name(name: &str) -> Result<()> {
    let plain = name.chars().all(|next| next.is_ascii_alphanumeric() || "_+=,.@-".contains(next));
    if plain && SESSION_NAME_CHARS.contains(&name.len()) {
        return Ok(());
    }
    Err(validation(format!(
        "1 validation error detected: Value '{name}' at 'roleSessionName' failed to satisfy constraint: Member must \
         satisfy regular expression pattern: [\\w+=,.@-]*"
    )))
}
