//! Code that is a folder of this machine.

use service::Mode;

use super::stage::{ROLE, Stage};

fn create(folder: &str) -> String {
    format!(
        r#"CreateFunction {{"FunctionName": "hello", "Runtime": "python3.12", "Handler": "app.handler", "Role": "{ROLE}", "Code": {{"S3Bucket": "hot-reload", "S3Key": "{folder}"}}}}"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_saved_is_run_by_the_next_invocation() {
    let stage = Stage::new().await;
    let folder = tempfile::tempdir().unwrap();
    let save = |number: u32| {
        let source = format!("def handler(event, context): return {number}\n");
        std::fs::write(folder.path().join("app.py"), source).unwrap();
    };
    save(0);
    assert_eq!(stage.member(&create(&folder.path().to_string_lossy()), "FunctionName").await, "hello");
    for number in 0..5 {
        save(number);
        assert_eq!(stage.invoke("hello", "").await, format!("- $LATEST {number}"));
        assert_eq!(stage.invoke("hello", "").await, format!("- $LATEST {number}"));
    }
    assert!(stage.lambda.workers.stats().idle <= 1, "workers of old code are gone");
    assert_eq!(
        stage.text(&create("/nowhere/at/all")).await,
        "InvalidParameterValueException: The bucket hot-reload wants the absolute path of a folder of this machine as its key, not '/nowhere/at/all'."
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_are_for_development_only() {
    let stage = Stage::in_mode(Mode::Secure).await;
    let folder = tempfile::tempdir().unwrap();
    let refused = stage.text(&create(&folder.path().to_string_lossy())).await;
    assert_eq!(
        refused, "NotImplemented: Cloudling does not implement s3:GetObject yet.",
        "a bucket like any other"
    );
}
