//! What is due when. Days are counted from a moment and end at the next midnight UTC, as on AWS.

use wire::Timestamp;

use super::{Lifecycle, Rule};

const MILLIS_PER_DAY: i64 = 86_400_000;

/// What rules look at in an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) key: &'a str,
    pub(crate) bytes: u64,
    pub(crate) tags: &'a [(String, String)],
}

/// One version of a key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Version<'a> {
    pub(crate) modified: Timestamp,
    pub(crate) is_delete_marker: bool,
    pub(crate) bytes: u64,
    pub(crate) tags: &'a [(String, String)],
}

/// The end of an object, and the rule that brings it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) at: Timestamp,
    pub(crate) rule_id: String,
}

/// What to do with one version of a key; versions are counted from the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The current version ends as by a DeleteObject without a version.
    Expire,
    /// The version goes for good.
    Remove { index: usize },
}

impl Lifecycle {
    /// When the current version ends, for `x-amz-expiration`: the soonest of the rules that cover it.
    pub(crate) fn expiration(&self, subject: Subject<'_>, modified: Timestamp) -> Option<Due> {
        let due = self.enabled().filter(|rule| rule.covers(subject)).filter_map(|rule| {
            let expiration = rule.expiration.as_ref()?;
            let at = match (expiration.days, expiration.date) {
                (Some(days), _) => midnight_after(modified, days),
                (None, date) => date?,
            };
            Some(Due { at, rule_id: rule.id.clone().unwrap_or_default() })
        });
        due.min_by_key(|due| due.at.epoch_millis())
    }

    /// When an unfinished upload is aborted, for `x-amz-abort-date`.
    pub(crate) fn abort(&self, key: &str, initiated: Timestamp) -> Option<Due> {
        let due = self.enabled().filter(|rule| key.starts_with(rule.prefix())).filter_map(|rule| {
            let days = rule.abort_incomplete_multipart_upload.as_ref()?.days_after_initiation?;
            Some(Due { at: midnight_after(initiated, days), rule_id: rule.id.clone().unwrap_or_default() })
        });
        due.min_by_key(|due| due.at.epoch_millis())
    }

    /// What is due by now among all versions of a key, newest first.
    pub(crate) fn steps(&self, key: &str, versions: &[Version<'_>], now: Timestamp) -> Vec<Step> {
        let mut steps = Vec::new();
        let is_due = |at: Timestamp| at.epoch_millis() <= now.epoch_millis();
        if let Some(current) = versions.first() {
            let subject = current.subject(key);
            if current.is_delete_marker {
                if versions.len() == 1
                    && self.enabled().any(|rule| rule.ends_marker(subject, current.modified, now))
                {
                    steps.push(Step::Remove { index: 0 });
                }
            } else if self.expiration(subject, current.modified).is_some_and(|due| is_due(due.at)) {
                steps.push(Step::Expire);
            }
        }
        for (index, pair) in versions.windows(2).enumerate() {
            let (newer, version) = (&pair[0], &pair[1]);
            let ends = |rule: &Rule| {
                let Some(expiration) = &rule.noncurrent_version_expiration else { return false };
                let kept = expiration.newer_noncurrent_versions.and_then(|kept| usize::try_from(kept).ok());
                let days = expiration.noncurrent_days.unwrap_or(0);
                // A version stops being current when the next one is written; `index` newer ones are not current.
                rule.covers(version.subject(key))
                    && index >= kept.unwrap_or(0)
                    && is_due(midnight_after(newer.modified, days))
            };
            if self.enabled().any(ends) {
                steps.push(Step::Remove { index: index + 1 });
            }
        }
        steps
    }

    fn enabled(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(|rule| rule.is_enabled())
    }
}

impl<'a> Version<'a> {
    fn subject(&self, key: &'a str) -> Subject<'a> {
        Subject { key, bytes: self.bytes, tags: self.tags }
    }
}

impl Rule {
    fn covers(&self, subject: Subject<'_>) -> bool {
        let (above, below) = self.size_bounds();
        let bytes = i64::try_from(subject.bytes).unwrap_or(i64::MAX);
        subject.key.starts_with(self.prefix())
            && above.is_none_or(|above| bytes > above)
            && below.is_none_or(|below| bytes < below)
            && self
                .tags()
                .all(|tag| subject.tags.iter().any(|(key, value)| *key == tag.key && *value == tag.value))
    }

    /// Whether a delete marker that hides nothing any more goes.
    fn ends_marker(&self, subject: Subject<'_>, modified: Timestamp, now: Timestamp) -> bool {
        let Some(expiration) = &self.expiration else { return false };
        let is_old = || {
            expiration
                .days
                .is_some_and(|days| midnight_after(modified, days).epoch_millis() <= now.epoch_millis())
        };
        // Markers have neither tags nor a size, so only rules that ask for none of them apply.
        subject.key.starts_with(self.prefix())
            && self.tags().next().is_none()
            && self.size_bounds() == (None, None)
            && (expiration.expired_object_delete_marker == Some(true) || is_old())
    }
}

/// The midnight UTC at or after `days` from the moment.
pub(crate) fn midnight_after(moment: Timestamp, days: i64) -> Timestamp {
    let end = moment.epoch_millis().saturating_add(days.saturating_mul(MILLIS_PER_DAY));
    let midnight = end.div_euclid(MILLIS_PER_DAY) + i64::from(end.rem_euclid(MILLIS_PER_DAY) != 0);
    Timestamp::from_epoch_millis(midnight.saturating_mul(MILLIS_PER_DAY))
}
