//! The canonical request of Signature Version 4.
//!
//! Source: IAM user guide, "Create a signed AWS API request", steps 1 to 3.

use std::fmt::Write as _;

use http::HeaderMap;
use ring::{digest, hmac};

pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Everything but unreserved characters becomes `%XX`.
pub(crate) fn percent_encode(bytes: &[u8], keep_slash: bool, out: &mut String) {
    for &byte in bytes {
        let unreserved = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        if unreserved || (keep_slash && byte == b'/') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

/// Turns `%XX` into bytes; anything else is kept as it is.
pub(crate) fn percent_decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let pair = bytes.get(index + 1..index + 3).and_then(|pair| {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            u8::try_from(high * 16 + low).ok()
        });
        match (bytes[index], pair) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                index += 3;
            }
            (byte, _) => {
                decoded.push(byte);
                index += 1;
            }
        }
    }
    decoded
}

/// The path as the client signed it: S3 encodes the decoded path once and never normalises; every other service
/// normalises the path as sent and encodes it again.
pub(crate) fn canonical_path(raw_path: &str, service: &str) -> String {
    let mut path = String::with_capacity(raw_path.len() + 16);
    if service == "s3" {
        percent_encode(&percent_decode(raw_path), true, &mut path);
        return path;
    }
    let mut segments: Vec<&str> = Vec::new();
    for segment in raw_path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            _ => segments.push(segment),
        }
    }
    for segment in &segments {
        path.push('/');
        percent_encode(segment.as_bytes(), false, &mut path);
    }
    if segments.is_empty() || raw_path.ends_with('/') {
        path.push('/');
    }
    path
}

/// Parameters decoded, encoded again, sorted by name and then value; `left_out` is not part of it.
pub(crate) fn canonical_query(raw_query: &str, left_out: &str) -> String {
    let mut parameters: Vec<(String, String)> = raw_query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .filter(|(name, _)| *name != left_out)
        .map(|(name, value)| {
            let (mut encoded_name, mut encoded_value) = (String::new(), String::new());
            percent_encode(&percent_decode(name), false, &mut encoded_name);
            percent_encode(&percent_decode(value), false, &mut encoded_value);
            (encoded_name, encoded_value)
        })
        .collect();
    parameters.sort();
    let mut query = String::with_capacity(raw_query.len());
    for (name, value) in &parameters {
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(name);
        query.push('=');
        query.push_str(value);
    }
    query
}

/// `name:value` lines of the signed headers; values trimmed, inner runs of spaces made one, repeats joined by commas.
pub(crate) fn canonical_headers<'a>(headers: &HeaderMap, signed: impl Iterator<Item = &'a str>) -> String {
    let mut lines = String::with_capacity(256);
    for name in signed {
        lines.push_str(name);
        lines.push(':');
        for (index, value) in headers.get_all(name).iter().enumerate() {
            if index > 0 {
                lines.push(',');
            }
            let text = String::from_utf8_lossy(value.as_bytes());
            for (index, word) in text.split([' ', '\t']).filter(|word| !word.is_empty()).enumerate() {
                if index > 0 {
                    lines.push(' ');
                }
                lines.push_str(word);
            }
        }
        lines.push('\n');
    }
    lines
}

pub(crate) struct Canonical<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a str,
    pub(crate) signed_headers: &'a str,
    pub(crate) payload_hash: &'a str,
}

impl Canonical<'_> {
    pub(crate) fn text(&self) -> String {
        let Canonical { method, path, query, headers, signed_headers, payload_hash } = self;
        format!("{method}\n{path}\n{query}\n{headers}\n{signed_headers}\n{payload_hash}")
    }

    pub(crate) fn string_to_sign(&self, timestamp: &str, scope: &str) -> String {
        let hash = sha256_hex(self.text().as_bytes());
        format!("{ALGORITHM}\n{timestamp}\n{scope}\n{hash}")
    }
}

/// The key for one day, region and service.
pub(crate) fn signing_key(secret: &str, date: &str, region: &str, service: &str) -> hmac::Key {
    let mut key = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{secret}").as_bytes());
    for part in [date, region, service, "aws4_request"] {
        key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref());
    }
    key
}

/// The signature as raw bytes.
pub(crate) fn signature(
    secret: &str,
    date: &str,
    region: &str,
    service: &str,
    string_to_sign: &str,
) -> hmac::Tag {
    hmac::sign(&signing_key(secret, date, region, service), string_to_sign.as_bytes())
}

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}
