//! Numbers and base64 as AWS' protocols spell them.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

/// A float in the shortest form that reads back the same, of single or of double precision;
/// `NaN`, `Infinity` and `-Infinity` by name.
pub(crate) fn format_float(number: f64, is_single: bool) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity".to_owned() } else { "-Infinity".to_owned() };
    }
    if is_single { format!("{:?}", number as f32) } else { format!("{number:?}") }
}

/// Reads what [`format_float`] writes. Numbers too large for a double are refused.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        // Rust would also read `inf`, `nan` and their kin.
        _ if text.bytes().any(|byte| byte.is_ascii_alphabetic() && !matches!(byte, b'e' | b'E')) => None,
        _ => text.parse::<f64>().ok().filter(|number| number.is_finite()),
    }
}

/// Decodes base64; padding may be missing, since some clients leave it out.
pub(crate) fn decode_base64(text: &str) -> Option<Bytes> {
    const CONFIG: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const ENGINE: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);
    ENGINE.decode(text).ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_keep_their_value() {
        for number in [0.0, -0.0, 1.0, 1.5, 1e300, -1e-300, f64::MAX, f64::MIN_POSITIVE] {
            assert_eq!(parse_float(&format_float(number, false)), Some(number));
        }
        assert_eq!(format_float(f64::from(1.1_f32), true), "1.1");
        assert_eq!(format_float(f64::NEG_INFINITY, false), "-Infinity");
        assert!(parse_float("NaN").is_some_and(f64::is_nan));
        for text in ["", "nan", "inf", "infinity", "1e400", "0x10", "1,5", "--1"] {
            assert_eq!(parse_float(text), None, "{text}");
        }
    }

    #[test]
    fn base64_is_read_with_or_without_padding() {
        assert_eq!(decode_base64("Zg==").as_deref(), Some(&b"f"[..]));
        assert_eq!(decode_base64("Zg").as_deref(), Some(&b"f"[..]));
        assert_eq!(decode_base64("Z"), None);
        assert_eq!(decode_base64("Zg=!"), None);
    }
}
