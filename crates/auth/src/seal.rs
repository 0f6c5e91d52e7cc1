//! Secrets at rest: sealed with the installation's key, so that a copy of the data alone gives none away.

use crate::Issuer;

/// Encrypts small secrets. `bound_to` names the place a secret belongs to; it does not open anywhere else.
pub trait Seal: Send + Sync + 'static {
    fn seal(&self, secret: &[u8], bound_to: &str) -> Vec<u8>;

    /// `None` when it was altered, belongs to another place, or was sealed with another key.
    fn open(&self, sealed: &[u8], bound_to: &str) -> Option<Vec<u8>>;
}

impl Seal for Issuer {
    fn seal(&self, secret: &[u8], bound_to: &str) -> Vec<u8> {
        self.seal_bytes(secret, place(bound_to).as_bytes())
    }

    fn open(&self, sealed: &[u8], bound_to: &str) -> Option<Vec<u8>> {
        self.open_bytes(sealed.to_vec(), place(bound_to).as_bytes())
    }
}

/// Tokens are bound to access key ids and to `url`; nothing at rest opens as one of them.
fn place(bound_to: &str) -> String {
    format!("at rest: {bound_to}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_open_in_their_place_only() {
        let issuer = Issuer::from_key([7; 32]);
        let sealed = issuer.seal(b"secret", "one");
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_eq!(issuer.open(&sealed, "one").as_deref(), Some(b"secret".as_slice()));
        assert_eq!(issuer.open(&sealed, "two"), None);
        assert_eq!(Issuer::from_key([8; 32]).open(&sealed, "one"), None);
        for index in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[index] ^= 1;
            assert_eq!(issuer.open(&altered, "one"), None, "{index}");
        }
        assert_eq!(issuer.open(b"", "one"), None);
    }
}
