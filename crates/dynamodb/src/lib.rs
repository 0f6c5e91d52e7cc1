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

#![allow(
    dead_code,
    unused_imports,
    reason = "the write path that uses these parts is being built beside them"
)]

mod cleaning;
mod error;
mod expression;
mod items;
mod keys;
mod limits;
mod ops;
mod partiql;
mod policy;
mod streams;
mod table;
mod tables;
#[cfg(test)]
mod tests;
mod value;

use std::sync::Arc;

use service::{AccountId, BoxFuture, Definition, Platform, operations};
use tokio::sync::Notify;

use crate::cleaning::CleaningWorker;
use crate::items::Turns;
use crate::keys::Mark;
use crate::table::Tables;

/// The state of the service beside the store.
pub struct DynamoDb {
    tables: Tables,
    turns: Turns,
    cleaning: Arc<Notify>,
    indexing: Arc<Notify>,
}

impl DynamoDb {
    /// Starts the background work too, so a tokio runtime must be current.
    pub fn new(platform: &Arc<Platform>) -> Self {
        let dynamodb = Self::without_workers();
        // Workers end with the process; nobody waits for them.
        let _ = platform.tasks().spawn_worker(
            &cleaning::KIND,
            CleaningWorker::new(Arc::clone(platform)),
            Arc::clone(&dynamodb.cleaning),
            cleaning::EVERY,
        );
        dynamodb
    }

    fn without_workers() -> Self {
        DynamoDb {
            tables: Tables::default(),
            turns: Turns::default(),
            cleaning: Arc::default(),
            indexing: Arc::default(),
        }
    }

    /// There is something for the cleaning worker to do.
    pub(crate) fn clean_soon(&self) {
        self.cleaning.notify_one();
    }

    /// There is an index to fill.
    pub(crate) fn index_soon(&self) {
        self.indexing.notify_one();
    }

    /// The turns of those who write the same item.
    pub(crate) fn turns(&self) -> &Turns {
        &self.turns
    }

    /// The metadata of tables, remembered.
    pub(crate) fn tables(&self) -> &Tables {
        &self.tables
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
        ops::CreateTable,
        ops::DeleteItem,
        ops::DeleteTable,
        ops::DescribeTable,
        ops::ExecuteStatement,
        ops::ExecuteTransaction,
        ops::GetItem,
        ops::ListTables,
        ops::PutItem,
        ops::Query,
        ops::Scan,
        ops::TransactGetItems,
        ops::TransactWriteItems,
        ops::UpdateItem,
        ops::UpdateTable,
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
    operations: operations![],
    internal: operations![],
    reset: |_, _, _| Box::pin(std::future::ready(Ok(()))),
};

/// The rows of an account go with it; what is remembered of them, and the marks outside its rows, go here.
fn reset<'a>(
    service: &'a DynamoDb,
    platform: &'a Platform,
    account: Option<&'a AccountId>,
) -> BoxFuture<'a, anyhow::Result<()>> {
    Box::pin(async move {
        service.tables.forget_account(account);
        if let Some(account) = account {
            for kind in Mark::ALL {
                store::clear(platform.kv().as_ref(), keys::marks_of_account(kind, account)).await?;
            }
        }
        Ok(())
    })
}
