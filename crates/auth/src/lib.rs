//! Who a request comes from: Signature Version 4, short-lived credentials, and policies.
//!
//! Pure functions over headers and text. This crate must not know the HTTP server or the storage engine.

mod canonical;
mod claim;
mod clock;
mod error;
mod issuer;
pub mod policy;
mod sign;
mod verify;

pub use claim::{Claim, PayloadHash, claim};
pub use error::{Dialect, SignatureError};
pub use issuer::{Issued, Issuer, Session, SessionKind};
pub use sign::{Credentials, sign};
pub use verify::{SignedRequest, verify};
