//! AWS' wire protocols, driven by the published API models as data.
//!
//! Any protocol in, one [`Document`] out, and back. This crate does no I/O, knows no clock, runs
//! no task and has never heard of a particular service, but for what [`quirks`] lists.

mod bridge;
mod cbor;
mod checksum;
mod document;
mod error;
pub mod event_stream;
mod json;
mod model;
mod number;
mod pattern;
mod protocol;
mod query;
mod quirks;
mod reply;
mod rest;
#[cfg(test)]
mod roundtrip;
mod route;
mod text;
mod timestamp;
mod uri;
mod validate;
mod xml;

pub use bridge::{BridgeError, from_document, to_document};
pub use checksum::{Checksum, ChecksumAlgorithm};
pub use document::{Blob, Document, Map};
pub use error::{DecodeError, EncodeError, ErrorReply, Fault, RouteError};
pub use model::{
    Constraints, ErrorFacts, Kind, Location, Member, Model, ModelError, OperationModel, Shape, ShapeId,
    StreamingOutput, Structure, model, model_names,
};
pub use protocol::{Protocol, Request, Response, decode, encode, encode_error, operation_of, protocol_of};
pub use timestamp::Timestamp;
pub use validate::{Violation, Violations, validate};
