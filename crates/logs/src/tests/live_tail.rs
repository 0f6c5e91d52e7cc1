use futures_util::StreamExt;
use service::ReplyStream;

use super::Cloud;

#[tokio::test(start_paused = true)]
async fn a_live_tail_shows_what_comes_in() {
    let cloud = Cloud::new();
    cloud.create("g", &["s", "t"]).await;
    cloud.create("other", &["s"]).await;
    cloud.put("g", "s", &[(0, "before ERROR")]).await;
    let arn = "arn:aws:logs:us-east-1:000000000000:log-group:g";
    let input = format!(
        r#"{{"logGroupIdentifiers":["{arn}"],"logStreamNamePrefixes":["s"],"logEventFilterPattern":"ERROR"}}"#
    );
    let reply = cloud.reply("StartLiveTail", &input).await.unwrap();
    let Some(ReplyStream::Events(mut events)) = reply.stream else { panic!("no stream") };
    let start = events.next().await.unwrap().unwrap();
    assert_eq!(start.name, "sessionStart");
    cloud.put("g", "s", &[(1, "one ERROR"), (2, "two")]).await;
    cloud.put("g", "t", &[(1, "elsewhere ERROR")]).await;
    cloud.put("other", "s", &[(1, "elsewhere ERROR")]).await;
    let update = events.next().await.unwrap().unwrap();
    assert_eq!(update.name, "sessionUpdate");
    let update = update.document.to_json();
    expect_test::expect![[r#"
        {
          "sessionMetadata": {
            "sampled": false
          },
          "sessionResults": [
            {
              "ingestionTime": 1700000000000,
              "logGroupIdentifier": "000000000000:g",
              "logStreamName": "s",
              "message": "one ERROR",
              "timestamp": 1700000000001
            }
          ]
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&update).unwrap());
    let many = vec![(3, "ERROR"); 501];
    cloud.put("g", "s", &many).await;
    let update = events.next().await.unwrap().unwrap().document.to_json();
    assert_eq!(update["sessionMetadata"]["sampled"], true);
    assert_eq!(update["sessionResults"].as_array().unwrap().len(), 500);
    let mut last = "";
    while let Some(event) = events.next().await {
        last = event.unwrap().name;
    }
    assert_eq!(last, "SessionTimeoutException");
}

#[tokio::test]
async fn bad_live_tails_are_refused() {
    let cloud = Cloud::new();
    cloud.create("g", &[]).await;
    for input in [
        r#"{"logGroupIdentifiers":["none"]}"#,
        r#"{"logGroupIdentifiers":["g","g"],"logStreamNames":["s"]}"#,
        r#"{"logGroupIdentifiers":["g"],"logStreamNames":["s"],"logStreamNamePrefixes":["s"]}"#,
        r#"{"logGroupIdentifiers":["g"],"logEventFilterPattern":"\""}"#,
    ] {
        assert!(cloud.reply("StartLiveTail", input).await.is_err(), "{input}");
    }
}
