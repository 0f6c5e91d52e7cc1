//! `/_aws/lambda-rest/{function}/…`: a function behind HTTP with events of payload format 1.0.
//!
//! The shape that handlers written for "a REST API in one Lambda" read (`httpMethod`, `path`, `body`). A development
//! convenience that needs no API to be defined; stages, routes and authorizers are API Gateway's.
//!
//! Source of both formats: API Gateway developer guide, "Set up Lambda proxy integrations".

use std::collections::BTreeMap;

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderValue, USER_AGENT};
use serde_json::{Map, Value, json};
use service::{AccountId, Caller, Failure, Principal, Region, Scope};

use super::invoke::{self, Invoked};
use super::payload::{Malformed, access_log_time, add_header, body_bytes, body_text, status};
use super::{Access, internal_failure, trace_of};
use crate::Gateway;
use crate::body::{self, Body, Response};
use crate::identity::Identity;
use crate::limits::BODY_BYTES_MAX;
use crate::refusal;
use crate::request::{Request, header, parameters, percent_decoded};

pub(super) async fn answer(gateway: &Gateway, mut request: Request, function: &str, path: &str) -> Response {
    let payload = match request.body.take() {
        None => Bytes::new(),
        Some(body) => match body::read(body, BODY_BYTES_MAX).await {
            Ok(payload) => payload,
            Err(unread) => return failed(&request, refusal::unread(unread, function)),
        },
    };
    let trace = trace_of(gateway, &request);
    let account = AccountId::default();
    let event = event(&Facts {
        method: request.method().as_str(),
        path,
        query: request.query(),
        headers: request.headers(),
        source_address: request
            .peer
            .address
            .map_or_else(|| "127.0.0.1".into(), |address| address.to_string()),
        account: account.as_str(),
        function,
        request_id: &request.id,
        trace: trace.as_str(),
        now_epoch_millis: gateway.platform().clock().now().epoch_millis(),
        body: &payload,
    });
    let identity = Identity {
        scope: Scope { account: account.clone(), region: Region::default() },
        caller: Caller::internal(Principal::Service { account, name: "apigateway.amazonaws.com" }),
        proof: None,
    };
    let event = Bytes::from(event.to_string());
    match invoke::buffered(gateway, &request, (identity, Access::Asked), &trace, function, event).await {
        Ok(Invoked::Payload(answer)) => interpret(&answer).unwrap_or_else(|Malformed(reason)| {
            tracing::warn!(function, reason, "the function's answer is no proxy response");
            server_error()
        }),
        Ok(Invoked::FunctionError) => server_error(),
        Err(failure) => failed(&request, failure),
    }
}

/// `{"message": "Internal server error"}` with status 502, whatever the function did wrong.
fn server_error() -> Response {
    super::json(StatusCode::BAD_GATEWAY, &json!({ "message": "Internal server error" }))
}

fn failed(request: &Request, failure: Failure) -> Response {
    match failure {
        Failure::Modelled(reply) => {
            let status = match reply.code.as_str() {
                "ResourceNotFoundException" => StatusCode::NOT_FOUND,
                "TooManyRequestsException" => StatusCode::TOO_MANY_REQUESTS,
                "RequestTooLargeException" | "RequestEntityTooLargeException" => {
                    StatusCode::PAYLOAD_TOO_LARGE
                }
                _ => reply
                    .status
                    .and_then(|code| StatusCode::from_u16(code).ok())
                    .unwrap_or(StatusCode::BAD_GATEWAY),
            };
            super::json(status, &json!({ "message": reply.message }))
        }
        Failure::Internal(_) => internal_failure(&request.id, &failure),
    }
}

/// What an event is made of.
struct Facts<'a> {
    method: &'a str,
    path: &'a str,
    query: &'a str,
    headers: &'a HeaderMap,
    source_address: String,
    account: &'a str,
    function: &'a str,
    request_id: &'a str,
    trace: &'a str,
    now_epoch_millis: i64,
    body: &'a Bytes,
}

fn event(facts: &Facts<'_>) -> Value {
    let path = percent_decoded(facts.path, false);
    let proxy = path.trim_start_matches('/');
    let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in facts.headers {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        headers.entry(name.as_str().to_owned()).or_default().push(text);
    }
    headers.entry("x-amzn-trace-id".into()).or_insert_with(|| vec![facts.trace.to_owned()]);
    headers.entry("x-forwarded-for".into()).or_insert_with(|| vec![facts.source_address.clone()]);
    let mut query: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in parameters(facts.query) {
        query.entry(name).or_default().push(value);
    }
    let (body, is_base64_encoded) = body_text_or_form(facts.headers, facts.body);
    let resource = if proxy.is_empty() { "/" } else { "/{proxy+}" };
    let host = header(facts.headers, &HOST);
    json!({
        "resource": resource,
        "path": path,
        "httpMethod": facts.method,
        "headers": last_values(&headers),
        "multiValueHeaders": headers,
        "queryStringParameters": last_values(&query),
        "multiValueQueryStringParameters": if query.is_empty() { Value::Null } else { json!(query) },
        "pathParameters": if proxy.is_empty() { Value::Null } else { json!({ "proxy": proxy }) },
        "stageVariables": null,
        "requestContext": {
            "accountId": facts.account,
            "apiId": facts.function,
            "domainName": host,
            "domainPrefix": host.split(['.', ':']).next().unwrap_or(""),
            "extendedRequestId": facts.request_id,
            "httpMethod": facts.method,
            "identity": {
                "accessKey": null, "accountId": null, "apiKey": null, "caller": null,
                "cognitoAuthenticationProvider": null, "cognitoAuthenticationType": null,
                "cognitoIdentityId": null, "cognitoIdentityPoolId": null,
                "sourceIp": facts.source_address, "user": null,
                "userAgent": header(facts.headers, &USER_AGENT), "userArn": null,
            },
            "path": path,
            "protocol": "HTTP/1.1",
            "requestId": facts.request_id,
            "requestTime": access_log_time(facts.now_epoch_millis),
            "requestTimeEpoch": facts.now_epoch_millis,
            "resourceId": "proxy",
            "resourcePath": resource,
            "stage": "local",
        },
        "body": body,
        "isBase64Encoded": is_base64_encoded,
    })
}

/// REST APIs pass every body as text unless its type is declared binary; bytes that are no text can only be base64.
fn body_text_or_form(headers: &HeaderMap, body: &Bytes) -> (Option<String>, bool) {
    match std::str::from_utf8(body) {
        Ok(text) if !text.is_empty() => (Some(text.to_owned()), false),
        _ => body_text(headers, body),
    }
}

/// The single-value form; null where there is nothing, as REST APIs send it.
fn last_values(values: &BTreeMap<String, Vec<String>>) -> Value {
    if values.is_empty() {
        return Value::Null;
    }
    let last = |all: &Vec<String>| all.last().cloned().unwrap_or_default();
    Value::Object(values.iter().map(|(name, all)| (name.clone(), last(all).into())).collect())
}

/// Reads a proxy response of format 1.0: an object with `statusCode`, and only then `headers`, `body` and so on.
fn interpret(payload: &[u8]) -> Result<Response, Malformed> {
    let answer: Map<String, Value> =
        serde_json::from_slice(payload).map_err(|_| Malformed("the answer is not a JSON object"))?;
    let mut response = Response::new(Body::Whole(body_bytes(&answer)?));
    *response.status_mut() = match answer.get("statusCode") {
        Some(code) => status(code)?,
        None => StatusCode::OK,
    };
    let headers = response.headers_mut();
    for (name, values) in members(&answer, "multiValueHeaders")? {
        let Value::Array(values) = values else {
            return Err(Malformed("multiValueHeaders holds something else than lists"));
        };
        for value in values {
            add_header(headers, name, value)?;
        }
    }
    for (name, value) in members(&answer, "headers")? {
        let said_before = headers
            .get_all(name.as_str())
            .iter()
            .any(|known| value.as_str().is_some_and(|text| known == text));
        if !said_before {
            add_header(headers, name, value)?;
        }
    }
    headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
    Ok(response)
}

fn members<'a>(
    answer: &'a Map<String, Value>,
    name: &str,
) -> Result<impl Iterator<Item = (&'a String, &'a Value)>, Malformed> {
    match answer.get(name) {
        None | Some(Value::Null) => Ok(None.into_iter().flatten()),
        Some(Value::Object(members)) => Ok(Some(members.iter()).into_iter().flatten()),
        Some(_) => Err(Malformed("headers is not an object")),
    }
}

#[cfg(test)]
#[path = "rest_proxy_tests.rs"]
mod tests;
