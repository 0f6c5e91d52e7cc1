//! Where the statements of a policy document are, for people who look for them.

use serde::Serialize;

/// A place in a text; both numbers begin at 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Position {
    line: usize,
    column: usize,
}

/// The first character of each statement and the one after its last, in order. The document was read before, so its
/// form is right; of any other text some statements are left out.
pub(crate) fn statements(document: &str) -> Vec<(Position, Position)> {
    let bytes = document.as_bytes();
    let (mut depth, mut in_statement) = (0_usize, false);
    let (mut at, mut start) = (0, None);
    let mut found = Vec::new();
    // How deep the statements are: 1 inside the document, 2 inside a list of them.
    let mut level = 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let end = end_of_text(bytes, at);
                let is_key =
                    depth == 1 && bytes[end..].iter().find(|next| !next.is_ascii_whitespace()) == Some(&b':');
                if is_key {
                    in_statement = document.get(at..end) == Some("\"Statement\"");
                    level = 1;
                }
                at = end;
                continue;
            }
            b'{' | b'[' => {
                if in_statement && depth == level && *byte == b'{' {
                    start = Some(at);
                } else if in_statement && depth == 1 {
                    level = 2;
                }
                depth += 1;
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == level
                    && let Some(start) = start.take()
                {
                    found.push((position(document, start), position(document, at + 1)));
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The byte after the closing quotation mark.
fn end_of_text(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn position(document: &str, at: usize) -> Position {
    let before = document.get(..at).unwrap_or(document);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Position { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(line: usize, column: usize) -> Position {
        Position { line, column }
    }

    #[test]
    fn statements_are_found_alone_and_in_lists() {
        let one = r#"{"Id":"{[","Statement":{"Sid":"\"}","Condition":{"a":{"b":["c"]}}},"Version":"x"}"#;
        assert_eq!(statements(one), [(at(1, 24), at(1, 67))]);
        let two = "{\n \"Statement\": [\n  {\"Sid\": \"é\"},\n  {\"Action\": [\"a\"],\n   \"x\": {}}\n ]\n}";
        assert_eq!(statements(two), [(at(3, 3), at(3, 15)), (at(4, 3), at(5, 12))]);
        assert_eq!(statements("[]"), []);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r#"[\{\["\\:,a\]\} é]{0,60}"#) {
            statements(&text);
        }
    }
}
