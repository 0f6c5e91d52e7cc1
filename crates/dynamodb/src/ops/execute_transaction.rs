use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use service::{Arn, Context, Demand, Failure, Operation, Result};
use wire::Document;

use super::execute_statement::demand;
use super::transact_write_items::transaction_capacity;
use crate::DynamoDb;
use crate::expression::{Projection, holds};
use crate::items::*;
use crate::keys::Keys;
use crate::partiql::{Keyed, Select, Statement, keyed_read, parse, prepare_write, read_parameters};
use crate::table::TableName;
use crate::value::to_document;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ExecuteTransaction {
    transact_statements: Vec<TransactStatement>,
    client_request_token: Option<String>,
    return_consumed_capacity: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TransactStatement {
    statement: String,
    parameters: Option<Vec<Document>>,
    return_values_on_condition_check_failure: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StatementsTransacted {
    responses: Vec<ItemResponse>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumed_capacity: Option<Vec<ConsumedCapacity>>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ItemResponse {
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<Document>,
}

impl Operation for ExecuteTransaction {
    type Service = DynamoDb;
    type Output = StatementsTransacted;
    const NAME: &'static str = "ExecuteTransaction";

    fn demands(&self, cx: &Context) -> Vec<Demand> {
        let demand = |one: &TransactStatement| demand(cx, &one.statement, one.parameters.as_ref());
        self.transact_statements.iter().map(demand).collect()
    }

    fn resource(&self, _: &Context) -> Arn {
        Arn::any()
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<StatementsTransacted> {
        let mut statements = Vec::new();
        let mut request = Vec::new();
        for (index, one) in self.transact_statements.iter().enumerate() {
            let parameters = read_parameters(one.parameters.clone())?;
            let statement = parse(&one.statement, &parameters).map_err(Failure::validation)?;
            check(&statement).map_err(|problem| {
                Failure::validation(format!("Validation failed in TransactStatements[{index}]: {problem}"))
            })?;
            request.push(Document::Text(one.statement.clone()));
            request.push(Document::List(one.parameters.clone().unwrap_or_default()));
            statements.push(statement);
        }
        let report = CapacityReport::named(self.return_consumed_capacity.as_deref());
        let selects: Vec<&Select> = statements
            .iter()
            .filter_map(|statement| match statement {
                Statement::Select(select) => Some(select),
                _ => None,
            })
            .collect();
        if selects.len() == statements.len() {
            return read(dynamodb, cx, &selects, report).await;
        }
        if !selects.is_empty() {
            return Err(Failure::validation(
                "Transaction request cannot include both read and write statements",
            ));
        }
        let request = Document::List(request).to_json().to_string();
        let token = self.client_request_token.as_deref();
        let token = token.map(|token| Token::new(cx, token, request.as_bytes()));
        let mut names = Vec::new();
        for statement in &statements {
            names.push(TableName::parse(cx, statement.table())?);
        }
        let outcome = transact(dynamodb, cx, &names, token.as_ref(), |index, table| {
            let one = &self.transact_statements[index];
            let shows = one.return_values_on_condition_check_failure.as_deref() == Some("ALL_OLD");
            Ok(match prepare_write(&statements[index], table, shows) {
                Ok(write) => Prepared::Write(Box::new(write)),
                Err(text) => Prepared::Refused(CancellationReason::invalid(text)),
            })
        })
        .await?;
        Ok(StatementsTransacted {
            responses: statements.iter().map(|_| ItemResponse::default()).collect(),
            consumed_capacity: transaction_capacity(&outcome, report),
        })
    }
}

fn check(statement: &Statement) -> std::result::Result<(), &'static str> {
    match statement {
        Statement::Update { returned, .. } | Statement::Delete { returned, .. }
            if *returned != Returned::None =>
        {
            Err("RETURNING clause is not supported in ExecuteTransaction.")
        }
        Statement::Select(select) if select.index.is_some() => {
            Err("Reads on indices are not supported within transactions.")
        }
        _ => Ok(()),
    }
}

/// Reads all items from one snapshot.
async fn read(
    dynamodb: &DynamoDb,
    cx: &Context,
    selects: &[&Select],
    report: CapacityReport,
) -> Result<StatementsTransacted> {
    let keys = Keys::new(cx.scope());
    let mut reads = Vec::new();
    for (index, select) in selects.iter().enumerate() {
        let name = TableName::parse(cx, &select.table)?;
        let table = dynamodb.tables().open(cx, &name).await?;
        let Keyed { key, condition } =
            keyed_read(select, &table, "ExecuteTransaction").map_err(|problem| {
                Failure::validation(format!("Validation failed in TransactStatements[{index}]: {problem}"))
            })?;
        check_key(&table, &key).map_err(Failure::validation)?;
        let place = place_of(&keys, &table, &key)?;
        reads.push((table, place, condition));
    }
    if reads.iter().map(|(_, place, _)| place).collect::<BTreeSet<_>>().len() < reads.len() {
        return Err(Failure::validation(
            "Transaction request cannot include multiple operations on one item",
        ));
    }
    let snapshot = cx.platform().kv().snapshot().await?;
    let mut responses = Vec::new();
    let mut consumed: BTreeMap<&str, Consumed> = BTreeMap::new();
    for ((table, place, condition), select) in reads.iter().zip(selects) {
        let before = read_before(snapshot.as_ref(), place).await?;
        let size = before.stored.as_ref().map_or(0, |stored| stored.size_bytes);
        consumed.entry(&table.name).or_default().add(&Consumed::table(read_units(size, true) * 2.0));
        let item =
            before.item.filter(|item| condition.as_ref().is_none_or(|condition| holds(condition, item)));
        let shown = item.map(|item| match &select.paths {
            None => to_document(&item),
            Some(paths) => to_document(&Projection { paths: paths.clone(), is_flat: true }.of(&item)),
        });
        responses.push(ItemResponse { item: shown });
    }
    let capacity = consumed.iter().filter_map(|(table, used)| used.report(table, report, Some(Split::Read)));
    let consumed_capacity = (report != CapacityReport::None).then(|| capacity.collect());
    Ok(StatementsTransacted { responses, consumed_capacity })
}
