use expect_test::expect;

use super::{Cloud, NOW, messages};

const STREAM: &str = r#""logGroupName":"g","logStreamName":"s""#;

#[tokio::test]
async fn events_go_in_and_come_out_in_the_order_of_their_times() {
    let cloud = Cloud::new();
    cloud.create("g", &["s"]).await;
    expect![[r#"{"nextSequenceToken":"49000000000000000000000000000000000000000000000000000001"}"#]]
        .assert_eq(&cloud.put("g", "s", &[(1, "one"), (3, "three")]).await.to_string());
    cloud.platform.clock().advance_millis(10);
    cloud.put("g", "s", &[(0, "zero"), (2, "two"), (3, "three again")]).await;
    expect![[r#"
        {
          "events": [
            {
              "ingestionTime": 1700000000010,
              "message": "zero",
              "timestamp": 1700000000000
            },
            {
              "ingestionTime": 1700000000000,
              "message": "one",
              "timestamp": 1700000000001
            },
            {
              "ingestionTime": 1700000000010,
              "message": "two",
              "timestamp": 1700000000002
            },
            {
              "ingestionTime": 1700000000000,
              "message": "three",
              "timestamp": 1700000000003
            },
            {
              "ingestionTime": 1700000000010,
              "message": "three again",
              "timestamp": 1700000000003
            }
          ],
          "nextBackwardToken": "b/1313730303030303030303030302e313730303030303030303031302e382e312e30/s",
          "nextForwardToken": "f/1313730303030303030303030332e313730303030303030303031302e382e312e33/s"
        }"#]]
    .assert_eq(&cloud.call("GetLogEvents", &format!(r#"{{{STREAM},"startFromHead":true}}"#)).await);
    let range = format!(r#"{{{STREAM},"startTime":{},"endTime":{}}}"#, NOW + 1, NOW + 3);
    assert_eq!(messages(&cloud.json("GetLogEvents", &range).await), ["one", "two"]);
}

#[tokio::test]
async fn pages_go_both_ways_and_stand_still_at_the_ends() {
    let cloud = Cloud::new();
    cloud.create("g", &["s"]).await;
    let events: Vec<(i64, String)> =
        (0..10).map(|index| (index / 2 - 200_000 * (9 - index), format!("{index}"))).collect();
    for (after, message) in &events {
        cloud.put("g", "s", &[(*after, message)]).await;
    }
    let get =
        async |rest: &str| cloud.json("GetLogEvents", &format!(r#"{{{STREAM},"limit":4{rest}}}"#)).await;
    let first = get(r#","startFromHead":true"#).await;
    assert_eq!(messages(&first), ["0", "1", "2", "3"]);
    let mut forward = first["nextForwardToken"].as_str().unwrap().to_owned();
    let mut seen = Vec::new();
    loop {
        let page = get(&format!(r#","startFromHead":true,"nextToken":"{forward}""#)).await;
        seen.extend(messages(&page).into_iter().map(str::to_owned));
        let next = page["nextForwardToken"].as_str().unwrap();
        if next == forward {
            assert!(messages(&page).is_empty());
            break;
        }
        forward = next.to_owned();
    }
    assert_eq!(seen, ["4", "5", "6", "7", "8", "9"]);
    cloud.put("g", "s", &[(5_000, "later")]).await;
    let page = get(&format!(r#","startFromHead":true,"nextToken":"{forward}""#)).await;
    assert_eq!(messages(&page), ["later"]);

    let last = get("").await;
    assert_eq!(messages(&last), ["7", "8", "9", "later"]);
    let mut backward = last["nextBackwardToken"].as_str().unwrap().to_owned();
    let mut pages = Vec::new();
    loop {
        let page = get(&format!(r#","nextToken":"{backward}""#)).await;
        let next = page["nextBackwardToken"].as_str().unwrap();
        if next == backward {
            break;
        }
        pages.push(messages(&page).join(" "));
        backward = next.to_owned();
    }
    assert_eq!(pages, ["3 4 5 6", "0 1 2"]);
    expect!["InvalidParameterException: The specified nextToken is invalid."]
        .assert_eq(&cloud.call("GetLogEvents", &format!(r#"{{{STREAM},"nextToken":"f/x/s"}}"#)).await);
}

#[tokio::test]
async fn an_empty_stream_has_tokens_that_lead_to_what_comes() {
    let cloud = Cloud::new();
    cloud.create("g", &["s"]).await;
    let empty = cloud.json("GetLogEvents", &format!("{{{STREAM}}}")).await;
    assert!(messages(&empty).is_empty());
    let token = empty["nextForwardToken"].as_str().unwrap();
    cloud.put("g", "s", &[(0, "x")]).await;
    let input = format!(r#"{{{STREAM},"startFromHead":true,"nextToken":"{token}"}}"#);
    assert_eq!(messages(&cloud.json("GetLogEvents", &input).await), ["x"]);
}

#[tokio::test]
async fn a_page_ends_before_a_mebibyte() {
    let cloud = Cloud::new();
    cloud.create("g", &["s"]).await;
    let large = "x".repeat(400_000);
    for index in 0..5 {
        cloud.put("g", "s", &[(index, &large)]).await;
    }
    let head = cloud.json("GetLogEvents", &format!(r#"{{{STREAM},"startFromHead":true}}"#)).await;
    assert_eq!(head["events"].as_array().unwrap().len(), 2);
    let tail = cloud.json("GetLogEvents", &format!("{{{STREAM}}}")).await;
    assert_eq!(tail["events"][1]["timestamp"], NOW + 4);
}

#[tokio::test]
async fn bad_batches_are_refused_whole() {
    let cloud = Cloud::new();
    cloud.create("g", &["s"]).await;
    let event =
        |after: i64, message: &str| format!(r#"{{"timestamp":{},"message":"{message}"}}"#, NOW + after);
    for (stream, events, expected) in [
        (
            STREAM,
            format!("{},{}", event(1, "b"), event(0, "a")),
            expect![
                "InvalidParameterException: Log events in a single PutLogEvents request must be in chronological order."
            ],
        ),
        (
            STREAM,
            format!("{},{}", event(-86_400_001, "b"), event(0, "a")),
            expect![
                "InvalidParameterException: The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
            ],
        ),
        (
            STREAM,
            event(0, &"x".repeat(1_048_551)),
            expect!["InvalidParameterException: Log event too large: 1048577 bytes exceeds limit of 1048576"],
        ),
        (
            r#""logGroupName":"g","logStreamName":"none""#,
            event(0, "a"),
            expect!["ResourceNotFoundException: The specified log stream does not exist."],
        ),
        (
            r#""logGroupName":"none","logStreamName":"s""#,
            event(0, "a"),
            expect!["ResourceNotFoundException: The specified log group does not exist."],
        ),
    ] {
        let input = format!(r#"{{{stream},"logEvents":[{events}]}}"#);
        expected.assert_eq(&cloud.call("PutLogEvents", &input).await);
    }
    let all = cloud.json("GetLogEvents", &format!("{{{STREAM}}}")).await;
    assert!(messages(&all).is_empty());
}

#[tokio::test]
async fn events_out_of_time_are_left_out_and_named() {
    let cloud = Cloud::new();
    cloud.create("g", &["s"]).await;
    const HOUR: i64 = 3_600_000;
    let answer = cloud.put("g", "s", &[(-15 * 24 * HOUR, "old"), (0, "now"), (3 * HOUR, "future")]).await;
    expect![[r#"{"tooNewLogEventStartIndex":2,"tooOldLogEventEndIndex":1}"#]]
        .assert_eq(&answer["rejectedLogEventsInfo"].to_string());
    cloud.json("PutRetentionPolicy", r#"{"logGroupName":"g","retentionInDays":1}"#).await;
    let answer = cloud.put("g", "s", &[(-25 * HOUR, "expired"), (0, "now too")]).await;
    expect![[r#"{"expiredLogEventEndIndex":1}"#]].assert_eq(&answer["rejectedLogEventsInfo"].to_string());
    let all = cloud.json("GetLogEvents", &format!("{{{STREAM}}}")).await;
    assert_eq!(messages(&all), ["now", "now too"]);
}

#[tokio::test]
async fn ingest_creates_what_is_missing_and_takes_what_it_gets() {
    let cloud = Cloud::new();
    let long = "é".repeat(600_000);
    let events = format!(
        r#"[{{"timestamp":{},"message":"b"}},{{"timestamp":{NOW},"message":"a"}},{{"timestamp":{NOW},"message":""}},
            {{"timestamp":{},"message":"{long}"}}]"#,
        NOW + 1,
        NOW + 2,
    );
    cloud.json("Ingest", &format!(r#"{{{STREAM},"logEvents":{events}}}"#)).await;
    cloud.json("Ingest", &format!(r#"{{{STREAM},"logEvents":[]}}"#)).await;
    let head = cloud.json("GetLogEvents", &format!(r#"{{{STREAM},"startFromHead":true,"limit":2}}"#)).await;
    assert_eq!(messages(&head), ["a", "b"]);
    let input = format!(r#"{{"logGroupName":"g","startTime":{}}}"#, NOW + 2);
    let first = cloud.json("FilterLogEvents", &input).await;
    let token = first["nextToken"].as_str().unwrap();
    let input = format!(r#"{{"logGroupName":"g","nextToken":"{token}"}}"#);
    let second = cloud.json("FilterLogEvents", &input).await;
    let parts = [messages(&first), messages(&second)].concat();
    assert_eq!(parts.concat(), long);
    expect!["InvalidParameterException: Log group names have 1 to 512 of the characters a-z, A-Z, 0-9, '_', '-', '/', '.' and '#'."]
        .assert_eq(&cloud.call("Ingest", r#"{"logGroupName":"a b","logStreamName":"s","logEvents":[]}"#).await);
}

#[tokio::test]
async fn writers_of_one_stream_do_not_lose_events() {
    let cloud = std::sync::Arc::new(Cloud::new());
    cloud.create("g", &["s"]).await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8 {
        let cloud = std::sync::Arc::clone(&cloud);
        writers.spawn(async move {
            for index in 0..25 {
                cloud.put("g", "s", &[(index, &format!("{writer}-{index}"))]).await;
            }
        });
    }
    writers.join_all().await;
    let all = cloud.json("GetLogEvents", &format!("{{{STREAM}}}")).await;
    let mut seen = messages(&all);
    assert_eq!(seen.len(), 200);
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 200);
    let groups = cloud.json("DescribeLogGroups", "{}").await;
    let bytes: usize = seen.iter().map(|message| message.len() + 26).sum();
    assert_eq!(groups["logGroups"][0]["storedBytes"], bytes);
}
