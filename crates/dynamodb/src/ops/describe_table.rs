use serde::{Deserialize, Serialize};
use service::{Arn, Context, Judge, Operation, Result};

use crate::DynamoDb;
use crate::table::{TableDescription, TableName};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeTable {
    table_name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TableDescribed {
    table: TableDescription,
}

impl Operation for DescribeTable {
    type Service = DynamoDb;
    type Output = TableDescribed;
    const NAME: &'static str = "DescribeTable";
    const JUDGE: Option<Judge> = Some(crate::members::TABLE);

    fn resource(&self, cx: &Context) -> Arn {
        TableName::resource(cx, &self.table_name)
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<TableDescribed> {
        let name = TableName::parse(cx, &self.table_name)?;
        let open = dynamodb.tables().require(cx, &name).await?;
        Ok(TableDescribed { table: TableDescription::new(cx.scope(), &open, &open.sizes, cx.now()) })
    }
}
