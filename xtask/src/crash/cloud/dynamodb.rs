//! Items: put, updated, deleted, in transactions; beside them an index and a stream that must agree.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use super::super::workload::Random;
use super::{Connection, Step, Workload, Writer, ask, send, success};

const WRITERS: u16 = 8;

/// Items of each writer that change by themselves.
const ITEMS: u64 = 4;

/// Values of the index's key.
const GROUPS: u64 = 5;

const TABLE: &str = "crash";
const INDEX: &str = "by-group";

pub(super) struct Items;

impl Workload for Items {
    fn prepare(&self, connection: &mut Connection) -> Result<()> {
        let table = json!({
            "TableName": TABLE,
            "AttributeDefinitions": [
                {"AttributeName": "id", "AttributeType": "S"},
                {"AttributeName": "group", "AttributeType": "S"},
            ],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "GlobalSecondaryIndexes": [{
                "IndexName": INDEX,
                "KeySchema": [{"AttributeName": "group", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }],
            "BillingMode": "PAY_PER_REQUEST",
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        });
        call(connection, "DynamoDB_20120810.CreateTable", &table)?;
        loop {
            let described =
                call(connection, "DynamoDB_20120810.DescribeTable", &json!({"TableName": TABLE}))?;
            if described["Table"]["TableStatus"] == "ACTIVE" {
                return Ok(());
            }
        }
    }

    fn writers(&self, seed: u64) -> Vec<Box<dyn Writer>> {
        (0..WRITERS)
            .map(|writer| {
                let random = Random::new(seed ^ u64::from(writer + 1));
                Box::new(ItemWriter {
                    writer,
                    random,
                    number: 0,
                    items: BTreeMap::new(),
                    under_way: Vec::new(),
                }) as Box<dyn Writer>
            })
            .collect()
    }

    /// The table, its index and its stream tell the same.
    fn check(&self, connection: &mut Connection) -> Result<()> {
        let table =
            all(connection, "DynamoDB_20120810.Scan", &json!({"TableName": TABLE, "ConsistentRead": true}))?;
        let mut indexed = BTreeMap::new();
        for group in 0..GROUPS {
            let query = json!({
                "TableName": TABLE,
                "IndexName": INDEX,
                "KeyConditionExpression": "#group = :group",
                "ExpressionAttributeNames": {"#group": "group"},
                "ExpressionAttributeValues": {":group": {"S": format!("group-{group}")}},
            });
            indexed.extend(all(connection, "DynamoDB_20120810.Query", &query)?);
        }
        ensure!(indexed == table, "the index has {indexed:?}, the table {table:?}");
        let replayed = replay(connection)?;
        ensure!(replayed == table, "the stream leads to {replayed:?}, the table has {table:?}");
        Ok(())
    }
}

/// Every item of the pages, by its id.
fn all(connection: &mut Connection, target: &str, request: &Value) -> Result<BTreeMap<String, Value>> {
    let mut items = BTreeMap::new();
    let mut request = request.clone();
    loop {
        let page = call(connection, target, &request)?;
        for item in page["Items"].as_array().into_iter().flatten() {
            items.insert(id_of(item)?, item.clone());
        }
        match page.get("LastEvaluatedKey") {
            Some(key) => request["ExclusiveStartKey"] = key.clone(),
            None => return Ok(items),
        }
    }
}

/// The items that the stream's records lead to. Each record begins with what the one before it left.
fn replay(connection: &mut Connection) -> Result<BTreeMap<String, Value>> {
    let streams = call(connection, "DynamoDBStreams_20120810.ListStreams", &json!({"TableName": TABLE}))?;
    let stream = streams["Streams"][0]["StreamArn"].clone();
    let mut shards = Vec::new();
    let mut describe = json!({"StreamArn": stream});
    loop {
        let page = call(connection, "DynamoDBStreams_20120810.DescribeStream", &describe)?;
        let page = &page["StreamDescription"];
        shards.extend(page["Shards"].as_array().into_iter().flatten().map(|shard| shard["ShardId"].clone()));
        match page.get("LastEvaluatedShardId") {
            Some(last) => describe["ExclusiveStartShardId"] = last.clone(),
            None => break,
        }
    }
    let mut items: BTreeMap<String, Value> = BTreeMap::new();
    for shard in shards {
        let ask_for = json!({"StreamArn": stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"});
        let found = call(connection, "DynamoDBStreams_20120810.GetShardIterator", &ask_for)?;
        let mut iterator = found["ShardIterator"].clone();
        while iterator.is_string() {
            let page =
                call(connection, "DynamoDBStreams_20120810.GetRecords", &json!({"ShardIterator": iterator}))?;
            let records = page["Records"].as_array().context("no Records")?;
            if records.is_empty() {
                break;
            }
            for record in records {
                let change = &record["dynamodb"];
                let id = id_of(&change["Keys"])?;
                let before = items.remove(&id);
                ensure!(
                    before.as_ref() == change.get("OldImage"),
                    "{id} was {before:?} and the stream goes on with {change}"
                );
                if let Some(image) = change.get("NewImage") {
                    items.insert(id, image.clone());
                }
            }
            iterator = page.get("NextShardIterator").cloned().unwrap_or(Value::Null);
        }
    }
    Ok(items)
}

fn id_of(item: &Value) -> Result<String> {
    Ok(item["id"]["S"].as_str().with_context(|| format!("no id in {item}"))?.to_owned())
}

struct ItemWriter {
    writer: u16,
    random: Random,
    number: u64,
    /// The number each item that was ever written holds.
    items: BTreeMap<String, Option<u64>>,
    /// Items and what they are to hold, all of them or none.
    under_way: Vec<(String, Option<u64>)>,
}

impl ItemWriter {
    fn id(&self, name: &str) -> String {
        format!("writer-{}-{name}", self.writer)
    }
}

fn group(number: u64) -> String {
    format!("group-{}", number % GROUPS)
}

fn item(id: &str, number: u64) -> Value {
    json!({
        "id": {"S": id},
        "number": {"N": number.to_string()},
        "group": {"S": group(number)},
        "padding": {"S": "x".repeat(usize::try_from(number % 700).unwrap_or_default())},
    })
}

impl Writer for ItemWriter {
    fn step(&mut self, connection: &mut Connection) -> Result<Step> {
        self.number += 1;
        let number = self.number;
        let name = self.random.below(ITEMS).to_string();
        let id = self.id(&name);
        let key = json!({"id": {"S": id}});
        let (under_way, operation, request) = match self.random.below(8) {
            0 => (vec![(id, None)], "DeleteItem", json!({"TableName": TABLE, "Key": key})),
            1 | 2 => {
                let pair = [self.id("left"), self.id("right")];
                let puts: Vec<_> = pair
                    .iter()
                    .map(|id| json!({"Put": {"TableName": TABLE, "Item": item(id, number)}}))
                    .collect();
                let under_way = pair.into_iter().map(|id| (id, Some(number))).collect();
                (under_way, "TransactWriteItems", json!({"TransactItems": puts}))
            }
            3 | 4 => {
                let whole = item(&id, number);
                let update = json!({
                    "TableName": TABLE,
                    "Key": key,
                    "UpdateExpression": "SET #number = :number, #group = :group, #padding = :padding",
                    "ExpressionAttributeNames": {"#number": "number", "#group": "group", "#padding": "padding"},
                    "ExpressionAttributeValues": {
                        ":number": whole["number"], ":group": whole["group"], ":padding": whole["padding"],
                    },
                });
                (vec![(id, Some(number))], "UpdateItem", update)
            }
            _ => {
                let put = json!({"TableName": TABLE, "Item": item(&id, number)});
                (vec![(id, Some(number))], "PutItem", put)
            }
        };
        self.under_way = under_way;
        let Some(answer) = request_of(connection, &format!("DynamoDB_20120810.{operation}"), &request) else {
            return Ok(Step::Broken);
        };
        success(answer, operation)?;
        self.items.extend(self.under_way.drain(..));
        Ok(Step::Acknowledged)
    }

    fn check(&mut self, connection: &mut Connection) -> Result<()> {
        let under_way: BTreeMap<_, _> = self.under_way.drain(..).collect();
        for id in under_way.keys() {
            self.items.entry(id.clone()).or_insert(None);
        }
        let mut happened = Vec::new();
        for (id, acknowledged) in &mut self.items {
            let get = json!({"TableName": TABLE, "Key": {"id": {"S": id}}, "ConsistentRead": true});
            let found = call(connection, "DynamoDB_20120810.GetItem", &get)?;
            let found = found.get("Item");
            let holds = |number: Option<u64>| found.cloned() == number.map(|number| item(id, number));
            match under_way.get(id) {
                Some(new) if holds(*new) && new != acknowledged => {
                    *acknowledged = *new;
                    happened.push(true);
                }
                Some(_) if holds(*acknowledged) => happened.push(false),
                None if holds(*acknowledged) => {}
                other => bail!("{id} holds {found:?}; acknowledged {acknowledged:?}, under way {other:?}"),
            }
        }
        ensure!(happened.windows(2).all(|pair| pair[0] == pair[1]), "half of a transaction: {under_way:?}");
        Ok(())
    }
}

fn request_of(connection: &mut Connection, target: &str, request: &Value) -> Option<super::Answer> {
    let headers = format!("x-amz-target: {target}\r\ncontent-type: application/x-amz-json-1.0\r\n");
    send(connection, "POST /", &headers, request.to_string().as_bytes())
}

fn call(connection: &mut Connection, target: &str, request: &Value) -> Result<Value> {
    let headers = format!("x-amz-target: {target}\r\ncontent-type: application/x-amz-json-1.0\r\n");
    let answer = ask(connection, "POST /", &headers, request.to_string().as_bytes())?;
    Ok(serde_json::from_slice(&success(answer, target)?)?)
}
