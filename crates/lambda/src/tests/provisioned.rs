//! Provisioned concurrency, with Python functions as plain processes.

use expect_test::{Expect, expect};
use service::AnyService;
use wire::{Document, Map};

use super::stage::Stage;

async fn check(stage: &Stage, request: &str, expected: Expect) {
    expected.assert_eq(&stage.text(request).await);
}

impl Stage {
    /// What the background task does, until nothing is missing.
    async fn keep_provisioned(&self) {
        let lambda: &dyn AnyService = self.cloud.platform.registry().find("lambda").unwrap();
        let cx = self.cloud.context();
        loop {
            let step = lambda.execute(&cx, "KeepProvisioned", Document::Map(Map::default())).await;
            if step.unwrap().document.get("Missing") == Some(&Document::Bool(false)) {
                return;
            }
        }
    }
}

const TYPE: &str =
    "import os\ndef handler(event, context): return os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']";

#[tokio::test(flavor = "multi_thread")]
async fn workers_are_there_before_it_is_ready_and_go_with_the_configuration() {
    let stage = Stage::new().await;
    stage.create("hello", TYPE, r#", "Publish": true"#).await;
    let get = r#"GetProvisionedConcurrencyConfig {"FunctionName": "hello", "Qualifier": "1"}"#;
    check(
        &stage,
        get,
        expect![
            "ProvisionedConcurrencyConfigNotFoundException: No Provisioned Concurrency Config found for this function"
        ],
    )
    .await;
    let put = r#"PutProvisionedConcurrencyConfig {"FunctionName": "hello", "Qualifier": "1", "ProvisionedConcurrentExecutions": 2}"#;
    assert_eq!(stage.member(put, "RequestedProvisionedConcurrentExecutions").await, "2");
    stage.keep_provisioned().await;
    check(
        &stage,
        get,
        expect![[r#"
            {
              "AllocatedProvisionedConcurrentExecutions": 2,
              "AvailableProvisionedConcurrentExecutions": 2,
              "LastModified": "2026-01-02T03:04:05+0000",
              "RequestedProvisionedConcurrentExecutions": 2,
              "Status": "READY"
            }"#]],
    )
    .await;
    assert_eq!(stage.invoke("hello:1", "").await, r#"- 1 "provisioned-concurrency""#);
    assert_eq!(stage.invoke("hello", "").await, r#"- $LATEST "on-demand""#);
    let list = r#"ListProvisionedConcurrencyConfigs {"FunctionName": "hello"}"#;
    let listed: serde_json::Value = serde_json::from_str(&stage.text(list).await).unwrap();
    let item = &listed["ProvisionedConcurrencyConfigs"][0];
    assert_eq!(item["FunctionArn"], "arn:aws:lambda:us-east-1:111122223333:function:hello:1");
    assert_eq!(item["Status"], "READY");
    let delete = r#"DeleteProvisionedConcurrencyConfig {"FunctionName": "hello", "Qualifier": "1"}"#;
    check(&stage, delete, expect!["{}"]).await;
    check(&stage, delete, expect!["{}"]).await;
    check(
        &stage,
        get,
        expect![
            "ProvisionedConcurrencyConfigNotFoundException: No Provisioned Concurrency Config found for this function"
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_provisioned_is_refused_or_fails_with_its_reason() {
    let stage = Stage::new().await;
    stage.create("hello", "raise ValueError('no')", r#", "Publish": true"#).await;
    let put = |qualifier: &str, number: u32| {
        format!(
            r#"PutProvisionedConcurrencyConfig {{"FunctionName": "hello", "Qualifier": "{qualifier}", "ProvisionedConcurrentExecutions": {number}}}"#
        )
    };
    check(&stage, &put("$LATEST", 1), expect!["InvalidParameterValueException: Provisioned Concurrency Configs cannot be applied to unpublished function versions."]).await;
    check(
        &stage,
        &put("9", 1),
        expect![
            "ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:111122223333:function:hello:9"
        ],
    )
    .await;
    check(&stage, &put("1", 1_001), expect!["InvalidParameterValueException: Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [1000]."]).await;
    check(&stage, &put("1", 901), expect!["InvalidParameterValueException: Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]."]).await;
    stage
        .text(r#"PutFunctionConcurrency {"FunctionName": "hello", "ReservedConcurrentExecutions": 3}"#)
        .await;
    check(&stage, &put("1", 4), expect!["InvalidParameterValueException: Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function"]).await;
    stage.text(&put("1", 3)).await;
    stage.keep_provisioned().await;
    let get = r#"GetProvisionedConcurrencyConfig {"FunctionName": "hello", "Qualifier": "1"}"#;
    assert_eq!(stage.member(get, "Status").await, "FAILED");
    assert!(stage.member(get, "StatusReason").await.contains("ValueError"));
}
