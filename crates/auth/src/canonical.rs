//! The canonical request of Signature Version 4.
//!
//! Source: IAM user guide, "Create a signed AWS API request", steps 1 to 3.

use std::borrow::Cow;

use http::HeaderMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use ring::{digest, hmac};

pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What the signature leaves as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const UNRESERVED_AND_SLASH: &AsciiSet = &UNRESERVED.remove(b'/');

/// Everything but unreserved characters becomes `%XX`.
fn percent_encode(bytes: &[u8], kept: &'static AsciiSet, out: &mut String) {
    out.extend(percent_encoding::percent_encode(bytes, kept));
}

/// Turns `%XX` into bytes; anything else is kept as it is.
pub(crate) fn percent_decode(text: &str) -> Vec<u8> {
    percent_encoding::percent_decode_str(text).collect()
}

/// The path as the client signed it: S3 encodes the decoded path once and never normalises; every other service
/// normalises the path as sent and encodes it again.
pub(crate) fn canonical_path(raw_path: &str, service: &str) -> String {
    let mut path = String::with_capacity(raw_path.len() + 16);
    if service == "s3" {
        percent_encode(&percent_decode(raw_path), UNRESERVED_AND_SLASH, &mut path);
        return path;
    }
    let segments = normal_segments(raw_path);
    for segment in &segments {
        path.push('/');
        percent_encode(segment.as_bytes(), UNRESERVED, &mut path);
    }
    if segments.is_empty() || raw_path.ends_with('/') {
        path.push('/');
    }
    path
}

fn normal_segments(raw_path: &str) -> Vec<&str> {
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
    segments
}

/// The path that a signature of any service but S3 is about. Whoever acts on a request must read its path like this, or
/// a signature for one thing could be used for another.
pub fn normal_path(raw_path: &str) -> Cow<'_, str> {
    let is_normal = raw_path.starts_with('/') && !raw_path.contains("//") && !raw_path.contains("/.");
    if is_normal {
        return Cow::Borrowed(raw_path);
    }
    let segments = normal_segments(raw_path);
    let end = if !segments.is_empty() && raw_path.ends_with('/') { "/" } else { "" };
    Cow::Owned(format!("/{}{end}", segments.join("/")))
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
            percent_encode(&percent_decode(name), UNRESERVED, &mut encoded_name);
            percent_encode(&percent_decode(value), UNRESERVED, &mut encoded_value);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_normal_path_is_signed_as_it_is_read() {
        for (raw, normal) in [
            ("/", "/"),
            ("", "/"),
            ("//", "/"),
            ("/a/b/", "/a/b/"),
            ("/a//b", "/a/b"),
            ("//a/./b/../c", "/a/c"),
            ("/../../a", "/a"),
            ("/a/.b", "/a/.b"),
            ("/a/%2e%2e/b", "/a/%2e%2e/b"),
        ] {
            assert_eq!(normal_path(raw), normal, "{raw}");
            assert_eq!(canonical_path(raw, "lambda"), canonical_path(normal, "lambda"), "{raw}");
        }
    }
}
