use expect_test::expect;
use proptest::prelude::*;

use super::{Cloud, NOW, messages};

#[tokio::test]
async fn streams_are_interleaved() {
    let cloud = Cloud::new();
    cloud.create("g", &["a", "b", "other"]).await;
    cloud.put("g", "a", &[(0, "a0 ERROR"), (2, "a2"), (4, "a4 ERROR")]).await;
    cloud.put("g", "b", &[(1, "b1 ERROR"), (3, "b3")]).await;
    cloud.put("g", "other", &[(2, "o2 ERROR")]).await;
    let input = r#"{"logGroupName":"g","limit":2}"#;
    expect![[r#"
        {
          "events": [
            {
              "eventId": "31700000000000000000000000000000080000000000000000000000",
              "ingestionTime": 1700000000000,
              "logStreamName": "a",
              "message": "a0 ERROR",
              "timestamp": 1700000000000
            },
            {
              "eventId": "31700000000001000000000000000000120000000000000000000000",
              "ingestionTime": 1700000000000,
              "logStreamName": "b",
              "message": "b1 ERROR",
              "timestamp": 1700000000001
            }
          ],
          "nextToken": "f/1313730303030303030303030322e313730303030303030303030302e382e302e31/s",
          "searchedLogStreams": []
        }"#]]
    .assert_eq(&cloud.call("FilterLogEvents", input).await);
    for (rest, expected) in [
        ("", &["a0 ERROR", "b1 ERROR", "a2", "o2 ERROR", "b3", "a4 ERROR"][..]),
        (r#","filterPattern":"ERROR -b1""#, &["a0 ERROR", "o2 ERROR", "a4 ERROR"]),
        (r#","logStreamNames":["b","other"]"#, &["b1 ERROR", "o2 ERROR", "b3"]),
        (r#","logStreamNamePrefix":"o""#, &["o2 ERROR"]),
    ] {
        for limit in [1, 2, 100] {
            let mut seen = Vec::new();
            let mut token = String::new();
            loop {
                let input = format!(r#"{{"logGroupName":"g","limit":{limit}{rest}{token}}}"#);
                let page = cloud.json("FilterLogEvents", &input).await;
                seen.extend(messages(&page).into_iter().map(str::to_owned));
                let Some(next) = page["nextToken"].as_str() else { break };
                token = format!(r#","nextToken":"{next}""#);
            }
            assert_eq!(seen, expected, "{rest} {limit}");
        }
    }
    let range = format!(r#"{{"logGroupName":"g","startTime":{},"endTime":{}}}"#, NOW + 2, NOW + 3);
    assert_eq!(messages(&cloud.json("FilterLogEvents", &range).await), ["a2", "o2 ERROR", "b3"]);
}

#[tokio::test]
async fn the_latest_events_come_first_when_asked() {
    let cloud = Cloud::new();
    // The API allows this order for times since 2024 only.
    let start = 1_704_067_200_000_i64;
    cloud.platform.clock().advance_millis(start + 10_000 - NOW);
    cloud.create("g", &["s"]).await;
    let after = start - NOW;
    cloud.put("g", "s", &[(after, "0"), (after + 1, "1"), (after + 2, "2")]).await;
    let input = format!(r#"{{"logGroupName":"g","startFromHead":false,"startTime":{start},"limit":2}}"#);
    let page = cloud.json("FilterLogEvents", &input).await;
    assert_eq!(messages(&page), ["2", "1"]);
    let token = page["nextToken"].as_str().unwrap();
    let input = format!(r#"{{"logGroupName":"g","startTime":{start},"nextToken":"{token}"}}"#);
    let page = cloud.json("FilterLogEvents", &input).await;
    assert_eq!((messages(&page), page.get("nextToken")), (vec!["0"], None));
}

#[tokio::test]
async fn bad_searches_are_refused() {
    let cloud = Cloud::new();
    cloud.create("g", &["s"]).await;
    for (input, expected) in [
        (
            r#"{"logGroupName":"none"}"#,
            expect!["ResourceNotFoundException: The specified log group does not exist."],
        ),
        (
            r#"{"logGroupName":"g","logStreamNames":["none"]}"#,
            expect!["ResourceNotFoundException: The specified log stream does not exist."],
        ),
        (
            r#"{"logGroupName":"g","logStreamNames":["s"],"logStreamNamePrefix":"s"}"#,
            expect![
                "InvalidParameterException: LogStreamNamePrefix and LogStreamNames are mutually exclusive parameters."
            ],
        ),
        (
            r#"{"logGroupName":"g","filterPattern":"a@b"}"#,
            expect!["InvalidParameterException: Invalid filter pattern"],
        ),
        (
            r#"{"logGroupName":"g","filterPattern":"{ $.a = 1"}"#,
            expect!["InvalidParameterException: If a filter pattern starts with '{' it must end with '}'"],
        ),
        (
            r#"{"logGroupName":"g","nextToken":"x"}"#,
            expect!["InvalidParameterException: The specified nextToken is invalid."],
        ),
        (
            r#"{"logGroupName":"g","startFromHead":false}"#,
            expect![
                "InvalidParameterException: startFromHead can be false only if startTime is on or after 2024-01-01T00:00:00Z."
            ],
        ),
        (
            r#"{"logGroupIdentifier":"arn:aws:logs:us-east-1:000000000000:log-group:"}"#,
            expect![
                "InvalidParameterException: Invalid log group ARN: arn:aws:logs:us-east-1:000000000000:log-group:"
            ],
        ),
    ] {
        expected.assert_eq(&cloud.call("FilterLogEvents", input).await);
    }
}

#[tokio::test]
async fn metric_filters_are_tested() {
    let cloud = Cloud::new();
    let input = r#"{"filterPattern":"[ip, code = 4*]","logEventMessages":["1.1.1.1 404","1.1.1.1 200"]}"#;
    expect![[r#"
        {
          "matches": [
            {
              "eventMessage": "1.1.1.1 404",
              "eventNumber": 1,
              "extractedValues": {
                "$code": "404",
                "$ip": "1.1.1.1"
              }
            }
          ]
        }"#]]
    .assert_eq(&cloud.call("TestMetricFilter", input).await);
    let input = r#"{"filterPattern":"{ $.a = 1 }","logEventMessages":["{\"a\":1}"]}"#;
    expect![[r#"
        {
          "matches": [
            {
              "eventMessage": "{\"a\":1}",
              "eventNumber": 1,
              "extractedValues": {
                "$.a": "1"
              }
            }
          ]
        }"#]]
    .assert_eq(&cloud.call("TestMetricFilter", input).await);
    expect!["InvalidParameterException: Invalid filter pattern"].assert_eq(
        &cloud.call("TestMetricFilter", r#"{"filterPattern":"\"","logEventMessages":["x"]}"#).await,
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Any batches into any streams, read back in pages of any size, are all events sorted by time.
    #[test]
    fn pages_put_together_are_everything(
        batches in prop::collection::vec((0_usize..3, prop::collection::vec(0_i64..300_000, 1..12)), 1..8),
        limit in 1_usize..9,
        backward in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let cloud = Cloud::new();
            let start = 1_704_067_200_000_i64;
            cloud.platform.clock().advance_millis(start + 600_000 - NOW);
            cloud.create("g", &["s0", "s1", "s2"]).await;
            let mut expected = Vec::new();
            for (number, (stream, mut times)) in batches.into_iter().enumerate() {
                times.sort_unstable();
                let named: Vec<(i64, String)> = times
                    .iter()
                    .enumerate()
                    .map(|(index, time)| (start - NOW + time, format!("{time} {number} {index}")))
                    .collect();
                let events: Vec<(i64, &str)> = named.iter().map(|(time, text)| (*time, text.as_str())).collect();
                cloud.put("g", &format!("s{stream}"), &events).await;
                expected.extend(named.into_iter().map(|(_, text)| text));
            }
            let mut seen = Vec::new();
            let mut token = String::new();
            loop {
                let input = format!(
                    r#"{{"logGroupName":"g","limit":{limit},"startTime":{start},"startFromHead":{}{token}}}"#,
                    !backward
                );
                let page = cloud.json("FilterLogEvents", &input).await;
                assert!(page["events"].as_array().unwrap().len() <= limit);
                seen.extend(messages(&page).into_iter().map(str::to_owned));
                let Some(next) = page["nextToken"].as_str() else { break };
                token = format!(r#","nextToken":"{next}""#);
            }
            if backward {
                seen.reverse();
            }
            let time = |text: &String| text.split(' ').next().unwrap().parse::<i64>().unwrap();
            assert!(seen.is_sorted_by_key(time), "{seen:?}");
            seen.sort_unstable();
            expected.sort_unstable();
            assert_eq!(seen, expected);
        });
    }
}
