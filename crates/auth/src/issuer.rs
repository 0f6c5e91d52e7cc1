//! Short-lived credentials that need no storage: the session token carries the session, sealed.
//!
//! An access key id is `ASIA`, twelve random characters and four that prove it was issued here; the secret is derived
//! from it; the session token is the session encrypted with the installation's key (ChaCha20-Poly1305, the access key
//! id authenticated with it). Issued credentials outlive restarts and are checked without a look-up.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::aead::{self, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

use crate::{Credentials, SignatureError};

const KEY_BYTES: usize = 32;
const TOKEN_VERSION: u8 = 1;
/// A session policy of 2,048 characters, fifty tags and their names fit.
const TOKEN_BYTES_MAX: usize = 16_384;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const PREFIX: &str = "ASIA";
const RANDOM_CHARS: usize = 12;
const PROOF_CHARS: usize = 4;

/// Who a set of issued credentials acts as, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub account: String,
    pub kind: SessionKind,
    pub expires_epoch_millis: i64,
    #[serde(default)]
    pub detail: SessionDetail,
}

/// What a session brings along for policy decisions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionDetail {
    #[serde(default)]
    pub issued_epoch_millis: i64,
    /// The session policy as it was passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Managed policies passed as session policies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policy_arns: Vec<String>,
    /// `aws:PrincipalTag/…` of the session itself; they win over those of the role.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The keys of tags that go on into sessions of roles which this session assumes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transitive_tag_keys: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_identity: Option<String>,
    /// The ARN of the provider whose token the session was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionKind {
    AssumedRole {
        role_name: String,
        role_arn: String,
        role_id: String,
        session_name: String,
    },
    Root,
    User {
        name: String,
        unique_id: String,
        #[serde(default = "root_path")]
        path: String,
    },
    /// A session of `GetFederationToken`, within what its user may do.
    FederatedUser {
        name: String,
        user_name: String,
        user_path: String,
        user_id: String,
    },
}

fn root_path() -> String {
    "/".into()
}

#[derive(Clone, Debug)]
pub struct Issued {
    pub credentials: Credentials,
    pub expires_epoch_millis: i64,
}

/// Issues and opens credentials and other sealed tokens with the installation's key.
pub struct Issuer {
    seal: LessSafeKey,
    derive: hmac::Key,
    random: SystemRandom,
}

impl Issuer {
    /// Reads the key file, or creates it (mode 0600) with a fresh key.
    pub fn open(key_file: &Path) -> anyhow::Result<Self> {
        match std::fs::read(key_file) {
            Ok(bytes) => {
                let key = <[u8; KEY_BYTES]>::try_from(bytes.as_slice()).map_err(|_| {
                    anyhow::anyhow!(
                        "{} is not a key file: {} bytes, not {KEY_BYTES}",
                        key_file.display(),
                        bytes.len()
                    )
                })?;
                Ok(Issuer::from_key(key))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let mut key = [0; KEY_BYTES];
                SystemRandom::new()
                    .fill(&mut key)
                    .map_err(|_| anyhow::anyhow!("no random bytes for a key"))?;
                create_key_file(key_file, &key)
                    .with_context(|| format!("create key file {}", key_file.display()))?;
                Ok(Issuer::from_key(key))
            }
            Err(error) => Err(error).with_context(|| format!("read key file {}", key_file.display())),
        }
    }

    pub fn from_key(key: [u8; KEY_BYTES]) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let sealing = hmac::sign(&root, b"seal");
        let unbound =
            UnboundKey::new(&aead::CHACHA20_POLY1305, sealing.as_ref()).expect("an HMAC-SHA256 has 32 bytes");
        let derive = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&root, b"derive").as_ref());
        Issuer { seal: LessSafeKey::new(unbound), derive, random: SystemRandom::new() }
    }

    pub fn issue(&self, session: &Session) -> Issued {
        let mut random = [0; RANDOM_CHARS];
        self.random.fill(&mut random).expect("the operating system always has random bytes");
        let body: String = random.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect();
        let access_key_id = format!("{PREFIX}{body}{}", self.proof(&body));
        let json = serde_json::to_vec(session).expect("a session is plain data");
        let session_token = STANDARD.encode(self.seal_bytes(&json, access_key_id.as_bytes()));
        let secret_access_key = self.secret(&access_key_id);
        Issued {
            credentials: Credentials { access_key_id, secret_access_key, session_token: Some(session_token) },
            expires_epoch_millis: session.expires_epoch_millis,
        }
    }

    /// Whether this installation issued the access key; says nothing of its session.
    pub fn is_ours(&self, access_key_id: &str) -> bool {
        let Some(rest) = access_key_id.strip_prefix(PREFIX) else { return false };
        rest.len() == RANDOM_CHARS + PROOF_CHARS
            && rest.is_ascii()
            && rest[RANDOM_CHARS..] == self.proof(&rest[..RANDOM_CHARS])
    }

    /// The session behind issued credentials and the secret they were issued with.
    pub fn read(
        &self,
        access_key_id: &str,
        session_token: &str,
        now_epoch_millis: i64,
    ) -> Result<(Session, String), SignatureError> {
        if !self.is_ours(access_key_id) || session_token.len() > TOKEN_BYTES_MAX {
            return Err(SignatureError::UnknownKey);
        }
        let sealed = STANDARD.decode(session_token).map_err(|_| SignatureError::UnknownKey)?;
        let json = self.open_bytes(sealed, access_key_id.as_bytes()).ok_or(SignatureError::UnknownKey)?;
        let session: Session = serde_json::from_slice(&json).map_err(|_| SignatureError::UnknownKey)?;
        if session.expires_epoch_millis <= now_epoch_millis {
            return Err(SignatureError::ExpiredToken);
        }
        Ok((session, self.secret(access_key_id)))
    }

    /// Seals a payload into text that fits a URL and is good until `expires_epoch_millis`.
    pub fn seal_url_token(&self, payload: &[u8], expires_epoch_millis: i64) -> String {
        let bytes = [&expires_epoch_millis.to_be_bytes(), payload].concat();
        URL_SAFE_NO_PAD.encode(self.seal_bytes(&bytes, b"url"))
    }

    /// The payload of [`Issuer::seal_url_token`]; `None` when it was altered, is not ours, or is past its time.
    pub fn open_url_token(&self, token: &str, now_epoch_millis: i64) -> Option<Vec<u8>> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let bytes = self.open_bytes(URL_SAFE_NO_PAD.decode(token).ok()?, b"url")?;
        let (expires, payload) = bytes.split_first_chunk::<8>()?;
        (i64::from_be_bytes(*expires) > now_epoch_millis).then(|| payload.to_vec())
    }

    fn proof(&self, body: &str) -> String {
        let tag = hmac::sign(&self.derive, format!("proof {body}").as_bytes());
        tag.as_ref()[..PROOF_CHARS].iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect()
    }

    /// Forty characters, like every secret access key.
    fn secret(&self, access_key_id: &str) -> String {
        let tag = hmac::sign(&self.derive, format!("secret {access_key_id}").as_bytes());
        STANDARD.encode(&tag.as_ref()[..30])
    }

    pub(crate) fn seal_bytes(&self, plain: &[u8], bound_to: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).expect("the operating system always has random bytes");
        let mut sealed = plain.to_vec();
        self.seal
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(bound_to), &mut sealed)
            .expect("tokens are far below the cipher's length limit");
        [&[TOKEN_VERSION], nonce.as_slice(), &sealed].concat()
    }

    pub(crate) fn open_bytes(&self, token: Vec<u8>, bound_to: &[u8]) -> Option<Vec<u8>> {
        let (version, rest) = token.split_first()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
        if *version != TOKEN_VERSION {
            return None;
        }
        let mut sealed = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = self.seal.open_in_place(nonce, Aad::from(bound_to), &mut sealed).ok()?;
        Some(plain.to_vec())
    }
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Issuer")
    }
}

/// Written whole and synced under another name first: a crash leaves no half key.
fn create_key_file(path: &Path, key: &[u8]) -> std::io::Result<()> {
    let draft = path.with_extension("new");
    let _ = std::fs::remove_file(&draft);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(key)?;
    file.sync_all()?;
    std::fs::rename(&draft, path)?;
    match path.parent() {
        Some(folder) => std::fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn session() -> Session {
        Session {
            account: "111122223333".into(),
            kind: SessionKind::AssumedRole {
                role_name: "worker".into(),
                role_arn: "arn:aws:iam::111122223333:role/worker".into(),
                role_id: "AROAEXAMPLE".into(),
                session_name: "hello".into(),
            },
            expires_epoch_millis: 2_000,
            detail: SessionDetail::default(),
        }
    }

    #[test]
    fn issued_credentials_are_read_back() {
        let issuer = Issuer::from_key([7; KEY_BYTES]);
        let issued = issuer.issue(&session()).credentials;
        let token = issued.session_token.unwrap();
        assert_eq!(issued.access_key_id.len(), 20);
        assert_eq!(issued.secret_access_key.len(), 40);
        assert_eq!(
            issuer.read(&issued.access_key_id, &token, 1_999),
            Ok((session(), issued.secret_access_key.clone()))
        );
        assert_eq!(issuer.read(&issued.access_key_id, &token, 2_000), Err(SignatureError::ExpiredToken));
    }

    #[test]
    fn credentials_of_another_installation_or_key_are_unknown() {
        let (ours, theirs) = (Issuer::from_key([7; KEY_BYTES]), Issuer::from_key([8; KEY_BYTES]));
        let (one, two) = (ours.issue(&session()).credentials, ours.issue(&session()).credentials);
        let token = one.session_token.unwrap();
        assert!(!theirs.is_ours(&one.access_key_id));
        assert_eq!(theirs.read(&one.access_key_id, &token, 0), Err(SignatureError::UnknownKey));
        assert_eq!(ours.read(&two.access_key_id, &token, 0), Err(SignatureError::UnknownKey));
        assert!(!ours.is_ours("AKIAIOSFODNN7EXAMPLE"));
    }

    #[test]
    fn the_key_file_is_private_and_kept() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.key");
        let issued = Issuer::open(&file).unwrap().issue(&session()).credentials;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(Issuer::open(&file).unwrap().is_ours(&issued.access_key_id));
        std::fs::write(&file, b"short").unwrap();
        assert!(Issuer::open(&file).unwrap_err().to_string().contains("not a key file"));
    }

    #[test]
    fn url_tokens_expire() {
        let issuer = Issuer::from_key([7; KEY_BYTES]);
        let token = issuer.seal_url_token(b"code", 10);
        assert_eq!(issuer.open_url_token(&token, 9).as_deref(), Some(b"code".as_slice()));
        assert_eq!(issuer.open_url_token(&token, 10), None);
    }

    proptest! {
        #[test]
        fn altered_tokens_never_open(index in 0_usize..200, bit in 0_u8..8, text in "\\PC{0,40}") {
            let issuer = Issuer::from_key([7; KEY_BYTES]);
            let issued = issuer.issue(&session()).credentials;
            let mut token = STANDARD.decode(issued.session_token.unwrap()).unwrap();
            let index = index % token.len();
            token[index] ^= 1 << bit;
            prop_assert_eq!(issuer.read(&issued.access_key_id, &STANDARD.encode(&token), 0), Err(SignatureError::UnknownKey));
            prop_assert!(issuer.read(&text, &text, 0).is_err());
            prop_assert_eq!(issuer.open_url_token(&text, 0), None);
        }
    }
}
