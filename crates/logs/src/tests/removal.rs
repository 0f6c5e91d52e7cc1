use expect_test::expect;

use super::{Cloud, messages};

const DAY: i64 = 24 * 3_600_000;

#[tokio::test]
async fn a_deleted_group_leaves_nothing_and_comes_back_empty() {
    let cloud = Cloud::new();
    let rows_before = cloud.rows().await;
    cloud.create("g", &["s"]).await;
    cloud.put("g", "s", &[(0, "old")]).await;
    cloud.json("PutRetentionPolicy", r#"{"logGroupName":"g","retentionInDays":7}"#).await;
    cloud.json("DeleteLogGroup", r#"{"logGroupName":"g"}"#).await;
    cloud.create("g", &["s"]).await;
    let all = cloud.json("FilterLogEvents", r#"{"logGroupName":"g"}"#).await;
    assert!(messages(&all).is_empty());
    cloud.put("g", "s", &[(0, "new")]).await;
    cloud.clean().await;
    let all = cloud.json("FilterLogEvents", r#"{"logGroupName":"g"}"#).await;
    assert_eq!(messages(&all), ["new"]);
    cloud.json("DeleteLogGroup", r#"{"logGroupName":"g"}"#).await;
    cloud.clean().await;
    assert_eq!(cloud.rows().await, rows_before);
}

#[tokio::test]
async fn a_deleted_stream_leaves_nothing_and_comes_back_empty() {
    let cloud = Cloud::new();
    cloud.create("g", &[]).await;
    let rows_before = cloud.rows().await;
    let stream = r#"{"logGroupName":"g","logStreamName":"s"}"#;
    cloud.json("CreateLogStream", stream).await;
    cloud.put("g", "s", &[(0, "old")]).await;
    cloud.json("DeleteLogStream", stream).await;
    cloud.json("CreateLogStream", stream).await;
    assert!(messages(&cloud.json("GetLogEvents", stream).await).is_empty());
    cloud.json("DeleteLogStream", stream).await;
    cloud.clean().await;
    assert_eq!(cloud.rows().await, rows_before);
}

#[tokio::test]
async fn retention_hides_at_once_and_removes_later() {
    let cloud = Cloud::new();
    cloud.create("g", &["s", "t"]).await;
    cloud.put("g", "s", &[(-2 * DAY, "expired"), (-2 * DAY + 1, "expired too")]).await;
    cloud.put("g", "s", &[(0, "kept")]).await;
    cloud.put("g", "t", &[(-2 * DAY, "expired as well")]).await;
    let rows_before = cloud.rows().await;
    cloud.json("PutRetentionPolicy", r#"{"logGroupName":"g","retentionInDays":1}"#).await;
    let all = cloud.json("FilterLogEvents", r#"{"logGroupName":"g"}"#).await;
    assert_eq!(messages(&all), ["kept"]);
    let stream = r#"{"logGroupName":"g","logStreamName":"s","startFromHead":true}"#;
    assert_eq!(messages(&cloud.json("GetLogEvents", stream).await), ["kept"]);
    cloud.clean().await;
    // Two chunks are gone, the mark of the policy is there.
    assert_eq!(cloud.rows().await, rows_before - 2 + 1);
    cloud.json("DeleteRetentionPolicy", r#"{"logGroupName":"g"}"#).await;
    assert_eq!(cloud.rows().await, rows_before - 2);
    let all = cloud.json("FilterLogEvents", r#"{"logGroupName":"g"}"#).await;
    assert_eq!(messages(&all), ["kept"]);
    expect![[r#"
        {
          "logStreams": [
            {
              "arn": "arn:aws:logs:us-east-1:000000000000:log-group:g:log-stream:s",
              "creationTime": 1700000000000,
              "firstEventTimestamp": 1700000000000,
              "lastEventTimestamp": 1700000000000,
              "lastIngestionTime": 1700000000000,
              "logStreamName": "s",
              "storedBytes": 0,
              "uploadSequenceToken": "49000000000000000000000000000000000000000000000000000002"
            },
            {
              "arn": "arn:aws:logs:us-east-1:000000000000:log-group:g:log-stream:t",
              "creationTime": 1700000000000,
              "lastIngestionTime": 1700000000000,
              "logStreamName": "t",
              "storedBytes": 0,
              "uploadSequenceToken": "49000000000000000000000000000000000000000000000000000001"
            }
          ]
        }"#]]
    .assert_eq(&cloud.call("DescribeLogStreams", r#"{"logGroupName":"g"}"#).await);
    let groups = cloud.json("DescribeLogGroups", "{}").await;
    assert_eq!(groups["logGroups"][0]["storedBytes"], 26 + 4);
}

#[tokio::test]
async fn a_long_stream_expires_in_several_commits() {
    let cloud = Cloud::new();
    cloud.create("g", &["s"]).await;
    for minute in 0..150 {
        cloud.put("g", "s", &[(minute * 60_000 - 3 * DAY, "x")]).await;
    }
    cloud.put("g", "s", &[(0, "kept")]).await;
    cloud.json("PutRetentionPolicy", r#"{"logGroupName":"g","retentionInDays":1}"#).await;
    let rows_before = cloud.rows().await;
    cloud.clean().await;
    assert_eq!(cloud.rows().await, rows_before - 150);
}

#[tokio::test]
async fn only_certain_retentions_are_allowed() {
    let cloud = Cloud::new();
    cloud.create("g", &[]).await;
    expect!["InvalidParameterException: Invalid retention value. Valid values are: [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]"]
    .assert_eq(&cloud.call("PutRetentionPolicy", r#"{"logGroupName":"g","retentionInDays":4}"#).await);
    expect!["ResourceNotFoundException: The specified log group does not exist."]
        .assert_eq(&cloud.call("PutRetentionPolicy", r#"{"logGroupName":"none","retentionInDays":1}"#).await);
    expect!["ResourceNotFoundException: The specified log group does not exist."]
        .assert_eq(&cloud.call("DeleteRetentionPolicy", r#"{"logGroupName":"none"}"#).await);
    cloud.json("PutRetentionPolicy", r#"{"logGroupName":"g","retentionInDays":3653}"#).await;
    let groups = cloud.json("DescribeLogGroups", "{}").await;
    assert_eq!(groups["logGroups"][0]["retentionInDays"], 3_653);
}

#[tokio::test]
async fn an_accounts_reset_takes_its_marks_along() {
    let cloud = Cloud::new();
    cloud.create("g", &[]).await;
    cloud.json("PutRetentionPolicy", r#"{"logGroupName":"g","retentionInDays":1}"#).await;
    let account = service::AccountId::default();
    (crate::DEFINITION.reset)(&cloud.logs.service, &cloud.platform, Some(&account)).await.unwrap();
    cloud.platform.reset(Some(&account)).await.unwrap();
    assert_eq!(cloud.rows().await, 0);
}
