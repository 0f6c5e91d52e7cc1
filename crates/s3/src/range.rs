//! The part of an object that a request asks for. Source: RFC 9110, section 14; S3 answers one range only.

use std::ops::Range;

use service::Result;

use crate::error::Error;

/// What the `Range` header selects of `size` bytes. `None`: everything, also where the header asks for several ranges
/// or cannot be understood.
pub(crate) fn select(header: Option<&str>, size: u64) -> Result<Option<Range<u64>>> {
    let Some(header) = header else { return Ok(None) };
    let Some((first, last)) = parse(header) else { return Ok(None) };
    let range = match (first, last) {
        (Some(first), Some(last)) if first > last => return Ok(None),
        (Some(first), Some(last)) => first..last.saturating_add(1).min(size),
        (Some(first), None) => first..size,
        (None, Some(suffix)) => size.saturating_sub(suffix)..size,
        (None, None) => return Ok(None),
    };
    if range.start >= size || range.is_empty() {
        return Err(unsatisfiable(header, size));
    }
    Ok(Some(range))
}

/// The range of the source of a part copy, which must lie inside of it.
pub(crate) fn of_copy_source(header: &str, size: u64) -> Result<Range<u64>> {
    match parse(header) {
        Some((Some(first), Some(last))) if first <= last => {
            if last >= size {
                return Err(unsatisfiable(header, size));
            }
            Ok(first..last + 1)
        }
        _ => {
            let text = "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the \
                        zero-based offsets of the first and last bytes to copy";
            Err(crate::error::invalid_argument(text, "x-amz-copy-source-range", header).into())
        }
    }
}

fn unsatisfiable(header: &str, size: u64) -> service::Failure {
    Error::new("InvalidRange", 416, "The requested range is not satisfiable")
        .with("RangeRequested", header)
        .with("ActualObjectSize", i64::try_from(size).unwrap_or(i64::MAX))
        .into()
}

fn parse(header: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (first, last) = header.trim().strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| match text.trim() {
        "" => Some(None),
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(Some(digits.parse().unwrap_or(u64::MAX)))
        }
        _ => None,
    };
    Some((number(first)?, number(last)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_selected() {
        let select = |header| select(Some(header), 10).map_err(|failure| failure.code().to_owned());
        assert_eq!(select("bytes=0-0"), Ok(Some(0..1)));
        assert_eq!(select("bytes=2-"), Ok(Some(2..10)));
        assert_eq!(select("bytes=5-99"), Ok(Some(5..10)));
        assert_eq!(select("bytes=-3"), Ok(Some(7..10)));
        assert_eq!(select("bytes=-99"), Ok(Some(0..10)));
        for whole in ["bytes=3-2", "bytes=0-1,3-4", "items=0-1", "bytes=a-b", "bytes", "bytes=-"] {
            assert_eq!(select(whole), Ok(None), "{whole}");
        }
        for wrong in ["bytes=10-", "bytes=10-12", "bytes=-0", "bytes=99999999999999999999-"] {
            assert_eq!(select(wrong), Err("InvalidRange".into()), "{wrong}");
        }
        assert!(super::select(Some("bytes=0-"), 0).is_err());
    }

    #[test]
    fn copies_want_ranges_inside() {
        assert_eq!(of_copy_source("bytes=1-4", 10).unwrap(), 1..5);
        for wrong in ["bytes=0-10", "bytes=0-", "bytes=-5", "bytes=2-1", "0-1"] {
            assert!(of_copy_source(wrong, 10).is_err(), "{wrong}");
        }
    }
}
