//! What is decided is found again.

use std::sync::Arc;

use expect_test::expect;
use service::{AccountId, Arn, Authorization, Authorizer, BoxFuture, Demand, Failure, Mounted, Result};
use testkit::{Cloud, START_EPOCH_MILLIS};
use wire::{Document, Timestamp};

use crate::trail::{BATCHES_MAX, WAITING_CALLS_MAX};
use crate::{CloudTrail, DEFINITION, Recording, Scrutiny, Trail};

/// Allows what begins with "Get".
struct OnlyGet;

impl Authorizer for OnlyGet {
    fn authorize<'a>(&'a self, question: Authorization<'a>) -> BoxFuture<'a, Result<()>> {
        let allowed = question.operation.starts_with("Get");
        Box::pin(async move {
            if allowed { Ok(()) } else { Err(Failure::new("AccessDeniedException", 400, "No.")) }
        })
    }
}

struct Stage {
    cloud: Cloud,
    trail: Arc<Trail>,
    recording: Recording,
}

fn stage(scrutiny: Scrutiny) -> Stage {
    let mut made = None;
    let cloud = Cloud::new(|platform| {
        let trail = Trail::new(platform.kv().clone(), scrutiny);
        made = Some(trail.clone());
        vec![Box::new(Mounted { definition: &DEFINITION, service: Arc::new(CloudTrail::new(trail)) })]
    });
    let trail = made.unwrap();
    Stage { cloud, recording: Recording::new(Arc::new(OnlyGet), trail.clone()), trail }
}

impl Stage {
    async fn decide(&self, service: &'static str, operation: &'static str, resource: &str) -> bool {
        self.decide_in(&self.cloud, service, operation, resource).await
    }

    async fn decide_in(
        &self,
        cloud: &Cloud,
        service: &'static str,
        operation: &'static str,
        resource: &str,
    ) -> bool {
        let cx = cloud.context();
        let resource = resource.parse().unwrap_or_else(|_| Arn::any());
        let demands = vec![Demand::new(format!("{service}:{operation}"), resource)];
        self.recording.authorize(Authorization { cx: &cx, service, operation, demands }).await.is_ok()
    }

    /// The names found between times, or the code of the error.
    async fn names_when(&self, times: &[(&str, i64)]) -> Vec<String> {
        let input = times.iter().map(|(name, millis)| {
            ((*name).to_owned(), Document::Time(Timestamp::from_epoch_millis(*millis)))
        });
        match self.cloud.call("cloudtrail", "LookupEvents", Document::Map(input.collect())).await {
            Ok(reply) => {
                let json = reply.document.to_json();
                let events = json["Events"].as_array().unwrap();
                events.iter().map(|event| event["EventName"].as_str().unwrap().to_owned()).collect()
            }
            Err(failure) => vec![failure.code().to_owned()],
        }
    }

    async fn names(&self, input: &str) -> Vec<String> {
        names(&self.cloud, input).await
    }
}

async fn names(cloud: &Cloud, input: &str) -> Vec<String> {
    let text = cloud.text("cloudtrail", &format!("LookupEvents {input}")).await;
    let Ok(found) = serde_json::from_str::<serde_json::Value>(&text) else { return vec![text] };
    let events = found["Events"].as_array().unwrap();
    events.iter().map(|event| event["EventName"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_table_agrees_with_the_model() {
    service::honesty::check(&DEFINITION).unwrap();
}

#[tokio::test]
async fn decisions_are_found_with_all_that_is_known_of_them() {
    let stage = stage(Scrutiny::Everything);
    let function = "arn:aws:lambda:us-east-1:111122223333:function:hello";
    assert!(stage.decide("lambda", "GetFunction", function).await);
    assert!(!stage.decide("lambda", "DeleteFunction", function).await);
    let text = stage.cloud.text("cloudtrail", r#"LookupEvents {"LookupAttributes":[{"AttributeKey":"EventName","AttributeValue":"DeleteFunction"}]}"#).await;
    let found: serde_json::Value = serde_json::from_str(&text).unwrap();
    let record = found["Events"][0]["CloudTrailEvent"].as_str().unwrap();
    let record: serde_json::Value = serde_json::from_str(record).unwrap();
    expect![[r#"
        {
          "additionalEventData": {
            "action": "lambda:DeleteFunction"
          },
          "awsRegion": "us-east-1",
          "errorCode": "AccessDeniedException",
          "errorMessage": "No.",
          "eventCategory": "Management",
          "eventID": "00000000-0000-4000-8000-000000000004",
          "eventName": "DeleteFunction",
          "eventSource": "lambda.amazonaws.com",
          "eventTime": "2026-01-02T03:04:05Z",
          "eventType": "AwsApiCall",
          "eventVersion": "1.11",
          "managementEvent": true,
          "readOnly": false,
          "recipientAccountId": "111122223333",
          "requestID": "00000000-0000-4000-8000-000000000004",
          "resources": [
            {
              "ARN": "arn:aws:lambda:us-east-1:111122223333:function:hello",
              "type": "AWS::Lambda::Function"
            }
          ],
          "sourceIPAddress": "AWS Internal",
          "userAgent": "",
          "userIdentity": {
            "accountId": "111122223333",
            "arn": "arn:aws:iam::111122223333:root",
            "principalId": "111122223333",
            "type": "Root"
          }
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&record).unwrap());
}

#[tokio::test]
async fn lookups_choose_by_one_attribute_and_by_time() {
    let stage = stage(Scrutiny::Everything);
    stage.decide("s3", "GetObject", "arn:aws:s3:::photos/a.jpg").await;
    stage.cloud.advance_millis(10_000);
    stage.decide("iam", "CreateUser", "arn:aws:iam::111122223333:user/ann").await;
    let by = |key: &str, value: &str| {
        format!(r#"{{"LookupAttributes":[{{"AttributeKey":"{key}","AttributeValue":"{value}"}}]}}"#)
    };
    assert_eq!(stage.names("{}").await, ["CreateUser", "GetObject"]);
    for (key, value, found) in [
        ("EventSource", "iam.amazonaws.com", "CreateUser"),
        ("ReadOnly", "true", "GetObject"),
        ("ResourceType", "AWS::S3::Object", "GetObject"),
        ("ResourceName", "ann", "CreateUser"),
        ("ResourceName", "arn:aws:iam::111122223333:user/ann", "CreateUser"),
    ] {
        assert_eq!(stage.names(&by(key, value)).await, [found], "{key} {value}");
    }
    assert_eq!(stage.names(&by("Username", "root")).await.len(), 2);
    assert_eq!(stage.names(&by("Username", "ann")).await, [""; 0]);
    let between = START_EPOCH_MILLIS + 5_000;
    assert_eq!(stage.names_when(&[("StartTime", between)]).await, ["CreateUser"]);
    assert_eq!(stage.names_when(&[("EndTime", between)]).await, ["GetObject"]);
    let turned = [("StartTime", between), ("EndTime", between - 1)];
    assert_eq!(stage.names_when(&turned).await, ["InvalidTimeRangeException"]);
    stage.cloud.advance_millis(90 * 24 * 60 * 60 * 1_000 + 1);
    assert_eq!(stage.names("{}").await, [""; 0]);
}

#[tokio::test]
async fn bad_lookups_are_refused() {
    let stage = stage(Scrutiny::Everything);
    let attribute = r#"{"AttributeKey":"EventName","AttributeValue":"x"}"#;
    for (input, code) in [
        (format!(r#"{{"LookupAttributes":[{attribute},{attribute}]}}"#), "InvalidLookupAttributesException"),
        (r#"{"NextToken":"x"}"#.to_owned(), "InvalidNextTokenException"),
    ] {
        let answer = stage.cloud.text("cloudtrail", &format!("LookupEvents {input}")).await;
        assert!(answer.starts_with(code), "{answer}");
    }
}

#[tokio::test]
async fn pages_go_from_the_newest_to_the_oldest() {
    let stage = stage(Scrutiny::Everything);
    for number in 0..1_000 {
        stage.decide("s3", "GetObject", &format!("arn:aws:s3:::photos/{number}")).await;
    }
    let (mut seen, mut token) = (Vec::new(), None::<String>);
    loop {
        let input = match &token {
            Some(token) => format!(r#"{{"MaxResults":37,"NextToken":"{token}"}}"#),
            None => r#"{"MaxResults":37}"#.to_owned(),
        };
        let text = stage.cloud.text("cloudtrail", &format!("LookupEvents {input}")).await;
        let found: serde_json::Value = serde_json::from_str(&text).unwrap();
        for event in found["Events"].as_array().unwrap() {
            seen.push(event["Resources"][0]["ResourceName"].as_str().unwrap().to_owned());
        }
        token = found["NextToken"].as_str().map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    let expected: Vec<String> =
        (0..1_000).rev().map(|number| format!("arn:aws:s3:::photos/{number}")).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn notes_stay_in_their_account_and_region_and_go_with_it() {
    let stage = stage(Scrutiny::Everything);
    let (other, there) = (
        stage.cloud.elsewhere("444455556666", "us-east-1"),
        stage.cloud.elsewhere("111122223333", "eu-west-1"),
    );
    stage.decide("iam", "GetUser", "").await;
    stage.decide_in(&other, "iam", "GetRole", "").await;
    stage.decide_in(&there, "iam", "GetGroup", "").await;
    assert_eq!(stage.names("{}").await, ["GetUser"]);
    assert_eq!(names(&other, "{}").await, ["GetRole"]);
    assert_eq!(names(&there, "{}").await, ["GetGroup"]);
    stage.cloud.platform.reset(Some(&stage.cloud.scope.account)).await.unwrap();
    assert_eq!(stage.names("{}").await, [""; 0]);
    assert_eq!(names(&there, "{}").await, [""; 0]);
    assert_eq!(names(&other, "{}").await, ["GetRole"]);
}

#[tokio::test]
async fn what_waits_and_what_is_kept_is_bounded() {
    let stage = stage(Scrutiny::Everything);
    for _ in 0..WAITING_CALLS_MAX + 5 {
        stage.decide("iam", "GetUser", "").await;
    }
    assert_eq!(stage.names(r#"{"MaxResults":2}"#).await, ["CallsNotNoted", "GetUser"]);
    let kv = stage.cloud.platform.kv().clone();
    let rows = service::Rows::new(kv.as_ref(), &crate::tables::BATCHES, &stage.cloud.scope);
    let kept = rows.all("").await.unwrap();
    let calls: usize = kept.iter().map(|(_, batch)| batch.len()).sum();
    assert_eq!(calls, WAITING_CALLS_MAX + 1);
    // The ring: what is far behind the newest batch is gone.
    let (first, last) = (kept.first().unwrap().0.clone(), kept.last().unwrap());
    let far = crate::tables::number(&last.0).unwrap() + BATCHES_MAX;
    let full = kept.first().unwrap().1.clone();
    rows.put(&crate::tables::key(far - 1), &full).await.unwrap();
    stage.trail.forget(None::<&AccountId>);
    stage.decide("iam", "GetUser", "").await;
    stage.trail.write().await.unwrap();
    assert!(rows.get(&first).await.unwrap().is_some());
    assert!(rows.get(&last.0).await.unwrap().is_none());
}

#[tokio::test]
async fn in_development_contents_are_not_looked_at() {
    let stage = stage(Scrutiny::Management);
    stage.decide("s3", "GetObject", "arn:aws:s3:::photos/a").await;
    stage.decide("lambda", "GetFunction", "").await;
    assert_eq!(stage.names("{}").await, ["GetFunction"]);
}
