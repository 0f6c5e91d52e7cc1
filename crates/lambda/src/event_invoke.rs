//! Asynchronous invocations: queued durably, tried again, and their outcome told to destinations.
//!
//! An event is a post to [`RunEvent`](crate::ops::RunEvent), committed before it is acknowledged. Each call of that post
//! is one attempt; [`schedule`] decides what follows, and what is left at the end (a destination's record, a dead
//! letter) is committed together with the event's removal.
//!
//! Source: "Invoking a Lambda function asynchronously" and its pages on errors, retries and destinations in the
//! developer guide.

pub(crate) mod config;
pub(crate) mod destination;
pub(crate) mod record;
pub(crate) mod schedule;

use std::time::Duration;

use bytes::Bytes;
use service::{AccountId, Backoff, Context, Post, Principal, Result, RetryPolicy};
use wire::Document;

use crate::Lambda;
use crate::invocation::{checked_payload, decoded_client_context};
use crate::name::Target;

/// Largest payload of an asynchronous invocation (Lambda quotas: 1 MB).
pub(crate) const EVENT_BYTES_MAX: usize = 1_048_576;

/// How long an event waits beside the queue for room to run, before it goes back as throttled. With it a limited function
/// takes one event after the other instead of all of them by their backoff.
pub(crate) const ROOM_WAIT: Duration = Duration::from_secs(10);

const LAMBDA: &str = "lambda.amazonaws.com";

/// What is tried again here is what the operation did not decide itself: a failure of the platform.
const POLICY: RetryPolicy = RetryPolicy {
    attempts_max: u32::MAX,
    backoff: Backoff { first: Duration::from_secs(1), max: Duration::from_secs(300) },
    // Longer than any event's own age, which the operation minds.
    age_max: Duration::from_secs(24 * 60 * 60),
    refusals_are_final: false,
};

pub(crate) fn lambda_principal(account: &AccountId) -> Principal {
    Principal::Service { account: account.clone(), name: LAMBDA }
}

impl Lambda {
    /// Takes an event in: it will run at least once when this returns.
    pub(crate) async fn enqueue(
        &self,
        cx: &Context,
        target: &Target,
        payload: Bytes,
        client_context: Option<&str>,
    ) -> Result<()> {
        let payload = checked_payload(payload, EVENT_BYTES_MAX)?;
        client_context.map(decoded_client_context).transpose()?;
        self.route(cx, target).await?;
        let input = Document::map([
            ("FunctionArn", target.qualified_arn().to_string().into()),
            ("Payload", Document::Blob(payload)),
            ("ClientContext", client_context.into()),
        ]);
        Post::new(cx, lambda_principal(&target.scope.account), "lambda", "RunEvent", input)
            .in_scope(target.scope.clone())
            .id(cx.request_id())
            .lane(target.function_arn().to_string())
            .retry(POLICY)
            .prepare(cx.platform())
            .await?
            .commit(cx.platform())
            .await
    }
}
