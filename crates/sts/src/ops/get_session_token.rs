use auth::{SessionDetail, SessionKind};
use serde::{Deserialize, Serialize};
use service::{Context, Operation, Principal, Result};

use crate::Sts;
use crate::credentials::{self, Credentials};
use crate::error::{access_denied, validation};

const DURATION_SECONDS_MIN: i64 = 900;
const DURATION_SECONDS_MAX: i64 = 129_600;
const DURATION_SECONDS_DEFAULT: i64 = 43_200;
/// Sessions of the account itself last an hour at most, whatever was asked for.
const ROOT_DURATION_SECONDS_MAX: i64 = 3_600;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetSessionToken {
    duration_seconds: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    credentials: Credentials,
}

impl Operation for GetSessionToken {
    type Service = Sts;
    type Output = Output;
    const NAME: &'static str = "GetSessionToken";

    async fn run(self, sts: &Sts, cx: &Context) -> Result<Output> {
        let asked = self.duration_seconds.unwrap_or(DURATION_SECONDS_DEFAULT);
        if !(DURATION_SECONDS_MIN..=DURATION_SECONDS_MAX).contains(&asked) {
            return Err(validation(format!(
                "DurationSeconds must be between {DURATION_SECONDS_MIN} and {DURATION_SECONDS_MAX}."
            )));
        }
        let caller = cx.caller();
        let by_session = caller.access_key_id.as_deref().is_some_and(|key| sts.issuer().is_ours(key));
        let (account, kind, seconds) = match &caller.principal {
            Principal::Root { account } if !by_session => {
                (account, SessionKind::Root, asked.min(ROOT_DURATION_SECONDS_MAX))
            }
            Principal::User { account, name, unique_id, path } if !by_session => {
                let kind = SessionKind::User {
                    name: name.clone(),
                    unique_id: unique_id.clone(),
                    path: path.clone(),
                };
                (account, kind, asked)
            }
            _ => return Err(access_denied("Cannot call GetSessionToken with session credentials")),
        };
        Ok(Output {
            credentials: credentials::issue(
                sts.issuer(),
                account,
                kind,
                cx.now(),
                seconds,
                SessionDetail::default(),
            ),
        })
    }
}
