//! Blobs in memory, for tests.

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

use super::hold::Deferred;
use super::{BlobId, BlobInfo, Blobs, ByteStream, DeleteHold, missing, within};
use crate::clock::system_now;
use crate::{BoxFuture, KvError, Result};

/// Blobs that live as long as the process.
#[derive(Default)]
pub struct MemoryBlobs {
    blobs: Mutex<HashMap<BlobId, Stored>>,
    deferred: Deferred,
}

struct Stored {
    body: Bytes,
    modified: u64,
}

impl MemoryBlobs {
    /// No blobs yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<BlobId, Stored>> {
        // Single map operations leave it whole.
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn store(&self, body: Bytes) -> BlobId {
        let id = BlobId::random();
        self.store_as(id.clone(), body);
        id
    }

    fn store_as(&self, id: BlobId, body: Bytes) {
        self.lock().insert(id, Stored { body, modified: system_now().0 });
    }

    fn body(&self, id: &BlobId) -> Result<Bytes> {
        self.lock().get(id).map(|stored| stored.body.clone()).ok_or_else(|| missing(id))
    }
}

impl Blobs for MemoryBlobs {
    fn put(&self, body: Bytes) -> BoxFuture<'_, Result<BlobId>> {
        Box::pin(async move { Ok(self.store(body)) })
    }

    fn put_stream(&self, stream: ByteStream) -> BoxFuture<'_, Result<(BlobId, u64)>> {
        Box::pin(async move {
            let id = BlobId::random();
            let bytes = self.put_stream_as(id.clone(), stream).await?;
            Ok((id, bytes))
        })
    }

    fn put_stream_as(&self, id: BlobId, mut stream: ByteStream) -> BoxFuture<'_, Result<u64>> {
        Box::pin(async move {
            let mut body = BytesMut::new();
            while let Some(piece) = stream.next().await {
                let piece = piece.map_err(|error| {
                    KvError::Determinate(format!("the payload could not be read: {error}"))
                })?;
                body.extend_from_slice(&piece);
            }
            let bytes = body.len() as u64;
            self.store_as(id, body.freeze());
            Ok(bytes)
        })
    }

    fn get(&self, id: &BlobId) -> BoxFuture<'_, Result<Bytes>> {
        let body = self.body(id);
        Box::pin(async move { body })
    }

    fn get_range(&self, id: &BlobId, range: Range<u64>) -> BoxFuture<'_, Result<ByteStream>> {
        let body = self.body(id);
        Box::pin(async move {
            let body = body?;
            let part = within(&range, body.len() as u64)?;
            // Both ends are at most the length, which is a usize.
            let part = body.slice(part.start as usize..part.end as usize);
            Ok(Box::pin(futures_util::stream::iter([Ok(part)])) as ByteStream)
        })
    }

    fn delete(&self, id: &BlobId) -> BoxFuture<'_, Result<()>> {
        if !self.deferred.defers(id) {
            self.lock().remove(id);
        }
        Box::pin(async { Ok(()) })
    }

    fn hold_deletes(&self) -> DeleteHold<'_> {
        self.deferred.hold();
        DeleteHold::new(|| {
            for id in self.deferred.release() {
                self.lock().remove(&id);
            }
        })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<BlobInfo>>> {
        let list = self
            .lock()
            .iter()
            .map(|(id, stored)| BlobInfo {
                id: id.clone(),
                bytes: stored.body.len() as u64,
                modified: stored.modified,
            })
            .collect();
        Box::pin(async move { Ok(list) })
    }

    fn path(&self, _id: &BlobId) -> Option<PathBuf> {
        None
    }
}
