//! Texts with `*`, `?` and `${variables}`, split once when the policy is read.
//!
//! Source: IAM user guide, "IAM policy elements: Variables and tags". Matching never backtracks past a star: the
//! leftmost place of each run between stars is final, so the work is bounded by text times the longest run.

use super::context::Context;

/// Which characters of a policy's text are more than themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Syntax {
    pub(super) wildcards: bool,
    /// Only policies of version 2012-10-17 have variables.
    pub(super) variables: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    One,
    Many,
    Variable { key: String, default: Option<String> },
}

pub(super) fn pieces(text: &str, syntax: Syntax) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let variable = if syntax.variables { variable(rest) } else { None };
        let piece = match (next, variable) {
            (_, Some((Piece::Text(plain), length))) => {
                literal.push_str(&plain);
                rest = &rest[length..];
                continue;
            }
            (_, Some((piece, length))) => {
                rest = &rest[length..];
                piece
            }
            ('*', None) if syntax.wildcards => {
                rest = &rest[1..];
                Piece::Many
            }
            ('?', None) if syntax.wildcards => {
                rest = &rest[1..];
                Piece::One
            }
            (plain, None) => {
                literal.push(plain);
                rest = &rest[plain.len_utf8()..];
                continue;
            }
        };
        if !literal.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut literal)));
        }
        pieces.push(piece);
    }
    if !literal.is_empty() {
        pieces.push(Piece::Text(literal));
    }
    pieces
}

/// A variable at the start of the text, and its length in bytes.
fn variable(text: &str) -> Option<(Piece, usize)> {
    let inner = text.strip_prefix("${")?;
    let inner = &inner[..inner.find('}')?];
    let length = inner.len() + "${}".len();
    if matches!(inner, "*" | "?" | "$") {
        return Some((Piece::Text(inner.to_owned()), length));
    }
    let (key, default) = match inner.split_once(',') {
        Some((key, default)) => {
            (key, Some(default.trim().strip_prefix('\'')?.strip_suffix('\'')?.to_owned()))
        }
        None => (inner, None),
    };
    if !key.contains(':') {
        return None;
    }
    Some((Piece::Variable { key: key.trim().to_lowercase(), default }, length))
}

/// A pattern as written: ready to match, or waiting for the request's variables.
#[derive(Clone, Debug)]
pub(super) enum Template {
    Fixed(Glob),
    Variable(Vec<Piece>),
}

impl Template {
    pub(super) fn new(pieces: Vec<Piece>) -> Self {
        if pieces.iter().any(|piece| matches!(piece, Piece::Variable { .. })) {
            Template::Variable(pieces)
        } else {
            Template::Fixed(Glob::new(&pieces))
        }
    }

    /// `None` when a variable has no single value in the request and no default.
    pub(super) fn matches(&self, text: &str, context: &Context) -> Option<bool> {
        match self {
            Template::Fixed(glob) => Some(glob.matches(text)),
            Template::Variable(pieces) => Some(Glob::new(&resolve(pieces, context)?).matches(text)),
        }
    }

    /// As [`Template::matches`], whatever the case of letters.
    pub(super) fn matches_ignoring_case(&self, text: &str, context: &Context) -> Option<bool> {
        let lower = |pieces: &[Piece]| {
            let lowered = pieces.iter().map(|piece| match piece {
                Piece::Text(text) => Piece::Text(text.to_lowercase()),
                other => other.clone(),
            });
            Glob::new(&lowered.collect::<Vec<_>>()).matches(&text.to_lowercase())
        };
        match self {
            // Lower-cased when the policy was read.
            Template::Fixed(glob) => Some(glob.matches(&text.to_lowercase())),
            Template::Variable(pieces) => Some(lower(&resolve(pieces, context)?)),
        }
    }
}

/// Values of variables are plain text: a star in a user's tag is a star.
pub(super) fn resolve(pieces: &[Piece], context: &Context) -> Option<Vec<Piece>> {
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Variable { key, default } => {
                let value = context.single(key).or(default.as_deref())?;
                Some(Piece::Text(value.to_owned()))
            }
            other => Some(other.clone()),
        })
        .collect()
}

/// A pattern without variables.
#[derive(Clone, Debug)]
pub(super) struct Glob {
    /// What stands between the stars: one run when there is no star.
    runs: Box<[Run]>,
}

#[derive(Clone, Debug)]
enum Run {
    Text(Box<str>),
    /// `None` stands for any one character.
    Marks(Box<[Option<char>]>),
}

impl Glob {
    pub(super) fn new(pieces: &[Piece]) -> Self {
        Glob { runs: pieces.split(|piece| *piece == Piece::Many).map(Run::new).collect() }
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        let (first, rest) = self.runs.split_first().expect("splitting gives at least one run");
        let Some(text) = first.after_start(text) else { return false };
        let Some((last, middle)) = rest.split_last() else { return text.is_empty() };
        let Some(mut text) = last.before_end(text) else { return false };
        for run in middle {
            match run.after_first(text) {
                Some(remaining) => text = remaining,
                None => return false,
            }
        }
        true
    }
}

impl Run {
    fn new(pieces: &[Piece]) -> Self {
        if pieces.contains(&Piece::One) {
            let marks = pieces.iter().flat_map(|piece| match piece {
                Piece::Text(text) => text.chars().map(Some).collect(),
                _ => vec![None],
            });
            return Run::Marks(marks.collect());
        }
        let texts = pieces.iter().map(|piece| if let Piece::Text(text) = piece { text } else { "" });
        Run::Text(texts.collect::<String>().into())
    }

    fn after_start<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self {
            Run::Text(run) => text.strip_prefix(&**run),
            Run::Marks(marks) => {
                let mut chars = text.chars();
                let fits = |mark: &Option<char>| match (chars.next(), mark) {
                    (Some(found), Some(wanted)) => found == *wanted,
                    (found, None) => found.is_some(),
                    (None, Some(_)) => false,
                };
                marks.iter().all(fits).then_some(chars.as_str())
            }
        }
    }

    fn before_end<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self {
            Run::Text(run) => text.strip_suffix(&**run),
            Run::Marks(marks) => {
                let mut chars = text.chars();
                let fits = |mark: &Option<char>| match (chars.next_back(), mark) {
                    (Some(found), Some(wanted)) => found == *wanted,
                    (found, None) => found.is_some(),
                    (None, Some(_)) => false,
                };
                marks.iter().rev().all(fits).then_some(chars.as_str())
            }
        }
    }

    fn after_first<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self {
            Run::Text(run) => text.find(&**run).map(|start| &text[start + run.len()..]),
            Run::Marks(_) => text.char_indices().find_map(|(start, _)| self.after_start(&text[start..])),
        }
    }
}
