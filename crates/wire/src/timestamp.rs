//! Moments in the formats AWS writes them.

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::bridge::TIMESTAMP_NAME;

/// A moment, in milliseconds since 1970-01-01T00:00:00Z.
///
/// Through the [`Document`](crate::Document) bridge it stays a time; through other formats
/// (`serde_json`) it is the number of milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp {
    epoch_millis: i64,
}

impl Timestamp {
    pub const fn from_epoch_millis(epoch_millis: i64) -> Timestamp {
        Timestamp { epoch_millis }
    }

    pub const fn epoch_millis(self) -> i64 {
        self.epoch_millis
    }

    /// Whole and fractional seconds; digits below the millisecond are dropped. `None` when the
    /// number is not finite or lies outside the years 1 to 9999.
    pub fn from_epoch_seconds(seconds: f64) -> Option<Timestamp> {
        // Rounding first to microseconds undoes the binary error of values such as 0.001.
        let millis = ((seconds * 1_000_000.0).round() / 1_000.0).floor();
        if !millis.is_finite() || millis < MIN_MILLIS as f64 || millis > MAX_MILLIS as f64 {
            return None;
        }
        Some(Timestamp { epoch_millis: millis as i64 })
    }

    /// Reads epoch seconds in decimal, such as `1398796238.125`.
    pub fn parse_epoch_seconds(text: &str) -> Option<Timestamp> {
        if !text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E')) {
            return None;
        }
        Timestamp::from_epoch_seconds(text.parse().ok()?)
    }

    /// Epoch seconds in decimal, with up to three digits after the point when they are needed.
    pub fn to_epoch_seconds(self) -> String {
        let (seconds, millis) = (self.epoch_millis.div_euclid(1000), self.epoch_millis.rem_euclid(1000));
        if millis == 0 {
            return seconds.to_string();
        }
        let sign = if self.epoch_millis < 0 { "-" } else { "" };
        let magnitude = self.epoch_millis.unsigned_abs();
        let text = format!("{sign}{}.{:03}", magnitude / 1000, magnitude % 1000);
        text.trim_end_matches('0').to_owned()
    }

    /// Reads RFC 3339 (the `iso8601` of the models), with any offset and any number of fraction digits.
    pub fn parse_rfc3339(text: &str) -> Option<Timestamp> {
        let bytes = text.as_bytes();
        let mut at = Cursor { bytes, position: 0 };
        let (year, month, day) = (at.digits(4)?, at.after(b'-')?.digits(2)?, at.after(b'-')?.digits(2)?);
        if !matches!(at.next()?, b'T' | b't' | b' ') {
            return None;
        }
        let (hour, minute, second) = (at.digits(2)?, at.after(b':')?.digits(2)?, at.after(b':')?.digits(2)?);
        let millis = at.fraction_millis()?;
        let offset_minutes = match at.next()? {
            b'Z' | b'z' => 0,
            sign @ (b'+' | b'-') => {
                let hours = at.digits(2)?;
                if at.peek() == Some(b':') {
                    at.next();
                }
                let minutes = at.digits(2)?;
                if hours > 23 || minutes > 59 {
                    return None;
                }
                (hours * 60 + minutes) * if sign == b'-' { -1 } else { 1 }
            }
            _ => return None,
        };
        if at.peek().is_some() {
            return None;
        }
        let local = civil_millis(year, month, day, hour, minute, second, millis)?;
        in_range(local - offset_minutes * 60_000)
    }

    /// RFC 3339 in UTC, with three fraction digits when the milliseconds are not zero.
    pub fn to_rfc3339(self) -> String {
        let c = self.civil();
        let head = format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            c.year, c.month, c.day, c.hour, c.minute, c.second
        );
        match c.millis {
            0 => head + "Z",
            millis => format!("{head}.{millis:03}Z"),
        }
    }

    /// Reads an HTTP date (IMF-fixdate), such as `Tue, 29 Apr 2014 18:30:38 GMT`; fraction digits
    /// after the seconds are accepted.
    pub fn parse_http_date(text: &str) -> Option<Timestamp> {
        let (weekday, rest) = text.split_once(", ")?;
        if !WEEKDAYS.iter().any(|name| name.eq_ignore_ascii_case(weekday)) {
            return None;
        }
        let mut at = Cursor { bytes: rest.as_bytes(), position: 0 };
        let day = at.digits(2)?;
        at.after(b' ')?;
        let name = rest.get(at.position..at.position + 3)?;
        let month = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(name))? as i64 + 1;
        at.position += 3;
        let year = at.after(b' ')?.digits(4)?;
        let (hour, minute, second) =
            (at.after(b' ')?.digits(2)?, at.after(b':')?.digits(2)?, at.after(b':')?.digits(2)?);
        let millis = at.fraction_millis()?;
        if !matches!(rest.get(at.position..)?, " GMT" | " UTC") {
            return None;
        }
        in_range(civil_millis(year, month, day, hour, minute, second, millis)?)
    }

    /// An HTTP date; it has whole seconds only.
    pub fn to_http_date(self) -> String {
        let c = self.civil();
        let weekday = WEEKDAYS[(self.epoch_millis.div_euclid(MILLIS_PER_DAY) + 4).rem_euclid(7) as usize];
        let month = MONTHS[c.month as usize - 1];
        format!(
            "{weekday}, {:02} {month} {:04} {:02}:{:02}:{:02} GMT",
            c.day, c.year, c.hour, c.minute, c.second
        )
    }

    /// Reads any of the three formats, as AWS' own parsers do for members without a stated format.
    pub fn parse_any(text: &str) -> Option<Timestamp> {
        Timestamp::parse_rfc3339(text)
            .or_else(|| Timestamp::parse_epoch_seconds(text))
            .or_else(|| Timestamp::parse_http_date(text))
    }

    fn civil(self) -> Civil {
        let days = self.epoch_millis.div_euclid(MILLIS_PER_DAY);
        let rest = self.epoch_millis.rem_euclid(MILLIS_PER_DAY);
        // Days are counted from 0000-03-01, so that the leap day ends the counted year.
        let shifted = days + DAYS_TO_1970;
        let era = shifted.div_euclid(DAYS_PER_ERA);
        let day_of_era = shifted.rem_euclid(DAYS_PER_ERA);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        Civil {
            year: era * 400 + year_of_era + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * shifted_month + 2) / 5 + 1,
            hour: rest / 3_600_000,
            minute: rest / 60_000 % 60,
            second: rest / 1_000 % 60,
            millis: rest % 1_000,
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(TIMESTAMP_NAME, &self.epoch_millis)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(TIMESTAMP_NAME, TimestampVisitor)
    }
}

const MILLIS_PER_DAY: i64 = 86_400_000;
const DAYS_PER_ERA: i64 = 146_097;
const DAYS_TO_1970: i64 = 719_468;
/// 0001-01-01T00:00:00Z.
const MIN_MILLIS: i64 = -62_135_596_800_000;
/// 9999-12-31T23:59:59.999Z.
const MAX_MILLIS: i64 = 253_402_300_799_999;
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    millis: i64,
}

fn in_range(epoch_millis: i64) -> Option<Timestamp> {
    (MIN_MILLIS..=MAX_MILLIS).contains(&epoch_millis).then_some(Timestamp { epoch_millis })
}

fn civil_millis(
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    millis: i64,
) -> Option<i64> {
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let last_day = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    // A leap second (60) is accepted and flows over into the next minute.
    if !(1..=last_day).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * DAYS_PER_ERA + day_of_era - DAYS_TO_1970;
    Some(days * MILLIS_PER_DAY + hour * 3_600_000 + minute * 60_000 + second * 1_000 + millis)
}

struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.position).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.position += 1;
        Some(byte)
    }

    fn after(&mut self, expected: u8) -> Option<&mut Self> {
        (self.next()? == expected).then_some(self)
    }

    fn digits(&mut self, count: usize) -> Option<i64> {
        let mut number = 0;
        for _ in 0..count {
            let digit = self.next()?;
            if !digit.is_ascii_digit() {
                return None;
            }
            number = number * 10 + i64::from(digit - b'0');
        }
        Some(number)
    }

    /// An optional `.` with digits; those below the millisecond are dropped.
    fn fraction_millis(&mut self) -> Option<i64> {
        if self.peek() != Some(b'.') {
            return Some(0);
        }
        self.position += 1;
        let (mut millis, mut unit) = (0, 100);
        let start = self.position;
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            millis += i64::from(digit - b'0') * unit;
            unit /= 10;
            self.position += 1;
        }
        (self.position > start).then_some(millis)
    }
}

struct TimestampVisitor;

impl<'de> Visitor<'de> for TimestampVisitor {
    type Value = Timestamp;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a timestamp")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Timestamp, D::Error> {
        inner.deserialize_i64(self)
    }

    fn visit_i64<E>(self, epoch_millis: i64) -> Result<Timestamp, E> {
        Ok(Timestamp { epoch_millis })
    }

    fn visit_u64<E: de::Error>(self, epoch_millis: u64) -> Result<Timestamp, E> {
        i64::try_from(epoch_millis)
            .map(Timestamp::from_epoch_millis)
            .map_err(|_| E::custom("timestamp out of range"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_read_and_written() {
        let time = Timestamp::from_epoch_millis(1_398_796_238_125);
        assert_eq!(time.to_rfc3339(), "2014-04-29T18:30:38.125Z");
        assert_eq!(time.to_epoch_seconds(), "1398796238.125");
        assert_eq!(time.to_http_date(), "Tue, 29 Apr 2014 18:30:38 GMT");
        assert_eq!(Timestamp::parse_rfc3339("2014-04-29T18:30:38.125Z"), Some(time));
        assert_eq!(Timestamp::parse_rfc3339("2014-04-29T20:30:38.1259+02:00"), Some(time));
        assert_eq!(Timestamp::parse_epoch_seconds("1398796238.125"), Some(time));
        assert_eq!(Timestamp::parse_http_date("Tue, 29 Apr 2014 18:30:38.125 GMT"), Some(time));
    }

    #[test]
    fn moments_before_1970_keep_their_fraction() {
        let time = Timestamp::from_epoch_millis(-1_500);
        assert_eq!(time.to_epoch_seconds(), "-1.5");
        assert_eq!(Timestamp::parse_epoch_seconds("-1.5"), Some(time));
        assert_eq!(time.to_rfc3339(), "1969-12-31T23:59:58.500Z");
        assert_eq!(Timestamp::parse_rfc3339("1969-12-31T23:59:58.500Z"), Some(time));
    }

    #[test]
    fn impossible_dates_are_refused() {
        for text in
            ["2023-02-29T00:00:00Z", "2023-13-01T00:00:00Z", "2023-01-01T24:00:00Z", "2023-01-01", "", "x"]
        {
            assert_eq!(Timestamp::parse_rfc3339(text), None, "{text}");
        }
        assert_eq!(
            Timestamp::parse_rfc3339("2024-02-29T00:00:00Z").map(Timestamp::to_rfc3339).as_deref(),
            Some("2024-02-29T00:00:00Z")
        );
        for text in ["NaN", "inf", "1e300", "", "1 "] {
            assert_eq!(Timestamp::parse_epoch_seconds(text), None, "{text}");
        }
        assert_eq!(Timestamp::parse_http_date("Xyz, 29 Apr 2014 18:30:38 GMT"), None);
    }

    #[test]
    fn every_day_of_eight_centuries_goes_there_and_back() {
        for day in -150_000..150_000_i64 {
            let time = Timestamp::from_epoch_millis(day * MILLIS_PER_DAY + 45_296_007);
            assert_eq!(Timestamp::parse_rfc3339(&time.to_rfc3339()), Some(time));
        }
    }
}
