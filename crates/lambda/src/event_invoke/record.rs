//! The invocation record that a destination receives.

use serde_json::{Value, json};
use wire::Timestamp;

use super::schedule::Condition;

/// What is told of an event.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    pub(crate) now: Timestamp,
    pub(crate) request_id: &'a str,
    /// With its qualifier, `$LATEST` too.
    pub(crate) function_arn: &'a str,
    pub(crate) condition: Condition,
    /// Runs, the last included.
    pub(crate) invoke_count: u32,
    pub(crate) request: &'a [u8],
    /// `None` when it was never run.
    pub(crate) response: Option<Response<'a>>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Response<'a> {
    pub(crate) executed_version: &'a str,
    pub(crate) function_error: Option<&'a str>,
    pub(crate) payload: &'a [u8],
}

impl Record<'_> {
    pub(crate) fn to_json(&self) -> String {
        let mut record = json!({
            "version": "1.0",
            "timestamp": to_milliseconds(self.now),
            "requestContext": {
                "requestId": self.request_id,
                "functionArn": self.function_arn,
                "condition": self.condition.as_str(),
                "approximateInvokeCount": self.invoke_count,
            },
            "requestPayload": payload(self.request),
        });
        if let Some(response) = &self.response {
            record["responseContext"] =
                json!({ "statusCode": 200, "executedVersion": response.executed_version });
            if let Some(error) = response.function_error {
                record["responseContext"]["functionError"] = error.into();
            }
            record["responsePayload"] = payload(response.payload);
        }
        record.to_string()
    }
}

/// JSON as it is, anything else as text.
fn payload(bytes: &[u8]) -> Value {
    match serde_json::from_slice(bytes) {
        Ok(value) => value,
        Err(_) if bytes.is_empty() => Value::Null,
        Err(_) => String::from_utf8_lossy(bytes).into(),
    }
}

/// RFC 3339 with exactly three digits of a second.
fn to_milliseconds(time: Timestamp) -> String {
    let whole = Timestamp::from_epoch_millis(time.epoch_millis().div_euclid(1_000) * 1_000).to_rfc3339();
    format!("{}.{:03}Z", whole.trim_end_matches('Z'), time.epoch_millis().rem_euclid(1_000))
}

/// The message of a function's error, for a dead letter's attribute.
pub(crate) fn error_message(payload: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Head {
        #[serde(rename = "errorMessage")]
        message: String,
    }
    match serde_json::from_slice::<Head>(payload) {
        Ok(head) => head.message,
        Err(_) => String::from_utf8_lossy(payload).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_failed_event_is_told_with_its_response() {
        let record = Record {
            now: Timestamp::from_epoch_millis(1_573_755_365_008),
            request_id: "e4b46cbf-b738-xmpl-8880-a18cdf61200e",
            function_arn: "arn:aws:lambda:us-east-1:111122223333:function:my-function:$LATEST",
            condition: Condition::RetriesExhausted,
            invoke_count: 3,
            request: br#"{"ORDER_IDS": [1]}"#,
            response: Some(Response {
                executed_version: "$LATEST",
                function_error: Some("Unhandled"),
                payload: br#"{"errorMessage": "exit"}"#,
            }),
        };
        let pretty: Value = serde_json::from_str(&record.to_json()).unwrap();
        expect![[r#"
            {
              "requestContext": {
                "approximateInvokeCount": 3,
                "condition": "RetriesExhausted",
                "functionArn": "arn:aws:lambda:us-east-1:111122223333:function:my-function:$LATEST",
                "requestId": "e4b46cbf-b738-xmpl-8880-a18cdf61200e"
              },
              "requestPayload": {
                "ORDER_IDS": [
                  1
                ]
              },
              "responseContext": {
                "executedVersion": "$LATEST",
                "functionError": "Unhandled",
                "statusCode": 200
              },
              "responsePayload": {
                "errorMessage": "exit"
              },
              "timestamp": "2019-11-14T18:16:05.008Z",
              "version": "1.0"
            }"#]]
        .assert_eq(&serde_json::to_string_pretty(&pretty).unwrap());
    }

    #[test]
    fn payloads_that_are_no_json_are_text() {
        assert_eq!(payload(b"plain"), json!("plain"));
        assert_eq!(payload(b""), Value::Null);
        assert_eq!(error_message(br#"{"errorMessage": "n\u00f6", "x": 1}"#), "nö");
        assert_eq!(error_message(b"plain"), "plain");
    }
}
