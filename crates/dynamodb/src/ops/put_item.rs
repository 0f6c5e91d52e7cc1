use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use service::{Arn, Context, Failure, Judge, Operation, Result};
use wire::Document;

use crate::expression::ExpectedValue;
use crate::items::{self, *};
use crate::table::TableName;
use crate::value::{Layer, to_document};
use crate::{DynamoDb, members};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutItem {
    table_name: String,
    item: Document,
    condition_expression: Option<String>,
    expression_attribute_names: Option<Document>,
    expression_attribute_values: Option<Document>,
    expected: Option<BTreeMap<String, ExpectedValue>>,
    conditional_operator: Option<String>,
    return_values: Option<String>,
    return_values_on_condition_check_failure: Option<String>,
    return_consumed_capacity: Option<String>,
    return_item_collection_metrics: Option<String>,
}

/// What writes of single items answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ItemWritten {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attributes: Option<Document>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) consumed_capacity: Option<ConsumedCapacity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) item_collection_metrics: Option<ItemCollectionMetrics>,
}

impl ItemWritten {
    pub(crate) fn new(
        written: &Written,
        returned: Returned,
        capacity: Option<&str>,
        metrics: Option<&str>,
    ) -> Self {
        let Written { table, key, old, new, touched, consumed } = written;
        let attributes = returned.of(old.as_ref(), new.as_ref(), touched.as_ref());
        ItemWritten {
            attributes: attributes.as_ref().map(to_document),
            consumed_capacity: consumed.report(&table.name, CapacityReport::named(capacity), None),
            item_collection_metrics: collection_metrics(table, key, metrics),
        }
    }
}

/// Puts and deletes answer the item before, or nothing.
pub(super) fn check_return_values(asked: Option<&str>) -> Result<Returned> {
    match asked {
        None | Some("NONE" | "ALL_OLD") => Ok(Returned::named(asked)),
        Some(_) => Err(layer_failure(Layer::Enveloped)(members::OLD_OR_NONE.to_owned())),
    }
}

impl Operation for PutItem {
    type Service = DynamoDb;
    type Output = ItemWritten;
    const NAME: &'static str = "PutItem";
    const JUDGE: Option<Judge> = Some(members::PUT_ITEM);

    fn resource(&self, cx: &Context) -> Arn {
        TableName::resource(cx, &self.table_name)
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<ItemWritten> {
        let layer = Layer::Enveloped;
        let name = TableName::parse(cx, &self.table_name)?;
        let input = ConditionInput {
            condition_expression: self.condition_expression,
            names: self.expression_attribute_names,
            values: self.expression_attribute_values,
            expected: self.expected,
            conditional_operator: self.conditional_operator,
            ..ConditionInput::default()
        };
        input.check(layer).map_err(layer_failure(layer))?;
        let item = items::read_item(self.item, layer)?;
        let condition = input.read(layer)?.condition;
        let returned = check_return_values(self.return_values.as_deref())?;
        let shows_item_on_failure =
            self.return_values_on_condition_check_failure.as_deref() == Some("ALL_OLD");
        let written = write_item(dynamodb, cx, &name, |table| {
            check_item_key(table, &item).map_err(Failure::validation)?;
            check_expression_keys(table, condition.as_ref(), None, None).map_err(Failure::validation)?;
            Ok(ItemWrite {
                key: key_of(&table.key, &item),
                change: Change::Put(item.clone()),
                condition: condition.clone(),
                shows_item_on_failure,
            })
        })
        .await?;
        let capacity = self.return_consumed_capacity.as_deref();
        Ok(ItemWritten::new(&written, returned, capacity, self.return_item_collection_metrics.as_deref()))
    }
}
