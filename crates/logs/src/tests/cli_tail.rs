//! What `aws logs tail --follow` does: poll FilterLogEvents, start where the latest event was, skip known event ids.

use std::collections::HashSet;

use super::{Cloud, NOW};

#[tokio::test]
async fn following_shows_every_event_once() {
    let cloud = Cloud::new();
    cloud.create("g", &["a", "b"]).await;
    let mut start = NOW - 600_000;
    let mut known = HashSet::new();
    let mut shown = Vec::new();
    for round in 0..4 {
        cloud
            .put("g", "a", &[(round * 10, &format!("a{round}")), (round * 10 + 5, &format!("a{round}+"))])
            .await;
        cloud.put("g", "b", &[(round * 10 + 5, &format!("b{round}"))]).await;
        let mut token = String::new();
        loop {
            let input =
                format!(r#"{{"logGroupName":"g","startTime":{start},"interleaved":true,"limit":2{token}}}"#);
            let page = cloud.json("FilterLogEvents", &input).await;
            for event in page["events"].as_array().unwrap() {
                if known.insert(event["eventId"].as_str().unwrap().to_owned()) {
                    shown.push(event["message"].as_str().unwrap().to_owned());
                    start = start.max(event["timestamp"].as_i64().unwrap());
                }
            }
            let Some(next) = page["nextToken"].as_str() else { break };
            token = format!(r#","nextToken":"{next}""#);
        }
    }
    assert_eq!(shown.join(" "), "a0 a0+ b0 a1 a1+ b1 a2 a2+ b2 a3 a3+ b3");
}
