//! Downloads of function code: the `Location` that GetFunction answers.

use futures_util::StreamExt as _;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use service::{AccountId, Caller, Failure, Principal, Region, ReplyStream, Scope};
use wire::Document;

use super::{Access, call, internal_failure, message, trace_of};
use crate::Gateway;
use crate::body::{Body, Response};
use crate::identity::Identity;
use crate::request::Request;

pub(super) async fn answer(gateway: &Gateway, request: &Request, token: &str) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return message(StatusCode::METHOD_NOT_ALLOWED, "Download with GET.");
    }
    // The link itself is the permission: its token is sealed, names what it opens and expires.
    let account = AccountId::default();
    let identity = Identity {
        scope: Scope { account: account.clone(), region: Region::default() },
        caller: Caller::internal(Principal::Service { account, name: "lambda.amazonaws.com" }),
        proof: None,
    };
    let input = Document::map([("Token", token.into())]);
    match call(gateway, request, (identity, Access::Asked), &trace_of(gateway, request), "OpenCode", input)
        .await
    {
        Ok(reply) => {
            let Some(ReplyStream::Bytes { length, stream }) = reply.stream else {
                let cause = anyhow::anyhow!("OpenCode answered without a stream");
                return internal_failure(&request.id, &cause.into());
            };
            let pieces = Box::pin(stream.map(|piece| piece.map_err(|failure| anyhow::anyhow!("{failure}"))));
            let mut response = Response::new(Body::Pieces { pieces, length });
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/zip"));
            headers
                .insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"code.zip\""));
            response
        }
        Err(Failure::Modelled(reply)) => message(StatusCode::NOT_FOUND, &reply.message),
        Err(failure) => internal_failure(&request.id, &failure),
    }
}
