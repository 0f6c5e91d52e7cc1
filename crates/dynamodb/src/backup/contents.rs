//! The items of a backup: their rows, one after the other, each with the end of its key before it.
//!
//! A part is four bytes of length and its bytes; a row is two parts.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt};
use service::{Context, Result};
use std::io;
use store::{BlobId, Order, Snapshot};

use crate::items::decode_item;
use crate::keys::just_after;

/// Rows read at once; a row can have 400 KB.
const ROWS_AT_ONCE: usize = 64;

/// What was written.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) blob: BlobId,
    pub(crate) items: u64,
    pub(crate) bytes: u64,
}

struct Reading {
    snapshot: Box<dyn Snapshot>,
    range: std::ops::Range<Bytes>,
    prefix_bytes: usize,
    counts: std::sync::Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    items: std::sync::atomic::AtomicU64,
    bytes: std::sync::atomic::AtomicU64,
}

/// Copies the items of a table at one moment into a blob, a few at a time.
pub(crate) async fn write_contents(cx: &Context, prefix: Bytes) -> Result<Written> {
    use std::sync::atomic::Ordering::Relaxed;
    let counts = std::sync::Arc::new(Counts::default());
    let reading = Reading {
        snapshot: cx.platform().kv().snapshot().await?,
        range: store::prefix_range(&prefix),
        prefix_bytes: prefix.len(),
        counts: std::sync::Arc::clone(&counts),
    };
    let pieces = futures_util::stream::try_unfold(reading, |mut reading| async move {
        let rows = reading
            .snapshot
            .scan(reading.range.clone(), Order::Forward, ROWS_AT_ONCE)
            .await
            .map_err(io::Error::other)?;
        let Some((last, _)) = rows.last() else { return Ok(None) };
        reading.range.start = just_after(last);
        let mut piece = BytesMut::new();
        for (key, row) in &rows {
            let size =
                decode_item(&row.value).map_err(|failure| io::Error::other(failure.to_string()))?.size_bytes;
            reading.counts.items.fetch_add(1, Relaxed);
            reading.counts.bytes.fetch_add(size as u64, Relaxed);
            put_part(&mut piece, &key[reading.prefix_bytes..]);
            put_part(&mut piece, &row.value);
        }
        Ok::<_, io::Error>(Some((piece.freeze(), reading)))
    });
    let (blob, _) = cx.platform().blobs().put_stream(pieces.boxed()).await?;
    Ok(Written { blob, items: counts.items.load(Relaxed), bytes: counts.bytes.load(Relaxed) })
}

/// The rows of a backup, one after the other.
pub(crate) struct BackupRows {
    pieces: store::ByteStream,
    waiting: BytesMut,
}

impl BackupRows {
    pub(crate) async fn open(cx: &Context, blob: &BlobId) -> Result<Self> {
        let pieces = cx.platform().blobs().get_range(blob, 0..u64::MAX).await?;
        Ok(BackupRows { pieces, waiting: BytesMut::new() })
    }

    /// The end of a row's key, and the row.
    pub(crate) async fn next(&mut self) -> Result<Option<(Bytes, Bytes)>> {
        loop {
            if let Some((key, row, used)) = next_row(&self.waiting) {
                self.waiting.advance(used);
                return Ok(Some((key, row)));
            }
            match self.pieces.try_next().await.map_err(anyhow::Error::new)? {
                Some(piece) => self.waiting.extend_from_slice(&piece),
                None if self.waiting.is_empty() => return Ok(None),
                None => return Err(anyhow::anyhow!("a backup ends in the middle of an item").into()),
            }
        }
    }
}

/// The first row, if all of it is there, and how long it is.
fn next_row(bytes: &[u8]) -> Option<(Bytes, Bytes, usize)> {
    let (key, rest) = take_part(bytes)?;
    let (row, rest) = take_part(rest)?;
    Some((Bytes::copy_from_slice(key), Bytes::copy_from_slice(row), bytes.len() - rest.len()))
}

fn put_part(bytes: &mut BytesMut, part: &[u8]) {
    // A value of the store is far below four gigabytes.
    bytes.put_u32(part.len() as u32);
    bytes.put_slice(part);
}

fn take_part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}
