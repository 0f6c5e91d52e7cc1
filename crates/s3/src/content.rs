//! Payloads on their way in and out.
//!
//! Coming in, a payload is hashed while it arrives; what stays small goes into rows, the rest streams into a blob. Only
//! when all of it was received and is what the client said is it given to a commit; before, nothing can see it.

mod receive;
mod seal;
mod send;

pub(crate) use receive::{Expected, Received, keep_or_discard, receive};
pub(crate) use send::{parts, send};
