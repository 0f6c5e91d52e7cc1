//! What the port answers besides AWS APIs: function URLs, websites of buckets, code downloads, health, reset, and a page for people.

mod code;
mod control;
mod function_url;
mod home;
mod invoke;
mod payload;
mod rest_proxy;
mod upload_form;
mod website;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, StatusCode};
use service::{ContextBuilder, Failure, Trace};
use wire::Document;

use crate::Gateway;
use crate::api::{TRACE_HEADER, endpoint};
use crate::body::{Body, Response};
use crate::cors;
use crate::credential::Credential;
use crate::identify::bucket_of_host;
use crate::identity::Identity;
use crate::refusal;
use crate::request::{Request, header_named, percent_decoded};

/// A place that is not an API, with what its address says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Site {
    Home,
    /// `/_localstack/…` and `/_cloudling/…`.
    Control,
    FunctionUrl {
        url_id: String,
        path: String,
    },
    RestProxy {
        function: String,
        path: String,
    },
    Code {
        token: String,
    },
    /// A browser's form that uploads a file into a bucket.
    UploadForm {
        bucket: String,
    },
    Website {
        bucket: String,
        /// What stands before the path where the bucket is named there.
        base: String,
        path: String,
    },
}

pub(crate) fn find(request: &Request) -> Option<Site> {
    let is_plain = || Credential::of(request.headers(), request.query()).is_none();
    let found = locate(request.method(), request.host(), request.path()).or_else(|| {
        let is_home = matches!(*request.method(), Method::GET | Method::HEAD)
            && request.path() == "/"
            && request.query().is_empty()
            && !request.headers().contains_key("x-amz-target")
            && bucket_of_host(request.host()).is_none()
            && is_plain();
        is_home.then_some(Site::Home)
    });
    found.or_else(|| upload_form::bucket_of(request).map(|bucket| Site::UploadForm { bucket }))
}

fn locate(_: &Method, host: &str, path: &str) -> Option<Site> {
    if let Some(url_id) = function_url::id_of_host(host) {
        return Some(Site::FunctionUrl { url_id: url_id.to_owned(), path: path.to_owned() });
    }
    if let Some(bucket) = website::bucket_of_host(host) {
        return Some(Site::Website { bucket: bucket.to_owned(), base: String::new(), path: path.to_owned() });
    }
    let special = path.strip_prefix("/_")?;
    if special.starts_with("localstack/") || special.starts_with("cloudling/") {
        return Some(Site::Control);
    }
    let (site, rest) = special.strip_prefix("aws/")?.split_once('/')?;
    let (name, path) = match rest.find('/') {
        Some(slash) => (&rest[..slash], &rest[slash..]),
        None => (rest, "/"),
    };
    if name.is_empty() {
        return None;
    }
    match site {
        "lambda-url" => Some(Site::FunctionUrl { url_id: name.to_owned(), path: path.to_owned() }),
        "lambda-rest" => {
            Some(Site::RestProxy { function: percent_decoded(name, false), path: path.to_owned() })
        }
        "lambda-code" => Some(Site::Code { token: name.to_owned() }),
        "s3-website" => Some(Site::Website {
            bucket: name.to_owned(),
            base: format!("/_aws/s3-website/{name}"),
            path: path.to_owned(),
        }),
        _ => None,
    }
}

pub(crate) async fn answer(gateway: &Gateway, site: Site, request: Request) -> Response {
    let is_public = matches!(
        site,
        Site::FunctionUrl { .. } | Site::Code { .. } | Site::UploadForm { .. } | Site::Website { .. }
    );
    if !is_public && !cors::is_allowed(&request) {
        return text(StatusCode::FORBIDDEN, "Pages from other origins may not call this.\n");
    }
    match site {
        Site::Home => home::answer(gateway, &request),
        Site::Control => control::answer(gateway, &request).await,
        Site::FunctionUrl { url_id, path } => function_url::answer(gateway, request, &url_id, &path).await,
        Site::RestProxy { function, path } => rest_proxy::answer(gateway, request, &function, &path).await,
        Site::Code { token } => code::answer(gateway, &request, &token).await,
        Site::UploadForm { bucket } => upload_form::answer(gateway, request, &bucket).await,
        Site::Website { bucket, base, path } => {
            website::answer(gateway, &request, &bucket, &base, &path).await
        }
    }
}

/// The answer to what should not have happened; the log has the cause.
pub(crate) fn internal_failure(request_id: &str, failure: &Failure) -> Response {
    tracing::error!(request_id, error = %failure, "site failed unexpectedly");
    message(StatusCode::INTERNAL_SERVER_ERROR, &refusal::internal_failure(request_id).message)
}

/// `{"Message": …}`, as function URLs answer.
fn message(status: StatusCode, message: &str) -> Response {
    json(status, &serde_json::json!({ "Message": message }))
}

fn json(status: StatusCode, value: &serde_json::Value) -> Response {
    let mut bytes = value.to_string().into_bytes();
    bytes.push(b'\n');
    with_type(status, "application/json", bytes)
}

/// What a request of HTTP/1.1 is told that has no `Host`, or several.
pub(crate) fn without_one_host() -> Response {
    text(StatusCode::BAD_REQUEST, "A request of HTTP/1.1 has exactly one Host header.")
}

/// What a development server answers under a name that may be anybody's.
pub(crate) fn of_a_foreign_host() -> Response {
    text(
        StatusCode::FORBIDDEN,
        "This name is not one of this server's, and a web page may have made it up (DNS rebinding). In development mode \
         Cloudling answers to addresses, localhost, *.localhost, *.localhost.localstack.cloud and the names of AWS; \
         allow others with: cloudling up --allow-host NAME\n",
    )
}

/// What another machine is told that sends its request for everybody to read.
pub(crate) fn without_encryption() -> Response {
    text(StatusCode::FORBIDDEN, "This server answers other machines over https only.\n")
}

fn text(status: StatusCode, text: &'static str) -> Response {
    with_type(status, "text/plain; charset=utf-8", text)
}

fn with_type(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(Body::Whole(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// The trace that the client began, or a new one.
fn trace_of(gateway: &Gateway, request: &Request) -> Trace {
    let platform = gateway.platform();
    Trace::from_header(header_named(request.headers(), TRACE_HEADER))
        .unwrap_or_else(|| Trace::new(platform.clock().now(), platform.ids()))
}

/// Whether a site has decided about access itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Asked,
    Decided,
}

/// Calls an operation of Lambda for a site, as the identity it established.
async fn call(
    gateway: &Gateway,
    request: &Request,
    identity: (Identity, Access),
    trace: &Trace,
    operation: &str,
    input: Document,
) -> Result<service::Reply, Failure> {
    call_service(gateway, request, identity, trace, "lambda", operation, input).await
}

/// [`call`] of another service.
async fn call_service(
    gateway: &Gateway,
    request: &Request,
    (identity, access): (Identity, Access),
    trace: &Trace,
    service: &str,
    operation: &str,
    input: Document,
) -> Result<service::Reply, Failure> {
    let platform = gateway.platform();
    let Some(callee) = platform.registry().find(service) else {
        return Err(Failure::not_implemented(service, operation));
    };
    let mut cx = ContextBuilder::new(platform, identity.scope, identity.caller)
        .request_id(request.id.clone())
        .trace(trace.clone())
        .endpoint(endpoint(gateway, request));
    if access == Access::Decided {
        cx = cx.authorised();
    }
    callee.execute(&cx.build(), operation, input).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn located(host: &str, path: &str) -> Option<Site> {
        locate(&Method::GET, host, path)
    }

    #[test]
    fn function_urls_are_known_by_host_and_by_path() {
        let url = |path: &str| Some(Site::FunctionUrl { url_id: "abc".into(), path: path.into() });
        for host in [
            "abc.lambda-url.us-east-1.on.aws",
            "abc.lambda-url.us-east-1.localhost.localstack.cloud:4566",
            "abc.lambda-url.eu-west-1.localhost:4566",
            "ABC.lambda-url.eu-west-1.localhost:4566",
        ] {
            assert_eq!(located(&host.to_lowercase(), "/a/b"), url("/a/b"), "{host}");
        }
        assert_eq!(located("127.0.0.1:4566", "/_aws/lambda-url/abc/a%20b"), url("/a%20b"));
        assert_eq!(located("127.0.0.1:4566", "/_aws/lambda-url/abc"), url("/"));
        assert_eq!(located("lambda-url.us-east-1.on.aws", "/"), None);
        assert_eq!(located("127.0.0.1:4566", "/_aws/lambda-url/"), None);
    }

    #[test]
    fn websites_are_known_by_host_and_by_path() {
        let site = |base: &str, path: &str| {
            Some(Site::Website { bucket: "site".into(), base: base.into(), path: path.into() })
        };
        assert_eq!(located("site.s3-website.localhost.localstack.cloud:4566", "/a/"), site("", "/a/"));
        assert_eq!(located("127.0.0.1", "/_aws/s3-website/site/a"), site("/_aws/s3-website/site", "/a"));
        assert_eq!(located("127.0.0.1", "/_aws/s3-website/site"), site("/_aws/s3-website/site", "/"));
    }

    #[test]
    fn other_sites_are_known_by_path() {
        let rest = Site::RestProxy { function: "users-api".into(), path: "/users/1".into() };
        assert_eq!(located("", "/_aws/lambda-rest/users-api/users/1"), Some(rest));
        assert_eq!(located("", "/_aws/lambda-code/tok"), Some(Site::Code { token: "tok".into() }));
        assert_eq!(located("", "/_localstack/health"), Some(Site::Control));
        assert_eq!(located("", "/_cloudling/reset"), Some(Site::Control));
        for path in ["/_aws/unknown/x", "/bucket/key", "/_localstackx", "/2015-03-31/functions"] {
            assert_eq!(located("", path), None, "{path}");
        }
    }
}
