//! Writing one item.

use std::sync::Arc;

use bytes::Bytes;
use service::{Context, Failure, Result};
use store::{Commit, Outcome, Snapshot};
use wire::Document;

use super::capacity::Consumed;
use super::change::{Change, Refusal, apply};
use super::error::ItemError;
use super::place::item_place;
use super::plan::{Before, plan};
use super::stored::decode_item;
use crate::DynamoDb;
use crate::expression::{Condition, Projection};
use crate::keys::Keys;
use crate::streams::ChangedBy;
use crate::table::{OpenTable, TableName};
use crate::value::{Attributes, to_document};

/// How often a write is tried again when its table changed under it before it fails.
const CONFLICT_RETRIES_MAX: usize = 64;

/// One write of one item, ready to be made.
#[derive(Clone, Debug)]
pub(crate) struct ItemWrite {
    /// The key attributes of the item.
    pub(crate) key: Attributes,
    pub(crate) change: Change,
    pub(crate) condition: Option<Condition>,
    /// Whether a condition that does not hold answers the item.
    pub(crate) shows_item_on_failure: bool,
}

/// What a write did.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) table: Arc<OpenTable>,
    /// The key attributes of the item.
    pub(crate) key: Attributes,
    pub(crate) old: Option<Attributes>,
    pub(crate) new: Option<Attributes>,
    pub(crate) touched: Option<Projection>,
    pub(crate) consumed: Consumed,
}

/// Makes one write; `prepare` fits it to the table as it is now, again whenever the table changed.
pub(crate) async fn write_item(
    dynamodb: &DynamoDb,
    cx: &Context,
    name: &TableName,
    prepare: impl Fn(&OpenTable) -> Result<ItemWrite> + Send + Sync,
) -> Result<Written> {
    let keys = Keys::new(cx.scope());
    for _ in 0..CONFLICT_RETRIES_MAX {
        let table = dynamodb.tables().open(cx, name).await?;
        let ItemWrite { key, change, condition, shows_item_on_failure } = prepare(&table)?;
        let place = place_of(&keys, &table, &key)?;
        let turn = dynamodb.turns().of(&place).await;
        let snapshot = cx.platform().kv().snapshot().await?;
        let before = read_before(snapshot.as_ref(), &place).await?;
        drop(snapshot);
        let changed = apply(&table, &key, change, condition.as_ref(), before.item.as_ref());
        let changed = changed.map_err(|refusal| match refusal {
            Refusal::Condition => {
                let item = before.item.as_ref().filter(|_| shows_item_on_failure).map(to_document);
                Failure::from(ItemError::ConditionalCheckFailedException { item })
            }
            Refusal::Duplicate => ItemError::DuplicateItemException.into(),
            Refusal::Invalid(text) => Failure::validation(text),
        })?;
        let mut planned =
            plan(&keys, &table, &place, &before, changed.new.as_ref(), ChangedBy::Client, cx.now())?;
        if !planned.writes.is_empty() {
            let mut commit =
                Commit::new().check(table.unchanged()).check_version(place.clone(), before.version);
            commit.writes = std::mem::take(&mut planned.writes);
            match cx.platform().kv().commit(commit).await? {
                Outcome::Done(_) => planned.count(&table),
                Outcome::Conflict(_) => {
                    dynamodb.tables().forget(cx.scope(), name.as_str());
                    continue;
                }
            }
        }
        drop(turn);
        return Ok(Written {
            table,
            key,
            old: before.item,
            new: changed.new,
            touched: changed.touched,
            consumed: planned.consumed,
        });
    }
    Err(anyhow::anyhow!("{CONFLICT_RETRIES_MAX} changes of table {:?} in a row", name.as_str()).into())
}

/// Removes an item because it has expired, unless it changed since: `is_expired` decides on what it holds now. Gives
/// whether it was removed.
pub(crate) async fn delete_expired(
    dynamodb: &DynamoDb,
    cx: &Context,
    table: &OpenTable,
    place: &Bytes,
    is_expired: impl Fn(&Attributes) -> bool + Send,
) -> Result<bool> {
    let keys = Keys::new(cx.scope());
    let _turn = dynamodb.turns().of(place).await;
    let snapshot = cx.platform().kv().snapshot().await?;
    let before = read_before(snapshot.as_ref(), place).await?;
    drop(snapshot);
    if !before.item.as_ref().is_some_and(is_expired) {
        return Ok(false);
    }
    let mut planned = plan(&keys, table, place, &before, None, ChangedBy::TimeToLive, cx.now())?;
    let mut commit = Commit::new().check(table.unchanged()).check_version(place.clone(), before.version);
    commit.writes = std::mem::take(&mut planned.writes);
    let done = matches!(cx.platform().kv().commit(commit).await?, Outcome::Done(_));
    if done {
        planned.count(table);
    }
    Ok(done)
}

/// The row of an item whose key was checked.
pub(crate) fn place_of(keys: &Keys, table: &OpenTable, key: &Attributes) -> Result<Bytes> {
    item_place(keys, table, key)
        .ok_or_else(|| anyhow::anyhow!("a key was not checked before its row was looked for").into())
}

pub(crate) async fn read_before(snapshot: &dyn Snapshot, place: &Bytes) -> Result<Before> {
    let Some(found) = snapshot.get(place).await? else { return Ok(Before::default()) };
    let stored = decode_item(&found.value)?;
    let item = stored.attributes()?;
    Ok(Before { version: Some(found.version), stored: Some(stored), item: Some(item) })
}

/// One read of one item: its document, and its size by the rules; both nothing when it is not there.
pub(crate) async fn read_item(
    snapshot: &dyn Snapshot,
    place: &Bytes,
    projection: Option<&Projection>,
) -> Result<(Option<Document>, usize)> {
    let Some(found) = snapshot.get(place).await? else { return Ok((None, 0)) };
    let stored = decode_item(&found.value)?;
    let document = match projection {
        None => stored.document()?,
        Some(projection) => to_document(&projection.of(&stored.attributes()?)),
    };
    Ok((Some(document), stored.size_bytes))
}
