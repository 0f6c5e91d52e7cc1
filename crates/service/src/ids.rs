//! Random identifiers; tests seed them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ring::rand::{SecureRandom, SystemRandom};

/// The source of every generated id: the operating system's randomness, or a counter in tests.
#[derive(Clone, Debug, Default)]
pub struct Ids {
    counter: Option<Arc<AtomicU64>>,
}

impl Ids {
    pub fn random() -> Self {
        Ids::default()
    }

    /// Predictable ids for tests: 1, 2, 3 …
    pub fn counting() -> Self {
        Ids { counter: Some(Arc::new(AtomicU64::new(0))) }
    }

    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match &self.counter {
            Some(counter) => {
                let next = (counter.fetch_add(1, Ordering::Relaxed) + 1).to_be_bytes();
                let kept = N.min(next.len());
                bytes[N - kept..].copy_from_slice(&next[next.len() - kept..]);
            }
            None => {
                SystemRandom::new().fill(&mut bytes).expect("the operating system always has random bytes");
            }
        }
        bytes
    }

    /// A version 4 UUID in its usual text form (RFC 9562).
    pub fn uuid(&self) -> String {
        let mut bytes = self.bytes::<16>();
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let text = hex::encode(bytes);
        [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
    }

    /// Lower-case hexadecimal digits, two a byte.
    pub fn hex<const N: usize>(&self) -> String {
        hex::encode(self.bytes::<N>())
    }

    /// Upper-case letters and digits in the manner of IAM's unique ids.
    pub fn upper_alphanumeric<const N: usize>(&self) -> String {
        const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        self.bytes::<N>().iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect()
    }

    /// Lower-case letters and digits, as in function URL ids.
    pub fn lower_alphanumeric<const N: usize>(&self) -> String {
        self.upper_alphanumeric::<N>().to_ascii_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_have_their_form_and_differ() {
        let ids = Ids::random();
        let (first, second) = (ids.uuid(), ids.uuid());
        assert_ne!(first, second);
        assert_eq!(first.len(), 36);
        assert_eq!(first.as_bytes()[14], b'4');
    }

    #[test]
    fn counting_ids_are_predictable() {
        assert_eq!(Ids::counting().hex::<4>(), "00000001");
    }
}
