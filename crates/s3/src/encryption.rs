//! Server-side encryption as requests ask for it.
//!
//! Source: S3 user guide, "Using server-side encryption with customer-provided keys". Payloads under a customer's key are
//! encrypted at rest with it; the key itself is never kept. `AES256` without a key of the customer's is noted and
//! answered; the payload then is as safe as the disk it is on.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use ring::hmac;
use serde::Serialize;
use service::{Failure, Result};

use crate::bucket::Bucket;
use crate::error::{Error, invalid_argument, invalid_request};
use crate::object::{Encryption, Object};

const ALGORITHM: &str = "AES256";
/// The kind of a bucket's configuration that encrypts what is stored from then on.
const CONFIGURATION: &str = "encryption";

/// The members of a request that name a customer's key.
#[derive(Clone, Debug, Default)]
pub(crate) struct CustomerRequest {
    pub(crate) algorithm: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) key_md5: Option<String>,
}

/// A customer's key, for the time of a request.
#[derive(Clone)]
pub(crate) struct CustomerKey {
    key: [u8; 32],
    md5: String,
}

impl std::fmt::Debug for CustomerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CustomerKey").field("md5", &self.md5).finish_non_exhaustive()
    }
}

impl CustomerRequest {
    /// The key, checked against its digest; `None` when the request names none.
    pub(crate) fn read(&self) -> Result<Option<CustomerKey>> {
        const ASKS: &str =
            "Requests specifying Server Side Encryption with Customer provided keys must provide";
        const PREFIX: &str = "x-amz-server-side-encryption";
        let refused =
            |text: String, name: &str| Err(invalid_argument(text, &format!("{PREFIX}{name}"), "null").into());
        let (algorithm, key, key_md5) = match (&self.algorithm, &self.key, &self.key_md5) {
            (None, None, None) => return Ok(None),
            (None, _, _) => return refused(format!("{ASKS} a valid encryption algorithm."), ""),
            (_, None, _) => return refused(format!("{ASKS} an appropriate secret key."), ""),
            (_, _, None) => {
                return refused(format!("{ASKS} the client calculated MD5 of the secret key."), "");
            }
            (Some(algorithm), Some(key), Some(key_md5)) => (algorithm, key, key_md5),
        };
        if algorithm != ALGORITHM {
            let text = "The encryption request that you specified is not valid. The valid value is AES256.";
            return Err(Error::new("InvalidEncryptionAlgorithmError", 400, text).into());
        }
        let Some(bytes) = STANDARD.decode(key).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()) else {
            return refused(
                "The secret key was invalid for the specified algorithm.".to_owned(),
                "-customer-key",
            );
        };
        if STANDARD.encode(Md5::digest(bytes)) != *key_md5 {
            let text = "The calculated MD5 hash of the key did not match the hash that was provided.";
            return refused(text.to_owned(), "-customer-key-MD5");
        }
        Ok(Some(CustomerKey { key: bytes, md5: key_md5.clone() }))
    }
}

impl CustomerKey {
    /// What an object sealed with it keeps of it.
    pub(crate) fn mark(&self) -> Encryption {
        Encryption::Customer { key_md5: self.md5.clone(), check: self.derive(b"check") }
    }

    /// Another key, for one purpose.
    pub(crate) fn derive(&self, purpose: &[u8]) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.key);
        let mut derived = [0; 32];
        derived.copy_from_slice(hmac::sign(&key, purpose).as_ref());
        derived
    }
}

/// What a request that makes an object says of encryption.
#[derive(Clone, Debug, Default)]
pub(crate) struct EncryptionRequest {
    pub(crate) server_side_encryption: Option<String>,
    pub(crate) kms_key_id: Option<String>,
    pub(crate) customer: CustomerRequest,
}

impl EncryptionRequest {
    /// Notes in the object how it is encrypted, and gives the key to do so.
    pub(crate) fn apply(&self, object: &mut Object) -> Result<Option<CustomerKey>> {
        let customer = self.customer.read()?;
        match self.server_side_encryption.as_deref() {
            None if self.kms_key_id.is_some() => {
                let text = "Server Side Encryption with AWS KMS managed key requires HTTP header \
                            x-amz-server-side-encryption : aws:kms";
                return Err(invalid_argument(text, "x-amz-server-side-encryption", "null").into());
            }
            None => {}
            Some(_) if customer.is_some() => {
                let text = "Server Side Encryption with Customer provided key is incompatible with the encryption method \
                            specified";
                return Err(invalid_argument(text, "x-amz-server-side-encryption", ALGORITHM).into());
            }
            Some(ALGORITHM) if self.kms_key_id.is_none() => object.encryption = Encryption::Service,
            Some("aws:kms" | "aws:kms:dsse") => {
                return Err(Failure::unsupported("server-side encryption with keys of KMS (aws:kms)"));
            }
            Some(other) => {
                let text = "The encryption method specified is not supported";
                return Err(invalid_argument(text, "x-amz-server-side-encryption", other).into());
            }
        }
        if let Some(key) = &customer {
            object.encryption = key.mark();
        }
        Ok(customer)
    }
}

/// Encrypts what the bucket says is to be encrypted.
pub(crate) fn apply_default(bucket: &Bucket, object: &mut Object) {
    if object.encryption == Encryption::None && bucket.has(CONFIGURATION) {
        object.encryption = Encryption::Service;
    }
}

/// The key to read an object with; refused when it is missing, wrong or of no use.
pub(crate) fn key_for(object: &Object, request: &CustomerRequest) -> Result<Option<CustomerKey>> {
    let key = request.read()?;
    match (&object.encryption, key) {
        (Encryption::Customer { .. }, None) => Err(invalid_request(
            "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to \
             retrieve the object.",
        )
        .into()),
        (Encryption::Customer { check, .. }, Some(key)) if key.derive(b"check") != *check => {
            let text = "The provided encryption parameters did not match the ones used originally.";
            Err(invalid_request(text).into())
        }
        (Encryption::Customer { .. }, key) => Ok(key),
        (_, Some(_)) => {
            Err(invalid_request("The encryption parameters are not applicable to this object.").into())
        }
        (_, None) => Ok(None),
    }
}

/// How answers to requests that make objects repeat it.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Shown {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server_side_encryption: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "SSECustomerAlgorithm")]
    pub(crate) customer_algorithm: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "SSECustomerKeyMD5")]
    pub(crate) customer_key_md5: Option<String>,
}

impl Shown {
    pub(crate) fn of(encryption: &Encryption) -> Self {
        match encryption {
            Encryption::None => Shown::default(),
            Encryption::Service => Shown { server_side_encryption: Some(ALGORITHM), ..Shown::default() },
            Encryption::Customer { key_md5, .. } => Shown {
                customer_algorithm: Some(ALGORITHM),
                customer_key_md5: Some(key_md5.clone()),
                ..Shown::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(key: &[u8]) -> CustomerRequest {
        CustomerRequest {
            algorithm: Some("AES256".into()),
            key: Some(STANDARD.encode(key)),
            key_md5: Some(STANDARD.encode(Md5::digest(key))),
        }
    }

    #[test]
    fn keys_are_complete_and_whole() {
        assert!(CustomerRequest::default().read().unwrap().is_none());
        assert!(request(&[1; 32]).read().unwrap().is_some());
        assert!(request(&[1; 31]).read().is_err());
        let broken: [fn(&mut CustomerRequest); 4] = [
            |request| request.algorithm = None,
            |request| request.key = None,
            |request| request.key_md5 = None,
            |request| request.key_md5 = Some("x".into()),
        ];
        for damage in broken {
            let mut request = request(&[1; 32]);
            damage(&mut request);
            assert_eq!(request.read().unwrap_err().code(), "InvalidArgument");
        }
    }

    #[test]
    fn an_object_opens_with_its_own_key_only() {
        let mut object = Object::default();
        let right = request(&[1; 32]);
        assert!(key_for(&object, &right).is_err());
        object.encryption = right.read().unwrap().unwrap().mark();
        assert!(key_for(&object, &right).unwrap().is_some());
        assert!(key_for(&object, &request(&[2; 32])).is_err());
        assert!(key_for(&object, &CustomerRequest::default()).is_err());
    }
}
