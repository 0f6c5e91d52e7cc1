//! A small file beside the engine that says which batch was acknowledged last.
//!
//! It is written after a batch is synced and before it is acknowledged, without a sync of its own: it survives
//! the death of the process, and after a power loss it may be old, but never ahead of the engine. So an engine
//! that is behind it has lost acknowledged commits, whatever the reason.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use ring::digest::{SHA256, digest};

use super::folder::cannot;
use super::record::{CHAIN_BYTES, Chain};
use crate::{KvError, Result};

const MAGIC: [u8; 8] = *b"kv-head1";
const NUMBER_AT: usize = MAGIC.len();
const CHAIN_AT: usize = NUMBER_AT + 8;
const CHECKSUM_AT: usize = CHAIN_AT + CHAIN_BYTES;
const CHECKSUM_BYTES: usize = 8;
const FILE_BYTES: usize = CHECKSUM_AT + CHECKSUM_BYTES;

/// A batch of commits: its number and the chain up to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Head {
    pub(super) number: u64,
    pub(super) chain: Chain,
}

/// The file.
pub(super) struct HeadFile {
    file: File,
    path: PathBuf,
    stored: Option<Head>,
}

impl HeadFile {
    /// Opens the file, making it if it is not there.
    pub(super) fn open(dir: &Path) -> Result<Self> {
        let path = dir.join("head");
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| cannot("open", &path, &error))?;
        let mut bytes = [0; FILE_BYTES];
        let stored = match file.read_exact_at(&mut bytes, 0) {
            Ok(()) => decode(&bytes),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => None,
            Err(error) => return Err(cannot("read", &path, &error)),
        };
        Ok(Self { file, path, stored })
    }

    /// What it held when it was opened; None: nothing, or nothing whole.
    pub(super) fn stored(&self) -> Option<Head> {
        self.stored
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Notes the latest batch.
    pub(super) fn write(&self, head: Head) -> Result<()> {
        self.file.write_all_at(&encode(head), 0).map_err(|error| cannot("write", &self.path, &error))
    }
}

impl Drop for HeadFile {
    fn drop(&mut self) {
        // An old head only detects less.
        if let Err(error) = self.file.sync_data() {
            tracing::warn!(error = %error, "the head file could not be synced");
        }
    }
}

fn encode(head: Head) -> [u8; FILE_BYTES] {
    let mut bytes = [0; FILE_BYTES];
    bytes[..NUMBER_AT].copy_from_slice(&MAGIC);
    bytes[NUMBER_AT..CHAIN_AT].copy_from_slice(&head.number.to_be_bytes());
    bytes[CHAIN_AT..CHECKSUM_AT].copy_from_slice(&head.chain.0);
    let checksum = checksum(&bytes);
    bytes[CHECKSUM_AT..].copy_from_slice(&checksum);
    bytes
}

fn decode(bytes: &[u8; FILE_BYTES]) -> Option<Head> {
    if bytes[..NUMBER_AT] != MAGIC || bytes[CHECKSUM_AT..] != checksum(bytes) {
        return None;
    }
    let number = u64::from_be_bytes(*bytes[NUMBER_AT..].first_chunk()?);
    let chain = Chain(*bytes[CHAIN_AT..].first_chunk()?);
    Some(Head { number, chain })
}

fn checksum(bytes: &[u8; FILE_BYTES]) -> [u8; CHECKSUM_BYTES] {
    let digest = digest(&SHA256, &bytes[..CHECKSUM_AT]);
    *digest.as_ref().first_chunk().expect("a digest is longer than the checksum")
}

/// The refusal of an engine that is behind the head.
pub(super) fn behind(head: Head, latest: u64) -> KvError {
    KvError::Corrupt(format!(
        "batches {} to {} were acknowledged but are not there; restore the folder from a backup, or remove its \
         file `head` to accept the loss",
        latest + 1,
        head.number
    ))
}
