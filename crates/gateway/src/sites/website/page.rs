//! The pages that S3 makes of errors and redirects.

use http::header::{ALLOW, CONTENT_TYPE, HeaderName};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;

use super::set_location;
use crate::body::{Body, Response};
use crate::request::Request;

const ERROR_CODE: HeaderName = HeaderName::from_static("x-amz-error-code");
const ERROR_MESSAGE: HeaderName = HeaderName::from_static("x-amz-error-message");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");
const ID_2: HeaderName = HeaderName::from_static("x-amz-id-2");

/// One thing that went wrong.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Wrong {
    code: String,
    message: String,
    key: Option<String>,
    bucket_name: Option<String>,
}

/// What went wrong, and then what went wrong with the page that was to say so.
pub(super) fn errors(request: &Request, status: StatusCode, errors: &[Wrong]) -> Response {
    let none = Wrong::default();
    let first = errors.first().unwrap_or(&none);
    if status == StatusCode::NOT_MODIFIED {
        return finished(request, status, String::new(), first);
    }
    let mut facts = facts_of(first);
    facts.push(("RequestId", &request.id));
    facts.push(("HostId", &request.id));
    let mut body = list(&facts);
    if let Some(second) = errors.get(1) {
        body += "<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n";
        body += &list(&facts_of(second));
    }
    finished(request, status, page(status, &body), first)
}

pub(super) fn method_not_allowed(request: &Request) -> Response {
    let message = "The specified method is not allowed against this resource.";
    let facts = [
        ("Code", "MethodNotAllowed"),
        ("Message", message),
        ("Method", request.method().as_str()),
        ("ResourceType", "OBJECT"),
        ("RequestId", &request.id),
        ("HostId", &request.id),
    ];
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let wrong = Wrong { code: "MethodNotAllowed".into(), message: message.into(), ..Wrong::default() };
    let mut response = finished(request, status, page(status, &list(&facts)), &wrong);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("HEAD, GET, OPTIONS"));
    response
}

pub(super) fn redirect(request: &Request, status: StatusCode, location: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    set_location(&mut response, location);
    name_request(request, &mut response);
    response
}

fn facts_of(wrong: &Wrong) -> Vec<(&'static str, &str)> {
    let mut facts = vec![("Code", wrong.code.as_str()), ("Message", wrong.message.as_str())];
    facts.extend(wrong.key.as_deref().map(|key| ("Key", key)));
    facts.extend(wrong.bucket_name.as_deref().map(|name| ("BucketName", name)));
    facts
}

fn list(facts: &[(&str, &str)]) -> String {
    let lines: String =
        facts.iter().map(|(name, value)| format!("<li>{name}: {}</li>\n", escaped(value))).collect();
    format!("<ul>\n{lines}</ul>\n")
}

fn page(status: StatusCode, body: &str) -> String {
    let title = format!("{} {}", status.as_str(), status.canonical_reason().unwrap_or(""));
    format!(
        "<html>\n<head><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n{body}<hr/>\n</body>\n</html>\n"
    )
}

fn finished(request: &Request, status: StatusCode, page: String, wrong: &Wrong) -> Response {
    let has_page = !page.is_empty();
    let mut response = Response::new(Body::from(page));
    *response.status_mut() = status;
    name_request(request, &mut response);
    let headers = response.headers_mut();
    if has_page {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    }
    for (name, value) in [(ERROR_CODE, &wrong.code), (ERROR_MESSAGE, &wrong.message)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    response
}

fn name_request(request: &Request, response: &mut Response) {
    for name in [REQUEST_ID, ID_2] {
        if let Ok(value) = HeaderValue::from_str(&request.id) {
            response.headers_mut().insert(name, value);
        }
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn what_visitors_send_is_no_markup() {
        assert_eq!(escaped("<script>'a' & \"b\""), "&lt;script&gt;&#39;a&#39; &amp; &quot;b&quot;");
    }
}
