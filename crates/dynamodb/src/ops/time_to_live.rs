use serde::{Deserialize, Serialize};
use service::{Arn, Context, Judge, Operation, Result};

use crate::DynamoDb;
use crate::cleaning;
use crate::error::invalid;
use crate::keys::{Keys, Mark, StorageId};
use crate::table::{Table, TableName, TimeToLive};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateTimeToLive {
    table_name: String,
    time_to_live_specification: Specification,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Specification {
    enabled: bool,
    attribute_name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Updated {
    time_to_live_specification: Specification,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeTimeToLive {
    table_name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Described {
    time_to_live_description: TimeToLiveDescription,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TimeToLiveDescription {
    time_to_live_status: &'static str,
    attribute_name: Option<String>,
}

impl TimeToLiveDescription {
    pub(crate) fn of(table: &Table) -> Self {
        TimeToLiveDescription {
            time_to_live_status: if table.time_to_live.is_some() { "ENABLED" } else { "DISABLED" },
            attribute_name: table.time_to_live.as_ref().map(|settings| settings.attribute.clone()),
        }
    }
}

impl Operation for UpdateTimeToLive {
    type Service = DynamoDb;
    type Output = Updated;
    const NAME: &'static str = "UpdateTimeToLive";

    fn resource(&self, cx: &Context) -> Arn {
        TableName::resource(cx, &self.table_name)
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<Updated> {
        let name = TableName::parse(cx, &self.table_name)?;
        let asked = self.time_to_live_specification;
        let keys = Keys::new(cx.scope());
        dynamodb
            .tables()
            .change(cx, &name, |txn, table| {
                let current = table.time_to_live.as_ref();
                match (asked.enabled, current) {
                    (_, Some(current)) if current.attribute != asked.attribute_name => Err(invalid(format!(
                        "TimeToLive is active on a different AttributeName: current AttributeName is {}",
                        current.attribute
                    ))),
                    (true, Some(_)) => Err(invalid("TimeToLive is already enabled")),
                    (false, None) => Err(invalid("TimeToLive is already disabled")),
                    (true, None) => {
                        table.time_to_live = Some(TimeToLive {
                            attribute: asked.attribute_name.clone(),
                            storage: StorageId::new(cx.platform().ids()),
                            filled: false,
                        });
                        txn.put(keys.mark(Mark::Expiry, &table.name), Vec::new());
                        Ok(())
                    }
                    (false, Some(current)) => {
                        let remains = vec![keys.expiries(current.storage)];
                        cleaning::leave(txn, &current.storage.to_string(), remains)?;
                        table.time_to_live = None;
                        Ok(())
                    }
                }
            })
            .await?;
        dynamodb.clean_soon();
        dynamodb.expire_soon();
        Ok(Updated { time_to_live_specification: asked })
    }
}

impl Operation for DescribeTimeToLive {
    type Service = DynamoDb;
    type Output = Described;
    const NAME: &'static str = "DescribeTimeToLive";
    const JUDGE: Option<Judge> = Some(crate::members::TABLE);

    fn resource(&self, cx: &Context) -> Arn {
        TableName::resource(cx, &self.table_name)
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<Described> {
        let name = TableName::parse(cx, &self.table_name)?;
        let table = dynamodb.tables().require(cx, &name).await?;
        Ok(Described { time_to_live_description: TimeToLiveDescription::of(&table) })
    }
}
