//! Checks a claim against the secret it says it was made with.

use http::{HeaderMap, HeaderName};
use ring::hmac;

use crate::canonical::{Canonical, canonical_headers, canonical_path, canonical_query, signing_key};
use crate::clock::format_basic;
use crate::{Claim, PayloadHash, SignatureError, SigningKeys};

/// How far the signature's time may be from ours.
const SKEW_MILLIS_MAX: i64 = 15 * 60 * 1_000;

/// The request as it arrived. Over HTTP/2 the caller adds `host` from `:authority` to the headers first.
pub struct SignedRequest<'a> {
    pub method: &'a str,
    /// As sent, still percent-encoded.
    pub path: &'a str,
    /// As sent, without the question mark.
    pub query: &'a str,
    pub headers: &'a HeaderMap,
    /// Of the body as received; `None` when the body is a stream that checks itself.
    pub body_sha256_hex: Option<&'a str>,
}

/// `Ok` when the signature was made with `secret` over this request, at a time near now.
pub fn verify(
    claim: &Claim,
    request: &SignedRequest<'_>,
    secret: &str,
    now_epoch_millis: i64,
) -> Result<(), SignatureError> {
    check_time(claim, now_epoch_millis)?;
    let key = signing_key(secret, &claim.date, &claim.region, &claim.service);
    check_signature(claim, request, &key)
}

/// As [`verify`], with the signing key taken from `keys` when it is there.
pub fn verify_with_keys(
    claim: &Claim,
    request: &SignedRequest<'_>,
    secret: &str,
    now_epoch_millis: i64,
    keys: &SigningKeys,
) -> Result<(), SignatureError> {
    check_time(claim, now_epoch_millis)?;
    let key = keys.get(secret, &claim.date, &claim.region, &claim.service);
    check_signature(claim, request, &key)
}

fn check_signature(
    claim: &Claim,
    request: &SignedRequest<'_>,
    key: &hmac::Key,
) -> Result<(), SignatureError> {
    check_signed_headers(claim, request.headers)?;
    let payload_hash = match (claim.payload_hash(), request.body_sha256_hex) {
        (PayloadHash::Sha256(claimed), Some(found)) if claimed != found => {
            return Err(SignatureError::PayloadMismatch);
        }
        (PayloadHash::Missing, _) if claim.is_presigned() && claim.service == "s3" => {
            "UNSIGNED-PAYLOAD".to_owned()
        }
        (PayloadHash::Missing, Some(found)) if claim.service != "s3" => found.to_owned(),
        (PayloadHash::Missing, _) => return Err(SignatureError::PayloadMissing),
        _ => claim.payload_text.clone().unwrap_or_default(),
    };
    let path = canonical_path(request.path, &claim.service);
    let left_out = if claim.is_presigned() { "X-Amz-Signature" } else { "" };
    let query = canonical_query(request.query, left_out);
    let headers = canonical_headers(request.headers, claim.signed_headers.split(';'));
    let canonical = Canonical {
        method: request.method,
        path: &path,
        query: &query,
        headers: &headers,
        signed_headers: &claim.signed_headers,
        payload_hash: &payload_hash,
    };
    let scope = format!("{}/{}/{}/aws4_request", claim.date, claim.region, claim.service);
    let text = canonical.string_to_sign(&claim.timestamp, &scope);
    let expected = hmac::sign(key, text.as_bytes());
    let claimed = hex::decode(&claim.signature).map_err(|_| SignatureError::Mismatch)?;
    if same(expected.as_ref(), &claimed) { Ok(()) } else { Err(SignatureError::Mismatch) }
}

/// Headers that AWS gives a meaning must be signed: who holds a presigned URL must not add an access control list to it.
/// The session token proves itself, and the hash of the payload is part of what is signed.
fn check_signed_headers(claim: &Claim, headers: &HeaderMap) -> Result<(), SignatureError> {
    const PROVEN: [&str; 2] = ["x-amz-security-token", "x-amz-content-sha256"];
    let unsigned = headers.keys().map(HeaderName::as_str).find(|name| {
        name.starts_with("x-amz-")
            && !PROVEN.contains(name)
            && !claim.signed_headers.split(';').any(|signed| signed == *name)
    });
    unsigned.map_or(Ok(()), |name| Err(SignatureError::UnsignedHeader(name.to_owned())))
}

fn check_time(claim: &Claim, now_epoch_millis: i64) -> Result<(), SignatureError> {
    let age_millis = now_epoch_millis - claim.signed_at_epoch_millis;
    if age_millis < -SKEW_MILLIS_MAX {
        return Err(SignatureError::NotYetCurrent {
            signed: claim.timestamp.clone(),
            latest: format_basic(now_epoch_millis + SKEW_MILLIS_MAX),
            now: format_basic(now_epoch_millis),
        });
    }
    match claim.presigned_seconds {
        Some(seconds) if age_millis > seconds * 1_000 => Err(SignatureError::PresignedExpired),
        None if age_millis > SKEW_MILLIS_MAX => Err(SignatureError::Expired {
            signed: claim.timestamp.clone(),
            earliest: format_basic(now_epoch_millis - SKEW_MILLIS_MAX),
            now: format_basic(now_epoch_millis),
        }),
        _ => Ok(()),
    }
}

/// Equality whose time depends on the lengths alone.
pub(crate) fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::sha256_hex;
    use crate::{Credentials, claim, sign};
    use http::Request;

    const NOW: i64 = 1_440_938_160_000;

    fn signed(uri: &str, service: &str, body: &[u8]) -> http::request::Parts {
        let request = Request::builder()
            .method("POST")
            .uri(uri)
            .header("host", "localhost:4566")
            .header("x-note", " a   b ");
        let mut parts = request.body(()).unwrap().into_parts().0;
        let credentials = Credentials {
            access_key_id: "AKID".into(),
            secret_access_key: "secret".into(),
            session_token: Some("t/+=".into()),
        };
        sign(&mut parts, body, &credentials, "eu-west-1", service, NOW);
        parts
    }

    fn check(
        parts: &http::request::Parts,
        body: &[u8],
        secret: &str,
        now: i64,
    ) -> Result<(), SignatureError> {
        let query = parts.uri.query().unwrap_or("");
        let claim = claim(&parts.headers, query)?.ok_or(SignatureError::Missing)?;
        let hash = sha256_hex(body);
        let request = SignedRequest {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query,
            headers: &parts.headers,
            body_sha256_hex: Some(&hash),
        };
        let keys = SigningKeys::default();
        let decided = verify(&claim, &request, secret, now);
        for _ in 0..2 {
            assert_eq!(verify_with_keys(&claim, &request, secret, now, &keys), decided);
        }
        decided
    }

    #[test]
    fn what_is_signed_verifies() {
        for service in ["lambda", "s3"] {
            for uri in [
                "/",
                "/a/b?x=1&a=%20&a",
                "/2015-03-31/functions/arn%3Aaws%3Alambda/invocations",
                "/a//b/../c/",
            ] {
                let parts = signed(uri, service, b"{}");
                assert_eq!(check(&parts, b"{}", "secret", NOW), Ok(()), "{service} {uri}");
            }
        }
    }

    #[test]
    fn any_change_is_noticed() {
        let parts = signed("/a?x=1", "lambda", b"{}");
        assert_eq!(check(&parts, b"{}", "other", NOW), Err(SignatureError::Mismatch));
        assert_eq!(check(&parts, b"{} ", "secret", NOW), Err(SignatureError::PayloadMismatch));
        let mut altered = parts.clone();
        altered.uri = "/a?x=2".parse().unwrap();
        assert_eq!(check(&altered, b"{}", "secret", NOW), Err(SignatureError::Mismatch));
        let mut altered = parts.clone();
        altered.headers.insert("x-note", "a c".parse().unwrap());
        assert_eq!(check(&altered, b"{}", "secret", NOW), Err(SignatureError::Mismatch));
        let mut altered = parts;
        altered.method = "PUT".parse().unwrap();
        assert_eq!(check(&altered, b"{}", "secret", NOW), Err(SignatureError::Mismatch));
    }

    #[test]
    fn headers_that_mean_something_must_be_signed() {
        let mut parts = signed("/a", "s3", b"{}");
        parts.headers.insert("x-amzn-trace-id", "Root=1-a-b".parse().unwrap());
        assert_eq!(check(&parts, b"{}", "secret", NOW), Ok(()));
        parts.headers.insert("x-amz-acl", "public-read".parse().unwrap());
        let refused = check(&parts, b"{}", "secret", NOW);
        assert_eq!(refused, Err(SignatureError::UnsignedHeader("x-amz-acl".into())));
    }

    #[test]
    fn the_window_is_fifteen_minutes_either_way() {
        let parts = signed("/", "lambda", b"");
        assert_eq!(check(&parts, b"", "secret", NOW + SKEW_MILLIS_MAX), Ok(()));
        assert!(matches!(
            check(&parts, b"", "secret", NOW + SKEW_MILLIS_MAX + 1),
            Err(SignatureError::Expired { .. })
        ));
        assert_eq!(check(&parts, b"", "secret", NOW - SKEW_MILLIS_MAX), Ok(()));
        let early = check(&parts, b"", "secret", NOW - SKEW_MILLIS_MAX - 1);
        assert!(matches!(early, Err(SignatureError::NotYetCurrent { .. })));
    }
}
