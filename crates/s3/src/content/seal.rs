//! Payloads sealed with a customer's key: frames of AES-256-GCM, so that a range is opened without the rest.
//!
//! Each piece has a key of its own, made from the customer's and a random salt; a frame's number is its nonce.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use crate::encryption::CustomerKey;

/// Plain bytes of a frame; the last one of a piece may have fewer.
pub(super) const FRAME_BYTES: u64 = 64 * 1024;
const TAG_BYTES: u64 = 16;

pub(super) type Salt = [u8; 16];

/// Seals or opens the frames of one piece, in order.
pub(super) struct Frames {
    key: LessSafeKey,
    next: u64,
}

impl Frames {
    pub(super) fn new(customer: &CustomerKey, salt: &Salt, first: u64) -> anyhow::Result<Self> {
        let derived = customer.derive(&[b"piece ".as_slice(), salt].concat());
        let key =
            UnboundKey::new(&AES_256_GCM, &derived).map_err(|_| anyhow::anyhow!("a key of 32 bytes"))?;
        Ok(Frames { key: LessSafeKey::new(key), next: first })
    }

    fn nonce(&mut self) -> Nonce {
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&self.next.to_be_bytes());
        self.next += 1;
        Nonce::assume_unique_for_key(nonce)
    }

    pub(super) fn seal(&mut self, plain: &[u8]) -> anyhow::Result<Bytes> {
        let nonce = self.nonce();
        let mut sealed = plain.to_vec();
        self.key
            .seal_in_place_append_tag(nonce, Aad::empty(), &mut sealed)
            .map_err(|_| anyhow::anyhow!("a frame could not be sealed"))?;
        Ok(sealed.into())
    }

    pub(super) fn open(&mut self, sealed: &[u8]) -> anyhow::Result<Bytes> {
        let nonce = self.nonce();
        let mut opened = sealed.to_vec();
        let plain = self
            .key
            .open_in_place(nonce, Aad::empty(), &mut opened)
            .map_err(|_| anyhow::anyhow!("a sealed payload is not what was written"))?
            .len();
        opened.truncate(plain);
        Ok(opened.into())
    }
}

/// The sealed bytes that hold a plain range, and the number of the first frame among them.
pub(super) fn sealed_range(range: &Range<u64>, size: u64) -> (Range<u64>, u64) {
    let first = range.start / FRAME_BYTES;
    let frames = size.div_ceil(FRAME_BYTES);
    let end = range.end.div_ceil(FRAME_BYTES).min(frames);
    let whole = size + frames * TAG_BYTES;
    let sealed = FRAME_BYTES + TAG_BYTES;
    (first * sealed..(end * sealed).min(whole), first)
}

/// Cuts bytes that come as they come into frames.
pub(super) struct Cutter {
    frame_bytes: usize,
    waiting: BytesMut,
}

impl Cutter {
    pub(super) fn plain() -> Self {
        Cutter { frame_bytes: FRAME_BYTES as usize, waiting: BytesMut::new() }
    }

    pub(super) fn sealed() -> Self {
        Cutter { frame_bytes: (FRAME_BYTES + TAG_BYTES) as usize, waiting: BytesMut::new() }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<Bytes> {
        self.waiting.extend_from_slice(bytes);
        let mut frames = Vec::new();
        while self.waiting.len() >= self.frame_bytes {
            frames.push(self.waiting.split_to(self.frame_bytes).freeze());
        }
        frames
    }

    /// What is left at the end.
    pub(super) fn finish(&mut self) -> Option<Bytes> {
        let rest = std::mem::take(&mut self.waiting);
        (!rest.is_empty()).then(|| rest.freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encryption::CustomerRequest;

    #[test]
    fn ranges_cover_their_frames() {
        let sealed = FRAME_BYTES + TAG_BYTES;
        assert_eq!(sealed_range(&(0..10), 10), (0..26, 0));
        assert_eq!(sealed_range(&(0..FRAME_BYTES), 3 * FRAME_BYTES), (0..sealed, 0));
        assert_eq!(sealed_range(&(FRAME_BYTES - 1..FRAME_BYTES + 1), 3 * FRAME_BYTES), (0..2 * sealed, 0));
        assert_eq!(
            sealed_range(&(2 * FRAME_BYTES..2 * FRAME_BYTES + 5), 2 * FRAME_BYTES + 9),
            (2 * sealed..2 * sealed + 25, 2)
        );
    }

    #[test]
    fn frames_open_in_order_only() {
        let request = CustomerRequest {
            algorithm: Some("AES256".into()),
            key: Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".into()),
            key_md5: Some("cLyPS3KoaSFGi/joRB3OUQ==".into()),
        };
        let key = request.read().unwrap().unwrap();
        let frames = |first| Frames::new(&key, &[7; 16], first).unwrap();
        let mut sealing = frames(0);
        let (one, two) = (sealing.seal(b"one").unwrap(), sealing.seal(b"two").unwrap());
        assert_eq!(frames(1).open(&two).unwrap(), b"two".as_slice());
        assert!(frames(0).open(&two).is_err());
        assert_eq!(frames(0).open(&one).unwrap(), b"one".as_slice());
    }
}
