//! What a range held, in a few bytes.

use ring::digest::{Context, SHA256};

use crate::Version;

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
}

/// Takes a fingerprint row by row, in ascending key order.
pub(crate) struct FingerprintBuilder {
    digest: Context,
}

impl FingerprintBuilder {
    pub(crate) fn new() -> Self {
        Self { digest: Context::new(&SHA256) }
    }

    pub(crate) fn add(&mut self, key: &[u8], version: Version) {
        // The length keeps ("ab", …) and ("a", "b…") apart.
        self.digest.update(&u32::try_from(key.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.digest.update(key);
        self.digest.update(&version.0.to_le_bytes());
    }

    pub(crate) fn finish(self) -> Fingerprint {
        let mut half = [0; 16];
        half.copy_from_slice(&self.digest.finish().as_ref()[..16]);
        Fingerprint(half)
    }
}
