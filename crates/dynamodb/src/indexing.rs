//! Filling new global secondary indexes from the items there are, in the background.

use std::sync::Arc;
use std::time::Duration;

use service::{Context, Platform, Principal, Result, Scope};
use store::{Commit, Write};
use tasks::{OnFailure, Progress, TaskKind, Worker};

use crate::DynamoDb;
use crate::items::{PARTITION_KEY_BYTES_MAX, SORT_KEY_BYTES_MAX, index_entry};
use crate::keys::{Mark, StorageId};
use crate::marks::Round;
use crate::table::{Index, IndexStatus, KeyAttribute, Table, TableName};
use crate::tables::into_cause;
use crate::upkeep::go_through;
use crate::value::Attributes;

pub(crate) static KIND: TaskKind = TaskKind {
    name: "dynamodb: fill new indexes",
    on_failure: OnFailure::Log,
    stop_within: Duration::from_secs(5),
};

/// How often the worker looks without being woken.
pub(crate) const EVERY: Duration = Duration::from_secs(60);

/// One unit of work: one table with a new index.
pub(crate) struct IndexWorker {
    platform: Arc<Platform>,
    dynamodb: DynamoDb,
    round: Round,
}

impl IndexWorker {
    pub(crate) fn new(platform: Arc<Platform>, dynamodb: DynamoDb) -> Self {
        IndexWorker { platform, dynamodb, round: Round::new(Mark::Index) }
    }

    /// Whether nothing is left to do for the table.
    async fn fill(&self, scope: Scope, name: &str) -> Result<bool> {
        let account = scope.account.clone();
        let principal = Principal::Service { account, name: "dynamodb.amazonaws.com" };
        let cx = Context::internal(&self.platform, scope, principal);
        let name = TableName::plain(name)?;
        let Some(table) = self.dynamodb.tables().find(&cx, &name).await? else { return Ok(true) };
        let Some(index) = creating(&table) else { return Ok(true) };
        let storage = index.storage;
        let filled = go_through(
            &self.dynamodb,
            &cx,
            &name,
            |table| find(table, storage).is_some(),
            |table, keys, place, item| {
                let index = find(table, storage).filter(|index| fits_index(index, item));
                let entry = index.and_then(|index| index_entry(keys, table, index, item, place));
                entry.map(|(key, row)| Write::Put(key, row)).into_iter().collect()
            },
        )
        .await?;
        if filled {
            let change = self.dynamodb.tables().change(&cx, &name, |_, table| {
                for index in table.global_indexes.iter_mut().filter(|index| index.storage == storage) {
                    index.status = IndexStatus::Active;
                }
                Ok(())
            });
            change.await?;
        }
        Ok(false)
    }
}

/// Whether an item can have an entry: one whose attribute has another type than the index's key, or is too long for it, has
/// none, as on AWS. A write of such an item would be refused now.
pub(crate) fn fits_index(index: &Index, item: &Attributes) -> bool {
    let fits = |attributes: &[KeyAttribute], bytes_max: usize| {
        let mut bytes = 0;
        let fit = attributes.iter().all(|attribute| {
            item.get(&attribute.name).is_some_and(|value| {
                bytes += value.size_bytes();
                value.kind() == attribute.kind.value_kind() && value.size_bytes() > 0
            })
        });
        fit && bytes <= bytes_max
    };
    fits(&index.key.partition, PARTITION_KEY_BYTES_MAX) && fits(&index.key.sort, SORT_KEY_BYTES_MAX)
}

fn creating(table: &Table) -> Option<&Index> {
    table.global_indexes.iter().find(|index| index.status == IndexStatus::Creating)
}

fn find(table: &Table, storage: StorageId) -> Option<&Index> {
    table.global_indexes.iter().find(|index| index.storage == storage)
}

impl Worker for IndexWorker {
    async fn work(&mut self) -> anyhow::Result<Progress> {
        let Some((mark, scope, name)) = self.round.next(&self.platform).await? else {
            return Ok(Progress::Idle);
        };
        if self.fill(scope, &name).await.map_err(into_cause)? {
            self.platform.kv().commit(Commit::new().delete(mark)).await?;
        } else {
            // Look at the same table again: it may have another new index.
            self.round.again();
        }
        Ok(Progress::Busy)
    }
}
