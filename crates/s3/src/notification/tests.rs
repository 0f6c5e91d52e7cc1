use expect_test::expect;
use proptest::prelude::*;
use service::Ids;
use wire::Timestamp;

use super::event::{configurable, covers, share};
use super::record::{Happening, encoded_key, message};
use super::*;
use crate::events::Cause;

const ALL: [Cause; 11] = [
    Cause::Put,
    Cause::Post,
    Cause::Copy,
    Cause::CompleteMultipartUpload,
    Cause::Delete,
    Cause::DeleteMarkerCreated,
    Cause::LifecycleExpirationDelete,
    Cause::LifecycleExpirationDeleteMarkerCreated,
    Cause::TaggingPut,
    Cause::TaggingDelete,
    Cause::AclPut,
];

fn functions(rules: serde_json::Value) -> Notification {
    let mut all: Vec<serde_json::Value> = serde_json::from_value(rules).unwrap();
    for rule in &mut all {
        rule["LambdaFunctionArn"] = "arn:aws:lambda:us-east-1:000000000000:function:f".into();
    }
    serde_json::from_value(serde_json::json!({ "LambdaFunctionConfigurations": all })).unwrap()
}

fn rule(events: &[&str], prefix: Option<&str>, suffix: Option<&str>) -> serde_json::Value {
    let named = |name: &str, value: Option<&str>| {
        value.map(|value| serde_json::json!({"Name": name, "Value": value}))
    };
    let rules: Vec<_> = named("prefix", prefix).into_iter().chain(named("suffix", suffix)).collect();
    serde_json::json!({"Events": events, "Filter": {"Key": {"FilterRules": rules}}})
}

fn refusal(rules: serde_json::Value) -> String {
    match functions(rules).check(&Ids::counting()) {
        Ok(()) => "fine".into(),
        Err(error) => format!("{}: {}", error.code(), error.message()),
    }
}

#[test]
fn rules_of_the_same_event_may_not_overlap() {
    const CREATED: &[&str] = &["s3:ObjectCreated:*"];
    const PUT: &[&str] = &["s3:ObjectCreated:Put"];
    let pair = |one: serde_json::Value, other: serde_json::Value| refusal(serde_json::json!([one, other]));
    let ambiguous = "InvalidArgument: Configuration is ambiguously defined.";
    assert!(
        pair(rule(CREATED, None, None), rule(PUT, None, None))
            .starts_with("InvalidArgument: Configurations overlap.")
    );
    assert!(pair(rule(CREATED, Some("a"), None), rule(PUT, None, None)).starts_with(ambiguous));
    assert!(pair(rule(CREATED, Some("a/"), None), rule(PUT, Some("a/b"), None)).starts_with(ambiguous));
    assert!(pair(rule(CREATED, None, Some("jpg")), rule(PUT, None, Some("pg"))).starts_with(ambiguous));
    assert!(
        pair(rule(CREATED, Some("a"), Some("jpg")), rule(PUT, Some("a"), Some("jpg"))).starts_with(ambiguous)
    );
    assert_eq!(pair(rule(CREATED, Some("a/"), None), rule(PUT, Some("b/"), None)), "fine");
    assert_eq!(pair(rule(CREATED, Some("a"), Some("jpg")), rule(PUT, Some("a"), Some("png"))), "fine");
    assert_eq!(pair(rule(CREATED, None, None), rule(&["s3:ObjectRemoved:*"], None, None)), "fine");
}

#[test]
fn what_aws_refuses_is_refused() {
    let named = |name: &str| {
        serde_json::json!([{"Events": ["s3:ObjectCreated:*"],
                            "Filter": {"Key": {"FilterRules": [{"Name": name, "Value": "x"}]}}}])
    };
    assert_eq!(refusal(named("infix")), "InvalidArgument: filter rule name must be either prefix or suffix");
    assert_eq!(refusal(named("Prefix")), "fine");
    let events = |event: &str| serde_json::json!([{ "Events": [event] }]);
    assert!(refusal(events("s3:ObjectCreated:Move")).contains("A specified event is not supported"));
    assert!(refusal(serde_json::json!([{ "Events": [] }])).starts_with("MalformedXML"));
    let twice = rule(&["s3:ObjectCreated:*"], Some("a"), None);
    let mut two = [twice.clone(), twice];
    two[1]["Filter"]["Key"]["FilterRules"][0]["Value"] = "b".into();
    two.iter_mut().for_each(|rule| rule["Id"] = "same".into());
    assert!(refusal(serde_json::json!(two)).contains("Same ID used"));
    let long =
        |bytes: usize| serde_json::json!([rule(&["s3:ObjectCreated:*"], Some(&"a".repeat(bytes)), None)]);
    assert_eq!(refusal(long(1_024)), "fine");
    assert!(refusal(long(1_025)).contains("cannot exceed 1024 bytes"));
}

#[test]
fn filters_are_answered_capitalised_and_rules_have_ids() {
    let mut stored = functions(serde_json::json!([rule(&["s3:ObjectCreated:*"], Some("in/"), Some(".jpg"))]));
    stored.check(&Ids::counting()).unwrap();
    let rule = &stored.lambda_function_configurations[0].rule;
    assert!(rule.id.is_some());
    let names: Vec<_> = rule
        .filter
        .as_ref()
        .unwrap()
        .key
        .as_ref()
        .unwrap()
        .filter_rules
        .iter()
        .map(|r| r.name.clone().unwrap())
        .collect();
    assert_eq!(names, ["Prefix", "Suffix"]);
    assert!(rule.covers(Cause::Post, "in/a.jpg"));
    assert!(!rule.covers(Cause::Post, "out/a.jpg"));
    assert!(!rule.covers(Cause::Post, "in/a.png"));
    assert!(!rule.covers(Cause::Delete, "in/a.jpg"));
}

#[test]
fn names_are_sorted_for_their_search_and_cover_what_they_say() {
    assert!(configurable().is_sorted());
    for event in ALL {
        let name = format!("s3:{}", event.name());
        assert!(super::event::is_configurable(&name), "{name}");
        assert!(covers(&name, event), "{name}");
        if let Some((family, _)) = name.rsplit_once(':').filter(|(family, _)| family.contains(':')) {
            assert_eq!(
                covers(&format!("{family}:*"), event),
                event != Cause::AclPut || family == "s3:ObjectAcl"
            );
        }
    }
    assert!(!covers("s3:ObjectCreated:Put", Cause::Post));
}

#[test]
fn two_names_share_an_event_exactly_when_one_covers_what_the_other_names() {
    for one in configurable() {
        for other in configurable() {
            let common = ALL.iter().any(|event| covers(one, *event) && covers(other, *event));
            assert!(!common || share(one, other), "{one} {other}");
            assert_eq!(share(one, other), share(other, one), "{one} {other}");
        }
    }
}

#[test]
fn a_record_is_as_on_aws() {
    let happening = Happening {
        event: Cause::Put,
        time: Timestamp::from_epoch_millis(1_767_323_045_000),
        region: "us-east-1",
        bucket: "photos",
        owner_id: "owner",
        principal_id: "AWS:AROA:me",
        source_address: "127.0.0.1",
        request_id: "REQUEST",
        key: "in/red flower ä.jpg",
        bytes: Some(1024),
        etag: Some("d41d8cd98f00b204e9800998ecf8427e"),
        version_id: Some("v1"),
        sequence: 0x55AED6DCD90281E5,
    };
    let text = serde_json::to_string_pretty(&message(&happening, "thumbnails")).unwrap();
    expect![[r#"
        {
          "Records": [
            {
              "awsRegion": "us-east-1",
              "eventName": "ObjectCreated:Put",
              "eventSource": "aws:s3",
              "eventTime": "2026-01-02T03:04:05.000Z",
              "eventVersion": "2.1",
              "requestParameters": {
                "sourceIPAddress": "127.0.0.1"
              },
              "responseElements": {
                "x-amz-id-2": "REQUEST",
                "x-amz-request-id": "REQUEST"
              },
              "s3": {
                "bucket": {
                  "arn": "arn:aws:s3:::photos",
                  "name": "photos",
                  "ownerIdentity": {
                    "principalId": "owner"
                  }
                },
                "configurationId": "thumbnails",
                "object": {
                  "eTag": "d41d8cd98f00b204e9800998ecf8427e",
                  "key": "in/red+flower+%C3%A4.jpg",
                  "sequencer": "55AED6DCD90281E5",
                  "size": 1024,
                  "versionId": "v1"
                },
                "s3SchemaVersion": "1.0"
              },
              "userIdentity": {
                "principalId": "AWS:AROA:me"
              }
            }
          ]
        }"#]]
    .assert_eq(&text);
}

proptest! {
    #[test]
    fn keys_come_back_from_their_form(key in ".*") {
        let decoded = percent_encoding::percent_decode_str(&encoded_key(&key).replace('+', " "))
            .decode_utf8().unwrap().into_owned();
        prop_assert_eq!(decoded, key);
    }

    /// Whenever two filters both cover a key, they are said to overlap.
    #[test]
    fn filters_that_meet_overlap(key in "[ab]{0,6}", cuts in [0usize..6, 0usize..6, 0usize..6, 0usize..6]) {
        let [start, end, its_start, its_end] = cuts.map(|cut| cut.min(key.len()));
        let filter = |start: usize, end: usize| -> Filter {
            let mut filter = serde_json::from_value::<Filter>(serde_json::json!({"Key": {"FilterRules": [
                {"Name": "prefix", "Value": key[..start]}, {"Name": "suffix", "Value": key[end..]}]}})).unwrap();
            filter.check().unwrap();
            filter
        };
        let (one, other) = (filter(start, end), filter(its_start, its_end));
        prop_assert!(one.covers(&key) && other.covers(&key));
        prop_assert!(one.overlaps(&other) && other.overlaps(&one));
    }
}
