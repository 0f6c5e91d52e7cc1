//! `cloudling logs`: what a function logged, and with `--follow` what it logs from now on.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::bail;
use serde_json::{Value, json};

use crate::arguments::Logs;
use crate::client::{Client, is_refusal};
use crate::output::{Output, line};

const POLL_PAUSE: Duration = Duration::from_millis(500);
/// Events may become visible a little after others that are younger; so far back is looked again.
const LOOK_BACK_MILLIS: i64 = 5_000;

pub(crate) async fn run(logs: &Logs, client: &Client, output: &Output) -> anyhow::Result<()> {
    let group =
        if logs.name.starts_with('/') { logs.name.clone() } else { format!("/aws/lambda/{}", logs.name) };
    let mut printed: HashSet<String> = HashSet::new();
    let mut since_epoch_millis = 0;
    loop {
        let events = match events(client, &group, since_epoch_millis).await {
            Ok(events) => events,
            Err(error) if is_refusal(&error, "ResourceNotFoundException") && logs.follow => Vec::new(),
            Err(error) if is_refusal(&error, "ResourceNotFoundException") => {
                bail!(
                    "{group} has no logs: a function writes its first when it is called (`cloudling invoke {}`)",
                    logs.name
                )
            }
            Err(error) => return Err(error),
        };
        for event in &events {
            let id = event["eventId"].as_str().unwrap_or_default().to_owned();
            if printed.insert(id) {
                print(event, output);
            }
            let at = event["timestamp"].as_i64().unwrap_or(0);
            since_epoch_millis = since_epoch_millis.max(at - LOOK_BACK_MILLIS);
        }
        if !logs.follow {
            return Ok(());
        }
        // Older ids cannot come back, so they need not be kept.
        let seen: HashSet<&str> = events.iter().filter_map(|event| event["eventId"].as_str()).collect();
        printed.retain(|id| seen.contains(id.as_str()));
        tokio::time::sleep(POLL_PAUSE).await;
    }
}

async fn events(client: &Client, group: &str, since_epoch_millis: i64) -> anyhow::Result<Vec<Value>> {
    let mut events = Vec::new();
    let mut request = json!({ "logGroupName": group, "startTime": since_epoch_millis });
    loop {
        let page = client.json("logs", "Logs_20140328.FilterLogEvents", &request).await?;
        events.extend(page["events"].as_array().cloned().unwrap_or_default());
        match page["nextToken"].as_str() {
            Some(token) => request["nextToken"] = token.into(),
            None => return Ok(events),
        }
    }
}

fn print(event: &Value, output: &Output) {
    if output.is_json() {
        line(&event.to_string());
        return;
    }
    line(event["message"].as_str().unwrap_or_default().trim_end());
}
