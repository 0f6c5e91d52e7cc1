//! What is told of records that were given up, and where it goes.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use service::{AccountId, Arn, Caller, ContextBuilder, Failure, Platform, Principal, Region, Result, Scope};
use wire::{Document, Timestamp};

use super::invoke::FunctionFailure;
use super::mapping::Mapping;
use super::source::SourceRecord;
use crate::error::Error;

/// Why records were given up, in the words of the failure record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    RetryAttemptsExhausted,
    RecordAgeExceeded,
}

impl Condition {
    fn as_str(self) -> &'static str {
        match self {
            Condition::RetryAttemptsExhausted => "RetryAttemptsExhausted",
            Condition::RecordAgeExceeded => "RecordAgeExceeded",
        }
    }
}

/// A destination's ARN, by its kind.
enum Target {
    Queue(Arn),
    Topic(Arn),
    Bucket(String),
}

impl Target {
    fn parse(text: &str) -> Result<Self> {
        let refused = || Failure::from(Error::parameter(format!("The destination ARN {text} is invalid.")));
        let arn: Arn = text.parse().map_err(|_| refused())?;
        let plain = !arn.resource().is_empty() && !arn.resource().ends_with(".fifo");
        match arn.service() {
            "sqs" if plain => Ok(Target::Queue(arn)),
            "sns" if plain => Ok(Target::Topic(arn)),
            "s3" if plain && !arn.resource().contains('/') => Ok(Target::Bucket(arn.resource().to_owned())),
            _ => Err(refused()),
        }
    }

    fn service(&self) -> &'static str {
        match self {
            Target::Queue(_) => "sqs",
            Target::Topic(_) => "sns",
            Target::Bucket(_) => "s3",
        }
    }
}

/// Whether the ARN names something that failures can be told to.
pub(crate) fn check(destination: &str) -> Result<()> {
    Target::parse(destination).map(drop)
}

/// Whether the service that the destination belongs to is there.
pub(crate) fn check_service(platform: &Platform, destination: &str) -> Result<()> {
    let service = Target::parse(destination)?.service();
    match platform.registry().find(service) {
        Some(_) => Ok(()),
        None => Err(Failure::unsupported(format!("failure destinations of {service}"))),
    }
}

/// Records that were given up together.
pub(crate) struct GivenUp<'a> {
    pub(crate) mapping: &'a Mapping,
    pub(crate) shard: &'a str,
    pub(crate) batch_info_name: &'static str,
    pub(crate) records: &'a [SourceRecord],
    pub(crate) condition: Condition,
    pub(crate) invocations: u32,
    pub(crate) last: Option<&'a FunctionFailure>,
}

impl GivenUp<'_> {
    /// The failure record, without the records themselves: their destination has where to find them.
    pub(crate) fn to_json(&self, now: Timestamp, request_id: &str) -> Value {
        let (first, last) = (self.records.first(), self.records.last());
        let sequence = |record: Option<&SourceRecord>| record.map(|record| record.sequence.clone());
        let arrival = |record: Option<&SourceRecord>| {
            record.map(|record| Timestamp::from_epoch_millis(record.arrived_epoch_millis).to_rfc3339())
        };
        let mut json = json!({
            "requestContext": {
                "requestId": self.last.map_or(request_id, |last| last.request_id.as_str()),
                "functionArn": self.mapping.function_arn,
                "condition": self.condition.as_str(),
                "approximateInvokeCount": self.invocations,
            },
            "version": "1.0",
            "timestamp": now.to_rfc3339(),
        });
        if let Some(last) = self.last {
            json["responseContext"] = json!({
                "statusCode": 200,
                "executedVersion": last.executed_version,
                "functionError": last.kind,
            });
        }
        json[self.batch_info_name] = json!({
            "shardId": self.shard,
            "startSequenceNumber": sequence(first),
            "endSequenceNumber": sequence(last),
            "approximateArrivalOfFirstRecord": arrival(first),
            "approximateArrivalOfLastRecord": arrival(last),
            "batchSize": self.records.len(),
            "streamArn": self.mapping.source_arn,
        });
        json
    }

    /// Tells the mapping's destination, where it has one.
    pub(crate) async fn tell(&self, platform: &Arc<Platform>, principal: &Principal) -> Result<()> {
        let destinations = &self.mapping.settings.destinations;
        let on_failure =
            destinations.on_failure.as_ref().and_then(|on_failure| on_failure.destination.as_deref());
        let Some(destination) = on_failure else { return Ok(()) };
        let now = platform.clock().now();
        let record = self.to_json(now, &platform.ids().uuid());
        let here = Scope {
            account: AccountId::parse(&self.mapping.account).unwrap_or_default(),
            region: Region::parse(&self.mapping.region).unwrap_or_default(),
        };
        let (scope, operation, input, body) = match Target::parse(destination)? {
            Target::Queue(ref arn) => {
                let url = format!("{}/{}/{}", platform.endpoint(), arn.account(), arn.resource());
                let input = [("QueueUrl", Document::from(url)), ("MessageBody", record.to_string().into())];
                (scope_of(arn, &here), ("sqs", "SendMessage"), Document::map(input), None)
            }
            Target::Topic(ref arn) => {
                let input =
                    [("TopicArn", Document::from(arn.as_str())), ("Message", record.to_string().into())];
                (scope_of(arn, &here), ("sns", "Publish"), Document::map(input), None)
            }
            Target::Bucket(bucket) => {
                // A bucket gets the records too, as it has room for them.
                let mut record = record;
                let records: Vec<&Value> = self.records.iter().map(|record| &record.json).collect();
                record["payload"] = json!({ "Records": records });
                let key = object_key(&self.mapping.id, self.shard, now, &platform.ids().uuid());
                let input = [("Bucket", Document::from(bucket)), ("Key", key.into())];
                (here, ("s3", "PutObject"), Document::map(input), Some(Bytes::from(record.to_string())))
            }
        };
        let (service, operation) = operation;
        let callee =
            platform.registry().find(service).ok_or_else(|| Failure::not_implemented(service, operation))?;
        let mut cx = ContextBuilder::new(platform, scope, Caller::internal(principal.clone()));
        if let Some(body) = body {
            let length = body.len() as u64;
            let whole = futures_util::stream::once(std::future::ready(Ok(body)));
            cx = cx.body(Box::pin(whole)).body_length(Some(length));
        }
        callee.execute(&cx.build(), operation, input).await.map(drop)
    }
}

fn scope_of(arn: &Arn, here: &Scope) -> Scope {
    Scope {
        account: AccountId::parse(arn.account()).unwrap_or_else(|| here.account.clone()),
        region: Region::parse(arn.region()).unwrap_or_else(|| here.region.clone()),
    }
}

/// `aws/lambda/MAPPING/SHARD/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-ID`.
fn object_key(mapping: &str, shard: &str, now: Timestamp, id: &str) -> String {
    let text = now.to_rfc3339();
    let seconds = text.get(..19).unwrap_or(&text).replace(':', ".");
    let day = text.get(..10).unwrap_or_default().replace('-', "/");
    format!("aws/lambda/{mapping}/{shard}/{day}/{seconds}-{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_named_by_mapping_shard_and_time() {
        let now = Timestamp::from_epoch_millis(1_767_323_045_678);
        assert_eq!(
            object_key("m", "shardId-1", now, "id"),
            "aws/lambda/m/shardId-1/2026/01/02/2026-01-02T03.04.05-id"
        );
    }

    #[test]
    fn destinations_are_queues_topics_and_buckets() {
        for arn in [
            "arn:aws:sqs:us-east-1:111122223333:dead",
            "arn:aws:sns:us-east-1:111122223333:dead",
            "arn:aws:s3:::dead",
        ] {
            assert!(check(arn).is_ok(), "{arn}");
        }
        for arn in ["dead", "arn:aws:sqs:us-east-1:111122223333:dead.fifo", "arn:aws:s3:::dead/key"] {
            assert!(check(arn).is_err(), "{arn}");
        }
    }
}
