//! Terms: `ERROR -"timed out" ?WARN %regex%`.

use super::PatternError;
use super::cursor::Cursor;
use super::regex::Regex;

/// A term list. Optional terms count only when there are no others.
#[derive(Debug, Default)]
pub(crate) struct Terms {
    included: Vec<Term>,
    excluded: Vec<Term>,
    optional: Vec<Term>,
}

#[derive(Debug)]
enum Term {
    Text(String),
    Regex(Regex),
}

pub(super) fn parse(text: &str) -> Result<Terms, PatternError> {
    let mut terms = Terms::default();
    let mut cursor = Cursor::new(text);
    loop {
        cursor.skip_space();
        if cursor.is_at_end() {
            return Ok(terms);
        }
        let list = if cursor.take("-") {
            &mut terms.excluded
        } else if cursor.take("?") {
            &mut terms.optional
        } else {
            &mut terms.included
        };
        list.push(term(&mut cursor)?);
    }
}

impl Terms {
    pub(super) fn matches(&self, message: &str) -> bool {
        if self.included.is_empty() && self.excluded.is_empty() {
            return self.optional.iter().any(|term| term.is_in(message));
        }
        self.included.iter().all(|term| term.is_in(message))
            && !self.excluded.iter().any(|term| term.is_in(message))
    }
}

impl Term {
    fn is_in(&self, message: &str) -> bool {
        match self {
            // `" "` is the documented way to match everything.
            Term::Text(text) => text.trim().is_empty() || message.contains(text.as_str()),
            Term::Regex(regex) => regex.is_match(message),
        }
    }
}

fn term(cursor: &mut Cursor<'_>) -> Result<Term, PatternError> {
    if cursor.take("\"") {
        return cursor.quoted().map(Term::Text);
    }
    if cursor.take("%") {
        return cursor.regex().map(Term::Regex);
    }
    let word = cursor.take_while(|next| next.is_alphanumeric() || next == '_');
    let ends = cursor.peek().is_none_or(char::is_whitespace);
    if word.is_empty() || !ends { Err(PatternError::Invalid) } else { Ok(Term::Text(word.to_owned())) }
}
