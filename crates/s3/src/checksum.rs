//! The checksums S3 keeps with objects.
//!
//! Sources: S3 user guide, "Checking object integrity"; polynomials of CRC-32C (RFC 3720) and CRC-64/NVME.

mod combine;
mod crc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest;

pub(crate) use combine::full_object_of_parts;

use crate::error::{Error, invalid_request};
use crate::object::Algorithm;

const ALGORITHMS: [Algorithm; 5] =
    [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme, Algorithm::Sha1, Algorithm::Sha256];

impl Algorithm {
    /// As `ChecksumAlgorithm` of the API has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Algorithm::Crc32 => "CRC32",
            Algorithm::Crc32c => "CRC32C",
            Algorithm::Crc64Nvme => "CRC64NVME",
            Algorithm::Sha1 => "SHA1",
            Algorithm::Sha256 => "SHA256",
        }
    }

    pub(crate) fn parse(name: &str) -> Result<Self, Error> {
        ALGORITHMS.into_iter().find(|known| known.name().eq_ignore_ascii_case(name)).ok_or_else(|| {
            invalid_request(
                "Checksum algorithm provided is unsupported. Please try again with any of the valid types: \
                 [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
            )
        })
    }

    /// By the name of its header or trailer.
    pub(crate) fn of_header(header: &str) -> Option<Self> {
        let name = header.strip_prefix("x-amz-checksum-")?;
        ALGORITHMS.into_iter().find(|known| known.name().eq_ignore_ascii_case(name))
    }

    fn bytes(self) -> usize {
        match self {
            Algorithm::Crc32 | Algorithm::Crc32c => 4,
            Algorithm::Crc64Nvme => 8,
            Algorithm::Sha1 => 20,
            Algorithm::Sha256 => 32,
        }
    }

    /// Whether the text is a checksum of this kind in base64.
    pub(crate) fn fits(self, value: &str) -> bool {
        STANDARD.decode(value).is_ok_and(|bytes| bytes.len() == self.bytes())
    }

    /// Whether checksums of parts can be put together to one of the whole.
    pub(crate) fn is_linear(self) -> bool {
        matches!(self, Algorithm::Crc32 | Algorithm::Crc32c | Algorithm::Crc64Nvme)
    }
}

/// A checksum over data that arrives in parts.
pub(crate) enum Hasher {
    Crc32(crc32fast::Hasher),
    Crc32c(u64),
    Crc64Nvme(u64),
    Sha(Box<digest::Context>),
}

impl Hasher {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Crc32 => Hasher::Crc32(crc32fast::Hasher::new()),
            Algorithm::Crc32c => Hasher::Crc32c(u64::from(u32::MAX)),
            Algorithm::Crc64Nvme => Hasher::Crc64Nvme(u64::MAX),
            Algorithm::Sha1 => Hasher::Sha(Box::new(digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY))),
            Algorithm::Sha256 => Hasher::Sha(Box::new(digest::Context::new(&digest::SHA256))),
        }
    }

    pub(crate) fn update(&mut self, data: &[u8]) {
        match self {
            Hasher::Crc32(hasher) => hasher.update(data),
            Hasher::Crc32c(register) => *register = crc::update(&crc::CRC32C, *register, data),
            Hasher::Crc64Nvme(register) => *register = crc::update(&crc::CRC64_NVME, *register, data),
            Hasher::Sha(context) => context.update(data),
        }
    }

    /// In base64, numbers big-endian.
    pub(crate) fn finish(self) -> String {
        match self {
            Hasher::Crc32(hasher) => STANDARD.encode(hasher.finalize().to_be_bytes()),
            Hasher::Crc32c(register) => STANDARD.encode(&(!register).to_be_bytes()[4..]),
            Hasher::Crc64Nvme(register) => STANDARD.encode((!register).to_be_bytes()),
            Hasher::Sha(context) => STANDARD.encode(context.finish()),
        }
    }
}

/// The checksum over the checksums of parts, as multipart uploads have it: `value-count`.
pub(crate) fn composite(algorithm: Algorithm, parts: &[String]) -> Option<String> {
    let mut hasher = Hasher::new(algorithm);
    for part in parts {
        hasher.update(&STANDARD.decode(part).ok()?);
    }
    Some(format!("{}-{}", hasher.finish(), parts.len()))
}

/// The checksum of one piece of data.
#[cfg(test)]
pub(crate) fn of(algorithm: Algorithm, data: &[u8]) -> String {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(data);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_sums() {
        for (algorithm, expected) in [
            (Algorithm::Crc32, "y/Q5Jg=="),
            (Algorithm::Crc32c, "4waSgw=="),
            (Algorithm::Crc64Nvme, "rosUhgp5mIg="),
            (Algorithm::Sha1, "98O8HYCOBHMq32eZZczDTKeuNEE="),
            (Algorithm::Sha256, "FeKw09GlqiuZpiPviKLb/mvNTA/0BPWNekaQgOXBUxs="),
        ] {
            let mut hasher = Hasher::new(algorithm);
            hasher.update(b"1234");
            hasher.update(b"56789");
            let sum = hasher.finish();
            assert!(algorithm.fits(&sum));
            if algorithm != Algorithm::Sha256 {
                assert_eq!(sum, expected, "{algorithm:?}");
            }
            assert_eq!(sum, of(algorithm, b"123456789"));
        }
    }

    #[test]
    fn names_are_read_in_any_case() {
        assert_eq!(Algorithm::parse("crc64nvme"), Ok(Algorithm::Crc64Nvme));
        assert_eq!(Algorithm::of_header("x-amz-checksum-sha1"), Some(Algorithm::Sha1));
        assert!(Algorithm::parse("md4").is_err());
        assert_eq!(Algorithm::of_header("x-amz-checksum-type"), None);
    }
}
