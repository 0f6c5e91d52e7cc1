//! What one client may ask of the server.

use std::time::Duration;

/// Connections open at once; further ones wait in the listener's queue.
pub const CONNECTIONS_MAX: usize = 10_000;
/// Request line and headers together.
pub const HEAD_BYTES_MAX: usize = 128 * 1024;
/// Requests running at once on one HTTP/2 connection.
pub const STREAMS_MAX: u32 = 250;
/// The body of a request, unless its operation says otherwise.
pub const BODY_BYTES_MAX: usize = 10 * 1024 * 1024;
/// The body of operations that carry code inline: 50 MiB of zip as base64, and the rest of the JSON.
/// Source: the limit that Lambda's RequestEntityTooLargeException names for CreateFunction.
pub const CODE_BODY_BYTES_MAX: usize = 70_167_211;
/// A payload that its operation streams. Source: the largest upload of S3 in one piece.
pub const STREAM_BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024;
/// How much of a body that is too large is read and thrown away, so that the client sees the answer.
pub const DISCARD_BYTES_MAX: usize = 256 * 1024 * 1024;
/// The body of a request to a function URL. Source: Lambda quotas, synchronous payload.
pub const FUNCTION_URL_BODY_BYTES_MAX: usize = 6 * 1024 * 1024;
/// JSON in front of a streamed HTTP response. Source: API Gateway's limit for the same format is 16 KiB.
pub const PRELUDE_BYTES_MAX: usize = 64 * 1024;

/// Time for the head of a request, which is also how long a connection may be idle between two requests.
pub const HEAD_WAIT_MAX: Duration = Duration::from_secs(75);
/// Time between two pieces of a body.
pub const BODY_WAIT_MAX: Duration = Duration::from_secs(60);
/// Time for the first byte and the TLS handshake.
pub const HANDSHAKE_WAIT_MAX: Duration = Duration::from_secs(10);

/// How large the body of an operation may be.
pub(crate) fn body_bytes_max(service: &str, operation: &str) -> usize {
    match (service, operation) {
        ("lambda", "CreateFunction" | "UpdateFunctionCode" | "PublishLayerVersion") => CODE_BODY_BYTES_MAX,
        _ => BODY_BYTES_MAX,
    }
}
