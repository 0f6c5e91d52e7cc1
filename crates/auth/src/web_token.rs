//! Identity tokens of OpenID Connect providers: JSON Web Tokens, and the key sets they are verified with.
//!
//! Sources: RFC 7515 (signatures), RFC 7517 (keys), RFC 7518 (RS256 and ES256), RFC 7519 (claims).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Keys of one set that are looked at.
const KEYS_MAX: usize = 100;
/// How far the clocks of provider and installation may be apart, in seconds.
const SKEW_SECONDS: i64 = 60;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebTokenError {
    #[error("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")]
    Malformed,
    #[error(
        "Couldn't retrieve verification key from your identity provider, please reference \
         AssumeRoleWithWebIdentity documentation for requirements"
    )]
    NoKey,
    #[error("The signature of the token is invalid")]
    Signature,
    #[error("Token expired: current date/time {now} must be before the expiration date/time {expires}")]
    Expired { now: i64, expires: i64 },
    #[error("Token is not valid yet: current date/time {now} must not be before {from}")]
    NotYet { now: i64, from: i64 },
}

/// A token that was read; nothing in it may be believed before [`WebToken::verify`].
#[derive(Clone, Debug)]
pub struct WebToken {
    algorithm: String,
    key_id: Option<String>,
    signed: String,
    signature: Vec<u8>,
    claims: Map<String, Value>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
}

impl WebToken {
    pub fn parse(text: &str) -> Result<Self, WebTokenError> {
        let malformed = || WebTokenError::Malformed;
        let (signed, signature) = text.rsplit_once('.').ok_or_else(malformed)?;
        let (header, claims) = signed.split_once('.').ok_or_else(malformed)?;
        let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed());
        let header: Header = serde_json::from_slice(&decoded(header)?).map_err(|_| malformed())?;
        let claims: Map<String, Value> =
            serde_json::from_slice(&decoded(claims)?).map_err(|_| malformed())?;
        let token = WebToken {
            algorithm: header.alg,
            key_id: header.kid,
            signed: signed.to_owned(),
            signature: decoded(signature)?,
            claims,
        };
        let complete = token.text("iss").is_some()
            && token.text("sub").is_some()
            && token.seconds("exp").is_some()
            && !token.audiences().is_empty();
        if complete { Ok(token) } else { Err(malformed()) }
    }

    /// Who says that he issued it.
    pub fn issuer(&self) -> &str {
        self.text("iss").unwrap_or_default()
    }

    pub fn subject(&self) -> &str {
        self.text("sub").unwrap_or_default()
    }

    /// For whom it was issued: the party it was issued to, where the token says that, else its audiences.
    pub fn audiences(&self) -> Vec<&str> {
        match (self.text("azp"), self.claims.get("aud")) {
            (Some(party), _) => vec![party],
            (None, Some(Value::String(audience))) => vec![audience],
            (None, Some(Value::Array(audiences))) => audiences.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.claims.get(name)
    }

    /// Whether one of the keys signed it, and whether it is good now.
    pub fn verify(&self, keys: &KeySet, now_epoch_seconds: i64) -> Result<(), WebTokenError> {
        let mut fitting =
            keys.0.iter().filter(|key| self.key_id.is_none() || key.kid == self.key_id).peekable();
        if fitting.peek().is_none() {
            return Err(WebTokenError::NoKey);
        }
        if !fitting.any(|key| key.verifies(self)) {
            return Err(WebTokenError::Signature);
        }
        let (now, expires) = (now_epoch_seconds, self.seconds("exp").unwrap_or_default());
        if now >= expires {
            return Err(WebTokenError::Expired { now, expires });
        }
        match self.seconds("nbf").into_iter().chain(self.seconds("iat")).max() {
            Some(from) if now + SKEW_SECONDS < from => Err(WebTokenError::NotYet { now, from }),
            _ => Ok(()),
        }
    }

    fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim)?.as_str().filter(|text| !text.is_empty())
    }

    fn seconds(&self, claim: &str) -> Option<i64> {
        let value = self.claims.get(claim)?;
        value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))
    }
}

/// The public keys of a provider.
#[derive(Clone, Debug)]
pub struct KeySet(Vec<Key>);

#[derive(Clone, Debug, Deserialize)]
struct Key {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Keys of a sort that is not known are left out. `None` when it is no key set.
    pub fn parse(json: &[u8]) -> Option<Self> {
        let set: Map<String, Value> = serde_json::from_slice(json).ok()?;
        let keys = set.get("keys")?.as_array()?.iter().take(KEYS_MAX);
        Some(KeySet(keys.filter_map(|key| Key::deserialize(key).ok()).collect()))
    }
}

impl Key {
    /// The token's own word on its algorithm counts only where the key is of that sort.
    fn verifies(&self, token: &WebToken) -> bool {
        if self.alg.as_ref().is_some_and(|algorithm| *algorithm != token.algorithm) {
            return false;
        }
        let decoded = |part: &Option<String>| URL_SAFE_NO_PAD.decode(part.as_deref()?).ok();
        let message = token.signed.as_bytes();
        match (token.algorithm.as_str(), self.kty.as_str(), self.crv.as_deref()) {
            ("RS256", "RSA", _) => {
                let (Some(n), Some(e)) = (decoded(&self.n), decoded(&self.e)) else { return false };
                let key =
                    RsaPublicKeyComponents { n: without_leading_zeros(&n), e: without_leading_zeros(&e) };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, message, &token.signature).is_ok()
            }
            ("ES256", "EC", Some("P-256")) => {
                let (Some(x), Some(y)) = (decoded(&self.x), decoded(&self.y)) else { return false };
                let point = [&[4], x.as_slice(), y.as_slice()].concat();
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                    .verify(message, &token.signature)
                    .is_ok()
            }
            _ => false,
        }
    }
}

fn without_leading_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    use serde_json::json;

    use super::*;

    fn key() -> EcdsaKeyPair {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap()
    }

    fn set(key: &EcdsaKeyPair, kid: &str) -> KeySet {
        let point = key.public_key().as_ref();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        let json =
            json!({"keys": [{"kty": "OKP"}, {"kty": "EC", "crv": "P-256", "kid": kid, "x": x, "y": y}]});
        KeySet::parse(json.to_string().as_bytes()).unwrap()
    }

    fn token(key: &EcdsaKeyPair, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }

    fn claims() -> Value {
        json!({"iss": "https://i", "sub": "s", "aud": ["a", "b"], "exp": 200, "iat": 100})
    }

    #[test]
    fn a_token_is_good_in_its_time_by_its_key() {
        let (mine, other) = (key(), key());
        let text = token(&mine, &json!({"alg": "ES256", "kid": "k"}), &claims());
        let parsed = WebToken::parse(&text).unwrap();
        assert_eq!(
            (parsed.issuer(), parsed.subject(), parsed.audiences()),
            ("https://i", "s", vec!["a", "b"])
        );
        let keys = set(&mine, "k");
        assert_eq!(parsed.verify(&keys, 150), Ok(()));
        assert_eq!(parsed.verify(&keys, 200), Err(WebTokenError::Expired { now: 200, expires: 200 }));
        assert_eq!(parsed.verify(&keys, 39), Err(WebTokenError::NotYet { now: 39, from: 100 }));
        assert_eq!(parsed.verify(&set(&other, "k"), 150), Err(WebTokenError::Signature));
        assert_eq!(parsed.verify(&set(&mine, "other"), 150), Err(WebTokenError::NoKey));
        // An altered claim.
        let (head, rest) = text.split_once('.').unwrap();
        let (_, signature) = rest.rsplit_once('.').unwrap();
        let altered = URL_SAFE_NO_PAD.encode(claims().to_string().replace("\"s\"", "\"t\""));
        let altered = WebToken::parse(&format!("{head}.{altered}.{signature}")).unwrap();
        assert_eq!(altered.verify(&keys, 150), Err(WebTokenError::Signature));
    }

    #[test]
    fn no_other_algorithm_is_believed() {
        let mine = key();
        for algorithm in ["none", "HS256", "RS256", "ES384", "es256"] {
            let text = token(&mine, &json!({"alg": algorithm, "kid": "k"}), &claims());
            let verified = WebToken::parse(&text).unwrap().verify(&set(&mine, "k"), 150);
            assert_eq!(verified, Err(WebTokenError::Signature), "{algorithm}");
        }
        let unsigned = token(&mine, &json!({"alg": "none"}), &claims());
        let unsigned = format!("{}.", unsigned.rsplit_once('.').unwrap().0);
        assert_eq!(
            WebToken::parse(&unsigned).unwrap().verify(&set(&mine, "k"), 150),
            Err(WebTokenError::Signature)
        );
    }

    #[test]
    fn incomplete_tokens_are_refused() {
        let mine = key();
        for missing in ["iss", "sub", "aud", "exp"] {
            let mut claims = claims();
            claims.as_object_mut().unwrap().remove(missing);
            let text = token(&mine, &json!({"alg": "ES256"}), &claims);
            assert_eq!(WebToken::parse(&text).unwrap_err(), WebTokenError::Malformed, "{missing}");
        }
        let mut with_party = claims();
        with_party["azp"] = "party".into();
        let text = token(&mine, &json!({"alg": "ES256"}), &with_party);
        assert_eq!(WebToken::parse(&text).unwrap().audiences(), ["party"]);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[A-Za-z0-9._-]{0,120}", json in r#"[\{\}\[\]",:a-z0-9]{0,60}"#) {
            let _ = WebToken::parse(&text);
            let _ = KeySet::parse(json.as_bytes());
            let part = URL_SAFE_NO_PAD.encode(&json);
            let _ = WebToken::parse(&format!("{part}.{part}.{part}"));
        }
    }
}
