//! Where items and index entries lie.
//!
//! An item: the table's prefix, a hash of its partition key, its sort key in order. The hash spreads partitions evenly,
//! so the segments of a parallel scan are ranges of it, and keeps keys short whatever the partition key is.
//!
//! An index entry: the index's prefix, a hash of the index's partition key, its sort key in order, and a hash of the
//! item's own key, which tells entries with equal index keys apart.

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::stored;
use crate::keys::Keys;
use crate::table::{Index, KeySchema, ProjectionKind, Table};
use crate::value::{Attributes, KeyPart, Value, encode_key};

/// Bytes of a hash in a key: enough that nobody makes two keys meet.
pub(crate) const HASH_BYTES: usize = 16;
/// Above this an index entry points to the item instead of repeating what it shows of it, in bytes: so a commit stays small
/// however many indexes show a large item.
const ENTRY_INLINE_BYTES_MAX: usize = 2 * 1024;

/// The key of an item's row. `None`: an attribute of the key is missing or cannot be one.
pub(crate) fn item_place(keys: &Keys, table: &Table, item: &Attributes) -> Option<Bytes> {
    let mut place = keys.items(table.storage).to_vec();
    push_key(&table.key, item, &mut place)?;
    Some(place.into())
}

fn push_key(schema: &KeySchema, item: &Attributes, place: &mut Vec<u8>) -> Option<()> {
    push_partition(schema.partition_names().map(|name| item.get(name)), place)?;
    for name in schema.sort_names() {
        encode_key(&KeyPart::of(item.get(name)?)?, place);
    }
    Some(())
}

/// Appends the hash of a partition key.
pub(crate) fn push_partition<'v>(
    values: impl IntoIterator<Item = Option<&'v Value>>,
    place: &mut Vec<u8>,
) -> Option<()> {
    let mut encoded = Vec::with_capacity(64);
    for value in values {
        encode_key(&KeyPart::of(value?)?, &mut encoded);
    }
    place.extend_from_slice(&Sha256::digest(&encoded)[..HASH_BYTES]);
    Some(())
}

/// The key of an item's entry in an index. `None`: the item has none, because it lacks a key attribute of the index.
pub(crate) fn entry_place(keys: &Keys, table: &Table, index: &Index, item: &Attributes) -> Option<Bytes> {
    let mut place = keys.index(table.storage, index.storage).to_vec();
    push_key(&index.key, item, &mut place)?;
    let mut own = Vec::with_capacity(64);
    push_key(&table.key, item, &mut own)?;
    place.extend_from_slice(&Sha256::digest(&own)[..HASH_BYTES]);
    Some(place.into())
}

/// The attributes of an item that its entry in an index shows.
pub(crate) fn projected(table: &Table, index: &Index, item: &Attributes) -> Attributes {
    if index.projection == ProjectionKind::All {
        return item.clone();
    }
    item.iter()
        .filter(|(name, _)| is_projected(table, index, name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Whether the entries of the index carry the attribute.
pub(crate) fn is_projected(table: &Table, index: &Index, name: &str) -> bool {
    let is_key = || table.key.names(name) || index.key.names(name);
    match &index.projection {
        ProjectionKind::All => true,
        ProjectionKind::KeysOnly => is_key(),
        ProjectionKind::Include(attributes) => is_key() || attributes.iter().any(|included| included == name),
    }
}

/// The row of an item's entry in an index, if it has one: what the write path puts, and what filling a new index puts.
/// `place` is the key of the item's own row.
pub(crate) fn index_entry(
    keys: &Keys,
    table: &Table,
    index: &Index,
    item: &Attributes,
    place: &Bytes,
) -> Option<(Bytes, Bytes)> {
    let entry = entry_place(keys, table, index, item)?;
    Some((entry, entry_row(index, &projected(table, index, item), place)))
}

/// The row of an entry that shows these attributes.
pub(crate) fn entry_row(index: &Index, shown: &Attributes, place: &Bytes) -> Bytes {
    let row = stored::encode_item(shown);
    let points = index.projection != ProjectionKind::KeysOnly && row.len() > ENTRY_INLINE_BYTES_MAX;
    if points { stored::encode_pointer(shown, place) } else { row }
}
