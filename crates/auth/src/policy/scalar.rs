//! Numbers, dates and address ranges of condition values.

use std::net::IpAddr;

use time::{Date, Duration, Month, PrimitiveDateTime, Time, UtcOffset};

const INTEGER_DIGITS_MAX: usize = 20;
const FRACTION_DIGITS: usize = 9;

/// A decimal as an exact count of billionths.
pub(super) fn number(text: &str) -> Option<i128> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (integer, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(integer)
        || !plain(fraction)
        || integer.len() > INTEGER_DIGITS_MAX
        || fraction.len() > FRACTION_DIGITS
    {
        return None;
    }
    let value: i128 = format!("{integer}{fraction:0<FRACTION_DIGITS$}").parse().ok()?;
    Some(if negative { -value } else { value })
}

/// Epoch milliseconds of an ISO 8601 date in the W3C forms, or of seconds since the epoch.
pub(super) fn date(text: &str) -> Option<i128> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if text.len() != "YYYY".len() && !text.bytes().skip(1).any(|byte| byte == b'-') {
        return Some(number(text)? / 1_000_000);
    }
    let (day, clock) = text.split_once('T').unwrap_or((text, ""));
    let mut parts = day.split('-');
    let year = field(parts.next()?, 4)?;
    let month = parts.next().map_or(Some(1), |part| field(part, 2))?;
    let day = parts.next().map_or(Some(1), |part| field(part, 2))?;
    if parts.next().is_some() || (digits && text.len() != 4) {
        return None;
    }
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(i32::try_from(year).ok()?, month, u8::try_from(day).ok()?).ok()?;
    let (clock, offset) = split_offset(clock)?;
    let time = if clock.is_empty() && !text.contains('T') { Time::MIDNIGHT } else { time_of_day(clock)? };
    let instant = PrimitiveDateTime::new(date, time).assume_offset(offset);
    Some(instant.unix_timestamp_nanos().div_euclid(1_000_000))
}

fn split_offset(clock: &str) -> Option<(&str, UtcOffset)> {
    if let Some(clock) = clock.strip_suffix('Z') {
        return Some((clock, UtcOffset::UTC));
    }
    let Some(index) = clock.rfind(['+', '-']) else { return Some((clock, UtcOffset::UTC)) };
    let (hours, minutes) = clock[index + 1..].split_once(':')?;
    let (hours, minutes) = (i8::try_from(field(hours, 2)?).ok()?, i8::try_from(field(minutes, 2)?).ok()?);
    let sign = if clock[index..].starts_with('-') { -1 } else { 1 };
    Some((&clock[..index], UtcOffset::from_hms(sign * hours, sign * minutes, 0).ok()?))
}

fn time_of_day(clock: &str) -> Option<Time> {
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut parts = clock.split(':');
    let (hour, minute) = (field(parts.next()?, 2)?, field(parts.next()?, 2)?);
    let second = parts.next().map_or(Some(0), |part| field(part, 2))?;
    let small = |value: u32| u8::try_from(value).ok();
    let time = Time::from_hms(small(hour)?, small(minute)?, small(second)?).ok()?;
    let billionths = i64::try_from(number(&format!("0.{fraction}"))?).ok()?;
    if parts.next().is_some() {
        return None;
    }
    Some(time + Duration::nanoseconds(billionths))
}

fn field(text: &str, digits: usize) -> Option<u32> {
    let plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// Addresses that share a prefix. Bits beyond it are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AddressRange {
    network: IpAddr,
    prefix_bits: u32,
}

impl AddressRange {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let network: IpAddr = address.parse().ok()?;
        let width = if network.is_ipv4() { 32 } else { 128 };
        let prefix_bits = match prefix {
            Some(prefix) if prefix.len() <= 3 && prefix.bytes().all(|byte| byte.is_ascii_digit()) => {
                prefix.parse().ok()?
            }
            Some(_) => return None,
            None => width,
        };
        (prefix_bits <= width).then_some(AddressRange { network, prefix_bits })
    }

    pub(super) fn contains(&self, address: &str) -> bool {
        let Ok(address) = address.parse::<IpAddr>() else { return false };
        match (self.network, address.to_canonical(), address) {
            (IpAddr::V4(network), IpAddr::V4(address), _) => {
                (network.to_bits() ^ address.to_bits()).checked_shr(32 - self.prefix_bits).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), _, IpAddr::V6(address)) => {
                (network.to_bits() ^ address.to_bits()).checked_shr(128 - self.prefix_bits).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}
