//! Pages that call the cloud from a browser.
//!
//! In development, pages served from this machine may call every API. Pages from elsewhere are turned away, even
//! where the browser sends the request without asking: a website somebody visits must not be able to run functions.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderValue, ORIGIN, VARY,
};
use http::{Method, StatusCode};

use crate::body::{Body, Response};
use crate::endpoint::name_of;
use crate::request::{Request, header};

const METHODS: &str = "DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT";
const PREFLIGHT_SECONDS: &str = "600";

/// The answer to a preflight, or to a page that may not call us.
pub(crate) fn refusal_or_preflight(request: &Request) -> Option<Response> {
    let origin = request.headers().get(ORIGIN)?;
    if !is_local(origin.to_str().unwrap_or("")) {
        let mut response = Response::new(Body::from(
            "Pages from this origin may not call Cloudling: only pages from localhost, 127.0.0.1 and \
             *.localhost.localstack.cloud may.\n",
        ));
        *response.status_mut() = StatusCode::FORBIDDEN;
        return Some(response);
    }
    let is_preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if !is_preflight {
        return None;
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    allow(request.headers(), headers);
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
    if let Some(wanted) = request.headers().get(ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(PREFLIGHT_SECONDS));
    Some(response)
}

/// Lets the page read the answer.
pub(crate) fn allow(request: &HeaderMap, response: &mut HeaderMap) {
    let Some(origin) = request.get(ORIGIN) else { return };
    response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    response.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    let names: Vec<&str> =
        response.keys().map(http::HeaderName::as_str).filter(|name| name.starts_with("x-amz")).collect();
    if let Ok(names) = HeaderValue::from_str(&names.join(",")) {
        response.insert(ACCESS_CONTROL_EXPOSE_HEADERS, names);
    }
    response.append(VARY, HeaderValue::from_static("Origin"));
}

fn is_local(origin: &str) -> bool {
    let Some((scheme, host)) = origin.split_once("://") else { return false };
    let name = name_of(host);
    matches!(scheme, "http" | "https")
        && (["localhost", "127.0.0.1", "[::1]"].contains(&name)
            || name.ends_with(".localhost")
            || name == "localhost.localstack.cloud"
            || name.ends_with(".localhost.localstack.cloud"))
}

/// Whether the request comes from a page that may call us; requests from programs always may.
pub(crate) fn is_allowed(request: &Request) -> bool {
    let origin = header(request.headers(), &ORIGIN);
    origin.is_empty() || is_local(origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_from_this_machine_are_local() {
        for origin in [
            "http://localhost:3000",
            "http://127.0.0.1",
            "https://[::1]:8443",
            "http://site.s3-website.localhost.localstack.cloud:4566",
        ] {
            assert!(is_local(origin), "{origin}");
        }
        for origin in [
            "null",
            "",
            "https://example.com",
            "http://localhost.example.com",
            "file://localhost",
            "http://evillocalhost",
        ] {
            assert!(!is_local(origin), "{origin}");
        }
    }
}
