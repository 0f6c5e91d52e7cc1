//! Object lock: versions that must stay. Source: S3 user guide, "Locking objects with Object Lock".

use service::Result;
use wire::Timestamp;

use crate::error;
use crate::object::{Object, RetentionMode};

/// Refuses to remove a version that is held. `bypass` is the request's `x-amz-bypass-governance-retention`.
pub(crate) fn check_removal(object: &Object, now: Timestamp, bypass: bool) -> Result<()> {
    let text = "Access Denied because object protected by object lock.";
    let refused = || Err(error::access_denied_because(text).into());
    if object.legal_hold == Some(true) {
        return refused();
    }
    match &object.retention {
        Some(retention) if retention.until_epoch_millis > now.epoch_millis() => match retention.mode {
            RetentionMode::Governance if bypass => Ok(()),
            RetentionMode::Governance | RetentionMode::Compliance => refused(),
        },
        _ => Ok(()),
    }
}
