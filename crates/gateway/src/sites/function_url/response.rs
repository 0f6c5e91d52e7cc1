//! How a function's answer becomes an HTTP response (payload format 2.0).

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue, SET_COOKIE};
use serde_json::{Map, Value};

use super::super::payload::{Malformed, add_header, body_bytes, status};
use crate::body::{Body, Response};

/// An object with `statusCode` says what to answer; any other JSON is the body itself.
pub(super) fn interpret(payload: &Bytes) -> Result<Response, Malformed> {
    let answer: Value = serde_json::from_slice(payload).map_err(|_| Malformed("the answer is not JSON"))?;
    match answer {
        Value::Object(answer) if answer.contains_key("statusCode") => described(&answer),
        _ => {
            let mut response = Response::new(Body::Whole(payload.clone()));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Ok(response)
        }
    }
}

fn described(answer: &Map<String, Value>) -> Result<Response, Malformed> {
    let mut response = Response::new(Body::Whole(body_bytes(answer)?));
    head(answer, &mut response)?;
    response.headers_mut().entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
    Ok(response)
}

/// Status, headers and cookies; shared with the prelude of streamed answers.
pub(super) fn head(answer: &Map<String, Value>, response: &mut Response) -> Result<(), Malformed> {
    if let Some(code) = answer.get("statusCode") {
        *response.status_mut() = status(code)?;
    }
    let headers = response.headers_mut();
    match answer.get("headers") {
        None | Some(Value::Null) => {}
        Some(Value::Object(members)) => {
            for (name, value) in members {
                add_header(headers, name, value)?;
            }
        }
        Some(_) => return Err(Malformed("headers is not an object")),
    }
    add_cookies(answer.get("cookies"), headers)
}

fn add_cookies(cookies: Option<&Value>, headers: &mut HeaderMap) -> Result<(), Malformed> {
    match cookies {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Array(cookies)) => {
            for cookie in cookies {
                let text = cookie.as_str().ok_or(Malformed("a cookie is not text"))?;
                let value = HeaderValue::from_str(text).map_err(|_| Malformed("a cookie is not valid"))?;
                headers.append(SET_COOKIE, value);
            }
            Ok(())
        }
        Some(_) => Err(Malformed("cookies is not a list")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `status content-type body`, then other headers.
    fn read(payload: &str) -> String {
        let response = match interpret(&Bytes::copy_from_slice(payload.as_bytes())) {
            Ok(response) => response,
            Err(Malformed(reason)) => return format!("malformed: {reason}"),
        };
        let mut text = response.status().as_u16().to_string();
        for (name, value) in response.headers() {
            text += &format!(" {name}={}", value.to_str().unwrap());
        }
        match response.body() {
            Body::Whole(body) => text + " " + std::str::from_utf8(body).unwrap(),
            Body::Pieces { .. } => unreachable!("nothing here streams"),
        }
    }

    #[test]
    fn answers_without_a_status_are_the_body() {
        for payload in ["\"Hello, world!\"", r#"{"message":"Hello, world!"}"#, "null", "[1, 2]", "17"] {
            assert_eq!(read(payload), format!("200 content-type=application/json {payload}"));
        }
    }

    #[test]
    fn answers_with_a_status_describe_the_response() {
        for (payload, expected) in [
            (r#"{"statusCode":201}"#, "201 content-type=application/json "),
            (r#"{"statusCode":"404","body":"no"}"#, "404 content-type=application/json no"),
            (
                r#"{"statusCode":200,"headers":{"Content-Type":"text/html"},"body":"<p>"}"#,
                "200 content-type=text/html <p>",
            ),
            (
                r#"{"statusCode":200,"cookies":["a=1","b=2; Secure"],"body":"aGk=","isBase64Encoded":true}"#,
                "200 set-cookie=a=1 set-cookie=b=2; Secure content-type=application/json hi",
            ),
            (
                r#"{"statusCode":200,"headers":{"content-length":"99","x-n":5,"x-b":true},"body":null}"#,
                "200 x-amzn-remapped-content-length=99 x-b=true x-n=5 content-type=application/json ",
            ),
        ] {
            assert_eq!(read(payload), expected, "{payload}");
        }
    }

    #[test]
    fn malformed_answers_are_refused() {
        for payload in [
            "",
            "not json",
            r#"{"statusCode":"abc"}"#,
            r#"{"statusCode":99}"#,
            r#"{"statusCode":101}"#,
            r#"{"statusCode":200,"body":{"a":1}}"#,
            r#"{"statusCode":200,"body":"?","isBase64Encoded":true}"#,
            r#"{"statusCode":200,"headers":[]}"#,
            r#"{"statusCode":200,"headers":{"a b":"c"}}"#,
            r#"{"statusCode":200,"headers":{"a":"b\nc"}}"#,
            r#"{"statusCode":200,"cookies":"a"}"#,
        ] {
            assert!(read(payload).starts_with("malformed: "), "{payload}: {}", read(payload));
        }
    }
}
