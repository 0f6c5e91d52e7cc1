//! The signature of a browser's upload form: over the policy in the form, of either version.
//!
//! Source: S3 developer guide, "Authenticating requests in browser-based uploads using POST".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

use crate::verify::same;
use crate::{SignatureError, SigningKeys};

/// A policy as the form has it, still in base64, and who signed it.
#[derive(Clone, Copy, Debug)]
pub struct FormSignature<'a> {
    pub policy: &'a str,
    pub signature: &'a str,
    pub version: FormVersion<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormVersion<'a> {
    /// `AWS4-HMAC-SHA256`; the scope of the credential.
    Four { date: &'a str, region: &'a str, service: &'a str },
    /// HMAC with SHA-1, which older clients still make.
    Two,
}

impl FormSignature<'_> {
    /// Whether the owner of the secret signed this policy.
    pub fn verify(&self, secret: &str, keys: &SigningKeys) -> Result<(), SignatureError> {
        let is_right = match self.version {
            FormVersion::Four { date, region, service } => {
                let key = keys.get(secret, date, region, service);
                let claimed = hex::decode(self.signature).map_err(|_| SignatureError::Mismatch)?;
                same(hmac::sign(&key, self.policy.as_bytes()).as_ref(), &claimed)
            }
            FormVersion::Two => {
                let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
                let claimed = STANDARD.decode(self.signature).map_err(|_| SignatureError::Mismatch)?;
                same(hmac::sign(&key, self.policy.as_bytes()).as_ref(), &claimed)
            }
        };
        if is_right { Ok(()) } else { Err(SignatureError::Mismatch) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_secret_of_the_key_signs() {
        let keys = SigningKeys::default();
        let policy = "eyJjb25kaXRpb25zIjpbXX0=";
        let scope = FormVersion::Four { date: "20151229", region: "us-east-1", service: "s3" };
        let key = keys.get("secret", "20151229", "us-east-1", "s3");
        let four = hex::encode(hmac::sign(&key, policy.as_bytes()));
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"secret");
        let two = STANDARD.encode(hmac::sign(&key, policy.as_bytes()));
        for (version, signature) in [(scope, four), (FormVersion::Two, two)] {
            let signed = FormSignature { policy, signature: &signature, version };
            assert!(signed.verify("secret", &keys).is_ok());
            assert!(signed.verify("another", &keys).is_err());
            assert!(FormSignature { policy: "e30=", ..signed }.verify("secret", &keys).is_err());
            assert!(FormSignature { signature: "!", ..signed }.verify("secret", &keys).is_err());
        }
    }
}
