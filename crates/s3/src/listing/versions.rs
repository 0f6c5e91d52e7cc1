//! All versions of a bucket's keys, delete markers included, the latest of each key first.

use service::Result;
use store::{Order, Snapshot};

use super::keys::{Query, behind};
use super::{ROWS_FIRST, ROWS_MAX, common_prefix};
use crate::bucket::{Bucket, Versioning};
use crate::object::{Object, VersionId};
use crate::tables;

#[derive(Clone, Copy, Debug)]
pub(crate) struct VersionQuery<'a> {
    pub(crate) prefix: &'a str,
    pub(crate) delimiter: &'a str,
    pub(crate) key_marker: Option<&'a str>,
    /// Within the key of the marker: exclusive.
    pub(crate) version_id_marker: Option<VersionId>,
    pub(crate) limit: usize,
}

#[derive(Debug)]
pub(crate) enum VersionEntry {
    Version { key: String, object: Box<Object>, is_latest: bool },
    Prefix(String),
}

#[derive(Debug, Default)]
pub(crate) struct VersionPage {
    pub(crate) entries: Vec<VersionEntry>,
    pub(crate) is_truncated: bool,
}

struct Collected {
    page: VersionPage,
    limit: usize,
}

impl Collected {
    /// `false`: the page is full and there is more.
    fn push(&mut self, entry: VersionEntry) -> bool {
        if self.page.entries.len() == self.limit {
            self.page.is_truncated = true;
            return false;
        }
        self.page.entries.push(entry);
        true
    }
}

pub(crate) async fn list_versions(
    snapshot: &dyn Snapshot,
    bucket: &Bucket,
    query: VersionQuery<'_>,
) -> Result<VersionPage> {
    let mut collected = Collected { page: VersionPage::default(), limit: query.limit };
    if query.limit == 0 {
        return Ok(collected.page);
    }
    let mut range = store::prefix_range(&tables::current(bucket, query.prefix));
    if let Some(marker) = query.key_marker {
        let keys =
            Query { prefix: query.prefix, delimiter: query.delimiter, after: None, limit: query.limit };
        range.start = range.start.max(behind(bucket, marker, keys));
        if let Some(id) = query.version_id_marker
            && marker.starts_with(query.prefix)
            && let Some(row) = snapshot.get(&tables::current(bucket, marker)).await?
        {
            let current = Object::decode(&row.value)?;
            let order = match id {
                VersionId::Named { order, .. } => Some(order),
                VersionId::Null if current.is_null() => Some(current.order),
                VersionId::Null => current.null_order,
            };
            if let Some(order) = order
                && !older(snapshot, bucket, marker, Some(order), &mut collected).await?
            {
                return Ok(collected.page);
            }
        }
    }
    let mut rows_at_once = ROWS_FIRST;
    while range.start < range.end {
        let rows_asked = rows_at_once.min(ROWS_MAX);
        let rows = snapshot.scan(range.clone(), Order::Forward, rows_asked).await?;
        let is_last = rows.len() < rows_asked;
        let mut skipped: Option<String> = None;
        let mut last = range.start.clone();
        for (row_key, row) in rows {
            let Some(key) = tables::read_current(bucket, &row_key) else { continue };
            last = row_key;
            if skipped.as_ref().is_some_and(|prefix| key.starts_with(prefix.as_str())) {
                continue;
            }
            skipped = None;
            if let Some(prefix) = common_prefix(&key, query.prefix, query.delimiter) {
                if !collected.push(VersionEntry::Prefix(prefix.to_owned())) {
                    return Ok(collected.page);
                }
                skipped = Some(prefix.to_owned());
                continue;
            }
            let object = Box::new(Object::decode(&row.value)?);
            if !collected.push(VersionEntry::Version { key: key.clone(), object, is_latest: true }) {
                return Ok(collected.page);
            }
            if bucket.versioning != Versioning::Off
                && !older(snapshot, bucket, &key, None, &mut collected).await?
            {
                return Ok(collected.page);
            }
        }
        if is_last {
            break;
        }
        match skipped {
            Some(prefix) => range.start = store::prefix_range(&tables::current(bucket, &prefix)).end,
            None => {
                range.start = [&last[..], &[0]].concat().into();
                rows_at_once *= 2;
            }
        }
    }
    Ok(collected.page)
}

/// The older versions of a key, behind the one of `after`; `false` when the page is full.
async fn older(
    snapshot: &dyn Snapshot,
    bucket: &Bucket,
    key: &str,
    after: Option<u64>,
    collected: &mut Collected,
) -> Result<bool> {
    let mut range = tables::older_of(bucket, key);
    if let Some(order) = after {
        range.start = range.start.max([&tables::older(bucket, key, order)[..], &[0]].concat().into());
    }
    if range.start >= range.end {
        return Ok(true);
    }
    let wanted = collected.limit - collected.page.entries.len() + 1;
    for (_, row) in snapshot.scan(range, Order::Forward, wanted).await? {
        let object = Box::new(Object::decode(&row.value)?);
        if !collected.push(VersionEntry::Version { key: key.to_owned(), object, is_latest: false }) {
            return Ok(false);
        }
    }
    Ok(true)
}
