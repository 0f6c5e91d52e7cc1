//! DynamoDB: tables of items, their indexes, and the streams of their changes.
//!
//! What holds at all times:
//! * an item, its index entries, its stream record, its expiry and its place in the change log are one commit
//!   (see [`streams::record`]);
//! * every write of an item carries [`OpenTable::unchanged`](table::OpenTable::unchanged), so it happens under exactly the
//!   metadata it was made for: an index that is being created, a stream that is being disabled or a table that is being
//!   deleted misses nothing and gets nothing too much;
//! * metadata is remembered in memory and re-read after it changed, so a point operation reads no row but its item's;
//! * [`keys`] says where everything lies.
//!
//! This crate must not know HTTP, signatures or any other service.

mod backup;
mod cleaning;
mod error;
mod expiring;
mod expression;
mod indexing;
mod items;
mod keys;
mod limits;
mod marks;
mod members;
mod ops;
mod partiql;
mod policy;
mod recovery;
mod streams;
mod table;
mod tables;
#[cfg(test)]
mod tests;
mod upkeep;
mod value;
mod workers;

use std::sync::Arc;

use service::{AccountId, BoxFuture, Definition, Platform, operations};
use tokio::sync::Notify;

use crate::items::Turns;
use crate::keys::Mark;
use crate::table::Tables;

/// The state of the service beside the store; clones share it.
#[derive(Clone, Default)]
pub struct DynamoDb {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    tables: Tables,
    turns: Turns,
    cleaning: Arc<Notify>,
    indexing: Arc<Notify>,
    expiring: Arc<Notify>,
}

impl DynamoDb {
    /// Starts the background work too, so a tokio runtime must be current.
    pub fn new(platform: &Arc<Platform>) -> Self {
        let dynamodb = Self::without_workers();
        workers::start(platform, &dynamodb);
        dynamodb
    }

    fn without_workers() -> Self {
        Self::default()
    }

    /// There is something for the cleaning worker to do.
    pub(crate) fn clean_soon(&self) {
        self.shared.cleaning.notify_one();
    }

    /// There is a table whose items expire.
    pub(crate) fn expire_soon(&self) {
        self.shared.expiring.notify_one();
    }

    /// There is an index to fill.
    pub(crate) fn index_soon(&self) {
        self.shared.indexing.notify_one();
    }

    /// The turns of those who write the same item.
    pub(crate) fn turns(&self) -> &Turns {
        &self.shared.turns
    }

    /// The metadata of tables, remembered.
    pub(crate) fn tables(&self) -> &Tables {
        &self.shared.tables
    }
}

/// The operations of DynamoDB.
pub static DEFINITION: Definition<DynamoDb> = Definition {
    name: "dynamodb",
    action_prefix: "dynamodb",
    operations: operations![
        ops::BatchExecuteStatement,
        ops::BatchGetItem,
        ops::BatchWriteItem,
        ops::CreateBackup,
        ops::CreateTable,
        ops::DeleteBackup,
        ops::DeleteItem,
        ops::DeleteResourcePolicy,
        ops::DeleteTable,
        ops::DescribeBackup,
        ops::DescribeContinuousBackups,
        ops::DescribeContributorInsights,
        ops::DescribeEndpoints,
        ops::DescribeGlobalTable,
        ops::DescribeKinesisStreamingDestination,
        ops::DescribeLimits,
        ops::DescribeTable,
        ops::ExecuteStatement,
        ops::ExecuteTransaction,
        ops::DescribeTimeToLive,
        ops::GetItem,
        ops::GetResourcePolicy,
        ops::ListBackups,
        ops::ListContributorInsights,
        ops::ListGlobalTables,
        ops::ListTables,
        ops::ListTagsOfResource,
        ops::PutItem,
        ops::PutResourcePolicy,
        ops::Query,
        ops::RestoreTableFromBackup,
        ops::RestoreTableToPointInTime,
        ops::Scan,
        ops::TagResource,
        ops::TransactGetItems,
        ops::TransactWriteItems,
        ops::UntagResource,
        ops::UpdateContinuousBackups,
        ops::UpdateContributorInsights,
        ops::UpdateItem,
        ops::UpdateTable,
        ops::UpdateTimeToLive,
    ],
    internal: operations![],
    reset,
};

/// DynamoDB Streams: an API of its own over the same tables.
#[derive(Debug, Default)]
pub struct DynamoDbStreams;

/// The operations of DynamoDB Streams.
pub static STREAMS_DEFINITION: Definition<DynamoDbStreams> = Definition {
    name: "dynamodbstreams",
    action_prefix: "dynamodb",
    operations: operations![ops::DescribeStream, ops::GetRecords, ops::GetShardIterator, ops::ListStreams,],
    internal: operations![ops::AwaitRecords, ops::LatestSequenceNumber],
    reset: |_, _, _| Box::pin(std::future::ready(Ok(()))),
};

/// The rows of an account go with it; what is remembered of them, and the marks outside its rows, go here.
fn reset<'a>(
    service: &'a DynamoDb,
    platform: &'a Platform,
    account: Option<&'a AccountId>,
) -> BoxFuture<'a, anyhow::Result<()>> {
    Box::pin(async move {
        service.tables().forget_account(account);
        remove_backup_contents(platform, account).await?;
        if let Some(account) = account {
            for kind in Mark::ALL {
                store::clear(platform.kv().as_ref(), keys::marks_of_account(kind, account)).await?;
            }
        }
        Ok(())
    })
}

/// A second time finds the rows gone and nothing to do.
async fn remove_backup_contents(platform: &Platform, account: Option<&AccountId>) -> anyhow::Result<()> {
    let mut round = marks::Round::new(Mark::Backup);
    while let Some((_, scope, id)) = round.next(platform).await? {
        if account.is_some_and(|account| scope.account != *account) {
            continue;
        }
        let row = platform.kv().snapshot().await?.get(&keys::Keys::new(&scope).backup(&id)).await?;
        if let Some(row) = row {
            let backup: backup::Backup = serde_json::from_slice(&row.value)?;
            platform.blobs().delete(&backup.blob).await?;
        }
    }
    Ok(())
}
