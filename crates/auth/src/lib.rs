//! Who a request comes from: Signature Version 4, short-lived credentials, and policies.
//!
//! Pure functions over headers and text. This crate must not know the HTTP server or the storage engine.

mod canonical;
mod chunked;
mod claim;
mod clock;
mod error;
mod form;
mod identities;
mod issuer;
pub mod policy;
mod seal;
mod sign;
mod signing_keys;
mod verify;
mod version2;
mod web_token;

pub use canonical::normal_path;
pub use chunked::{ChunkedBody, ChunkedError};
pub use claim::{Claim, PayloadHash, claim, unsupported_algorithm};
pub use error::{Dialect, SignatureError};
pub use form::{FormSignature, FormVersion};
pub use identities::{AccessKey, Answer, Grants, Identities, Identity, KeyOwner, Provider, Role};
pub use issuer::{Issued, Issuer, Session, SessionDetail, SessionKind};
pub use seal::{Seal, decode_message, encode_message};
pub use sign::{Credentials, sign, sign_payload};
pub use signing_keys::SigningKeys;
pub use verify::{SignedRequest, verify, verify_with_keys};
pub use version2::{Version2Claim, Version2Request};
pub use web_token::{KeySet, WebToken, WebTokenError};
