//! Signs requests as a client does: the command line, the demo and the bench use it.

use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use http::request::Parts;

use crate::canonical::{
    ALGORITHM, Canonical, canonical_headers, canonical_path, canonical_query, sha256_hex, signature,
};
use crate::clock::format_basic;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: Option<String>,
}

/// Adds `x-amz-date`, `x-amz-content-sha256`, `x-amz-security-token` and `Authorization` to a request that already
/// has its `host`. Every header present takes part in the signature.
pub fn sign(
    request: &mut Parts,
    body: &[u8],
    credentials: &Credentials,
    region: &str,
    service: &str,
    now_epoch_millis: i64,
) {
    sign_payload(request, &sha256_hex(body), credentials, region, service, now_epoch_millis);
}

/// As [`sign`], with `x-amz-content-sha256` as given: `UNSIGNED-PAYLOAD` or one of the streaming forms.
pub fn sign_payload(
    request: &mut Parts,
    payload_hash: &str,
    credentials: &Credentials,
    region: &str,
    service: &str,
    now_epoch_millis: i64,
) {
    let timestamp = format_basic(now_epoch_millis);
    let mut put = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            request.headers.insert(HeaderName::from_static(name), value);
        }
    };
    put("x-amz-date", &timestamp);
    put("x-amz-content-sha256", payload_hash);
    if let Some(token) = &credentials.session_token {
        put("x-amz-security-token", token);
    }
    request.headers.remove(AUTHORIZATION);
    let mut names: Vec<&str> = request.headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let signed_headers = names.join(";");
    let canonical = Canonical {
        method: request.method.as_str(),
        path: &canonical_path(request.uri.path(), service),
        query: &canonical_query(request.uri.query().unwrap_or(""), ""),
        headers: &canonical_headers(&request.headers, names.iter().copied()),
        signed_headers: &signed_headers,
        payload_hash,
    };
    let date = &timestamp[..8];
    let scope = format!("{date}/{region}/{service}/aws4_request");
    let text = canonical.string_to_sign(&timestamp, &scope);
    let signature = hex::encode(signature(&credentials.secret_access_key, date, region, service, &text));
    let authorization = format!(
        "{ALGORITHM} Credential={}/{scope}, SignedHeaders={signed_headers}, Signature={signature}",
        credentials.access_key_id
    );
    if let Ok(value) = HeaderValue::from_str(&authorization) {
        request.headers.insert(AUTHORIZATION, value);
    }
}
