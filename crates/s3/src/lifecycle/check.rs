//! The rules of PutBucketLifecycleConfiguration.

use std::collections::HashSet;

use service::Ids;
use wire::Timestamp;

use super::{Expiration, Filter, Lifecycle, Rule};
use crate::error::{Error, invalid_request, malformed_xml};

const RULES_MAX: usize = 1_000;
const ID_CHARS_MAX: usize = 255;
const NEWER_NONCURRENT_VERSIONS_MAX: i64 = 100;
const MILLIS_PER_DAY: i64 = 86_400_000;
/// The shortest stay before objects move to infrequent access.
const INFREQUENT_ACCESS_DAYS_MIN: i64 = 30;

impl Lifecycle {
    /// Checks all rules and names those that have no id.
    pub(crate) fn check(&mut self, ids: &Ids) -> Result<(), Error> {
        if self.rules.is_empty() || self.rules.len() > RULES_MAX {
            return Err(malformed_xml());
        }
        let mut known = HashSet::new();
        for rule in &mut self.rules {
            rule.check()?;
            let id = rule.id.get_or_insert_with(|| ids.uuid());
            if id.chars().count() > ID_CHARS_MAX {
                return Err(bad_argument(format!(
                    "ID length should not exceed allowed limit of {ID_CHARS_MAX}"
                )));
            }
            if !known.insert(id.clone()) {
                return Err(bad_argument("Rule ID must be unique. Found same ID for more than one rule"));
            }
        }
        Ok(())
    }
}

impl Rule {
    fn check(&self) -> Result<(), Error> {
        if !matches!(self.status.as_str(), "Enabled" | "Disabled") {
            return Err(malformed_xml());
        }
        if self.prefix.is_some() == self.filter.is_some() {
            return Err(malformed_xml());
        }
        if self.filter.as_ref().is_some_and(|filter| !filter.is_well_formed()) {
            return Err(malformed_xml());
        }
        if let (Some(above), Some(below)) = self.size_bounds()
            && above >= below
        {
            return Err(invalid_request(
                "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.",
            ));
        }
        let mut keys = HashSet::new();
        if !self.tags().all(|tag| keys.insert(&tag.key)) {
            return Err(invalid_request("Duplicate Tag Keys are not allowed."));
        }
        let has_action = self.expiration.is_some()
            || !self.transitions.is_empty()
            || self.noncurrent_version_expiration.is_some()
            || !self.noncurrent_version_transitions.is_empty()
            || self.abort_incomplete_multipart_upload.is_some();
        if !has_action {
            return Err(invalid_request("At least one action needs to be specified in a rule"));
        }
        self.check_expiration()?;
        self.check_transitions()?;
        self.check_noncurrent()?;
        self.check_abort()
    }

    fn check_expiration(&self) -> Result<(), Error> {
        let Some(expiration) = &self.expiration else { return Ok(()) };
        let Expiration { date, days, expired_object_delete_marker } = expiration;
        let given = [date.is_some(), days.is_some(), expired_object_delete_marker.is_some()];
        if given.into_iter().filter(|given| *given).count() != 1 {
            return Err(malformed_xml());
        }
        if days.is_some_and(|days| days < 1) {
            return Err(bad_argument("'Days' for Expiration action must be a positive integer"));
        }
        check_midnight(*date)?;
        if expired_object_delete_marker.is_some() {
            if self.tags().next().is_some() {
                return Err(invalid_request("ExpiredObjectDeleteMarker cannot be specified with Tags."));
            }
            if self.size_bounds() != (None, None) {
                return Err(invalid_request(
                    "ExpiredObjectDeleteMarker cannot be specified with Object Size.",
                ));
            }
        }
        Ok(())
    }

    fn check_transitions(&self) -> Result<(), Error> {
        let prefix = self.prefix();
        let expiration = self.expiration.clone().unwrap_or_default();
        for transition in &self.transitions {
            let class = transition.storage_class.as_deref().ok_or_else(malformed_xml)?;
            check_midnight(transition.date)?;
            if (transition.date.is_some() && expiration.days.is_some())
                || (transition.days.is_some() && expiration.date.is_some())
            {
                return Err(invalid_request(format!(
                    "Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule \
                     for prefix '{prefix}'"
                )));
            }
            match (transition.days, transition.date) {
                (Some(days), None) if days < 0 => {
                    return Err(bad_argument("'Days' for Transition action must be nonnegative integer"));
                }
                (Some(days), None)
                    if matches!(class, "STANDARD_IA" | "ONEZONE_IA") && days < INFREQUENT_ACCESS_DAYS_MIN =>
                {
                    return Err(bad_argument(format!(
                        "'Days' in Transition action must be greater than or equal to \
                         {INFREQUENT_ACCESS_DAYS_MIN} for storageClass '{class}'"
                    )));
                }
                (Some(days), None) if expiration.days.is_some_and(|expires| expires <= days) => {
                    return Err(bad_argument(format!(
                        "'Days' in the Expiration action for prefix '{prefix}' must be greater than 'Days' in \
                         the Transition action"
                    )));
                }
                (Some(_), None) | (None, Some(_)) => {}
                _ => return Err(malformed_xml()),
            }
        }
        let mut classes = HashSet::new();
        if !self.transitions.iter().all(|transition| classes.insert(&transition.storage_class)) {
            return Err(invalid_request(
                "'StorageClass' must be different for 'Transition' actions in same 'Rule'",
            ));
        }
        Ok(())
    }

    fn check_noncurrent(&self) -> Result<(), Error> {
        let expiration = self.noncurrent_version_expiration.as_ref();
        let action = "NoncurrentVersionExpiration";
        if let Some(expiration) = expiration {
            check_noncurrent(action, expiration.noncurrent_days, expiration.newer_noncurrent_versions, 1)?;
        }
        for transition in &self.noncurrent_version_transitions {
            if transition.storage_class.is_none() {
                return Err(malformed_xml());
            }
            let (days, newer) = (transition.noncurrent_days, transition.newer_noncurrent_versions);
            check_noncurrent("NoncurrentVersionTransition", days, newer, 0)?;
        }
        Ok(())
    }

    fn check_abort(&self) -> Result<(), Error> {
        let Some(abort) = &self.abort_incomplete_multipart_upload else { return Ok(()) };
        let days = abort.days_after_initiation.ok_or_else(malformed_xml)?;
        if days < 1 {
            return Err(bad_argument(
                "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer",
            ));
        }
        if self.tags().next().is_some() {
            return Err(invalid_request("AbortIncompleteMultipartUpload cannot be specified with Tags."));
        }
        if self.size_bounds() != (None, None) {
            return Err(invalid_request(
                "AbortIncompleteMultipartUpload cannot be specified with Object Size.",
            ));
        }
        Ok(())
    }
}

impl Filter {
    /// At most one condition stands alone; several stand in `And`, which is not empty.
    fn is_well_formed(&self) -> bool {
        let given = [
            self.prefix.is_some(),
            self.tag.is_some(),
            self.object_size_greater_than.is_some(),
            self.object_size_less_than.is_some(),
            self.and.is_some(),
        ];
        let is_empty = |all: &super::All| *all == super::All::default();
        given.into_iter().filter(|given| *given).count() <= 1 && !self.and.as_ref().is_some_and(is_empty)
    }
}

fn check_noncurrent(action: &str, days: Option<i64>, newer: Option<i64>, days_min: i64) -> Result<(), Error> {
    let days = days.ok_or_else(malformed_xml)?;
    if days < days_min {
        return Err(bad_argument(format!("'NoncurrentDays' for {action} action must be a positive integer")));
    }
    match newer {
        Some(newer) if newer < 1 => Err(bad_argument(format!(
            "'NewerNoncurrentVersions' for {action} action must be a positive integer"
        ))),
        Some(newer) if newer > NEWER_NONCURRENT_VERSIONS_MAX => Err(bad_argument(format!(
            "'NewerNoncurrentVersions' for {action} action must be less than or equal to \
             {NEWER_NONCURRENT_VERSIONS_MAX}"
        ))),
        _ => Ok(()),
    }
}

fn check_midnight(date: Option<Timestamp>) -> Result<(), Error> {
    if date.is_some_and(|date| date.epoch_millis().rem_euclid(MILLIS_PER_DAY) != 0) {
        return Err(bad_argument("'Date' must be at midnight GMT"));
    }
    Ok(())
}

fn bad_argument(message: impl Into<String>) -> Error {
    Error::new("InvalidArgument", 400, message)
}
