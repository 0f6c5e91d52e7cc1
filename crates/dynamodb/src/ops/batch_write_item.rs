use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use service::{Arn, Context, Demand, Failure, Judge, Operation, Result};
use wire::Document;

use crate::items::{self, *};
use crate::keys::Keys;
use crate::table::{OpenTable, TableName};
use crate::value::{Attributes, Layer};
use crate::{DynamoDb, members};

/// Writes of one request, all tables together.
const WRITES_MAX: usize = 25;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct BatchWriteItem {
    request_items: BTreeMap<String, Vec<WriteRequest>>,
    return_consumed_capacity: Option<String>,
    return_item_collection_metrics: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WriteRequest {
    put_request: Option<PutRequest>,
    delete_request: Option<DeleteRequest>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutRequest {
    item: Document,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeleteRequest {
    key: Document,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ItemsWritten {
    /// Always empty: what cannot be written fails, nothing is put off.
    unprocessed_items: BTreeMap<String, Document>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumed_capacity: Option<Vec<ConsumedCapacity>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item_collection_metrics: Option<BTreeMap<String, Vec<ItemCollectionMetrics>>>,
}

/// One write of the batch.
#[derive(Clone)]
enum BatchWrite {
    Put(Attributes),
    Delete(Attributes),
}

impl BatchWrite {
    fn prepare(&self, table: &OpenTable) -> Result<ItemWrite> {
        let (key, change) = match self {
            BatchWrite::Put(item) => {
                check_not_empty(&table.key, item).map_err(Failure::validation)?;
                let key = key_of(&table.key, item);
                check_key(table, &key).map_err(Failure::validation)?;
                check_index_keys_not_empty(table, item).map_err(Failure::validation)?;
                (key, Change::Put(item.clone()))
            }
            BatchWrite::Delete(key) => {
                check_key(table, key).map_err(Failure::validation)?;
                (key.clone(), Change::Delete)
            }
        };
        Ok(ItemWrite { key, change, condition: None, shows_item_on_failure: false })
    }
}

impl Operation for BatchWriteItem {
    type Service = DynamoDb;
    type Output = ItemsWritten;
    const NAME: &'static str = "BatchWriteItem";
    const JUDGE: Option<Judge> = Some(members::BATCH_WRITE_ITEM);

    fn demands(&self, cx: &Context) -> Vec<Demand> {
        let tables = self.request_items.keys();
        tables.map(|table| Demand::new(Self::ACTION, TableName::resource(cx, table))).collect()
    }

    fn resource(&self, _: &Context) -> Arn {
        Arn::any()
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<ItemsWritten> {
        let batch = read(cx, self.request_items)?;
        check(dynamodb, cx, &batch).await?;
        let report = CapacityReport::named(self.return_consumed_capacity.as_deref());
        let metrics = self.return_item_collection_metrics.as_deref();
        // Each write is its own commit; together they share the syncs of the disk.
        let writes = batch.iter().flat_map(|(_, name, writes)| writes.iter().map(move |write| (name, write)));
        let written = join_all(writes.map(|(name, write)| {
            write_item(dynamodb, cx, name, move |table: &OpenTable| write.prepare(table))
        }))
        .await;
        let mut written = written.into_iter();
        let mut capacity = Vec::new();
        let mut collections: BTreeMap<String, Vec<ItemCollectionMetrics>> = BTreeMap::new();
        for (given_name, name, writes) in &batch {
            let mut consumed = Consumed::default();
            for written in written.by_ref().take(writes.len()) {
                let written = written?;
                consumed.add(&written.consumed);
                if let Some(metrics) = collection_metrics(&written.table, &written.key, metrics) {
                    let all = collections.entry(given_name.clone()).or_default();
                    if !all.contains(&metrics) {
                        all.push(metrics);
                    }
                }
            }
            capacity.extend(consumed.report(name.as_str(), report, None));
        }
        Ok(ItemsWritten {
            unprocessed_items: BTreeMap::new(),
            consumed_capacity: (report != CapacityReport::None).then_some(capacity),
            item_collection_metrics: (!collections.is_empty()).then_some(collections),
        })
    }
}

type Batch = Vec<(String, TableName, Vec<BatchWrite>)>;

fn read(cx: &Context, request: BTreeMap<String, Vec<WriteRequest>>) -> Result<Batch> {
    if request.is_empty() {
        return Err(Failure::validation("The requestItems parameter is required for BatchWriteItem"));
    }
    let count: usize = request.values().map(Vec::len).sum();
    if count > WRITES_MAX {
        return Err(Failure::validation("Too many items requested for the BatchWriteItem call"));
    }
    let mut batch = Vec::new();
    for (given_name, requests) in request {
        let name = TableName::parse(cx, &given_name)?;
        if requests.is_empty() {
            return Err(Failure::validation(
                "The batch write request list for a table cannot be null or empty",
            ));
        }
        let mut writes = Vec::new();
        for request in requests {
            writes.push(match (request.put_request, request.delete_request) {
                (Some(put), None) => BatchWrite::Put(items::read_item(put.item, Layer::Older)?),
                (None, Some(delete)) => BatchWrite::Delete(read_key(delete.key, Layer::Older)?),
                (Some(_), Some(_)) => {
                    return Err(Failure::validation(
                        "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the \
                         supported datatypes",
                    ));
                }
                (None, None) => {
                    return Err(Failure::validation(
                        "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
                    ));
                }
            });
        }
        batch.push((given_name, name, writes));
    }
    Ok(batch)
}

/// Everything that can be wrong, before anything is written.
async fn check(dynamodb: &DynamoDb, cx: &Context, batch: &Batch) -> Result<()> {
    let keys = Keys::new(cx.scope());
    for (_, name, writes) in batch {
        let table = dynamodb.tables().open(cx, name).await?;
        let mut places = BTreeSet::new();
        for write in writes {
            let prepared = write.prepare(&table)?;
            if let Change::Put(item) = &prepared.change {
                check_index_keys(&table, item).map_err(Failure::validation)?;
            }
            if !places.insert(place_of(&keys, &table, &prepared.key)?) {
                return Err(Failure::validation("Provided list of item keys contains duplicates"));
            }
        }
    }
    Ok(())
}
