use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use service::{Arn, Context, Demand, Failure, Operation, Result};
use wire::Document;

use super::execute_statement::demand;
use crate::DynamoDb;
use crate::items::*;
use crate::partiql::{
    Outcome, SelectOptions, Statement, check_single, keyed_read, parse, read_parameters, run_select,
    run_write,
};
use crate::table::TableName;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct BatchExecuteStatement {
    statements: Vec<BatchStatement>,
    return_consumed_capacity: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BatchStatement {
    statement: String,
    parameters: Option<Vec<Document>>,
    consistent_read: Option<bool>,
    return_values_on_condition_check_failure: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StatementsDone {
    responses: Vec<StatementResponse>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumed_capacity: Option<Vec<ConsumedCapacity>>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct StatementResponse {
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<StatementError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    table_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<Document>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct StatementError {
    code: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<Document>,
}

impl Operation for BatchExecuteStatement {
    type Service = DynamoDb;
    type Output = StatementsDone;
    const NAME: &'static str = "BatchExecuteStatement";

    fn demands(&self, cx: &Context) -> Vec<Demand> {
        let demand = |one: &BatchStatement| demand(cx, &one.statement, one.parameters.as_ref());
        self.statements.iter().map(demand).collect()
    }

    fn resource(&self, _: &Context) -> Arn {
        Arn::any()
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<StatementsDone> {
        let mut parsed = Vec::new();
        for one in &self.statements {
            let statement = read_parameters(one.parameters.clone()).and_then(|parameters| {
                let statement = parse(&one.statement, &parameters).map_err(Failure::validation)?;
                check_single(&statement).map_err(Failure::validation)?;
                Ok(statement)
            });
            parsed.push(statement);
        }
        let reads = parsed.iter().flatten().filter(|statement| statement.is_read()).count();
        if reads > 0 && reads < parsed.iter().flatten().count() {
            return Err(Failure::validation("Batch request cannot include both read and write statements"));
        }
        let report = CapacityReport::named(self.return_consumed_capacity.as_deref());
        let mut consumed: BTreeMap<String, Consumed> = BTreeMap::new();
        let mut responses = Vec::new();
        for (one, statement) in self.statements.iter().zip(parsed) {
            let done = match statement {
                Ok(statement) => execute(dynamodb, cx, one, &statement).await,
                Err(failure) => Err(failure),
            };
            responses.push(match done {
                Ok(outcome) => {
                    consumed.entry(outcome.table.clone()).or_default().add(&outcome.consumed);
                    StatementResponse {
                        error: None,
                        table_name: Some(outcome.table),
                        item: outcome.items.into_iter().next(),
                    }
                }
                Err(Failure::Modelled(reply)) => {
                    let error = StatementError {
                        code: error_code(&reply.code),
                        message: reply.message,
                        item: reply.members.get("Item").cloned(),
                    };
                    StatementResponse { error: Some(error), ..StatementResponse::default() }
                }
                Err(internal) => return Err(internal),
            });
        }
        let reports = consumed.iter().filter_map(|(table, used)| used.report(table, report, None));
        let consumed_capacity = (report != CapacityReport::None).then(|| reports.collect());
        Ok(StatementsDone { responses, consumed_capacity })
    }
}

async fn execute(
    dynamodb: &DynamoDb,
    cx: &Context,
    one: &BatchStatement,
    statement: &Statement,
) -> Result<Outcome> {
    let Statement::Select(select) = statement else {
        let shows = one.return_values_on_condition_check_failure.as_deref() == Some("ALL_OLD");
        return run_write(dynamodb, cx, statement, shows).await;
    };
    let name = TableName::parse(cx, &select.table)?;
    let table = dynamodb.tables().open(cx, &name).await?;
    keyed_read(select, &table, "BatchExecuteStatement").map_err(Failure::validation)?;
    let options = SelectOptions { consistent: one.consistent_read == Some(true), ..SelectOptions::default() };
    run_select(dynamodb, cx, select, &options).await
}

/// As the statements of a batch name their errors.
fn error_code(code: &str) -> String {
    match code {
        "ValidationException" => "ValidationError".to_owned(),
        "AccessDeniedException" => "AccessDenied".to_owned(),
        code => code.strip_suffix("Exception").unwrap_or(code).to_owned(),
    }
}
