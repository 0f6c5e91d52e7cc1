//! What the event formats of HTTP invocations share: text or base64, and headers back and forth.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::request::header;

/// The body as events carry it: text where the content type says text, else base64.
pub(super) fn body_text(headers: &HeaderMap, body: &Bytes) -> (Option<String>, bool) {
    if body.is_empty() {
        return (None, false);
    }
    let content_type = header(headers, &CONTENT_TYPE).to_ascii_lowercase();
    let is_text = ["text/", "json", "xml", "javascript"].iter().any(|kind| content_type.contains(kind));
    match std::str::from_utf8(body) {
        Ok(text) if is_text => (Some(text.to_owned()), false),
        _ => (Some(STANDARD.encode(body)), true),
    }
}

/// A function's answer that does not read as an HTTP response.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

/// `statusCode` as a number, or as digits in a text.
pub(super) fn status(value: &Value) -> Result<StatusCode, Malformed> {
    let number = match value {
        Value::Number(number) => number.as_u64(),
        Value::String(digits) => digits.parse().ok(),
        _ => None,
    };
    number
        .and_then(|number| u16::try_from(number).ok())
        .filter(|number| *number >= 200)
        .and_then(|number| StatusCode::from_u16(number).ok())
        .ok_or(Malformed("statusCode is no HTTP status"))
}

/// Adds one header of a function's answer. Those that frame the message are ours: the function's go under another
/// name, as on AWS.
pub(super) fn add_header(headers: &mut HeaderMap, name: &str, value: &Value) -> Result<(), Malformed> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Null => return Ok(()),
        Value::Array(_) | Value::Object(_) => return Err(Malformed("a header is a list or an object")),
    };
    let lower = name.to_ascii_lowercase();
    let is_framing =
        ["connection", "content-length", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer"]
            .contains(&lower.as_str());
    let name = if is_framing { format!("x-amzn-remapped-{lower}") } else { lower };
    let name =
        HeaderName::from_bytes(name.as_bytes()).map_err(|_| Malformed("a header's name is not valid"))?;
    let value =
        HeaderValue::from_bytes(text.as_bytes()).map_err(|_| Malformed("a header's value is not valid"))?;
    headers.append(name, value);
    Ok(())
}

/// `body` with `isBase64Encoded`.
pub(super) fn body_bytes(answer: &serde_json::Map<String, Value>) -> Result<Bytes, Malformed> {
    let is_base64 = match answer.get("isBase64Encoded") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(value)) => *value,
        Some(_) => return Err(Malformed("isBase64Encoded is neither true nor false")),
    };
    match answer.get("body") {
        None | Some(Value::Null) => Ok(Bytes::new()),
        Some(Value::String(text)) if is_base64 => {
            STANDARD.decode(text).map(Bytes::from).map_err(|_| Malformed("the body is not base64"))
        }
        Some(Value::String(text)) => Ok(Bytes::from(text.clone())),
        Some(_) => Err(Malformed("the body is not text")),
    }
}

/// `12/Mar/2020:19:03:58 +0000`
pub(super) fn access_log_time(epoch_millis: i64) -> String {
    let format =
        time::macros::format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");
    time::OffsetDateTime::from_unix_timestamp(epoch_millis.div_euclid(1_000))
        .ok()
        .and_then(|moment| moment.format(format).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_types_stay_text_and_all_else_is_base64() {
        for (content_type, body, expected, is_base64) in [
            ("text/plain", &b"a"[..], "a", false),
            ("application/json; charset=utf-8", b"{}", "{}", false),
            ("application/vnd.api+json", "ä".as_bytes(), "ä", false),
            ("image/svg+xml", b"<svg/>", "<svg/>", false),
            ("application/javascript", b"x", "x", false),
            ("application/x-www-form-urlencoded", b"a=b", "YT1i", true),
            ("application/octet-stream", b"a", "YQ==", true),
            ("", b"a", "YQ==", true),
            ("text/plain", b"\xff", "/w==", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
            let found = body_text(&headers, &Bytes::copy_from_slice(body));
            assert_eq!(found, (Some(expected.to_owned()), is_base64), "{content_type}");
        }
        assert_eq!(body_text(&HeaderMap::new(), &Bytes::new()), (None, false));
    }

    #[test]
    fn times_have_the_form_of_access_logs() {
        assert_eq!(access_log_time(1_583_348_638_390), "04/Mar/2020:19:03:58 +0000");
    }
}
