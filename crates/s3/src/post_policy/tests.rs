use proptest::prelude::*;
use serde_json::json;
use wire::Timestamp;

use super::*;

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-01-02T03:04:05Z").unwrap()
}

fn policy(conditions: serde_json::Value) -> PostPolicy {
    PostPolicy::parse(&json!({"expiration": "2026-01-02T04:00:00Z", "conditions": conditions}).to_string())
        .unwrap()
}

fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn said(conditions: serde_json::Value, pairs: &[(&str, &str)]) -> String {
    match policy(conditions).check("photos", &fields(pairs), now()) {
        Ok(()) => "fine".into(),
        Err(error) => error.message().to_owned(),
    }
}

#[test]
fn each_field_is_covered_and_each_condition_met() {
    let conditions = || json!([{"bucket": "photos"}, ["starts-with", "$key", "user/"], ["eq", "$Content-Type", "image/png"]]);
    let form = [("key", "user/a.png"), ("content-type", "image/png"), ("policy", "x"), ("x-ignore-a", "b")];
    assert_eq!(said(conditions(), &form), "fine");
    assert_eq!(
        said(conditions(), &[("key", "other"), ("content-type", "image/png")]),
        r#"Invalid according to Policy: Policy Condition failed: ["starts-with", "$key", "user/"]"#
    );
    assert_eq!(
        said(conditions(), &[("key", "user/a"), ("content-type", "IMAGE/PNG")]),
        r#"Invalid according to Policy: Policy Condition failed: ["eq", "$Content-Type", "image/png"]"#
    );
    assert_eq!(
        said(conditions(), &[("key", "user/a"), ("content-type", "image/png"), ("acl", "private")]),
        "Invalid according to Policy: Extra input fields: acl"
    );
    assert_eq!(
        said(json!([{"bucket": "other"}]), &[]),
        r#"Invalid according to Policy: Policy Condition failed: ["eq", "$bucket", "other"]"#
    );
    assert_eq!(
        said(json!([["eq", "key", "a"]]), &[("key", "a")]),
        r#"Invalid according to Policy: Policy Condition failed: ["eq", "key", "a"]"#
    );
}

#[test]
fn an_absent_field_meets_no_condition() {
    assert!(said(json!([["starts-with", "$content-type", ""]]), &[]).contains("Policy Condition failed"));
    assert_eq!(said(json!([["starts-with", "$content-type", ""]]), &[("content-type", "")]), "fine");
}

#[test]
fn lists_of_content_types_fit_with_each_entry() {
    let conditions = || json!([["starts-with", "$Content-Type", "image/"]]);
    assert_eq!(said(conditions(), &[("content-type", "image/png,image/gif")]), "fine");
    assert!(said(conditions(), &[("content-type", "image/png,text/plain")]).contains("failed"));
}

#[test]
fn a_policy_ends_at_its_expiration() {
    let at = |expiration: &str| {
        let policy = json!({"expiration": expiration, "conditions": []}).to_string();
        PostPolicy::parse(&policy).unwrap().check("photos", &[], now())
    };
    assert!(at("2026-01-02T03:04:06.000Z").is_ok());
    let error = at("2026-01-02T03:04:05Z").unwrap_err();
    assert_eq!(
        (error.code(), error.message()),
        ("AccessDenied", "Invalid according to Policy: Policy expired.")
    );
}

#[test]
fn sizes_are_inclusive() {
    let range = policy(json!([["content-length-range", 5, "10"]])).bytes();
    assert_eq!(range, ByteRange { min: 5, max: 10 });
    assert!(range.check(5).is_ok() && range.check(10).is_ok());
    assert_eq!(range.check(4).unwrap_err().code(), "EntityTooSmall");
    assert_eq!(range.check(11).unwrap_err().code(), "EntityTooLarge");
    assert_eq!(
        said(json!([["content-length-range", "test", "10"]]), &[]),
        r#"Invalid according to Policy: Policy Condition failed: ["content-length-range", "test", "10"]"#
    );
}

#[test]
fn what_is_no_policy_is_refused() {
    let conditions = |conditions: serde_json::Value| json!({"expiration": "2026-01-02T04:00:00Z", "conditions": conditions});
    for (text, expected) in [
        ("nothing".to_owned(), "Invalid JSON."),
        (json!({"conditions": []}).to_string(), "Policy missing expiration."),
        (json!({"expiration": "2026-01-02T04:00:00Z"}).to_string(), "Policy missing conditions."),
        (
            json!({"expiration": "2026-01-02T04:00:00+02:00", "conditions": []}).to_string(),
            "Invalid 'expiration' value: '2026-01-02T04:00:00+02:00'",
        ),
        (json!({"statement": []}).to_string(), "Unexpected: 'statement'"),
        (conditions(json!({})).to_string(), "Invalid 'conditions' value: must be a List."),
        (
            conditions(json!([{"a": "b", "c": "d"}])).to_string(),
            "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.",
        ),
        (conditions(json!([{"a": 1}])).to_string(), "Invalid Simple-Condition: value must be a string."),
        (conditions(json!([[]])).to_string(), "Invalid Condition: missing operation identifier."),
        (conditions(json!([["in", "$key", "a"]])).to_string(), "Invalid Condition: unknown operation 'in'."),
        (conditions(json!([["eq", "$key"]])).to_string(), "Invalid eq: wrong number of arguments."),
        (conditions(json!([["content-length-range", 0, 1.5]])).to_string(), "Invalid JSON."),
    ] {
        let error = PostPolicy::parse(&text).unwrap_err();
        assert_eq!(
            (error.code(), error.message()),
            ("InvalidPolicyDocument", format!("Invalid Policy: {expected}").as_str())
        );
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".*") {
        let _ = PostPolicy::parse(&text);
    }
}
