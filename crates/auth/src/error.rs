//! Why a signature is refused, in the words and codes of AWS.
//!
//! The codes differ by protocol family: see "Common Errors" of a JSON service (DynamoDB), of a Query service (STS),
//! and "Error responses" of S3.

/// Which family of error codes the client's protocol uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// JSON, REST-JSON and CBOR services.
    Json,
    /// Query services.
    Query,
    S3,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The Authorization header or the presigned query lacks a part or is not readable.
    #[error("{0}")]
    Incomplete(String),
    #[error("Missing Authentication Token")]
    Missing,
    /// The access key is not known, or its session token does not belong to it.
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    #[error("The security token included in the request is expired")]
    ExpiredToken,
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
         Access Key and signing method. Consult the service documentation for details."
    )]
    Mismatch,
    /// The date of the signature is too far from now.
    #[error("Signature expired: {signed} is now earlier than {earliest} ({now} - 15 min.)")]
    Expired { signed: String, earliest: String, now: String },
    #[error("Signature not yet current: {signed} is still later than {latest} ({now} + 15 min.)")]
    NotYetCurrent { signed: String, latest: String, now: String },
    #[error("Request has expired")]
    PresignedExpired,
    #[error("The provided 'x-amz-content-sha256' header does not match what was computed.")]
    PayloadMismatch,
    /// S3 wants to know how the body takes part in the signature, and nobody can tell for a body that is streamed.
    #[error("Missing required header for this request: x-amz-content-sha256")]
    PayloadMissing,
    /// A header that changes what the request means was added to it unsigned.
    #[error("'{0}' must be a 'SignedHeader' in the AWS Authorization.")]
    UnsignedHeader(String),
    #[error("Credential should be scoped to correct service: '{expected}'.")]
    WrongService { expected: String },
    /// An algorithm Cloudling does not verify, such as SigV4a.
    #[error("Unsupported signature algorithm {0}: sign with AWS4-HMAC-SHA256.")]
    Algorithm(String),
}

impl SignatureError {
    pub fn code(&self, dialect: Dialect) -> &'static str {
        use Dialect::{Json, Query, S3};
        match (self, dialect) {
            (SignatureError::Incomplete(_), Json) => "IncompleteSignatureException",
            (SignatureError::Incomplete(_), Query) => "IncompleteSignature",
            (SignatureError::Incomplete(_), S3) => "AuthorizationHeaderMalformed",
            (SignatureError::Missing, Json) => "MissingAuthenticationTokenException",
            (SignatureError::Missing, Query) => "MissingAuthenticationToken",
            (SignatureError::Missing, S3) => "AccessDenied",
            (SignatureError::UnknownKey, Json) => "UnrecognizedClientException",
            (SignatureError::UnknownKey, Query) => "InvalidClientTokenId",
            (SignatureError::UnknownKey, S3) => "InvalidAccessKeyId",
            (SignatureError::ExpiredToken, Json) => "ExpiredTokenException",
            (SignatureError::ExpiredToken, Query | S3) => "ExpiredToken",
            (SignatureError::UnsignedHeader(_), Json) => "InvalidSignatureException",
            (SignatureError::UnsignedHeader(_), Query) => "SignatureDoesNotMatch",
            (SignatureError::UnsignedHeader(_), S3) => "AccessDenied",
            (SignatureError::WrongService { .. }, Json) => "InvalidSignatureException",
            (SignatureError::WrongService { .. }, Query) => "SignatureDoesNotMatch",
            (SignatureError::WrongService { .. }, S3) => "AuthorizationHeaderMalformed",
            (SignatureError::Mismatch, Json) => "InvalidSignatureException",
            (SignatureError::Mismatch, Query | S3) => "SignatureDoesNotMatch",
            (SignatureError::Expired { .. } | SignatureError::NotYetCurrent { .. }, Json) => {
                "InvalidSignatureException"
            }
            (SignatureError::Expired { .. } | SignatureError::NotYetCurrent { .. }, Query) => {
                "SignatureDoesNotMatch"
            }
            (SignatureError::Expired { .. } | SignatureError::NotYetCurrent { .. }, S3) => {
                "RequestTimeTooSkewed"
            }
            (SignatureError::PresignedExpired, Json) => "InvalidSignatureException",
            (SignatureError::PresignedExpired, Query | S3) => "AccessDenied",
            (SignatureError::PayloadMismatch, Json) => "InvalidSignatureException",
            (SignatureError::PayloadMismatch, Query) => "SignatureDoesNotMatch",
            (SignatureError::PayloadMismatch, S3) => "XAmzContentSHA256Mismatch",
            (SignatureError::PayloadMissing, _) => "InvalidRequest",
            (SignatureError::Algorithm(_), Json) => "IncompleteSignatureException",
            (SignatureError::Algorithm(_), Query) => "IncompleteSignature",
            (SignatureError::Algorithm(_), S3) => "InvalidRequest",
        }
    }

    /// What the client reads.
    pub fn text(&self, dialect: Dialect) -> String {
        match (self, dialect) {
            (SignatureError::UnknownKey, Dialect::S3) => {
                "The AWS Access Key Id you provided does not exist in our records.".into()
            }
            (SignatureError::ExpiredToken, Dialect::S3) => "The provided token has expired.".into(),
            (SignatureError::Mismatch, Dialect::S3) => {
                "The request signature we calculated does not match the signature you provided. Check your key and \
                 signing method."
                    .into()
            }
            (SignatureError::Expired { .. } | SignatureError::NotYetCurrent { .. }, Dialect::S3) => {
                "The difference between the request time and the current time is too large.".into()
            }
            (SignatureError::UnsignedHeader(_), Dialect::S3) => {
                "There were headers present in the request which were not signed".into()
            }
            (SignatureError::Missing, Dialect::S3) => "Access Denied".into(),
            _ => self.to_string(),
        }
    }

    pub fn status(&self, dialect: Dialect) -> u16 {
        match (self, dialect) {
            (
                SignatureError::Incomplete(_)
                | SignatureError::Algorithm(_)
                | SignatureError::PayloadMismatch
                | SignatureError::PayloadMissing,
                _,
            ) => 400,
            (SignatureError::ExpiredToken, Dialect::S3) => 400,
            _ => 403,
        }
    }
}
