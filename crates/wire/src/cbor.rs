//! CBOR bodies (RFC 8949), read and written along a shape.

mod read;
mod write;

pub(crate) use read::{read_document, read_structure};
pub(crate) use write::{write_document, write_structure};

/// The tag of a time in epoch seconds.
const EPOCH_TIME_TAG: u64 = 1;
