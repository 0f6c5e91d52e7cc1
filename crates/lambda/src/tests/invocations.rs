//! Invocations, with Python functions as plain processes.

use expect_test::{Expect, expect};
use futures_util::TryStreamExt;
use service::ReplyStream;
use wire::Document;

use super::stage::{ROLE, Stage, python};

async fn check(stage: &Stage, request: &str, expected: Expect) {
    expected.assert_eq(&stage.text(request).await);
}

const ECHO: &str =
    "def handler(event, context):\n    print('got', event)\n    return [event, context.function_version]";

#[tokio::test(flavor = "multi_thread")]
async fn a_function_runs_and_its_output_is_logged() {
    let stage = Stage::new().await;
    stage.create("hello", ECHO, r#", "LoggingConfig": {"LogGroup": "/my/group"}"#).await;
    assert_eq!(stage.invoke("hello", r#"{"a": 1}"#).await, r#"- $LATEST [{"a": 1}, "$LATEST"]"#);
    assert_eq!(stage.invoke("hello", "").await, r#"- $LATEST [{}, "$LATEST"]"#);
    let tail = stage.member(r#"Invoke {"FunctionName": "hello", "LogType": "Tail"}"#, "LogResult").await;
    assert!(tail.len() > 100, "{tail}");
    stage.lambda.flush_logs(&stage.cloud.platform).await;
    let lines = stage.doubles.lines.lock().unwrap().clone();
    assert!(lines.iter().all(|(group, _)| group == "/my/group"));
    for wanted in ["START RequestId", "got {'a': 1}", "END RequestId", "REPORT RequestId"] {
        assert!(lines.iter().any(|(_, line)| line.contains(wanted)), "{wanted} is not in {lines:?}");
    }
    assert_eq!(*stage.doubles.roles.lock().unwrap(), [format!("{ROLE} as hello")], "credentials are kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_seen_by_the_next_invocation() {
    let stage = Stage::new().await;
    stage.create("hello", "def handler(event, context): return 1", r#", "Publish": true"#).await;
    assert_eq!(stage.invoke("hello", "").await, "- $LATEST 1");
    let update = r#"UpdateFunctionCode {"FunctionName": "hello", "Publish": true}"#;
    stage
        .with_zip(update, &python("import os\ndef handler(event, context): return os.environ.get('NEW', 2)"))
        .await;
    assert_eq!(stage.invoke("hello", "").await, "- $LATEST 2");
    assert_eq!(stage.invoke("hello:1", "").await, "- 1 1");
    let configure = r#"UpdateFunctionConfiguration {"FunctionName": "hello", "Environment": {"Variables": {"NEW": "3"}}}"#;
    stage.text(configure).await;
    assert_eq!(stage.invoke("hello", "").await, r#"- $LATEST "3""#);
    stage.text(r#"CreateAlias {"FunctionName": "hello", "Name": "live", "FunctionVersion": "1"}"#).await;
    assert_eq!(stage.invoke("hello:live", "").await, "- 1 1");
    let weights = r#"UpdateAlias {"FunctionName": "hello", "Name": "live", "RoutingConfig": {"AdditionalVersionWeights": {"2": 1.0}}}"#;
    stage.text(weights).await;
    assert_eq!(stage.invoke("hello:live", "").await, "- 2 2");
    stage.text(r#"DeleteFunction {"FunctionName": "hello"}"#).await;
    let gone =
        "ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:111122223333:function:hello";
    assert_eq!(stage.invoke("hello", "").await, gone);
    assert_eq!(stage.lambda.workers.stats().idle, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_told_apart() {
    let stage = Stage::new().await;
    stage.create("hello", "def handler(event, context): raise ValueError('no')", "").await;
    let failed = stage.invoke("hello", "").await;
    assert!(failed.starts_with("Unhandled $LATEST {"), "{failed}");
    assert!(
        failed.contains(r#""errorType": "ValueError""#) || failed.contains(r#""errorType":"ValueError""#),
        "{failed}"
    );
    assert!(
        stage
            .invoke("hello", "{")
            .await
            .starts_with("InvalidRequestContentException: Could not parse request body")
    );
    assert!(stage.invoke("none", "{").await.starts_with("InvalidRequestContentException"));
    check(
        &stage,
        r#"Invoke {"FunctionName": "hello", "InvocationType": "DryRun"}"#,
        expect![[r#"
        {
          "StatusCode": 204
        }"#]],
    )
    .await;
    check(&stage, r#"Invoke {"FunctionName": "none", "InvocationType": "DryRun"}"#, expect!["ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:111122223333:function:none"]).await;
    check(&stage, r#"Invoke {"FunctionName": "hello", "ClientContext": "!"}"#, expect!["InvalidRequestContentException: Could not parse request body into json: Client context must be a valid Base64-encoded JSON object."]).await;
    stage.text(r#"UpdateFunctionConfiguration {"FunctionName": "hello", "Role": "arn:aws:iam::111122223333:role/refused"}"#).await;
    expect!["AccessDeniedException: The role defined for the function cannot be assumed by Lambda: not authorized to perform: sts:AssumeRole"].assert_eq(&stage.invoke("hello", "").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn reserved_concurrency_throttles() {
    let stage = Stage::new().await;
    stage.create("hello", "def handler(event, context): return 1", "").await;
    check(
        &stage,
        r#"PutFunctionConcurrency {"FunctionName": "hello", "ReservedConcurrentExecutions": 901}"#,
        expect!["InvalidParameterValueException: Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]."],
    )
    .await;
    check(
        &stage,
        r#"PutFunctionConcurrency {"FunctionName": "hello:1", "ReservedConcurrentExecutions": 1}"#,
        expect!["InvalidParameterValueException: This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN."],
    )
    .await;
    check(
        &stage,
        r#"PutFunctionConcurrency {"FunctionName": "none", "ReservedConcurrentExecutions": 1}"#,
        expect!["ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:111122223333:function:none"],
    )
    .await;
    check(
        &stage,
        r#"PutFunctionConcurrency {"FunctionName": "hello", "ReservedConcurrentExecutions": 0}"#,
        expect![[r#"
            {
              "ReservedConcurrentExecutions": 0
            }"#]],
    )
    .await;
    assert_eq!(stage.invoke("hello", "").await, "TooManyRequestsException: Rate Exceeded.");
    check(
        &stage,
        r#"GetFunctionConcurrency {"FunctionName": "hello"}"#,
        expect![[r#"
        {
          "ReservedConcurrentExecutions": 0
        }"#]],
    )
    .await;
    check(&stage, r#"DeleteFunctionConcurrency {"FunctionName": "hello"}"#, expect!["{}"]).await;
    assert_eq!(stage.invoke("hello", "").await, "- $LATEST 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_running_execution_is_the_limit_of_one() {
    let stage = Stage::new().await;
    stage
        .create("slow", "import time\ndef handler(event, context):\n    time.sleep(0.4)\n    return 1", "")
        .await;
    stage.text(r#"PutFunctionConcurrency {"FunctionName": "slow", "ReservedConcurrentExecutions": 1}"#).await;
    let (first, second) = tokio::join!(stage.invoke("slow", ""), stage.invoke("slow", ""));
    let mut answers = [first, second];
    answers.sort();
    assert_eq!(answers, ["- $LATEST 1", "TooManyRequestsException: Rate Exceeded."]);
    assert_eq!(stage.invoke("slow", "").await, "- $LATEST 1", "the permit came back");
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_are_streamed_as_events() {
    let stage = Stage::new().await;
    stage.create("hello", "def handler(event, context): return 'hi'", "").await;
    let input = Document::map([("FunctionName", "hello".into()), ("LogType", "Tail".into())]);
    let reply = stage.cloud.call("lambda", "InvokeWithResponseStream", input).await.unwrap();
    let Some(ReplyStream::Events(events)) = reply.stream else { panic!("events are streamed") };
    let events: Vec<service::Event> = events.try_collect().await.unwrap();
    let payload: Vec<u8> = events
        .iter()
        .filter(|event| event.name == "PayloadChunk")
        .flat_map(|event| event.document.get("Payload").and_then(Document::as_blob).unwrap().to_vec())
        .collect();
    assert_eq!(payload, br#""hi""#);
    let last = events.last().unwrap();
    assert_eq!(last.name, "InvokeComplete");
    assert!(last.document.get("LogResult").is_some() && last.document.get("ErrorCode").is_none());
}

/// A killed process leaves rows and blobs; folders come back from them.
#[tokio::test(flavor = "multi_thread")]
async fn folders_come_back_from_blobs() {
    let stage = Stage::new().await;
    stage.create("hello", "def handler(event, context): return 1", "").await;
    stage.lambda.folders.forget(None).await.unwrap();
    assert_eq!(stage.invoke("hello", "").await, "- $LATEST 1");
}
