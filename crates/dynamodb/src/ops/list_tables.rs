use serde::{Deserialize, Serialize};
use service::{Context, Operation, Result};
use store::Order;

use crate::DynamoDb;
use crate::keys::{Keys, just_after};
use crate::limits::LIST_TABLES_MAX;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListTables {
    exclusive_start_table_name: Option<String>,
    limit: Option<usize>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TablesListed {
    table_names: Vec<String>,
    last_evaluated_table_name: Option<String>,
}

impl Operation for ListTables {
    type Service = DynamoDb;
    type Output = TablesListed;
    const NAME: &'static str = "ListTables";

    async fn run(self, _: &DynamoDb, cx: &Context) -> Result<TablesListed> {
        let keys = Keys::new(cx.scope());
        let mut range = keys.tables();
        if let Some(after) = &self.exclusive_start_table_name {
            range.start = just_after(&keys.table(after));
        }
        let limit = self.limit.unwrap_or(LIST_TABLES_MAX).clamp(1, LIST_TABLES_MAX);
        let snapshot = cx.platform().kv().snapshot().await?;
        let rows = snapshot.scan(range, Order::Forward, limit + 1).await?;
        let more = rows.len() > limit;
        let table_names: Vec<String> =
            rows.iter().take(limit).filter_map(|(key, _)| keys.read_table(key)).collect();
        let last_evaluated_table_name = table_names.last().filter(|_| more).cloned();
        Ok(TablesListed { table_names, last_evaluated_table_name })
    }
}
