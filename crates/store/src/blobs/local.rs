//! Blobs as files.
//!
//! `xx/id` where `xx` are the first two digits of the id, so that no folder grows too large; `temporary/` for
//! what is being written. A blob is written to a temporary file, synced, renamed to its name, and the folder is
//! synced: whatever happens in between, a name stands for a whole payload. Checksums in the file show what happens to
//! it later; see `checked.rs`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};

use super::checked::{CheckedFile, Part, Sums, payload_bytes};
use super::hold::Deferred;
use super::{BlobId, BlobInfo, Blobs, ByteStream, DeleteHold, within};
use crate::fail::{FailHook, FailPoint, no_failures};
use crate::fjall_kv::{cannot, create_folder, sync_folder};
use crate::{BoxFuture, KvError, Result};

/// Bytes of a stream that are gathered before they are written.
const WRITE_PIECE_BYTES: usize = 1024 * 1024;

/// How many shard folders there can be: one for each first byte of an id.
const SHARDS: usize = 256;

const TEMPORARY: &str = "temporary";

/// Blobs in a folder of the local disk. Only one process may use the folder at a time.
#[derive(Clone)]
pub struct LocalBlobs {
    folder: Arc<Path>,
    /// Which shard folders are known to be durable, by their two digits.
    synced_shards: Arc<[AtomicBool; SHARDS]>,
    deferred: Arc<Deferred>,
    fail_hook: FailHook,
}

impl LocalBlobs {
    /// Opens the folder, making it if it is not there, and removes what an interrupted write left behind.
    pub fn open(dir: &Path) -> Result<Self> {
        Self::open_with(dir, no_failures())
    }

    /// As [`LocalBlobs::open`], with a hook for tests.
    pub fn open_with(dir: &Path, fail_hook: FailHook) -> Result<Self> {
        let temporary = dir.join(TEMPORARY);
        create_folder(&temporary)?;
        sweep(&temporary).map_err(|error| cannot("clear", &temporary, &error))?;
        sync_folder(dir).map_err(|error| cannot("sync", dir, &error))?;
        let synced_shards = Arc::new([const { AtomicBool::new(false) }; SHARDS]);
        Ok(Self { folder: dir.into(), synced_shards, deferred: Arc::default(), fail_hook })
    }

    fn file(&self, id: &BlobId) -> PathBuf {
        self.shard(id).join(id.as_str())
    }

    fn shard(&self, id: &BlobId) -> PathBuf {
        self.folder.join(&id.as_str()[..2])
    }

    /// Gives a complete temporary file its name, durably.
    fn finish(&self, mut draft: Draft) -> io::Result<BlobId> {
        let sums = std::mem::replace(&mut draft.sums, Sums::new()).finish();
        draft.file.write_all(&sums)?;
        draft.file.sync_all()?;
        (self.fail_hook)(FailPoint::BlobSynced)?;
        let shard = self.shard(&draft.id);
        let is_synced = &self.synced_shards[draft.id.shard()];
        if !is_synced.load(Ordering::Acquire) {
            match fs::create_dir(&shard) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                // Also when it is there already: whoever made it may not have synced it yet.
                _ => sync_folder(&self.folder)?,
            }
            is_synced.store(true, Ordering::Release);
        }
        fs::rename(&draft.path, self.file(&draft.id))?;
        (self.fail_hook)(FailPoint::BlobRenamed)?;
        sync_folder(&shard)?;
        Ok(draft.id.clone())
    }

    fn draft(&self, id: BlobId) -> io::Result<Draft> {
        let path = self.folder.join(TEMPORARY).join(id.as_str());
        let file = File::create_new(&path)?;
        Ok(Draft { id, path, file, sums: Sums::new() })
    }

    async fn blocking<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let blobs = self.clone();
        tokio::task::spawn_blocking(move || work(&blobs))
            .await
            .map_err(|error| KvError::Determinate(format!("cannot {what} a blob: {error}")))?
    }

    /// Stores a payload under an id of the caller's, who sees to it that no other has it; gives its size in bytes.
    pub(crate) async fn put_as(&self, id: BlobId, mut stream: ByteStream) -> Result<u64> {
        let mut draft = self
            .blocking("write", move |blobs| blobs.draft(id).map_err(|error| cannot_write(&error)))
            .await?;
        let mut size = 0;
        let mut gathered: Vec<Bytes> = Vec::new();
        let mut gathered_bytes = 0;
        loop {
            let piece = stream
                .try_next()
                .await
                .map_err(|error| KvError::Determinate(format!("the payload could not be read: {error}")))?;
            let ended = piece.is_none();
            if let Some(piece) = piece {
                size += piece.len() as u64;
                gathered_bytes += piece.len();
                gathered.push(piece);
            }
            if gathered_bytes >= WRITE_PIECE_BYTES || (ended && gathered_bytes > 0) {
                let pieces = std::mem::take(&mut gathered);
                gathered_bytes = 0;
                draft = self
                    .blocking("write", move |_| {
                        for piece in pieces {
                            draft.write(&piece).map_err(|error| cannot_write(&error))?;
                        }
                        Ok(draft)
                    })
                    .await?;
            }
            if ended {
                break;
            }
        }
        self.blocking("write", move |blobs| blobs.finish(draft).map_err(|error| cannot_write(&error)))
            .await?;
        Ok(size)
    }

    fn list_all(&self) -> io::Result<Vec<BlobInfo>> {
        let mut blobs = Vec::new();
        for shard in fs::read_dir(&self.folder)? {
            let shard = shard?;
            if shard.file_name() == TEMPORARY || !shard.file_type()?.is_dir() {
                continue;
            }
            for file in fs::read_dir(shard.path())? {
                let file = file?;
                let Some(id) = file.file_name().to_str().and_then(|name| name.parse::<BlobId>().ok()) else {
                    continue;
                };
                let metadata = match file.metadata() {
                    Ok(metadata) => metadata,
                    // Deleted since the folder was read.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(error),
                };
                let modified = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
                let modified = u64::try_from(modified.as_millis()).unwrap_or(u64::MAX);
                // A damaged one is still there; whoever reads it is told.
                let bytes = payload_bytes(metadata.len()).unwrap_or(metadata.len());
                blobs.push(BlobInfo { id, bytes, modified });
            }
        }
        Ok(blobs)
    }
}

/// A blob on its way; its file goes away with it unless it was given its name.
struct Draft {
    id: BlobId,
    path: PathBuf,
    file: File,
    sums: Sums,
}

impl Draft {
    fn write(&mut self, part: &[u8]) -> io::Result<()> {
        self.sums.add(part);
        self.file.write_all(part)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Gone already once renamed; otherwise the sweep at open takes what stays.
        let _ = fs::remove_file(&self.path);
    }
}

fn sweep(temporary: &Path) -> io::Result<()> {
    for file in fs::read_dir(temporary)? {
        fs::remove_file(file?.path())?;
    }
    Ok(())
}

fn cannot_write(error: &io::Error) -> KvError {
    KvError::Determinate(format!("cannot write a blob: {error}"))
}

fn next_of(mut part: Part) -> io::Result<Option<(Bytes, Part)>> {
    match part.next() {
        Ok(bytes) => Ok(bytes.map(|bytes| (bytes, part))),
        Err(KvError::Corrupt(message)) => Err(io::Error::new(io::ErrorKind::InvalidData, message)),
        Err(error) => Err(io::Error::other(error)),
    }
}

impl Blobs for LocalBlobs {
    fn put(&self, body: Bytes) -> BoxFuture<'_, Result<BlobId>> {
        Box::pin(self.blocking("write", move |blobs| {
            let write = || {
                let mut draft = blobs.draft(BlobId::random())?;
                draft.write(&body)?;
                blobs.finish(draft)
            };
            write().map_err(|error| cannot_write(&error))
        }))
    }

    fn put_stream(&self, stream: ByteStream) -> BoxFuture<'_, Result<(BlobId, u64)>> {
        Box::pin(async move {
            let id = BlobId::random();
            let bytes = self.put_as(id.clone(), stream).await?;
            Ok((id, bytes))
        })
    }

    fn put_stream_as(&self, id: BlobId, stream: ByteStream) -> BoxFuture<'_, Result<u64>> {
        Box::pin(self.put_as(id, stream))
    }

    fn get(&self, id: &BlobId) -> BoxFuture<'_, Result<Bytes>> {
        let id = id.clone();
        Box::pin(self.blocking("read", move |blobs| CheckedFile::open(&blobs.file(&id), &id)?.whole()))
    }

    fn get_range(&self, id: &BlobId, range: Range<u64>) -> BoxFuture<'_, Result<ByteStream>> {
        let id = id.clone();
        Box::pin(async move {
            // The first bytes come with the opening: small reads take one turn on a blocking thread.
            let (first, rest) = self
                .blocking("read", move |blobs| {
                    let file = CheckedFile::open(&blobs.file(&id), &id)?;
                    let wanted = within(&range, file.bytes)?;
                    let mut part = file.part(wanted)?;
                    Ok((part.next()?, part))
                })
                .await?;
            let rest = futures_util::stream::try_unfold(rest, |part| async move {
                if part.is_done() {
                    return Ok(None);
                }
                tokio::task::spawn_blocking(move || next_of(part)).await.map_err(io::Error::other)?
            });
            Ok(Box::pin(futures_util::stream::iter(first.map(Ok)).chain(rest)) as ByteStream)
        })
    }

    fn delete(&self, id: &BlobId) -> BoxFuture<'_, Result<()>> {
        let id = id.clone();
        Box::pin(self.blocking("delete", move |blobs| {
            if blobs.deferred.defers(&id) {
                return Ok(());
            }
            // Not synced: a blob that comes back after a power loss is an orphan like any other.
            match fs::remove_file(blobs.file(&id)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(KvError::Determinate(format!("cannot delete blob {id}: {error}")))
                }
                _ => Ok(()),
            }
        }))
    }

    fn hold_deletes(&self) -> DeleteHold<'_> {
        self.deferred.hold();
        DeleteHold::new(|| {
            for id in self.deferred.release() {
                // What stays is an orphan.
                if let Err(error) = fs::remove_file(self.file(&id)) {
                    tracing::warn!(error = %error, blob = %id, "a blob could not be deleted");
                }
            }
        })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<BlobInfo>>> {
        Box::pin(self.blocking("list", |blobs| {
            blobs.list_all().map_err(|error| KvError::Determinate(format!("cannot list the blobs: {error}")))
        }))
    }

    fn path(&self, id: &BlobId) -> Option<PathBuf> {
        Some(self.file(id))
    }
}
