//! The latest versions of a bucket's keys, delete markers left out.

use bytes::Bytes;
use service::Result;
use store::{Order, Snapshot};

use super::{ROWS_FIRST, ROWS_MAX, common_prefix};
use crate::bucket::Bucket;
use crate::object::Object;
use crate::tables;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Query<'a> {
    pub(crate) prefix: &'a str,
    /// Empty for none.
    pub(crate) delimiter: &'a str,
    /// Exclusive: a key, or a common prefix that was answered before.
    pub(crate) after: Option<&'a str>,
    pub(crate) limit: usize,
}

#[derive(Debug)]
pub(crate) enum Entry {
    Object(String, Box<Object>),
    Prefix(String),
}

impl Entry {
    pub(crate) fn name(&self) -> &str {
        match self {
            Entry::Object(name, _) | Entry::Prefix(name) => name,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) entries: Vec<Entry>,
    pub(crate) is_truncated: bool,
}

impl Page {
    /// Where the next page goes on.
    pub(crate) fn last(&self) -> Option<&str> {
        self.entries.last().map(Entry::name)
    }
}

/// One page, in the order of the keys' bytes.
pub(crate) async fn list(snapshot: &dyn Snapshot, bucket: &Bucket, query: Query<'_>) -> Result<Page> {
    let mut page = Page::default();
    if query.limit == 0 {
        return Ok(page);
    }
    let mut range = store::prefix_range(&tables::current(bucket, query.prefix));
    if let Some(after) = query.after {
        range.start = range.start.max(behind(bucket, after, query));
    }
    let mut rows_at_once = if query.delimiter.is_empty() { query.limit + 1 } else { ROWS_FIRST };
    while range.start < range.end {
        let rows_asked = rows_at_once.min(ROWS_MAX);
        let rows = snapshot.scan(range.clone(), Order::Forward, rows_asked).await?;
        let is_last = rows.len() < rows_asked;
        let mut skipped: Option<String> = None;
        let mut last = Bytes::new();
        for (row_key, row) in rows {
            let Some(key) = tables::read_current(bucket, &row_key) else { continue };
            last = row_key;
            if skipped.as_ref().is_some_and(|prefix| key.starts_with(prefix.as_str())) {
                continue;
            }
            skipped = None;
            let object = Object::decode(&row.value)?;
            if object.is_delete_marker {
                continue;
            }
            if page.entries.len() == query.limit {
                page.is_truncated = true;
                return Ok(page);
            }
            match common_prefix(&key, query.prefix, query.delimiter) {
                Some(prefix) => {
                    skipped = Some(prefix.to_owned());
                    page.entries.push(Entry::Prefix(prefix.to_owned()));
                }
                None => page.entries.push(Entry::Object(key, Box::new(object))),
            }
        }
        if is_last {
            break;
        }
        match skipped {
            Some(prefix) => {
                range.start = store::prefix_range(&tables::current(bucket, &prefix)).end;
                rows_at_once = ROWS_FIRST;
            }
            None => {
                range.start = [&last[..], &[0]].concat().into();
                rows_at_once *= 2;
            }
        }
    }
    Ok(page)
}

/// The first row that may follow `after`.
pub(super) fn behind(bucket: &Bucket, after: &str, query: Query<'_>) -> Bytes {
    if common_prefix(after, query.prefix, query.delimiter) == Some(after) {
        return store::prefix_range(&tables::current(bucket, after)).end;
    }
    [&tables::current(bucket, after)[..], &[0]].concat().into()
}
