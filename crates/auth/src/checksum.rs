//! The checksums S3 takes in trailers.
//!
//! Source: S3 user guide, "Checking object integrity"; polynomials of CRC-32C (RFC 3720) and CRC-64/NVME.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest;

const CRC32: [u64; 256] = table(0xEDB8_8320);
const CRC32C: [u64; 256] = table(0x82F6_3B78);
const CRC64_NVME: [u64; 256] = table(0x9A6C_9329_AC4B_C9B5);

/// A checksum over data that arrives in parts.
pub(crate) enum Checksum {
    Crc { name: &'static str, header: &'static str, table: &'static [u64; 256], bytes: usize, register: u64 },
    Sha { name: &'static str, header: &'static str, hash: digest::Context },
}

impl Checksum {
    /// `None` for headers that are no checksum.
    pub(crate) fn for_header(header: &str) -> Option<Self> {
        let crc =
            |name, header, table, bytes| Checksum::Crc { name, header, table, bytes, register: u64::MAX };
        Some(match header {
            "x-amz-checksum-crc32" => crc("CRC32", "x-amz-checksum-crc32", &CRC32, 4),
            "x-amz-checksum-crc32c" => crc("CRC32C", "x-amz-checksum-crc32c", &CRC32C, 4),
            "x-amz-checksum-crc64nvme" => crc("CRC64NVME", "x-amz-checksum-crc64nvme", &CRC64_NVME, 8),
            "x-amz-checksum-sha1" => Checksum::Sha {
                name: "SHA1",
                header: "x-amz-checksum-sha1",
                hash: digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY),
            },
            "x-amz-checksum-sha256" => Checksum::Sha {
                name: "SHA256",
                header: "x-amz-checksum-sha256",
                hash: digest::Context::new(&digest::SHA256),
            },
            _ => return None,
        })
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Checksum::Crc { name, .. } | Checksum::Sha { name, .. } => name,
        }
    }

    pub(crate) fn header(&self) -> &'static str {
        match self {
            Checksum::Crc { header, .. } | Checksum::Sha { header, .. } => header,
        }
    }

    pub(crate) fn update(&mut self, data: &[u8]) {
        match self {
            Checksum::Crc { table, bytes, register, .. } => {
                // Only the low half takes part in the 32-bit sums.
                let start = if *bytes == 4 { *register & 0xFFFF_FFFF } else { *register };
                *register =
                    data.iter().fold(start, |crc, byte| table[usize::from((crc as u8) ^ byte)] ^ (crc >> 8));
            }
            Checksum::Sha { hash, .. } => hash.update(data),
        }
    }

    /// In base64, big-endian.
    pub(crate) fn finish(self) -> String {
        match self {
            Checksum::Crc { bytes, register, .. } => STANDARD.encode(&(!register).to_be_bytes()[8 - bytes..]),
            Checksum::Sha { hash, .. } => STANDARD.encode(hash.finish()),
        }
    }
}

const fn table(polynomial: u64) -> [u64; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = index as u64;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { (value >> 1) ^ polynomial } else { value >> 1 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_sums() {
        for (header, expected) in [
            ("x-amz-checksum-crc32", "y/Q5Jg=="),
            ("x-amz-checksum-crc32c", "4waSgw=="),
            ("x-amz-checksum-crc64nvme", "rosUhgp5mIg="),
            ("x-amz-checksum-sha1", "98O8HYCOBHMq32eZZczDTKeuNEE="),
        ] {
            let mut checksum = Checksum::for_header(header).unwrap();
            checksum.update(b"1234");
            checksum.update(b"56789");
            assert_eq!(checksum.finish(), expected, "{header}");
        }
        assert!(Checksum::for_header("x-amz-meta-a").is_none());
    }
}
