//! The checksum of a whole from those of its parts, without reading them again.
//!
//! A CRC is linear: appending `n` bytes multiplies what was there by x^8n modulo the polynomial.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::crc::{CRC32, CRC32C, CRC64_NVME};
use crate::object::Algorithm;

/// `parts` are the checksum and the size of each, in order. `None`: not a CRC, or not a checksum.
pub(crate) fn full_object_of_parts(algorithm: Algorithm, parts: &[(String, u64)]) -> Option<String> {
    let (polynomial, bits) = match algorithm {
        Algorithm::Crc32 => (CRC32.polynomial, 32),
        Algorithm::Crc32c => (CRC32C.polynomial, 32),
        Algorithm::Crc64Nvme => (CRC64_NVME.polynomial, 64),
        Algorithm::Sha1 | Algorithm::Sha256 => return None,
    };
    let field = Field { polynomial, bits };
    let mut whole = 0;
    for (part, size) in parts {
        let bytes = STANDARD.decode(part).ok()?;
        let part = bytes.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        whole = field.multiply(whole, field.power_of_x(size.checked_mul(8)?)) ^ part;
    }
    Some(STANDARD.encode(&whole.to_be_bytes()[8 - bits / 8..]))
}

/// Polynomials over two elements modulo one, the highest power in the lowest bit.
struct Field {
    polynomial: u64,
    bits: usize,
}

impl Field {
    /// x to the power of zero.
    fn one(&self) -> u64 {
        1 << (self.bits - 1)
    }

    fn multiply(&self, left: u64, mut right: u64) -> u64 {
        let mut product = 0;
        let mut bit = self.one();
        while bit != 0 {
            if left & bit != 0 {
                product ^= right;
            }
            right = if right & 1 == 1 { (right >> 1) ^ self.polynomial } else { right >> 1 };
            bit >>= 1;
        }
        product
    }

    fn power_of_x(&self, mut exponent: u64) -> u64 {
        let mut power = self.one();
        let mut square = self.one() >> 1;
        while exponent != 0 {
            if exponent & 1 == 1 {
                power = self.multiply(power, square);
            }
            square = self.multiply(square, square);
            exponent >>= 1;
        }
        power
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::of;

    #[test]
    fn parts_make_the_sum_of_the_whole() {
        let whole: Vec<u8> = (0..100_000_u32).map(|byte| (byte % 251) as u8).collect();
        for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
            for cut in [0, 1, 7, 5_000, 99_999, 100_000] {
                let (left, right) = whole.split_at(cut);
                let parts = [left, right].map(|part| (of(algorithm, part), part.len() as u64));
                assert_eq!(full_object_of_parts(algorithm, &parts), Some(of(algorithm, &whole)), "{cut}");
            }
        }
        assert_eq!(full_object_of_parts(Algorithm::Sha1, &[]), None);
    }
}
