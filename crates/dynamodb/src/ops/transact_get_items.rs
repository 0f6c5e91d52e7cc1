use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use service::{Arn, Context, Demand, Failure, Judge, Operation, Result};
use wire::Document;

use crate::expression::{Parameters, Projection, Role};
use crate::items::*;
use crate::keys::Keys;
use crate::table::TableName;
use crate::value::{Attributes, Layer};
use crate::{DynamoDb, members};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TransactGetItems {
    transact_items: Vec<TransactGetItem>,
    return_consumed_capacity: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TransactGetItem {
    get: Get,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Get {
    table_name: String,
    key: Document,
    projection_expression: Option<String>,
    expression_attribute_names: Option<Document>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ItemsTransacted {
    responses: Vec<ItemResponse>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumed_capacity: Option<Vec<ConsumedCapacity>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ItemResponse {
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<Document>,
}

impl Operation for TransactGetItems {
    type Service = DynamoDb;
    type Output = ItemsTransacted;
    const NAME: &'static str = "TransactGetItems";
    const JUDGE: Option<Judge> = Some(members::TRANSACT_GET_ITEMS);

    fn demands(&self, cx: &Context) -> Vec<Demand> {
        let tables: BTreeSet<&str> =
            self.transact_items.iter().map(|item| item.get.table_name.as_str()).collect();
        tables.into_iter().map(|table| Demand::new("GetItem", TableName::resource(cx, table))).collect()
    }

    fn resource(&self, _: &Context) -> Arn {
        Arn::any()
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<ItemsTransacted> {
        let mut gets: Vec<(TableName, Attributes, Option<Projection>)> = Vec::new();
        for TransactGetItem { get } in self.transact_items {
            let name = TableName::parse(cx, &get.table_name)?;
            let parameters = Parameters {
                expressions: vec![(Role::Projection, get.projection_expression.as_deref())],
                names: get.expression_attribute_names,
                ..Parameters::default()
            };
            parameters.check_combination().map_err(Failure::validation)?;
            let projection = parameters.read().map_err(Failure::validation)?.projection;
            gets.push((name, read_key(get.key, Layer::Older)?, projection));
        }
        let keys = Keys::new(cx.scope());
        let mut tables = Vec::new();
        for (name, ..) in &gets {
            tables.push(dynamodb.tables().open(cx, name).await?);
        }
        let mut places = Vec::new();
        let mut reasons = Vec::new();
        for ((_, key, projection), table) in gets.iter().zip(&tables) {
            check_not_empty(&table.key, key).map_err(Failure::validation)?;
            check_expression_keys(table, None, None, projection.as_ref()).map_err(Failure::validation)?;
            match check_key(table, key) {
                Ok(()) => {
                    places.push(place_of(&keys, table, key)?);
                    reasons.push(CancellationReason::none());
                }
                Err(text) => reasons.push(CancellationReason::invalid(text)),
            }
        }
        if places.len() < gets.len() {
            return Err(ItemError::TransactionCanceledException { reasons }.into());
        }
        if places.iter().collect::<BTreeSet<_>>().len() < places.len() {
            return Err(Failure::validation(
                "Transaction request cannot include multiple operations on one item",
            ));
        }
        // One snapshot is one moment, and no commit is ever half in it.
        let snapshot = cx.platform().kv().snapshot().await?;
        let mut responses = Vec::new();
        let mut bytes = 0;
        let mut consumed: BTreeMap<&str, Consumed> = BTreeMap::new();
        for (((_, _, projection), table), place) in gets.iter().zip(&tables).zip(&places) {
            let (item, size) = read_stored(snapshot.as_ref(), place, projection.as_ref()).await?;
            bytes += size;
            let units = Consumed::table(read_units(size, true) * 2.0);
            consumed.entry(&table.name).or_default().add(&units);
            responses.push(ItemResponse { item });
        }
        if bytes > TRANSACTION_BYTES_MAX {
            return Err(Failure::validation(
                "Collective size of items in a transaction request cannot exceed 4 MB",
            ));
        }
        let report = CapacityReport::named(self.return_consumed_capacity.as_deref());
        let capacity =
            consumed.iter().filter_map(|(table, used)| used.report(table, report, Some(Split::Read)));
        let consumed_capacity = (report != CapacityReport::None).then(|| capacity.collect());
        Ok(ItemsTransacted { responses, consumed_capacity })
    }
}
