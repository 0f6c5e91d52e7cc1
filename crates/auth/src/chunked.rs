//! Bodies in `aws-chunked` framing, decoded and checked piece by piece.
//!
//! Source: S3 API reference, "Signature calculations for the Authorization header: transferring payload in multiple
//! chunks" and "Signature calculations for trailing headers". Data is handed on as it arrives so that memory stays
//! flat; nothing of it may be kept for good before [`ChunkedBody::finish`] says so.

use ring::{digest, hmac};
use wire::{Checksum, ChecksumAlgorithm};

use crate::canonical::{sha256_hex, signing_key};
use crate::verify::same;
use crate::{Claim, PayloadHash};

/// The largest single upload of S3; some clients send a whole body as one chunk.
const CHUNK_BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024;
const LINE_BYTES_MAX: usize = 1_024;
const TRAILERS_MAX: usize = 8;
const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

/// Why a chunked body is refused, with the codes of S3.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChunkedError {
    #[error("The request body is not in aws-chunked framing: {0}")]
    Framing(&'static str),
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your key and signing \
         method."
    )]
    Signature,
    #[error("You did not provide the number of bytes specified by the Content-Length HTTP header")]
    Length,
    #[error(
        "The request contained trailing data that was not well-formed or did not conform to our published schema."
    )]
    Trailer,
    #[error("The {0} you specified did not match the calculated checksum.")]
    Checksum(&'static str),
}

impl ChunkedError {
    pub fn code(&self) -> &'static str {
        match self {
            ChunkedError::Framing(_) => "InvalidRequest",
            ChunkedError::Signature => "SignatureDoesNotMatch",
            ChunkedError::Length => "IncompleteBody",
            ChunkedError::Trailer => "MalformedTrailerError",
            ChunkedError::Checksum(_) => "BadDigest",
        }
    }

    pub fn status(&self) -> u16 {
        if *self == ChunkedError::Signature { 403 } else { 400 }
    }
}

/// A chunked body on its way in.
pub struct ChunkedBody {
    signing: Signing,
    /// Of `x-amz-trailer`, in lower case.
    declared: Vec<String>,
    trailers: Vec<(String, String)>,
    trailer_signature: Option<String>,
    checksums: Vec<Checksum>,
    decoded_bytes: u64,
    decoded_bytes_expected: Option<u64>,
    line: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Header,
    Data {
        remaining_bytes: u64,
    },
    /// The line end after a chunk's data.
    DataEnd,
    Trailers,
    Done,
}

enum Signing {
    Unsigned,
    /// There are signatures, and no secret to check them with.
    Unchecked,
    Checked(Box<Signatures>),
}

struct Signatures {
    key: hmac::Key,
    timestamp: String,
    scope: String,
    previous: String,
    /// What the chunk being read claims, and its data so far.
    claimed: String,
    hash: digest::Context,
}

impl ChunkedBody {
    /// `None` when the payload is not one of the chunked forms. `claim` must have been verified: its signature is the
    /// seed. `trailer` is the `x-amz-trailer` header, `decoded_bytes` the `x-amz-decoded-content-length`.
    pub fn new(
        claim: &Claim,
        secret: &str,
        trailer: Option<&str>,
        decoded_bytes: Option<u64>,
    ) -> Option<Result<Self, ChunkedError>> {
        let signatures = || {
            Signing::Checked(Box::new(Signatures {
                key: signing_key(secret, &claim.date, &claim.region, &claim.service),
                timestamp: claim.timestamp.clone(),
                scope: format!("{}/{}/{}/aws4_request", claim.date, claim.region, claim.service),
                previous: claim.signature.clone(),
                claimed: String::new(),
                hash: digest::Context::new(&digest::SHA256),
            }))
        };
        Self::with(&claim.payload_hash(), signatures, trailer, decoded_bytes)
    }

    /// As [`ChunkedBody::new`] where the secret is not known: signatures are read over, everything else is checked.
    pub fn unchecked(
        payload: &PayloadHash,
        trailer: Option<&str>,
        decoded_bytes: Option<u64>,
    ) -> Option<Result<Self, ChunkedError>> {
        Self::with(payload, || Signing::Unchecked, trailer, decoded_bytes)
    }

    fn with(
        payload: &PayloadHash,
        signatures: impl FnOnce() -> Signing,
        trailer: Option<&str>,
        decoded_bytes: Option<u64>,
    ) -> Option<Result<Self, ChunkedError>> {
        let (signing, with_trailer) = match payload {
            PayloadHash::StreamingSigned => (signatures(), false),
            PayloadHash::StreamingSignedTrailer => (signatures(), true),
            PayloadHash::StreamingUnsignedTrailer => (Signing::Unsigned, true),
            PayloadHash::Sha256(_) | PayloadHash::Unsigned | PayloadHash::Missing => return None,
        };
        let declared: Vec<String> = trailer
            .filter(|_| with_trailer)
            .unwrap_or_default()
            .split(',')
            .map(|name| name.trim().to_lowercase())
            .filter(|name| !name.is_empty())
            .collect();
        if declared.len() > TRAILERS_MAX {
            return Some(Err(ChunkedError::Trailer));
        }
        Some(Ok(ChunkedBody {
            signing,
            checksums: checksums_of(&declared),
            declared,
            trailers: Vec::new(),
            trailer_signature: None,
            decoded_bytes: 0,
            decoded_bytes_expected: decoded_bytes,
            line: Vec::new(),
            state: State::Header,
        }))
    }

    /// Takes the next bytes as received and appends the data among them to `decoded`. After an error the body is lost.
    pub fn push(&mut self, mut input: &[u8], decoded: &mut Vec<u8>) -> Result<(), ChunkedError> {
        while !input.is_empty() {
            if let State::Data { remaining_bytes } = self.state {
                let taken = usize::try_from(remaining_bytes).unwrap_or(usize::MAX).min(input.len());
                let (data, rest) = input.split_at(taken);
                self.take(data);
                decoded.extend_from_slice(data);
                input = rest;
                let remaining_bytes = remaining_bytes - taken as u64;
                self.state =
                    if remaining_bytes == 0 { State::DataEnd } else { State::Data { remaining_bytes } };
                continue;
            }
            let end = input.iter().position(|byte| *byte == b'\n');
            let (part, rest) = input.split_at(end.map_or(input.len(), |index| index + 1));
            if self.line.len() + part.len() > LINE_BYTES_MAX {
                return Err(ChunkedError::Framing("a line is too long"));
            }
            self.line.extend_from_slice(part);
            input = rest;
            if end.is_some() {
                self.take_line()?;
            }
        }
        Ok(())
    }

    /// The trailers, when the body is whole and all its signatures and checksums are right.
    pub fn finish(mut self) -> Result<Vec<(String, String)>, ChunkedError> {
        // Some clients leave out the last line end.
        if !self.line.is_empty() && self.state == State::Trailers {
            self.take_line()?;
        }
        let whole = matches!(self.state, State::Trailers | State::Done) && self.line.is_empty();
        let expected = self.decoded_bytes_expected.unwrap_or(self.decoded_bytes);
        if !whole || expected != self.decoded_bytes {
            return Err(ChunkedError::Length);
        }
        let complete = self.declared.iter().all(|name| self.trailers.iter().any(|(found, _)| found == name));
        if !complete {
            return Err(ChunkedError::Trailer);
        }
        match (&self.signing, &self.trailer_signature) {
            (Signing::Checked(signatures), Some(claimed)) => {
                signatures.check_trailers(&self.trailers, claimed)?
            }
            (Signing::Checked(_), None) if !self.declared.is_empty() => return Err(ChunkedError::Signature),
            _ => {}
        }
        for checksum in self.checksums {
            let algorithm = checksum.algorithm();
            let header = algorithm.header();
            let claimed = self.trailers.iter().find(|(found, _)| *found == header).map(|(_, value)| value);
            if claimed != Some(&checksum.finish()) {
                return Err(ChunkedError::Checksum(algorithm.name()));
            }
        }
        Ok(self.trailers)
    }

    fn take(&mut self, data: &[u8]) {
        self.decoded_bytes = self.decoded_bytes.saturating_add(data.len() as u64);
        if let Signing::Checked(signatures) = &mut self.signing {
            signatures.hash.update(data);
        }
        for checksum in &mut self.checksums {
            checksum.update(data);
        }
    }

    fn take_line(&mut self) -> Result<(), ChunkedError> {
        let line = std::mem::take(&mut self.line);
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = str::from_utf8(line).map_err(|_| ChunkedError::Framing("a line is not text"))?;
        match self.state {
            State::Header => self.take_header(line),
            State::DataEnd if line.is_empty() => {
                if let Signing::Checked(signatures) = &mut self.signing {
                    signatures.check_chunk()?;
                }
                self.state = State::Header;
                Ok(())
            }
            State::DataEnd => Err(ChunkedError::Framing("a chunk is longer than it says")),
            State::Trailers => self.take_trailer(line),
            State::Done if line.is_empty() => Ok(()),
            State::Done => Err(ChunkedError::Framing("bytes follow the last chunk")),
            State::Data { .. } => Err(ChunkedError::Framing("data is not a line")),
        }
    }

    fn take_header(&mut self, line: &str) -> Result<(), ChunkedError> {
        let (size, extension) = line.split_once(';').unwrap_or((line, ""));
        let hexadecimal = !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_hexdigit());
        let bytes =
            u64::from_str_radix(size, 16).ok().filter(|bytes| hexadecimal && *bytes <= CHUNK_BYTES_MAX);
        let bytes = bytes.ok_or(ChunkedError::Framing("a chunk's size is not readable or too large"))?;
        let total = self.decoded_bytes.saturating_add(bytes);
        if self.decoded_bytes_expected.is_some_and(|expected| total > expected) {
            return Err(ChunkedError::Length);
        }
        if let Signing::Checked(signatures) = &mut self.signing {
            let claimed = extension.strip_prefix("chunk-signature=").ok_or(ChunkedError::Signature)?;
            signatures.claimed = claimed.trim().to_owned();
            if bytes == 0 {
                signatures.check_chunk()?;
            }
        }
        self.state = if bytes == 0 { State::Trailers } else { State::Data { remaining_bytes: bytes } };
        Ok(())
    }

    fn take_trailer(&mut self, line: &str) -> Result<(), ChunkedError> {
        if line.is_empty() {
            // Some clients put an empty line between the last chunk and the trailers, or before their signature.
            let unsigned = matches!(self.signing, Signing::Unsigned);
            let signed = unsigned || self.trailer_signature.is_some();
            if self.trailers.len() >= self.declared.len() && (signed || self.declared.is_empty()) {
                self.state = State::Done;
            }
            return Ok(());
        }
        let (name, value) = line.split_once(':').ok_or(ChunkedError::Trailer)?;
        let (name, value) = (name.trim().to_lowercase(), value.trim().to_owned());
        let may_be_signed = !matches!(self.signing, Signing::Unsigned);
        if name == TRAILER_SIGNATURE && may_be_signed && self.trailer_signature.is_none() {
            self.trailer_signature = Some(value);
            return Ok(());
        }
        if !self.declared.contains(&name) || self.trailers.iter().any(|(found, _)| *found == name) {
            return Err(ChunkedError::Trailer);
        }
        self.trailers.push((name, value));
        Ok(())
    }
}

fn checksums_of(declared: &[String]) -> Vec<Checksum> {
    declared.iter().filter_map(|name| ChecksumAlgorithm::of_header(name)).map(Checksum::new).collect()
}

impl Signatures {
    /// Compares what the chunk claims with what follows from its data and the signature before it.
    fn check_chunk(&mut self) -> Result<(), ChunkedError> {
        let hash = std::mem::replace(&mut self.hash, digest::Context::new(&digest::SHA256)).finish();
        let empty = sha256_hex(b"");
        let rest = format!("{empty}\n{}", hex::encode(hash));
        let expected = self.sign("AWS4-HMAC-SHA256-PAYLOAD", &rest);
        self.previous = check(&expected, &self.claimed)?;
        Ok(())
    }

    fn check_trailers(&self, trailers: &[(String, String)], claimed: &str) -> Result<(), ChunkedError> {
        let mut sorted: Vec<_> = trailers.iter().collect();
        sorted.sort();
        let text: String = sorted.into_iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let expected = self.sign("AWS4-HMAC-SHA256-TRAILER", &sha256_hex(text.as_bytes()));
        check(&expected, claimed).map(|_| ())
    }

    fn sign(&self, algorithm: &str, rest: &str) -> hmac::Tag {
        let Signatures { timestamp, scope, previous, .. } = self;
        let text = format!("{algorithm}\n{timestamp}\n{scope}\n{previous}\n{rest}");
        hmac::sign(&self.key, text.as_bytes())
    }
}

/// The signature as text, when it is the claimed one.
fn check(expected: &hmac::Tag, claimed: &str) -> Result<String, ChunkedError> {
    let claimed = hex::decode(claimed).map_err(|_| ChunkedError::Signature)?;
    if same(expected.as_ref(), &claimed) { Ok(hex::encode(claimed)) } else { Err(ChunkedError::Signature) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim;
    use http::HeaderMap;
    use proptest::prelude::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    const PLAIN_SEED: &str = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
    const TRAILER_SEED: &str = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";
    const TRAILER: &str = "x-amz-checksum-crc32c";

    fn claimed(seed: &str, payload: &str) -> Claim {
        let mut headers = HeaderMap::new();
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
             SignedHeaders=host,Signature={seed}"
        );
        headers.insert("authorization", authorization.parse().unwrap());
        headers.insert("x-amz-date", "20130524T000000Z".parse().unwrap());
        headers.insert("x-amz-content-sha256", payload.parse().unwrap());
        claim(&headers, "").unwrap().unwrap()
    }

    /// The upload of the guide: 66,560 letters in two chunks.
    fn published(signatures: [&str; 3], end: &str) -> Vec<u8> {
        let [first, second, last] = signatures;
        format!(
            "10000;chunk-signature={first}\r\n{}\r\n400;chunk-signature={second}\r\n{}\r\n0;chunk-signature={last}\r\n{end}",
            "a".repeat(65_536),
            "a".repeat(1_024)
        )
        .into_bytes()
    }

    fn plain() -> Vec<u8> {
        let signatures = [
            "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
            "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
            "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
        ];
        published(signatures, "\r\n")
    }

    fn with_trailer(value: &str, signature: &str) -> Vec<u8> {
        let signatures = [
            "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
            "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
            "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
        ];
        published(signatures, &format!("{TRAILER}:{value}\r\n{TRAILER_SIGNATURE}:{signature}\r\n\r\n"))
    }

    type Read = Result<(Vec<u8>, Vec<(String, String)>), ChunkedError>;

    fn read(claim: &Claim, trailer: Option<&str>, length: Option<u64>, body: &[u8], step: usize) -> Read {
        let mut reader = ChunkedBody::new(claim, SECRET, trailer, length).expect("a chunked form")?;
        let mut decoded = Vec::new();
        for part in body.chunks(step) {
            reader.push(part, &mut decoded)?;
        }
        reader.finish().map(|trailers| (decoded, trailers))
    }

    fn read_plain(body: &[u8], step: usize) -> Read {
        read(&claimed(PLAIN_SEED, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), None, Some(66_560), body, step)
    }

    fn read_trailer(body: &[u8]) -> Read {
        let claim = claimed(TRAILER_SEED, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER");
        read(&claim, Some(TRAILER), Some(66_560), body, 777)
    }

    fn read_unsigned(body: &str, trailer: &str, length: u64) -> Read {
        let claim = claimed(PLAIN_SEED, "STREAMING-UNSIGNED-PAYLOAD-TRAILER");
        read(&claim, Some(trailer), Some(length), body.as_bytes(), 3)
    }

    #[test]
    fn the_published_examples_verify() {
        for step in [1, 85, 65_536, 100_000] {
            let (decoded, trailers) = read_plain(&plain(), step).unwrap();
            assert!(
                decoded.len() == 66_560 && decoded.iter().all(|byte| *byte == b'a') && trailers.is_empty()
            );
        }
        let good = "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435";
        let (decoded, trailers) = read_trailer(&with_trailer("sOO8/Q==", good)).unwrap();
        assert_eq!(decoded.len(), 66_560);
        assert_eq!(trailers, [(TRAILER.to_owned(), "sOO8/Q==".to_owned())]);
        assert_eq!(read_trailer(&with_trailer("sOO8/A==", good)), Err(ChunkedError::Signature));
        assert_eq!(read_trailer(&with_trailer("sOO8/Q==", PLAIN_SEED)), Err(ChunkedError::Signature));
        let unsigned = String::from_utf8(with_trailer("sOO8/Q==", good)).unwrap();
        let unsigned = unsigned.replace(&format!("{TRAILER_SIGNATURE}:{good}\r\n"), "");
        assert_eq!(read_trailer(unsigned.as_bytes()), Err(ChunkedError::Signature));
    }

    #[test]
    fn without_a_secret_everything_but_the_signatures_is_checked() {
        let read = |payload: &str, trailer, body: &[u8]| {
            let payload = PayloadHash::of(Some(payload));
            let mut reader = ChunkedBody::unchecked(&payload, trailer, Some(66_560)).unwrap().unwrap();
            let mut decoded = Vec::new();
            reader.push(body, &mut decoded)?;
            reader.finish().map(|trailers| (decoded.len(), trailers.len()))
        };
        let plain_form = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
        assert_eq!(read(plain_form, None, &plain()), Ok((66_560, 0)));
        let cut = &plain()[..65_700];
        assert_eq!(read(plain_form, None, cut), Err(ChunkedError::Length));
        let form = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
        assert_eq!(read(form, Some(TRAILER), &with_trailer("sOO8/Q==", "00")), Ok((66_560, 1)));
        let wrong = read(form, Some(TRAILER), &with_trailer("sOO8/A==", "00"));
        assert_eq!(wrong, Err(ChunkedError::Checksum("CRC32C")));
        assert!(ChunkedBody::unchecked(&PayloadHash::Unsigned, None, None).is_none());
    }

    #[test]
    fn a_body_cut_short_is_refused() {
        let body = plain();
        for kept in [0, 10, 90, 65_000, 65_620, body.len() - 90, body.len() - 3] {
            assert!(read_plain(&body[..kept], 1_000).is_err(), "{kept}");
        }
    }

    #[test]
    fn unsigned_bodies_with_trailers() {
        let fine = "9\r\n123456789\r\n0\r\nx-amz-checksum-crc32:y/Q5Jg==\r\n\r\n";
        let name = "x-amz-checksum-crc32";
        assert_eq!(read_unsigned(fine, name, 9).unwrap().0, b"123456789");
        assert_eq!(read_unsigned(fine.trim_end(), name, 9).unwrap().0, b"123456789");
        let wrong = fine.replace("y/Q", "y/R");
        assert_eq!(read_unsigned(&wrong, name, 9), Err(ChunkedError::Checksum("CRC32")));
        assert_eq!(read_unsigned(fine, "x-amz-checksum-sha256", 9), Err(ChunkedError::Trailer));
        assert_eq!(read_unsigned("0\r\n\r\n", name, 0), Err(ChunkedError::Trailer));
        assert_eq!(read_unsigned(fine, name, 8), Err(ChunkedError::Length));
        assert_eq!(read_unsigned(fine, name, 10), Err(ChunkedError::Length));
        let doubled = fine.replace("\r\n\r\n", "\r\nx-amz-checksum-crc32:y/Q5Jg==\r\n\r\n");
        assert_eq!(read_unsigned(&doubled, name, 9), Err(ChunkedError::Trailer));
        for framing in
            ["-1\r\n", "+1\r\n", "\r\n", "g\r\n", "10000000000000000\r\n", "140000001\r\n", "1\r\nab\r\n"]
        {
            let claim = claimed(PLAIN_SEED, "STREAMING-UNSIGNED-PAYLOAD-TRAILER");
            let found = read(&claim, None, None, framing.as_bytes(), 5);
            assert!(matches!(found, Err(ChunkedError::Framing(_))), "{framing:?} {found:?}");
        }
        let long = "1".repeat(LINE_BYTES_MAX + 1);
        assert_eq!(read_unsigned(&long, name, 9), Err(ChunkedError::Framing("a line is too long")));
    }

    #[test]
    fn other_algorithms_are_refused() {
        let mut headers = HeaderMap::new();
        let credential = "Credential=AKID/20130524/us-east-1/s3/aws4_request,SignedHeaders=host,Signature=00";
        headers.insert("x-amz-date", "20130524T000000Z".parse().unwrap());
        headers.insert("authorization", format!("AWS4-ECDSA-P256-SHA256 {credential}").parse().unwrap());
        let error = claim(&headers, "").unwrap_err();
        assert_eq!(error, crate::SignatureError::Algorithm("AWS4-ECDSA-P256-SHA256".into()));
        headers.insert("authorization", format!("AWS4-HMAC-SHA256 {credential}").parse().unwrap());
        let form = "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD";
        headers.insert("x-amz-content-sha256", form.parse().unwrap());
        assert_eq!(claim(&headers, "").unwrap_err(), crate::SignatureError::Algorithm(form.into()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn any_altered_byte_of_a_signed_body_is_noticed(index in 0_usize..66_800, bit in 0_u8..8, step in 500_usize..9_000) {
            let mut body = plain();
            let index = index % body.len();
            body[index] ^= 1 << bit;
            // The case of a size's digits and of line ends is framing; what it frames must stay what was signed.
            if let Ok((decoded, _)) = read_plain(&body, step) {
                prop_assert!(decoded.len() == 66_560 && decoded.iter().all(|byte| *byte == b'a'));
            }
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(body in prop::collection::vec(any::<u8>(), 0..200), step in 1_usize..40) {
            let claim = claimed(PLAIN_SEED, "STREAMING-UNSIGNED-PAYLOAD-TRAILER");
            let _ = read(&claim, Some(TRAILER), None, &body, step);
            let _ = read_plain(&body, step);
        }
    }
}
