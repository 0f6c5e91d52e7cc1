//! Streams, read through their API. The writes are made as the write path makes them.

use bytes::Bytes;
use service::{Context, Principal};
use store::Commit;
use tasks::{Progress, Worker};
use testkit::Cloud;

use super::{cloud, create};
use crate::keys::Keys;
use crate::streams::trim::TrimWorker;
use crate::streams::{ChangedBy, Image, ItemChange, record};
use crate::table::{TableName, Tables};
use crate::value::{Attributes, Value, encode_attributes};

fn stored(attributes: &[(&str, &str)]) -> Bytes {
    let attributes: Attributes =
        attributes.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
    let mut bytes = Vec::new();
    encode_attributes(&attributes, &mut bytes);
    bytes.into()
}

/// Writes a change of the item `pk` = `key`, its attribute `a` from and to.
async fn change(cloud: &Cloud, key: &str, from: Option<&str>, to: Option<&str>, by: ChangedBy) {
    let cx = Context::internal(
        &cloud.platform,
        cloud.scope.clone(),
        Principal::Root { account: cloud.scope.account.clone() },
    );
    let name = TableName::plain("notes").unwrap();
    let table = Tables::default().require(&cx, &name).await.unwrap();
    let keys = Keys::new(&cloud.scope);
    let image = |value: Option<&str>| {
        value.map(|value| Image { stored: stored(&[("pk", key), ("a", value)]), expires_epoch_seconds: None })
    };
    let change = ItemChange {
        place: [&keys.items(table.storage)[..], key.as_bytes()].concat().into(),
        keys: stored(&[("pk", key)]),
        old: image(from),
        new: image(to),
        at: cx.now(),
        by,
    };
    let mut commit = Commit::new().check(table.unchanged());
    commit.writes = record(&table, &keys, &change);
    cloud.platform.kv().commit(commit).await.unwrap();
}

async fn call(cloud: &Cloud, operation: &str, input: serde_json::Value) -> serde_json::Value {
    let input = wire::Document::from_json(&input);
    match cloud.call("dynamodbstreams", operation, input).await {
        Ok(reply) => reply.document.to_json(),
        Err(failure) => failure.to_string().into(),
    }
}

struct Shard {
    arn: String,
    id: String,
}

async fn shard(cloud: &Cloud) -> Shard {
    let streams = call(cloud, "ListStreams", serde_json::json!({"TableName": "notes"})).await;
    let arn =
        streams["Streams"].as_array().unwrap().last().unwrap()["StreamArn"].as_str().unwrap().to_owned();
    let described = call(cloud, "DescribeStream", serde_json::json!({"StreamArn": arn})).await;
    let id = described["StreamDescription"]["Shards"][0]["ShardId"].as_str().unwrap().to_owned();
    Shard { arn, id }
}

async fn iterator(cloud: &Cloud, shard: &Shard, kind: &str, sequence: Option<&str>) -> serde_json::Value {
    let mut input =
        serde_json::json!({"StreamArn": shard.arn, "ShardId": shard.id, "ShardIteratorType": kind});
    if let Some(sequence) = sequence {
        input["SequenceNumber"] = sequence.into();
    }
    let answer = call(cloud, "GetShardIterator", input).await;
    match answer.get("ShardIterator") {
        Some(iterator) => iterator.clone(),
        None => answer,
    }
}

async fn records(cloud: &Cloud, iterator: &serde_json::Value) -> serde_json::Value {
    call(cloud, "GetRecords", serde_json::json!({"ShardIterator": iterator})).await
}

fn names(answer: &serde_json::Value) -> Vec<String> {
    let records = answer["Records"].as_array().unwrap_or_else(|| panic!("{answer}"));
    records
        .iter()
        .map(|record| {
            let keys = record["dynamodb"]["Keys"]["pk"]["S"].as_str().unwrap();
            format!("{} {keys}", record["eventName"].as_str().unwrap())
        })
        .collect()
}

const STREAM: &str =
    r#", "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"}"#;

#[tokio::test]
async fn records_come_in_order_from_every_kind_of_iterator() {
    let cloud = cloud();
    create(&cloud, "notes", STREAM).await;
    let shard = shard(&cloud).await;
    let latest = iterator(&cloud, &shard, "LATEST", None).await;
    change(&cloud, "x", None, Some("1"), ChangedBy::Client).await;
    change(&cloud, "x", Some("1"), Some("2"), ChangedBy::Client).await;
    change(&cloud, "x", Some("2"), Some("2"), ChangedBy::Client).await;
    change(&cloud, "x", Some("2"), None, ChangedBy::TimeToLive).await;

    let all = records(&cloud, &latest).await;
    assert_eq!(names(&all), ["INSERT x", "MODIFY x", "REMOVE x"]);
    let horizon = iterator(&cloud, &shard, "TRIM_HORIZON", None).await;
    assert_eq!(records(&cloud, &horizon).await["Records"], all["Records"]);
    let modify = &all["Records"][1];
    assert_eq!(modify["dynamodb"]["OldImage"]["a"]["S"], "1");
    assert_eq!(modify["dynamodb"]["NewImage"]["a"]["S"], "2");
    assert_eq!(modify["dynamodb"]["SizeBytes"], 3 + 5 + 5);
    assert!(modify.get("userIdentity").is_none());
    let remove = &all["Records"][2];
    assert_eq!(remove["userIdentity"]["PrincipalId"], "dynamodb.amazonaws.com");
    assert_eq!(remove["userIdentity"]["Type"], "Service");

    let second = modify["dynamodb"]["SequenceNumber"].as_str().unwrap();
    let at = iterator(&cloud, &shard, "AT_SEQUENCE_NUMBER", Some(second)).await;
    assert_eq!(names(&records(&cloud, &at).await), ["MODIFY x", "REMOVE x"]);
    let after = iterator(&cloud, &shard, "AFTER_SEQUENCE_NUMBER", Some(second)).await;
    assert_eq!(names(&records(&cloud, &after).await), ["REMOVE x"]);
    let invalid = iterator(&cloud, &shard, "AT_SEQUENCE_NUMBER", Some("100000000000000000099")).await;
    assert_eq!(invalid, "ValidationException: Invalid SequenceNumber: 100000000000000000099");
    let next = records(&cloud, &all["NextShardIterator"]).await;
    assert_eq!(names(&next), [""; 0]);
}

#[tokio::test]
async fn iterators_expire_and_records_are_trimmed_after_a_day() {
    let cloud = cloud();
    create(&cloud, "notes", STREAM).await;
    let shard = shard(&cloud).await;
    change(&cloud, "old", None, Some("1"), ChangedBy::Client).await;
    let horizon = iterator(&cloud, &shard, "TRIM_HORIZON", None).await;
    let first = records(&cloud, &horizon).await;
    let sequence = first["Records"][0]["dynamodb"]["SequenceNumber"].as_str().unwrap();
    cloud.advance_millis(16 * 60 * 1_000);
    let expired = records(&cloud, &horizon).await;
    assert!(expired.as_str().unwrap().starts_with("ExpiredIteratorException: "), "{expired}");

    cloud.advance_millis(24 * 60 * 60 * 1_000);
    change(&cloud, "new", None, Some("1"), ChangedBy::Client).await;
    trim(&cloud).await;
    let horizon = iterator(&cloud, &shard, "TRIM_HORIZON", None).await;
    assert_eq!(names(&records(&cloud, &horizon).await), ["INSERT new"]);
    let gone = iterator(&cloud, &shard, "AT_SEQUENCE_NUMBER", Some(sequence)).await;
    assert!(gone.as_str().unwrap().starts_with("TrimmedDataAccessException: "), "{gone}");
}

#[tokio::test]
async fn a_disabled_stream_ends_and_stays_for_a_day() {
    let cloud = cloud();
    create(&cloud, "notes", STREAM).await;
    let shard = shard(&cloud).await;
    change(&cloud, "x", None, Some("1"), ChangedBy::Client).await;
    cloud.text("dynamodb", r#"DeleteTable {"TableName": "notes"}"#).await;
    let described = call(&cloud, "DescribeStream", serde_json::json!({"StreamArn": shard.arn})).await;
    assert_eq!(described["StreamDescription"]["StreamStatus"], "DISABLED");
    let horizon = iterator(&cloud, &shard, "TRIM_HORIZON", None).await;
    let all = records(&cloud, &horizon).await;
    assert_eq!(names(&all), ["INSERT x"]);
    assert!(all.get("NextShardIterator").is_none());
    cloud.advance_millis(25 * 60 * 60 * 1_000);
    trim(&cloud).await;
    let gone = call(&cloud, "DescribeStream", serde_json::json!({"StreamArn": shard.arn})).await;
    assert!(gone.as_str().unwrap().starts_with("ResourceNotFoundException: "), "{gone}");
}

async fn trim(cloud: &Cloud) {
    let mut worker = TrimWorker::new(cloud.platform.clone());
    while worker.work().await.unwrap() == Progress::Busy {}
}
