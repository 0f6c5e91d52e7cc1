//! The words of a statement.

use super::malformed;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A keyword, or a name without quotation marks.
    Word(String),
    /// A name in double quotation marks.
    Quoted(String),
    /// A text in single quotation marks.
    Text(String),
    /// Digits, with point and exponent, as written; a sign is a symbol before it.
    Number(String),
    Symbol(&'static str),
}

/// Longer ones first.
const SYMBOLS: [&str; 24] = [
    "<<", ">>", "<=", ">=", "<>", "!=", "||", "<", ">", "=", "(", ")", "[", "]", "{", "}", ",", ".", ":",
    "*", "+", "-", "?", ";",
];

/// The error is the whole message.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else { return Ok(tokens) };
        if let Some(comment) = rest.strip_prefix("--") {
            rest = comment.split_once('\n').map_or("", |(_, rest)| rest);
            continue;
        }
        if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").ok_or_else(|| malformed(""))?.1;
            continue;
        }
        let follows_name =
            matches!(tokens.last(), Some(Token::Word(_) | Token::Quoted(_) | Token::Symbol("]")));
        let is_fraction =
            first == '.' && !follows_name && rest[1..].starts_with(|next: char| next.is_ascii_digit());
        let (token, length) = match first {
            '\'' => quoted(rest, '\'').map(|(text, length)| (Token::Text(text), length))?,
            '"' => quoted(rest, '"').map(|(text, length)| (Token::Quoted(text), length))?,
            '0'..='9' => number(rest),
            '.' if is_fraction => number(rest),
            first if first.is_alphabetic() || first == '_' || first == '$' => {
                let is_part = |part: char| part.is_alphanumeric() || part == '_' || part == '$';
                let length = rest.find(|part: char| !is_part(part)).unwrap_or(rest.len());
                (Token::Word(rest[..length].to_owned()), length)
            }
            _ => {
                let symbol = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol));
                let symbol = symbol.ok_or_else(|| malformed(""))?;
                (Token::Symbol(symbol), symbol.len())
            }
        };
        tokens.push(token);
        rest = &rest[length..];
    }
}

/// What stands in quotation marks, doubled inside to mean themselves; and how long it is with them.
fn quoted(text: &str, mark: char) -> Result<(String, usize), String> {
    let mut content = String::new();
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character != mark {
            content.push(character);
        } else if characters.peek().is_some_and(|(_, next)| *next == mark) {
            content.push(mark);
            characters.next();
        } else {
            return Ok((content, at + mark.len_utf8()));
        }
    }
    Err(malformed(""))
}

fn number(text: &str) -> (Token, usize) {
    let bytes = text.as_bytes();
    let digits = |from: usize| from + bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    (Token::Number(text[..end].to_owned()), end)
}
