//! Objects that are uploaded in parts.
//!
//! An upload is a row with what the object will be, and a row per part. Completing it is one commit that makes the object
//! and ends the upload; what is left of the parts is cleared behind it, see [`clearing`].
//!
//! Source: S3 user guide, "Multipart upload limits".

pub(crate) mod clearing;
mod complete;

use md5::{Digest as _, Md5};
use service::{Context, Result};
use store::{Commit, Outcome, Snapshot, Version};

use crate::bucket::{self, Bucket, Found};
use crate::content::Received;
use crate::error::{Error, invalid_argument};
use crate::limits::CONFLICT_RETRIES_MAX;
use crate::object::{Object, Part, Place, decode_parts, encode_parts};
use crate::versions::Target;
use crate::{S3, integrity, tables};

pub(crate) use complete::{Claimed, Completed, complete};

/// Characters of an upload's id: sixteen hexadecimal digits of time and sixteen of chance.
pub(crate) const ID_CHARS: usize = 32;
/// Part numbers go from 1 to this.
pub(crate) const PARTS_MAX: u16 = 10_000;
/// Every part but the last has at least this many bytes.
pub(crate) const PART_BYTES_MIN: u64 = 5 * 1024 * 1024;

/// An unfinished upload. Its object has no content yet; its checksum says algorithm and kind only, its time is when
/// the upload began.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) id: String,
    pub(crate) object: Object,
    pub(crate) version: Version,
}

/// An upload and the bucket it is for, at one moment.
pub(crate) struct State {
    pub(crate) snapshot: Box<dyn Snapshot>,
    pub(crate) found: Found,
    pub(crate) upload: Upload,
}

pub(crate) fn no_such_upload(id: &str) -> Error {
    let text = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or \
                completed.";
    Error::new("NoSuchUpload", 404, text).with("UploadId", id)
}

/// Begins an upload; gives its id and what the object will be. `complete` finishes the object from its bucket.
pub(crate) async fn begin(
    cx: &Context,
    target: Target<'_>,
    object: Object,
    complete: impl Fn(&Bucket, &mut Object) -> Result<()>,
) -> Result<(String, Object)> {
    let kv = cx.platform().kv();
    let now = cx.now().epoch_millis();
    let micros = u64::try_from(now).unwrap_or(0).saturating_mul(1_000);
    let id = format!("{micros:016x}{:016x}", u64::from_be_bytes(cx.platform().ids().bytes()));
    for _ in 0..CONFLICT_RETRIES_MAX {
        let found = bucket::find(kv.snapshot().await?.as_ref(), target.bucket, target.expected_owner).await?;
        let mut object = Object { modified_epoch_millis: now, ..object.clone() };
        complete(&found.bucket, &mut object)?;
        let commit = Commit::new()
            .check(found.unchanged())
            .put(tables::upload(&found.bucket, target.key, &id), object.encode());
        if let Outcome::Done(_) = kv.commit(commit).await? {
            return Ok((id, object));
        }
    }
    Err(bucket::busy())
}

impl State {
    /// The upload, or NoSuchUpload.
    pub(crate) async fn read(cx: &Context, target: Target<'_>, id: &str) -> Result<State> {
        let snapshot = cx.platform().kv().snapshot().await?;
        let found = bucket::find(snapshot.as_ref(), target.bucket, target.expected_owner).await?;
        let is_id = id.len() == ID_CHARS && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let row = match is_id {
            true => snapshot.get(&tables::upload(&found.bucket, target.key, id)).await?,
            false => None,
        };
        let row = row.ok_or_else(|| no_such_upload(id))?;
        let upload = Upload { id: id.to_owned(), object: Object::decode(&row.value)?, version: row.version };
        Ok(State { snapshot, found, upload })
    }

    pub(crate) fn account(&self) -> &str {
        &self.found.bucket.owner
    }

    /// The parts, by number.
    pub(crate) async fn parts(&self) -> Result<Vec<Part>> {
        let range = tables::parts(self.account(), &self.upload.id);
        let rows = self.snapshot.scan(range, store::Order::Forward, usize::from(PARTS_MAX)).await?;
        rows.into_iter().map(|(_, row)| decode_part(&row.value)).collect()
    }
}

fn decode_part(row: &bytes::Bytes) -> Result<Part> {
    let part = decode_parts(row).and_then(|parts| parts.into_iter().next());
    Ok(part.ok_or_else(|| anyhow::anyhow!("the row of a part does not read"))?)
}

pub(crate) fn check_number(number: i64) -> Result<u16> {
    match u16::try_from(number) {
        Ok(number @ 1..=PARTS_MAX) => Ok(number),
        _ => {
            let text = "Part number must be an integer between 1 and 10000, inclusive";
            Err(invalid_argument(text, "partNumber", &number.to_string()).into())
        }
    }
}

/// A checksum that came behind the payload is known only now.
pub(crate) fn check_trailer(upload: &Object, received: &Received) -> Result<()> {
    match (&upload.checksum, &received.sent) {
        (Some(wanted), Some((sent, _))) if wanted.algorithm != *sent => {
            Err(integrity::mismatch(wanted.algorithm, *sent))
        }
        _ => Ok(()),
    }
}

/// Adds a part, or replaces the one of its number.
pub(crate) async fn put_part(
    s3: &S3,
    cx: &Context,
    target: Target<'_>,
    id: &str,
    number: u16,
    received: &Received,
) -> Result<Part> {
    let part = Part {
        number,
        piece: received.piece.clone(),
        md5: received.md5,
        checksum: received.sum.1.clone(),
        sent: received.sent.clone().filter(|(algorithm, _)| *algorithm != received.sum.0),
        modified_epoch_millis: cx.now().epoch_millis(),
    };
    for _ in 0..CONFLICT_RETRIES_MAX {
        let state = State::read(cx, target, id).await?;
        let row_key = tables::part(state.account(), id, number);
        let before = state.snapshot.get(&row_key).await?;
        let mut commit = Commit::new()
            .check_version(tables::upload(&state.found.bucket, target.key, id), Some(state.upload.version))
            .check_version(row_key.clone(), before.as_ref().map(|row| row.version))
            .put(row_key, encode_parts(std::slice::from_ref(&part)));
        commit = received.add_to(state.account(), commit);
        let mut frees = false;
        if let Some(before) = before {
            match decode_part(&before.value)?.piece.place {
                Place::Inline(_) => {}
                Place::Row(id) => commit = commit.delete(tables::data(state.account(), &id)),
                Place::Blob(id) => {
                    frees = true;
                    commit = commit.put(tables::freed(&id), Vec::new());
                }
            }
        }
        if let Outcome::Done(_) = cx.platform().kv().commit(commit).await? {
            if frees {
                s3.clear_soon();
            }
            return Ok(part);
        }
    }
    Err(bucket::busy())
}

/// Ends an upload without an object.
pub(crate) async fn abort(s3: &S3, cx: &Context, target: Target<'_>, id: &str) -> Result<()> {
    for _ in 0..CONFLICT_RETRIES_MAX {
        let state = State::read(cx, target, id).await?;
        let row_key = tables::upload(&state.found.bucket, target.key, id);
        let commit = Commit::new()
            .check_version(row_key.clone(), Some(state.upload.version))
            .delete(row_key)
            .put(tables::ended(state.account(), id), Vec::new());
        if let Outcome::Done(_) = cx.platform().kv().commit(commit).await? {
            s3.clear_soon();
            return Ok(());
        }
    }
    Err(bucket::busy())
}

impl Part {
    /// Without quotes.
    pub(crate) fn etag(&self) -> String {
        hex::encode(self.md5)
    }
}

/// The ETag of an object in parts: the digest of their digests, and how many.
fn etag_of(parts: impl ExactSizeIterator<Item = impl AsRef<[u8]>>) -> String {
    let count = parts.len();
    let mut digest = Md5::new();
    parts.for_each(|part| digest.update(part));
    format!("{}-{count}", hex::encode(digest.finalize()))
}
