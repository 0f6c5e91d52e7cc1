//! The regular expressions of the models.
//!
//! They are written for Java. What Rust's engine spells differently is translated. Look-around has
//! no counterpart that runs in linear time; where it stands at the very start or end, as it does in
//! most patterns that have any, it becomes a check of its own. The few patterns left over are not
//! checked; a test lists them. Each is compiled at its first use.

use std::sync::OnceLock;

use regex::{Regex, RegexBuilder};

/// A pattern of the model; a value must match it as a whole.
#[derive(Debug)]
pub(crate) struct Pattern {
    source: Box<str>,
    /// `None` for a pattern that cannot be checked.
    compiled: OnceLock<Option<Compiled>>,
}

/// The program of one pattern may grow to this.
const MAX_COMPILED_BYTES: usize = 1 << 20;

impl Pattern {
    pub(crate) fn new(source: &str) -> Pattern {
        Pattern { source: source.into(), compiled: OnceLock::new() }
    }

    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// Whether `text` matches as a whole; `true` for patterns that cannot be checked.
    pub(crate) fn matches(&self, text: &str) -> bool {
        self.compiled().is_none_or(|compiled| compiled.matches(text))
    }

    fn compiled(&self) -> Option<&Compiled> {
        self.compiled.get_or_init(|| Compiled::new(&self.source)).as_ref()
    }
}

#[derive(Debug)]
struct Compiled {
    whole: Regex,
    looks: Vec<(Look, Regex)>,
}

/// A look-around at the edge of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// `(?=…)` at the start.
    StartsWith,
    /// `(?!…)` at the start.
    StartsWithout,
    /// `(?<!…)` at the end.
    EndsWithout,
}

impl Compiled {
    fn new(source: &str) -> Option<Compiled> {
        let (looks, core) = split_looks(source);
        let whole = build(&format!("^(?:{})$", translate(core)))?;
        let build_look = |(look, part): (Look, &str)| {
            let part = translate(part);
            let anchored = match look {
                Look::EndsWithout => format!("(?:{part})$"),
                Look::StartsWith | Look::StartsWithout => format!("^(?:{part})"),
            };
            Some((look, build(&anchored)?))
        };
        Some(Compiled { whole, looks: looks.into_iter().map(build_look).collect::<Option<_>>()? })
    }

    fn matches(&self, text: &str) -> bool {
        self.whole.is_match(text)
            && self.looks.iter().all(|(look, regex)| regex.is_match(text) == (*look == Look::StartsWith))
    }
}

fn build(regex: &str) -> Option<Regex> {
    RegexBuilder::new(regex).size_limit(MAX_COMPILED_BYTES).build().ok()
}

/// Takes the look-arounds off the start and the end. They hold for the whole value only where no
/// alternative stands beside them.
fn split_looks(source: &str) -> (Vec<(Look, &str)>, &str) {
    let mut looks = Vec::new();
    let mut core = source;
    loop {
        if has_alternatives(core) {
            return (looks, core);
        }
        let trimmed = core.strip_prefix('^').unwrap_or(core);
        let starts = trimmed.strip_prefix("(?=").map(|rest| (Look::StartsWith, rest));
        let starts = starts.or_else(|| trimmed.strip_prefix("(?!").map(|rest| (Look::StartsWithout, rest)));
        if let Some((look, rest)) = starts
            && let Some(end) = group_end(rest)
        {
            looks.push((look, &rest[..end]));
            core = &rest[end + 1..];
            continue;
        }
        let trimmed = core.strip_suffix('$').unwrap_or(core);
        if let Some(start) = trimmed.rfind("(?<!")
            && group_end(&trimmed[start + 4..]) == Some(trimmed.len() - start - 5)
        {
            looks.push((Look::EndsWithout, &trimmed[start + 4..trimmed.len() - 1]));
            core = &trimmed[..start];
            continue;
        }
        // One pair of parentheses around everything changes nothing.
        match core.strip_prefix('(').filter(|rest| !rest.starts_with('?')) {
            Some(rest) if group_end(rest) == Some(rest.len() - 1) => core = &rest[..rest.len() - 1],
            _ => return (looks, core),
        }
    }
}

/// Whether a `|` stands outside of all groups and classes.
fn has_alternatives(pattern: &str) -> bool {
    let mut depth = 0_usize;
    signs(pattern).any(|(_, sign)| {
        match sign {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '|' => return depth == 0,
            _ => {}
        }
        false
    })
}

/// Where the group ends whose opening parenthesis stands just before `rest`.
fn group_end(rest: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, sign) in signs(rest) {
        match sign {
            '(' => depth += 1,
            ')' if depth == 0 => return Some(at),
            ')' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The parentheses and bars that mean something: neither escaped nor in a class.
fn signs(pattern: &str) -> impl Iterator<Item = (usize, char)> {
    let (mut escaped, mut class_depth) = (false, 0_usize);
    pattern.char_indices().filter(move |(_, character)| {
        if std::mem::take(&mut escaped) {
            return false;
        }
        match character {
            '\\' => escaped = true,
            '[' => class_depth += 1,
            ']' => class_depth = class_depth.saturating_sub(1),
            '(' | ')' | '|' => return class_depth == 0,
            _ => {}
        }
        false
    })
}

/// Java's spelling to Rust's. Java's `\w`, `\d`, `\s` and `\b` know ASCII only.
fn translate(source: &str) -> String {
    let source = source.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\x{10000}-\x{10FFFF}");
    let mut out = String::with_capacity(source.len() + 16);
    let mut rest = source.as_str();
    let mut class_depth = 0_usize;
    while let Some(character) = rest.chars().next() {
        let length = character.len_utf8();
        match character {
            '\\' => {
                let (translated, consumed) = escape(&rest[length..], class_depth > 0);
                let is_set = rest[length..].starts_with(['w', 'd', 's', 'W', 'D', 'S', 'p', 'P']);
                out.push_str(&translated);
                rest = &rest[length + consumed..];
                // A set cannot start a range: Java takes the dash behind it for a dash.
                if class_depth > 0 && is_set && rest.starts_with('-') && !rest.starts_with("-]") {
                    out.push_str("\\-");
                    rest = &rest[1..];
                }
                continue;
            }
            '[' => class_depth += 1,
            ']' => class_depth = class_depth.saturating_sub(1),
            _ => {}
        }
        out.push(character);
        rest = &rest[length..];
    }
    out
}

/// Translates what follows a backslash; answers how much of it was read.
fn escape(rest: &str, in_class: bool) -> (String, usize) {
    let Some(character) = rest.chars().next() else { return (r"\\".into(), 0) };
    let ascii = |set: &str| if in_class { set.to_owned() } else { format!("[{set}]") };
    let translated = match character {
        'w' => ascii("0-9A-Za-z_"),
        'd' => ascii("0-9"),
        's' => ascii(r"\t\n\x0B\f\r "),
        'W' => "[^0-9A-Za-z_]".into(),
        'D' => "[^0-9]".into(),
        'S' => r"[^\t\n\x0B\f\r ]".into(),
        'b' if !in_class => r"(?-u:\b)".into(),
        'u' => {
            return match rest.get(1..5).filter(|digits| u32::from_str_radix(digits, 16).is_ok()) {
                Some(digits) => (format!(r"\x{{{digits}}}"), 5),
                None => ("u".into(), 1),
            };
        }
        'p' | 'P' => return property(rest, in_class),
        'n' | 'r' | 't' | 'f' | 'x' | 'A' | 'z' | 'B' | '0'..='9' => format!("\\{character}"),
        // Java lets any other letter or sign stand for itself.
        other if other.is_ascii_punctuation() => format!("\\{other}"),
        other => other.to_string(),
    };
    (translated, character.len_utf8())
}

/// Java's POSIX properties; general categories (`\p{L}`) are the same in both.
fn property(rest: &str, in_class: bool) -> (String, usize) {
    let Some(end) = rest.find('}').filter(|_| rest[1..].starts_with('{')) else {
        return (format!("\\{}", &rest[..1]), 1);
    };
    let posix = match &rest[2..end] {
        "ASCII" => r"\x00-\x7F",
        "Print" => r"\x20-\x7E",
        "Graph" => r"\x21-\x7E",
        "Cntrl" => r"\x00-\x1F\x7F",
        "Upper" => "A-Z",
        "Lower" => "a-z",
        "Digit" => "0-9",
        "Alpha" => "A-Za-z",
        "Alnum" => "0-9A-Za-z",
        "Punct" => r"!-/:-@\[-`\{-~",
        _ => return (format!("\\{}", &rest[..=end]), end + 1),
    };
    let translated = match (rest.starts_with('P'), in_class) {
        (true, _) => format!("[^{posix}]"),
        (false, true) => posix.to_owned(),
        (false, false) => format!("[{posix}]"),
    };
    (translated, end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        let pattern = Pattern::new(pattern);
        assert!(pattern.compiled().is_some(), "{}", pattern.source());
        pattern.matches(text)
    }

    #[test]
    fn the_whole_value_must_match() {
        assert!(matches("[a-z]+", "abc"));
        assert!(!matches("[a-z]+", "abc1"));
        assert!(!matches("[a-z]+", "abc\n"));
        assert!(matches("a|bc", "bc"));
        assert!(!matches("a|bc", "ac"));
        assert!(matches("^[a-z]*$", ""));
    }

    #[test]
    fn java_spellings_are_understood() {
        assert!(matches(r"[\w+=,.@-]+", "role/x".replace('/', "-").as_str()));
        assert!(!matches(r"\w+", "é"));
        assert!(matches(r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", "Größe 1"));
        assert!(matches(r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*", "a😀"));
        assert!(!matches(r"[\u0020-\uD7FF]*", "\u{1}"));
        assert!(matches(r"[\s\S]*", "any\nthing"));
        assert!(matches(r"\p{ASCII}+\/\_", "abc/_"));
        assert!(!matches(r"\d+", "٣"));
    }

    #[test]
    fn look_around_at_the_edges_is_checked() {
        let alias = r"((?!^\d+$)^[0-9a-zA-Z-_]+$)";
        assert!(matches(alias, "live-2"));
        assert!(!matches(alias, "42"));
        assert!(!matches(alias, "a b"));
        assert!(matches(r"^[0-9A-Za-z\.\-_]*(?<!\.)$", "a.b"));
        assert!(!matches(r"^[0-9A-Za-z\.\-_]*(?<!\.)$", "a.b."));
        assert!(matches(r"^(?=.*[a-zA-Z_\-\.])[a-zA-Z0-9_\-\.]+$", "1a"));
        assert!(!matches(r"^(?=.*[a-zA-Z_\-\.])[a-zA-Z0-9_\-\.]+$", "11"));
        assert!(!matches(r"^(?!aws:)[a-zA-Z+-=._:/]+$", "aws:x"));
        assert!(!matches(r"^(?! )[\p{L}\p{N}\p{Z}-_]*(?<! )$", "a "));
        assert!(!matches(r"^(?!\s*$).+", "  "));
    }

    #[test]
    fn a_dash_behind_a_set_is_a_dash() {
        assert!(matches(r"[\w-\/]+", "a-/"));
        assert!(!matches(r"[\w-\/]+", "."));
        assert!(matches(r"[\w-]+", "a-"));
    }

    /// Patterns we know we cannot check. When this list changes, look at what is new in it.
    #[test]
    fn patterns_that_cannot_be_checked_are_known() {
        let mut unchecked = std::collections::BTreeSet::<String>::new();
        for name in crate::model_names() {
            for shape in &crate::model(name).unwrap().shapes {
                if let Some(pattern) = &shape.constraints.pattern
                    && pattern.compiled().is_none()
                {
                    unchecked.insert(format!("{name}:{}", shape.name));
                }
            }
        }
        let known = [
            "acm:DomainNameString",
            "firehose:ClusterJDBCURL",
            "glue:AssetTypeFormKey",
            "glue:AssetTypeName",
            "iam:accountAliasType",
            "lambda:CollectionName",
            "lambda:FunctionUrlFunctionName",
            "pipes:EventBridgeEventSource",
            "pipes:PathParameter",
            "scheduler:Source",
            // A hundred thousand repetitions; the length alone would do.
            "ssm:InstancePropertyFilterValue",
            "ssm:InstancePropertyStringFilterKey",
            "ssm:StringDateTime",
        ];
        assert_eq!(unchecked.iter().map(String::as_str).collect::<Vec<_>>(), known);
    }
}
