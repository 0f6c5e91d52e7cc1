//! Filter patterns: which events a search, a live tail or a metric filter is about.
//!
//! Source: "Filter pattern syntax for metric filters, subscription filters, filter log events, and Live Tail" of the
//! user guide. Three languages, told apart by the first character: `{ JSON conditions }`, `[space, delimited,
//! fields]`, and terms. Everything here is pure; a pattern has at most 1,024 characters, and its nesting is bounded.

mod cursor;
mod delimited;
mod json;
mod operand;
mod regex;
mod selector;
mod terms;

use std::collections::BTreeMap;

use delimited::Delimited;
use json::Condition;
use terms::Terms;

/// Most characters of a pattern.
const PATTERN_CHARS_MAX: usize = 1_024;

/// A filter pattern, ready to be applied.
#[derive(Debug)]
pub(crate) enum Pattern {
    Everything,
    Terms(Terms),
    Json(Condition),
    Delimited(Delimited),
}

/// Why a pattern is none; the text is the one that clients see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PatternError {
    #[error("Invalid filter pattern")]
    Invalid,
    #[error("If a filter pattern starts with '{{' it must end with '}}'")]
    UnclosedJson,
    #[error("If a filter pattern starts with '[' it must end with ']'")]
    UnclosedDelimited,
}

impl Pattern {
    pub(crate) fn parse(text: &str) -> Result<Self, PatternError> {
        if text.chars().count() > PATTERN_CHARS_MAX {
            return Err(PatternError::Invalid);
        }
        let text = text.trim();
        if text.is_empty() {
            Ok(Pattern::Everything)
        } else if let Some(rest) = text.strip_prefix('{') {
            let inner = rest.strip_suffix('}').ok_or(PatternError::UnclosedJson)?;
            json::parse(inner).map(Pattern::Json)
        } else if let Some(rest) = text.strip_prefix('[') {
            let inner = rest.strip_suffix(']').ok_or(PatternError::UnclosedDelimited)?;
            delimited::parse(inner).map(Pattern::Delimited)
        } else {
            terms::parse(text).map(Pattern::Terms)
        }
    }

    pub(crate) fn matches(&self, message: &str) -> bool {
        match self {
            Pattern::Everything => true,
            Pattern::Terms(terms) => terms.matches(message),
            Pattern::Json(condition) => json::read(message).is_some_and(|event| condition.holds(&event)),
            Pattern::Delimited(delimited) => delimited.matches(message),
        }
    }

    /// The values that the pattern names in a message it matches.
    pub(crate) fn extract(&self, message: &str) -> BTreeMap<String, String> {
        match self {
            Pattern::Everything | Pattern::Terms(_) => BTreeMap::new(),
            Pattern::Json(condition) => {
                json::read(message).map(|event| condition.extract(&event)).unwrap_or_default()
            }
            Pattern::Delimited(delimited) => delimited.extract(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Which of the messages the pattern matches.
    fn matching(pattern: &str, messages: &[&str]) -> Vec<usize> {
        let pattern = Pattern::parse(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        (0..messages.len()).filter(|index| pattern.matches(messages[*index])).collect()
    }

    #[test]
    fn terms_as_documented() {
        let messages = [
            "[ERROR 400] BAD REQUEST",
            "[ERROR 401] UNAUTHORIZED REQUEST",
            "[ERROR 419] MISSING ARGUMENTS",
            "[ERROR 420] INVALID ARGUMENTS",
            "[INFO] started",
        ];
        for (pattern, expected) in [
            ("", &[0, 1, 2, 3, 4][..]),
            ("   ", &[0, 1, 2, 3, 4]),
            (r#"" ""#, &[0, 1, 2, 3, 4]),
            ("ERROR", &[0, 1, 2, 3]),
            ("error", &[]),
            ("ERROR ARGUMENTS", &[2, 3]),
            ("?REQUEST ?ARGUMENTS", &[0, 1, 2, 3]),
            ("?INFO ?BAD", &[0, 4]),
            ("?INFO ARGUMENTS", &[2, 3]),
            ("ERROR -ARGUMENTS", &[0, 1]),
            ("-ERROR", &[4]),
            (r#""BAD REQUEST""#, &[0]),
            (r#"-"BAD REQUEST" ERROR"#, &[1, 2, 3]),
            (r#"?"[INFO]" ?"401]""#, &[1, 4]),
            ("%AUTHORIZED%", &[1]),
            ("%4[0-2]{2}%", &[0, 1, 3]),
            ("%^.INFO%", &[4]),
            ("ERROR %ARGUMENTS$% -%MISS%", &[3]),
        ] {
            assert_eq!(matching(pattern, &messages), expected, "{pattern}");
        }
    }

    #[test]
    fn json_as_documented() {
        let first = r#"{"eventType":"UpdateTrail","sourceIPAddress":"111.111.111.111","arrayKey":["value","another value"],
            "objectList":[{"name":"a","id":1},{"name":"b","id":2}],"SomeObject":null,"cluster.name":"c","ThisFlag":true,
            "latency":55.5,"big":1e3,"text":"400"}"#;
        let second = r#"{"user":{"id":1,"email":"John.Stiles@example.com"},"users":[{"id":2,"email":"John.Doe@example.com"},
            {"id":3,"email":"Jane.Doe@example.com"}],"actions":["GET","PUT","DELETE"],"coordinates":[[0,1,2],[4,5,6]]}"#;
        let messages = [first, second, "not json", "[1]", "{\"cut\":"];
        for (pattern, expected) in [
            (r#"{ $.eventType = "UpdateTrail" }"#, &[0][..]),
            ("{$.eventType=UpdateTrail}", &[0]),
            (r#"{ $.eventType = "*Trail" }"#, &[0]),
            (r#"{ $.eventType = "Update*" }"#, &[0]),
            (r#"{ $.eventType = "*dateT*" }"#, &[0]),
            (r#"{ $.eventType = "Update*l" }"#, &[]),
            (r#"{ $.eventType != "x" }"#, &[0]),
            ("{ $.eventType = * }", &[0]),
            ("{ $.sourceIPAddress != 123.123.* }", &[0]),
            ("{ $.sourceIPAddress = 111.111.* }", &[0]),
            (r#"{ $.arrayKey[0] = "value" }"#, &[0]),
            (r#"{ $.arrayKey[2] = "value" }"#, &[]),
            (r#"{ $.arrayKey = "value" }"#, &[]),
            (r#"{ $.arrayKey != "value" }"#, &[]),
            (r#"{ $.arrayKey[*] = "another value" }"#, &[0]),
            ("{ $.objectList[1].id = 2 }", &[0]),
            (r#"{ $.objectList[*].name = "b" }"#, &[0]),
            ("{ $.SomeObject IS NULL }", &[0]),
            ("{ $.Other IS NULL }", &[]),
            ("{ $.eventType NOT EXISTS }", &[1]),
            ("{ $.SomeObject NOT EXISTS }", &[1]),
            ("{ $.ThisFlag IS TRUE }", &[0]),
            ("{ $.ThisFlag IS FALSE }", &[]),
            ("{ $.['cluster.name'] = \"c\" }", &[0]),
            ("{ $['cluster.name'] = c }", &[0]),
            ("{ $.latency > 55 && $.latency <= 55.5 }", &[0]),
            ("{ $.latency > 5.56e1 }", &[]),
            ("{ $.big = 1000 }", &[0]),
            ("{ $.text = 400 }", &[0]),
            ("{ $.text > 300 }", &[]),
            ("{ $.eventType = %Trail% }", &[0]),
            ("{ $.arrayKey[*] = %val.{2}% }", &[0]),
            (r"{ $.* = %111\.111\.111\.1[0-9]{1,2}% }", &[0]),
            (r#"{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }"#, &[1]),
            (r#"{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }"#, &[]),
            (
                r#"{ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch && $.actions[2] = no }"#,
                &[1],
            ),
            (
                r#"{ ($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch) && $.actions[2] = no }"#,
                &[],
            ),
            ("{ $.coordinates[1][2] = 6 }", &[1]),
        ] {
            assert_eq!(matching(pattern, &messages), expected, "{pattern}");
        }
    }

    #[test]
    fn delimited_as_documented() {
        let messages = [
            r#"127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534"#,
            r#"127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /a.gif HTTP/1.0" 200 10"#,
            "INFO 09/25/2014 12:00:00 GET /service/resource/67 1200",
            "ERROR 09/25/2014 12:00:02 Failed to process",
        ];
        for (pattern, expected) in [
            ("[ip, user, username, timestamp, request, status_code, bytes]", &[0, 1][..]),
            ("[ip, user, username, timestamp, request, status_code, bytes > 1000]", &[0]),
            ("[ip, user, username, timestamp, request =*.html*, status_code = 4*, bytes]", &[0]),
            (r"[ip=%127\.0\.0\.[1-9]%, user, username, timestamp, request, status_code, bytes]", &[0, 1]),
            ("[..., request =*.html*, status_code = 4*, bytes]", &[0]),
            ("[..., status_code = 404 || status_code = 200, bytes]", &[0, 1]),
            ("[ip, user, ..., bytes < 100]", &[1]),
            ("[ip, user, ...]", &[0, 1, 2, 3]),
            ("[w1=ERROR, w2]", &[3]),
            ("[w1=ERROR || w1=INFO, w2]", &[2, 3]),
            ("[w1!=ERROR && w1!=INFO, w2]", &[0, 1]),
            ("[logLevel, date, time, method, url=%/service/resource/[0-9]+$%, response_time]", &[2]),
            ("[..., a, b, c, d, e, f, g, h, i]", &[]),
            ("[..., request=*.html*, status_code=4*,]", &[0]),
        ] {
            assert_eq!(matching(pattern, &messages), expected, "{pattern}");
        }
        let pattern = Pattern::parse("[..., request=*.html*, status_code=4*,]").unwrap();
        let extracted = pattern.extract(messages[0]);
        let pairs: Vec<_> = extracted.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            pairs,
            [
                "$1=127.0.0.1",
                "$2=Prod",
                "$3=frank",
                "$4=10/Oct/2000:13:25:15 -0700",
                "$7=1534",
                "$request=GET /index.html HTTP/1.0",
                "$status_code=404",
            ]
        );
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        use PatternError::{Invalid, UnclosedDelimited, UnclosedJson};
        for (pattern, error) in [
            ("user@example.com", Invalid),
            ("\"open", Invalid),
            ("-", Invalid),
            ("?", Invalid),
            ("%open", Invalid),
            ("%a(b)%", Invalid),
            ("%something!%", Invalid),
            ("%[z-a]%", Invalid),
            ("%*a%", Invalid),
            ("%a{3,2}%", Invalid),
            ("%a{9999}%", Invalid),
            ("%%", Invalid),
            ("%é%", Invalid),
            ("{", UnclosedJson),
            ("{ $.a = 1", UnclosedJson),
            ("{}", Invalid),
            ("{ $.a }", Invalid),
            ("{ $.a = }", Invalid),
            ("{ $ = 1 }", Invalid),
            ("{ a = 1 }", Invalid),
            ("{ $.a EXISTS }", Invalid),
            ("{ $.a IS NOT NULL }", Invalid),
            ("{ $.a = 1 && }", Invalid),
            ("{ ($.a = 1 }", Invalid),
            ("{ $.a > x }", Invalid),
            ("{ $.a = 1 $.b = 2 }", Invalid),
            ("{ $.*.b.* = 1 }", Invalid),
            ("{ $.a[*] = 1 && $.b[*] = 1 && $.c[*] = 1 && $.d[*] = 1 }", Invalid),
            ("{ $.a = %1% && $.b = %2% && $.c = %3% }", Invalid),
            ("[a, b", UnclosedDelimited),
            ("[..., a, ...]", Invalid),
            ("[a = 1 && b = 2]", Invalid),
            ("[a b]", Invalid),
            ("[]", Invalid),
        ] {
            assert_eq!(Pattern::parse(pattern).unwrap_err(), error, "{pattern}");
        }
        assert!(Pattern::parse(&"x".repeat(1_024)).is_ok());
        assert!(Pattern::parse(&"x".repeat(1_025)).is_err());
        assert!(Pattern::parse(&format!("{{{}$.a=1{}}}", "(".repeat(32), ")".repeat(32))).is_ok());
        assert!(Pattern::parse(&format!("{{{}$.a=1{}}}", "(".repeat(33), ")".repeat(33))).is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,60}", message in ".{0,60}") {
            if let Ok(pattern) = Pattern::parse(&text) {
                pattern.matches(&message);
                pattern.extract(&message);
            }
        }

        #[test]
        fn near_patterns_do_not_panic(
            text in r#"[\{\[%]?[ $.a\[\]\(\)\*='"&|<>!%\\0-9{},IS NULLOT EXISTS-]{0,40}[\}\]%]?"#,
            message in r#"[\{\[ "a:1,\]\}]{0,30}"#,
        ) {
            if let Ok(pattern) = Pattern::parse(&text) {
                pattern.matches(&message);
                pattern.extract(&message);
            }
        }

        #[test]
        fn a_quoted_term_is_a_substring(term in "[a-z!@ ]{1,8}", message in "[a-z!@ ]{0,20}") {
            prop_assume!(!term.trim().is_empty());
            let pattern = Pattern::parse(&format!("\"{term}\"")).unwrap();
            prop_assert_eq!(pattern.matches(&message), message.contains(&term));
        }

        #[test]
        fn numbers_compare_as_numbers(value in -1_000_i32..1_000, bound in -1_000_i32..1_000) {
            let message = format!(r#"{{"n":{value}}}"#);
            for (operator, expected) in [
                ("<", value < bound), ("<=", value <= bound), (">", value > bound), (">=", value >= bound),
                ("=", value == bound), ("!=", value != bound),
            ] {
                let pattern = Pattern::parse(&format!("{{ $.n {operator} {bound} }}")).unwrap();
                prop_assert_eq!(pattern.matches(&message), expected);
            }
        }
    }
}
