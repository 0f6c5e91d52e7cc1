//! The role that is to be assumed.

use service::{AccountId, Arn, Context, Failure, Mode, Principal, Result, Scope};
use wire::Document;

use crate::error::{access_denied, validation};

/// The duration limit of a role that was never created, in seconds.
const MAX_SESSION_SECONDS_DEFAULT: i64 = 3_600;

/// What AssumeRole needs to know of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AssumedRole {
    pub account: AccountId,
    pub name: String,
    pub arn: String,
    pub id: String,
    pub max_session_seconds: i64,
}

impl AssumedRole {
    /// Looks the role up in its account. In development mode a role that is not there is taken as it is named, so
    /// that functions run before anybody has written a role; otherwise it is refused as AWS refuses it.
    pub(crate) async fn find(cx: &Context, arn: &str) -> Result<Self> {
        let (account, name) = read(arn)?;
        let scope = Scope { account: account.clone(), region: cx.region().clone() };
        let principal = Principal::Service { account: account.clone(), name: "sts.amazonaws.com" };
        let input = Document::map([("RoleName", name.as_str().into())]);
        let role = match cx.call_in(scope, principal, "iam", "GetRole", input).await {
            Ok(reply) => reply.document.get("Role").cloned(),
            Err(failure) if is_absent(&failure) => None,
            Err(failure) => return Err(failure),
        };
        let text = |member: &str| role.as_ref()?.get(member)?.as_str().map(str::to_owned);
        match (text("Arn").filter(|found| found == arn), text("RoleId")) {
            (Some(arn), Some(id)) => {
                let seconds = role.as_ref().and_then(|role| role.get("MaxSessionDuration")?.as_i64());
                let max_session_seconds = seconds.unwrap_or(MAX_SESSION_SECONDS_DEFAULT);
                Ok(AssumedRole { account, name, arn, id, max_session_seconds })
            }
            _ if cx.platform().mode() == Mode::Dev => Ok(AssumedRole {
                account,
                name,
                id: stand_in_id(arn),
                arn: arn.to_owned(),
                max_session_seconds: MAX_SESSION_SECONDS_DEFAULT,
            }),
            _ => Err(access_denied(format!(
                "User: {} is not authorized to perform: sts:AssumeRole on resource: {arn}",
                cx.caller().principal.arn()
            ))),
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

/// IAM does not know the role, or there is no IAM at all.
fn is_absent(failure: &Failure) -> bool {
    matches!(failure.code(), "NoSuchEntityException" | "NoSuchEntity" | "NotImplemented")
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
