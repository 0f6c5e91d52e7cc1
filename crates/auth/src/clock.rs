//! The signature's time form, `20150830T123600Z`, to and from epoch milliseconds.

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

const BASIC: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]T[hour][minute][second]Z");

/// `None` unless the text is exactly `YYYYMMDDTHHMMSSZ` and a real time.
pub(crate) fn parse_basic(text: &str) -> Option<i64> {
    if text.len() != "YYYYMMDDTHHMMSSZ".len() {
        return None;
    }
    let time = PrimitiveDateTime::parse(text, BASIC).ok()?;
    Some(time.assume_utc().unix_timestamp() * 1_000)
}

/// Times outside years 0 to 9999 are shown as the epoch.
pub(crate) fn format_basic(epoch_millis: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp(epoch_millis.div_euclid(1_000))
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    time.format(BASIC).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_times() {
        assert_eq!(parse_basic("19700101T000000Z"), Some(0));
        assert_eq!(parse_basic("20150830T123600Z"), Some(1_440_938_160_000));
        assert_eq!(format_basic(1_440_938_160_000), "20150830T123600Z");
    }

    #[test]
    fn refuses_other_forms() {
        for text in [
            "",
            "2015-08-30T12:36:00Z",
            "20150230T000000Z",
            "20150830T126000Z",
            "20150830T123600+",
            "２0150830T1236Z",
        ] {
            assert_eq!(parse_basic(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn times_come_back(seconds in 0_i64..253_402_300_799) {
            prop_assert_eq!(parse_basic(&format_basic(seconds * 1_000)), Some(seconds * 1_000));
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC{0,20}") {
            let _ = parse_basic(&text);
        }
    }
}
