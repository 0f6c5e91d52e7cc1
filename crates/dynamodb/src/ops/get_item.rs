use serde::{Deserialize, Serialize};
use service::{Arn, Context, Failure, Judge, Operation, Result};
use wire::Document;

use crate::expression::{Parameters, Role};
use crate::items::*;
use crate::keys::Keys;
use crate::table::TableName;
use crate::value::Layer;
use crate::{DynamoDb, members};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetItem {
    table_name: String,
    key: Document,
    attributes_to_get: Option<Vec<String>>,
    projection_expression: Option<String>,
    expression_attribute_names: Option<Document>,
    consistent_read: Option<bool>,
    return_consumed_capacity: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ItemGot {
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<Document>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumed_capacity: Option<ConsumedCapacity>,
}

impl Operation for GetItem {
    type Service = DynamoDb;
    type Output = ItemGot;
    const NAME: &'static str = "GetItem";
    const JUDGE: Option<Judge> = Some(members::GET_ITEM);

    fn resource(&self, cx: &Context) -> Arn {
        TableName::resource(cx, &self.table_name)
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<ItemGot> {
        let layer = Layer::Bare;
        let name = TableName::parse(cx, &self.table_name)?;
        let parameters = Parameters {
            expressions: vec![(Role::Projection, self.projection_expression.as_deref())],
            older: self.attributes_to_get.iter().map(|_| "AttributesToGet").collect(),
            names: self.expression_attribute_names,
            ..Parameters::default()
        };
        parameters.check_combination().map_err(Failure::validation)?;
        let key = read_key(self.key, layer)?;
        let expressions = parameters.read().map_err(Failure::validation)?;
        let chosen = Chosen::new(expressions.projection, self.attributes_to_get)?;
        let table = dynamodb.tables().open(cx, &name).await?;
        check_key(&table, &key).map_err(Failure::validation)?;
        check_expression_keys(&table, None, None, chosen.projection()).map_err(Failure::validation)?;
        let place = place_of(&Keys::new(cx.scope()), &table, &key)?;
        let snapshot = cx.platform().kv().snapshot().await?;
        let (item, size) = read_stored(snapshot.as_ref(), &place, chosen.projection()).await?;
        let consumed = Consumed::table(read_units(size, self.consistent_read == Some(true)));
        let report = CapacityReport::named(self.return_consumed_capacity.as_deref());
        Ok(ItemGot { item, consumed_capacity: consumed.report(&table.name, report, None) })
    }
}
