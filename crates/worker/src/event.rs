//! What a worker tells about its function, whichever way it speaks.

use bytes::Bytes;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// A generic worker runs and waits for its function.
    Ready,
    /// The function is loaded and waits for its first call.
    Initialised,
    /// The function could not be loaded; the process ends.
    InitError(Bytes),
    Response {
        content_type: String,
        body: Bytes,
    },
    Error {
        payload: Bytes,
        last: Last,
    },
    StreamHead {
        content_type: String,
    },
    StreamChunk(Bytes),
    StreamEnd,
    StreamError(Bytes),
    /// A response above every limit was refused.
    ResponseTooLarge {
        last: Last,
    },
    /// The process ended or broke the rules.
    Closed,
}

/// Whether the process goes on after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Last {
    /// It takes further calls.
    No,
    /// It must be ended.
    Yes,
}

pub(crate) const JSON: &str = "application/json";
