//! The requests of the Runtime API, version 2018-06-01.

use std::convert::Infallible;

use base64::Engine;
use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use serde_json::json;

use super::extensions::{Extensions, Refused};
use super::state::{Offer, Refusal, State};
use crate::event::{Event, JSON, Last};
use crate::policy::RESPONSE_BYTES_MAX;

const PREFIX: &str = "/2018-06-01/runtime/";
const EXTENSIONS_PREFIX: &str = "/2020-01-01/extension/";
const EXTENSION_NAME: HeaderName = HeaderName::from_static("lambda-extension-name");
const EXTENSION_ID: HeaderName = HeaderName::from_static("lambda-extension-identifier");
const EXTENSION_ERROR_TYPE: HeaderName = HeaderName::from_static("lambda-extension-function-error-type");
/// Body of a registration.
const REGISTRATION_BYTES_MAX: usize = 64 * 1024;
const ERROR_TYPE: HeaderName = HeaderName::from_static("lambda-runtime-function-error-type");
const ERROR_BODY: HeaderName = HeaderName::from_static("lambda-runtime-function-error-body");
const RESPONSE_MODE: HeaderName = HeaderName::from_static("lambda-runtime-function-response-mode");

/// Body of a refused request that is read and thrown away.
const UNREAD_BYTES_MAX: usize = 64 * 1024 * 1024;

type Answer = Response<Full<Bytes>>;

pub(super) async fn answer(
    state: &State,
    extensions: &Extensions,
    request: Request<Incoming>,
) -> Result<Answer, Infallible> {
    let (head, mut body) = request.into_parts();
    let answer = route(state, extensions, &head, &mut body).await;
    // A refused runtime that is still sending would see a broken connection instead of the answer.
    let mut left = UNREAD_BYTES_MAX;
    while !body.is_end_stream() && left > 0 {
        match body.frame().await {
            Some(Ok(frame)) => left = left.saturating_sub(frame.data_ref().map_or(1, Bytes::len)),
            _ => break,
        }
    }
    Ok(answer)
}

async fn route(state: &State, extensions: &Extensions, head: &Parts, body: &mut Incoming) -> Answer {
    let path = head.uri.path();
    if let Some(rest) = path.strip_prefix(EXTENSIONS_PREFIX) {
        return extension(extensions, rest, head, body).await;
    }
    match path {
        "/2022-07-01/telemetry" => return no_subscription("Telemetry"),
        "/2020-08-15/logs" => return no_subscription("Logs"),
        _ => {}
    }
    let Some(rest) = path.strip_prefix(PREFIX) else {
        let message = format!(
            "{path} is part of neither the Runtime API 2018-06-01 nor the Extensions API 2020-01-01."
        );
        return refuse(StatusCode::NOT_FOUND, "NotFound", &message);
    };
    let parts: Vec<&str> = rest.split('/').collect();
    let headers = &head.headers;
    match (&head.method, parts.as_slice()) {
        (&Method::GET, ["invocation", "next"]) => next(state).await,
        (&Method::POST, ["invocation", request_id, "response"]) => {
            response(state, request_id, headers, body).await
        }
        (&Method::POST, ["invocation", request_id, "error"]) => error(state, request_id, headers, body).await,
        (&Method::POST, ["init", "error"]) => init_error(state, headers, body).await,
        (_, ["invocation", "next"] | ["invocation", _, "response" | "error"] | ["init", "error"]) => {
            refuse(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "Method Not Allowed")
        }
        _ => refuse(StatusCode::NOT_FOUND, "NotFound", "404 page not found"),
    }
}

/// The requests of the Extensions API, version 2020-01-01.
async fn extension(extensions: &Extensions, rest: &str, head: &Parts, body: &mut Incoming) -> Answer {
    let id = header_text(&head.headers, &EXTENSION_ID).unwrap_or_default();
    let outcome = match (&head.method, rest) {
        (&Method::POST, "register") => register(extensions, &head.headers, body).await,
        (&Method::GET, "event/next") => extensions.next(&id).await.map(|event| {
            let mut response = json_text(StatusCode::OK, event);
            if let Some(id) = header_value(&id) {
                response.headers_mut().insert(EXTENSION_ID, id);
            }
            response
        }),
        (&Method::POST, "init/error" | "exit/error") => {
            let error_type = header_text(&head.headers, &EXTENSION_ERROR_TYPE);
            extensions.fail(&id, error_type.as_deref().unwrap_or("Extension.Unknown")).map(|()| accepted())
        }
        (_, "register" | "event/next" | "init/error" | "exit/error") => {
            return refuse(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "Method Not Allowed");
        }
        _ => return refuse(StatusCode::NOT_FOUND, "NotFound", "404 page not found"),
    };
    outcome.unwrap_or_else(|Refused(status, error_type, message)| {
        refuse(StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN), error_type, &message)
    })
}

async fn register(
    extensions: &Extensions,
    headers: &HeaderMap,
    body: &mut Incoming,
) -> Result<Answer, Refused> {
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Registration {
        events: Vec<String>,
    }
    let invalid = |error_type, message: &str| Refused(400, error_type, message.to_owned());
    let name = header_text(headers, &EXTENSION_NAME).filter(|name| !name.is_empty()).ok_or_else(|| {
        invalid("Extension.InvalidExtensionName", "The header Lambda-Extension-Name is missing")
    })?;
    let body = collect(body, REGISTRATION_BYTES_MAX)
        .await
        .map_err(|_| invalid("InvalidRequestFormat", "The registration cannot be read"))?;
    let registration: Registration = if body.is_empty() {
        Registration::default()
    } else {
        serde_json::from_slice(&body).map_err(|_| {
            invalid("InvalidRequestFormat", "The registration is not JSON with a list of events")
        })?
    };
    let (id, told) = extensions.register(&name, &registration.events)?;
    let mut response = json_text(StatusCode::OK, told);
    if let Some(id) = header_value(&id) {
        response.headers_mut().insert(EXTENSION_ID, id);
    }
    Ok(response)
}

/// No telemetry is sent; AWS's own local runtime emulator answers the same, and extensions go on without it.
fn no_subscription(api: &str) -> Answer {
    let message = format!("{api} API is not supported");
    refuse(StatusCode::ACCEPTED, &format!("{api}.NotSupported"), &message)
}

async fn next(state: &State) -> Answer {
    let offer = match state.next().await {
        Ok(offer) => offer,
        Err(refusal) => return refuse_state(&refusal),
    };
    let Offer {
        request_id,
        function_arn,
        deadline_epoch_ms,
        trace_id,
        client_context,
        cognito_identity,
        payload,
    } = offer;
    let mut response = Response::new(Full::new(payload));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    headers.insert("lambda-runtime-deadline-ms", HeaderValue::from(deadline_epoch_ms));
    let texts = [
        ("lambda-runtime-aws-request-id", Some(request_id)),
        ("lambda-runtime-invoked-function-arn", Some(function_arn)),
        ("lambda-runtime-trace-id", Some(trace_id)),
        ("lambda-runtime-client-context", client_context),
        ("lambda-runtime-cognito-identity", cognito_identity),
    ];
    for (name, text) in texts {
        let value = text.filter(|text| !text.is_empty()).and_then(|text| header_value(&text));
        if let Some(value) = value {
            headers.insert(name, value);
        }
    }
    response
}

/// JSON may be written over several lines, a header may not.
fn header_value(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_bytes(text.replace(['\r', '\n'], " ").as_bytes()).ok()
}

async fn response(state: &State, request_id: &str, headers: &HeaderMap, body: &mut Incoming) -> Answer {
    if let Err(refusal) = state.begin_answer(request_id, "InvocationResponse") {
        return refuse_state(&refusal);
    }
    let content_type = header_text(headers, &CONTENT_TYPE);
    match header_text(headers, &RESPONSE_MODE) {
        Some(mode) if mode.eq_ignore_ascii_case("streaming") => {
            stream(state, content_type.unwrap_or_else(|| "application/octet-stream".into()), body).await
        }
        Some(mode) if !mode.eq_ignore_ascii_case("buffered") => {
            let message = format!("Invalid function response mode: {mode}");
            let payload = crate::report::error("Runtime.InvalidResponseModeHeader", &message);
            state.end_answer(Event::Error { payload, last: Last::No }).await;
            refuse(StatusCode::BAD_REQUEST, "InvalidFunctionResponseMode", &message)
        }
        _ => match collect(body, RESPONSE_BYTES_MAX).await {
            Ok(body) => {
                let content_type = content_type.unwrap_or_else(|| JSON.into());
                state.end_answer(Event::Response { content_type, body }).await;
                accepted()
            }
            Err(CollectError::TooLarge) => {
                state.end_answer(Event::ResponseTooLarge { last: Last::No }).await;
                too_large()
            }
            Err(CollectError::Broken) => {
                let payload = crate::report::error("Runtime.TruncatedResponse", "Response body ended early");
                state.end_answer(Event::Error { payload, last: Last::No }).await;
                refuse(StatusCode::BAD_REQUEST, "TruncatedResponse", "Response body ended early")
            }
        },
    }
}

async fn stream(state: &State, content_type: String, body: &mut Incoming) -> Answer {
    state.tell(Event::StreamHead { content_type }).await;
    let mut trailers = HeaderMap::new();
    let end = loop {
        match body.frame().await {
            None => break stream_end(&trailers),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(chunk) => state.tell(Event::StreamChunk(chunk)).await,
                Err(frame) => {
                    if let Ok(received) = frame.into_trailers() {
                        trailers = received;
                    }
                }
            },
            Some(Err(_)) => {
                let payload =
                    crate::report::error("Runtime.TruncatedResponse", "Response stream ended early");
                break Event::StreamError(payload);
            }
        }
    };
    state.end_answer(end).await;
    accepted()
}

/// A stream that failed midway says so in its trailers; the error body is base64.
fn stream_end(trailers: &HeaderMap) -> Event {
    let Some(error_type) = header_text(trailers, &ERROR_TYPE) else { return Event::StreamEnd };
    let body = header_text(trailers, &ERROR_BODY)
        .and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok())
        .filter(|body| serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok());
    Event::StreamError(body.map_or_else(|| crate::report::error(&error_type, ""), Bytes::from))
}

async fn error(state: &State, request_id: &str, headers: &HeaderMap, body: &mut Incoming) -> Answer {
    if let Err(refusal) = state.begin_answer(request_id, "InvocationErrorResponse") {
        return refuse_state(&refusal);
    }
    let error_type = header_text(headers, &ERROR_TYPE);
    match collect(body, RESPONSE_BYTES_MAX).await {
        Ok(body) => {
            let payload = error_payload(error_type, body);
            state.end_answer(Event::Error { payload, last: Last::No }).await;
            accepted()
        }
        Err(_) => {
            let payload = crate::report::error(error_type.as_deref().unwrap_or("Runtime.Unknown"), "");
            state.end_answer(Event::Error { payload, last: Last::No }).await;
            too_large()
        }
    }
}

async fn init_error(state: &State, headers: &HeaderMap, body: &mut Incoming) -> Answer {
    if let Err(refusal) = state.fail_init() {
        return refuse_state(&refusal);
    }
    let error_type = header_text(headers, &ERROR_TYPE);
    let body = collect(body, RESPONSE_BYTES_MAX).await.unwrap_or_default();
    state.tell(Event::InitError(error_payload(error_type, body))).await;
    accepted()
}

/// The runtime's own JSON if it is JSON, otherwise an error that carries what it sent.
fn error_payload(error_type: Option<String>, body: Bytes) -> Bytes {
    if serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok() {
        return body;
    }
    crate::report::error(error_type.as_deref().unwrap_or("Runtime.Unknown"), &String::from_utf8_lossy(&body))
}

enum CollectError {
    TooLarge,
    Broken,
}

async fn collect(body: &mut Incoming, bytes_max: usize) -> Result<Bytes, CollectError> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > bytes_max {
        return Err(CollectError::TooLarge);
    }
    let mut collected = BytesMut::with_capacity(announced);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| CollectError::Broken)?.into_data() else { continue };
        if collected.len() + data.len() > bytes_max {
            return Err(CollectError::TooLarge);
        }
        collected.extend_from_slice(&data);
    }
    Ok(collected.freeze())
}

fn header_text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn accepted() -> Answer {
    json_answer(StatusCode::ACCEPTED, &json!({ "status": "OK" }))
}

fn too_large() -> Answer {
    let message = format!("Exceeded maximum allowed payload size ({RESPONSE_BYTES_MAX} bytes).");
    refuse(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", &message)
}

fn refuse_state(refusal: &Refusal) -> Answer {
    match refusal {
        Refusal::RequestId => refuse(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID"),
        Refusal::Transition { from, to } => {
            let message = format!(
                "State transition from {from} to {to} failed for runtime. Error: State transition is not allowed"
            );
            refuse(StatusCode::FORBIDDEN, "InvalidStateTransition", &message)
        }
    }
}

fn refuse(status: StatusCode, error_type: &str, message: &str) -> Answer {
    json_answer(status, &json!({ "errorMessage": message, "errorType": error_type }))
}

fn json_answer(status: StatusCode, body: &serde_json::Value) -> Answer {
    json_text(status, body.to_string())
}

fn json_text(status: StatusCode, body: String) -> Answer {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    response
}
