//! Several items at one moment.
//!
//! All turns are taken before anything is read, all items are read from one snapshot, and everything is written by one
//! commit that holds only if nothing of it changed since: so transactions are serializable with each other and with
//! writes of single items.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use service::{Context, Failure, Result};
use store::{COMMIT_BYTES_MAX, COMMIT_KEYS_MAX, Commit, Outcome};

use super::capacity::Consumed;
use super::change::{Refusal, apply};
use super::error::{CancellationReason, ItemError};
use super::plan::plan;
use super::token::Token;
use super::write::{ItemWrite, place_of, read_before};
use crate::DynamoDb;
use crate::keys::Keys;
use crate::streams::ChangedBy;
use crate::table::{OpenTable, TableName};
use crate::value::{Attributes, to_document};

/// How often a transaction is tried again when something changed under it.
const CONFLICT_RETRIES_MAX: usize = 16;

/// Largest transaction, in bytes of items before and after.
pub(crate) const TRANSACTION_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Left for the keys of what a commit checks.
const COMMIT_RESERVED_BYTES: usize = 512 * 1024;
pub(crate) const TOO_LARGE: &str = "Collective size of items in a transaction request cannot exceed 4 MB";

/// One action of a transaction, fitted to its table.
pub(crate) enum Prepared {
    Write(Box<ItemWrite>),
    /// What stops the transaction, in the place of this action.
    Refused(CancellationReason),
}

/// What a transaction did.
#[derive(Debug)]
pub(crate) struct TransactionOutcome {
    /// The same request was done before, and so nothing was done now.
    pub(crate) was_done: bool,
    pub(crate) actions: Vec<TransactedItem>,
}

#[derive(Debug)]
pub(crate) struct TransactedItem {
    pub(crate) table: Arc<OpenTable>,
    pub(crate) key: Attributes,
    pub(crate) consumed: Consumed,
    /// Of the item, the larger of before and after.
    pub(crate) size_bytes: usize,
}

/// Makes all writes or none; `prepare` fits an action to its table as it is now.
pub(crate) async fn transact(
    dynamodb: &DynamoDb,
    cx: &Context,
    names: &[TableName],
    token: Option<&Token>,
    prepare: impl Fn(usize, &OpenTable) -> Result<Prepared> + Send + Sync,
) -> Result<TransactionOutcome> {
    let keys = Keys::new(cx.scope());
    for _ in 0..CONFLICT_RETRIES_MAX {
        let mut tables = Vec::with_capacity(names.len());
        for name in names {
            tables.push(dynamodb.tables().open(cx, name).await?);
        }
        let mut actions = Vec::with_capacity(names.len());
        let mut reasons = Vec::with_capacity(names.len());
        for (index, table) in tables.iter().enumerate() {
            match prepare(index, table)? {
                Prepared::Write(write) => {
                    let place = place_of(&keys, table, &write.key)?;
                    actions.push((Arc::clone(table), place, *write));
                    reasons.push(CancellationReason::none());
                }
                Prepared::Refused(reason) => reasons.push(reason),
            }
        }
        if reasons.iter().any(|reason| reason.code != "None") {
            return Err(ItemError::TransactionCanceledException { reasons }.into());
        }
        let places: BTreeSet<&Bytes> = actions.iter().map(|(_, place, _)| place).collect();
        if places.len() < actions.len() {
            return Err(Failure::validation(
                "Transaction request cannot include multiple operations on one item",
            ));
        }
        let _turns = dynamodb.turns().of_all(places).await;
        match attempt(cx, &keys, actions, token).await? {
            Some(outcome) => return Ok(outcome),
            None => names.iter().for_each(|name| dynamodb.tables().forget(cx.scope(), name.as_str())),
        }
    }
    let reasons = names.iter().map(|_| CancellationReason::conflict()).collect();
    Err(ItemError::TransactionCanceledException { reasons }.into())
}

/// `None`: something changed meanwhile.
async fn attempt(
    cx: &Context,
    keys: &Keys,
    actions: Vec<(Arc<OpenTable>, Bytes, ItemWrite)>,
    token: Option<&Token>,
) -> Result<Option<TransactionOutcome>> {
    let kv = cx.platform().kv();
    let snapshot = kv.snapshot().await?;
    let was_done = match token {
        Some(token) => token.was_used(snapshot.as_ref()).await?,
        None => false,
    };
    let now = cx.now();
    let mut commit = Commit::new();
    let mut reasons = Vec::with_capacity(actions.len());
    let mut done = Vec::with_capacity(actions.len());
    let mut planned_all = Vec::with_capacity(actions.len());
    let mut checked = BTreeSet::new();
    for (table, place, write) in actions {
        let before = read_before(snapshot.as_ref(), &place).await?;
        let size_before = before.stored.as_ref().map_or(0, |stored| stored.size_bytes);
        if was_done {
            let consumed = Consumed::default();
            done.push(TransactedItem { table, key: write.key, consumed, size_bytes: size_before });
            continue;
        }
        let applied = apply(&table, &write.key, write.change, write.condition.as_ref(), before.item.as_ref());
        let changed = match applied {
            Ok(changed) => changed,
            Err(Refusal::Condition) => {
                let item = before.item.as_ref().filter(|_| write.shows_item_on_failure).map(to_document);
                reasons.push(CancellationReason::condition(item));
                continue;
            }
            Err(Refusal::Duplicate) => {
                reasons.push(CancellationReason::duplicate());
                continue;
            }
            Err(Refusal::Invalid(text)) => {
                reasons.push(CancellationReason::invalid(text));
                continue;
            }
        };
        reasons.push(CancellationReason::none());
        let mut planned = plan(keys, &table, &place, &before, changed.new.as_ref(), ChangedBy::Client, now)?;
        if checked.insert(table.storage) {
            commit = commit.check(table.unchanged());
        }
        commit = commit.check_version(place, before.version);
        commit.writes.append(&mut planned.writes);
        let size_after = changed.new.as_ref().map_or(0, crate::value::size_bytes);
        done.push(TransactedItem {
            table: Arc::clone(&table),
            key: write.key,
            consumed: planned.consumed.clone(),
            size_bytes: size_before.max(size_after),
        });
        planned_all.push((table, planned));
    }
    if was_done {
        return Ok(Some(TransactionOutcome { was_done, actions: done }));
    }
    if reasons.iter().any(|reason| reason.code != "None") {
        return Err(ItemError::TransactionCanceledException { reasons }.into());
    }
    if let Some(token) = token {
        commit = token.take(snapshot.as_ref(), commit).await?;
    }
    drop(snapshot);
    // Its images in streams and logs count too: an item of the largest size is there several times.
    let written = commit.writes.iter().map(crate::upkeep::size).sum::<usize>();
    if written + COMMIT_RESERVED_BYTES > COMMIT_BYTES_MAX || commit.writes.len() > COMMIT_KEYS_MAX {
        return Err(Failure::validation(TOO_LARGE));
    }
    // Even one that writes nothing is committed: what it checked must have held at one moment.
    match kv.commit(commit).await? {
        Outcome::Done(_) => {
            planned_all.iter().for_each(|(table, planned)| planned.count(table));
            Ok(Some(TransactionOutcome { was_done, actions: done }))
        }
        Outcome::Conflict(_) => Ok(None),
    }
}
