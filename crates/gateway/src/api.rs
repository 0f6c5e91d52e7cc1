//! The steps an API request takes.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderValue, Method};
use service::{Context, ContextBuilder, Failure, Mode, Reply, Trace};
use wire::{Document, Model, OperationModel};

use crate::Gateway;
use crate::answer;
use crate::body::{self, Response};
use crate::body_checksum;
use crate::bucket_cors::{self, Sharing};
use crate::cors;
use crate::credential::Credential;
use crate::endpoint::endpoint_of;
use crate::gateway::panicked;
use crate::identify::{self, Evidence};
use crate::identity::{self, Identity, Payload, Proof, Refused, Unsigned};
use crate::limits::{BODY_BYTES_MAX, body_bytes_max};
use crate::refusal::{self, Course};
use crate::request::{Request, header_named};
use crate::upload::{self, Upload};

pub(crate) const TRACE_HEADER: &str = "x-amzn-trace-id";
/// Beside a denial: what `DecodeAuthorizationMessage` explains it from.
const EXPLANATION_HEADER: &str = "x-cloudling-authorization-message";

/// limit → identify → verify signature → decode → validate → authorise and run → encode → record.
pub(crate) async fn answer(gateway: &Gateway, mut request: Request) -> Response {
    let started = Instant::now();
    let is_dev = gateway.platform().mode() == Mode::Dev;
    let sharing = bucket_cors::of(gateway, &request).await;
    if let Some(response) = answer_of_origin(&request, sharing.as_ref(), is_dev) {
        return response;
    }
    let mut progress = Progress {
        course: Course::unknown(request.headers(), request.query()),
        service: Cow::Borrowed("-"),
        operation: String::new(),
        explanation: None,
    };
    let outcome = AssertUnwindSafe(steps(gateway, &mut progress, &mut request)).catch_unwind().await;
    let outcome = outcome.unwrap_or_else(|panic| Err(panicked(panic.as_ref())));
    if let Some(unread) = request.body.take()
        && !request.waits_to_continue()
    {
        // A client that is still sending would not see the answer.
        body::discard(unread, 0).await;
    }
    let mut response = match outcome {
        Ok(response) => response,
        Err(failure) => {
            refusal::response(&progress.course, failure, &progress.service, progress.operation(), &request.id)
        }
    };
    if let Some(explanation) = progress.explanation.take() {
        response.headers_mut().insert(EXPLANATION_HEADER, explanation);
    }
    match &sharing {
        Some(Sharing::Allowed(allowance)) => bucket_cors::allow(allowance, response.headers_mut()),
        _ if is_dev => cors::allow(request.headers(), response.headers_mut()),
        _ => {}
    }
    record(&progress, &request, &response, started);
    response
}

/// What a page is told before anything is done: the rules of its bucket where there are any, else those of development.
fn answer_of_origin(request: &Request, sharing: Option<&Sharing>, is_dev: bool) -> Option<Response> {
    let is_preflight = bucket_cors::is_preflight(request);
    match sharing {
        Some(sharing @ (Sharing::Allowed(_) | Sharing::Forbidden)) if is_preflight => {
            Some(bucket_cors::preflight(request, sharing))
        }
        Some(Sharing::Allowed(_)) if !bucket_cors::is_unsigned_change(request) => None,
        _ if is_dev => cors::refusal_or_preflight(request),
        Some(sharing) if is_preflight => Some(bucket_cors::preflight(request, sharing)),
        _ => None,
    }
}

/// Turned away before anything of the request was looked at. S3 has a name of its own for it.
pub(crate) fn too_many_requests(request: &Request) -> Response {
    let course = Course::unknown(request.headers(), request.query());
    let credential = Credential::of(request.headers(), request.query());
    let failure = match credential.is_some_and(|credential| credential.service == "s3") {
        true => Failure::new("SlowDown", 503, "Please reduce your request rate."),
        false => Failure::new("ThrottlingException", 400, "Rate exceeded"),
    };
    refusal::response(&course, failure, "-", "-", &request.id)
}

/// What the steps found out, for the answer in case of failure and for the log.
struct Progress {
    course: Course,
    service: Cow<'static, str>,
    /// As the client names it, until the model does.
    operation: String,
    /// Of a denial.
    explanation: Option<HeaderValue>,
}

impl Progress {
    fn operation(&self) -> &str {
        match self.course.operation {
            Some(operation) => operation.name(),
            None if self.operation.is_empty() => "-",
            None => &self.operation,
        }
    }
}

async fn steps(
    gateway: &Gateway,
    progress: &mut Progress,
    request: &mut Request,
) -> Result<Response, Failure> {
    let credential = Credential::of(request.headers(), request.query());
    let form = read_form(request, credential.as_ref()).await?;
    identify_service(gateway, progress, request, credential.as_ref(), form.as_ref())?;
    // Keys of S3 may hold anything; its signatures cover the path as it is.
    if progress.service != "s3" {
        request.normalise_path();
    }
    let operation = route(gateway, progress, request, form.as_ref())?;
    let payload = read(&progress.service, operation, request, form).await?;
    let identity = verify(gateway, progress, operation, request, credential.as_ref(), &payload).await?;
    let body = match payload {
        Received::Whole(bytes) => {
            let body = upload::unframed(bytes, request.headers(), identity.proof.as_ref())?;
            if progress.service == "s3" {
                body_checksum::check(operation, request.headers(), &body)?;
            }
            body
        }
        Received::Stream => Bytes::new(),
    };
    upload::forget_framing(&mut request.head.headers);
    let input = decode_and_validate(gateway, progress, operation, request, body)?;
    let upload = upload(operation, request, identity.proof.as_ref())?;
    let cx = context(gateway, request, identity, upload);
    let reply = match authorise_and_run(gateway, progress, operation, &cx, input).await {
        Ok(reply) => reply,
        Err(failure) => {
            progress.explanation = cx.denial_explanation().and_then(|text| text.parse().ok());
            if let Some(unread) = cx.take_body().filter(|_| !request.waits_to_continue()) {
                body::discard_stream(unread).await;
            }
            return Err(failure);
        }
    };
    let mut response = answer::response(&progress.course, operation, reply, &request.id)?;
    if progress.service == "lambda"
        && let Ok(trace) = HeaderValue::from_str(cx.trace().as_str())
    {
        response.headers_mut().insert(TRACE_HEADER, trace);
    }
    Ok(response)
}

/// Forms are read first: the query protocol has its action in the body. What is stored in S3 may be a form too.
async fn read_form(request: &mut Request, credential: Option<&Credential>) -> Result<Option<Bytes>, Failure> {
    let is_query = *request.method() == Method::POST && credential.is_none_or(|found| found.service != "s3");
    if !is_query || !body::is_form(request.headers()) {
        return Ok(None);
    }
    match request.body.take() {
        Some(body) => {
            body::read(body, BODY_BYTES_MAX).await.map(Some).map_err(|unread| refusal::unread(unread, "form"))
        }
        None => Ok(None),
    }
}

fn identify_service(
    gateway: &Gateway,
    progress: &mut Progress,
    request: &mut Request,
    credential: Option<&Credential>,
    form: Option<&Bytes>,
) -> Result<(), Failure> {
    let evidence = Evidence {
        method: request.method(),
        path: request.path(),
        query: request.query(),
        headers: request.headers(),
        host: request.host(),
        form: form.and_then(|form| std::str::from_utf8(form).ok()).unwrap_or(""),
        credential,
    };
    // S3 answers what nobody else claims: its paths are the users' own names.
    let fallback = || gateway.platform().registry().find("s3").map(|_| Cow::Borrowed("s3"));
    let found = identify::service(&evidence).map(|name| name.0).or_else(fallback);
    let Some(service) = found else {
        return Err(refusal::nameless(&identify::operation_text(&evidence)));
    };
    progress.course.model = wire::model(&service);
    progress.service = service;
    if progress.course.model.is_none() {
        progress.operation = identify::operation_text(&evidence);
        return Err(Failure::not_implemented(&progress.service, &progress.operation));
    }
    if progress.service == "s3"
        && let Some(bucket) = identify::bucket_of_host(request.host())
    {
        request.routed_path = Some(format!("/{bucket}{}", request.path()));
    }
    Ok(())
}

/// Protocol and operation, from everything but a body that was not read yet. Services that are only known by their
/// model end here.
fn route(
    gateway: &Gateway,
    progress: &mut Progress,
    request: &Request,
    form: Option<&Bytes>,
) -> Result<&'static OperationModel, Failure> {
    let model =
        progress.course.model.ok_or_else(|| anyhow::anyhow!("routed before its service was known"))?;
    let asked = wire_request(request, form.cloned().unwrap_or_default());
    let found = wire::protocol_of(model, &asked).and_then(|protocol| {
        progress.course.protocol = protocol;
        wire::operation_of(model, protocol, &asked)
    });
    match found {
        Ok(operation) => {
            progress.course.operation = Some(operation);
            match gateway.platform().registry().find(&progress.service) {
                Some(_) => Ok(operation),
                None => Err(Failure::not_implemented(&progress.service, operation.name())),
            }
        }
        Err(error) => {
            let evidence = Evidence {
                method: request.method(),
                path: request.path(),
                query: request.query(),
                headers: request.headers(),
                host: "",
                form: std::str::from_utf8(&asked.body).unwrap_or(""),
                credential: None,
            };
            progress.operation = identify::operation_text(&evidence);
            Err(refusal::unroutable(error, &progress.service, &progress.operation))
        }
    }
}

/// A body as its operation wants it.
enum Received {
    Whole(Bytes),
    /// Left where it is until the operation is sure to run.
    Stream,
}

async fn read(
    service: &str,
    operation: &OperationModel,
    request: &mut Request,
    form: Option<Bytes>,
) -> Result<Received, Failure> {
    if operation.streaming_input().is_some() && form.is_none() {
        return Ok(Received::Stream);
    }
    match (form, request.body.take()) {
        (Some(form), _) => Ok(Received::Whole(form)),
        (None, None) => Ok(Received::Whole(Bytes::new())),
        (None, Some(body)) => {
            let read = body::read(body, body_bytes_max(service, operation.name())).await;
            read.map(Received::Whole).map_err(|unread| refusal::unread(unread, operation.name()))
        }
    }
}

async fn verify(
    gateway: &Gateway,
    progress: &Progress,
    operation: &OperationModel,
    request: &Request,
    credential: Option<&Credential>,
    payload: &Received,
) -> Result<Identity, Failure> {
    let payload = match payload {
        Received::Whole(bytes) => Payload::Whole(bytes),
        Received::Stream => Payload::Stream,
    };
    // Buckets may be open to everyone; their policies decide.
    let is_open = operation.is_unsigned() || (progress.service == "s3" && is_secure(gateway));
    let unsigned = if is_open { Unsigned::Allowed } else { Unsigned::Refused };
    let signing_name = progress.course.model.map(Model::signing_name).unwrap_or_default();
    let identified = match gateway.identify(request, credential, payload, unsigned).await {
        Ok(identity) => {
            identity::check_scope(&identity, signing_name).map(|()| identity).map_err(Refused::from)
        }
        Err(refused) => Err(refused),
    };
    identified.map_err(|refused| identity::refused(refused, &progress.service, progress.course.protocol))
}

fn is_secure(gateway: &Gateway) -> bool {
    gateway.platform().mode() == Mode::Secure
}

fn decode_and_validate(
    gateway: &Gateway,
    progress: &Progress,
    operation: &OperationModel,
    request: &Request,
    body: Bytes,
) -> Result<Document, Failure> {
    let model =
        progress.course.model.ok_or_else(|| anyhow::anyhow!("decoded before its service was known"))?;
    let input = wire::decode(model, operation, progress.course.protocol, &wire_request(request, body))
        .map_err(refusal::undecodable)?;
    let valid = wire::validate(model, operation, &input);
    let service = gateway.platform().registry().find(&progress.service);
    match service.and_then(|service| service.judge(operation.name())) {
        Some(judge) => judge(&input, valid.as_ref().err().map_or(&[], |broken| &broken.0))?,
        None => valid.map_err(|violations| refusal::invalid(&progress.course, &violations))?,
    }
    Ok(input)
}

/// The streaming payload of the operations that have one.
fn upload(
    operation: &OperationModel,
    request: &mut Request,
    proof: Option<&Proof>,
) -> Result<Option<Upload>, Failure> {
    match request.body.take() {
        Some(body) if operation.streaming_input().is_some() => {
            Upload::new(body, request.headers(), proof).map(Some)
        }
        _ => Ok(None),
    }
}

fn context(gateway: &Gateway, request: &Request, identity: Identity, upload: Option<Upload>) -> Context {
    let mut cx = ContextBuilder::new(gateway.platform(), identity.scope, identity.caller)
        .request_id(request.id.clone())
        .endpoint(endpoint(gateway, request));
    if let Some(trace) = Trace::from_header(header_named(request.headers(), TRACE_HEADER)) {
        cx = cx.trace(trace);
    }
    if let Some(upload) = upload {
        cx = cx.body(upload.stream).body_length(upload.length).trailers(upload.trailers);
    }
    cx.build()
}

async fn authorise_and_run(
    gateway: &Gateway,
    progress: &Progress,
    operation: &OperationModel,
    cx: &Context,
    input: Document,
) -> Result<Reply, Failure> {
    match gateway.platform().registry().find(&progress.service) {
        Some(service) => service.execute(cx, operation.name(), input).await,
        None => Err(Failure::not_implemented(&progress.service, operation.name())),
    }
}

pub(crate) fn endpoint(gateway: &Gateway, request: &Request) -> Arc<str> {
    endpoint_of(request, &gateway.platform().endpoint())
}

fn wire_request(request: &Request, body: Bytes) -> wire::Request<'_> {
    wire::Request {
        method: request.method(),
        path: request.routed_path(),
        query: request.query(),
        headers: request.headers(),
        body,
    }
}

fn record(progress: &Progress, request: &Request, response: &Response, started: Instant) {
    let latency_ms = started.elapsed().as_secs_f64() * 1_000.0;
    let status = response.status().as_u16();
    let error = response
        .headers()
        .get("x-amzn-errortype")
        .map(HeaderValue::to_str)
        .and_then(Result::ok)
        .unwrap_or("");
    tracing::debug!(
        service = &*progress.service,
        operation = progress.operation(),
        status,
        error,
        latency_ms,
        request_id = request.id,
        "request"
    );
}
