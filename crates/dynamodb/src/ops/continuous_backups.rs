use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};
use wire::Timestamp;

use crate::DynamoDb;
use crate::cleaning;
use crate::error::{Error, invalid};
use crate::keys::{Keys, Mark, StorageId};
use crate::table::{Recovery, Table, TableName};

/// Days that changes are kept unless fewer are asked for ("Point-in-time recovery").
const RECOVERY_DAYS_MAX: i64 = 35;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateContinuousBackups {
    table_name: String,
    point_in_time_recovery_specification: Specification,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Specification {
    point_in_time_recovery_enabled: bool,
    recovery_period_in_days: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeContinuousBackups {
    table_name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Described {
    continuous_backups_description: ContinuousBackups,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ContinuousBackups {
    continuous_backups_status: &'static str,
    point_in_time_recovery_description: PointInTimeRecovery,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct PointInTimeRecovery {
    point_in_time_recovery_status: &'static str,
    recovery_period_in_days: Option<i64>,
    earliest_restorable_date_time: Option<Timestamp>,
    latest_restorable_date_time: Option<Timestamp>,
}

impl Described {
    fn new(table: &Table, now: Timestamp) -> Self {
        let recovery = table.recovery.as_ref();
        Described {
            continuous_backups_description: ContinuousBackups {
                continuous_backups_status: "ENABLED",
                point_in_time_recovery_description: PointInTimeRecovery {
                    point_in_time_recovery_status: if recovery.is_some() { "ENABLED" } else { "DISABLED" },
                    recovery_period_in_days: recovery.map(|recovery| recovery.days),
                    earliest_restorable_date_time: recovery.map(|recovery| recovery.earliest(now)),
                    latest_restorable_date_time: recovery.map(|_| now),
                },
            },
        }
    }
}

impl Operation for UpdateContinuousBackups {
    type Service = DynamoDb;
    type Output = Described;
    const NAME: &'static str = "UpdateContinuousBackups";

    fn resource(&self, cx: &Context) -> Arn {
        TableName::resource(cx, &self.table_name)
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<Described> {
        let name = TableName::parse(cx, &self.table_name)?;
        let asked = self.point_in_time_recovery_specification;
        if !asked.point_in_time_recovery_enabled && asked.recovery_period_in_days.is_some() {
            return Err(invalid(
                "Invalid Request: Cannot specify RecoveryPeriodInDays when disabling point-in-time recovery.",
            ));
        }
        let keys = Keys::new(cx.scope());
        let changed = dynamodb.tables().change(cx, &name, |txn, table| {
            let days = asked.recovery_period_in_days.unwrap_or(RECOVERY_DAYS_MAX);
            match (asked.point_in_time_recovery_enabled, &mut table.recovery) {
                (true, Some(recovery)) => recovery.days = days,
                (true, none) => {
                    let storage = StorageId::new(cx.platform().ids());
                    *none = Some(Recovery { storage, enabled: cx.now(), days });
                    txn.put(keys.mark(Mark::Recovery, &table.name), Vec::new());
                }
                (false, recovery) => {
                    if let Some(recovery) = recovery.take() {
                        let remains = vec![keys.changes(recovery.storage)];
                        cleaning::leave(txn, &recovery.storage.to_string(), remains)?;
                    }
                }
            }
            Ok(())
        });
        let (table, ()) = changed.await.map_err(|failure| Error::as_table_not_found(failure, &name))?;
        dynamodb.clean_soon();
        Ok(Described::new(&table, cx.now()))
    }
}

impl Operation for DescribeContinuousBackups {
    type Service = DynamoDb;
    type Output = Described;
    const NAME: &'static str = "DescribeContinuousBackups";

    fn resource(&self, cx: &Context) -> Arn {
        TableName::resource(cx, &self.table_name)
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<Described> {
        let name = TableName::parse(cx, &self.table_name)?;
        let found = dynamodb.tables().require(cx, &name).await;
        let table = found.map_err(|failure| Error::as_table_not_found(failure, &name))?;
        Ok(Described::new(&table, cx.now()))
    }
}
