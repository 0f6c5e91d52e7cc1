//! What a range held, in a few bytes.

use ring::digest::{Context, SHA256};

use crate::limits::{SCAN_ROWS_MAX, too_many_for_fingerprint};
use crate::{KvError, Result, Version};

/// Stands for the keys of a range and their versions. Equal fingerprints mean equal content.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// The fingerprint of these rows, which must come in ascending key order.
    pub fn of<K: AsRef<[u8]>>(rows: impl IntoIterator<Item = (K, Version)>) -> Self {
        let mut builder = FingerprintBuilder::new();
        for (key, version) in rows {
            builder.add(key.as_ref(), version);
        }
        builder.finish()
    }

    /// The fingerprint of what is in a range. Too many rows: `Determinate`.
    pub(crate) fn of_range<K: AsRef<[u8]>>(
        rows: impl IntoIterator<Item = Result<(K, Version)>>,
    ) -> Result<Self> {
        let mut builder = FingerprintBuilder::new();
        for (count, row) in rows.into_iter().enumerate() {
            if count == SCAN_ROWS_MAX {
                return Err(too_many_for_fingerprint());
            }
            let (key, version) = row?;
            builder.add(key.as_ref(), version);
        }
        Ok(builder.finish())
    }

    /// Whether the range these rows are in still has this fingerprint. One that has grown over the limit has not.
    pub(crate) fn matches<K: AsRef<[u8]>>(
        &self,
        rows: impl IntoIterator<Item = Result<(K, Version)>>,
    ) -> Result<bool> {
        match Self::of_range(rows) {
            Ok(fingerprint) => Ok(fingerprint == *self),
            Err(KvError::Determinate(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Takes a fingerprint row by row, in ascending key order.
struct FingerprintBuilder {
    digest: Context,
}

impl FingerprintBuilder {
    fn new() -> Self {
        Self { digest: Context::new(&SHA256) }
    }

    fn add(&mut self, key: &[u8], version: Version) {
        // The length keeps ("ab", …) and ("a", "b…") apart.
        self.digest.update(&u32::try_from(key.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.digest.update(key);
        self.digest.update(&version.0.to_le_bytes());
    }

    fn finish(self) -> Fingerprint {
        let mut half = [0; 16];
        half.copy_from_slice(&self.digest.finish().as_ref()[..16]);
        Fingerprint(half)
    }
}
