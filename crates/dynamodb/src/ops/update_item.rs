use std::collections::BTreeMap;

use serde::Deserialize;
use service::{Arn, Context, Failure, Judge, Operation, Result};
use wire::Document;

use super::put_item::ItemWritten;
use crate::expression::{AttributeUpdate, ExpectedValue, attribute_updates};
use crate::items::*;
use crate::table::TableName;
use crate::value::Layer;
use crate::{DynamoDb, members};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateItem {
    table_name: String,
    key: Document,
    update_expression: Option<String>,
    condition_expression: Option<String>,
    expression_attribute_names: Option<Document>,
    expression_attribute_values: Option<Document>,
    attribute_updates: Option<BTreeMap<String, AttributeUpdate>>,
    expected: Option<BTreeMap<String, ExpectedValue>>,
    conditional_operator: Option<String>,
    return_values: Option<String>,
    return_values_on_condition_check_failure: Option<String>,
    return_consumed_capacity: Option<String>,
    return_item_collection_metrics: Option<String>,
}

impl Operation for UpdateItem {
    type Service = DynamoDb;
    type Output = ItemWritten;
    const NAME: &'static str = "UpdateItem";
    const JUDGE: Option<Judge> = Some(members::UPDATE_ITEM);

    fn resource(&self, cx: &Context) -> Arn {
        TableName::resource(cx, &self.table_name)
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<ItemWritten> {
        let layer = Layer::Enveloped;
        let name = TableName::parse(cx, &self.table_name)?;
        let input = ConditionInput {
            condition_expression: self.condition_expression,
            update_expression: self.update_expression,
            names: self.expression_attribute_names,
            values: self.expression_attribute_values,
            expected: self.expected,
            conditional_operator: self.conditional_operator,
            has_attribute_updates: self.attribute_updates.is_some(),
            takes_update: true,
        };
        input.check(layer).map_err(layer_failure(layer))?;
        let returned = Returned::named(self.return_values.as_deref());
        let key = read_key(self.key, layer)?;
        let older = self.attribute_updates.map(|updates| attribute_updates(updates, layer));
        let older = older.transpose().map_err(Failure::validation)?;
        let WriteInput { expressions, condition } = input.read(layer)?;
        let update = expressions.update.or(older).unwrap_or_default();
        let shows_item_on_failure =
            self.return_values_on_condition_check_failure.as_deref() == Some("ALL_OLD");
        let written = write_item(dynamodb, cx, &name, |table| {
            check_key(table, &key).map_err(Failure::validation)?;
            check_update_targets(table, &update).map_err(Failure::validation)?;
            check_expression_keys(table, condition.as_ref(), Some(&update), None)
                .map_err(Failure::validation)?;
            check_update_not_empty(table, &update).map_err(Failure::validation)?;
            Ok(ItemWrite {
                key: key.clone(),
                change: Change::Update { update: update.clone(), stands_alone: true },
                condition: condition.clone(),
                shows_item_on_failure,
            })
        })
        .await?;
        let capacity = self.return_consumed_capacity.as_deref();
        Ok(ItemWritten::new(&written, returned, capacity, self.return_item_collection_metrics.as_deref()))
    }
}
