//! DynamoDB streams as a source, read through their API.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use service::{Context, Failure, Principal, Result};
use wire::Document;

use super::source::{Chunk, Position, Source, SourceRecord};

const SERVICE: &str = "dynamodbstreams";

pub(crate) struct DynamoDbStream {
    pub(crate) arn: String,
    pub(crate) principal: Principal,
}

impl DynamoDbStream {
    async fn call<const N: usize>(
        &self,
        cx: &Context,
        operation: &str,
        input: [(&str, Document); N],
    ) -> Result<Document> {
        Ok(cx.call(self.principal.clone(), SERVICE, operation, Document::map(input)).await?.document)
    }

    async fn iterator(&self, cx: &Context, shard: &str, after: &Position) -> Result<String> {
        let (kind, sequence) = match after {
            Position::Horizon => ("TRIM_HORIZON", None),
            Position::After(sequence) => ("AFTER_SEQUENCE_NUMBER", Some(sequence.as_str())),
        };
        let answer = self
            .call(
                cx,
                "GetShardIterator",
                [
                    ("StreamArn", self.arn.as_str().into()),
                    ("ShardId", shard.into()),
                    ("ShardIteratorType", kind.into()),
                    ("SequenceNumber", sequence.into()),
                ],
            )
            .await;
        match answer {
            // What lies between was a day old before the function took it.
            Err(failure) if failure.code() == "TrimmedDataAccessException" && *after != Position::Horizon => {
                Box::pin(self.iterator(cx, shard, &Position::Horizon)).await
            }
            answer => text(&answer?, "ShardIterator"),
        }
    }
}

impl Source for DynamoDbStream {
    async fn shards(&self, cx: &Context) -> Result<Vec<String>> {
        let answer = self.call(cx, "DescribeStream", [("StreamArn", self.arn.as_str().into())]).await?;
        let shards = answer.get("StreamDescription").and_then(|stream| stream.get("Shards"));
        shards
            .and_then(Document::as_list)
            .unwrap_or_default()
            .iter()
            .map(|shard| text(shard, "ShardId"))
            .collect()
    }

    async fn latest(&self, cx: &Context, shard: &str) -> Result<Position> {
        let input = [("StreamArn", self.arn.as_str().into()), ("ShardId", shard.into())];
        let answer = self.call(cx, "LatestSequenceNumber", input).await?;
        Ok(Position::After(text(&answer, "SequenceNumber")?))
    }

    async fn read(&self, cx: &Context, shard: &str, after: &Position, records_max: usize) -> Result<Chunk> {
        let iterator = self.iterator(cx, shard, after).await?;
        let limit = i64::try_from(records_max.min(1_000)).unwrap_or(1_000);
        let answer = self
            .call(cx, "GetRecords", [("ShardIterator", iterator.into()), ("Limit", limit.into())])
            .await?;
        let records = answer.get("Records").and_then(Document::as_list).unwrap_or_default();
        let records =
            records.iter().map(|record| self.record(record)).collect::<Result<Vec<SourceRecord>>>()?;
        let next = records.last().map_or(after.clone(), |last| Position::After(last.sequence.clone()));
        Ok(Chunk { records, next, ended: answer.get("NextShardIterator").is_none() })
    }

    async fn wait(&self, cx: &Context, shard: &str, after: &Position, at_most: Duration) -> Result<()> {
        let iterator = self.iterator(cx, shard, after).await?;
        let millis = i64::try_from(at_most.as_millis()).unwrap_or(i64::MAX);
        self.call(cx, "AwaitRecords", [("ShardIterator", iterator.into()), ("WaitMillis", millis.into())])
            .await?;
        Ok(())
    }

    fn batch_info_name(&self) -> &'static str {
        "DDBStreamBatchInfo"
    }
}

impl DynamoDbStream {
    fn record(&self, record: &Document) -> Result<SourceRecord> {
        let change = record.get("dynamodb").ok_or_else(|| unexpected("dynamodb"))?;
        let arrived = change.get("ApproximateCreationDateTime").and_then(Document::as_time);
        let mut json = to_json(record);
        let keys = json["dynamodb"]["Keys"].to_string();
        // The stream's API names the members of an identity differently from the events of functions.
        if let Some(identity) = json.get_mut("userIdentity").filter(|identity| !identity.is_null()) {
            *identity = json!({"type": identity["Type"], "principalId": identity["PrincipalId"]});
        }
        json["eventSourceARN"] = self.arn.as_str().into();
        Ok(SourceRecord {
            sequence: text(change, "SequenceNumber")?,
            partition: keys,
            arrived_epoch_millis: arrived.map_or(0, |time| time.epoch_millis()),
            json,
        })
    }
}

fn text(document: &Document, member: &str) -> Result<String> {
    let text = document.get(member).and_then(Document::as_str);
    text.map(str::to_owned).ok_or_else(|| unexpected(member))
}

fn unexpected(member: &str) -> Failure {
    anyhow::anyhow!("{SERVICE} answered without {member}").into()
}

/// As the event of a function has it: bytes in base64, times in seconds.
fn to_json(document: &Document) -> Value {
    match document {
        Document::Blob(bytes) => STANDARD.encode(bytes).into(),
        Document::Time(time) => {
            let millis = time.epoch_millis();
            if millis % 1_000 == 0 { (millis / 1_000).into() } else { (millis as f64 / 1_000.0).into() }
        }
        Document::List(items) => items.iter().map(to_json).collect(),
        Document::Map(members) => Value::Object(
            members.iter().map(|(name, value)| (name.clone(), to_json(value))).collect::<Map<_, _>>(),
        ),
        other => other.to_json(),
    }
}
