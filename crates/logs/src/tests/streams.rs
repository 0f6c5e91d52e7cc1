use expect_test::expect;

use super::Cloud;

fn names(output: &serde_json::Value) -> Vec<String> {
    let streams = output["logStreams"].as_array().unwrap();
    streams.iter().map(|stream| stream["logStreamName"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_stream_is_created_described_and_deleted() {
    let cloud = Cloud::new();
    let input = r#"{"logGroupName":"g","logStreamName":"2023/11/14/[$LATEST]ab"}"#;
    expect!["ResourceNotFoundException: The specified log group does not exist."]
        .assert_eq(&cloud.call("CreateLogStream", input).await);
    cloud.create("g", &["2023/11/14/[$LATEST]ab"]).await;
    expect!["ResourceAlreadyExistsException: The specified log stream already exists"]
        .assert_eq(&cloud.call("CreateLogStream", input).await);
    let bad = r#"{"logGroupName":"g","logStreamName":"a:b"}"#;
    expect!["InvalidParameterException: Log stream names have 1 to 512 characters, at most 1200 bytes, and neither ':' nor '*'."].assert_eq(&cloud.call("CreateLogStream", bad).await);
    expect![[r#"
        {
          "logStreams": [
            {
              "arn": "arn:aws:logs:us-east-1:000000000000:log-group:g:log-stream:2023/11/14/[$LATEST]ab",
              "creationTime": 1700000000000,
              "logStreamName": "2023/11/14/[$LATEST]ab",
              "storedBytes": 0,
              "uploadSequenceToken": "49000000000000000000000000000000000000000000000000000000"
            }
          ]
        }"#]]
    .assert_eq(&cloud.call("DescribeLogStreams", r#"{"logGroupName":"g"}"#).await);
    cloud.put("g", "2023/11/14/[$LATEST]ab", &[(-5, "first"), (3, "last")]).await;
    cloud.put("g", "2023/11/14/[$LATEST]ab", &[(-9, "earlier")]).await;
    expect![[r#"
        {
          "logStreams": [
            {
              "arn": "arn:aws:logs:us-east-1:000000000000:log-group:g:log-stream:2023/11/14/[$LATEST]ab",
              "creationTime": 1700000000000,
              "firstEventTimestamp": 1699999999991,
              "lastEventTimestamp": 1700000000003,
              "lastIngestionTime": 1700000000000,
              "logStreamName": "2023/11/14/[$LATEST]ab",
              "storedBytes": 0,
              "uploadSequenceToken": "49000000000000000000000000000000000000000000000000000002"
            }
          ]
        }"#]]
    .assert_eq(&cloud.call("DescribeLogStreams", r#"{"logGroupIdentifier":"g"}"#).await);
    assert_eq!(cloud.call("DeleteLogStream", input).await, "{}");
    expect!["ResourceNotFoundException: The specified log stream does not exist."]
        .assert_eq(&cloud.call("DeleteLogStream", input).await);
    expect![[r#"
        {
          "logStreams": []
        }"#]]
    .assert_eq(&cloud.call("DescribeLogStreams", r#"{"logGroupName":"g"}"#).await);
}

#[tokio::test]
async fn streams_are_ordered_by_name_or_by_last_event_in_pages() {
    let cloud = Cloud::new();
    cloud.create("g", &["a1", "a2", "b1", "empty"]).await;
    cloud.put("g", "a1", &[(-300, "x")]).await;
    cloud.put("g", "a2", &[(-100, "x")]).await;
    cloud.put("g", "b1", &[(-200, "x")]).await;
    for (parameters, expected) in [
        ("", ["a1", "a2", "b1", "empty"]),
        (r#","descending":true"#, ["empty", "b1", "a2", "a1"]),
        (r#","orderBy":"LastEventTime""#, ["empty", "a1", "b1", "a2"]),
        (r#","orderBy":"LastEventTime","descending":true"#, ["a2", "b1", "a1", "empty"]),
    ] {
        for limit in [1, 3, 4, 50] {
            let mut seen = Vec::new();
            let mut token = String::new();
            loop {
                let input = format!(r#"{{"logGroupName":"g","limit":{limit}{parameters}{token}}}"#);
                let page = cloud.json("DescribeLogStreams", &input).await;
                seen.extend(names(&page));
                let Some(next) = page["nextToken"].as_str() else { break };
                token = format!(r#","nextToken":"{next}""#);
            }
            assert_eq!(seen, expected, "{parameters} {limit}");
        }
    }
    let by_prefix =
        cloud.json("DescribeLogStreams", r#"{"logGroupName":"g","logStreamNamePrefix":"a"}"#).await;
    assert_eq!(names(&by_prefix), ["a1", "a2"]);
}

#[tokio::test]
async fn contradictions_are_refused() {
    let cloud = Cloud::new();
    cloud.create("g", &[]).await;
    for (input, expected) in [
        (
            r#"{"logGroupName":"g","logStreamNamePrefix":"a","orderBy":"LastEventTime"}"#,
            expect!["InvalidParameterException: Cannot order by LastEventTime with a logStreamNamePrefix."],
        ),
        (
            r#"{}"#,
            expect![
                "InvalidParameterException: Either logGroupName or logGroupIdentifier must be specified."
            ],
        ),
        (
            r#"{"logGroupName":"g","logGroupIdentifier":"g"}"#,
            expect![
                "InvalidParameterException: logGroupName and logGroupIdentifier cannot be specified together."
            ],
        ),
        (
            r#"{"logGroupName":"none"}"#,
            expect!["ResourceNotFoundException: The specified log group does not exist."],
        ),
        (
            r#"{"logGroupName":"g","nextToken":"131"}"#,
            expect!["InvalidParameterException: The specified nextToken is invalid."],
        ),
    ] {
        expected.assert_eq(&cloud.call("DescribeLogStreams", input).await);
    }
}
