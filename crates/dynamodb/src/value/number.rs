//! Exact decimal numbers of up to 38 significant digits.
//!
//! Sources: "Naming rules and data types" of the developer guide for range and precision; sizes as the service measures
//! them, which is not quite what its guide says (see [`Number::size_bytes`]).

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// Significant digits of a number.
pub(crate) const DIGITS_MAX: u32 = 38;
/// Greatest power of ten of the first digit.
const MAGNITUDE_MAX: i32 = 125;
/// Smallest power of ten of the first digit.
const MAGNITUDE_MIN: i32 = -130;
/// Exponents beyond this are out of range whatever the digits are.
const EXPONENT_READ_MAX: i64 = 1_000_000;
/// Where exponents turn into their opposites, or into no numbers at all, for older operations.
const FAR_EXPONENT: i64 = i32::MAX as i64;
/// Longest text that is read as a number, in bytes; more can only be zeros.
const TEXT_BYTES_MAX: usize = 4_096;
/// Room for two numbers aligned at their points: all powers of ten there are, and a carry.
const ALIGNED_DIGITS: usize = 300;

/// `±digits · 10^exponent`, without trailing zeros in the digits; so equal numbers have equal fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Number {
    is_negative: bool,
    digits: u128,
    exponent: i16,
}

/// Why a text is no number of the service. The texts are what clients read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NumberError {
    #[error("The parameter cannot be converted to a numeric value")]
    Empty,
    #[error("The parameter cannot be converted to a numeric value: {0}")]
    Text(String),
    #[error("Attempting to store more than 38 significant digits in a Number")]
    TooPrecise,
    #[error("Number overflow. Attempting to store a number with magnitude larger than supported range")]
    Overflow,
    /// An exponent that older operations read as its opposite.
    #[error("Number overflow. Attempting to store a number with magnitude larger than supported range")]
    FarOverflow,
    #[error("Number underflow. Attempting to store a number with magnitude smaller than supported range")]
    Underflow,
}

impl Number {
    pub(crate) fn from_u64(value: u64) -> Self {
        Number::normal(false, value.into(), 0).unwrap_or_default()
    }

    /// The whole part, where it fits; for numbers that are times.
    pub(crate) fn whole_seconds(&self) -> Option<i64> {
        let exponent = i32::from(self.exponent);
        let whole = match u32::try_from(exponent) {
            Ok(zeros) => self.digits.checked_mul(10_u128.checked_pow(zeros)?)?,
            Err(_) => 10_u128.checked_pow(exponent.unsigned_abs()).map_or(0, |unit| self.digits / unit),
        };
        let whole = i64::try_from(whole).ok()?;
        Some(if self.is_negative { -whole } else { whole })
    }

    /// The power of ten of the first digit; zero for zero.
    fn magnitude(&self) -> i32 {
        i32::from(self.exponent) + digit_count(self.digits) as i32 - 1
    }

    /// Brings digits below 10^39 into the one form a number has, or says why it has none.
    fn normal(is_negative: bool, mut digits: u128, mut exponent: i32) -> Result<Self, NumberError> {
        if digits == 0 {
            return Ok(Number::default());
        }
        while digits.is_multiple_of(10) {
            digits /= 10;
            exponent += 1;
        }
        let count = digit_count(digits);
        let magnitude = exponent + count as i32 - 1;
        if magnitude > MAGNITUDE_MAX {
            return Err(NumberError::Overflow);
        }
        if magnitude < MAGNITUDE_MIN {
            return Err(NumberError::Underflow);
        }
        if count > DIGITS_MAX {
            return Err(NumberError::TooPrecise);
        }
        let exponent = i16::try_from(exponent).map_err(|_| NumberError::Overflow)?;
        Ok(Number { is_negative, digits, exponent })
    }

    pub(crate) fn negated(self) -> Self {
        Number { is_negative: !self.is_negative && self.digits != 0, ..self }
    }

    /// Exact; a sum that needs more than 38 digits is refused, never rounded.
    pub(crate) fn plus(self, other: Number) -> Result<Number, NumberError> {
        let low = self.exponent.min(other.exponent);
        let own = scaled(self.digits, (self.exponent - low) as u32);
        let others = scaled(other.digits, (other.exponent - low) as u32);
        match (own, others) {
            (Some(own), Some(others)) => {
                let (negative, digits) = match (self.is_negative == other.is_negative, own >= others) {
                    (true, _) => (self.is_negative, own + others),
                    (false, true) => (self.is_negative, own - others),
                    (false, false) => (other.is_negative, others - own),
                };
                Number::normal(negative, digits, low.into())
            }
            _ => self.plus_far(other),
        }
    }

    /// [`Number::plus`] for numbers that lie far apart: digit by digit.
    fn plus_far(self, other: Number) -> Result<Number, NumberError> {
        let low = self.exponent.min(other.exponent);
        let aligned = |number: Number| {
            let mut digits = [0_i8; ALIGNED_DIGITS];
            let mut rest = number.digits;
            let mut at = (number.exponent - low) as usize;
            while rest > 0 {
                digits[at] = (rest % 10) as i8;
                rest /= 10;
                at += 1;
            }
            digits
        };
        let (own, others) = (aligned(self), aligned(other));
        let is_same_sign = self.is_negative == other.is_negative;
        let own_is_greater = self.cmp_absolute(&other) != Ordering::Less;
        let (greater, smaller) = if own_is_greater { (own, others) } else { (others, own) };
        let mut digits = [0_i8; ALIGNED_DIGITS];
        let mut carry = 0;
        for at in 0..ALIGNED_DIGITS {
            let digit = if is_same_sign {
                greater[at] + smaller[at] + carry
            } else {
                greater[at] - smaller[at] + carry
            };
            (digits[at], carry) = (digit.rem_euclid(10), digit.div_euclid(10));
        }
        let is_negative = if own_is_greater { self.is_negative } else { other.is_negative };
        let first = digits.iter().position(|digit| *digit != 0).unwrap_or(0);
        let last = digits.iter().rposition(|digit| *digit != 0).unwrap_or(0);
        if last - first >= DIGITS_MAX as usize {
            let magnitude = i32::from(low) + last as i32;
            return Err(if magnitude > MAGNITUDE_MAX {
                NumberError::Overflow
            } else {
                NumberError::TooPrecise
            });
        }
        let value = digits[first..=last].iter().rev().fold(0_u128, |sum, digit| sum * 10 + *digit as u128);
        Number::normal(is_negative, value, i32::from(low) + first as i32)
    }

    pub(crate) fn minus(self, other: Number) -> Result<Number, NumberError> {
        self.plus(other.negated())
    }

    fn cmp_absolute(&self, other: &Self) -> Ordering {
        if self.digits == 0 || other.digits == 0 {
            return self.digits.cmp(&other.digits);
        }
        let aligned = |number: &Number| number.digits * 10_u128.pow(DIGITS_MAX - digit_count(number.digits));
        self.magnitude().cmp(&other.magnitude()).then_with(|| aligned(self).cmp(&aligned(other)))
    }

    /// What the number counts towards the size of its item: one byte, one for each two digits on either side of the
    /// point, and one for the sign. Zeros around the digits are free.
    pub(crate) fn size_bytes(&self) -> usize {
        if self.digits == 0 {
            return 1;
        }
        let count = i32::try_from(digit_count(self.digits)).unwrap_or(i32::MAX);
        let exponent = i32::from(self.exponent);
        let (integer, fraction) = match (exponent >= 0, count + exponent) {
            (true, _) => (count, 0),
            (false, integer) if integer > 0 => (integer, -exponent),
            (false, _) => (0, count),
        };
        let pairs = |digits: i32| usize::try_from(digits).unwrap_or(0).div_ceil(2);
        1 + pairs(integer) + pairs(fraction) + usize::from(self.is_negative)
    }

    /// Appends bytes that order as the numbers do and tell where they end.
    pub(crate) fn encode(&self, bytes: &mut Vec<u8>) {
        if self.digits == 0 {
            bytes.push(ZERO);
            return;
        }
        let start = bytes.len() + 1;
        bytes.push(if self.is_negative { NEGATIVE } else { POSITIVE });
        bytes.push((self.magnitude() - MAGNITUDE_MIN) as u8);
        let mut rest = self.digits * 10_u128.pow(DIGITS_MAX - digit_count(self.digits));
        let mut weight = 10_u128.pow(DIGITS_MAX - 2);
        while rest > 0 {
            bytes.push((rest / weight) as u8 + 1);
            rest %= weight;
            weight /= 100;
        }
        bytes.push(0);
        if self.is_negative {
            for byte in &mut bytes[start..] {
                *byte = !*byte;
            }
        }
    }

    /// Reads [`Number::encode`] from the start of the bytes; gives the rest too.
    pub(crate) fn decode(bytes: &[u8]) -> Option<(Number, &[u8])> {
        let (sign, mut rest) = bytes.split_first()?;
        let mask = match *sign {
            ZERO => return Some((Number::default(), rest)),
            POSITIVE => 0,
            NEGATIVE => u8::MAX,
            _ => return None,
        };
        let magnitude;
        (magnitude, rest) = rest.split_first()?;
        let magnitude = i32::from(magnitude ^ mask) + MAGNITUDE_MIN;
        let mut digits = 0_u128;
        let mut count = 0;
        loop {
            let pair;
            (pair, rest) = rest.split_first()?;
            match pair ^ mask {
                0 => break,
                pair if count < DIGITS_MAX as i32 && pair <= 100 => {
                    digits = digits * 100 + u128::from(pair - 1);
                    count += 2;
                }
                _ => return None,
            }
        }
        Some((Number::normal(mask != 0, digits, magnitude - count + 1).ok()?, rest))
    }
}

const NEGATIVE: u8 = 1;
const ZERO: u8 = 2;
const POSITIVE: u8 = 3;

fn digit_count(digits: u128) -> u32 {
    digits.checked_ilog10().map_or(1, |log| log + 1)
}

/// Digits shifted to the left, if they stay below 10^38 and so can be added without care.
fn scaled(digits: u128, places: u32) -> Option<u128> {
    if digits == 0 {
        return Some(0);
    }
    (digit_count(digits) + places <= DIGITS_MAX).then(|| digits * 10_u128.pow(places))
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.is_negative, other.is_negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.cmp_absolute(other),
            (true, true) => other.cmp_absolute(self),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl FromStr for Number {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        if text.is_empty() {
            return Err(NumberError::Empty);
        }
        let no_number = || NumberError::Text(text.to_owned());
        if text.len() > TEXT_BYTES_MAX {
            return Err(no_number());
        }
        let (is_negative, unsigned) = match text.as_bytes() {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        let (mantissa, written_exponent) = match unsigned.iter().position(|byte| matches!(byte, b'e' | b'E'))
        {
            Some(at) => (&unsigned[..at], read_exponent(&unsigned[at + 1..]).ok_or_else(no_number)?),
            None => (unsigned, 0),
        };
        let mut digits = 0_u128;
        let mut exponent = written_exponent.clamp(-EXPONENT_READ_MAX, EXPONENT_READ_MAX);
        // Zeros that are only significant if another digit follows.
        let mut zeros = 0_u32;
        let mut is_too_precise = false;
        let (mut seen, mut point) = (false, false);
        for byte in mantissa {
            match byte {
                b'0'..=b'9' => {
                    seen = true;
                    exponent -= i64::from(point);
                    match (byte - b'0', digits) {
                        (0, 0) => {}
                        (0, _) => zeros += 1,
                        (digit, _) => {
                            if digits != 0 && digit_count(digits) + zeros + 1 > DIGITS_MAX {
                                is_too_precise = true;
                                exponent += 1;
                                continue;
                            }
                            digits = digits * 10_u128.pow(zeros + 1) + u128::from(digit);
                            zeros = 0;
                        }
                    }
                }
                b'.' if !point => point = true,
                _ => return Err(no_number()),
            }
        }
        if !seen {
            return Err(no_number());
        }
        if written_exponent >= FAR_EXPONENT {
            return Err(NumberError::FarOverflow);
        }
        if digits == 0 {
            // Even zero is held to the range, by the exponent it is written with.
            return match written_exponent {
                exponent if exponent > MAGNITUDE_MAX.into() => Err(NumberError::Overflow),
                exponent if exponent < MAGNITUDE_MIN.into() => Err(NumberError::Underflow),
                _ => Ok(Number::default()),
            };
        }
        exponent += i64::from(zeros);
        let exponent = i32::try_from(exponent).map_err(|_| NumberError::Overflow)?;
        let number = Number::normal(is_negative, digits, exponent)?;
        if is_too_precise { Err(NumberError::TooPrecise) } else { Ok(number) }
    }
}

/// `None`: it is no exponent, or none of 64 bits.
fn read_exponent(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    let is_plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    is_plain.then(|| std::str::from_utf8(text).ok()?.parse().ok()).flatten()
}

/// Plain decimal notation, never an exponent.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_negative {
            f.write_str("-")?;
        }
        let exponent = i32::from(self.exponent);
        if exponent >= 0 {
            write!(f, "{}", self.digits)?;
            return (0..exponent).try_for_each(|_| f.write_str("0"));
        }
        let places = exponent.unsigned_abs();
        let count = digit_count(self.digits);
        if count > places {
            let unit = 10_u128.pow(places);
            return write!(
                f,
                "{}.{:0width$}",
                self.digits / unit,
                self.digits % unit,
                width = places as usize
            );
        }
        f.write_str("0.")?;
        (0..places - count).try_for_each(|_| f.write_str("0"))?;
        write!(f, "{}", self.digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(text: &str) -> Number {
        text.parse().unwrap()
    }

    #[test]
    fn numbers_print_in_plain_decimals() {
        let cases = [
            ("0042.1200", "42.12"),
            ("-0", "0"),
            ("0E125", "0"),
            ("1.5E2", "150"),
            ("+.5", "0.5"),
            ("5.", "5"),
            ("1e-3", "0.001"),
            ("-12.034e1", "-120.34"),
            ("100", "100"),
            ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
            ("1000000000000000000000000000000000000000000", "1000000000000000000000000000000000000000000"),
        ];
        for (text, printed) in cases {
            assert_eq!(number(text).to_string(), printed, "{text}");
        }
        assert_eq!(number("1E125").to_string(), format!("1{}", "0".repeat(125)));
        assert_eq!(number("1E-130").to_string(), format!("0.{}1", "0".repeat(129)));
    }

    #[test]
    fn texts_that_are_no_numbers_are_refused_with_their_reason() {
        let error = |text: &str| text.parse::<Number>().unwrap_err();
        assert_eq!(error(""), NumberError::Empty);
        for text in
            ["a", "1a", " 1", "1 ", "--1", "1e", "1e+", ".", "-", "1.2.3", "0x10", "NaN", "Infinity", "１"]
        {
            assert_eq!(error(text), NumberError::Text(text.into()), "{text}");
        }
        assert_eq!(error("1E126"), NumberError::Overflow);
        assert_eq!(error("-1E126"), NumberError::Overflow);
        assert_eq!(error("1E2147483646"), NumberError::Overflow);
        assert_eq!(error("1E2147483647"), NumberError::FarOverflow);
        assert_eq!(error("1E-99999999999"), NumberError::Underflow);
        assert_eq!(error("1E9223372036854775808"), NumberError::Text("1E9223372036854775808".into()));
        assert_eq!(error("0E126"), NumberError::Overflow);
        assert_eq!(error("0E-131"), NumberError::Underflow);
        assert_eq!(error("1E-131"), NumberError::Underflow);
        assert_eq!(error("123456789012345678901234567890123456789"), NumberError::TooPrecise);
        assert_eq!(error("1.00000000000000000000000000000000000001"), NumberError::TooPrecise);
        assert!("9.9999999999999999999999999999999999999E+125".parse::<Number>().is_ok());
    }

    #[test]
    fn sizes_are_as_the_service_measures_them() {
        let cases = [
            ("0", 1),
            ("1", 2),
            ("12", 2),
            ("123", 3),
            ("12345678901234567890123456789012345678", 20),
            ("100", 2),
            ("1010", 3),
            ("0.0000001", 2),
            ("1E125", 2),
            ("1E-100", 2),
            ("1.5", 3),
            ("1.234", 4),
            ("3.14159", 5),
            ("100.5", 4),
            ("0.15", 2),
            ("-42", 3),
            ("-0", 1),
        ];
        for (text, bytes) in cases {
            assert_eq!(number(text).size_bytes(), bytes, "{text}");
        }
    }

    #[test]
    fn sums_are_exact_or_refused() {
        let sum = |a: &str, b: &str| number(a).plus(number(b)).map(|sum| sum.to_string());
        assert_eq!(sum("0.1", "0.2"), Ok("0.3".into()));
        assert_eq!(sum("1", "-1"), Ok("0".into()));
        assert_eq!(sum("1E30", "-1"), Ok("9".repeat(30)));
        assert_eq!(sum("1E38", "1"), Err(NumberError::TooPrecise));
        assert_eq!(sum("1E38", "-1"), Ok("9".repeat(38)));
        assert_eq!(sum("1E125", "1E-130"), Err(NumberError::TooPrecise));
        assert_eq!(sum("9.9e125", "9.9e125"), Err(NumberError::Overflow));
        assert_eq!(sum("99999999999999999999999999999999999999", "1"), Ok(format!("1{}", "0".repeat(38))));
        assert_eq!(sum("0", "1E125"), Ok(number("1E125").to_string()));
    }

    fn numbers() -> impl Strategy<Value = Number> {
        (any::<bool>(), 0..10_u128.pow(38), 0_u32..38, -130_i32..=88).prop_map(
            |(is_negative, digits, drop, exponent)| {
                Number::normal(is_negative, digits / 10_u128.pow(drop), exponent).unwrap_or_default()
            },
        )
    }

    proptest! {
        #[test]
        fn text_and_bytes_read_back(number in numbers()) {
            prop_assert_eq!(number.to_string().parse(), Ok(number));
            let mut bytes = Vec::new();
            number.encode(&mut bytes);
            bytes.push(77);
            prop_assert_eq!(Number::decode(&bytes), Some((number, &[77][..])));
        }

        #[test]
        fn bytes_order_as_numbers_do(a in numbers(), b in numbers()) {
            let bytes = |number: Number| {
                let mut bytes = Vec::new();
                number.encode(&mut bytes);
                bytes
            };
            prop_assert_eq!(bytes(a).cmp(&bytes(b)), a.cmp(&b));
        }

        #[test]
        fn a_sum_less_a_summand_is_the_other(a in numbers(), b in numbers()) {
            if let Ok(sum) = a.plus(b) {
                prop_assert_eq!(sum.minus(b), Ok(a));
                prop_assert_eq!(b.plus(a), Ok(sum));
                if !b.is_negative {
                    prop_assert!(sum >= a);
                }
            }
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "[-+.eE0-9 x]{0,60}") {
            if let Ok(number) = text.parse::<Number>() {
                prop_assert_eq!(number.to_string().parse(), Ok(number));
            }
        }
    }
}
