//! Where everything lies in the store.
//!
//! Bucket names are unique in the installation. Under `- NUL - NUL s3 NUL`:
//! * `buckets NUL name` → [`Bucket`](crate::bucket::Bucket), as JSON
//! * `ended NUL account NUL upload-id` → the upload is over; what is left of its parts is being cleared
//! * `incoming NUL blob-id` → a payload that is being received, and by which run of the server
//! * `freed NUL blob-id` → a payload that no version names any more
//! * `freed-lists NUL account NUL data-id` → a list of parts that no version names any more
//!
//! What a bucket holds belongs to the account that owns it, in no region. Under `account NUL - NUL s3 NUL`:
//! * `names NUL bucket-name` → empty: the account's buckets, by name
//! * `configuration NUL bucket-id kind` → a sub-resource of the bucket, as JSON; see [`configuration`](crate::configuration)
//! * `current NUL bucket-id key` → the latest version of a key, an [`Object`](crate::object::Object)
//! * `older NUL bucket-id escaped-key 00 01 inverted-order` → the versions behind it, the latest first
//! * `data NUL data-id` → a payload up to 32 KiB
//! * `lists NUL data-id` → the list of the parts of an object that was uploaded in parts
//! * `uploads NUL bucket-id escaped-key 00 01 upload-id` → an unfinished [`Upload`](crate::upload::Upload)
//! * `parts NUL upload-id part-number` → a [`Part`](crate::upload::Part) of an upload
//!
//! A key with several versions always has its latest in `current`, so reading and listing the present never touches
//! the past.

use std::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};

use crate::bucket::Bucket;

/// Ends an escaped key; smaller than any escaped character, so shorter keys come first.
const KEY_END: [u8; 2] = [0, 1];
/// Stands for a NUL inside a key.
const KEY_NUL: [u8; 2] = [0, 0xFF];

/// Names a row of `data` or of `lists`.
pub(crate) type DataId = [u8; 16];

/// The row of a bucket.
pub(crate) fn bucket(name: &str) -> Bytes {
    key("-", "buckets", &[name.as_bytes()])
}

/// The entry of a bucket in its owner's list.
pub(crate) fn bucket_name(account: &str, name: &str) -> Bytes {
    key(account, "names", &[name.as_bytes()])
}

/// The names of an account's buckets that start with `prefix`.
pub(crate) fn bucket_names(account: &str, prefix: &str) -> Range<Bytes> {
    store::prefix_range(&bucket_name(account, prefix))
}

/// The bucket's name from a key of [`bucket_name`].
pub(crate) fn read_bucket_name(account: &str, key: &[u8]) -> Option<String> {
    let name = key.get(bucket_name(account, "").len()..)?;
    String::from_utf8(name.to_vec()).ok()
}

pub(crate) fn configuration(bucket: &Bucket, kind: &str) -> Bytes {
    key(&bucket.owner, "configuration", &[bucket.id.as_bytes(), kind.as_bytes()])
}

/// The latest version of an object.
pub(crate) fn current(bucket: &Bucket, object_key: &str) -> Bytes {
    key(&bucket.owner, "current", &[bucket.id.as_bytes(), object_key.as_bytes()])
}

/// The object's key from a key of [`current`].
pub(crate) fn read_current(bucket: &Bucket, key: &[u8]) -> Option<String> {
    let object_key = key.get(current(bucket, "").len()..)?;
    String::from_utf8(object_key.to_vec()).ok()
}

/// An older version of an object.
pub(crate) fn older(bucket: &Bucket, object_key: &str, order: u64) -> Bytes {
    let escaped = escaped(object_key);
    key(
        &bucket.owner,
        "older",
        &[bucket.id.as_bytes(), &escaped, &KEY_END, &(u64::MAX - order).to_be_bytes()],
    )
}

/// All older versions of an object, the latest first.
pub(crate) fn older_of(bucket: &Bucket, object_key: &str) -> Range<Bytes> {
    let escaped = escaped(object_key);
    store::prefix_range(&key(&bucket.owner, "older", &[bucket.id.as_bytes(), &escaped, &KEY_END]))
}

pub(crate) fn data(account: &str, id: &DataId) -> Bytes {
    key(account, "data", &[id])
}

/// The list of an object's parts. Apart from payloads, which may look like one.
pub(crate) fn list_of_parts(account: &str, id: &DataId) -> Bytes {
    key(account, "lists", &[id])
}

/// An unfinished upload.
pub(crate) fn upload(bucket: &Bucket, object_key: &str, upload_id: &str) -> Bytes {
    let escaped = escaped(object_key);
    key(&bucket.owner, "uploads", &[bucket.id.as_bytes(), &escaped, &KEY_END, upload_id.as_bytes()])
}

/// The unfinished uploads of keys that start with a prefix, by key and then by age.
pub(crate) fn uploads(bucket: &Bucket, prefix: &str) -> Range<Bytes> {
    store::prefix_range(&key(&bucket.owner, "uploads", &[bucket.id.as_bytes(), &escaped(prefix)]))
}

/// Behind all uploads of a key.
pub(crate) fn after_uploads_of(bucket: &Bucket, object_key: &str) -> Bytes {
    let escaped = escaped(object_key);
    store::prefix_range(&key(&bucket.owner, "uploads", &[bucket.id.as_bytes(), &escaped, &KEY_END])).end
}

/// Key and id from a key of [`upload`].
pub(crate) fn read_upload(bucket: &Bucket, row: &[u8]) -> Option<(String, String)> {
    let rest = row.get(key(&bucket.owner, "uploads", &[bucket.id.as_bytes()]).len()..)?;
    let (rest, id) = rest.split_at_checked(rest.len().checked_sub(crate::upload::ID_CHARS)?)?;
    let escaped = rest.strip_suffix(&KEY_END)?;
    let mut object_key = Vec::with_capacity(escaped.len());
    let mut bytes = escaped.iter();
    while let Some(byte) = bytes.next() {
        if *byte == 0 {
            bytes.next()?;
        }
        object_key.push(*byte);
    }
    Some((String::from_utf8(object_key).ok()?, String::from_utf8(id.to_vec()).ok()?))
}

pub(crate) fn part(account: &str, upload_id: &str, number: u16) -> Bytes {
    key(account, "parts", &[upload_id.as_bytes(), &number.to_be_bytes()])
}

/// All parts of an upload, by number.
pub(crate) fn parts(account: &str, upload_id: &str) -> Range<Bytes> {
    store::prefix_range(&key(account, "parts", &[upload_id.as_bytes()]))
}

/// Marks an upload that is over.
pub(crate) fn ended(account: &str, upload_id: &str) -> Bytes {
    key("-", "ended", &[account.as_bytes(), &[0], upload_id.as_bytes()])
}

pub(crate) fn all_ended() -> Range<Bytes> {
    store::prefix_range(&key("-", "ended", &[]))
}

/// Notes a payload before it is received, so that what a crash leaves of it is found.
pub(crate) fn incoming(blob: &[u8; 16]) -> Bytes {
    key("-", "incoming", &[blob])
}

pub(crate) fn all_incoming() -> Range<Bytes> {
    store::prefix_range(&key("-", "incoming", &[]))
}

/// Notes a payload that is to be deleted.
pub(crate) fn freed(blob: &[u8; 16]) -> Bytes {
    key("-", "freed", &[blob])
}

pub(crate) fn all_freed() -> Range<Bytes> {
    store::prefix_range(&key("-", "freed", &[]))
}

/// Notes a list of parts that is to be deleted with all it names.
pub(crate) fn freed_list(account: &str, id: &DataId) -> Bytes {
    key("-", "freed-lists", &[account.as_bytes(), &[0], id])
}

pub(crate) fn all_freed_lists() -> Range<Bytes> {
    store::prefix_range(&key("-", "freed-lists", &[]))
}

/// Account and list from a key of [`freed_list`].
pub(crate) fn read_freed_list(row: &[u8]) -> Option<(String, DataId)> {
    let rest = row.get(key("-", "freed-lists", &[]).len()..)?;
    let (account, id) = rest.split_last_chunk()?;
    Some((String::from_utf8(account.strip_suffix(&[0])?.to_vec()).ok()?, *id))
}

/// The blob from a key of [`incoming`] or [`freed`].
pub(crate) fn read_blob(row: &[u8]) -> Option<[u8; 16]> {
    row.last_chunk().copied()
}

/// Account and upload from a key of [`ended`].
pub(crate) fn read_ended(row: &[u8]) -> Option<(String, String)> {
    let rest = std::str::from_utf8(row.get(key("-", "ended", &[]).len()..)?).ok()?;
    let (account, upload_id) = rest.split_once('\0')?;
    Some((account.to_owned(), upload_id.to_owned()))
}

/// Everything of one table of an account.
pub(crate) fn whole(account: &str, table: &str) -> Range<Bytes> {
    store::prefix_range(&key(account, table, &[]))
}

/// Whether the key fits into rows.
pub(crate) fn fits(object_key: &str) -> bool {
    object_key.len() <= crate::limits::KEY_BYTES_MAX
        && escaped(object_key).len() <= crate::limits::KEY_ESCAPED_BYTES_MAX
}

fn escaped(object_key: &str) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(object_key.len());
    for byte in object_key.bytes() {
        match byte {
            0 => escaped.extend_from_slice(&KEY_NUL),
            byte => escaped.push(byte),
        }
    }
    escaped
}

fn key(account: &str, table: &str, parts: &[&[u8]]) -> Bytes {
    let length = parts.iter().map(|part| part.len()).sum::<usize>();
    let mut key = BytesMut::with_capacity(account.len() + table.len() + 8 + length);
    for part in [account, "-", "s3", table] {
        key.put_slice(part.as_bytes());
        key.put_u8(0);
    }
    for part in parts {
        key.put_slice(part);
    }
    key.freeze()
}
