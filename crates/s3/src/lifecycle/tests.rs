use proptest::prelude::*;
use service::Ids;
use wire::Timestamp;

use super::evaluate::{Due, Step, Subject, Version, midnight_after};
use super::*;

const DAY_MILLIS: i64 = 86_400_000;

fn lifecycle(rules: serde_json::Value) -> Lifecycle {
    serde_json::from_value(serde_json::json!({ "Rules": rules })).unwrap()
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn refusal(rule: serde_json::Value) -> String {
    service::Failure::from(lifecycle(serde_json::json!([rule])).check(&Ids::counting()).unwrap_err())
        .to_string()
}

#[test]
fn what_aws_refuses_is_refused() {
    let rule = |members: serde_json::Value| {
        let mut rule = serde_json::json!({"Status": "Enabled", "Filter": {}});
        rule.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        rule
    };
    let days = serde_json::json!({"Days": 1});
    let cases = [
        (rule(serde_json::json!({})), "InvalidRequest: At least one action needs to be specified in a rule"),
        (rule(serde_json::json!({"Prefix": "a", "Expiration": days})), "MalformedXML"),
        (serde_json::json!({"Status": "Enabled", "Expiration": days}), "MalformedXML"),
        (rule(serde_json::json!({"Status": "On", "Expiration": days})), "MalformedXML"),
        (
            rule(serde_json::json!({"Expiration": {"Days": 0}})),
            "'Days' for Expiration action must be a positive",
        ),
        (rule(serde_json::json!({"Expiration": {}})), "MalformedXML"),
        (
            rule(serde_json::json!({"Expiration": {"Date": at("2026-01-01T01:00:00Z")}})),
            "'Date' must be at midnight GMT",
        ),
        (
            rule(serde_json::json!({"Expiration": {"Days": 1, "ExpiredObjectDeleteMarker": true}})),
            "MalformedXML",
        ),
        (
            rule(serde_json::json!({"Filter": {"Tag": {"Key": "a", "Value": "b"}},
                                    "Expiration": {"ExpiredObjectDeleteMarker": true}})),
            "ExpiredObjectDeleteMarker cannot be specified with Tags.",
        ),
        (
            rule(serde_json::json!({"Filter": {"Prefix": "a", "ObjectSizeLessThan": 4}, "Expiration": days})),
            "MalformedXML",
        ),
        (
            rule(serde_json::json!({"Filter": {"Tag": {"Key": "a", "Value": "b"}},
                                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}})),
            "AbortIncompleteMultipartUpload cannot be specified with Tags.",
        ),
        (
            rule(serde_json::json!({"Transitions": [{"Days": 10, "StorageClass": "STANDARD_IA"}]})),
            "'Days' in Transition action must be greater than or equal to 30 for storageClass 'STANDARD_IA'",
        ),
        (
            rule(
                serde_json::json!({"Transitions": [{"Days": 30, "StorageClass": "GLACIER"}], "Expiration": {"Days": 30}}),
            ),
            "must be greater than 'Days' in the Transition action",
        ),
        (
            rule(serde_json::json!({"Transitions": [{"Days": 30, "StorageClass": "GLACIER"}],
                                    "Expiration": {"Date": at("2026-01-01T00:00:00Z")}})),
            "Found mixed 'Date' and 'Days' based Expiration and Transition actions",
        ),
        (
            rule(serde_json::json!({"NoncurrentVersionExpiration": {"NoncurrentDays": 0}})),
            "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer",
        ),
        (
            rule(
                serde_json::json!({"NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 101}}),
            ),
            "'NewerNoncurrentVersions'",
        ),
        (rule(serde_json::json!({"ID": "x".repeat(256), "Expiration": days})), "ID length should not exceed"),
    ];
    for (rule, expected) in cases {
        let said = refusal(rule.clone());
        assert!(said.contains(expected), "{rule}: {said}");
    }
}

#[test]
fn rules_have_ids_and_each_its_own() {
    let rule = serde_json::json!({"Status": "Enabled", "Prefix": "", "Expiration": {"Days": 1}});
    let mut unnamed = lifecycle(serde_json::json!([rule, rule]));
    unnamed.check(&Ids::counting()).unwrap();
    assert!(unnamed.rules[0].id.is_some() && unnamed.rules[0].id != unnamed.rules[1].id);
    let mut twice = lifecycle(serde_json::json!([
        {"ID": "a", "Status": "Enabled", "Prefix": "", "Expiration": {"Days": 1}},
        {"ID": "a", "Status": "Enabled", "Prefix": "", "Expiration": {"Days": 1}},
    ]));
    assert!(twice.check(&Ids::counting()).is_err());
}

#[test]
fn a_thousand_rules_fit_and_one_more_does_not() {
    let rule = serde_json::json!({"Status": "Enabled", "Prefix": "", "Expiration": {"Days": 1}});
    assert!(lifecycle(vec![rule.clone(); 1_000].into()).check(&Ids::counting()).is_ok());
    assert!(lifecycle(vec![rule; 1_001].into()).check(&Ids::counting()).is_err());
}

#[test]
fn days_end_at_the_next_midnight() {
    assert_eq!(midnight_after(at("2026-01-15T10:30:00Z"), 3), at("2026-01-19T00:00:00Z"));
    assert_eq!(midnight_after(at("2026-01-15T00:00:00Z"), 3), at("2026-01-18T00:00:00Z"));
}

#[test]
fn the_soonest_rule_that_covers_an_object_ends_it() {
    let rules = lifecycle(serde_json::json!([
        {"ID": "all", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": 30}},
        {"ID": "logs", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 2}},
        {"ID": "off", "Status": "Disabled", "Prefix": "", "Expiration": {"Days": 1}},
        {"ID": "small", "Status": "Enabled", "Expiration": {"Days": 1}, "Filter": {"And": {
            "ObjectSizeGreaterThan": 10, "ObjectSizeLessThan": 20, "Tags": [{"Key": "kind", "Value": "draft"}]}}},
    ]));
    let (plain, draft) = ([], [("kind".to_owned(), "draft".to_owned())]);
    let end = |key: &str, bytes: u64, tags: &[(String, String)]| {
        rules
            .expiration(Subject { key, bytes, tags }, at("2026-01-01T12:00:00Z"))
            .map(|due| due.rule_id)
            .unwrap()
    };
    assert_eq!(end("a", 15, &plain), "all");
    assert_eq!(end("logs/a", 15, &plain), "logs");
    assert_eq!(end("logs/a", 15, &draft), "small");
    assert_eq!(end("a", 10, &draft), "all");
    assert_eq!(end("a", 20, &draft), "all");
    let due = rules.expiration(Subject { key: "logs/a", bytes: 1, tags: &plain }, at("2026-01-01T12:00:00Z"));
    assert_eq!(due, Some(Due { at: at("2026-01-04T00:00:00Z"), rule_id: "logs".into() }));
}

/// Versions of one key, newest first: (modified, whether it is a marker).
fn steps(rules: &Lifecycle, versions: &[(&str, bool)], now: &str) -> Vec<Step> {
    let tags = [];
    let versions: Vec<_> = versions
        .iter()
        .map(|(modified, is_delete_marker)| Version {
            modified: at(modified),
            is_delete_marker: *is_delete_marker,
            bytes: 1,
            tags: &tags,
        })
        .collect();
    rules.steps("k", &versions, at(now))
}

#[test]
fn current_versions_end_on_their_day_and_not_before() {
    let rules =
        lifecycle(serde_json::json!([{"Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}}]));
    let versions = [("2026-01-01T12:00:00Z", false)];
    assert_eq!(steps(&rules, &versions, "2026-01-02T23:59:59Z"), []);
    assert_eq!(steps(&rules, &versions, "2026-01-03T00:00:00Z"), [Step::Expire]);
    let dated = lifecycle(serde_json::json!([
        {"Status": "Enabled", "Filter": {}, "Expiration": {"Date": at("2026-02-01T00:00:00Z")}}
    ]));
    assert_eq!(steps(&dated, &versions, "2026-01-31T23:59:59Z"), []);
    assert_eq!(steps(&dated, &versions, "2026-02-01T00:00:00Z"), [Step::Expire]);
}

#[test]
fn noncurrent_versions_end_but_the_newest_of_them_are_kept() {
    let rules =
        lifecycle(serde_json::json!([{"Status": "Enabled", "Filter": {}, "NoncurrentVersionExpiration":
        {"NoncurrentDays": 1, "NewerNoncurrentVersions": 1}}]));
    let versions = [
        ("2026-01-04T12:00:00Z", false),
        ("2026-01-03T12:00:00Z", false),
        ("2026-01-02T12:00:00Z", true),
        ("2026-01-01T12:00:00Z", false),
    ];
    assert_eq!(steps(&rules, &versions, "2026-01-04T12:00:00Z"), [Step::Remove { index: 3 }]);
    assert_eq!(
        steps(&rules, &versions, "2026-02-01T00:00:00Z"),
        [Step::Remove { index: 2 }, Step::Remove { index: 3 }]
    );
}

#[test]
fn delete_markers_end_when_they_hide_nothing() {
    let rules = lifecycle(serde_json::json!([
        {"Status": "Enabled", "Filter": {}, "Expiration": {"ExpiredObjectDeleteMarker": true}}
    ]));
    let marker = ("2026-01-01T12:00:00Z", true);
    assert_eq!(steps(&rules, &[marker], "2026-01-01T12:00:01Z"), [Step::Remove { index: 0 }]);
    assert_eq!(steps(&rules, &[marker, ("2026-01-01T11:00:00Z", false)], "2027-01-01T00:00:00Z"), []);
    let aged = lifecycle(serde_json::json!([{"Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}}]));
    assert_eq!(steps(&aged, &[marker], "2026-01-02T00:00:00Z"), []);
    assert_eq!(steps(&aged, &[marker], "2026-01-03T00:00:00Z"), [Step::Remove { index: 0 }]);
}

#[test]
fn unfinished_uploads_end_by_prefix() {
    let rules = lifecycle(serde_json::json!([{"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "up/"},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2}}]));
    let begun = at("2026-01-01T12:00:00Z");
    assert_eq!(rules.abort("up/a", begun), Some(Due { at: at("2026-01-04T00:00:00Z"), rule_id: "r".into() }));
    assert_eq!(rules.abort("a", begun), None);
}

proptest! {
    #[test]
    fn an_end_is_a_midnight_within_a_day_of_the_days(millis in 0i64..4_000_000_000_000, days in 0i64..4_000) {
        let end = midnight_after(Timestamp::from_epoch_millis(millis), days).epoch_millis();
        prop_assert_eq!(end % DAY_MILLIS, 0);
        let waited = end - millis - days * DAY_MILLIS;
        prop_assert!((0..DAY_MILLIS).contains(&waited));
    }

    /// What is due stays due: time only adds steps.
    #[test]
    fn time_takes_nothing_back(ages in prop::collection::vec((0i64..40, any::<bool>()), 1..6), days in 1i64..20) {
        let rules = lifecycle(serde_json::json!([{"Status": "Enabled", "Filter": {}, "Expiration": {"Days": days},
            "NoncurrentVersionExpiration": {"NoncurrentDays": days}}]));
        let tags = [];
        let mut ages = ages;
        ages.sort_by_key(|(age, _)| *age);
        let now = 1_800_000_000_000;
        let versions: Vec<_> = ages.iter().map(|(age, is_delete_marker)| Version {
            modified: Timestamp::from_epoch_millis(now - age * DAY_MILLIS), is_delete_marker: *is_delete_marker,
            bytes: 1, tags: &tags,
        }).collect();
        let early = rules.steps("k", &versions, Timestamp::from_epoch_millis(now));
        let late = rules.steps("k", &versions, Timestamp::from_epoch_millis(now + 5 * DAY_MILLIS));
        prop_assert!(early.iter().all(|step| late.contains(step)));
    }
}
