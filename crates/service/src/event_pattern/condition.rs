//! What one field may be.

use std::net::IpAddr;

use serde_json::Value;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    Equals(Value),
    EqualsIgnoreCase(String),
    Prefix(String),
    PrefixIgnoreCase(String),
    Suffix(String),
    SuffixIgnoreCase(String),
    Wildcard(String),
    /// Both bounds hold, where there are two.
    Numeric(Vec<(Comparison, f64)>),
    Exists(bool),
    Cidr(IpAddr, u8),
    /// There is a value and none of these holds for it.
    AnythingBut(Vec<Condition>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
}

impl Condition {
    /// An array in the event has what one of its elements has.
    pub(super) fn matches(&self, field: Option<&Value>) -> bool {
        match (self, field) {
            (Condition::Exists(wanted), field) => *wanted == field.is_some(),
            (_, None) => false,
            (_, Some(Value::Array(items))) => items.iter().any(|item| self.holds(item)),
            (_, Some(value)) => self.holds(value),
        }
    }

    fn holds(&self, value: &Value) -> bool {
        let text = value.as_str();
        let lower = |text: &str| text.to_lowercase();
        match self {
            Condition::Equals(wanted) => match (wanted.as_f64(), value.as_f64()) {
                (Some(wanted), Some(value)) => wanted == value,
                _ => wanted == value,
            },
            Condition::EqualsIgnoreCase(wanted) => text.is_some_and(|text| lower(text) == lower(wanted)),
            Condition::Prefix(wanted) => text.is_some_and(|text| text.starts_with(wanted.as_str())),
            Condition::PrefixIgnoreCase(wanted) => {
                text.is_some_and(|text| lower(text).starts_with(&lower(wanted)))
            }
            Condition::Suffix(wanted) => text.is_some_and(|text| text.ends_with(wanted.as_str())),
            Condition::SuffixIgnoreCase(wanted) => {
                text.is_some_and(|text| lower(text).ends_with(&lower(wanted)))
            }
            Condition::Wildcard(pattern) => {
                text.is_some_and(|text| wildcard(pattern.as_bytes(), text.as_bytes()))
            }
            Condition::Numeric(bounds) => value.as_f64().is_some_and(|value| {
                bounds.iter().all(|(comparison, bound)| comparison.holds(value, *bound))
            }),
            Condition::Exists(wanted) => *wanted,
            Condition::Cidr(network, bits) => text
                .and_then(|text| text.parse().ok())
                .is_some_and(|address| within(address, *network, *bits)),
            Condition::AnythingBut(unwanted) => !unwanted.iter().any(|condition| condition.holds(value)),
        }
    }
}

impl Comparison {
    fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Comparison::Less => value < bound,
            Comparison::LessOrEqual => value <= bound,
            Comparison::Equal => value == bound,
            Comparison::GreaterOrEqual => value >= bound,
            Comparison::Greater => value > bound,
        }
    }
}

/// Whether the text is the pattern with any text for each `*`; a backslash takes the next character as it is. Linear but
/// for the last star, which is tried from place to place.
fn wildcard(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at_pattern, mut at_text) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at_text < text.len() {
        let (literal, width) = match pattern.get(at_pattern) {
            Some(b'\\') if at_pattern + 1 < pattern.len() => (pattern.get(at_pattern + 1), 2),
            Some(b'*') => {
                star = Some((at_pattern + 1, at_text));
                at_pattern += 1;
                continue;
            }
            other => (other, 1),
        };
        if literal == Some(&text[at_text]) {
            at_pattern += width;
            at_text += 1;
        } else if let Some((after_star, from)) = star {
            star = Some((after_star, from + 1));
            (at_pattern, at_text) = (after_star, from + 1);
        } else {
            return false;
        }
    }
    pattern[at_pattern..].iter().all(|byte| *byte == b'*')
}

fn within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let prefix = |octets: &[u8]| -> Vec<u8> {
        let bits = usize::from(bits);
        let kept = octets.iter().enumerate().map(|(index, octet)| match bits.saturating_sub(index * 8) {
            0 => 0,
            left @ 1..8 => octet & (0xff << (8 - left)),
            _ => *octet,
        });
        kept.collect()
    };
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => prefix(&address.octets()) == prefix(&network.octets()),
        (IpAddr::V6(address), IpAddr::V6(network)) => prefix(&address.octets()) == prefix(&network.octets()),
        _ => false,
    }
}
