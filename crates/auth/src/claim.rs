//! What the signature of a request says about itself, before anything is checked.

use http::HeaderMap;

use crate::SignatureError;
use crate::canonical::{ALGORITHM, percent_decode};
use crate::clock::parse_basic;

/// Longest presigned validity: seven days.
const PRESIGNED_SECONDS_MAX: i64 = 604_800;
const SIGNED_HEADERS_MAX: usize = 100;
const STREAMING_FORMS: [&str; 3] = [
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
];

/// How the body takes part in the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayloadHash {
    /// Lower-case hexadecimal SHA-256 of the body.
    Sha256(String),
    Unsigned,
    /// `STREAMING-AWS4-HMAC-SHA256-PAYLOAD`: each chunk carries a signature.
    StreamingSigned,
    /// `STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER`: the trailers carry one too.
    StreamingSignedTrailer,
    /// `STREAMING-UNSIGNED-PAYLOAD-TRAILER`.
    StreamingUnsignedTrailer,
    /// No `x-amz-content-sha256` header: the hash of the body is meant.
    Missing,
}

/// The parts of a Signature Version 4, from the `Authorization` header or from a presigned query.
#[derive(Clone, Debug)]
pub struct Claim {
    pub(crate) access_key_id: String,
    pub(crate) date: String,
    pub(crate) region: String,
    pub(crate) service: String,
    pub(crate) signed_headers: String,
    pub(crate) signature: String,
    pub(crate) timestamp: String,
    pub(crate) signed_at_epoch_millis: i64,
    pub(crate) session_token: Option<String>,
    pub(crate) presigned_seconds: Option<i64>,
    pub(crate) payload_text: Option<String>,
}

impl PayloadHash {
    /// What a value of `x-amz-content-sha256` means.
    pub fn of(text: Option<&str>) -> Self {
        match text {
            None => PayloadHash::Missing,
            Some("UNSIGNED-PAYLOAD") => PayloadHash::Unsigned,
            Some("STREAMING-UNSIGNED-PAYLOAD-TRAILER") => PayloadHash::StreamingUnsignedTrailer,
            Some("STREAMING-AWS4-HMAC-SHA256-PAYLOAD") => PayloadHash::StreamingSigned,
            Some("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER") => PayloadHash::StreamingSignedTrailer,
            Some(text) => PayloadHash::Sha256(text.to_owned()),
        }
    }

    /// Whether the body is in `aws-chunked` framing.
    pub fn is_chunked(&self) -> bool {
        matches!(
            self,
            PayloadHash::StreamingSigned
                | PayloadHash::StreamingSignedTrailer
                | PayloadHash::StreamingUnsignedTrailer
        )
    }
}

impl Claim {
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    pub fn region(&self) -> &str {
        &self.region
    }

    pub fn service(&self) -> &str {
        &self.service
    }

    pub fn session_token(&self) -> Option<&str> {
        self.session_token.as_deref()
    }

    /// Whether the hash of the body takes part in the signature.
    pub fn signs_body_hash(&self) -> bool {
        matches!(self.payload_hash(), PayloadHash::Sha256(_) | PayloadHash::Missing)
    }

    pub fn is_presigned(&self) -> bool {
        self.presigned_seconds.is_some()
    }

    pub fn payload_hash(&self) -> PayloadHash {
        PayloadHash::of(self.payload_text.as_deref())
    }
}

/// The signature algorithm of a request, where it is one of AWS that Cloudling does not verify: SigV4a, whose keys are
/// of elliptic curves.
pub fn unsupported_algorithm(headers: &HeaderMap, query: &str) -> Option<String> {
    let named = match header(headers, "authorization") {
        Some(text) => text.split(' ').next().unwrap_or_default(),
        None => query.split('&').find_map(|pair| pair.strip_prefix("X-Amz-Algorithm=")).unwrap_or_default(),
    };
    let is_other = named.starts_with("AWS4-") && named != ALGORITHM;
    is_other.then(|| named.to_owned())
}

/// Reads the signature of a request; `None` when it carries none.
pub fn claim(headers: &HeaderMap, query: &str) -> Result<Option<Claim>, SignatureError> {
    if let Some(value) = headers.get(http::header::AUTHORIZATION) {
        let text = value.to_str().map_err(|_| incomplete("Authorization header is not readable."))?;
        // Other schemes (Bearer, Basic) belong to the application behind a function URL.
        return if text.starts_with("AWS") { from_header(headers, text).map(Some) } else { Ok(None) };
    }
    if query.contains("X-Amz-Algorithm=") { from_query(headers, query).map(Some) } else { Ok(None) }
}

fn from_header(headers: &HeaderMap, authorization: &str) -> Result<Claim, SignatureError> {
    let (algorithm, rest) = authorization.split_once(' ').unwrap_or((authorization, ""));
    if algorithm != ALGORITHM {
        return Err(SignatureError::Algorithm(algorithm.to_owned()));
    }
    let field = |name: &str| {
        rest.split(',')
            .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
            .filter(|value| !value.is_empty())
    };
    let missing: Vec<String> = ["Credential", "Signature", "SignedHeaders"]
        .iter()
        .filter(|name| field(name).is_none())
        .map(|name| format!("Authorization header requires '{name}' parameter."))
        .collect();
    let (Some(credential), Some(signature), Some(signed_headers)) =
        (field("Credential"), field("Signature"), field("SignedHeaders"))
    else {
        return Err(SignatureError::Incomplete(missing.join(" ")));
    };
    let timestamp = header(headers, "x-amz-date").ok_or_else(|| {
        incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    })?;
    build(Parts {
        credential,
        signature,
        signed_headers,
        timestamp,
        session_token: header(headers, "x-amz-security-token").map(str::to_owned),
        presigned_seconds: None,
        payload_text: header(headers, "x-amz-content-sha256").map(str::to_owned),
    })
}

fn from_query(headers: &HeaderMap, query: &str) -> Result<Claim, SignatureError> {
    let parameter = |name: &str| {
        query
            .split('&')
            .find_map(|pair| pair.split_once('=').filter(|(found, _)| *found == name))
            .map(|(_, value)| String::from_utf8_lossy(&percent_decode(value)).into_owned())
    };
    let required = |name: &str| {
        parameter(name).filter(|value| !value.is_empty()).ok_or_else(|| {
            incomplete(&format!(
                "AWS query-string parameters must include '{name}'. Re-examine the query-string parameters."
            ))
        })
    };
    let algorithm = required("X-Amz-Algorithm")?;
    if algorithm != ALGORITHM {
        return Err(SignatureError::Algorithm(algorithm));
    }
    let seconds: i64 = required("X-Amz-Expires")?
        .parse()
        .ok()
        .filter(|seconds| (0..=PRESIGNED_SECONDS_MAX).contains(seconds))
        .ok_or_else(|| incomplete("X-Amz-Expires must be a number between 0 and 604800 seconds."))?;
    let payload = parameter("X-Amz-Content-Sha256")
        .or_else(|| header(headers, "x-amz-content-sha256").map(str::to_owned));
    build(Parts {
        credential: &required("X-Amz-Credential")?,
        signature: &required("X-Amz-Signature")?,
        signed_headers: &required("X-Amz-SignedHeaders")?,
        timestamp: &required("X-Amz-Date")?,
        session_token: parameter("X-Amz-Security-Token"),
        presigned_seconds: Some(seconds),
        payload_text: payload,
    })
}

struct Parts<'a> {
    credential: &'a str,
    signature: &'a str,
    signed_headers: &'a str,
    timestamp: &'a str,
    session_token: Option<String>,
    presigned_seconds: Option<i64>,
    payload_text: Option<String>,
}

fn build(parts: Parts<'_>) -> Result<Claim, SignatureError> {
    let fields: Vec<&str> = parts.credential.split('/').collect();
    let [access_key_id, date, region, service, "aws4_request"] = fields[..] else {
        return Err(incomplete(&format!(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{}'",
            parts.credential
        )));
    };
    let signed_at_epoch_millis = parse_basic(parts.timestamp).ok_or_else(|| {
        incomplete("Date must be in ISO-8601 'basic format'. Got a date that is not readable.")
    })?;
    if !parts.timestamp.starts_with(date) || date.len() != 8 {
        return Err(incomplete(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.",
        ));
    }
    // The other streaming forms are those of SigV4a, whose chunks are signed with another algorithm.
    match &parts.payload_text {
        Some(text) if text.starts_with("STREAMING-") && !STREAMING_FORMS.contains(&text.as_str()) => {
            return Err(SignatureError::Algorithm(text.clone()));
        }
        _ => {}
    }
    let names = parts.signed_headers.split(';');
    if parts.signed_headers.is_empty() || names.clone().count() > SIGNED_HEADERS_MAX {
        return Err(incomplete("SignedHeaders lists no header or too many."));
    }
    if names
        .clone()
        .any(|name| name.is_empty() || name.bytes().any(|byte| byte.is_ascii_uppercase() || byte <= b' '))
    {
        return Err(incomplete("SignedHeaders must be lower-case header names."));
    }
    if !names.clone().any(|name| name == "host" || name == ":authority") {
        return Err(incomplete("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."));
    }
    Ok(Claim {
        access_key_id: access_key_id.to_owned(),
        date: date.to_owned(),
        region: region.to_owned(),
        service: service.to_owned(),
        signed_headers: parts.signed_headers.to_owned(),
        signature: parts.signature.to_owned(),
        timestamp: parts.timestamp.to_owned(),
        signed_at_epoch_millis,
        session_token: parts.session_token,
        presigned_seconds: parts.presigned_seconds,
        payload_text: parts.payload_text,
    })
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn incomplete(message: &str) -> SignatureError {
    SignatureError::Incomplete(message.to_owned())
}
