//! Cross-origin rules of a function URL. Where they are set, preflights never reach the function and its own
//! headers of this kind are replaced.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderName, HeaderValue, ORIGIN, VARY,
};
use http::{Method, StatusCode};
use serde::Deserialize;

use crate::body::{Body, Response};
use crate::request::{Request, header};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Rules {
    allow_credentials: bool,
    allow_headers: Vec<String>,
    allow_methods: Vec<String>,
    allow_origins: Vec<String>,
    expose_headers: Vec<String>,
    max_age: u32,
}

/// The answer to a preflight; `None` when the request is none.
pub(super) fn preflight(rules: &Rules, request: &Request) -> Option<Response> {
    let is_preflight = request.method() == Method::OPTIONS
        && request.headers().contains_key(ORIGIN)
        && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if !is_preflight {
        return None;
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::OK;
    allow_preflight(rules, request.headers(), response.headers_mut());
    Some(response)
}

fn allow_preflight(rules: &Rules, request: &HeaderMap, response: &mut HeaderMap) {
    let method = header(request, &ACCESS_CONTROL_REQUEST_METHOD);
    let is_method_allowed =
        rules.allow_methods.iter().any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(method));
    if !apply(rules, request, response) || !is_method_allowed {
        return;
    }
    set(response, ACCESS_CONTROL_ALLOW_METHODS, &rules.allow_methods.join(","));
    set(response, ACCESS_CONTROL_ALLOW_HEADERS, &rules.allow_headers.join(","));
    if rules.max_age > 0 {
        set(response, ACCESS_CONTROL_MAX_AGE, &rules.max_age.to_string());
    }
}

/// Adds what the rules say about the request's origin; `false` when it is not allowed.
pub(super) fn apply(rules: &Rules, request: &HeaderMap, response: &mut HeaderMap) -> bool {
    for ours in [ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_EXPOSE_HEADERS]
    {
        response.remove(ours);
    }
    let origin = header(request, &ORIGIN);
    if origin.is_empty() || !rules.allow_origins.iter().any(|allowed| matches(allowed, origin)) {
        return false;
    }
    let is_any = rules.allow_origins.iter().any(|allowed| allowed == "*");
    // With credentials the browser refuses the wildcard.
    let allowed = if is_any && !rules.allow_credentials { "*" } else { origin };
    set(response, ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    if rules.allow_credentials {
        set(response, ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
    set(response, ACCESS_CONTROL_EXPOSE_HEADERS, &rules.expose_headers.join(","));
    response.append(VARY, HeaderValue::from_static("Origin"));
    true
}

/// `*`, one origin, or one with a wildcard for a part: `https://*.example.com`, `http://localhost:*`.
fn matches(allowed: &str, origin: &str) -> bool {
    match allowed.split_once('*') {
        None => allowed.eq_ignore_ascii_case(origin),
        Some((start, end)) => {
            origin.len() >= start.len() + end.len() && origin.starts_with(start) && origin.ends_with(end)
        }
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if !value.is_empty()
        && let Ok(value) = HeaderValue::from_str(value)
    {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(origins: &[&str], allow_credentials: bool) -> Rules {
        Rules {
            allow_credentials,
            allow_headers: vec!["content-type".into(), "x-a".into()],
            allow_methods: vec!["GET".into(), "PUT".into()],
            allow_origins: origins.iter().map(|&origin| origin.to_owned()).collect(),
            expose_headers: vec!["date".into()],
            max_age: 60,
        }
    }

    fn preflighted(rules: &Rules, origin: &str, method: &str) -> String {
        let mut request = HeaderMap::new();
        request.insert(ORIGIN, origin.parse().unwrap());
        request.insert(ACCESS_CONTROL_REQUEST_METHOD, method.parse().unwrap());
        let mut response = HeaderMap::new();
        allow_preflight(rules, &request, &mut response);
        let mut lines: Vec<_> = response
            .iter()
            .map(|(name, value)| {
                format!(
                    "{}: {}",
                    name.as_str().trim_start_matches("access-control-"),
                    value.to_str().unwrap()
                )
            })
            .collect();
        lines.sort();
        lines.join("; ")
    }

    #[test]
    fn preflights_are_answered_by_the_rules() {
        assert_eq!(
            preflighted(&rules(&["*"], false), "https://a.example", "PUT"),
            "allow-headers: content-type,x-a; allow-methods: GET,PUT; allow-origin: *; expose-headers: date; max-age: 60; \
             vary: Origin"
        );
        assert_eq!(
            preflighted(&rules(&["*"], true), "https://a.example", "DELETE"),
            "allow-credentials: true; allow-origin: https://a.example; expose-headers: date; vary: Origin"
        );
        assert_eq!(preflighted(&rules(&["https://b.example"], false), "https://a.example", "GET"), "");
    }

    #[test]
    fn wildcards_stand_for_a_part() {
        for (allowed, origin, expected) in [
            ("https://*.example.com", "https://a.example.com", true),
            ("https://*.example.com", "https://example.com", false),
            ("http://localhost:*", "http://localhost:3000", true),
            ("https://a.example", "https://a.example.evil", false),
        ] {
            assert_eq!(matches(allowed, origin), expected, "{allowed} {origin}");
        }
    }

    #[test]
    fn the_functions_own_headers_are_replaced() {
        let mut response = HeaderMap::new();
        response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, "https://function.example".parse().unwrap());
        let allowed = apply(&rules(&["https://b.example"], false), &HeaderMap::new(), &mut response);
        assert!(!allowed && response.is_empty());
    }
}
