use std::collections::BTreeMap;

use serde::Deserialize;
use service::{Arn, Context, Failure, Judge, Operation, Result};
use store::Order;
use wire::Document;

use super::query::{check_consistent, source_arn};
use crate::expression::{FilterCondition, Parameters, Role};
use crate::items::*;
use crate::keys::Keys;
use crate::table::{Index, TableName};
use crate::value::{Attributes, Layer};
use crate::{DynamoDb, members};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Scan {
    table_name: String,
    index_name: Option<String>,
    filter_expression: Option<String>,
    scan_filter: Option<BTreeMap<String, FilterCondition>>,
    conditional_operator: Option<String>,
    projection_expression: Option<String>,
    attributes_to_get: Option<Vec<String>>,
    expression_attribute_names: Option<Document>,
    expression_attribute_values: Option<Document>,
    select: Option<String>,
    limit: Option<usize>,
    segment: Option<u64>,
    total_segments: Option<u64>,
    exclusive_start_key: Option<Document>,
    consistent_read: Option<bool>,
    return_consumed_capacity: Option<String>,
}

impl Operation for Scan {
    type Service = DynamoDb;
    type Output = Found;
    const NAME: &'static str = "Scan";
    const JUDGE: Option<Judge> = Some(members::SCAN);

    fn resource(&self, cx: &Context) -> Arn {
        source_arn(cx, &self.table_name, self.index_name.as_deref())
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<Found> {
        let layer = Layer::Bare;
        let name = TableName::parse(cx, &self.table_name)?;
        let mut older = Vec::new();
        let mut add = |is_given: bool, name| {
            if is_given {
                older.push(name);
            }
        };
        add(self.attributes_to_get.is_some(), "AttributesToGet");
        add(self.scan_filter.is_some(), "ScanFilter");
        add(self.conditional_operator.is_some(), "ConditionalOperator");
        let parameters = Parameters {
            expressions: vec![
                (Role::Projection, self.projection_expression.as_deref()),
                (Role::Filter, self.filter_expression.as_deref()),
            ],
            older,
            names: self.expression_attribute_names,
            values: self.expression_attribute_values,
            layer: Some(layer),
        };
        parameters.check_combination().map_err(Failure::validation)?;
        if self.attributes_to_get.iter().flatten().any(String::is_empty) {
            return Err(Failure::validation("Empty attribute name"));
        }
        let older = older_filter(self.scan_filter, self.conditional_operator.as_deref(), layer)?;
        let start = read_start(self.exclusive_start_key, layer)?;
        let read = parameters.read().map_err(Failure::validation)?;
        let chosen = Chosen::new(read.projection, self.attributes_to_get)?;
        chosen.check(self.select.as_deref(), self.index_name.is_some())?;
        let (segment, total) = segments(self.segment, self.total_segments)?;
        let table = dynamodb.tables().open(cx, &name).await?;
        let source = Source::new(table, self.index_name.as_deref()).map_err(Failure::validation)?;
        let consistent = self.consistent_read == Some(true);
        check_consistent(&source, consistent)?;
        let projection = chosen.projection().cloned();
        let shown = chosen.shown(self.select.as_deref(), &source)?;
        if let Some(start) = &start {
            check_start_kinds(&source, start).map_err(Failure::validation)?;
        }
        let table_name = source.table.name.clone();
        let range = source.segment(&Keys::new(cx.scope()), segment, total);
        let search = Search {
            source,
            range,
            order: Order::Forward,
            sort: None,
            filter: read.condition.or(older),
            limit: self.limit,
            shown: shown.clone(),
            consistent,
        };
        let page = run(cx, search, start, projection.as_ref()).await?;
        Ok(Found::new(
            page,
            &table_name,
            &shown,
            CapacityReport::named(self.return_consumed_capacity.as_deref()),
        ))
    }
}

/// In a table with indexes, a start key whose attributes have other types than the keys is told as one of an index.
fn check_start_kinds(source: &Source, start: &Attributes) -> std::result::Result<(), String> {
    let mut indexes: Vec<&Index> = match &source.index {
        Some(index) => vec![index],
        None => source.table.kept_indexes().collect(),
    };
    indexes.sort_by(|a, b| a.name.cmp(&b.name));
    for index in indexes {
        for key in source.table.key.attributes().chain(index.key.attributes()) {
            let kind = key.kind.value_kind();
            if let Some(value) = start.get(&key.name).filter(|value| value.kind() != kind) {
                return Err(format!(
                    "One or more parameter values were invalid: Type mismatch for Index Key {} Expected: {kind} Actual: {} \
                     IndexName: {}",
                    key.name,
                    value.kind(),
                    index.name
                ));
            }
        }
    }
    Ok(())
}

/// Which part of a parallel scan this is.
fn segments(segment: Option<u64>, total: Option<u64>) -> Result<(u64, u64)> {
    let missing = |what: &str, present: &str| {
        Err(Failure::validation(format!(
            "The {what} parameter is required but was not present in the request when {present} is present"
        )))
    };
    match (segment, total) {
        (None, None) => Ok((0, 1)),
        (Some(_), None) => missing("TotalSegments", "Segment parameter"),
        (None, Some(_)) => missing("Segment", "parameter TotalSegments"),
        (Some(segment), Some(total)) if segment >= total => Err(Failure::validation(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments",
        )),
        (Some(segment), Some(total)) => Ok((segment, total)),
    }
}
