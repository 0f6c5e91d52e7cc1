//! What a change of an item brings with it beside the item and its index entries.

use bytes::{BufMut, Bytes, BytesMut};
use sha2::{Digest, Sha256};
use store::{LogId, Write};
use wire::Timestamp;

use super::entry::{ChangedBy, Entry, EventName};
use crate::keys::Keys;
use crate::table::{StreamView, Table};

/// One item before and after one change, as the write path knows it.
#[derive(Clone, Debug)]
pub(crate) struct ItemChange {
    /// The key of the item's row in the store.
    pub(crate) place: Bytes,
    /// An item of the key attributes alone, in the stored form.
    pub(crate) keys: Bytes,
    /// `None`: there was no such item.
    pub(crate) old: Option<Image>,
    /// `None`: there is none any more.
    pub(crate) new: Option<Image>,
    pub(crate) at: Timestamp,
    pub(crate) by: ChangedBy,
}

/// An item in its stored form. The form is canonical: equal items have equal bytes, which is how a change that changes
/// nothing is told from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) stored: Bytes,
    /// The number in the table's time-to-live attribute, in whole epoch seconds, where the table has one enabled and the
    /// item carries a number there that fits.
    pub(crate) expires_epoch_seconds: Option<i64>,
}

/// The writes that belong into the commit of a change: its stream record, its entry in the change log of point-in-time
/// recovery, and the item's place among those that expire. Pure. Nothing for a change that changes nothing, and nothing
/// for a table that has none of the three.
///
/// The commit must carry [`OpenTable::unchanged`](crate::table::OpenTable::unchanged) of the same table.
pub(crate) fn record(table: &Table, keys: &Keys, change: &ItemChange) -> Vec<Write> {
    let mut writes = Vec::new();
    if change.old == change.new {
        return writes;
    }
    if let Some(stream) = table.enabled_stream() {
        let entry = entry_of(change, stream.view);
        writes.push(Write::Append { log: LogId::new(keys.records(stream.storage)), payload: entry.encode() });
    }
    if let Some(recovery) = &table.recovery {
        // The place says which item; the old image is what undoing the change needs.
        let entry = Entry { keys: change.place.clone(), new: None, ..entry_of(change, StreamView::OldImage) };
        writes
            .push(Write::Append { log: LogId::new(keys.changes(recovery.storage)), payload: entry.encode() });
    }
    if let Some(time_to_live) = &table.time_to_live {
        let expires = |image: &Option<Image>| image.as_ref().and_then(|image| image.expires_epoch_seconds);
        let (before, after) = (expires(&change.old), expires(&change.new));
        if before != after {
            let row = |time| expiry_row(&keys.expiries(time_to_live.storage), time, &change.place);
            writes.extend(before.map(|time| Write::Delete(row(time))));
            writes.extend(after.map(|time| Write::Put(row(time), change.place.clone())));
        }
    }
    writes
}

/// The key of an item's row among those that expire: by time, then by what identifies the item.
pub(crate) fn expiry_row(prefix: &Bytes, expires_epoch_seconds: i64, place: &Bytes) -> Bytes {
    let mut key = BytesMut::with_capacity(prefix.len() + 24);
    key.put_slice(prefix);
    key.put_u64(u64::try_from(expires_epoch_seconds).unwrap_or(0));
    key.put_slice(&Sha256::digest(place)[..16]);
    key.freeze()
}

fn entry_of(change: &ItemChange, view: StreamView) -> Entry {
    let event = match (&change.old, &change.new) {
        (None, _) => EventName::Insert,
        (Some(_), Some(_)) => EventName::Modify,
        (Some(_), None) => EventName::Remove,
    };
    let (with_old, with_new) = match view {
        StreamView::KeysOnly => (false, false),
        StreamView::NewImage => (false, true),
        StreamView::OldImage => (true, false),
        StreamView::NewAndOldImages => (true, true),
    };
    let image = |wanted: bool, image: &Option<Image>| {
        image.as_ref().filter(|_| wanted).map(|image| image.stored.clone())
    };
    Entry {
        event,
        by: change.by,
        at_epoch_millis: change.at.epoch_millis(),
        keys: change.keys.clone(),
        old: image(with_old, &change.old),
        new: image(with_new, &change.new),
    }
}
