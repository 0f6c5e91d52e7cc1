//! The role that is to be assumed.

use std::ops::RangeInclusive;
use std::sync::Arc;

use auth::policy::Policy;
use auth::{Identities, SessionKind};
use serde::Serialize;
use service::{AccountId, Arn, Context, Mode, Result};

use crate::error::{access_denied, validation};

const DURATION_SECONDS: RangeInclusive<i64> = 900..=43_200;
const DURATION_SECONDS_DEFAULT: i64 = 3_600;
const SESSION_NAME_CHARS: RangeInclusive<usize> = 2..=64;
/// The duration limit of a role that was never created, in seconds.
const MAX_SESSION_SECONDS_DEFAULT: i64 = 3_600;

/// What AssumeRole needs to know of a role.
#[derive(Clone, Debug)]
pub(crate) struct AssumedRole {
    pub account: AccountId,
    pub name: String,
    pub arn: String,
    pub id: String,
    pub max_session_seconds: i64,
    /// Who may assume it; `None` for a stand-in of development mode.
    pub trust: Option<Arc<Policy>>,
}

impl AssumedRole {
    /// Looks the role up in its account. In development mode a role that is not there is taken as it is named, so
    /// that functions run before anybody has written a role; otherwise it is refused as AWS refuses it.
    pub(crate) async fn find(cx: &Context, identities: &dyn Identities, arn: &str) -> Result<Self> {
        let (account, name) = read(arn)?;
        if let Some(role) = identities.role(arn).await? {
            return Ok(AssumedRole {
                account,
                name,
                arn: arn.to_owned(),
                id: role.unique_id.clone(),
                max_session_seconds: role.max_session_seconds,
                trust: Some(role.trust.clone()),
            });
        }
        if cx.platform().mode() == Mode::Dev {
            return Ok(AssumedRole {
                account,
                name,
                id: stand_in_id(arn),
                arn: arn.to_owned(),
                max_session_seconds: MAX_SESSION_SECONDS_DEFAULT,
                trust: None,
            });
        }
        Err(access_denied(format!(
            "User: {} is not authorized to perform: sts:AssumeRole on resource: {arn}",
            cx.caller().principal.arn()
        )))
    }

    /// The duration of a session of it.
    pub(crate) fn check_duration(&self, asked_seconds: Option<i64>) -> Result<i64> {
        let seconds = asked_seconds.unwrap_or(DURATION_SECONDS_DEFAULT);
        if !DURATION_SECONDS.contains(&seconds) {
            return Err(validation(format!(
                "DurationSeconds must be between {} and {}.",
                DURATION_SECONDS.start(),
                DURATION_SECONDS.end()
            )));
        }
        if seconds > self.max_session_seconds {
            return Err(validation(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            ));
        }
        Ok(seconds)
    }

    /// Who acts in a session of it.
    pub(crate) fn session(&self, session_name: &str) -> SessionKind {
        SessionKind::AssumedRole {
            role_name: self.name.clone(),
            role_arn: self.arn.clone(),
            role_id: self.id.clone(),
            session_name: session_name.to_owned(),
        }
    }
}

/// The name of a session, which is a part of its ARN.
pub(crate) fn check_session_name(name: &str) -> Result<()> {
    let plain = name.chars().all(|next| next.is_ascii_alphanumeric() || "_+=,.@-".contains(next));
    if plain && SESSION_NAME_CHARS.contains(&name.len()) {
        return Ok(());
    }
    Err(validation(format!(
        "1 validation error detected: Value '{name}' at 'roleSessionName' failed to satisfy constraint: Member must \
         satisfy regular expression pattern: [\\w+=,.@-]*"
    )))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AssumedRoleUser {
    assumed_role_id: String,
    arn: String,
}

impl AssumedRoleUser {
    pub(crate) fn new(role: &AssumedRole, session_name: &str) -> Self {
        AssumedRoleUser {
            assumed_role_id: format!("{}:{session_name}", role.id),
            arn: format!("arn:aws:sts::{}:assumed-role/{}/{session_name}", role.account, role.name),
        }
    }
}

/// Account and name of a role's ARN.
fn read(text: &str) -> Result<(AccountId, String)> {
    let invalid = || validation(format!("{text} is invalid"));
    let arn: Arn = text.parse().map_err(|_| invalid())?;
    let account = AccountId::parse(arn.account()).ok_or_else(invalid)?;
    let place = arn.resource().strip_prefix("role/").ok_or_else(invalid)?;
    let name = place.rsplit('/').next().unwrap_or_default();
    let plain = name.chars().all(|next| next.is_ascii_alphanumeric() || "_+=,.@-".contains(next));
    if arn.service() != "iam" || !arn.region().is_empty() || name.is_empty() || !plain {
        return Err(invalid());
    }
    Ok((account, name.to_owned()))
}

/// A role id for a role that does not exist; the same for the same ARN.
fn stand_in_id(arn: &str) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    // FNV-1a, 128 bits: 17 characters of five bits each are taken from it.
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in arn.bytes() {
        hash = (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    let characters = (0..17).map(|place| char::from(ALPHABET[(hash >> (place * 5)) as usize & 31]));
    std::iter::once("AROA".to_owned()).chain(characters.map(String::from)).collect()
}
