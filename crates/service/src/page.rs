//! Opaque tokens that continue a list.

use std::fmt::Write as _;

/// A place in a list: the last key that was answered. Opaque and versioned on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageToken(pub String);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the token was not issued by this operation")]
pub struct TokenError;

const VERSION: &str = "1";
const TOKEN_BYTES_MAX: usize = 4_096;

impl PageToken {
    pub fn encode(&self) -> String {
        let mut text = String::with_capacity(2 + self.0.len() * 2);
        text.push_str(VERSION);
        for byte in self.0.bytes() {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    pub fn decode(token: &str) -> Result<Self, TokenError> {
        let body =
            token.strip_prefix(VERSION).filter(|_| token.len() <= TOKEN_BYTES_MAX).ok_or(TokenError)?;
        let bytes = hex::decode(body).map_err(|_| TokenError)?;
        String::from_utf8(bytes).map(PageToken).map_err(|_| TokenError)
    }

    /// Splits one row too many off a page and makes the token of it: ask the store for `limit + 1` rows.
    pub fn cut<T>(rows: &mut Vec<(String, T)>, limit: usize) -> Option<PageToken> {
        if rows.len() <= limit {
            return None;
        }
        rows.truncate(limit);
        rows.last().map(|(key, _)| PageToken(key.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_back() {
        for key in ["", "hello", "ключ\0x"] {
            let token = PageToken(key.into());
            assert_eq!(PageToken::decode(&token.encode()), Ok(token));
        }
    }

    #[test]
    fn foreign_tokens_are_refused() {
        for text in ["", "hello", "2aa", "1a", "1zz", "1ff"] {
            assert_eq!(PageToken::decode(text), Err(TokenError), "{text}");
        }
    }

    #[test]
    fn a_full_page_has_a_token_and_the_last_has_none() {
        let mut rows = vec![("a".to_owned(), 1), ("b".to_owned(), 2), ("c".to_owned(), 3)];
        assert_eq!(PageToken::cut(&mut rows, 2), Some(PageToken("b".into())));
        assert_eq!(PageToken::cut(&mut rows, 2), None);
    }
}
