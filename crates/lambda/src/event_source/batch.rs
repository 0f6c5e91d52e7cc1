//! What follows the outcome of a batch: the rules of retries, bisection, partial failures and ages. Pure.

use std::ops::Range;

use serde_json::Value;

/// What a mapping allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    /// `None`: without end.
    pub(crate) retries_max: Option<u32>,
    pub(crate) bisect: bool,
}

/// Some records, next to each other, that are to be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Work {
    pub(crate) records: Range<usize>,
    /// How often the function failed on them.
    pub(crate) failures: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Succeeded,
    /// The records before this one are done.
    FailedFrom(usize),
    /// The function was not run: throttled, gone, no room. Does not count.
    NotRun,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Done,
    /// What is left, in order.
    Again(Vec<Work>, Wait),
    GiveUp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    Yes,
    No,
}

pub(crate) fn next(policy: Policy, work: &Work, outcome: Outcome) -> Next {
    let Range { start, end } = work.records;
    match outcome {
        Outcome::Succeeded => Next::Done,
        Outcome::NotRun => Next::Again(vec![work.clone()], Wait::Yes),
        // Some progress, so the rest is delivered once more whatever the limit; it failed not at all yet.
        Outcome::FailedFrom(first) if first > start => {
            Next::Again(vec![Work { records: first..end, failures: 0 }], Wait::Yes)
        }
        Outcome::FailedFrom(_) if policy.bisect && end - start > 1 => {
            let middle = start + (end - start).div_ceil(2);
            let half = |records| Work { records, failures: work.failures };
            Next::Again(vec![half(start..middle), half(middle..end)], Wait::No)
        }
        Outcome::FailedFrom(_) if policy.retries_max.is_some_and(|max| work.failures >= max) => Next::GiveUp,
        Outcome::FailedFrom(_) => {
            Next::Again(vec![Work { records: start..end, failures: work.failures + 1 }], Wait::Yes)
        }
    }
}

/// Which records a function says it did not manage, for functions that report them. The answer's identifiers are sequence
/// numbers; the first in order counts, as what comes after it is delivered again anyway.
pub(crate) fn reported(answer: &[u8], records: Range<usize>, sequence: impl Fn(usize) -> String) -> Outcome {
    let all_failed = Outcome::FailedFrom(records.start);
    let Ok(answer) = serde_json::from_slice::<Value>(answer) else { return all_failed };
    let failures = match answer.get("batchItemFailures") {
        None | Some(Value::Null) => return Outcome::Succeeded,
        Some(Value::Array(failures)) => failures,
        Some(_) => return all_failed,
    };
    let mut first = None;
    for failure in failures {
        let identifier = failure.get("itemIdentifier").and_then(Value::as_str).unwrap_or_default();
        let Some(index) = records.clone().find(|index| sequence(*index) == identifier) else {
            return all_failed;
        };
        first = Some(first.map_or(index, |first: usize| first.min(index)));
    }
    first.map_or(Outcome::Succeeded, Outcome::FailedFrom)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FOREVER: Policy = Policy { retries_max: None, bisect: false };

    fn work(records: Range<usize>, failures: u32) -> Work {
        Work { records, failures }
    }

    #[test]
    fn failures_are_tried_again_until_the_limit() {
        let twice = Policy { retries_max: Some(2), bisect: false };
        let again = |failures| Next::Again(vec![work(0..3, failures)], Wait::Yes);
        assert_eq!(next(twice, &work(0..3, 0), Outcome::FailedFrom(0)), again(1));
        assert_eq!(next(twice, &work(0..3, 1), Outcome::FailedFrom(0)), again(2));
        assert_eq!(next(twice, &work(0..3, 2), Outcome::FailedFrom(0)), Next::GiveUp);
        assert_eq!(next(twice, &work(0..3, 2), Outcome::NotRun), again(2));
        assert_eq!(next(FOREVER, &work(0..3, 999), Outcome::FailedFrom(0)), again(1_000));
        assert_eq!(next(twice, &work(0..3, 2), Outcome::Succeeded), Next::Done);
    }

    #[test]
    fn partial_failures_begin_at_the_first_record_that_failed() {
        let expected = Next::Again(vec![work(2..3, 0)], Wait::Yes);
        assert_eq!(next(FOREVER, &work(0..3, 4), Outcome::FailedFrom(2)), expected);
    }

    #[test]
    fn bisection_finds_the_record_that_fails_without_using_up_retries() {
        let policy = Policy { retries_max: Some(0), bisect: true };
        let (mut stack, mut given_up, mut done) = (vec![work(0..7, 0)], Vec::new(), Vec::new());
        while let Some(work) = stack.pop() {
            let bad = work.records.contains(&4);
            let outcome = if bad { Outcome::FailedFrom(work.records.start) } else { Outcome::Succeeded };
            match next(policy, &work, outcome) {
                Next::Done => done.extend(work.records),
                Next::GiveUp => given_up.extend(work.records),
                Next::Again(left, _) => stack.extend(left.into_iter().rev()),
            }
        }
        assert_eq!(given_up, [4]);
        assert_eq!(done, [0, 1, 2, 3, 5, 6]);
    }

    #[test]
    fn functions_name_what_they_did_not_manage() {
        let said = |answer: &str| reported(answer.as_bytes(), 1..4, |index| index.to_string());
        for (answer, expected) in [
            ("null", Outcome::Succeeded),
            ("{}", Outcome::Succeeded),
            (r#"{"batchItemFailures": []}"#, Outcome::Succeeded),
            (r#"{"batchItemFailures": null}"#, Outcome::Succeeded),
            (
                r#"{"batchItemFailures": [{"itemIdentifier": "3"}, {"itemIdentifier": "2"}]}"#,
                Outcome::FailedFrom(2),
            ),
            (r#"{"batchItemFailures": [{"itemIdentifier": "9"}]}"#, Outcome::FailedFrom(1)),
            (r#"{"batchItemFailures": [{"itemIdentifier": ""}]}"#, Outcome::FailedFrom(1)),
            (r#"{"batchItemFailures": 7}"#, Outcome::FailedFrom(1)),
            ("no json", Outcome::FailedFrom(1)),
        ] {
            assert_eq!(said(answer), expected, "{answer}");
        }
    }

    proptest! {
        #[test]
        fn what_is_left_is_never_more_than_before_and_keeps_its_order(
            start in 0_usize..5, length in 1_usize..9, from in 0_usize..9, failures in 0_u32..4,
            retries in proptest::option::of(0_u32..3), bisect in any::<bool>(),
        ) {
            let records = start..start + length;
            let outcome = Outcome::FailedFrom((start + from).min(records.end - 1));
            let policy = Policy { retries_max: retries, bisect };
            if let Next::Again(left, _) = next(policy, &work(records.clone(), failures), outcome) {
                let mut end = left[0].records.start;
                prop_assert!(end >= records.start);
                for work in &left {
                    prop_assert_eq!(work.records.start, end);
                    prop_assert!(!work.records.is_empty());
                    end = work.records.end;
                }
                prop_assert_eq!(end, records.end);
            }
        }
    }
}
