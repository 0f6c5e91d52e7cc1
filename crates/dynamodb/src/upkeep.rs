//! Going through all items of a table while it is being used.

use bytes::Bytes;
use service::{Context, Result};
use store::{Commit, Order, Outcome, Write};

use crate::DynamoDb;
use crate::items::decode_item;
use crate::keys::{Keys, just_after};
use crate::table::{OpenTable, TableName};
use crate::value::Attributes;

/// Items read and changed at once.
const ITEMS_AT_ONCE: usize = 100;
/// Bytes of what is written for items in one commit; beyond it the rest of the items comes in the next.
const WRITTEN_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Makes writes for every item there is, conditional on the item and the table being as they were read; what is written
/// meanwhile sees to itself, because the write path knows the table as it is. `false`: the table is gone, or `wanted` said
/// that it is not to be gone through any more.
pub(crate) async fn go_through(
    dynamodb: &DynamoDb,
    cx: &Context,
    name: &TableName,
    wanted: impl Fn(&OpenTable) -> bool,
    writes_for: impl Fn(&OpenTable, &Keys, &Bytes, &Attributes) -> Vec<Write>,
) -> Result<bool> {
    let (keys, kv) = (Keys::new(cx.scope()), cx.platform().kv().as_ref());
    let mut after: Option<Bytes> = None;
    loop {
        let Some(table) = dynamodb.tables().find(cx, name).await? else { return Ok(false) };
        if !wanted(&table) {
            return Ok(false);
        }
        let mut range = store::prefix_range(&keys.items(table.storage));
        if let Some(after) = &after {
            range.start = just_after(after);
        }
        let rows = kv.snapshot().await?.scan(range, Order::Forward, ITEMS_AT_ONCE).await?;
        let mut commit = Commit::new().check(table.unchanged());
        let mut last = None;
        let mut bytes = 0;
        for (place, row) in &rows {
            let item = decode_item(&row.value)?.attributes()?;
            let writes = writes_for(&table, &keys, place, &item);
            bytes += writes.iter().map(size).sum::<usize>();
            if bytes > WRITTEN_BYTES_MAX && last.is_some() {
                break;
            }
            if !writes.is_empty() {
                commit = commit.check_version(place.clone(), Some(row.version));
                commit.writes.extend(writes);
            }
            last = Some(place.clone());
        }
        let Some(last) = last else { return Ok(true) };
        if !commit.writes.is_empty()
            && let Outcome::Conflict(_) = kv.commit(commit).await?
        {
            // An item or the table changed: read again.
            dynamodb.tables().forget(cx.scope(), name.as_str());
            continue;
        }
        after = Some(last);
    }
}

/// What a write takes of a commit, in bytes.
pub(crate) fn size(write: &Write) -> usize {
    match write {
        Write::Put(key, value) => key.len() + value.len(),
        Write::Delete(key) => key.len(),
        Write::Append { log, payload } => log.0.len() + payload.len(),
    }
}
