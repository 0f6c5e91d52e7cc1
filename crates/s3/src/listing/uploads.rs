//! The unfinished uploads of a bucket, by key and then by age.

use service::Result;
use store::{Order, Snapshot};

use super::{ROWS_FIRST, ROWS_MAX, common_prefix};
use crate::bucket::Bucket;
use crate::object::Object;
use crate::tables;

#[derive(Clone, Copy, Debug)]
pub(crate) struct UploadQuery<'a> {
    pub(crate) prefix: &'a str,
    pub(crate) delimiter: &'a str,
    /// Empty for the beginning.
    pub(crate) key_marker: &'a str,
    /// Within the key of the marker: exclusive. Empty for behind the key.
    pub(crate) upload_id_marker: &'a str,
    pub(crate) limit: usize,
}

#[derive(Debug)]
pub(crate) enum UploadEntry {
    Upload { key: String, id: String, object: Box<Object> },
    Prefix(String),
}

#[derive(Debug, Default)]
pub(crate) struct UploadPage {
    pub(crate) entries: Vec<UploadEntry>,
    pub(crate) is_truncated: bool,
}

pub(crate) async fn list_uploads(
    snapshot: &dyn Snapshot,
    bucket: &Bucket,
    query: UploadQuery<'_>,
) -> Result<UploadPage> {
    let mut page = UploadPage::default();
    if query.limit == 0 {
        return Ok(page);
    }
    let mut range = tables::uploads(bucket, query.prefix);
    if !query.key_marker.is_empty() {
        let marker = query.key_marker;
        let start = if common_prefix(marker, query.prefix, query.delimiter) == Some(marker) {
            tables::uploads(bucket, marker).end
        } else if query.upload_id_marker.is_empty() {
            tables::after_uploads_of(bucket, marker)
        } else {
            [&tables::upload(bucket, marker, query.upload_id_marker)[..], &[0]].concat().into()
        };
        range.start = range.start.max(start);
    }
    let mut rows_at_once = ROWS_FIRST;
    while range.start < range.end {
        let rows_asked = rows_at_once.min(ROWS_MAX);
        let rows = snapshot.scan(range.clone(), Order::Forward, rows_asked).await?;
        let is_last = rows.len() < rows_asked;
        let mut skipped: Option<String> = None;
        let mut last = range.start.clone();
        for (row_key, row) in rows {
            let Some((key, id)) = tables::read_upload(bucket, &row_key) else { continue };
            last = row_key;
            if skipped.as_ref().is_some_and(|prefix| key.starts_with(prefix.as_str())) {
                continue;
            }
            skipped = None;
            if page.entries.len() == query.limit {
                page.is_truncated = true;
                return Ok(page);
            }
            match common_prefix(&key, query.prefix, query.delimiter) {
                Some(prefix) => {
                    skipped = Some(prefix.to_owned());
                    page.entries.push(UploadEntry::Prefix(prefix.to_owned()));
                }
                None => {
                    let object = Box::new(Object::decode(&row.value)?);
                    page.entries.push(UploadEntry::Upload { key, id, object });
                }
            }
        }
        if is_last {
            break;
        }
        match skipped {
            Some(prefix) => range.start = tables::uploads(bucket, &prefix).end,
            None => {
                range.start = [&last[..], &[0]].concat().into();
                rows_at_once *= 2;
            }
        }
    }
    Ok(page)
}
