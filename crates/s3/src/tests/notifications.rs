//! Events on their way to functions. The function here is a stand-in that writes down what it is told.

use std::sync::{Arc, Mutex};

use expect_test::expect;
use serde::Deserialize;
use service::{Context, Definition, Empty, Failure, Mounted, Operation, Result, operations};
use testkit::{Cloud, check};
use wire::{Blob, Document};

use crate::{DEFINITION, S3};

/// Events as they came, and whether anything may come.
#[derive(Default)]
struct Lambda {
    told: Mutex<Vec<serde_json::Value>>,
    allows: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Invoke {
    payload: Blob,
}

#[derive(Deserialize)]
struct GetPolicy {}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetFunctionConfiguration {
    function_name: String,
}

impl Operation for Invoke {
    type Service = Lambda;
    type Output = Empty;
    const NAME: &'static str = "Invoke";

    async fn run(self, lambda: &Lambda, _: &Context) -> Result<Empty> {
        lambda.told.lock().unwrap().push(serde_json::from_slice(&self.payload.0).unwrap());
        Ok(Empty)
    }
}

impl Operation for GetPolicy {
    type Service = Lambda;
    type Output = Document;
    const NAME: &'static str = "GetPolicy";

    async fn run(self, lambda: &Lambda, _: &Context) -> Result<Document> {
        if !lambda.allows {
            return Err(Failure::new(
                "ResourceNotFoundException",
                404,
                "The resource you requested does not exist.",
            ));
        }
        let statement = serde_json::json!({"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "lambda:InvokeFunction", "Resource": "*"});
        Ok(Document::map([("Policy", serde_json::json!({ "Statement": [statement] }).to_string().into())]))
    }
}

impl Operation for GetFunctionConfiguration {
    type Service = Lambda;
    type Output = Empty;
    const NAME: &'static str = "GetFunctionConfiguration";

    async fn run(self, _: &Lambda, _: &Context) -> Result<Empty> {
        if self.function_name.ends_with(":missing") {
            return Err(Failure::new("ResourceNotFoundException", 404, "Function not found"));
        }
        Ok(Empty)
    }
}

static LAMBDA: Definition<Lambda> = Definition {
    name: "lambda",
    action_prefix: "lambda",
    operations: operations![GetFunctionConfiguration, GetPolicy, Invoke],
    internal: &[],
    reset: |_, _, _| Box::pin(std::future::ready(Ok(()))),
};

fn cloud(allows: bool) -> (Cloud, Arc<Lambda>) {
    let lambda = Arc::new(Lambda { allows, ..Lambda::default() });
    let mounted = Mounted { definition: &LAMBDA, service: lambda.clone() };
    let s3 = Mounted { definition: &DEFINITION, service: Arc::new(S3::without_workers()) };
    (Cloud::new(|_| vec![Box::new(s3), Box::new(mounted)]), lambda)
}

fn notify(function: &str) -> String {
    let arn = format!("arn:aws:lambda:us-east-1:111122223333:function:{function}");
    format!(
        r#"PutBucketNotificationConfiguration {{"Bucket": "photos", "NotificationConfiguration": {{
        "LambdaFunctionConfigurations": [{{"Id": "thumbs", "LambdaFunctionArn": "{arn}",
            "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"],
            "Filter": {{"Key": {{"FilterRules": [{{"Name": "prefix", "Value": "in/"}}]}}}}}}]}}}}"#
    )
}

#[tokio::test]
async fn functions_must_be_there_and_let_the_bucket_come() {
    let (closed, _) = cloud(false);
    closed.text("s3", r#"CreateBucket {"Bucket": "photos"}"#).await;
    for function in ["missing", "closed"] {
        let refused = expect!["InvalidArgument: Unable to validate the following destination configurations"];
        check(&closed, "s3", &notify(function), refused).await;
    }
    check(&closed, "s3", r#"GetBucketNotificationConfiguration {"Bucket": "photos"}"#, expect!["{}"]).await;
    let (open, _) = cloud(true);
    open.text("s3", r#"CreateBucket {"Bucket": "photos"}"#).await;
    check(&open, "s3", &notify("open"), expect!["{}"]).await;
}

#[tokio::test]
async fn what_happens_to_an_object_is_told_once_it_has_happened() {
    let (cloud, lambda) = cloud(true);
    cloud.text("s3", r#"CreateBucket {"Bucket": "photos"}"#).await;
    cloud.text("s3", &notify("thumbs")).await;
    let told = || std::mem::take(&mut *lambda.told.lock().unwrap());
    for request in [
        r#"PutObject {"Bucket": "photos", "Key": "in/a b.jpg"}"#,
        r#"PutObject {"Bucket": "photos", "Key": "out/a.jpg"}"#,
        r#"PutObject {"Bucket": "photos", "Key": "in/c.jpg", "IfMatch": "\"never\""}"#,
        r#"DeleteObject {"Bucket": "photos", "Key": "in/a b.jpg"}"#,
    ] {
        cloud.text("s3", request).await;
    }
    assert!(told().is_empty(), "nothing is told before it is delivered");
    cloud.deliver_posts().await;
    let mut records: Vec<serde_json::Value> =
        told().into_iter().map(|event| event["Records"][0].clone()).collect();
    records.sort_by_key(|record| record["s3"]["object"]["sequencer"].as_str().unwrap().to_owned());
    let short: Vec<String> = records
        .iter()
        .map(|record| {
            format!("{} {} {}", record["eventName"], record["s3"]["object"], record["s3"]["configurationId"])
        })
        .collect();
    expect![[r#"
        "ObjectCreated:Put" {"eTag":"d41d8cd98f00b204e9800998ecf8427e","key":"in/a+b.jpg","sequencer":"0006475EF64CF340","size":0} "thumbs"
        "ObjectRemoved:Delete" {"key":"in/a+b.jpg","sequencer":"0006475EF64CF341"} "thumbs""#]].assert_eq(&short.join("\n"));
    cloud.deliver_posts().await;
    assert!(told().is_empty(), "what was told is not told again");
}
