//! Large immutable payloads beside the key-value store.
//!
//! The order that keeps them whole: write the blob, then commit the row that names it; to remove, commit the
//! row's end, then delete the blob. A crash in between leaves an orphan, never a row without its blob; orphans
//! are found by comparing [`Blobs::list`] with the rows ([`sweep_orphans`]), so a row must name its blob readably: by the
//! id's text or its 16 bytes, neither compressed nor encrypted.

mod checked;
mod hold;
mod local;
mod memory;
mod sweep;

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::pin::Pin;
use std::str::FromStr;

use bytes::Bytes;
use futures_util::Stream;
use serde::{Deserialize, Serialize};

use crate::kv::fill_random;
use crate::{BoxFuture, KvError, Result};

pub use hold::DeleteHold;
pub use local::LocalBlobs;
pub use memory::MemoryBlobs;
pub use sweep::{ORPHAN_AGE_MILLIS_MIN, Swept, sweep_orphans};

/// A payload in pieces.
pub type ByteStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// Characters of a blob id.
const ID_CHARACTERS: usize = 32;

/// Names a blob: 128 random bits. It is not made from the content, so two blobs never share a file and deleting
/// one needs no counting. Only 32 lower-case hexadecimal digits parse, so an id is always safe in a path.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Ord, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BlobId(String);

impl BlobId {
    /// A new id.
    pub fn random() -> Self {
        let mut random = [0; ID_CHARACTERS / 2];
        fill_random(&mut random);
        Self(format!("{:032x}", u128::from_be_bytes(random)))
    }

    /// Its first byte, as an index.
    fn shard(&self) -> usize {
        usize::from_str_radix(&self.0[..2], 16).expect("an id is hexadecimal digits")
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for BlobId {
    type Err = KvError;

    fn from_str(text: &str) -> Result<Self> {
        let digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if text.len() == ID_CHARACTERS && digits {
            Ok(Self(text.to_owned()))
        } else {
            Err(KvError::Determinate("a blob id is 32 lower-case hexadecimal digits".to_owned()))
        }
    }
}

impl TryFrom<String> for BlobId {
    type Error = KvError;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<BlobId> for String {
    fn from(id: BlobId) -> Self {
        id.0
    }
}

/// What a listing tells of a blob.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlobInfo {
    /// Its name.
    pub id: BlobId,
    /// Its size.
    pub bytes: u64,
    /// When it was written, in epoch milliseconds.
    pub modified: u64,
}

/// A store of blobs.
pub trait Blobs: Send + Sync + 'static {
    /// Stores a payload; durable when it returns.
    fn put(&self, body: Bytes) -> BoxFuture<'_, Result<BlobId>>;

    /// Stores a payload of any length in bounded memory; durable when it returns. Gives its size in bytes. When
    /// the stream fails, or the future is dropped, nothing is stored.
    fn put_stream(&self, stream: ByteStream) -> BoxFuture<'_, Result<(BlobId, u64)>>;

    /// [`Blobs::put_stream`] under an id that the caller made with [`BlobId::random`] and may have noted before: so
    /// what a crash leaves behind can be found. Gives its size in bytes.
    fn put_stream_as(&self, id: BlobId, stream: ByteStream) -> BoxFuture<'_, Result<u64>>;

    /// The whole payload, in memory. `Corrupt`: it is not what was written.
    fn get(&self, id: &BlobId) -> BoxFuture<'_, Result<Bytes>>;

    /// A part of the payload, in pieces. The end may lie behind the payload's; the start may not. A piece that is not
    /// what was written is an error of kind `InvalidData`, or `Corrupt` if it is the first.
    fn get_range(&self, id: &BlobId, range: Range<u64>) -> BoxFuture<'_, Result<ByteStream>>;

    /// Removes a payload; removing what is not there is fine.
    fn delete(&self, id: &BlobId) -> BoxFuture<'_, Result<()>>;

    /// Keeps what is deleted from now on, until the guard goes.
    fn hold_deletes(&self) -> DeleteHold<'_>;

    /// Every payload there is, in no order.
    fn list(&self) -> BoxFuture<'_, Result<Vec<BlobInfo>>>;

    /// The local file that begins with the payload, where there is one. Read only; what follows the payload are
    /// checksums, and whoever reads the file passes them by.
    fn path(&self, id: &BlobId) -> Option<PathBuf>;
}

fn missing(id: &BlobId) -> KvError {
    KvError::Determinate(format!("there is no blob {id}"))
}

/// The part of `0..size` that a range asks for.
fn within(range: &Range<u64>, size: u64) -> Result<Range<u64>> {
    if range.start > range.end || range.start > size {
        return Err(KvError::Determinate(format!(
            "the range {}..{} does not lie in a blob of {size} bytes",
            range.start, range.end
        )));
    }
    Ok(range.start..range.end.min(size))
}
