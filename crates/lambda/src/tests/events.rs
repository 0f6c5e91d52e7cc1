//! Asynchronous invocations, with Python functions as plain processes and a clock that stands still.

use expect_test::{Expect, expect};
use wire::Document;

use super::stage::Stage;

const ECHO: &str =
    "def handler(event, context):\n    print('got', event, context.aws_request_id)\n    return event";
const FAIL: &str =
    "def handler(event, context):\n    print('got', event)\n    raise ValueError('no ' + str(event))";
const QUEUE: &str = "arn:aws:sqs:us-east-1:111122223333:q";

impl Stage {
    /// Queues an event; its request id, or the error.
    async fn event(&self, function: &str, payload: &str) -> String {
        let input = Document::map([
            ("FunctionName", function.into()),
            ("InvocationType", "Event".into()),
            ("Payload", Document::Blob(payload.as_bytes().to_vec().into())),
        ]);
        match self.cloud.call("lambda", "Invoke", input).await {
            Ok(reply) => {
                assert!(reply.document.get("Payload").is_none());
                reply.document.get("StatusCode").unwrap().to_json().to_string()
            }
            Err(failure) => failure.to_string(),
        }
    }

    /// The lines `got …` that functions wrote.
    async fn runs(&self) -> Vec<String> {
        self.lambda.flush_logs(&self.cloud.platform).await;
        let lines = self.doubles.lines.lock().unwrap();
        lines
            .iter()
            .filter(|(_, line)| line.starts_with("got"))
            .map(|(_, line)| line.trim().to_owned())
            .collect()
    }

    /// The messages that came to the queue: sender, body, and attributes in short.
    fn sent(&self) -> Vec<String> {
        let messages = std::mem::take(&mut *self.doubles.messages.lock().unwrap());
        messages
            .into_iter()
            .map(|(sender, message)| {
                assert_eq!(
                    message.get("QueueUrl").and_then(Document::as_str),
                    Some("http://127.0.0.1:4566/111122223333/q")
                );
                let body = message.get("MessageBody").and_then(Document::as_str).unwrap_or_default();
                let attributes = message.get("MessageAttributes").map(|all| all.to_json().to_string());
                format!("{sender}: {body} {}", attributes.unwrap_or_default())
            })
            .collect()
    }
}

async fn check(stage: &Stage, request: &str, expected: Expect) {
    expected.assert_eq(&stage.text(request).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_runs_after_it_was_acknowledged_and_its_outcome_is_told() {
    let stage = Stage::new().await;
    stage.create("first", ECHO, "").await;
    stage.create("second", ECHO, "").await;
    let destination = "arn:aws:lambda:us-east-1:111122223333:function:second";
    let config = format!(
        r#"PutFunctionEventInvokeConfig {{"FunctionName": "first", "DestinationConfig": {{"OnSuccess": {{"Destination": "{destination}"}}}}}}"#
    );
    check(
        &stage,
        &config,
        expect![[r#"
            {
              "DestinationConfig": {
                "OnFailure": {},
                "OnSuccess": {
                  "Destination": "arn:aws:lambda:us-east-1:111122223333:function:second"
                }
              },
              "FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:first:$LATEST",
              "LastModified": "2026-01-02T03:04:05Z"
            }"#]],
    )
    .await;
    assert_eq!(stage.event("first", r#"{"n": 1}"#).await, "202");
    assert_eq!(stage.runs().await, [""; 0], "it is only queued");
    stage.cloud.deliver_posts().await;
    let mut runs = stage.runs().await;
    assert_eq!(runs.len(), 2, "{runs:?}");
    // Lines of two functions come in any order.
    runs.sort_by_key(|run| run.contains("requestContext"));
    assert!(runs[0].starts_with("got {'n': 1}"), "{runs:?}");
    for wanted in [
        "'condition': 'Success'",
        "'approximateInvokeCount': 1",
        "'functionArn': 'arn:aws:lambda:us-east-1:111122223333:function:first:$LATEST'",
        "'requestPayload': {'n': 1}",
        "'responseContext': {'executedVersion': '$LATEST', 'statusCode': 200}",
        "'responsePayload': {'n': 1}",
    ] {
        assert!(runs[1].contains(wanted), "{wanted} is not in {}", runs[1]);
    }
    stage.cloud.deliver_posts().await;
    assert_eq!(stage.runs().await.len(), 2, "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_event_is_run_three_times_and_then_told() {
    let stage = Stage::new().await;
    let settings = format!(r#", "DeadLetterConfig": {{"TargetArn": "{QUEUE}"}}"#);
    stage.create("hello", FAIL, &settings).await;
    let config = format!(
        r#"PutFunctionEventInvokeConfig {{"FunctionName": "hello", "DestinationConfig": {{"OnFailure": {{"Destination": "{QUEUE}"}}}}}}"#
    );
    stage.text(&config).await;
    assert_eq!(stage.event("hello", "7").await, "202");
    stage.cloud.deliver_posts().await;
    for (wait_millis, runs) in [(59_999, 1), (1, 2), (119_999, 2)] {
        stage.cloud.advance_millis(wait_millis);
        stage.cloud.deliver_posts().await;
        assert_eq!(stage.runs().await.len(), runs);
        assert_eq!(stage.sent(), [""; 0]);
    }
    stage.cloud.advance_millis(1);
    stage.cloud.deliver_posts().await;
    assert_eq!(stage.runs().await, ["got 7"; 3]);
    let sent = stage.sent();
    let role = "arn:aws:sts::111122223333:assumed-role/lambda-role/hello";
    assert_eq!(sent.len(), 2, "{sent:?}");
    let (record, letter): (Vec<&String>, Vec<&String>) =
        sent.iter().partition(|message| message.contains("requestContext"));
    assert!(record[0].starts_with(role), "{record:?}");
    for wanted in [
        r#""condition":"RetriesExhausted""#,
        r#""approximateInvokeCount":3"#,
        r#""functionError":"Unhandled""#,
        r#""errorType":"ValueError""#,
    ] {
        assert!(record[0].contains(wanted), "{wanted} is not in {record:?}");
    }
    assert!(letter[0].starts_with(&format!("{role}: 7 {{")), "{letter:?}");
    for wanted in [
        r#""ErrorCode":{"DataType":"Number","StringValue":"200"}"#,
        r#""ErrorMessage":{"DataType":"String","StringValue":"no 7"}"#,
    ] {
        assert!(letter[0].contains(wanted), "{wanted} is not in {letter:?}");
    }

    stage
        .text(r#"UpdateFunctionEventInvokeConfig {"FunctionName": "hello", "MaximumRetryAttempts": 0}"#)
        .await;
    stage.event("hello", "8").await;
    stage.cloud.deliver_posts().await;
    assert_eq!(stage.sent().len(), 2, "at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_event_waits_until_it_is_too_old() {
    let stage = Stage::new().await;
    stage.create("hello", ECHO, "").await;
    let config = format!(
        r#"PutFunctionEventInvokeConfig {{"FunctionName": "hello", "MaximumEventAgeInSeconds": 60, "DestinationConfig": {{"OnFailure": {{"Destination": "{QUEUE}"}}}}}}"#
    );
    stage.text(&config).await;
    stage
        .text(r#"PutFunctionConcurrency {"FunctionName": "hello", "ReservedConcurrentExecutions": 1}"#)
        .await;
    let pool = stage.lambda.pools.get(&stage.cloud.scope).unwrap();
    let permit = pool.acquire("hello").unwrap();
    stage.event("hello", "1").await;
    for wait_millis in [0, 1_000, 2_000] {
        stage.cloud.advance_millis(wait_millis);
        stage.cloud.deliver_posts().await;
    }
    assert_eq!(stage.runs().await, [""; 0]);
    drop(permit);
    stage.cloud.advance_millis(4_000);
    stage.cloud.deliver_posts().await;
    assert_eq!(stage.runs().await.len(), 1);

    let permit = pool.acquire("hello").unwrap();
    stage.event("hello", "2").await;
    for _ in 0..10 {
        stage.cloud.deliver_posts().await;
        stage.cloud.advance_millis(10_000);
    }
    drop(permit);
    let sent = stage.sent();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].contains(r#""condition":"EventAgeExceeded""#), "{sent:?}");
    assert!(sent[0].contains(r#""approximateInvokeCount":0"#) && !sent[0].contains("responseContext"));

    stage
        .text(r#"PutFunctionConcurrency {"FunctionName": "hello", "ReservedConcurrentExecutions": 0}"#)
        .await;
    stage.event("hello", "3").await;
    stage.cloud.deliver_posts().await;
    assert_eq!(stage.sent().len(), 1, "a function that is switched off keeps no events");
    assert_eq!(stage.runs().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_checked_before_they_are_queued() {
    let stage = Stage::new().await;
    stage.create("hello", ECHO, "").await;
    assert_eq!(
        stage.event("none", "1").await,
        "ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:111122223333:function:none"
    );
    assert!(stage.event("hello", "{").await.starts_with("InvalidRequestContentException"));
    let text = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
    assert_eq!(stage.event("hello", &text(1_048_576)).await, "202");
    assert_eq!(
        stage.event("hello", &text(1_048_577)).await,
        "RequestTooLargeException: Request must be smaller than 1048576 bytes for the InvokeFunction operation"
    );
    check(
        &stage,
        r#"InvokeAsync {"FunctionName": "hello"}"#,
        expect![[r#"
        {
          "Status": 202
        }"#]],
    )
    .await;
    stage.text(r#"DeleteFunction {"FunctionName": "hello"}"#).await;
    stage.cloud.deliver_posts().await;
    assert_eq!(stage.runs().await, [""; 0], "events go with their function");
    assert_eq!(stage.cloud.platform.blobs().list().await.unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn configurations_are_kept_by_qualifier() {
    let stage = Stage::new().await;
    stage.create("hello", ECHO, r#", "Publish": true"#).await;
    stage.text(r#"CreateAlias {"FunctionName": "hello", "Name": "live", "FunctionVersion": "1"}"#).await;
    for request in ["Put", "Update"] {
        check(
            &stage,
            &format!(r#"{request}FunctionEventInvokeConfig {{"FunctionName": "hello"}}"#),
            expect!["InvalidParameterValueException: You must specify at least one of error handling or destination setting."],
        )
        .await;
    }
    let not_there = r#"UpdateFunctionEventInvokeConfig {"FunctionName": "hello", "Qualifier": "1", "MaximumRetryAttempts": 1}"#;
    check(&stage, not_there, expect!["ResourceNotFoundException: The function arn:aws:lambda:us-east-1:111122223333:function:hello:1 doesn't have an EventInvokeConfig"]).await;
    for qualifier in ["none", "9"] {
        let request = format!(
            r#"PutFunctionEventInvokeConfig {{"FunctionName": "hello", "Qualifier": "{qualifier}", "MaximumRetryAttempts": 1}}"#
        );
        check(&stage, &request, expect!["ResourceNotFoundException: The function doesn't exist."]).await;
    }
    for (destination, expected) in [
        (
            "arn:aws:lambda:us-east-1:111122223333:function:hello",
            expect![
                "InvalidParameterValueException: You can't specify the function as a destination for itself."
            ],
        ),
        (
            "arn:aws:lambda:us-east-1:111122223333:function:none",
            expect![
                "InvalidParameterValueException: The destination ARN arn:aws:lambda:us-east-1:111122223333:function:none is invalid."
            ],
        ),
        (
            "arn:aws:sqs:us-east-1:111122223333:none",
            expect![
                "InvalidParameterValueException: The destination ARN arn:aws:sqs:us-east-1:111122223333:none is invalid."
            ],
        ),
        (
            "arn:aws:sns:us-east-1:111122223333:t",
            expect![
                "InvalidParameterValueException: The destination ARN arn:aws:sns:us-east-1:111122223333:t is invalid."
            ],
        ),
    ] {
        let request = format!(
            r#"PutFunctionEventInvokeConfig {{"FunctionName": "hello", "DestinationConfig": {{"OnFailure": {{"Destination": "{destination}"}}}}}}"#
        );
        check(&stage, &request, expected).await;
    }
    for (qualifier, retries) in [("1", 1), ("live", 2), ("$LATEST", 0)] {
        let request = format!(
            r#"PutFunctionEventInvokeConfig {{"FunctionName": "hello", "Qualifier": "{qualifier}", "MaximumRetryAttempts": {retries}}}"#
        );
        stage.text(&request).await;
    }
    let update = format!(
        r#"UpdateFunctionEventInvokeConfig {{"FunctionName": "hello", "MaximumEventAgeInSeconds": 90, "DestinationConfig": {{"OnFailure": {{"Destination": "{QUEUE}"}}}}}}"#
    );
    stage.text(&update).await;
    check(
        &stage,
        r#"GetFunctionEventInvokeConfig {"FunctionName": "hello"}"#,
        expect![[r#"
            {
              "DestinationConfig": {
                "OnFailure": {
                  "Destination": "arn:aws:sqs:us-east-1:111122223333:q"
                },
                "OnSuccess": {}
              },
              "FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:hello:$LATEST",
              "LastModified": "2026-01-02T03:04:05Z",
              "MaximumEventAgeInSeconds": 90,
              "MaximumRetryAttempts": 0
            }"#]],
    )
    .await;
    stage.text(r#"UpdateFunctionEventInvokeConfig {"FunctionName": "hello", "DestinationConfig": {"OnFailure": {}}}"#).await;
    let list = r#"ListFunctionEventInvokeConfigs {"FunctionName": "hello"}"#;
    let listed: serde_json::Value = serde_json::from_str(&stage.text(list).await).unwrap();
    let shown: Vec<String> = listed["FunctionEventInvokeConfigs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|config| {
            let arn = config["FunctionArn"].as_str().unwrap().rsplit(':').next().unwrap();
            format!("{arn} {} {}", config["MaximumRetryAttempts"], config["DestinationConfig"]["OnFailure"])
        })
        .collect();
    assert_eq!(shown, ["$LATEST 0 {}", "1 1 {}", "live 2 {}"]);
    check(&stage, r#"DeleteFunctionEventInvokeConfig {"FunctionName": "hello"}"#, expect!["{}"]).await;
    check(&stage, r#"DeleteFunctionEventInvokeConfig {"FunctionName": "hello"}"#, expect!["ResourceNotFoundException: The function arn:aws:lambda:us-east-1:111122223333:function:hello:$LATEST doesn't have an EventInvokeConfig"]).await;
    stage.text(r#"DeleteAlias {"FunctionName": "hello", "Name": "live"}"#).await;
    stage.text(r#"DeleteFunction {"FunctionName": "hello", "Qualifier": "1"}"#).await;
    check(
        &stage,
        list,
        expect![[r#"
        {
          "FunctionEventInvokeConfigs": []
        }"#]],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letter_targets_must_be_there() {
    let stage = Stage::new().await;
    let with = |arn: &str| format!(r#", "DeadLetterConfig": {{"TargetArn": "{arn}"}}"#);
    let refused = stage.create("hello", ECHO, &with("arn:aws:sqs:us-east-1:111122223333:none")).await;
    expect!["InvalidParameterValueException: The provided execution role does not have permissions to call SendMessage on SQS"].assert_eq(&refused);
    let refused = stage.create("hello", ECHO, &with("arn:aws:sns:us-east-1:111122223333:t")).await;
    expect!["InvalidParameterValueException: The provided execution role does not have permissions to call Publish on SNS"].assert_eq(&refused);
    stage.create("hello", ECHO, &with(QUEUE)).await;
    let target = |arn: &str| {
        format!(
            r#"UpdateFunctionConfiguration {{"FunctionName": "hello", "DeadLetterConfig": {{"TargetArn": "{arn}"}}}}"#
        )
    };
    let refused = stage.text(&target("arn:aws:lambda:us-east-1:111122223333:function:hello")).await;
    assert!(refused.contains("is invalid."), "{refused}");
    assert!(stage.text(&target("")).await.contains("FunctionName"));
}
