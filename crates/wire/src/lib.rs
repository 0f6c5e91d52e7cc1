//! AWS' wire protocols, driven by the published API models as data.
//!
//! Any protocol in, one [`Document`] out, and back. This crate does no I/O, knows no clock, runs
//! no task and has never heard of a particular service.

mod bridge;
mod document;
mod error;
pub mod event_stream;
mod model;
mod number;
mod protocol;
mod timestamp;
mod validate;

pub use bridge::{BridgeError, from_document, to_document};
pub use document::{Blob, Document, Map};
pub use error::{DecodeError, EncodeError, ErrorReply, Fault, RouteError};
pub use model::{
    ErrorFacts, Kind, Member, Model, ModelError, OperationModel, Shape, ShapeId, StreamingOutput, model,
    model_names,
};
pub use protocol::{Protocol, Request, Response, decode, encode, encode_error, operation_of, protocol_of};
pub use timestamp::Timestamp;
pub use validate::{Violation, Violations, validate};
