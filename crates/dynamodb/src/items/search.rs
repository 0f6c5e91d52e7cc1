//! Queries and scans, one page at a time.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use service::{Context, Result};
use store::{Order, Snapshot};
use wire::Document;

use super::capacity::{Consumed, read_units};
use super::check::{fits_schema, key_kinds, key_of};
use super::place::{entry_place, item_place, projected, push_partition};
use super::stored::{StoredItem, decode_item};
use crate::expression::{Condition, KeyCondition, KeyRange, KeyTest, Projection, holds, key_condition};
use crate::keys::{Keys, just_after};
use crate::table::{Index, IndexStatus, KeySchema, OpenTable, ProjectionKind};
use crate::value::{Attributes, KeyPart, Value, encode_key, encode_key_prefix, to_document};

/// Most bytes of items that one page looks at.
const PAGE_BYTES_MAX: usize = 1024 * 1024;
/// Rows read at once: few at first, more when they turn out to be small.
const READ_ROWS_MIN: usize = 16;
const READ_ROWS_MAX: usize = 1_024;

/// Rows to look at, and what their range alone cannot say of a sort attribute.
pub(crate) type SearchRange = (Range<Bytes>, Option<(String, KeyRange)>);

/// A table, or one of its indexes.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) table: Arc<OpenTable>,
    pub(crate) index: Option<Index>,
}

/// What of each found item is answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shown {
    Nothing,
    /// All that the table or the index has.
    Everything,
    /// All of the item, though the index does not have it.
    WholeItem,
    Parts(Projection),
    /// Parts of the item that the index does not have.
    PartsOfItem(Projection),
}

/// One query or scan.
#[derive(Debug)]
pub(crate) struct Search {
    pub(crate) source: Source,
    pub(crate) range: Range<Bytes>,
    pub(crate) order: Order,
    /// What the range alone cannot say of a sort attribute.
    pub(crate) sort: Option<(String, KeyRange)>,
    pub(crate) filter: Option<Condition>,
    /// Items looked at, before the filter.
    pub(crate) limit: Option<usize>,
    pub(crate) shown: Shown,
    pub(crate) consistent: bool,
}

/// What a query or scan found.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) items: Vec<Document>,
    pub(crate) count: usize,
    pub(crate) scanned: usize,
    /// The key to go on behind, unless everything was looked at.
    pub(crate) last: Option<Attributes>,
    pub(crate) consumed: Consumed,
}

impl Source {
    pub(crate) fn new(table: Arc<OpenTable>, index: Option<&str>) -> std::result::Result<Self, String> {
        let Some(name) = index else { return Ok(Source { table, index: None }) };
        match table.index(name) {
            Some(index) if matches!(index.status, IndexStatus::Active | IndexStatus::Updating) => {
                let index = Some(index.clone());
                Ok(Source { table, index })
            }
            Some(_) => Err(format!("Cannot read from backfilling global secondary index: {name}")),
            None => Err(format!("The table does not have the specified index: {name}")),
        }
    }

    pub(crate) fn key(&self) -> &KeySchema {
        self.index.as_ref().map_or(&self.table.key, |index| &index.key)
    }

    pub(crate) fn is_global(&self) -> bool {
        self.index.as_ref().is_some_and(|index| !self.table.is_local(index))
    }

    pub(crate) fn prefix(&self, keys: &Keys) -> Bytes {
        match &self.index {
            Some(index) => keys.index(self.table.storage, index.storage),
            None => keys.items(self.table.storage),
        }
    }

    /// The row of an item in the table or the index.
    fn place(&self, keys: &Keys, item: &Attributes) -> Option<Bytes> {
        match &self.index {
            Some(index) => entry_place(keys, &self.table, index, item),
            None => item_place(keys, &self.table, item),
        }
    }

    /// The attributes that say where a page ended.
    fn last_key(&self, item: &Attributes) -> Attributes {
        let mut key = key_of(&self.table.key, item);
        if let Some(index) = &self.index {
            key.extend(key_of(&index.key, item));
        }
        key
    }

    /// Fits the demands of a query to the keys.
    pub(crate) fn key_condition(&self, tests: &[KeyTest]) -> std::result::Result<KeyCondition, String> {
        let (partition, sort) = key_kinds(self.key());
        key_condition(tests, &partition, &sort)
    }

    /// The rows that a key condition may mean, and what they have to be looked at for besides.
    pub(crate) fn range_of(&self, keys: &Keys, condition: &KeyCondition) -> SearchRange {
        let mut base = self.prefix(keys).to_vec();
        // The values were held to the kinds of keys.
        let _ = push_partition(condition.partition.iter().map(Some), &mut base);
        for value in &condition.equal {
            push_value(value, &mut base);
        }
        let sort = self.key().sort_names().nth(condition.equal.len());
        let with = |value: &Value| {
            let mut key = base.clone();
            push_value(value, &mut key);
            Bytes::from(key)
        };
        let behind = |key: &[u8]| store::prefix_range(key).end;
        let all = store::prefix_range(&base);
        let range = match &condition.range {
            None => all,
            Some(KeyRange::Less(value)) => all.start..with(value),
            Some(KeyRange::LessOrEqual(value)) => all.start..behind(&with(value)),
            Some(KeyRange::Greater(value)) => behind(&with(value))..all.end,
            Some(KeyRange::GreaterOrEqual(value)) => with(value)..all.end,
            Some(KeyRange::Between(low, high)) => with(low)..behind(&with(high)),
            Some(KeyRange::BeginsWith(prefix)) => {
                let mut key = base.clone();
                if let Some(KeyPart::Bytes(bytes)) = KeyPart::of(prefix) {
                    encode_key_prefix(bytes, &mut key);
                }
                store::prefix_range(&key)
            }
        };
        (range, sort.map(str::to_owned).zip(condition.range.clone()))
    }

    /// The rows of one of several equal parts of everything.
    pub(crate) fn segment(&self, keys: &Keys, segment: u64, total: u64) -> Range<Bytes> {
        let prefix = self.prefix(keys);
        let all = store::prefix_range(&prefix);
        let bound = |part: u64| {
            let at = (u128::from(part) << 64) / u128::from(total.max(1));
            let mut key = prefix.to_vec();
            key.extend_from_slice(&u64::try_from(at).unwrap_or(u64::MAX).to_be_bytes());
            Bytes::from(key)
        };
        let start = if segment == 0 { all.start } else { bound(segment) };
        let end = if segment + 1 >= total { all.end } else { bound(segment + 1) };
        start..end
    }
}

fn push_value(value: &Value, key: &mut Vec<u8>) {
    if let Some(part) = KeyPart::of(value) {
        encode_key(&part, key);
    }
}

/// Holds a start key to the keys of the source; gives the row it names.
pub(crate) fn start_key(
    keys: &Keys,
    source: &Source,
    key: &Attributes,
) -> std::result::Result<Bytes, String> {
    let invalid = || "The provided starting key is invalid".to_owned();
    let expected = source.last_key(key);
    let count = source.table.key.attributes().count()
        + source
            .index
            .iter()
            .flat_map(|index| index.key.attributes())
            .filter(|key| !source.table.key.names(&key.name))
            .count();
    if expected.len() != count || key.len() != count {
        return Err(invalid());
    }
    if !fits_schema(&source.table.key, &key_of(&source.table.key, key)) {
        return Err(invalid());
    }
    if source.index.as_ref().is_some_and(|index| !fits_schema(&index.key, &key_of(&index.key, key))) {
        return Err(invalid());
    }
    source.place(keys, key).ok_or_else(invalid)
}

impl Search {
    /// Goes on behind a row. The error is the whole message.
    pub(crate) fn start_behind(
        &mut self,
        key: &Attributes,
        place: &Bytes,
    ) -> std::result::Result<(), String> {
        if let Some((name, range)) = &self.sort
            && key.get(name).is_some_and(|value| !range.holds(value))
        {
            return Err("The provided starting key does not match the range key predicate".to_owned());
        }
        if !self.range.contains(place) {
            return Err("The provided starting key is outside query boundaries based on provided conditions"
                .to_owned());
        }
        match self.order {
            Order::Forward => self.range.start = just_after(place),
            Order::Backward => self.range.end = place.clone(),
        }
        Ok(())
    }

    /// Runs the search up to the end of a page.
    pub(crate) async fn run(&self, cx: &Context) -> Result<Page> {
        let snapshot = cx.platform().kv().snapshot().await?;
        let keys = Keys::new(cx.scope());
        let mut page = Page::default();
        let mut read = Read::default();
        let mut range = self.range.clone();
        let mut rows_at_once = READ_ROWS_MIN;
        'page: while range.start < range.end {
            let wanted = self.limit.map_or(rows_at_once, |limit| rows_at_once.min(limit - page.scanned));
            let rows = snapshot.scan(range.clone(), self.order, wanted).await?;
            let complete = rows.len() < wanted;
            for (key, row) in rows {
                let stored = decode_item(&row.value)?;
                if page.scanned > 0 && read.bytes + stored.size_bytes > PAGE_BYTES_MAX {
                    page.last = self.last_key(&read)?;
                    break 'page;
                }
                read.bytes += stored.size_bytes;
                self.look_at(snapshot.as_ref(), &keys, &stored, &mut page, &mut read).await?;
                if self.limit == Some(page.scanned) {
                    page.last = self.last_key(&read)?;
                    break 'page;
                }
                match self.order {
                    Order::Forward => range.start = just_after(&key),
                    Order::Backward => range.end = key,
                }
            }
            if complete {
                break;
            }
            let average = (read.bytes / page.scanned.max(1)).max(1);
            rows_at_once =
                (PAGE_BYTES_MAX / average).clamp(READ_ROWS_MIN, READ_ROWS_MAX).min(rows_at_once * 4);
        }
        page.consumed = self.consumed(&read);
        Ok(page)
    }

    async fn look_at(
        &self,
        snapshot: &dyn Snapshot,
        keys: &Keys,
        stored: &StoredItem,
        page: &mut Page,
        read: &mut Read,
    ) -> Result<()> {
        let pointed = match stored.pointer() {
            Some(place) => Some(fetch(snapshot, place).await?),
            None => None,
        };
        let entry = pointed.as_ref().unwrap_or(stored);
        read.last = Some(entry.clone());
        page.scanned += 1;
        if self.filter.is_none() && self.sort_is_exact() && self.shown == Shown::Everything {
            page.count += 1;
            page.items.push(match self.shows_part_of(pointed.as_ref()) {
                Some(index) => to_document(&projected(&self.source.table, index, &entry.attributes()?)),
                None => entry.document()?,
            });
            return Ok(());
        }
        let item = match self.shows_part_of(pointed.as_ref()) {
            Some(index) => projected(&self.source.table, index, &entry.attributes()?),
            None => entry.attributes()?,
        };
        let meets_sort = self
            .sort
            .as_ref()
            .is_none_or(|(name, range)| item.get(name).is_some_and(|value| range.holds(value)));
        if !meets_sort {
            page.scanned -= 1;
            return Ok(());
        }
        let whole = match &self.shown {
            Shown::WholeItem | Shown::PartsOfItem(_) => {
                let place = item_place(keys, &self.source.table, &item)
                    .ok_or_else(|| anyhow::anyhow!("an index entry lacks the key of its item"))?;
                let whole = fetch(snapshot, &place).await?;
                read.fetched_units += read_units(whole.size_bytes, self.consistent);
                Some(whole.attributes()?)
            }
            _ => None,
        };
        if self.filter.as_ref().is_none_or(|filter| holds(filter, &item)) {
            page.count += 1;
            match (&self.shown, &whole) {
                (Shown::Nothing, _) => {}
                (Shown::Parts(projection), _) => page.items.push(to_document(&projection.of(&item))),
                (Shown::PartsOfItem(projection), Some(whole)) => {
                    page.items.push(to_document(&projection.of(whole)));
                }
                (_, whole) => page.items.push(to_document(whole.as_ref().unwrap_or(&item))),
            }
        }
        Ok(())
    }

    /// The index, where it shows only a part of the item that its entry points to.
    fn shows_part_of(&self, pointed: Option<&StoredItem>) -> Option<&Index> {
        pointed?;
        self.source.index.as_ref().filter(|index| index.projection != ProjectionKind::All)
    }

    /// Where the page ends: behind the last row that was looked at.
    fn last_key(&self, read: &Read) -> Result<Option<Attributes>> {
        let last = read.last.as_ref().map(StoredItem::attributes).transpose()?;
        Ok(last.map(|last| self.source.last_key(&last)))
    }

    /// Whether every row of the range meets the sort condition.
    fn sort_is_exact(&self) -> bool {
        !matches!(self.sort, Some((_, KeyRange::BeginsWith(_))))
    }

    fn consumed(&self, read: &Read) -> Consumed {
        let units = read_units(read.bytes, self.consistent);
        match &self.source.index {
            None => Consumed::table(units),
            Some(index) => {
                let by_name = BTreeMap::from([(index.name.clone(), units)]);
                let (local, global) = if self.source.is_global() {
                    (BTreeMap::new(), by_name)
                } else {
                    (by_name, BTreeMap::new())
                };
                Consumed { table: read.fetched_units, local, global }
            }
        }
    }
}

/// What a page has read so far.
#[derive(Default)]
struct Read {
    bytes: usize,
    fetched_units: f64,
    last: Option<StoredItem>,
}

async fn fetch(snapshot: &dyn Snapshot, place: &Bytes) -> Result<StoredItem> {
    let found = snapshot.get(place).await?;
    let found = found.ok_or_else(|| anyhow::anyhow!("an index entry points to no item"))?;
    decode_item(&found.value)
}
