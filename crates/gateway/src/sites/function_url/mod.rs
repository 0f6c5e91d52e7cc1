//! Function URLs: a function as a web site of its own, with events of payload format 2.0.
//!
//! Source: Lambda developer guide, "Invoking Lambda function URLs" (request and response payloads) and
//! "Response streaming".

mod cors;
mod event;
mod response;
mod streaming;

use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use service::{
    AccountId, Arn, Authorization, Caller, ContextBuilder, Demand, Failure, Principal, Region, Scope, Trace,
};
use wire::Document;

use super::invoke::{self, Invoked};
use super::{Access, call, internal_failure, message, trace_of, with_type};
use crate::Gateway;
use crate::api::TRACE_HEADER;
use crate::body::{self, Response, Unread};
use crate::credential::Credential;
use crate::endpoint::name_of;
use crate::identity::{Identity, Payload, Refused, Unsigned};
use crate::limits::FUNCTION_URL_BODY_BYTES_MAX;
use crate::request::Request;

const LAMBDA: &str = "lambda.amazonaws.com";

/// `{id}.lambda-url.{region}.…`, on whatever domain.
pub(super) fn id_of_host(host: &str) -> Option<&str> {
    let (id, rest) = name_of(host).split_once('.')?;
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (is_id && rest.starts_with("lambda-url.")).then_some(id)
}

/// What the service knows of a URL.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Resolved {
    /// With the alias, where the URL belongs to one.
    function_arn: String,
    auth_type: String,
    #[serde(default)]
    invoke_mode: String,
    cors: Option<cors::Rules>,
}

pub(super) async fn answer(gateway: &Gateway, mut request: Request, url_id: &str, path: &str) -> Response {
    let trace = trace_of(gateway, &request);
    let resolved = match resolve(gateway, &request, &trace, url_id).await {
        Ok(resolved) => resolved,
        Err(failure) => return refused(&request, failure),
    };
    if let Some(rules) = &resolved.cors
        && let Some(response) = cors::preflight(rules, &request)
    {
        return response;
    }
    let mut response = match run(gateway, &mut request, &trace, &resolved, url_id, path).await {
        Ok(response) => response,
        Err(failure) => refused(&request, failure),
    };
    if let Some(rules) = &resolved.cors {
        cors::apply(rules, request.headers(), response.headers_mut());
    }
    if let Ok(trace) = HeaderValue::from_str(trace.as_str()) {
        response.headers_mut().insert(TRACE_HEADER, trace);
    }
    response
}

async fn resolve(
    gateway: &Gateway,
    request: &Request,
    trace: &Trace,
    url_id: &str,
) -> Result<Resolved, Failure> {
    let identity = service_identity(AccountId::default(), Region::default());
    let input = Document::map([("UrlId", url_id.into())]);
    let reply = call(gateway, request, (identity, Access::Asked), trace, "ResolveFunctionUrl", input).await?;
    let resolved = wire::from_document(reply.document);
    resolved.map_err(|error| anyhow::anyhow!("ResolveFunctionUrl: {error}").into())
}

async fn run(
    gateway: &Gateway,
    request: &mut Request,
    trace: &Trace,
    resolved: &Resolved,
    url_id: &str,
    path: &str,
) -> Result<Response, Failure> {
    let body = match request.body.take() {
        Some(body) => body::read(body, FUNCTION_URL_BODY_BYTES_MAX).await.map_err(unread)?,
        None => Bytes::new(),
    };
    let signed_by = authenticate(gateway, request, resolved, &body).await?;
    authorise(gateway, request, resolved, signed_by.as_ref()).await?;
    let event = event::payload(&event::Facts {
        method: request.method().as_str(),
        path,
        query: request.query(),
        headers: request.headers(),
        is_encrypted: request.peer.is_encrypted,
        protocol: event::protocol_name(request.head.version),
        source_address: request
            .peer
            .address
            .map_or_else(|| "127.0.0.1".into(), |address| address.to_string()),
        url_id,
        domain: request.host(),
        request_id: &request.id,
        trace: trace.as_str(),
        now_epoch_millis: gateway.platform().clock().now().epoch_millis(),
        caller: signed_by.as_ref().map(|identity| &identity.caller),
        body: &body,
    })?;
    let invoker = || Ok::<_, Failure>((invoker(resolved)?, Access::Decided));
    let function = &resolved.function_arn;
    if resolved.invoke_mode == "RESPONSE_STREAM" {
        let (content_type, events) =
            invoke::streamed(gateway, request, invoker()?, trace, function, event).await?;
        return streaming::response(&content_type, events).await;
    }
    Ok(match invoke::buffered(gateway, request, invoker()?, trace, function, event).await? {
        Invoked::Payload(payload) => response::interpret(&payload).unwrap_or_else(|malformed| {
            tracing::warn!(function, reason = malformed.0, "the function's answer is no HTTP response");
            bad_gateway()
        }),
        Invoked::FunctionError => bad_gateway(),
    })
}

/// Who signed the request, for URLs that ask for it.
async fn authenticate(
    gateway: &Gateway,
    request: &Request,
    resolved: &Resolved,
    body: &Bytes,
) -> Result<Option<Identity>, Failure> {
    if resolved.auth_type != "AWS_IAM" {
        return Ok(None);
    }
    let forbidden = || Failure::new("Forbidden", 403, "Forbidden");
    let credential = Credential::of(request.headers(), request.query())
        .filter(|credential| credential.service == "lambda");
    let credential = credential.ok_or_else(forbidden)?;
    match gateway.identify(request, Some(&credential), Payload::Whole(body), Unsigned::Refused).await {
        Ok(identity) => Ok(Some(identity)),
        Err(Refused::Signature(error)) => Err(Failure::new("Forbidden", 403, error.to_string())),
        Err(Refused::Internal(cause)) => Err(cause.into()),
    }
}

/// Asks the policies that bear on a URL. Source: Lambda developer guide, "Control access to Lambda function URLs".
async fn authorise(
    gateway: &Gateway,
    request: &Request,
    resolved: &Resolved,
    signed_by: Option<&Identity>,
) -> Result<(), Failure> {
    let Scope { account, region } = invoker(resolved)?.scope;
    let arn: Arn = resolved.function_arn.parse().map_err(|error| anyhow::anyhow!("function URL: {error}"))?;
    let caller = match signed_by {
        Some(identity) => identity.caller.clone(),
        None => Caller {
            source_address: request.peer.address,
            is_encrypted: request.peer.is_encrypted,
            ..Caller::internal(Principal::Anonymous { account: account.clone() })
        },
    };
    let cx = ContextBuilder::new(gateway.platform(), Scope { account, region }, caller)
        .request_id(request.id.clone())
        .build();
    let demands = vec![
        Demand::new("lambda:InvokeFunctionUrl", arn.clone())
            .with("lambda:FunctionUrlAuthType", resolved.auth_type.as_str()),
        Demand::new("lambda:InvokeFunction", arn).with("lambda:InvokedViaFunctionUrl", "true"),
    ];
    let question = Authorization { cx: &cx, service: "lambda", operation: "InvokeFunctionUrl", demands };
    match gateway.platform().authorizer().authorize(question).await {
        Err(Failure::Modelled(_)) => Err(Failure::new("Forbidden", 403, "Forbidden")),
        decided => decided,
    }
}

/// The function's account and region, acting as Lambda: access to the URL was decided before.
fn invoker(resolved: &Resolved) -> Result<Identity, Failure> {
    let arn: Arn = resolved.function_arn.parse().map_err(|error| anyhow::anyhow!("function URL: {error}"))?;
    let account = AccountId::parse(arn.account()).ok_or_else(|| anyhow::anyhow!("no account in {arn}"))?;
    let region = Region::parse(arn.region()).ok_or_else(|| anyhow::anyhow!("no region in {arn}"))?;
    Ok(service_identity(account, region))
}

fn service_identity(account: AccountId, region: Region) -> Identity {
    Identity {
        scope: Scope { account: account.clone(), region },
        caller: Caller::internal(Principal::Service { account, name: LAMBDA }),
        proof: None,
    }
}

/// What AWS answers for everything a function does wrong.
fn bad_gateway() -> Response {
    with_type(StatusCode::BAD_GATEWAY, "application/json", "Internal Server Error")
}

fn unread(unread: Unread) -> Failure {
    match unread {
        Unread::TooLarge { .. } => Failure::new("RequestTooLargeException", 413, "Request Entity Too Large"),
        Unread::TooSlow => body::request_timeout(),
        Unread::Broken => Failure::new("IncompleteBody", 400, "The request body ended early."),
    }
}

fn refused(request: &Request, failure: Failure) -> Response {
    match failure {
        Failure::Modelled(reply) => {
            let status = match reply.code.as_str() {
                "ResourceNotFoundException" => StatusCode::NOT_FOUND,
                "TooManyRequestsException" => StatusCode::TOO_MANY_REQUESTS,
                "RequestTooLargeException" => StatusCode::PAYLOAD_TOO_LARGE,
                _ => reply
                    .status
                    .and_then(|code| StatusCode::from_u16(code).ok())
                    .unwrap_or(StatusCode::BAD_GATEWAY),
            };
            message(status, &reply.message)
        }
        Failure::Internal(_) => internal_failure(&request.id, &failure),
    }
}
