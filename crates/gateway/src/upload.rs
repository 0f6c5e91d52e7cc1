//! Streaming payloads on their way in: unframed, counted, and checked at their end.
//!
//! What is wrong with a payload shows when its last byte is there, so it is the last item of the stream: an operation
//! that commits only after the stream has ended well commits nothing that was altered on the way.

use auth::{ChunkedBody, ChunkedError, Dialect, PayloadHash, SignatureError};
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use hyper::body::{Body as _, Incoming};
use ring::digest;
use service::{ByteStream, Failure, Trailers};

use crate::body;
use crate::identity::Proof;
use crate::limits::STREAM_BYTES_MAX;
use crate::request::{header, header_named};

const SHA256_HEX_CHARS: usize = 64;
const CHUNKED: &str = "aws-chunked";

/// A streaming payload and what is known of it before it is read.
pub(crate) struct Upload {
    pub(crate) stream: ByteStream,
    pub(crate) length: Option<u64>,
    pub(crate) trailers: Trailers,
}

/// How the bytes as received become the payload.
enum Check {
    Nothing,
    Sha256 { claimed: String, found: Box<digest::Context> },
    Chunked(Box<ChunkedBody>),
}

impl Upload {
    /// `proof` is what the signature was verified with; without it (in development, and where no signature is needed)
    /// signatures of chunks cannot be checked, everything else is.
    pub(crate) fn new(body: Incoming, headers: &HeaderMap, proof: Option<&Proof>) -> Result<Self, Failure> {
        let payload = payload_of(headers, proof);
        let length = match payload.is_chunked() {
            true => Some(decoded_length(headers)?),
            false => body.size_hint().exact(),
        };
        if length.is_some_and(|bytes| bytes > STREAM_BYTES_MAX) {
            return Err(too_large());
        }
        let trailers = Trailers::default();
        let stream = checked(body, Check::of(payload, headers, proof, length)?, trailers.clone());
        Ok(Upload { stream, length, trailers })
    }
}

/// Takes the framing off a body that was read whole.
pub(crate) fn unframed(body: Bytes, headers: &HeaderMap, proof: Option<&Proof>) -> Result<Bytes, Failure> {
    let payload = payload_of(headers, proof);
    if !payload.is_chunked() {
        return Ok(body);
    }
    match Check::of(payload, headers, proof, Some(decoded_length(headers)?))? {
        Check::Chunked(mut chunked) => {
            let mut decoded = Vec::with_capacity(body.len());
            chunked.push(&body, &mut decoded).map_err(refused)?;
            chunked.finish().map_err(refused)?;
            Ok(decoded.into())
        }
        Check::Nothing | Check::Sha256 { .. } => Ok(body),
    }
}

/// `aws-chunked` is the way a payload travels and no property of what it is.
pub(crate) fn forget_framing(headers: &mut HeaderMap) {
    let encodings = header(headers, &CONTENT_ENCODING);
    if !encodings.contains(CHUNKED) {
        return;
    }
    let kept: Vec<&str> =
        encodings.split(',').map(str::trim).filter(|encoding| *encoding != CHUNKED).collect();
    match kept.join(",").parse() {
        Ok(encodings) if !kept.is_empty() => headers.insert(CONTENT_ENCODING, encodings),
        _ => headers.remove(CONTENT_ENCODING),
    };
}

impl Check {
    fn of(
        payload: PayloadHash,
        headers: &HeaderMap,
        proof: Option<&Proof>,
        length: Option<u64>,
    ) -> Result<Self, Failure> {
        let trailer = header_named(headers, "x-amz-trailer");
        let trailer = (!trailer.is_empty()).then_some(trailer);
        let chunked = match proof {
            Some(proof) => ChunkedBody::new(&proof.claim, &proof.secret, trailer, length),
            None => ChunkedBody::unchecked(&payload, trailer, length),
        };
        match (chunked, payload) {
            (Some(chunked), _) => Ok(Check::Chunked(Box::new(chunked.map_err(refused)?))),
            (None, PayloadHash::Sha256(claimed)) if is_sha256(&claimed) => {
                Ok(Check::Sha256 { claimed, found: Box::new(digest::Context::new(&digest::SHA256)) })
            }
            (None, PayloadHash::Sha256(_)) => Err(Failure::new(
                "InvalidArgument",
                400,
                "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, \
                 STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, or a valid sha256 value.",
            )),
            (None, _) => Ok(Check::Nothing),
        }
    }

    fn take(&mut self, received: Bytes) -> Result<Bytes, Failure> {
        match self {
            Check::Nothing => Ok(received),
            Check::Sha256 { found, .. } => {
                found.update(&received);
                Ok(received)
            }
            Check::Chunked(chunked) => {
                let mut decoded = Vec::with_capacity(received.len());
                chunked.push(&received, &mut decoded).map_err(refused)?;
                Ok(decoded.into())
            }
        }
    }

    fn finish(self, trailers: &Trailers) -> Result<(), Failure> {
        match self {
            Check::Nothing => Ok(()),
            Check::Sha256 { claimed, found } => {
                if hex::encode(found.finish()) == claimed {
                    return Ok(());
                }
                let error = SignatureError::PayloadMismatch;
                Err(Failure::new(error.code(Dialect::S3), error.status(Dialect::S3), error.to_string()))
            }
            Check::Chunked(chunked) => {
                trailers.set(chunked.finish().map_err(refused)?);
                Ok(())
            }
        }
    }
}

struct Reading {
    pieces: ByteStream,
    check: Check,
    bytes: u64,
}

fn checked(body: Incoming, check: Check, trailers: Trailers) -> ByteStream {
    use futures_util::StreamExt as _;
    let reading = Reading { pieces: body::stream(body), check, bytes: 0 };
    Box::pin(futures_util::stream::unfold(Some(reading), move |reading| {
        let trailers = trailers.clone();
        async move {
            let mut reading = reading?;
            loop {
                let taken = match reading.pieces.next().await {
                    Some(piece) => piece.and_then(|received| reading.check.take(received)),
                    None => return reading.check.finish(&trailers).err().map(|failure| (Err(failure), None)),
                };
                match taken {
                    // Framing alone.
                    Ok(bytes) if bytes.is_empty() => {}
                    Ok(bytes) => {
                        reading.bytes += bytes.len() as u64;
                        if reading.bytes > STREAM_BYTES_MAX {
                            return Some((Err(too_large()), None));
                        }
                        return Some((Ok(bytes), Some(reading)));
                    }
                    Err(failure) => return Some((Err(failure), None)),
                }
            }
        }
    }))
}

fn payload_of(headers: &HeaderMap, proof: Option<&Proof>) -> PayloadHash {
    match proof {
        Some(proof) => proof.claim.payload_hash(),
        None => {
            let text = header_named(headers, "x-amz-content-sha256");
            PayloadHash::of((!text.is_empty()).then_some(text))
        }
    }
}

fn decoded_length(headers: &HeaderMap) -> Result<u64, Failure> {
    let text = header_named(headers, "x-amz-decoded-content-length");
    if text.is_empty() {
        let message = "You must provide the Content-Length HTTP header.";
        return Err(Failure::new("MissingContentLength", 411, message));
    }
    text.parse().map_err(|_| {
        Failure::new("InvalidArgument", 400, "x-amz-decoded-content-length must be a number of bytes.")
    })
}

fn is_sha256(text: &str) -> bool {
    text.len() == SHA256_HEX_CHARS
        && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn refused(error: ChunkedError) -> Failure {
    Failure::new(error.code(), error.status(), error.to_string())
}

fn too_large() -> Failure {
    Failure::new("EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_framing_is_no_property_of_the_content() {
        for (sent, kept) in
            [("aws-chunked", None), ("aws-chunked,gzip", Some("gzip")), ("gzip, br", Some("gzip, br"))]
        {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_ENCODING, sent.parse().unwrap());
            forget_framing(&mut headers);
            let found = headers.get(CONTENT_ENCODING).map(|value| value.to_str().unwrap());
            assert_eq!(found, kept, "{sent}");
        }
    }
}
