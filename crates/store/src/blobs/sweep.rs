//! Blobs that no row names: what a crash between a blob and its row, or between the end of a row and its blob, has
//! left behind.

use std::collections::HashSet;
use std::future::Future;

use super::{BlobId, Blobs};
use crate::{EngineTime, Result};

/// A blob without a row is taken for an orphan once it is this old, in milliseconds: before, its row may still be on
/// its way.
pub const ORPHAN_AGE_MILLIS_MIN: u64 = 24 * 60 * 60 * 1000;

/// What a sweep removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Swept {
    /// How many blobs.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Deletes the blobs written before `written_before` that no row names; give the engine's time less
/// [`ORPHAN_AGE_MILLIS_MIN`]. `named` reads the ids of all rows of all services. It runs after the blobs were
/// listed, so a row that comes meanwhile counts. When it fails nothing is deleted.
pub async fn sweep_orphans(
    blobs: &dyn Blobs,
    written_before: EngineTime,
    named: impl Future<Output = Result<HashSet<BlobId>>>,
) -> Result<Swept> {
    let listed = blobs.list().await?;
    let named = named.await?;
    let mut swept = Swept::default();
    for blob in listed {
        if blob.modified < written_before.0 && !named.contains(&blob.id) {
            blobs.delete(&blob.id).await?;
            swept.blobs += 1;
            swept.bytes += blob.bytes;
        }
    }
    Ok(swept)
}
