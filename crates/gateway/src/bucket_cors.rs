//! Pages of other origins that use a bucket: its own rules say which. Where a bucket has none, [`cors`](crate::cors)
//! decides as for every API.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderName, HeaderValue,
    ORIGIN, VARY,
};
use http::{Method, StatusCode};
use serde::Deserialize;
use service::{Context, Failure, Principal, Scope};
use wire::{Document, ErrorReply, Fault, Protocol};

use crate::Gateway;
use crate::body::{Body, Response};
use crate::credential::Credential;
use crate::identify::bucket_of_host;
use crate::refusal::{self, Course};
use crate::request::{Request, header, percent_decoded};

const VARIES: &str = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";

/// What a bucket says about the page that asks.
pub(crate) enum Sharing {
    /// It has no rules.
    Unsaid,
    Forbidden,
    Allowed(Box<Allowance>),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Allowance {
    allow_origin: String,
    allow_methods: String,
    allow_headers: Option<String>,
    expose_headers: Option<String>,
    max_age_seconds: Option<i64>,
    allow_credentials: bool,
}

/// The bucket that a request of a page is for; `None` where no page asks or no bucket is named.
fn bucket_of(request: &Request) -> Option<String> {
    if !request.headers().contains_key(ORIGIN) || request.headers().contains_key("x-amz-target") {
        return None;
    }
    let credential = Credential::of(request.headers(), request.query());
    if credential.is_some_and(|credential| credential.service != "s3") {
        return None;
    }
    if let Some(bucket) = bucket_of_host(request.host()) {
        return Some(bucket.to_owned());
    }
    let first = request.path().trim_start_matches('/').split('/').next().unwrap_or("");
    (!first.is_empty() && !first.starts_with('_')).then(|| percent_decoded(first, false))
}

/// What the bucket of a page's request says.
pub(crate) async fn of(gateway: &Gateway, request: &Request) -> Option<Sharing> {
    let bucket = bucket_of(request)?;
    ask(gateway, request, &bucket).await
}

/// In development nobody needs to sign, so for pages of other sites rules alone must not be enough to change objects.
pub(crate) fn is_unsigned_change(request: &Request) -> bool {
    matches!(*request.method(), Method::PUT | Method::DELETE)
        && Credential::of(request.headers(), request.query()).is_none()
}

pub(crate) fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// What the bucket says; `None` when there is no such bucket.
pub(crate) async fn ask(gateway: &Gateway, request: &Request, bucket: &str) -> Option<Sharing> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        is_configured: bool,
        allowance: Option<Allowance>,
    }
    let headers = request.headers();
    let (method, announced) = match is_preflight(request) {
        true => {
            let announced = header(headers, &ACCESS_CONTROL_REQUEST_HEADERS);
            (header(headers, &ACCESS_CONTROL_REQUEST_METHOD), announced)
        }
        false => (request.method().as_str(), ""),
    };
    let announced = announced.split(',').map(str::trim).filter(|name| !name.is_empty());
    let input = Document::map([
        ("Bucket", bucket.into()),
        ("Origin", header(headers, &ORIGIN).into()),
        ("Method", method.into()),
        ("Headers", Document::List(announced.map(Document::from).collect())),
    ]);
    let scope = Scope::default();
    let principal = Principal::Service { account: scope.account.clone(), name: "s3.amazonaws.com" };
    let cx = Context::internal(gateway.platform(), scope, principal);
    let s3 = gateway.platform().registry().find("s3")?;
    let reply = s3.execute(&cx, "AskCors", input).await.ok()?;
    let answer: Answer = wire::from_document(reply.document).ok()?;
    Some(match answer.allowance {
        Some(allowance) => Sharing::Allowed(Box::new(allowance)),
        None if answer.is_configured => Sharing::Forbidden,
        None => Sharing::Unsaid,
    })
}

/// The answer to a preflight by the bucket's rules.
pub(crate) fn preflight(request: &Request, sharing: &Sharing) -> Response {
    let Sharing::Allowed(allowance) = sharing else { return forbidden(request, sharing) };
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    allow(allowance, headers);
    set(headers, ACCESS_CONTROL_ALLOW_METHODS, &allowance.allow_methods);
    if let Some(names) = &allowance.allow_headers {
        set(headers, ACCESS_CONTROL_ALLOW_HEADERS, names);
    }
    if let Some(seconds) = allowance.max_age_seconds {
        set(headers, ACCESS_CONTROL_MAX_AGE, &seconds.to_string());
    }
    response
}

/// Lets the page read the answer.
pub(crate) fn allow(allowance: &Allowance, response: &mut HeaderMap) {
    set(response, ACCESS_CONTROL_ALLOW_ORIGIN, &allowance.allow_origin);
    if allowance.allow_credentials {
        set(response, ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
    if let Some(names) = &allowance.expose_headers {
        set(response, ACCESS_CONTROL_EXPOSE_HEADERS, names);
    }
    response.append(VARY, HeaderValue::from_static(VARIES));
}

fn forbidden(request: &Request, sharing: &Sharing) -> Response {
    let message = match sharing {
        Sharing::Unsaid => "CORSResponse: CORS is not enabled for this bucket.",
        _ => {
            "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, \
             request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by \
             the resource's CORS spec."
        }
    };
    let method = header(request.headers(), &ACCESS_CONTROL_REQUEST_METHOD);
    let is_object =
        request.path().trim_matches('/').contains('/') || bucket_of_host(request.host()).is_some();
    let kind = if is_object { "OBJECT" } else { "BUCKET" };
    let members = [("Method", method), ("ResourceType", kind)];
    let failure = Failure::Modelled(ErrorReply {
        code: "AccessForbidden".into(),
        message: message.into(),
        members: members.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect(),
        status: Some(StatusCode::FORBIDDEN.as_u16()),
        fault: Fault::Client,
    });
    let course = Course { model: wire::model("s3"), operation: None, protocol: Protocol::RestXml };
    refusal::response(&course, failure, "s3", "OPTIONS", &request.id)
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
