//! Object lock: versions that must stay. Source: S3 user guide, "Locking objects with Object Lock".

use service::Result;
use wire::Timestamp;

use crate::bucket::Bucket;
use crate::error::{self, Error, invalid_argument, invalid_request, malformed_xml};
use crate::object::{Object, Retention, RetentionMode};

/// A hundred years.
pub(crate) const RETENTION_DAYS_MAX: i64 = 36_500;

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

/// Refuses in buckets where nothing can be locked.
pub(crate) fn check_bucket(bucket: &Bucket) -> Result<()> {
    match bucket.object_lock {
        Some(_) => Ok(()),
        None => Err(invalid_request("Bucket is missing Object Lock Configuration").into()),
    }
}

pub(crate) fn no_lock_configuration() -> Error {
    let text = "The specified object does not have a ObjectLock configuration";
    Error::new("NoSuchObjectLockConfiguration", 404, text)
}

pub(crate) fn is_mode(mode: &str) -> bool {
    matches!(mode, "GOVERNANCE" | "COMPLIANCE")
}

/// The retention of a document; `None` takes it away.
pub(crate) fn read_retention(
    mode: Option<&str>,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<Option<Retention>> {
    match (mode, until) {
        (None, None) => Ok(None),
        (Some(mode), Some(until)) if is_mode(mode) => {
            if until <= now {
                let text = "The retain until date must be in the future!";
                return Err(invalid_argument(text, "RetainUntilDate", &until.to_rfc3339()).into());
            }
            let mode = RetentionMode::parse(mode)?;
            Ok(Some(Retention { mode, until_epoch_millis: until.epoch_millis() }))
        }
        _ => Err(malformed_xml().into()),
    }
}

/// A retention may become stricter; weaker only in governance mode, by whoever may bypass it.
pub(crate) fn check_change(
    before: Option<&Retention>,
    after: Option<&Retention>,
    now: Timestamp,
    bypass: bool,
) -> Result<()> {
    let Some(before) = before.filter(|before| before.until_epoch_millis > now.epoch_millis()) else {
        return Ok(());
    };
    let is_stricter = after.is_some_and(|after| {
        after.mode == before.mode && after.until_epoch_millis >= before.until_epoch_millis
    });
    if is_stricter || (before.mode == RetentionMode::Governance && bypass) {
        return Ok(());
    }
    Err(error::access_denied_because("Access Denied because object protected by object lock.").into())
}

/// What is to be locked must come with a digest.
pub(crate) fn checksum_missing() -> Error {
    error::invalid_request(
        "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_versions_stay() {
        let now = Timestamp::from_epoch_millis(1_000);
        let refused = |object: &Object, bypass| check_removal(object, now, bypass).is_err();
        let with = |mode, until_epoch_millis| Object {
            retention: Some(Retention { mode, until_epoch_millis }),
            ..Object::default()
        };
        assert!(!refused(&Object::default(), false));
        assert!(refused(&with(RetentionMode::Governance, 1_001), false));
        assert!(!refused(&with(RetentionMode::Governance, 1_001), true));
        assert!(refused(&with(RetentionMode::Compliance, 1_001), true));
        assert!(!refused(&with(RetentionMode::Compliance, 1_000), false));
        assert!(refused(&Object { legal_hold: Some(true), ..Object::default() }, true));
    }

    #[test]
    fn retention_only_grows() {
        let now = Timestamp::from_epoch_millis(0);
        let retention = |mode, until_epoch_millis| Some(Retention { mode, until_epoch_millis });
        let refused = |before: Option<Retention>, after: Option<Retention>, bypass| {
            check_change(before.as_ref(), after.as_ref(), now, bypass).is_err()
        };
        use RetentionMode::{Compliance, Governance};
        assert!(!refused(None, retention(Compliance, 5), false));
        assert!(!refused(retention(Governance, 5), retention(Governance, 6), false));
        assert!(refused(retention(Governance, 5), retention(Governance, 4), false));
        assert!(!refused(retention(Governance, 5), retention(Governance, 4), true));
        assert!(refused(retention(Governance, 5), retention(Compliance, 6), false));
        assert!(!refused(retention(Governance, 5), None, true));
        assert!(refused(retention(Compliance, 5), retention(Compliance, 4), true));
        assert!(refused(retention(Compliance, 5), retention(Governance, 6), true));
        assert!(!refused(retention(Compliance, 5), retention(Compliance, 6), false));
    }
}
