//! What every way of invoking a function does first: check, route, throttle, take on the role.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::IgnoredAny;
use service::{Context, Failure, Result};
use worker::{Invocation, InvokeFailure, ResponseMode};

use crate::Lambda;
use crate::concurrency::{Permit, Pool};
use crate::error::{Error, Throttle};
use crate::functions::rows;
use crate::name::Target;
use crate::route::Executable;
use crate::settings::constraint;
use crate::tables::FUNCTIONS;

/// Largest payload of a synchronous invocation (Lambda quotas: 6 MB).
pub(crate) const PAYLOAD_BYTES_MAX: usize = 6_291_456;
/// Largest client context, in its base64 form (Invoke in the API reference).
const CLIENT_CONTEXT_BYTES_MAX: usize = 3_583;

/// An invocation that may start.
pub(crate) struct Prepared {
    pub(crate) executable: Arc<Executable>,
    pub(crate) invocation: Invocation,
    /// Held while the function runs.
    pub(crate) permit: Permit,
}

/// The call as its caller made it.
pub(crate) struct Call<'a> {
    pub(crate) target: &'a Target,
    pub(crate) payload: Bytes,
    pub(crate) client_context: Option<&'a str>,
    pub(crate) response: ResponseMode,
}

impl Lambda {
    /// Everything before the function runs; the refusals come in the order in which AWS checks.
    pub(crate) async fn prepare(&self, cx: &Context, call: Call<'_>) -> Result<Prepared> {
        let payload = checked_payload(call.payload, PAYLOAD_BYTES_MAX)?;
        let client_context = call.client_context.map(decoded_client_context).transpose()?;
        let target = call.target;
        let route = self.route(cx, target).await?;
        let executable = self.fresh(route.pick(cx)).await;
        let permit = self.pool(cx, target).await?.acquire(&target.name)?;
        let credentials =
            self.credentials.get(cx, &target.scope, &executable.role, &target.name).await.map_err(
                |failure| match failure {
                    Failure::Modelled(reply)
                        if reply.fault == wire::Fault::Client && reply.code != "NotImplemented" =>
                    {
                        let text = format!(
                            "The role defined for the function cannot be assumed by Lambda: {}",
                            reply.message
                        );
                        Failure::new("AccessDeniedException", 403, text)
                    }
                    other => other,
                },
            )?;
        let invocation = Invocation {
            request_id: cx.request_id().to_owned(),
            function_arn: target.qualified_arn().to_string(),
            payload,
            client_context,
            cognito_identity: None,
            trace_id: cx.trace().to_string(),
            credentials,
            log: Arc::clone(&executable.log),
            response: call.response,
        };
        Ok(Prepared { executable, invocation, permit })
    }

    /// The concurrency pool of the function's account, read from the rows the first time.
    pub(crate) async fn pool(&self, cx: &Context, target: &Target) -> Result<Arc<Pool>> {
        if let Some(pool) = self.pools.get(&target.scope) {
            return Ok(pool);
        }
        let functions = rows(cx, &target.scope, &FUNCTIONS).all("").await?;
        let reserved = functions
            .into_iter()
            .filter_map(|(name, function)| Some((name, function.reserved_concurrency?)))
            .collect();
        Ok(self.pools.insert(&target.scope, Pool::new(reserved)))
    }
}

/// No payload is an empty object; everything else must be JSON.
pub(crate) fn checked_payload(payload: Bytes, bytes_max: usize) -> Result<Bytes> {
    if payload.len() > bytes_max {
        return Err(Error::too_large(format!(
            "Request must be smaller than {bytes_max} bytes for the InvokeFunction operation"
        ))
        .into());
    }
    if payload.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    match serde_json::from_slice::<IgnoredAny>(&payload) {
        Ok(_) => Ok(payload),
        Err(error) => {
            Err(Error::request_content(format!("Could not parse request body into json: {error}")).into())
        }
    }
}

pub(crate) fn decoded_client_context(context: &str) -> Result<String> {
    if context.len() > CLIENT_CONTEXT_BYTES_MAX {
        let rule = format!("Member must have length less than or equal to {CLIENT_CONTEXT_BYTES_MAX}");
        return Err(constraint("...", "clientContext", &rule));
    }
    let json = STANDARD.decode(context).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    json.filter(|json| serde_json::from_str::<IgnoredAny>(json).is_ok()).ok_or_else(|| {
        let text = "Could not parse request body into json: Client context must be a valid Base64-encoded JSON object.";
        Error::request_content(text).into()
    })
}

/// The function was not run; nobody's code is to blame.
pub(crate) fn refusal(failure: InvokeFailure) -> Failure {
    match failure {
        InvokeFailure::RuntimeMissing(text) => Failure::new("InvalidRuntimeException", 502, text),
        InvokeFailure::NoCapacity => Error::throttled(Throttle::ConcurrentInvocationLimitExceeded).into(),
        InvokeFailure::Internal(cause) => Failure::Internal(cause),
    }
}

/// The log tail as the API carries it, when it was asked for.
pub(crate) fn log_result(log_type: Option<&str>, tail: &[u8]) -> Option<String> {
    (log_type == Some("Tail")).then(|| STANDARD.encode(tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_json_and_not_too_large() {
        assert_eq!(checked_payload(Bytes::new(), PAYLOAD_BYTES_MAX).unwrap(), "{}");
        assert_eq!(checked_payload(Bytes::from_static(b"null"), PAYLOAD_BYTES_MAX).unwrap(), "null");
        let error = checked_payload(Bytes::from_static(b"{not json"), PAYLOAD_BYTES_MAX).unwrap_err();
        assert_eq!(error.code(), "InvalidRequestContentException");
        assert!(
            error.to_string().contains("Could not parse request body into json: key must be a string"),
            "{error}"
        );
        let text = |bytes: usize| Bytes::from(format!("\"{}\"", "x".repeat(bytes - 2)));
        assert!(checked_payload(text(PAYLOAD_BYTES_MAX), PAYLOAD_BYTES_MAX).is_ok());
        let error = checked_payload(text(PAYLOAD_BYTES_MAX + 1), PAYLOAD_BYTES_MAX).unwrap_err();
        assert_eq!(
            error.to_string(),
            "RequestTooLargeException: Request must be smaller than 6291456 bytes for the InvokeFunction operation"
        );
    }

    #[test]
    fn client_contexts_are_base64_of_json() {
        assert_eq!(decoded_client_context("eyJjdXN0b20iOnt9fQ==").unwrap(), r#"{"custom":{}}"#);
        for context in ["{}", "!!", "aGVsbG8=", "", &"A".repeat(3_584)] {
            assert!(decoded_client_context(context).is_err(), "{context}");
        }
    }

    #[test]
    fn throttling_is_told_apart_from_missing_runtimes() {
        assert_eq!(refusal(InvokeFailure::NoCapacity).code(), "TooManyRequestsException");
        let missing = refusal(InvokeFailure::RuntimeMissing("install node".into()));
        assert_eq!(missing.to_string(), "InvalidRuntimeException: install node");
    }
}
