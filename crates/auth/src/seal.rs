//! Secrets at rest: sealed with the installation's key, so that a copy of the data alone gives none away.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

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

/// Where messages about denied requests belong.
const MESSAGE: &str = "authorization message";

/// A message that only those may read who may call `DecodeAuthorizationMessage`.
pub fn encode_message(seal: &dyn Seal, json: &str) -> String {
    URL_SAFE_NO_PAD.encode(seal.seal(json.as_bytes(), MESSAGE))
}

/// What [`encode_message`] was given; `None` when the text is no message of this installation.
pub fn decode_message(seal: &dyn Seal, text: &str) -> Option<String> {
    String::from_utf8(seal.open(&URL_SAFE_NO_PAD.decode(text).ok()?, MESSAGE)?).ok()
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

    #[test]
    fn messages_come_back() {
        let issuer = Issuer::from_key([7; 32]);
        let text = encode_message(&issuer, "{}");
        assert_eq!(decode_message(&issuer, &text).as_deref(), Some("{}"));
        assert_eq!(decode_message(&issuer, "AAAA"), None);
        assert_eq!(decode_message(&issuer, &URL_SAFE_NO_PAD.encode(issuer.seal(b"x", "other"))), None);
    }
}
