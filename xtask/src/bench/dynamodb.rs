//! DynamoDB under load: durable writes and reads of items of 1 KB, queries, scans, transactions, indexes, and what a point
//! operation costs as the table grows.

use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::cloud::Cloud;
use super::report::Report;
use crate::http::Connection;

const CLIENTS: usize = 64;
const RATE_TIME: Duration = Duration::from_secs(5);
/// Requests of one client, each signed once and sent again and again.
const REQUESTS: usize = 64;
const ITEM_BYTES: usize = 1_000;
const QUERY_ITEMS: usize = 10;
const TRANSACTION_ITEMS: usize = 4;
const INDEXES: usize = 3;
/// Sizes of the table at which point operations are timed; the last is an option.
const SIZES: [usize; 2] = [1_000, 100_000];
const TIMED_CALLS: usize = 2_000;
/// Items of one `BatchWriteItem`.
const BATCH_ITEMS: usize = 25;

/// Measures Cloudling, or the server that listens at `against`.
pub(super) fn run(binary: &Path, against: Option<&str>, items: usize, report: &mut Report) -> Result<()> {
    let cloud = match against {
        Some(address) => Cloud::at(address),
        None => Cloud::start(binary, &[])?,
    };
    let driver = Driver { cloud: &cloud };
    driver.create("items", 0)?;
    let goal = |rate: f64| if against.is_none() { Some(rate) } else { None };
    driver.rate(report, "PutItem, 1 KB, durable", goal(13_000.0), |client, number| {
        ("PutItem", json!({"TableName": "items", "Item": item(&format!("p{client}"), number, ITEM_BYTES)}))
    })?;
    driver.rate(report, "GetItem, 1 KB", goal(30_000.0), |client, number| {
        ("GetItem", json!({"TableName": "items", "Key": key(&format!("p{client}"), number)}))
    })?;
    driver
        .rate(report, "Query, 10 items of 1 KB", None, |client, _| ("Query", query(&format!("p{client}"))))?;
    driver.rate(report, "UpdateItem, one counter each", None, |client, number| {
        let input = json!({
            "TableName": "items", "Key": key(&format!("u{client}"), number),
            "UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}},
        });
        ("UpdateItem", input)
    })?;
    driver.rate(report, "TransactWriteItems, 4 puts of 1 KB", None, |client, number| {
        let put = |at: usize| {
            let item = item(&format!("t{client}"), number * TRANSACTION_ITEMS + at, ITEM_BYTES);
            json!({"Put": {"TableName": "items", "Item": item}})
        };
        ("TransactWriteItems", json!({"TransactItems": (0..TRANSACTION_ITEMS).map(put).collect::<Vec<_>>()}))
    })?;
    driver.create("indexed", INDEXES)?;
    driver.rate(report, "PutItem, 1 KB, three indexes", None, |client, number| {
        ("PutItem", json!({"TableName": "indexed", "Item": item(&format!("p{client}"), number, ITEM_BYTES)}))
    })?;
    if against.is_none() {
        driver.growth(report, items)?;
    }
    Ok(())
}

struct Driver<'c> {
    cloud: &'c Cloud,
}

impl Driver<'_> {
    fn signed(&self, operation: &str, input: &Value) -> Result<Vec<u8>> {
        let target = format!("DynamoDB_20120810.{operation}");
        let headers = [("x-amz-target", target.as_str()), ("content-type", "application/x-amz-json-1.0")];
        self.cloud.signed("dynamodb", "POST", "/", &headers, input.to_string().as_bytes())
    }

    fn call(&self, connection: &mut Connection, operation: &str, input: &Value) -> Result<Value> {
        let answer = connection.send(&self.signed(operation, input)?)?;
        if answer.status != 200 {
            bail!("{operation}: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
        }
        Ok(serde_json::from_slice(&answer.body)?)
    }

    fn create(&self, table: &str, indexes: usize) -> Result<()> {
        let mut attributes = vec![
            json!({"AttributeName": "pk", "AttributeType": "S"}),
            json!({"AttributeName": "sk", "AttributeType": "N"}),
        ];
        let mut input = json!({
            "TableName": table, "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        });
        let mut all = Vec::new();
        for index in 0..indexes {
            let name = format!("group{index}");
            attributes.push(json!({"AttributeName": name, "AttributeType": "S"}));
            all.push(json!({
                "IndexName": name, "Projection": {"ProjectionType": "ALL"},
                "KeySchema": [{"AttributeName": name, "KeyType": "HASH"}],
            }));
        }
        input["AttributeDefinitions"] = Value::Array(attributes);
        if !all.is_empty() {
            input["GlobalSecondaryIndexes"] = Value::Array(all);
        }
        let mut connection = Connection::open(&self.cloud.address)?;
        self.call(&mut connection, "CreateTable", &input)?;
        let end = Instant::now() + Duration::from_secs(30);
        while Instant::now() < end {
            let described = self.call(&mut connection, "DescribeTable", &json!({"TableName": table}))?;
            if described["Table"]["TableStatus"] == "ACTIVE" {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(50));
        }
        bail!("table {table} did not become active")
    }

    /// What all clients together have answered each second, each with requests of its own.
    fn rate(
        &self,
        report: &mut Report,
        what: &str,
        goal_per_second: Option<f64>,
        request: impl Fn(usize, usize) -> (&'static str, Value) + Sync,
    ) -> Result<()> {
        let barrier = Barrier::new(CLIENTS);
        let client = |client: usize| -> Result<Vec<Duration>> {
            let requests: Result<Vec<Vec<u8>>> = (0..REQUESTS)
                .map(|number| {
                    let (operation, input) = request(client, number);
                    self.signed(operation, &input)
                })
                .collect();
            let connection = Connection::open(&self.cloud.address);
            barrier.wait();
            let (requests, mut connection) = (requests?, connection?);
            let mut times = Vec::new();
            let end = Instant::now() + RATE_TIME;
            for request in requests.iter().cycle() {
                let began = Instant::now();
                if began >= end {
                    break;
                }
                let answer = connection.send(request)?;
                if answer.status != 200 {
                    bail!("{} {}", answer.status, String::from_utf8_lossy(&answer.body));
                }
                times.push(began.elapsed());
            }
            Ok(times)
        };
        let times: Result<Vec<Vec<Duration>>> = thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS).map(|number| scope.spawn(move || client(number))).collect();
            clients.into_iter().map(|client| client.join().expect("a client does not panic")).collect()
        });
        let mut times = times.with_context(|| what.to_owned())?.concat();
        times.sort_unstable();
        #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
        let per_second = times.len() as f64 / RATE_TIME.as_secs_f64();
        let (median, high) =
            (super::report::percentile(&times, 0.5), super::report::percentile(&times, 0.99));
        let value = format!(
            "{per_second:.0}/s ({:.2} ms, p99 {:.2} ms)",
            super::report::milliseconds(median),
            super::report::milliseconds(high)
        );
        let what = format!("{what}, {CLIENTS} clients");
        match goal_per_second {
            Some(goal) => {
                report.number(&what, times.len(), &value, &format!("≥ {goal:.0}/s"), per_second >= goal);
            }
            None => report.number(&what, times.len(), &value, "", true),
        }
        Ok(())
    }

    /// Point operations of one client as the table grows, and a scan of all of it.
    fn growth(&self, report: &mut Report, items: usize) -> Result<()> {
        self.create("grown", 0)?;
        let mut connection = Connection::open(&self.cloud.address)?;
        let mut loaded = 0;
        for size in SIZES.into_iter().filter(|size| *size < items).chain([items]) {
            let began = Instant::now();
            self.load(loaded, size)?;
            println!("    loaded {} items in {:.1} s", size - loaded, began.elapsed().as_secs_f64());
            loaded = size;
            for (operation, is_write) in [("GetItem", false), ("PutItem", true)] {
                let mut times = Vec::with_capacity(TIMED_CALLS);
                for call in 0..TIMED_CALLS {
                    let number = call * (size / TIMED_CALLS).max(1) % size;
                    let input = if is_write {
                        json!({"TableName": "grown", "Item": grown(number)})
                    } else {
                        json!({"TableName": "grown", "Key": key(&format!("k{number}"), 0)})
                    };
                    let request = self.signed(operation, &input)?;
                    let began = Instant::now();
                    let answer = connection.send(&request)?;
                    times.push(began.elapsed());
                    if answer.status != 200 {
                        bail!("{operation}: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
                    }
                }
                let goal = if is_write { 20.0 } else { 1.0 };
                report.time(&format!("{operation}, 1 client, {size} items"), &mut times, goal);
            }
        }
        let (mut count, mut start) = (0, Value::Null);
        let began = Instant::now();
        loop {
            let mut input = json!({"TableName": "grown"});
            if !start.is_null() {
                input["ExclusiveStartKey"] = start;
            }
            let page = self.call(&mut connection, "Scan", &input)?;
            count += usize::try_from(page["Count"].as_u64().unwrap_or(0))?;
            start = page["LastEvaluatedKey"].clone();
            if start.is_null() {
                break;
            }
        }
        if count != items {
            bail!("a scan found {count} items of {items}");
        }
        #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
        let per_second = count as f64 / began.elapsed().as_secs_f64();
        report.number("Scan of all, 1 client", count, &format!("{per_second:.0} items/s"), "", true);
        Ok(())
    }

    fn load(&self, from: usize, to: usize) -> Result<()> {
        let batches: Vec<usize> = (from..to).step_by(BATCH_ITEMS).collect();
        let share = batches.len().div_ceil(CLIENTS).max(1);
        let client = |batches: &[usize]| -> Result<()> {
            let mut connection = Connection::open(&self.cloud.address)?;
            for first in batches {
                let puts: Vec<Value> = (*first..to.min(first + BATCH_ITEMS))
                    .map(|number| json!({"PutRequest": {"Item": grown(number)}}))
                    .collect();
                self.call(&mut connection, "BatchWriteItem", &json!({"RequestItems": {"grown": puts}}))?;
            }
            Ok(())
        };
        thread::scope(|scope| {
            let clients: Vec<_> =
                batches.chunks(share).map(|batches| scope.spawn(move || client(batches))).collect();
            clients.into_iter().try_for_each(|client| client.join().expect("a client does not panic"))
        })
    }
}

fn key(pk: &str, sk: usize) -> Value {
    json!({"pk": {"S": pk}, "sk": {"N": sk.to_string()}})
}

/// An item with a value for the key of each index.
fn item(pk: &str, sk: usize, bytes: usize) -> Value {
    let mut item = key(pk, sk);
    for index in 0..INDEXES {
        item[format!("group{index}")] = json!({"S": format!("{pk}-{index}")});
    }
    item["data"] = json!({"S": "x".repeat(bytes)});
    item
}

fn grown(number: usize) -> Value {
    let mut item = key(&format!("k{number}"), 0);
    item["data"] = json!({"S": "a small item"});
    item
}

fn query(pk: &str) -> Value {
    json!({
        "TableName": "items", "Limit": QUERY_ITEMS,
        "KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": pk}},
    })
}
