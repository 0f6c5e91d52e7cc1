//! From text to tokens.

/// A token, without its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'t> {
    /// A plain name or a keyword.
    Word(&'t str),
    /// `#name`
    Name(&'t str),
    /// `:value`
    Value(&'t str),
    /// Digits.
    Number(&'t str),
    /// An operator, or any character that means nothing.
    Symbol(&'t str),
    End,
}

/// A token and where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed<'t> {
    pub(crate) token: Token<'t>,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Token<'_> {
    pub(crate) fn is_word(&self, keyword: &str) -> bool {
        matches!(self, Token::Word(word) if word.eq_ignore_ascii_case(keyword))
    }
}

/// All tokens of an expression, [`Token::End`] last.
pub(crate) fn tokens(text: &str) -> Vec<Placed<'_>> {
    let bytes = text.as_bytes();
    let mut placed = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if matches!(bytes[at], b' ' | b'\t' | b'\r' | b'\n') {
            at += 1;
            continue;
        }
        let start = at;
        at = end_of_token(text, start);
        placed.push(Placed { token: token(&text[start..at]), start, end: at });
    }
    placed.push(Placed { token: Token::End, start: text.len(), end: text.len() });
    placed
}

fn end_of_token(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let while_matches = |from: usize, matches: fn(&u8) -> bool| {
        from + bytes[from..].iter().position(|byte| !matches(byte)).unwrap_or(bytes.len() - from)
    };
    match bytes[start] {
        b'0'..=b'9' => while_matches(start, u8::is_ascii_digit),
        b'#' | b':' => while_matches(start + 1, is_name),
        byte if is_name(&byte) => while_matches(start, is_name),
        b'<' if matches!(bytes.get(start + 1), Some(b'=' | b'>')) => start + 2,
        b'>' if bytes.get(start + 1) == Some(&b'=') => start + 2,
        _ => start + text[start..].chars().next().map_or(1, char::len_utf8),
    }
}

fn token(text: &str) -> Token<'_> {
    match text.as_bytes() {
        [b'#', _, ..] => Token::Name(text),
        [b':', _, ..] => Token::Value(text),
        [b'0'..=b'9', ..] => Token::Number(text),
        [first, ..] if is_name(first) => Token::Word(text),
        _ => Token::Symbol(text),
    }
}

fn is_name(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte == b'_'
}

/// `Syntax error; token: "x", near: "y"`: the token that was not expected, between its neighbours.
pub(crate) fn syntax_error(text: &str, tokens: &[Placed<'_>], at: usize) -> String {
    let at = at.min(tokens.len() - 1);
    let wrong = &tokens[at];
    let shown = if wrong.token == Token::End { "<EOF>" } else { &text[wrong.start..wrong.end] };
    let from = if at == 0 { wrong.start } else { tokens[at - 1].start };
    let to = tokens.get(at + 1).map_or(wrong.end, |next| next.end);
    // Blanks before the end are no neighbours.
    format!("Syntax error; token: \"{shown}\", near: \"{}\"", text[from..to].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn errors_show_the_token_between_its_neighbours() {
        let cases = [
            ("INVALID SYNTAX HERE", 0, r#"token: "INVALID", near: "INVALID SYNTAX""#),
            ("!!! INVALID !!!", 0, r#"token: "!", near: "!!""#),
            ("SET a = if_not_exists(a, 0)", 7, r#"token: "0", near: ", 0)""#),
            ("SET ", 1, r#"token: "<EOF>", near: "SET""#),
            ("user-id", 1, r#"token: "-", near: "user-id""#),
        ];
        for (text, at, expected) in cases {
            assert_eq!(syntax_error(text, &tokens(text), at), format!("Syntax error; {expected}"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn tokens_cover_any_text_but_its_blanks(text in "\\PC{0,40}") {
            let tokens = tokens(&text);
            let mut at = 0;
            for placed in &tokens {
                prop_assert!(text[at..placed.start].bytes().all(|byte| b" \t\r\n".contains(&byte)));
                at = placed.end;
            }
            for index in 0..=tokens.len() {
                let _ = syntax_error(&text, &tokens, index);
            }
        }
    }
}
