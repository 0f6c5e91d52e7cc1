//! One call of a function: what goes in and what comes out.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::log::LogSink;

/// One call of a function.
pub struct Invocation {
    pub request_id: String,
    /// The ARN the caller used, qualifier included.
    pub function_arn: String,
    /// The event, passed to the function without being parsed.
    pub payload: Bytes,
    /// Decoded JSON of the client context.
    pub client_context: Option<String>,
    /// JSON `{"cognitoIdentityId": …, "cognitoIdentityPoolId": …}`.
    pub cognito_identity: Option<String>,
    /// `Root=…;Parent=…;Sampled=…`
    pub trace_id: String,
    pub credentials: Credentials,
    pub log: Arc<dyn LogSink>,
    pub response: ResponseMode,
}

/// Short-lived credentials of the function's role; refreshed with every invocation.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: String,
}

/// How the caller wants the response.
#[derive(Debug, Clone)]
pub enum ResponseMode {
    /// Collected; a larger one is the error `Function.ResponseSizeTooLarge`. AWS allows
    /// [`crate::policy::RESPONSE_BYTES_MAX`].
    Buffered { bytes_max: usize },
    /// Handed on as it comes. A full channel slows the function down; a closed one (the caller
    /// left) discards the rest.
    Streaming(mpsc::Sender<StreamPart>),
}

/// What a streaming caller receives: `Head`, any number of `Chunk`, then `End` or `Error`.
/// A function that fails before its first byte sends only `Error`; one that does not stream
/// arrives as `Head`, one `Chunk`, `End`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamPart {
    Head {
        content_type: String,
        /// JSON `{"statusCode": …, "headers": …, "cookies": …}` of an HTTP response stream.
        prelude: Option<Bytes>,
    },
    Chunk(Bytes),
    End,
    Error {
        error_type: String,
        /// The whole error payload (JSON).
        message: String,
    },
}

/// Everything known when a call is over.
#[derive(Debug)]
pub struct Outcome {
    pub result: Result<Reply, InvokeFailure>,
    /// `None` when no worker ever ran.
    pub report: Option<Report>,
    /// The last [`crate::policy::LOG_TAIL_BYTES_MAX`] of this call's log.
    pub log_tail: Bytes,
    /// Name of the log stream of the worker that ran the call; empty when none did.
    pub log_stream: String,
}

/// The function was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    Success {
        payload: Bytes,
        content_type: String,
    },
    /// The function, its runtime or its limits ended the call: `X-Amz-Function-Error: Unhandled`.
    FunctionError {
        /// `{"errorType", "errorMessage", …}`
        payload: Bytes,
        kind: FunctionErrorKind,
    },
    /// Everything, errors included, went through the channel of [`ResponseMode::Streaming`].
    Streamed,
}

/// Value of `X-Amz-Function-Error`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FunctionErrorKind {
    Unhandled,
}

impl FunctionErrorKind {
    pub fn as_str(self) -> &'static str {
        "Unhandled"
    }
}

/// The function could not be run at all; nobody's code is to blame.
#[derive(Debug, thiserror::Error)]
pub enum InvokeFailure {
    /// Names the command that installs what is missing.
    #[error("{0}")]
    RuntimeMissing(String),
    #[error("all workers are busy")]
    NoCapacity,
    #[error("worker failed: {0:#}")]
    Internal(anyhow::Error),
}

/// The numbers of the REPORT line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Report {
    pub duration_ms: f64,
    pub billed_duration_ms: u64,
    pub memory_size_mib: u32,
    pub max_memory_used_mib: u32,
    /// Present on a cold start only.
    pub init_duration_ms: Option<f64>,
}
