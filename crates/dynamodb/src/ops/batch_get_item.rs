use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use service::{Arn, Context, Demand, Failure, Judge, Operation, Result};
use wire::{Document, Map};

use crate::expression::{Parameters, Projection, Role};
use crate::items::*;
use crate::keys::Keys;
use crate::table::TableName;
use crate::value::{Attributes, Layer, to_document};
use crate::{DynamoDb, members};

/// Items of one request.
const KEYS_MAX: usize = 100;
/// Bytes of items that one answer holds.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct BatchGetItem {
    request_items: BTreeMap<String, KeysAndAttributes>,
    return_consumed_capacity: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeysAndAttributes {
    keys: Vec<Document>,
    attributes_to_get: Option<Vec<String>>,
    projection_expression: Option<String>,
    expression_attribute_names: Option<Document>,
    consistent_read: Option<bool>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ItemsGot {
    responses: BTreeMap<String, Vec<Document>>,
    unprocessed_keys: BTreeMap<String, Document>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumed_capacity: Option<Vec<ConsumedCapacity>>,
}

/// What is asked of one table.
struct Asked {
    /// As the request names the table.
    given_name: String,
    name: TableName,
    keys: Vec<Attributes>,
    projection: Option<Projection>,
    /// The members beside the keys, for what is left over.
    rest: Map,
    consistent: bool,
}

impl Operation for BatchGetItem {
    type Service = DynamoDb;
    type Output = ItemsGot;
    const NAME: &'static str = "BatchGetItem";
    const JUDGE: Option<Judge> = Some(members::BATCH_GET_ITEM);

    fn demands(&self, cx: &Context) -> Vec<Demand> {
        let tables = self.request_items.keys();
        tables.map(|table| Demand::new(Self::ACTION, TableName::resource(cx, table))).collect()
    }

    fn resource(&self, _: &Context) -> Arn {
        Arn::any()
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<ItemsGot> {
        let asked = read(cx, self.request_items)?;
        let report = CapacityReport::named(self.return_consumed_capacity.as_deref());
        let keys = Keys::new(cx.scope());
        let mut tables = Vec::new();
        for asked in asked {
            let table = dynamodb.tables().open(cx, &asked.name).await?;
            let mut places = Vec::new();
            for key in &asked.keys {
                check_key(&table, key).map_err(Failure::validation)?;
                places.push(place_of(&keys, &table, key)?);
            }
            check_expression_keys(&table, None, None, asked.projection.as_ref())
                .map_err(Failure::validation)?;
            if places.iter().collect::<BTreeSet<_>>().len() < places.len() {
                return Err(Failure::validation("Provided list of item keys contains duplicates"));
            }
            tables.push((asked, table, places));
        }
        let snapshot = cx.platform().kv().snapshot().await?;
        let mut got = ItemsGot {
            responses: BTreeMap::new(),
            unprocessed_keys: BTreeMap::new(),
            consumed_capacity: (report != CapacityReport::None).then(Vec::new),
        };
        let mut bytes = 0;
        for (asked, table, places) in tables {
            let mut items = Vec::new();
            let mut units = 0.0;
            let mut left = Vec::new();
            for (key, place) in asked.keys.iter().zip(&places) {
                if bytes >= ANSWER_BYTES_MAX {
                    left.push(to_document(key));
                    continue;
                }
                let (item, size) = read_stored(snapshot.as_ref(), place, asked.projection.as_ref()).await?;
                if item.is_some() && bytes > 0 && bytes + size > ANSWER_BYTES_MAX {
                    bytes = ANSWER_BYTES_MAX;
                    left.push(to_document(key));
                    continue;
                }
                bytes += size;
                units += read_units(size, asked.consistent);
                items.extend(item);
            }
            if !left.is_empty() {
                let mut rest = asked.rest;
                rest.insert("Keys".to_owned(), Document::List(left));
                got.unprocessed_keys.insert(asked.given_name.clone(), Document::Map(rest));
            }
            got.responses.insert(asked.given_name, items);
            if let Some(all) = &mut got.consumed_capacity {
                all.extend(Consumed::table(units).report(&table.name, report, None));
            }
        }
        Ok(got)
    }
}

fn read(cx: &Context, request: BTreeMap<String, KeysAndAttributes>) -> Result<Vec<Asked>> {
    if request.is_empty() {
        return Err(Failure::validation("The requestItems parameter is required for BatchGetItem"));
    }
    let uses_expression = request.values().any(|asked| asked.projection_expression.is_some());
    let uses_attributes = request.values().any(|asked| asked.attributes_to_get.is_some());
    if uses_expression && uses_attributes {
        return Err(Failure::validation(
            "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: \
             {AttributesToGet} Expression parameters: {ProjectionExpression}",
        ));
    }
    let mut all = Vec::new();
    let mut count = 0;
    for (given_name, asked) in request {
        let name = TableName::parse(cx, &given_name)?;
        let mut rest = Map::new();
        let mut keep = |member: &str, value: Option<Document>| {
            if let Some(value) = value {
                rest.insert(member.to_owned(), value);
            }
        };
        keep("ConsistentRead", asked.consistent_read.map(Document::Bool));
        keep("ProjectionExpression", asked.projection_expression.clone().map(Document::Text));
        keep("ExpressionAttributeNames", asked.expression_attribute_names.clone());
        keep(
            "AttributesToGet",
            asked
                .attributes_to_get
                .clone()
                .map(|names| Document::List(names.into_iter().map(Document::Text).collect())),
        );
        let parameters = Parameters {
            expressions: vec![(Role::Projection, asked.projection_expression.as_deref())],
            names: asked.expression_attribute_names,
            ..Parameters::default()
        };
        parameters.check_combination().map_err(Failure::validation)?;
        let keys: Vec<Attributes> =
            asked.keys.into_iter().map(|key| read_key(key, Layer::Bare)).collect::<Result<_>>()?;
        count += keys.len();
        let expressions = parameters.read().map_err(Failure::validation)?;
        let chosen = Chosen::new(expressions.projection, asked.attributes_to_get)?;
        let projection = chosen.projection().cloned();
        let consistent = asked.consistent_read == Some(true);
        all.push(Asked { given_name, name, keys, projection, rest, consistent });
    }
    if count > KEYS_MAX {
        return Err(Failure::validation("Too many items requested for the BatchGetItem call"));
    }
    Ok(all)
}
