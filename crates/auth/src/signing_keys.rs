//! Signing keys kept for a while: a key is good for one day, region and service, and costs four hashes to derive.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use ring::{digest, hmac};

use crate::canonical::signing_key;

const KEYS_MAX: usize = 1_024;

/// A bounded cache of signing keys, shared by all requests.
///
/// Entries are found by a hash over the secret and the scope, so that secrets are not kept. A full cache is emptied:
/// refilling costs each caller one derivation.
#[derive(Default)]
pub struct SigningKeys {
    keys: Mutex<HashMap<[u8; 32], hmac::Key>>,
}

impl SigningKeys {
    pub(crate) fn get(&self, secret: &str, date: &str, region: &str, service: &str) -> hmac::Key {
        let mut hash = digest::Context::new(&digest::SHA256);
        for part in [secret, date, region, service] {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let name: [u8; 32] = hash.finish().as_ref().try_into().expect("a SHA-256 has 32 bytes");
        // A panic elsewhere leaves the map whole: it is only read and filled.
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = keys.get(&name) {
            return key.clone();
        }
        if keys.len() >= KEYS_MAX {
            keys.clear();
        }
        let key = signing_key(secret, date, region, service);
        keys.insert(name, key.clone());
        key
    }
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKeys")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_kept_within_a_bound() {
        let keys = SigningKeys::default();
        let first = hmac::sign(&keys.get("secret", "20150830", "us-east-1", "s3"), b"text");
        for number in 0..KEYS_MAX * 2 {
            keys.get("secret", "20150830", "us-east-1", &number.to_string());
            assert!(keys.keys.lock().unwrap().len() <= KEYS_MAX);
        }
        for _ in 0..2 {
            let again = hmac::sign(&keys.get("secret", "20150830", "us-east-1", "s3"), b"text");
            assert_eq!(again.as_ref(), first.as_ref());
        }
        let shifted = hmac::sign(&keys.get("secret", "20150830u", "s-east-1", "s3"), b"text");
        assert_ne!(shifted.as_ref(), first.as_ref());
    }
}
