//! Credentials as answers carry them.

use auth::{Issued, Issuer, Session, SessionDetail, SessionKind};
use serde::Serialize;
use service::AccountId;
use wire::Timestamp;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Credentials {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expiration: Timestamp,
}

pub(crate) fn issue(
    issuer: &Issuer,
    account: &AccountId,
    kind: SessionKind,
    now: Timestamp,
    duration_seconds: i64,
    detail: SessionDetail,
) -> Credentials {
    // Clients read the expiration in whole seconds; the session ends at the same moment.
    let expires_epoch_millis = (now.epoch_millis() / 1_000 + duration_seconds) * 1_000;
    let detail = SessionDetail { issued_epoch_millis: now.epoch_millis(), ..detail };
    let session = Session { account: account.to_string(), kind, expires_epoch_millis, detail };
    let Issued { credentials, expires_epoch_millis } = issuer.issue(&session);
    Credentials {
        access_key_id: credentials.access_key_id,
        secret_access_key: credentials.secret_access_key,
        session_token: credentials.session_token,
        expiration: Timestamp::from_epoch_millis(expires_epoch_millis),
    }
}
