//! The checksums that requests carry of their payloads, in headers and trailers, and that S3 keeps with objects.
//!
//! Source: S3 user guide, "Checking object integrity"; values are base64, numbers big-endian.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use md5::{Digest as _, Md5};
use ring::digest;
use xxhash_rust::xxh3::Xxh3;
use xxhash_rust::xxh64::Xxh64;

const HEADER_PREFIX: &str = "x-amz-checksum-";

/// As `ChecksumAlgorithm` of the API names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChecksumAlgorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
    Sha512,
    Md5,
    XxHash64,
    XxHash3,
    XxHash128,
}

use ChecksumAlgorithm as Algorithm;

impl Algorithm {
    pub const ALL: [Algorithm; 10] = [
        Algorithm::Crc32,
        Algorithm::Crc32c,
        Algorithm::Crc64Nvme,
        Algorithm::Sha1,
        Algorithm::Sha256,
        Algorithm::Sha512,
        Algorithm::Md5,
        Algorithm::XxHash64,
        Algorithm::XxHash3,
        Algorithm::XxHash128,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Crc32 => "CRC32",
            Algorithm::Crc32c => "CRC32C",
            Algorithm::Crc64Nvme => "CRC64NVME",
            Algorithm::Sha1 => "SHA1",
            Algorithm::Sha256 => "SHA256",
            Algorithm::Sha512 => "SHA512",
            Algorithm::Md5 => "MD5",
            Algorithm::XxHash64 => "XXHASH64",
            Algorithm::XxHash3 => "XXHASH3",
            Algorithm::XxHash128 => "XXHASH128",
        }
    }

    /// By its name, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(name))
    }

    /// By its header or trailer, which is in lower case.
    pub fn of_header(header: &str) -> Option<Self> {
        Self::parse(header.strip_prefix(HEADER_PREFIX)?)
    }

    pub fn header(self) -> String {
        format!("{HEADER_PREFIX}{}", self.name().to_ascii_lowercase())
    }

    fn bytes(self) -> usize {
        match self {
            Algorithm::Crc32 | Algorithm::Crc32c => 4,
            Algorithm::Crc64Nvme | Algorithm::XxHash64 | Algorithm::XxHash3 => 8,
            Algorithm::Md5 | Algorithm::XxHash128 => 16,
            Algorithm::Sha1 => 20,
            Algorithm::Sha256 => 32,
            Algorithm::Sha512 => 64,
        }
    }

    /// Whether the text is a checksum of this kind in base64.
    pub fn fits(self, value: &str) -> bool {
        STANDARD.decode(value).is_ok_and(|bytes| bytes.len() == self.bytes())
    }

    /// Whether checksums of parts can be put together to one of the whole: see [`ChecksumAlgorithm::combine`].
    pub fn is_linear(self) -> bool {
        self.crc().is_some()
    }

    /// The checksum of one piece of data.
    pub fn of(self, data: &[u8]) -> String {
        let mut hasher = Checksum::new(self);
        hasher.update(data);
        hasher.finish()
    }

    /// The checksum of a whole from those of its parts and their sizes in bytes, without reading them again. `None`:
    /// not a CRC, or not a checksum.
    pub fn combine<'p>(self, parts: impl IntoIterator<Item = (&'p str, u64)>) -> Option<String> {
        let crc = self.crc()?;
        let mut whole = None;
        for (part, size) in parts {
            let bytes = STANDARD.decode(part).ok().filter(|bytes| bytes.len() == self.bytes())?;
            let part = bytes.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
            whole = Some(match whole {
                Some(whole) => crc_fast::checksum_combine(crc, whole, part, size),
                None => part,
            });
        }
        Some(self.crc_text(whole.unwrap_or(0)))
    }

    fn crc(self) -> Option<CrcAlgorithm> {
        match self {
            Algorithm::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Algorithm::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Algorithm::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            _ => None,
        }
    }

    fn crc_text(self, value: u64) -> String {
        STANDARD.encode(value.to_be_bytes().split_at(8 - self.bytes()).1)
    }
}

/// A checksum over data that arrives in pieces.
pub struct Checksum {
    algorithm: Algorithm,
    hasher: Hasher,
}

enum Hasher {
    Crc(crc_fast::Digest),
    Sha(Box<digest::Context>),
    Md5(Md5),
    XxHash64(Box<Xxh64>),
    XxHash3(Box<Xxh3>),
}

impl Checksum {
    pub fn new(algorithm: Algorithm) -> Self {
        let sha = |kind| Hasher::Sha(Box::new(digest::Context::new(kind)));
        let hasher = match algorithm {
            Algorithm::Crc32 => Hasher::Crc(crc_fast::Digest::new(CrcAlgorithm::Crc32IsoHdlc)),
            Algorithm::Crc32c => Hasher::Crc(crc_fast::Digest::new(CrcAlgorithm::Crc32Iscsi)),
            Algorithm::Crc64Nvme => Hasher::Crc(crc_fast::Digest::new(CrcAlgorithm::Crc64Nvme)),
            Algorithm::Sha1 => sha(&digest::SHA1_FOR_LEGACY_USE_ONLY),
            Algorithm::Sha256 => sha(&digest::SHA256),
            Algorithm::Sha512 => sha(&digest::SHA512),
            Algorithm::Md5 => Hasher::Md5(Md5::new()),
            Algorithm::XxHash64 => Hasher::XxHash64(Box::new(Xxh64::new(0))),
            Algorithm::XxHash3 | Algorithm::XxHash128 => Hasher::XxHash3(Box::new(Xxh3::new())),
        };
        Checksum { algorithm, hasher }
    }

    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub fn update(&mut self, data: &[u8]) {
        match &mut self.hasher {
            Hasher::Crc(digest) => digest.update(data),
            Hasher::Sha(context) => context.update(data),
            Hasher::Md5(digest) => digest.update(data),
            Hasher::XxHash64(state) => state.update(data),
            Hasher::XxHash3(state) => state.update(data),
        }
    }

    /// In base64.
    pub fn finish(self) -> String {
        match self.hasher {
            Hasher::Crc(digest) => self.algorithm.crc_text(digest.finalize()),
            Hasher::Sha(context) => STANDARD.encode(context.finish()),
            Hasher::Md5(digest) => STANDARD.encode(digest.finalize()),
            Hasher::XxHash64(state) => STANDARD.encode(state.digest().to_be_bytes()),
            Hasher::XxHash3(state) if self.algorithm == Algorithm::XxHash128 => {
                STANDARD.encode(state.digest128().to_be_bytes())
            }
            Hasher::XxHash3(state) => STANDARD.encode(state.digest().to_be_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sums of `123456789`, as other programs compute them.
    const OF_DIGITS: [(Algorithm, &str); 8] = [
        (Algorithm::Crc32, "y/Q5Jg=="),
        (Algorithm::Crc32c, "4waSgw=="),
        (Algorithm::Crc64Nvme, "rosUhgp5mIg="),
        (Algorithm::Sha1, "98O8HYCOBHMq32eZZczDTKeuNEE="),
        (Algorithm::Sha256, "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="),
        (
            Algorithm::Sha512,
            "2eZ2LdHI6vbWGzxhkvxAjU1tXxF20MKRabwk5xw/J0rSf81YEbMT1oH35V7ALXPUmclUVba1u1A6z1dPuo/+hQ==",
        ),
        (Algorithm::Md5, "JfnnlDI7RTiF9RgfG2JNCw=="),
        (Algorithm::XxHash64, "jLhB20DmroM="),
    ];
    /// The sums of nothing.
    const OF_NOTHING: [(Algorithm, &str); 3] = [
        (Algorithm::XxHash64, "70bbN1HY6Zk="),
        (Algorithm::XxHash3, "LQaABTjTlMI="),
        (Algorithm::XxHash128, "maoG0wFHmNhgAcMkRo1Jfw=="),
    ];

    #[test]
    fn known_sums() {
        for (algorithm, expected) in OF_DIGITS {
            let mut checksum = Checksum::new(algorithm);
            checksum.update(b"1234");
            checksum.update(b"56789");
            let sum = checksum.finish();
            assert!(algorithm.fits(&sum), "{algorithm:?}");
            assert_eq!(sum, expected, "{algorithm:?}");
            assert_eq!(sum, algorithm.of(b"123456789"));
        }
        for (algorithm, expected) in OF_NOTHING {
            assert_eq!(algorithm.of(b""), expected, "{algorithm:?}");
        }
    }

    #[test]
    fn names_are_read_in_any_case() {
        assert_eq!(Algorithm::parse("crc64nvme"), Some(Algorithm::Crc64Nvme));
        assert_eq!(Algorithm::parse("md4"), None);
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::of_header(&algorithm.header()), Some(algorithm));
        }
        assert_eq!(Algorithm::of_header("x-amz-checksum-type"), None);
    }

    #[test]
    fn parts_make_the_sum_of_the_whole() {
        let whole: Vec<u8> = (0..100_000_u32).map(|byte| (byte % 251) as u8).collect();
        for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
            for cut in [0, 1, 7, 5_000, 99_999, 100_000] {
                let (left, right) = whole.split_at(cut);
                let sums = [left, right].map(|part| (algorithm.of(part), part.len() as u64));
                let combined = algorithm.combine(sums.iter().map(|(sum, size)| (sum.as_str(), *size)));
                assert_eq!(combined, Some(algorithm.of(&whole)), "{algorithm:?} {cut}");
            }
        }
        assert_eq!(Algorithm::Sha1.combine([]), None);
        assert_eq!(Algorithm::Crc32.combine([("AAAAAAAAAAA=", 1)]), None);
    }
}
