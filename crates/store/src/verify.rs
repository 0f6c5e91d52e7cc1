//! Looks at everything in the folders of a store, while nobody uses them.

use std::ops::Range;
use std::path::Path;

use bytes::Bytes;

use crate::fjall_kv::{FjallKv, FjallOptions};
use crate::{Blobs, Kv, KvError, LocalBlobs, Order, Result, Snapshot, prefix_range};

/// Rows read at once; each may have a megabyte.
const READ_ROWS: usize = 64;

/// Most damages that are listed; more are counted.
const DAMAGES_MAX: usize = 1_000;

/// What a check has read, and what of it is damaged.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Verified {
    /// Rows that could be read.
    pub rows: u64,
    /// Bytes of their keys and values.
    pub row_bytes: u64,
    /// Blobs that could be read.
    pub blobs: u64,
    /// Bytes of their payloads.
    pub blob_bytes: u64,
    /// What is damaged, in words; names keys or blobs where they are known.
    pub damages: Vec<String>,
    /// Damages beyond those listed.
    pub damages_unlisted: u64,
}

impl Verified {
    /// Whether all is as it was written.
    pub fn is_whole(&self) -> bool {
        self.damages.is_empty()
    }

    fn add(&mut self, damage: String) {
        if self.damages.len() < DAMAGES_MAX {
            self.damages.push(damage);
        } else {
            self.damages_unlisted += 1;
        }
    }
}

/// Checks the store in `kv` and the blobs in `blobs`: the whole history of batches, every row, every blob. It opens the
/// store, which replays its journals as any start does, and changes nothing else. `Determinate`: it could not be
/// checked, for example because it is in use.
pub async fn verify(
    kv: &Path,
    blobs: &Path,
    on_progress: &mut (dyn FnMut(&Verified) + Send),
) -> Result<Verified> {
    let mut verified = Verified::default();
    let options = FjallOptions { checked_records_max: usize::MAX, ..FjallOptions::default() };
    match FjallKv::open_with(kv, options) {
        Ok(kv) => {
            let snapshot = kv.snapshot().await?;
            rows(&*snapshot, &mut verified, on_progress).await?;
        }
        Err(KvError::Corrupt(damage)) => verified.add(damage),
        Err(error) => return Err(error),
    }
    let blobs = LocalBlobs::open(blobs)?;
    for blob in blobs.list().await? {
        match read_blob(&blobs, &blob.id).await {
            Ok(bytes) => {
                verified.blobs += 1;
                verified.blob_bytes += bytes;
            }
            Err(KvError::Corrupt(damage)) => verified.add(damage),
            Err(error) => return Err(error),
        }
        on_progress(&verified);
    }
    Ok(verified)
}

async fn read_blob(blobs: &LocalBlobs, id: &crate::BlobId) -> Result<u64> {
    use futures_util::TryStreamExt as _;
    let mut pieces = blobs.get_range(id, 0..u64::MAX).await?;
    let mut bytes = 0;
    loop {
        match pieces.try_next().await {
            Ok(Some(piece)) => bytes += piece.len() as u64,
            Ok(None) => return Ok(bytes),
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                return Err(KvError::Corrupt(error.to_string()));
            }
            Err(error) => return Err(KvError::Determinate(error.to_string())),
        }
    }
}

/// Reads on from the start up to the first damage, then from the end down to the last; what lies between is named.
async fn rows(
    snapshot: &dyn Snapshot,
    verified: &mut Verified,
    on_progress: &mut (dyn FnMut(&Verified) + Send),
) -> Result<()> {
    let all = prefix_range(b"");
    let (below, damage) = read(snapshot, &all, Order::Forward, verified, on_progress).await?;
    let Some(damage) = damage else { return Ok(()) };
    let rest = below.clone()..all.end;
    let (above, _) = read(snapshot, &rest, Order::Backward, verified, on_progress).await?;
    let between = format!("from {} up to {}", shown(&below), shown(&above));
    verified.add(format!("rows {between} cannot be read: {damage}"));
    Ok(())
}

/// Reads rows from one end of a range; gives how far it came, and what stopped it. Row by row near a damage, so that as
/// few as possible are called damaged.
async fn read(
    snapshot: &dyn Snapshot,
    range: &Range<Bytes>,
    order: Order,
    verified: &mut Verified,
    on_progress: &mut (dyn FnMut(&Verified) + Send),
) -> Result<(Bytes, Option<String>)> {
    let mut rest = range.clone();
    let mut at_once = READ_ROWS;
    loop {
        let rows = match snapshot.scan(rest.clone(), order, at_once).await {
            Ok(rows) => rows,
            Err(KvError::Corrupt(_)) if at_once > 1 => {
                at_once = 1;
                continue;
            }
            Err(KvError::Corrupt(damage)) => {
                let end = if order == Order::Forward { rest.start } else { rest.end };
                return Ok((end, Some(damage)));
            }
            Err(error) => return Err(error),
        };
        let Some((last, _)) = rows.last() else { return Ok((rest.end, None)) };
        match order {
            Order::Forward => rest.start = [last, &b"\0"[..]].concat().into(),
            Order::Backward => rest.end = last.clone(),
        }
        verified.rows += rows.len() as u64;
        verified.row_bytes += rows.iter().map(|(key, row)| (key.len() + row.value.len()) as u64).sum::<u64>();
        on_progress(verified);
    }
}

fn shown(key: &[u8]) -> String {
    format!("\"{}\"", key.escape_ascii())
}
