//! The operations on backups: one resource, one shape.

use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};
use store::{Commit, Order};
use wire::Timestamp;

use crate::DynamoDb;
use crate::backup::{
    self, Backup, BackupDescription, BackupDetails, BackupSummary, find, new_id, write_contents,
};
use crate::error::{Error, invalid_parameters};
use crate::keys::{Keys, Mark, just_after};
use crate::table::TableName;
use crate::tables::{decode, encode};

/// Backups on one page of ListBackups.
const PAGE_BACKUPS_MAX: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateBackup {
    table_name: String,
    backup_name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Created {
    backup_details: BackupDetails,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeBackup {
    backup_arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteBackup {
    backup_arn: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Described {
    backup_description: BackupDescription,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListBackups {
    table_name: Option<String>,
    limit: Option<usize>,
    time_range_lower_bound: Option<Timestamp>,
    time_range_upper_bound: Option<Timestamp>,
    exclusive_start_backup_arn: Option<String>,
    backup_type: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Listed {
    backup_summaries: Vec<BackupSummary>,
    last_evaluated_backup_arn: Option<String>,
}

impl Operation for CreateBackup {
    type Service = DynamoDb;
    type Output = Created;
    const NAME: &'static str = "CreateBackup";

    fn resource(&self, cx: &Context) -> Arn {
        TableName::resource(cx, &self.table_name)
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<Created> {
        let name = TableName::parse(cx, &self.table_name)?;
        let found = dynamodb.tables().require(cx, &name).await;
        let open = found.map_err(|failure| Error::as_table_not_found(failure, &name))?;
        let (id, created) = (new_id(cx), cx.now());
        let keys = Keys::new(cx.scope());
        let contents = write_contents(cx, keys.items(open.storage)).await?;
        let backup = Backup {
            id,
            name: self.backup_name,
            created,
            table: open.table.clone(),
            items: contents.items,
            bytes: contents.bytes,
            blob: contents.blob,
        };
        let commit = Commit::new()
            .put(keys.backup(&backup.id), encode(&backup)?)
            .put(keys.mark(Mark::Backup, &backup.id), Vec::new());
        cx.platform().kv().commit(commit).await?;
        // It is there already, but clients know the state from which they wait.
        Ok(Created { backup_details: BackupDetails::new(cx.scope(), &backup, "CREATING") })
    }
}

impl Operation for DescribeBackup {
    type Service = DynamoDb;
    type Output = Described;
    const NAME: &'static str = "DescribeBackup";

    fn resource(&self, _: &Context) -> Arn {
        self.backup_arn.parse().unwrap_or_else(|_| Arn::any())
    }

    async fn run(self, _: &DynamoDb, cx: &Context) -> Result<Described> {
        let backup = find(cx, &self.backup_arn).await?;
        Ok(Described { backup_description: BackupDescription::new(cx.scope(), &backup, "AVAILABLE") })
    }
}

impl Operation for DeleteBackup {
    type Service = DynamoDb;
    type Output = Described;
    const NAME: &'static str = "DeleteBackup";

    fn resource(&self, _: &Context) -> Arn {
        self.backup_arn.parse().unwrap_or_else(|_| Arn::any())
    }

    async fn run(self, _: &DynamoDb, cx: &Context) -> Result<Described> {
        let backup = find(cx, &self.backup_arn).await?;
        let keys = Keys::new(cx.scope());
        let commit =
            Commit::new().delete(keys.backup(&backup.id)).delete(keys.mark(Mark::Backup, &backup.id));
        cx.platform().kv().commit(commit).await?;
        if let Err(error) = cx.platform().blobs().delete(&backup.blob).await {
            tracing::warn!(blob = %backup.blob, %error, "the contents of a deleted backup were not removed");
        }
        Ok(Described { backup_description: BackupDescription::new(cx.scope(), &backup, "DELETED") })
    }
}

impl Operation for ListBackups {
    type Service = DynamoDb;
    type Output = Listed;
    const NAME: &'static str = "ListBackups";

    async fn run(self, _: &DynamoDb, cx: &Context) -> Result<Listed> {
        let table = self.table_name.as_deref().map(|name| TableName::parse(cx, name)).transpose()?;
        let (lower, upper) = (self.time_range_lower_bound, self.time_range_upper_bound);
        if let (Some(lower), Some(upper)) = (lower, upper)
            && lower > upper
        {
            return Err(invalid_parameters(
                "Time range lower bound must be less than or equal to upper bound",
            ));
        }
        let keys = Keys::new(cx.scope());
        let mut range = keys.backups();
        if let Some(after) = &self.exclusive_start_backup_arn {
            range.start = just_after(&keys.backup(&backup::read_arn(cx, after)?.1));
        }
        let by_type = matches!(self.backup_type.as_deref(), None | Some("USER" | "ALL"));
        let wanted = |backup: &Backup| {
            by_type
                && table.as_ref().is_none_or(|table| backup.table.name == table.as_str())
                && lower.is_none_or(|lower| backup.created >= lower)
                && upper.is_none_or(|upper| backup.created < upper)
        };
        let limit = self.limit.unwrap_or(PAGE_BACKUPS_MAX).clamp(1, PAGE_BACKUPS_MAX);
        let snapshot = cx.platform().kv().snapshot().await?;
        let mut found: Vec<Backup> = Vec::new();
        'pages: loop {
            let rows = snapshot.scan(range.clone(), Order::Forward, PAGE_BACKUPS_MAX).await?;
            let Some((last, _)) = rows.last() else { break };
            range.start = just_after(last);
            for (_, row) in &rows {
                let backup: Backup = decode(&row.value)?;
                if wanted(&backup) {
                    found.push(backup);
                }
                // One more than asked for shows that there is a next page.
                if found.len() > limit {
                    break 'pages;
                }
            }
        }
        let more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| more).map(|last| last.arn(cx.scope()).to_string());
        Ok(Listed {
            backup_summaries: found.iter().map(|backup| BackupSummary::new(cx.scope(), backup)).collect(),
            last_evaluated_backup_arn: last,
        })
    }
}
