//! What a request to S3 claims of a body that is a document: `Content-MD5` and `x-amz-checksum-…`.
//!
//! Payloads of objects are streams; what is claimed of them is checked by the operation that receives them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use service::Failure;
use wire::{ChecksumAlgorithm, OperationModel};

use crate::request::header_named;

/// Operations that S3 refuses without any digest. The model says it of more, which S3 does take without.
const NEED_A_DIGEST: [&str; 8] = [
    "DeleteObjects",
    "PutBucketCors",
    "PutBucketLifecycleConfiguration",
    "PutBucketReplication",
    "PutBucketTagging",
    "PutObjectLegalHold",
    "PutObjectLockConfiguration",
    "PutObjectRetention",
];

/// `body` is without its framing; trailers were checked with it.
pub(crate) fn check(operation: &OperationModel, headers: &HeaderMap, body: &[u8]) -> Result<(), Failure> {
    let mut has_digest = !header_named(headers, "x-amz-trailer").is_empty();
    if let Some(claimed) = headers.get("content-md5") {
        has_digest = true;
        let claimed = claimed.to_str().unwrap_or_default();
        if !ChecksumAlgorithm::Md5.fits(claimed) {
            return Err(Failure::new("InvalidDigest", 400, "The Content-MD5 you specified was invalid."));
        }
        if ChecksumAlgorithm::Md5.of(body) != normal(claimed) {
            let text = "The Content-MD5 you specified did not match what we received.";
            return Err(Failure::new("BadDigest", 400, text));
        }
    }
    // Elsewhere these headers are about the object, as where an upload is completed.
    if operation.is_checksum_required() {
        for (name, claimed) in headers {
            let Some(algorithm) = ChecksumAlgorithm::of_header(name.as_str()) else { continue };
            has_digest = true;
            let claimed = claimed.to_str().unwrap_or_default();
            if !algorithm.fits(claimed) {
                let text = format!("Value for {name} header is invalid.");
                return Err(Failure::new("InvalidRequest", 400, text));
            }
            if algorithm.of(body) != normal(claimed) {
                let text =
                    format!("The {} you specified did not match the calculated checksum.", algorithm.name());
                return Err(Failure::new("BadDigest", 400, text));
            }
        }
    }
    if !has_digest && NEED_A_DIGEST.contains(&operation.name()) {
        let text = "Missing required header for this request: Content-MD5 OR x-amz-checksum-*";
        return Err(Failure::new("InvalidRequest", 400, text));
    }
    Ok(())
}

/// Base64 has several spellings of the same bytes.
fn normal(claimed: &str) -> String {
    STANDARD.decode(claimed).map(|bytes| STANDARD.encode(bytes)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(operation: &str, headers: &[(&'static str, &str)]) -> String {
        let headers = headers.iter().map(|(name, value)| {
            (http::HeaderName::from_static(name), http::HeaderValue::from_str(value).unwrap())
        });
        let operation = wire::model("s3").unwrap().operation(operation).unwrap();
        match check(operation, &headers.collect(), b"123456789") {
            Ok(()) => "fine".to_owned(),
            Err(failure) => failure.code().to_owned(),
        }
    }

    #[test]
    fn digests_of_documents_are_checked() {
        let put = "PutBucketPolicy";
        assert_eq!(said(put, &[]), "fine");
        assert_eq!(said("DeleteObjects", &[]), "InvalidRequest");
        assert_eq!(said("DeleteObjects", &[("content-md5", "JfnnlDI7RTiF9RgfG2JNCw==")]), "fine");
        assert_eq!(said("DeleteObjects", &[("x-amz-trailer", "x-amz-checksum-crc32")]), "fine");
        assert_eq!(said("DeleteObjects", &[("x-amz-checksum-crc32", "y/Q5Jg==")]), "fine");
        assert_eq!(said(put, &[("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")]), "BadDigest");
        assert_eq!(said(put, &[("content-md5", "nonsense")]), "InvalidDigest");
        assert_eq!(said(put, &[("x-amz-checksum-crc32", "AAAAAA==")]), "BadDigest");
        assert_eq!(said(put, &[("x-amz-checksum-crc32", "AAAA")]), "InvalidRequest");
        assert_eq!(said(put, &[("x-amz-checksum-type", "FULL_OBJECT")]), "fine");
        assert_eq!(said("CompleteMultipartUpload", &[("x-amz-checksum-crc32", "AAAAAA==")]), "fine");
    }
}
