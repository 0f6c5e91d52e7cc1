//! Deleting items soon after they expired.
//!
//! Items with a time to live have a row by that time, written with them. A table that has just been given an attribute is
//! gone through once for the items it had before.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use service::{Context, Platform, Principal, Result, Scope};
use store::{Commit, Order, Versioned, Write};
use tasks::{OnFailure, Progress, TaskKind, Worker};

use crate::DynamoDb;
use crate::items::{decode_item, delete_expired};
use crate::keys::{Keys, Mark};
use crate::marks::Round;
use crate::streams::expiry_row;
use crate::table::{OpenTable, TableName, TimeToLive};
use crate::tables::into_cause;
use crate::upkeep::go_through;
use crate::value::{Attributes, Value};

pub(crate) static KIND: TaskKind = TaskKind {
    name: "dynamodb: delete expired items",
    on_failure: OnFailure::Log,
    stop_within: Duration::from_secs(5),
};

/// How often the worker looks.
pub(crate) const EVERY: Duration = Duration::from_secs(1);

/// Items deleted in one unit of work.
const ITEMS_AT_ONCE: usize = 200;

/// Older times than this, in years of 365 days, are taken for a mistake and the item stays ("How it works: DynamoDB Time
/// to Live").
const AGE_SECONDS_MAX: i64 = 5 * 365 * 24 * 60 * 60;

/// One unit of work: some items of one table.
pub(crate) struct ExpiryWorker {
    platform: Arc<Platform>,
    dynamodb: DynamoDb,
    round: Round,
}

/// The time at which an item expires.
pub(crate) fn expires(attribute: &str, item: &Attributes) -> Option<i64> {
    match item.get(attribute)? {
        Value::Number(number) => number.whole_seconds(),
        _ => None,
    }
}

impl ExpiryWorker {
    pub(crate) fn new(platform: Arc<Platform>, dynamodb: DynamoDb) -> Self {
        ExpiryWorker { platform, dynamodb, round: Round::new(Mark::Expiry) }
    }

    async fn expire(&mut self, mark: Bytes, scope: Scope, name: &str) -> Result<()> {
        let account = scope.account.clone();
        let principal = Principal::Service { account, name: "dynamodb.amazonaws.com" };
        let cx = Context::internal(&self.platform, scope, principal);
        let name = TableName::plain(name)?;
        let found = self.dynamodb.tables().find(&cx, &name).await?;
        let settings = found.as_ref().and_then(|table| table.time_to_live.clone());
        let (Some(table), Some(settings)) = (found, settings) else {
            self.platform.kv().commit(Commit::new().delete(mark)).await?;
            return Ok(());
        };
        if !settings.filled {
            return self.fill(&cx, &name, &settings).await;
        }
        if self.delete_due(&cx, &table, &settings).await? == ITEMS_AT_ONCE {
            self.round.again();
        }
        Ok(())
    }

    /// Gives the items from before it was enabled their rows.
    async fn fill(&self, cx: &Context, name: &TableName, settings: &TimeToLive) -> Result<()> {
        let storage = settings.storage;
        let same = |table: &OpenTable| {
            table.time_to_live.as_ref().is_some_and(|settings| settings.storage == storage)
        };
        let filled = go_through(&self.dynamodb, cx, name, same, |_, keys, place, item| {
            let time = expires(&settings.attribute, item);
            let row = |time| expiry_row(&keys.expiries(storage), time, place);
            time.map(|time| Write::Put(row(time), place.clone())).into_iter().collect()
        })
        .await?;
        if filled {
            let change = self.dynamodb.tables().change(cx, name, |_, table| {
                if let Some(settings) = table.time_to_live.as_mut().filter(|known| known.storage == storage) {
                    settings.filled = true;
                }
                Ok(())
            });
            change.await?;
        }
        Ok(())
    }

    /// Gives how many rows were due.
    async fn delete_due(&self, cx: &Context, table: &OpenTable, settings: &TimeToLive) -> Result<usize> {
        let now = cx.now().epoch_millis().div_euclid(1_000);
        let prefix = Keys::new(cx.scope()).expiries(settings.storage);
        let bound = |seconds: i64| -> Bytes {
            [&prefix[..], &u64::try_from(seconds).unwrap_or(0).to_be_bytes()].concat().into()
        };
        let kv = self.platform.kv().as_ref();
        let due = bound(now - AGE_SECONDS_MAX)..bound(now);
        let rows = kv.snapshot().await?.scan(due, Order::Forward, ITEMS_AT_ONCE).await?;
        for (key, row) in &rows {
            let is_expired = |item: &Attributes| {
                expires(&settings.attribute, item)
                    .is_some_and(|time| time < now && time >= now - AGE_SECONDS_MAX)
            };
            if !delete_expired(&self.dynamodb, cx, table, &row.value, is_expired).await? {
                self.drop_stale(key, row, &settings.attribute).await?;
            }
        }
        Ok(rows.len())
    }

    /// Removes a row whose item is gone or expires at another time.
    async fn drop_stale(&self, key: &Bytes, row: &Versioned, attribute: &str) -> Result<()> {
        let kv = self.platform.kv().as_ref();
        let item = kv.snapshot().await?.get(&row.value).await?;
        let time = match &item {
            Some(item) => expires(attribute, &decode_item(&item.value)?.attributes()?),
            None => None,
        };
        let row_time = key.len().checked_sub(24).and_then(|start| key.get(start..start + 8));
        let same = time.and_then(|time| u64::try_from(time).ok()).map(u64::to_be_bytes);
        if row_time == same.as_ref().map(|bytes| &bytes[..]) {
            return Ok(());
        }
        let commit = Commit::new()
            .check_version(key.clone(), Some(row.version))
            .check_version(row.value.clone(), item.map(|item| item.version))
            .delete(key.clone());
        kv.commit(commit).await?;
        Ok(())
    }
}

impl Worker for ExpiryWorker {
    async fn work(&mut self) -> anyhow::Result<Progress> {
        let Some((mark, scope, name)) = self.round.next(&self.platform).await? else {
            return Ok(Progress::Idle);
        };
        self.expire(mark, scope, &name).await.map_err(into_cause)?;
        Ok(Progress::Busy)
    }
}
