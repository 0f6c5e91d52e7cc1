use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use service::{Arn, Context, Demand, Failure, Judge, Operation, Result};
use wire::Document;

use crate::expression::{Condition, Update};
use crate::items::{self, *};
use crate::table::{OpenTable, TableName};
use crate::value::{Attributes, Layer, size_bytes};
use crate::{DynamoDb, members};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TransactWriteItems {
    transact_items: Vec<Document>,
    client_request_token: Option<String>,
    return_consumed_capacity: Option<String>,
    return_item_collection_metrics: Option<String>,
}

/// One action: a map with one member, of one of these names.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ActionInput {
    table_name: String,
    item: Option<Document>,
    key: Option<Document>,
    update_expression: Option<String>,
    condition_expression: Option<String>,
    expression_attribute_names: Option<Document>,
    expression_attribute_values: Option<Document>,
    return_values_on_condition_check_failure: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TransactionDone {
    #[serde(skip_serializing_if = "Option::is_none")]
    consumed_capacity: Option<Vec<ConsumedCapacity>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item_collection_metrics: Option<BTreeMap<String, Vec<ItemCollectionMetrics>>>,
}

/// What an action does, read and not yet fitted to its table.
struct Action {
    name: TableName,
    kind: ActionKind,
    condition: Option<Condition>,
    shows_item_on_failure: bool,
}

enum ActionKind {
    Put(Attributes),
    Update(Attributes, Update),
    Delete(Attributes),
    Check(Attributes),
}

const ACTIONS: [(&str, &str); 4] = [
    ("ConditionCheck", "ConditionCheckItem"),
    ("Put", "PutItem"),
    ("Delete", "DeleteItem"),
    ("Update", "UpdateItem"),
];

impl Operation for TransactWriteItems {
    type Service = DynamoDb;
    type Output = TransactionDone;
    const NAME: &'static str = "TransactWriteItems";
    const JUDGE: Option<Judge> = Some(members::TRANSACT_WRITE_ITEMS);

    fn demands(&self, cx: &Context) -> Vec<Demand> {
        let mut demands = BTreeSet::new();
        for item in &self.transact_items {
            for (member, action) in ACTIONS {
                let table =
                    item.get(member).and_then(|input| input.get("TableName")).and_then(Document::as_str);
                demands.extend(table.map(|table| (action, table)));
            }
        }
        demands
            .into_iter()
            .map(|(action, table)| Demand::new(action, TableName::resource(cx, table)))
            .collect()
    }

    fn resource(&self, _: &Context) -> Arn {
        Arn::any()
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<TransactionDone> {
        let request = Document::List(self.transact_items.clone()).to_json().to_string();
        let token = self.client_request_token.as_deref();
        let token = token.map(|token| Token::new(cx, token, request.as_bytes()));
        let mut actions = Vec::new();
        for item in self.transact_items {
            actions.push(read(cx, item)?);
        }
        let put_bytes: usize = actions
            .iter()
            .map(|action| match &action.kind {
                ActionKind::Put(item) => size_bytes(item),
                _ => 0,
            })
            .sum();
        if put_bytes > TRANSACTION_BYTES_MAX {
            return Err(Failure::validation(TOO_LARGE));
        }
        let names: Vec<TableName> = actions.iter().map(|action| action.name.clone()).collect();
        let outcome =
            transact(dynamodb, cx, &names, token.as_ref(), |index, table| actions[index].prepare(table))
                .await?;
        let report = CapacityReport::named(self.return_consumed_capacity.as_deref());
        let asked = self.return_item_collection_metrics.as_deref();
        Ok(TransactionDone {
            consumed_capacity: transaction_capacity(&outcome, report),
            item_collection_metrics: transaction_metrics(&outcome, asked),
        })
    }
}

/// Each table's share; a transaction that was done before only read what it had done.
pub(super) fn transaction_capacity(
    outcome: &TransactionOutcome,
    report: CapacityReport,
) -> Option<Vec<ConsumedCapacity>> {
    let mut tables: BTreeMap<&str, Consumed> = BTreeMap::new();
    for action in &outcome.actions {
        let used = if outcome.was_done {
            Consumed::table(read_units(action.size_bytes, true))
        } else {
            action.consumed.clone()
        };
        tables.entry(&action.table.name).or_default().add(&used.times(2.0));
    }
    let split = if outcome.was_done { Split::Read } else { Split::Write };
    let reports = tables.iter().filter_map(|(table, used)| used.report(table, report, Some(split)));
    (report != CapacityReport::None).then(|| reports.collect())
}

fn transaction_metrics(
    outcome: &TransactionOutcome,
    asked: Option<&str>,
) -> Option<BTreeMap<String, Vec<ItemCollectionMetrics>>> {
    let mut tables: BTreeMap<String, Vec<ItemCollectionMetrics>> = BTreeMap::new();
    for action in &outcome.actions {
        if let Some(metrics) = collection_metrics(&action.table, &action.key, asked) {
            let all = tables.entry(action.table.name.clone()).or_default();
            if !all.contains(&metrics) {
                all.push(metrics);
            }
        }
    }
    (!tables.is_empty()).then_some(tables)
}

fn read(cx: &Context, item: Document) -> Result<Action> {
    let Document::Map(members) = item else { return Err(several()) };
    let mut members = members.into_iter().filter(|(_, input)| !input.is_null());
    let (Some((member, input)), None) = (members.next(), members.next()) else { return Err(several()) };
    let input: ActionInput = wire::from_document(input)
        .map_err(|error| Failure::new("SerializationException", 400, error.to_string()))?;
    let name = TableName::parse(cx, &input.table_name)?;
    let layer = Layer::Older;
    let conditions = ConditionInput {
        condition_expression: input.condition_expression,
        update_expression: input.update_expression,
        names: input.expression_attribute_names,
        values: input.expression_attribute_values,
        takes_update: member == "Update",
        ..ConditionInput::default()
    };
    conditions.check(layer).map_err(Failure::validation)?;
    let item = input.item.map(|item| items::read_item(item, layer)).transpose()?;
    let WriteInput { expressions, condition } = conditions.read(layer)?;
    let key = input.key.map(|key| read_key(key, layer)).transpose()?;
    let kind = match (member.as_str(), item, key) {
        ("Put", Some(item), _) => ActionKind::Put(item),
        ("Update", _, Some(key)) => ActionKind::Update(key, expressions.update.unwrap_or_default()),
        ("Delete", _, Some(key)) => ActionKind::Delete(key),
        ("ConditionCheck", _, Some(key)) => ActionKind::Check(key),
        _ => return Err(several()),
    };
    let shows_item_on_failure = input.return_values_on_condition_check_failure.as_deref() == Some("ALL_OLD");
    Ok(Action { name, kind, condition, shows_item_on_failure })
}

fn several() -> Failure {
    Failure::validation("TransactItems can only contain one of Check, Put, Update or Delete")
}

impl Action {
    /// Empty keys are refused at once; what does not fit the table cancels the transaction in this action's place.
    fn prepare(&self, table: &OpenTable) -> Result<Prepared> {
        let refused = |text: String| Ok(Prepared::Refused(CancellationReason::invalid(text)));
        let checked = match &self.kind {
            ActionKind::Put(item) => {
                check_not_empty(&table.key, item).map_err(Failure::validation)?;
                check_index_keys_not_empty(table, item).map_err(Failure::validation)?;
                check_item_key(table, item)
            }
            ActionKind::Update(key, update) => {
                check_not_empty(&table.key, key).map_err(Failure::validation)?;
                check_update_not_empty(table, update).map_err(Failure::validation)?;
                check_key(table, key).and_then(|()| check_update_targets(table, update))
            }
            ActionKind::Delete(key) | ActionKind::Check(key) => {
                check_not_empty(&table.key, key).map_err(Failure::validation)?;
                check_key(table, key)
            }
        };
        if let Err(text) = checked {
            return refused(text);
        }
        let update = match &self.kind {
            ActionKind::Update(_, update) => Some(update),
            _ => None,
        };
        if let Err(text) = check_expression_keys(table, self.condition.as_ref(), update, None) {
            return refused(text);
        }
        let (key, change) = match &self.kind {
            ActionKind::Put(item) => (key_of(&table.key, item), Change::Put(item.clone())),
            ActionKind::Update(key, update) => {
                (key.clone(), Change::Update { update: update.clone(), stands_alone: false })
            }
            ActionKind::Delete(key) => (key.clone(), Change::Delete),
            ActionKind::Check(key) => (key.clone(), Change::Check),
        };
        Ok(Prepared::Write(Box::new(ItemWrite {
            key,
            change,
            condition: self.condition.clone(),
            shows_item_on_failure: self.shows_item_on_failure,
        })))
    }
}
