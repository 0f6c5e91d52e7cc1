//! When a call that failed is made again.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use wire::{ErrorReply, Fault};

use crate::Failure;

/// Waits that double from the first to the longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backoff {
    pub first: Duration,
    pub max: Duration,
}

impl Backoff {
    /// The wait after this many failures in a row, the first being 1.
    pub fn after(self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(30);
        self.first.saturating_mul(1 << doublings).min(self.max)
    }
}

/// How often, when and how long a post is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// Calls in all, the first included.
    pub attempts_max: u32,
    pub backoff: Backoff,
    /// No call begins later than this after the post was made.
    pub age_max: Duration,
    /// Gives up at once when the target refuses the call for what it is: an error that is the caller's fault and no
    /// throttling.
    pub refusals_are_final: bool,
}

impl Default for RetryPolicy {
    /// For 24 hours, 185 times at most, after 1 second at first and every 10 minutes later.
    fn default() -> Self {
        RetryPolicy {
            attempts_max: 185,
            backoff: Backoff { first: Duration::from_secs(1), max: Duration::from_secs(600) },
            age_max: Duration::from_secs(24 * 60 * 60),
            refusals_are_final: false,
        }
    }
}

impl RetryPolicy {
    /// When to call again after the given number of failures; `None`: never.
    pub(super) fn next(
        &self,
        failures: u32,
        failure: &Failure,
        posted_millis: i64,
        now_millis: i64,
    ) -> Option<i64> {
        if failures >= self.attempts_max || (self.refusals_are_final && is_refusal(failure)) {
            return None;
        }
        let next = now_millis.saturating_add(millis(self.backoff.after(failures)));
        (next <= self.ends_millis(posted_millis)).then_some(next)
    }

    /// After this no call begins.
    pub(super) fn ends_millis(&self, posted_millis: i64) -> i64 {
        posted_millis.saturating_add(millis(self.age_max))
    }
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn is_refusal(failure: &Failure) -> bool {
    match failure {
        Failure::Modelled(ErrorReply { fault: Fault::Client, code, status, .. }) => {
            *status != Some(429) && !code.contains("Throttl") && !code.contains("TooManyRequests")
        }
        Failure::Modelled(_) | Failure::Internal(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let backoff = Backoff { first: Duration::from_secs(1), max: Duration::from_secs(300) };
        let waits: Vec<u64> = (1..=11).map(|failures| backoff.after(failures).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(backoff.after(u32::MAX), backoff.max);
    }

    #[test]
    fn attempts_age_and_refusals_end_it() {
        let policy =
            RetryPolicy { attempts_max: 3, age_max: Duration::from_secs(3), ..RetryPolicy::default() };
        let failure = Failure::Internal(anyhow::anyhow!("no"));
        assert_eq!(policy.next(1, &failure, 1_000, 2_000), Some(3_000));
        assert_eq!(policy.next(2, &failure, 1_000, 2_000), Some(4_000));
        assert_eq!(policy.next(2, &failure, 1_000, 2_001), None, "too old by then");
        assert_eq!(policy.next(3, &failure, 1_000, 1_000), None);
        let policy = RetryPolicy { refusals_are_final: true, ..policy };
        let refused = Failure::new("AccessDeniedException", 403, "no");
        assert_eq!(policy.next(1, &refused, 1_000, 1_000), None);
        for patient in [
            Failure::new("TooManyRequestsException", 429, "no"),
            Failure::new("ThrottlingException", 400, "no"),
            Failure::new("ServiceUnavailable", 503, "no"),
            failure,
        ] {
            assert_eq!(policy.next(1, &patient, 1_000, 1_000), Some(2_000), "{patient}");
        }
    }
}
