//! Running the function with a batch.

use std::sync::Arc;

use bytes::Bytes;
use service::{Caller, Context, ContextBuilder, Failure, Platform, Principal, Result, Scope};
use wire::Document;

/// What an invocation came to.
#[derive(Debug)]
pub(crate) enum Ran {
    Answered(Bytes),
    Failed(FunctionFailure),
    /// The function was not run; the code says why.
    NotRun(String),
}

/// A function's own error.
#[derive(Clone, Debug)]
pub(crate) struct FunctionFailure {
    pub(crate) request_id: String,
    pub(crate) kind: String,
    pub(crate) executed_version: String,
}

pub(crate) async fn invoke(
    platform: &Arc<Platform>,
    scope: &Scope,
    function_arn: &str,
    payload: Bytes,
) -> Result<Ran> {
    let principal = Principal::Service { account: scope.account.clone(), name: "lambda.amazonaws.com" };
    let request_id = platform.ids().uuid();
    let cx: Context = ContextBuilder::new(platform, scope.clone(), Caller::internal(principal))
        .request_id(request_id.clone())
        .build();
    let input = Document::map([("FunctionName", function_arn.into()), ("Payload", Document::Blob(payload))]);
    let lambda =
        platform.registry().find("lambda").ok_or_else(|| Failure::not_implemented("lambda", "Invoke"))?;
    let reply = match lambda.execute(&cx, "Invoke", input).await {
        Ok(reply) => reply.document,
        Err(Failure::Modelled(reply)) => return Ok(Ran::NotRun(reply.code)),
        Err(unexpected) => return Err(unexpected),
    };
    let text = |member: &str| reply.get(member).and_then(Document::as_str).map(str::to_owned);
    Ok(match text("FunctionError") {
        Some(kind) => Ran::Failed(FunctionFailure {
            request_id,
            kind,
            executed_version: text("ExecutedVersion").unwrap_or_default(),
        }),
        None => Ran::Answered(reply.get("Payload").and_then(Document::as_blob).cloned().unwrap_or_default()),
    })
}
