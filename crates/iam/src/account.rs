//! What an account is called and what it asks of passwords.

use serde::{Deserialize, Serialize};
use service::Table;

/// One row an account, under [`ONLY`].
pub(crate) static ACCOUNTS: Table<Account> = Table::account("iam", "account");
/// Who has an alias: aliases are unique across accounts.
pub(crate) static ALIASES: Table<AliasOwner> = Table::installation("iam", "aliases");
pub(crate) const ONLY: &str = "account";

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Account {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_policy: Option<PasswordPolicy>,
    /// The ids of the account's own access keys, oldest first.
    #[serde(default)]
    pub access_keys: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AliasOwner {
    pub account: String,
}

/// As it is set, stored and shown. What was not set has AWS's default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PasswordPolicy {
    pub minimum_password_length: i64,
    pub require_symbols: bool,
    pub require_numbers: bool,
    pub require_uppercase_characters: bool,
    pub require_lowercase_characters: bool,
    pub allow_users_to_change_password: bool,
    pub expire_passwords: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_password_age: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_reuse_prevention: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hard_expiry: Option<bool>,
}

impl PasswordPolicy {
    /// The rule that a password breaks.
    pub(crate) fn broken_by(&self, password: &str) -> Option<&'static str> {
        let symbol = |next: char| "!@#$%^&*()_+-=[]{}|'".contains(next);
        let length = usize::try_from(self.minimum_password_length).unwrap_or_default();
        if password.chars().count() < length {
            return Some(
                "Password should have a minimum length of what the account password policy asks for",
            );
        }
        let lacks = |asked: bool, has: fn(char) -> bool| asked && !password.chars().any(has);
        if lacks(self.require_uppercase_characters, |next| next.is_ascii_uppercase()) {
            return Some("Password should have at least one uppercase letter");
        }
        if lacks(self.require_lowercase_characters, |next| next.is_ascii_lowercase()) {
            return Some("Password should have at least one lowercase letter");
        }
        if lacks(self.require_numbers, |next| next.is_ascii_digit()) {
            return Some("Password should have at least one number");
        }
        if self.require_symbols && !password.chars().any(symbol) {
            return Some("Password should have at least one symbol");
        }
        None
    }
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        PasswordPolicy {
            minimum_password_length: 6,
            require_symbols: false,
            require_numbers: false,
            require_uppercase_characters: false,
            require_lowercase_characters: false,
            allow_users_to_change_password: false,
            expire_passwords: false,
            max_password_age: None,
            password_reuse_prevention: None,
            hard_expiry: None,
        }
    }
}
