//! Restores: a new table from a backup, or from a moment of a table's past.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};
use store::LogId;
use wire::Timestamp;

use crate::DynamoDb;
use crate::backup::building::{Building, check_free};
use crate::backup::{self, Contents, Overrides, Past, Restored, target_table};
use crate::error::{Error, invalid};
use crate::keys::Keys;
use crate::table::*;

/// How long a request waits for its restore; a longer one goes on, and the table appears when it is whole.
const WAIT: Duration = Duration::from_secs(20);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RestoreTableFromBackup {
    target_table_name: String,
    backup_arn: String,
    billing_mode_override: Option<String>,
    global_secondary_index_override: Option<Vec<GlobalIndexInput>>,
    local_secondary_index_override: Option<Vec<LocalIndexInput>>,
    provisioned_throughput_override: Option<ProvisionedThroughput>,
    on_demand_throughput_override: Option<OnDemandThroughput>,
    #[serde(rename = "SSESpecificationOverride")]
    sse_specification_override: Option<SseSpecification>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RestoreTableToPointInTime {
    source_table_arn: Option<String>,
    source_table_name: Option<String>,
    target_table_name: String,
    use_latest_restorable_time: Option<bool>,
    restore_date_time: Option<Timestamp>,
    billing_mode_override: Option<String>,
    global_secondary_index_override: Option<Vec<GlobalIndexInput>>,
    local_secondary_index_override: Option<Vec<LocalIndexInput>>,
    provisioned_throughput_override: Option<ProvisionedThroughput>,
    on_demand_throughput_override: Option<OnDemandThroughput>,
    #[serde(rename = "SSESpecificationOverride")]
    sse_specification_override: Option<SseSpecification>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Restoring {
    table_description: TableDescription,
}

impl Operation for RestoreTableFromBackup {
    type Service = DynamoDb;
    type Output = Restoring;
    const NAME: &'static str = "RestoreTableFromBackup";

    fn resource(&self, _: &Context) -> Arn {
        self.backup_arn.parse().unwrap_or_else(|_| Arn::any())
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<Restoring> {
        let name = TableName::plain(&self.target_table_name)?;
        let backup = backup::find(cx, &self.backup_arn).await?;
        check_free(dynamodb, cx, &name).await?;
        let restored = Restored {
            backup_arn: Some(self.backup_arn),
            source_arn: arn(cx.scope(), &backup.table.name).to_string(),
            moment: backup.created,
        };
        let overrides = Overrides {
            billing_mode: self.billing_mode_override,
            throughput: self.provisioned_throughput_override,
            on_demand: self.on_demand_throughput_override,
            global_indexes: self.global_secondary_index_override,
            local_indexes: self.local_secondary_index_override,
            encryption: self.sse_specification_override,
        };
        let target = target_table(cx, &name, &backup.table, overrides, restored)?;
        build(dynamodb, cx, target, Contents::OfBackup(backup.blob)).await
    }
}

impl Operation for RestoreTableToPointInTime {
    type Service = DynamoDb;
    type Output = Restoring;
    const NAME: &'static str = "RestoreTableToPointInTime";

    fn resource(&self, cx: &Context) -> Arn {
        let source = self.source_table_arn.as_ref().or(self.source_table_name.as_ref());
        source.map_or_else(Arn::any, |source| TableName::resource(cx, source))
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<Restoring> {
        let source = match (&self.source_table_arn, &self.source_table_name) {
            (Some(source), None) | (None, Some(source)) => TableName::parse(cx, source)?,
            _ => return Err(invalid("Must provide exactly one of: sourceTableArn, sourceTableName")),
        };
        let name = TableName::plain(&self.target_table_name)?;
        let now = cx.now();
        let moment = match (self.use_latest_restorable_time, self.restore_date_time) {
            (Some(true), None) => now,
            (None | Some(false), Some(moment)) => moment,
            _ => {
                return Err(invalid(
                    "Invalid Request: Either one of RestoreDateTime or UseLatestRestorableTime must be specified, but \
                     not both",
                ));
            }
        };
        let found = dynamodb.tables().require(cx, &source).await;
        let open = found.map_err(|failure| Error::as_table_not_found(failure, &source))?;
        let Some(recovery) = open.recovery.clone() else {
            return Err(Error::PointInTimeRecoveryUnavailableException(format!(
                "Point in time recovery is not enabled for table '{}'",
                source.as_str()
            ))
            .into());
        };
        // Moments are given in whole seconds; the one in which recovery was enabled counts as a whole.
        let earliest = recovery.earliest(now).epoch_millis().div_euclid(1_000) * 1_000;
        if moment.epoch_millis() < earliest || moment > now {
            return Err(Error::InvalidRestoreTimeException(
                "Invalid restore time: RestoreDateTime is out of the restorable time range".into(),
            )
            .into());
        }
        check_free(dynamodb, cx, &name).await?;
        let restored =
            Restored { backup_arn: None, source_arn: arn(cx.scope(), source.as_str()).to_string(), moment };
        let overrides = Overrides {
            billing_mode: self.billing_mode_override,
            throughput: self.provisioned_throughput_override,
            on_demand: self.on_demand_throughput_override,
            global_indexes: self.global_secondary_index_override,
            local_indexes: self.local_secondary_index_override,
            encryption: self.sse_specification_override,
        };
        let target = target_table(cx, &name, &open, overrides, restored)?;
        let keys = Keys::new(cx.scope());
        let past = Past {
            items: keys.items(open.storage),
            log: LogId::new(keys.changes(recovery.storage)),
            moment_epoch_millis: moment.epoch_millis(),
        };
        build(dynamodb, cx, target, Contents::OfPast(past)).await
    }
}

/// Builds the table in a task of its own, which a client that leaves does not interrupt.
async fn build(dynamodb: &DynamoDb, cx: &Context, target: Table, contents: Contents) -> Result<Restoring> {
    let description = TableDescription::new(cx.scope(), &target, &Sizes::default(), cx.now());
    let description = description.in_status(TableStatus::Creating);
    let (dynamodb, platform) = (dynamodb.clone(), Arc::clone(cx.platform()));
    let (scope, principal) = (cx.scope().clone(), cx.caller().principal.clone());
    let work = cx.platform().tasks().request(async move {
        let cx = Context::internal(&platform, scope, principal);
        let mut building = Building::begin(&cx, target).await?;
        match contents.fill(&cx, &mut building).await {
            Ok(()) => building.finish(&dynamodb).await.map(drop),
            Err(failure) => {
                building.give_up(&dynamodb).await?;
                Err(failure)
            }
        }
    });
    match tokio::time::timeout(WAIT, work).await {
        Ok(done) => done.map_err(anyhow::Error::new)??,
        Err(_) => tracing::info!("a restore takes longer than its request waits; it goes on"),
    }
    Ok(Restoring { table_description: description })
}
