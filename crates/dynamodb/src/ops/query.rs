use std::collections::BTreeMap;

use serde::Deserialize;
use service::{Arn, Context, Failure, Judge, Operation, Result};
use store::Order;
use wire::Document;

use crate::expression::{Condition, FilterCondition, Parameters, Role, key_conditions_of, key_tests};
use crate::items::*;
use crate::keys::Keys;
use crate::table::TableName;
use crate::value::Layer;
use crate::{DynamoDb, members};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Query {
    table_name: String,
    index_name: Option<String>,
    key_condition_expression: Option<String>,
    key_conditions: Option<BTreeMap<String, FilterCondition>>,
    filter_expression: Option<String>,
    query_filter: Option<BTreeMap<String, FilterCondition>>,
    conditional_operator: Option<String>,
    projection_expression: Option<String>,
    attributes_to_get: Option<Vec<String>>,
    expression_attribute_names: Option<Document>,
    expression_attribute_values: Option<Document>,
    select: Option<String>,
    limit: Option<usize>,
    scan_index_forward: Option<bool>,
    exclusive_start_key: Option<Document>,
    consistent_read: Option<bool>,
    return_consumed_capacity: Option<String>,
}

impl Operation for Query {
    type Service = DynamoDb;
    type Output = Found;
    const NAME: &'static str = "Query";
    const JUDGE: Option<Judge> = Some(members::QUERY);

    fn resource(&self, cx: &Context) -> Arn {
        source_arn(cx, &self.table_name, self.index_name.as_deref())
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<Found> {
        let layer = Layer::Bare;
        let name = TableName::parse(cx, &self.table_name)?;
        let (parameters, given_tests) = parameters(
            Expressions {
                key_condition: self.key_condition_expression.as_deref(),
                filter: self.filter_expression.as_deref(),
                projection: self.projection_expression.as_deref(),
                names: self.expression_attribute_names,
                values: self.expression_attribute_values,
            },
            self.key_conditions,
            &self.attributes_to_get,
            &self.query_filter,
            &self.conditional_operator,
        )?;
        let is_older_filter = self.query_filter.is_some();
        let older = older_filter(self.query_filter, self.conditional_operator.as_deref(), layer)?;
        let start = read_start(self.exclusive_start_key, layer)?;
        if given_tests.is_none() && self.key_condition_expression.is_none() {
            return Err(Failure::validation(
                "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
            ));
        }
        let read = parameters.read().map_err(Failure::validation)?;
        let chosen = Chosen::new(read.projection, self.attributes_to_get)?;
        chosen.check(self.select.as_deref(), self.index_name.is_some())?;
        let tests = match read.key_condition {
            Some(condition) => key_conditions_of(condition).map_err(Failure::validation)?,
            None => key_tests(given_tests.unwrap_or_default(), layer).map_err(Failure::validation)?,
        };
        let filter = read.condition.or(older);
        let table = dynamodb.tables().open(cx, &name).await?;
        let source = Source::new(table, self.index_name.as_deref()).map_err(Failure::validation)?;
        let consistent = self.consistent_read == Some(true);
        check_consistent(&source, consistent)?;
        let key_condition = source.key_condition(&tests).map_err(Failure::validation)?;
        check_filter(&source, filter.as_ref(), is_older_filter)?;
        let projection = chosen.projection().cloned();
        let keys = Keys::new(cx.scope());
        if let Some(start) = &start {
            start_key(&keys, &source, start).map_err(Failure::validation)?;
        }
        let shown = chosen.shown(self.select.as_deref(), &source)?;
        let (range, sort) = source.range_of(&keys, &key_condition);
        let order = if self.scan_index_forward == Some(false) { Order::Backward } else { Order::Forward };
        let table_name = source.table.name.clone();
        let search = Search {
            source,
            range,
            order,
            sort,
            filter,
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

/// The resource of a policy decision on a table or an index.
pub(super) fn source_arn(cx: &Context, table: &str, index: Option<&str>) -> Arn {
    let table = TableName::resource(cx, table);
    match index {
        Some(index) => format!("{table}/index/{index}").parse().unwrap_or(table),
        None => table,
    }
}

pub(super) fn check_consistent(source: &Source, consistent: bool) -> Result<()> {
    if consistent && source.is_global() {
        return Err(Failure::validation("Consistent reads are not supported on global secondary indexes"));
    }
    Ok(())
}

/// Keys are asked for by the key condition, never by the filter; and an index filters by what it has.
fn check_filter(source: &Source, filter: Option<&Condition>, is_older: bool) -> Result<()> {
    let Some(filter) = filter else { return Ok(()) };
    let mut names = std::collections::BTreeSet::new();
    filter.paths(&mut |path| {
        names.insert(path.root.as_str());
    });
    if let Some(key) = source.key().attributes().find(|key| names.contains(key.name.as_str())) {
        let what = if is_older { "QueryFilter" } else { "Filter Expression" };
        return Err(Failure::validation(format!(
            "{what} can only contain non-primary key attributes: Primary key attribute: {}",
            key.name
        )));
    }
    let Some(index) = &source.index else { return Ok(()) };
    let missing: Vec<&str> =
        names.into_iter().filter(|name| !is_projected(&source.table, index, name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let kind = if source.is_global() { "Global" } else { "Local" };
    Err(Failure::validation(format!(
        "One or more parameter values were invalid: {kind} secondary index {} does not project one or more filter \
         attributes: [{}]",
        index.name,
        missing.join(", ")
    )))
}

struct Expressions<'r> {
    key_condition: Option<&'r str>,
    filter: Option<&'r str>,
    projection: Option<&'r str>,
    names: Option<Document>,
    values: Option<Document>,
}

type KeyConditions = BTreeMap<String, FilterCondition>;

/// The expressions, once it is clear that they may come together. Key conditions of the older API may come with
/// expressions of the other kinds.
fn parameters<'r>(
    given: Expressions<'r>,
    key_conditions: Option<KeyConditions>,
    attributes_to_get: &Option<Vec<String>>,
    query_filter: &Option<KeyConditions>,
    conditional_operator: &Option<String>,
) -> Result<(Parameters<'r>, Option<KeyConditions>)> {
    let mut older = Vec::new();
    let mut add = |is_given: bool, name| {
        if is_given {
            older.push(name);
        }
    };
    add(attributes_to_get.is_some(), "AttributesToGet");
    add(query_filter.is_some(), "QueryFilter");
    add(conditional_operator.is_some(), "ConditionalOperator");
    add(key_conditions.is_some() && given.key_condition.is_some(), "KeyConditions");
    let parameters = Parameters {
        expressions: vec![
            (Role::Projection, given.projection),
            (Role::Filter, given.filter),
            (Role::KeyCondition, given.key_condition),
        ],
        older,
        names: given.names,
        values: given.values,
        layer: Some(Layer::Bare),
    };
    parameters.check_combination().map_err(Failure::validation)?;
    Ok((parameters, key_conditions))
}
