use serde::{Deserialize, Serialize};
use service::{Arn, Context, Demand, Failure, Operation, Result};
use wire::Document;

use super::query::source_arn;
use crate::DynamoDb;
use crate::items::*;
use crate::partiql::{SelectOptions, Statement, check_single, parse, read_parameters, run_select, run_write};
use crate::value::{Value, to_document};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ExecuteStatement {
    statement: String,
    parameters: Option<Vec<Document>>,
    consistent_read: Option<bool>,
    next_token: Option<String>,
    return_consumed_capacity: Option<String>,
    limit: Option<usize>,
    return_values_on_condition_check_failure: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StatementDone {
    items: Vec<Document>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_evaluated_key: Option<Document>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumed_capacity: Option<ConsumedCapacity>,
}

/// What a policy decides on: the kind of statement, and its table or index. A text that is no statement demands what any
/// selection does.
pub(super) fn demand(cx: &Context, statement: &str, parameters: Option<&Vec<Document>>) -> Demand {
    let parameters: Vec<Value> = read_parameters(parameters.cloned()).unwrap_or_default();
    match parse(statement, &parameters) {
        Ok(Statement::Select(select)) => {
            Demand::new("PartiQLSelect", source_arn(cx, &select.table, select.index.as_deref()))
        }
        Ok(statement) => Demand::new(statement.action(), source_arn(cx, statement.table(), None)),
        Err(_) => Demand::new("PartiQLSelect", Arn::any()),
    }
}

impl Operation for ExecuteStatement {
    type Service = DynamoDb;
    type Output = StatementDone;
    const NAME: &'static str = "ExecuteStatement";

    fn demands(&self, cx: &Context) -> Vec<Demand> {
        vec![demand(cx, &self.statement, self.parameters.as_ref())]
    }

    fn resource(&self, _: &Context) -> Arn {
        Arn::any()
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<StatementDone> {
        let parameters = read_parameters(self.parameters)?;
        let statement = parse(&self.statement, &parameters).map_err(Failure::validation)?;
        check_single(&statement).map_err(Failure::validation)?;
        let outcome = if let Statement::Select(select) = &statement {
            let mut options = SelectOptions {
                consistent: self.consistent_read == Some(true),
                limit: self.limit,
                next_token: self.next_token,
                ..SelectOptions::default()
            };
            options.bind(&self.statement, &parameters);
            run_select(dynamodb, cx, select, &options).await?
        } else {
            let shows = self.return_values_on_condition_check_failure.as_deref() == Some("ALL_OLD");
            run_write(dynamodb, cx, &statement, shows).await?
        };
        let report = CapacityReport::named(self.return_consumed_capacity.as_deref());
        Ok(StatementDone {
            consumed_capacity: outcome.consumed.report(&outcome.table, report, None),
            items: outcome.items,
            next_token: outcome.next_token,
            last_evaluated_key: outcome.last.as_ref().map(to_document),
        })
    }
}
