//! The commit that one change of an item becomes. Pure.

use bytes::Bytes;
use service::Result;
use store::{Version, Write};
use wire::Timestamp;

use super::capacity::{Consumed, write_units};
use super::check::key_of;
use super::place;
use super::stored::{self, StoredItem};
use crate::keys::{Keys, StorageId};
use crate::streams::{self, ChangedBy, Image, ItemChange};
use crate::table::{Index, OpenTable, SizeChange};
use crate::value::{self, Attributes, Value, encode_attributes};

/// One item as it was read: its row, the version of that, and what it holds.
#[derive(Debug, Default)]
pub(crate) struct Before {
    pub(crate) version: Option<Version>,
    pub(crate) stored: Option<StoredItem>,
    pub(crate) item: Option<Attributes>,
}

/// What a change does besides its writes.
#[derive(Debug, Default)]
pub(crate) struct Planned {
    pub(crate) writes: Vec<Write>,
    pub(crate) consumed: Consumed,
    table_size: SizeChange,
    index_sizes: Vec<(StorageId, SizeChange)>,
}

impl Planned {
    /// Counts what was written; call it once the commit is done.
    pub(crate) fn count(&self, table: &OpenTable) {
        table.sizes.add(self.table_size, self.index_sizes.iter().copied());
    }
}

/// The writes that turn the item before into the item after, with its index entries and the record of the change.
pub(crate) fn plan(
    keys: &Keys,
    table: &OpenTable,
    place: &Bytes,
    before: &Before,
    new: Option<&Attributes>,
    by: ChangedBy,
    at: Timestamp,
) -> Result<Planned> {
    let old = before.item.as_ref();
    let mut planned = Planned::default();
    let new_row = new.map(stored::encode_item);
    let old_size = before.stored.as_ref().map_or(0, |stored| stored.size_bytes);
    let new_size = new.map_or(0, value::size_bytes);
    planned.consumed.table = write_units(old_size.max(new_size));
    if old == new {
        return Ok(planned);
    }
    planned.table_size = size_change(before.stored.as_ref().map(|_| old_size), new.map(|_| new_size));
    planned.writes.push(match &new_row {
        Some(row) => Write::Put(place.clone(), row.clone()),
        None => Write::Delete(place.clone()),
    });
    for index in table.kept_indexes() {
        plan_entry(keys, table, index, place, old, new, &mut planned);
    }
    let Some(any) = new.or(old) else { return Ok(planned) };
    let mut key_bytes = Vec::new();
    encode_attributes(&key_of(&table.key, any), &mut key_bytes);
    let expiry = table.time_to_live.as_ref().map(|time_to_live| time_to_live.attribute.as_str());
    let expires = |item: &Attributes| match item.get(expiry?)? {
        Value::Number(number) => number.whole_seconds(),
        _ => None,
    };
    let image = |stored: Bytes, item: &Attributes| Image { stored, expires_epoch_seconds: expires(item) };
    let change = ItemChange {
        place: place.clone(),
        keys: key_bytes.into(),
        old: before.stored.as_ref().zip(old).map(|(stored, item)| image(stored.bytes(), item)),
        new: match (&new_row, new) {
            (Some(row), Some(item)) => Some(image(stored::decode_item(row)?.bytes(), item)),
            _ => None,
        },
        at,
        by,
    };
    planned.writes.extend(streams::record(table, keys, &change));
    Ok(planned)
}

fn plan_entry(
    keys: &Keys,
    table: &OpenTable,
    index: &Index,
    place: &Bytes,
    old: Option<&Attributes>,
    new: Option<&Attributes>,
    planned: &mut Planned,
) {
    let entry = |item: Option<&Attributes>| {
        let item = item?;
        let place = place::entry_place(keys, table, index, item)?;
        Some((place, place::projected(table, index, item)))
    };
    let (old, new) = (entry(old), entry(new));
    if old == new {
        return;
    }
    let size =
        |entry: &Option<(Bytes, Attributes)>| entry.as_ref().map(|(_, shown)| value::size_bytes(shown));
    let (old_size, new_size) = (size(&old), size(&new));
    planned.index_sizes.push((index.storage, size_change(old_size, new_size)));
    let units = match (&old, &new) {
        (Some((before, _)), Some((after, _))) if before == after => {
            write_units(old_size.unwrap_or(0).max(new_size.unwrap_or(0)))
        }
        // The old entry goes and a new one comes.
        _ => [old_size, new_size].into_iter().flatten().map(write_units).sum(),
    };
    let local = table.is_local(index);
    let all = if local { &mut planned.consumed.local } else { &mut planned.consumed.global };
    *all.entry(index.name.clone()).or_default() += units;
    if let Some((before, _)) = &old
        && new.as_ref().is_none_or(|(after, _)| after != before)
    {
        planned.writes.push(Write::Delete(before.clone()));
    }
    if let Some((after, shown)) = new {
        planned.writes.push(Write::Put(after, place::entry_row(index, &shown, place)));
    }
}

fn size_change(old: Option<usize>, new: Option<usize>) -> SizeChange {
    let signed = |size: Option<usize>| i64::try_from(size.unwrap_or(0)).unwrap_or(i64::MAX);
    SizeChange {
        items: i64::from(new.is_some()) - i64::from(old.is_some()),
        bytes: signed(new) - signed(old),
    }
}
