//! Blobs that no row names: what a crash between a blob and its row, or between the end of a row and its blob, has
//! left behind.

use std::collections::HashMap;

use bytes::Bytes;

use super::{BlobId, Blobs, ID_CHARACTERS};
use crate::{EngineTime, Kv, Order, Result, prefix_range};

/// A blob without a row is taken for an orphan once it is this old, in milliseconds: before, its row may still be on
/// its way.
pub const ORPHAN_AGE_MILLIS_MIN: u64 = 24 * 60 * 60 * 1000;

/// Rows read at once; each may have a megabyte.
const READ_ROWS: usize = 64;

/// Bytes of an id that is not written as text.
const ID_BYTES: usize = ID_CHARACTERS / 2;

/// What a sweep removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Swept {
    /// How many blobs.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Deletes the blobs written before `written_before` that no row names; give the engine's time less
/// [`ORPHAN_AGE_MILLIS_MIN`]. A row names a blob when the id stands anywhere in its value, as text or as 16 bytes: nobody
/// needs to tell which of their rows do, so nobody can forget to. Reads every row, a few at a time, from a snapshot taken
/// after the blobs were listed. When it fails nothing is deleted.
pub async fn sweep_orphans(kv: &dyn Kv, blobs: &dyn Blobs, written_before: EngineTime) -> Result<Swept> {
    let listed = blobs.list().await?;
    let old = listed.into_iter().filter(|blob| blob.modified < written_before.0);
    let mut unnamed = Unnamed::new(old.map(|blob| (blob.id, blob.bytes)));
    let snapshot = kv.snapshot().await?;
    let mut rest = prefix_range(b"");
    while !unnamed.sizes.is_empty() {
        let rows = snapshot.scan(rest.clone(), Order::Forward, READ_ROWS).await?;
        let Some((last, _)) = rows.last() else { break };
        rest.start = after(last);
        for (_, row) in &rows {
            unnamed.read(&row.value);
        }
        // A scan does not wait, and this goes on for long.
        tokio::task::yield_now().await;
    }
    drop(snapshot);
    let mut swept = Swept::default();
    for (number, bytes) in unnamed.sizes {
        blobs.delete(&BlobId(format!("{number:032x}"))).await?;
        swept.blobs += 1;
        swept.bytes += bytes;
    }
    Ok(swept)
}

fn after(key: &[u8]) -> Bytes {
    [key, &[0]].concat().into()
}

/// The blobs no row has named so far.
struct Unnamed {
    /// Their sizes by their ids as numbers.
    sizes: HashMap<u128, u64>,
    /// Whether there is an id that begins with these 16 bits: most places in a row are passed by with one look.
    beginnings: Vec<bool>,
}

impl Unnamed {
    fn new(blobs: impl Iterator<Item = (BlobId, u64)>) -> Self {
        let number =
            |id: &BlobId| u128::from_str_radix(id.as_str(), 16).expect("an id is hexadecimal digits");
        let sizes: HashMap<u128, u64> = blobs.map(|(id, bytes)| (number(&id), bytes)).collect();
        let mut beginnings = vec![false; 1 << 16];
        for number in sizes.keys() {
            beginnings[(number >> 112) as usize] = true;
        }
        Self { sizes, beginnings }
    }

    /// Takes out what the value of a row names.
    fn read(&mut self, value: &[u8]) {
        for bytes in value.windows(ID_BYTES) {
            let beginning = usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
            if self.beginnings[beginning]
                && let Ok(bytes) = bytes.try_into()
            {
                self.sizes.remove(&u128::from_be_bytes(bytes));
            }
        }
        let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        for digits in value.split(|byte| !is_digit(byte)).filter(|digits| digits.len() >= ID_CHARACTERS) {
            for id in digits.windows(ID_CHARACTERS) {
                let number = std::str::from_utf8(id).ok().and_then(|id| u128::from_str_radix(id, 16).ok());
                if let Some(number) = number {
                    self.sizes.remove(&number);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Commit, MemoryBlobs, MemoryKv};

    #[tokio::test]
    async fn a_row_names_a_blob_in_text_in_bytes_and_between_other_things() {
        let (kv, blobs) = (MemoryKv::new(), MemoryBlobs::new());
        let mut ids = Vec::new();
        for payload in ["text", "bytes", "inside digits", "nowhere"] {
            ids.push(blobs.put(payload.into()).await.unwrap());
        }
        let bytes = u128::from_str_radix(ids[1].as_str(), 16).unwrap().to_be_bytes();
        let commit = Commit::new()
            .put("a", format!("{{\"blob\":\"{}\"}}", ids[0]))
            .put("b", [b"xyz".as_slice(), &bytes, b"a"].concat())
            .put("c", format!("0123{}4567", ids[2]));
        kv.commit(commit).await.unwrap();
        let young = sweep_orphans(&kv, &blobs, EngineTime(0)).await.unwrap();
        assert_eq!(young, Swept::default(), "nothing is that old");
        let swept = sweep_orphans(&kv, &blobs, EngineTime(u64::MAX)).await.unwrap();
        assert_eq!(swept, Swept { blobs: 1, bytes: 7 });
        let left: Vec<_> = blobs.list().await.unwrap().into_iter().map(|blob| blob.id).collect();
        assert!(left.len() == 3 && !left.contains(&ids[3]), "{left:?}");
    }
}
