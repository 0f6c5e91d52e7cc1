//! `cloudling audit`: who did what, and what was decided about it, from CloudTrail.

use serde_json::{Value, json};

use crate::arguments::Audit;
use crate::client::Client;
use crate::output::{Output, line};

const LOOKUP: &str = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents";

pub(crate) async fn run(audit: &Audit, client: &Client, output: &Output) -> anyhow::Result<()> {
    let mut request = json!({});
    let attribute = match (&audit.user, &audit.operation) {
        (Some(user), _) => Some(("Username", user)),
        (None, Some(operation)) => Some(("EventName", operation)),
        (None, None) => None,
    };
    if let Some((key, value)) = attribute {
        request["LookupAttributes"] = json!([{ "AttributeKey": key, "AttributeValue": value }]);
    }
    let mut shown = 0;
    while shown < audit.number {
        let page = client.json("cloudtrail", LOOKUP, &request).await?;
        for event in page["Events"].as_array().into_iter().flatten() {
            let record = event["CloudTrailEvent"].as_str().unwrap_or_default();
            let record: Value = serde_json::from_str(record).unwrap_or_default();
            if audit.denied && record.get("errorCode").is_none() {
                continue;
            }
            line(&if output.is_json() { record.to_string() } else { text(&record) });
            shown += 1;
            if shown == audit.number {
                return Ok(());
            }
        }
        match page["NextToken"].as_str() {
            Some(token) => request["NextToken"] = token.into(),
            None => break,
        }
    }
    if shown == 0 {
        output.say("no such calls in this account and region");
    }
    Ok(())
}

/// One call on one line.
fn text(record: &Value) -> String {
    let field = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let identity = &record["userIdentity"];
    let who = ["arn", "invokedBy", "principalId"].iter().find_map(|name| identity[*name].as_str());
    let decision = if record.get("errorCode").is_some() { "denied " } else { "allowed" };
    let why = record["errorMessage"].as_str().map(|text| format!("  {text}")).unwrap_or_default();
    format!(
        "{}  {decision}  {}  {}  {}  from {}  {}{why}",
        field(&record["eventTime"]),
        field(&record["additionalEventData"]["action"]),
        record["resources"][0]["ARN"].as_str().unwrap_or("*"),
        who.unwrap_or("-"),
        field(&record["sourceIPAddress"]),
        field(&record["requestID"]),
    )
}
