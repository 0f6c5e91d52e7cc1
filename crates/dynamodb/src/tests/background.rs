//! Background work: indexes that are filled, items that expire, logs that are trimmed.

use serde_json::{Value, json};
use tasks::{Progress, Worker};
use testkit::Cloud;

use super::{cloud_and_service, create};
use crate::DynamoDb;
use crate::expiring::ExpiryWorker;
use crate::indexing::IndexWorker;

pub(super) async fn call(cloud: &Cloud, service: &str, operation: &str, input: Value) -> Value {
    match cloud.call(service, operation, wire::Document::from_json(&input)).await {
        Ok(reply) => reply.document.to_json(),
        Err(failure) => failure.to_string().into(),
    }
}

async fn until_idle(worker: &mut impl Worker) {
    while worker.work().await.unwrap() == Progress::Busy {}
}

async fn put(cloud: &Cloud, item: Value) {
    let answer = call(cloud, "dynamodb", "PutItem", json!({"TableName": "notes", "Item": item})).await;
    assert_eq!(answer, json!({}));
}

async fn count(cloud: &Cloud, index: Option<&str>) -> Value {
    let mut input = json!({"TableName": "notes", "Select": "COUNT"});
    if let Some(index) = index {
        input["IndexName"] = index.into();
    }
    let answer = call(cloud, "dynamodb", "Scan", input).await;
    answer.get("Count").cloned().unwrap_or(answer)
}

fn index_worker(cloud: &Cloud, dynamodb: &DynamoDb) -> IndexWorker {
    IndexWorker::new(cloud.platform.clone(), dynamodb.clone())
}

#[tokio::test]
async fn an_index_made_later_has_the_items_from_before() {
    let (cloud, dynamodb) = cloud_and_service();
    create(&cloud, "notes", "").await;
    for number in 0..250 {
        put(&cloud, json!({"pk": {"S": number.to_string()}, "kind": {"S": "a"}})).await;
    }
    put(&cloud, json!({"pk": {"S": "other type"}, "kind": {"N": "1"}})).await;
    put(&cloud, json!({"pk": {"S": "without"}})).await;
    let created = call(
        &cloud,
        "dynamodb",
        "UpdateTable",
        json!({"TableName": "notes",
            "AttributeDefinitions": [{"AttributeName": "kind", "AttributeType": "S"}],
            "GlobalSecondaryIndexUpdates": [{"Create": {"IndexName": "by-kind",
                "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"}}}]}),
    )
    .await;
    let index = &created["TableDescription"]["GlobalSecondaryIndexes"][0];
    assert_eq!((&index["IndexStatus"], &index["Backfilling"]), (&json!("CREATING"), &json!(true)));
    // What is written before the filling has come that far is there once.
    put(&cloud, json!({"pk": {"S": "meanwhile"}, "kind": {"S": "a"}})).await;
    put(&cloud, json!({"pk": {"S": "7"}, "kind": {"S": "b"}})).await;
    until_idle(&mut index_worker(&cloud, &dynamodb)).await;
    let described = call(&cloud, "dynamodb", "DescribeTable", json!({"TableName": "notes"})).await;
    let index = &described["Table"]["GlobalSecondaryIndexes"][0];
    assert_eq!(index["IndexStatus"], "ACTIVE");
    assert!(index.get("Backfilling").is_none());
    assert_eq!(count(&cloud, Some("by-kind")).await, 251);
    let query = json!({"TableName": "notes", "IndexName": "by-kind", "KeyConditionExpression": "kind = :b",
        "ExpressionAttributeValues": {":b": {"S": "b"}}});
    assert_eq!(call(&cloud, "dynamodb", "Query", query).await["Count"], 1);

    let deleted = call(
        &cloud,
        "dynamodb",
        "UpdateTable",
        json!({"TableName": "notes",
            "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "by-kind"}}]}),
    )
    .await;
    assert_eq!(deleted["TableDescription"]["GlobalSecondaryIndexes"][0]["IndexStatus"], "DELETING");
    let described = call(&cloud, "dynamodb", "DescribeTable", json!({"TableName": "notes"})).await;
    assert!(described["Table"].get("GlobalSecondaryIndexes").is_none());
    assert_eq!(described["Table"]["AttributeDefinitions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn items_go_soon_after_they_expired_and_the_stream_says_who_did_it() {
    let (cloud, dynamodb) = cloud_and_service();
    let stream = r#", "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "OLD_IMAGE"}"#;
    create(&cloud, "notes", stream).await;
    let now = testkit::START_EPOCH_MILLIS / 1_000;
    let expiring = |key: &str, time: i64| json!({"pk": {"S": key}, "ttl": {"N": time.to_string()}});
    put(&cloud, expiring("before", now + 10)).await;
    let enable = json!({"TableName": "notes",
        "TimeToLiveSpecification": {"Enabled": true, "AttributeName": "ttl"}});
    call(&cloud, "dynamodb", "UpdateTimeToLive", enable).await;
    put(&cloud, expiring("after", now + 10)).await;
    put(&cloud, expiring("later", now + 100)).await;
    put(&cloud, expiring("moved", now + 10)).await;
    put(&cloud, expiring("moved", now + 100)).await;
    put(&cloud, expiring("ages ago", now - 6 * 365 * 24 * 3600)).await;
    put(&cloud, json!({"pk": {"S": "text"}, "ttl": {"S": "1"}})).await;
    let mut worker = ExpiryWorker::new(cloud.platform.clone(), dynamodb.clone());
    until_idle(&mut worker).await;
    assert_eq!(count(&cloud, None).await, 6);
    cloud.advance_millis(11_000);
    until_idle(&mut worker).await;
    assert_eq!(count(&cloud, None).await, 4);
    cloud.advance_millis(100_000);
    until_idle(&mut worker).await;
    assert_eq!(count(&cloud, None).await, 2);

    let described = call(&cloud, "dynamodb", "DescribeTable", json!({"TableName": "notes"})).await;
    let arn = &described["Table"]["LatestStreamArn"];
    let stream = call(&cloud, "dynamodbstreams", "DescribeStream", json!({"StreamArn": arn})).await;
    let shard = &stream["StreamDescription"]["Shards"][0]["ShardId"];
    let start = json!({"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"});
    let iterator = call(&cloud, "dynamodbstreams", "GetShardIterator", start).await;
    let read = json!({"ShardIterator": iterator["ShardIterator"]});
    let records = call(&cloud, "dynamodbstreams", "GetRecords", read).await;
    let removed: Vec<&Value> = records["Records"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|record| record["eventName"] == "REMOVE")
        .collect();
    assert_eq!(removed.len(), 4);
    for record in removed {
        assert_eq!(
            record["userIdentity"],
            json!({"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"})
        );
    }
}
