use serde::{Deserialize, Serialize};
use service::{Context, Operation, Result};

use crate::DynamoDb;

/// How long clients may remember the answer.
const CACHE_PERIOD_MINUTES: i64 = 1_440;

#[derive(Deserialize)]
pub(crate) struct DescribeEndpoints {}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Endpoints {
    endpoints: Vec<Endpoint>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Endpoint {
    address: String,
    cache_period_in_minutes: i64,
}

impl Operation for DescribeEndpoints {
    type Service = DynamoDb;
    type Output = Endpoints;
    const NAME: &'static str = "DescribeEndpoints";

    async fn run(self, _: &DynamoDb, cx: &Context) -> Result<Endpoints> {
        // A host and a port, as AWS answers a host without a scheme.
        let endpoint = cx.endpoint();
        let address = endpoint.split_once("://").map_or(endpoint, |(_, address)| address).to_owned();
        Ok(Endpoints { endpoints: vec![Endpoint { address, cache_period_in_minutes: CACHE_PERIOD_MINUTES }] })
    }
}
