//! Whose resources a request sees: one account in one region.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Twelve digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId(Arc<str>);

impl AccountId {
    /// The account of requests that name none.
    pub const DEFAULT: &'static str = "000000000000";

    /// `None` unless the text is exactly twelve ASCII digits.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| AccountId(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for AccountId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        AccountId::parse(&text).ok_or("an account is twelve digits")
    }
}

impl From<AccountId> for String {
    fn from(account: AccountId) -> Self {
        account.0.as_ref().to_owned()
    }
}

impl Default for AccountId {
    fn default() -> Self {
        AccountId(Self::DEFAULT.into())
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A region name such as `us-east-1`; any name of lower-case letters, digits and hyphens is accepted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(Arc<str>);

impl Region {
    pub const DEFAULT: &'static str = "us-east-1";
    const BYTES_MAX: usize = 32;

    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=Self::BYTES_MAX).contains(&text.len());
        let plain =
            text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        (fits && plain).then(|| Region(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Region {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Region::parse(&text).ok_or("not the name of a region")
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        region.0.as_ref().to_owned()
    }
}

impl Default for Region {
    fn default() -> Self {
        Region(Self::DEFAULT.into())
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Scope {
    pub account: AccountId,
    pub region: Region,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_twelve_digits() {
        assert!(AccountId::parse("123456789012").is_some());
        for text in ["", "12345678901", "1234567890123", "12345678901a", "１２３４"] {
            assert!(AccountId::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn regions_are_short_plain_names() {
        assert!(Region::parse("eu-west-1").is_some());
        for text in ["", "EU", "a b", "a\0b", "a/b", &"a".repeat(33)] {
            assert!(Region::parse(text).is_none(), "{text}");
        }
    }
}
