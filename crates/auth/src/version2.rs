//! Presigned URLs of Signature Version 2, which older S3 clients still make.
//!
//! Source: S3 user guide, "Signing and authenticating REST requests" (query string request authentication
//! alternative). Only S3 has ever accepted this form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use ring::hmac;

use crate::SignatureError;
use crate::canonical::percent_decode;
use crate::verify::same;

/// Parameters that belong to the resource, beside those that begin with `response-`.
const SUBRESOURCES: &[&str] = &[
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "delete",
    "encryption",
    "inventory",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "partNumber",
    "policy",
    "replication",
    "requestPayment",
    "restore",
    "retention",
    "select",
    "select-type",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
];

/// What a presigned query of version 2 says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version2Claim {
    access_key_id: String,
    signature: String,
    expires: String,
    session_token: Option<String>,
}

/// The parts of a request that version 2 signs.
#[derive(Clone, Copy, Debug)]
pub struct Version2Request<'a> {
    pub method: &'a str,
    /// As sent, still percent-encoded.
    pub path: &'a str,
    /// The bucket when the host names it, so that the path does not.
    pub bucket_in_host: Option<&'a str>,
    /// As sent, without the question mark.
    pub query: &'a str,
    pub headers: &'a HeaderMap,
}

impl Version2Claim {
    /// `None` when the query carries no such signature.
    pub fn from_query(query: &str) -> Result<Option<Self>, SignatureError> {
        let Some(access_key_id) = parameter(query, "AWSAccessKeyId") else { return Ok(None) };
        let (Some(signature), Some(expires)) = (parameter(query, "Signature"), parameter(query, "Expires"))
        else {
            return Err(SignatureError::Incomplete(
                "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters"
                    .into(),
            ));
        };
        let session_token = parameter(query, "x-amz-security-token");
        Ok(Some(Version2Claim { access_key_id, signature, expires, session_token }))
    }

    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    pub fn session_token(&self) -> Option<&str> {
        self.session_token.as_deref()
    }

    /// `Ok` when the signature was made with `secret` over this request and has not expired.
    pub fn verify(
        &self,
        request: &Version2Request<'_>,
        secret: &str,
        now_epoch_millis: i64,
    ) -> Result<(), SignatureError> {
        let expires: i64 = self.expires.parse().ok().filter(|seconds| *seconds >= 0).ok_or_else(|| {
            SignatureError::Incomplete(format!(
                "Invalid date (should be seconds since epoch): {}",
                self.expires
            ))
        })?;
        if now_epoch_millis > expires.saturating_mul(1_000) {
            return Err(SignatureError::PresignedExpired);
        }
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
        let expected = hmac::sign(&key, self.string_to_sign(request).as_bytes());
        let claimed = STANDARD.decode(&self.signature).map_err(|_| SignatureError::Mismatch)?;
        if same(expected.as_ref(), &claimed) { Ok(()) } else { Err(SignatureError::Mismatch) }
    }

    fn string_to_sign(&self, request: &Version2Request<'_>) -> String {
        let Version2Request { method, path, bucket_in_host, query, headers } = request;
        // Clients move headers they sign into the query.
        let either =
            |name: &str| header(headers, name).or_else(|| parameter(query, name)).unwrap_or_default();
        let mut amazon: Vec<(String, String)> = headers
            .keys()
            .map(|name| name.as_str())
            .filter(|name| name.starts_with("x-amz-"))
            .filter_map(|name| Some((name.to_owned(), header(headers, name)?)))
            .collect();
        for (name, value) in parameters(query) {
            let name = name.to_lowercase();
            if name.starts_with("x-amz-") && amazon.iter().all(|(known, _)| *known != name) {
                amazon.push((name, value.unwrap_or_default()));
            }
        }
        amazon.sort();
        let amazon: String = amazon.into_iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let bucket = bucket_in_host.map(|bucket| format!("/{bucket}")).unwrap_or_default();
        let mut subresources: Vec<_> = parameters(query)
            .filter(|(name, _)| SUBRESOURCES.contains(name) || name.starts_with("response-"))
            .collect();
        subresources.sort();
        let mut resource = format!("{bucket}{path}");
        for (index, (name, value)) in subresources.into_iter().enumerate() {
            resource.push(if index == 0 { '?' } else { '&' });
            resource.push_str(name);
            if let Some(value) = value {
                resource.push('=');
                resource.push_str(&value);
            }
        }
        let (md5, content_type) = (either("content-md5"), either("content-type"));
        format!("{method}\n{md5}\n{content_type}\n{}\n{amazon}{resource}", self.expires)
    }
}

/// All values of a header, joined by commas.
fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Vec<_> =
        headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    (!values.is_empty()).then(|| values.iter().map(|value| value.trim()).collect::<Vec<_>>().join(","))
}

fn parameters(query: &str) -> impl Iterator<Item = (&str, Option<String>)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| match pair.split_once('=') {
        Some((name, value)) => (name, Some(String::from_utf8_lossy(&percent_decode(value)).into_owned())),
        None => (pair, None),
    })
}

fn parameter(query: &str, name: &str) -> Option<String> {
    parameters(query).find(|(found, _)| *found == name).map(|(_, value)| value.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    const BEFORE_EPOCH_MILLIS: i64 = 1_175_139_620_000;

    fn check(query: &str, path: &str, bucket: Option<&str>, now: i64) -> Result<(), SignatureError> {
        let claim = Version2Claim::from_query(query)?.ok_or(SignatureError::Missing)?;
        let headers = HeaderMap::new();
        let request =
            Version2Request { method: "GET", path, bucket_in_host: bucket, query, headers: &headers };
        claim.verify(&request, SECRET, now)
    }

    fn query(signature: &str) -> String {
        format!("AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature={signature}&Expires=1175139620")
    }

    /// The example of the guide: a photo in the bucket `johnsmith`.
    #[test]
    fn the_published_example_verifies() {
        let query = query("NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D");
        let path = "/photos/puppy.jpg";
        assert_eq!(check(&query, path, Some("johnsmith"), BEFORE_EPOCH_MILLIS), Ok(()));
        assert_eq!(check(&query, "/johnsmith/photos/puppy.jpg", None, BEFORE_EPOCH_MILLIS), Ok(()));
        let late = check(&query, path, Some("johnsmith"), BEFORE_EPOCH_MILLIS + 1);
        assert_eq!(late, Err(SignatureError::PresignedExpired));
    }

    #[test]
    fn any_change_is_noticed() {
        let good = query("NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D");
        for (query, path) in [
            (good.clone(), "/johnsmith/photos/other.jpg"),
            (format!("{good}&acl"), "/johnsmith/photos/puppy.jpg"),
            (format!("{good}&response-content-type=a"), "/johnsmith/photos/puppy.jpg"),
            (format!("{good}&x-amz-security-token=a"), "/johnsmith/photos/puppy.jpg"),
            (good.replace("1175139620", "1175139621"), "/johnsmith/photos/puppy.jpg"),
            (query("bm9uZQ%3D%3D"), "/johnsmith/photos/puppy.jpg"),
            (query("%%"), "/johnsmith/photos/puppy.jpg"),
        ] {
            assert_eq!(check(&query, path, None, 0), Err(SignatureError::Mismatch), "{query}");
        }
        let incomplete = check("AWSAccessKeyId=a&Expires=1", "/", None, 0);
        assert!(matches!(incomplete, Err(SignatureError::Incomplete(_))));
        let unreadable = check("AWSAccessKeyId=a&Signature=b&Expires=x", "/", None, 0);
        assert!(matches!(unreadable, Err(SignatureError::Incomplete(_))));
        assert_eq!(Version2Claim::from_query("a=b"), Ok(None));
    }
}
