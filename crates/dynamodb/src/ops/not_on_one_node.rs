//! What there is none of on one node: what would make one answers 501, what reads them tells that there are none.

use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};

use crate::DynamoDb;
use crate::error::Error;
use crate::table::TableName;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeKinesisStreamingDestination {
    table_name: String,
}

/// Nothing is streamed to Kinesis.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Destinations {
    table_name: String,
    kinesis_data_stream_destinations: [(); 0],
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeGlobalTable {
    global_table_name: String,
}

#[derive(Deserialize)]
pub(crate) struct ListGlobalTables {}

/// There are no global tables.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GlobalTables {
    global_tables: [(); 0],
}

impl Operation for DescribeKinesisStreamingDestination {
    type Service = DynamoDb;
    type Output = Destinations;
    const NAME: &'static str = "DescribeKinesisStreamingDestination";

    fn resource(&self, cx: &Context) -> Arn {
        TableName::resource(cx, &self.table_name)
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<Destinations> {
        let name = TableName::parse(cx, &self.table_name)?;
        dynamodb.tables().require(cx, &name).await?;
        Ok(Destinations { table_name: name.as_str().to_owned(), kinesis_data_stream_destinations: [] })
    }
}

impl Operation for DescribeGlobalTable {
    type Service = DynamoDb;
    type Output = GlobalTables;
    const NAME: &'static str = "DescribeGlobalTable";

    async fn run(self, _: &DynamoDb, _: &Context) -> Result<GlobalTables> {
        Err(Error::GlobalTableNotFoundException(format!(
            "Global table not found: Global table with name: '{}' does not exist.",
            self.global_table_name
        ))
        .into())
    }
}

impl Operation for ListGlobalTables {
    type Service = DynamoDb;
    type Output = GlobalTables;
    const NAME: &'static str = "ListGlobalTables";

    async fn run(self, _: &DynamoDb, _: &Context) -> Result<GlobalTables> {
        Ok(GlobalTables { global_tables: [] })
    }
}
