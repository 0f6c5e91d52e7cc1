use serde::{Deserialize, Serialize};
use service::{Context, Operation, Result};

use crate::DynamoDb;
use crate::limits::{ACCOUNT_CAPACITY_UNITS_MAX, TABLE_CAPACITY_UNITS_MAX};

#[derive(Deserialize)]
pub(crate) struct DescribeLimits {}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Limits {
    account_max_read_capacity_units: i64,
    account_max_write_capacity_units: i64,
    table_max_read_capacity_units: i64,
    table_max_write_capacity_units: i64,
}

impl Operation for DescribeLimits {
    type Service = DynamoDb;
    type Output = Limits;
    const NAME: &'static str = "DescribeLimits";

    async fn run(self, _: &DynamoDb, _: &Context) -> Result<Limits> {
        Ok(Limits {
            account_max_read_capacity_units: ACCOUNT_CAPACITY_UNITS_MAX,
            account_max_write_capacity_units: ACCOUNT_CAPACITY_UNITS_MAX,
            table_max_read_capacity_units: TABLE_CAPACITY_UNITS_MAX,
            table_max_write_capacity_units: TABLE_CAPACITY_UNITS_MAX,
        })
    }
}
