//! What follows an attempt to run an event.

use std::time::Duration;

use service::Backoff;

/// Attempts again after the function failed, unless configured.
pub(crate) const RETRIES_DEFAULT: u32 = 2;
/// How long an event may wait and be tried, unless configured.
pub(crate) const AGE_SECONDS_DEFAULT: u32 = 21_600;

/// Waits after the first and after the second failure of the function.
const RETRY_WAITS: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];
/// Waits while the function could not be run at all.
const NOT_RUN_WAITS: Backoff = Backoff { first: Duration::from_secs(1), max: Duration::from_secs(300) };

/// The limits of an event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) retries_max: u32,
    pub(crate) age_max: Duration,
}

/// Where an event stands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    /// Runs that failed, this one left out.
    pub(crate) failed_runs: u32,
    /// Times the function could not be run, this one left out.
    pub(crate) not_run: u32,
    pub(crate) age: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    Succeeded,
    /// The function ran and failed.
    Failed,
    /// It could not be run: throttled, or the platform failed.
    NotRun,
    /// Its reservation is zero: events are not kept for better times.
    SwitchedOff,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Done,
    RunAgain(Duration),
    /// Like [`Next::RunAgain`], without counting as a failed run.
    Wait(Duration),
    GiveUp(Condition),
}

/// Why an event's record is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Success,
    RetriesExhausted,
    EventAgeExceeded,
}

impl Condition {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Condition::Success => "Success",
            Condition::RetriesExhausted => "RetriesExhausted",
            Condition::EventAgeExceeded => "EventAgeExceeded",
        }
    }
}

pub(crate) fn is_too_old(limits: Limits, progress: Progress) -> bool {
    progress.age > limits.age_max
}

pub(crate) fn next(limits: Limits, progress: Progress, attempt: Attempt) -> Next {
    match attempt {
        Attempt::Succeeded => Next::Done,
        Attempt::SwitchedOff => Next::GiveUp(Condition::RetriesExhausted),
        Attempt::Failed => match RETRY_WAITS.get(progress.failed_runs as usize) {
            Some(wait) if progress.failed_runs < limits.retries_max => Next::RunAgain(*wait),
            _ => Next::GiveUp(Condition::RetriesExhausted),
        },
        // Looked at once more when its time is over, to tell so.
        Attempt::NotRun => {
            let left = limits.age_max.saturating_sub(progress.age) + Duration::from_millis(1);
            Next::Wait(NOT_RUN_WAITS.after(progress.not_run + 1).min(left))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits =
        Limits { retries_max: RETRIES_DEFAULT, age_max: Duration::from_secs(AGE_SECONDS_DEFAULT as u64) };

    fn after(failed_runs: u32, retries_max: u32) -> Next {
        let progress = Progress { failed_runs, ..Progress::default() };
        next(Limits { retries_max, ..LIMITS }, progress, Attempt::Failed)
    }

    #[test]
    fn a_failing_function_runs_three_times() {
        assert_eq!(after(0, 2), Next::RunAgain(Duration::from_secs(60)));
        assert_eq!(after(1, 2), Next::RunAgain(Duration::from_secs(120)));
        assert_eq!(after(2, 2), Next::GiveUp(Condition::RetriesExhausted));
        assert_eq!(after(0, 0), Next::GiveUp(Condition::RetriesExhausted));
        assert_eq!(after(1, 1), Next::GiveUp(Condition::RetriesExhausted));
    }

    #[test]
    fn a_throttled_event_waits_longer_and_longer_until_it_is_too_old() {
        let waits: Vec<u64> = (0..10)
            .map(|not_run| match next(LIMITS, Progress { not_run, ..Progress::default() }, Attempt::NotRun) {
                Next::Wait(wait) => wait.as_secs(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
        let old =
            Progress { not_run: 20, age: LIMITS.age_max - Duration::from_secs(5), ..Progress::default() };
        assert_eq!(next(LIMITS, old, Attempt::NotRun), Next::Wait(Duration::from_millis(5_001)));
        assert!(!is_too_old(LIMITS, Progress { age: LIMITS.age_max, ..Progress::default() }));
        assert!(is_too_old(LIMITS, Progress { age: LIMITS.age_max + Duration::from_millis(1), ..old }));
        assert_eq!(next(LIMITS, old, Attempt::SwitchedOff), Next::GiveUp(Condition::RetriesExhausted));
    }
}
