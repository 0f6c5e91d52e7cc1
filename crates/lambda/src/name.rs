//! The ways a caller may name a function: name, partial ARN, full ARN, each with or without a qualifier.
//!
//! Source: the FunctionName parameter of the Lambda API reference.

use service::{AccountId, Arn, Context, Failure, Region, Result, Scope};

use crate::error::Error;

/// Longest name of a function.
pub(crate) const NAME_CHARS_MAX: usize = 64;
const QUALIFIER_CHARS_MAX: usize = 128;

/// The qualifier of the version that can be changed.
pub(crate) const LATEST: &str = "$LATEST";

/// One function, and which of its versions or aliases is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) scope: Scope,
    pub(crate) name: String,
    /// `None` when the caller gave none: then the function itself or `$LATEST` is meant.
    pub(crate) qualifier: Option<String>,
}

impl Target {
    /// Reads what the caller wrote; the region of an ARN must be the request's.
    pub(crate) fn parse(cx: &Context, function: &str, qualifier: Option<&str>) -> Result<Self> {
        let parts = Parts::of(function).ok_or_else(|| invalid_name(function))?;
        let region = match parts.region {
            Some(region) => Region::parse(region).ok_or_else(|| invalid_name(function))?,
            None => cx.region().clone(),
        };
        if region != *cx.region() {
            let text =
                format!("Functions from '{region}' are not reachable in this region ('{}')", cx.region());
            return Err(Error::not_found(text).into());
        }
        let account = match parts.account {
            Some(account) => AccountId::parse(account).ok_or_else(|| invalid_name(function))?,
            None => cx.account().clone(),
        };
        let qualifier = match (parts.qualifier, qualifier) {
            (Some(named), Some(given)) if named != given => {
                let text =
                    "The derived qualifier from the function name does not match the specified qualifier.";
                return Err(Error::parameter(text).into());
            }
            (Some(named), _) => Some(named),
            (None, given) => given,
        };
        if let Some(qualifier) = qualifier.filter(|qualifier| !is_qualifier(qualifier)) {
            return Err(Failure::validation(format!(
                "1 validation error detected: Value '{qualifier}' at 'qualifier' failed to satisfy constraint: \
                 Member must satisfy regular expression pattern: (|[a-zA-Z0-9$_-]+)"
            )));
        }
        Ok(Target {
            scope: Scope { account, region },
            name: parts.name.to_owned(),
            qualifier: qualifier.map(str::to_owned),
        })
    }

    /// [`Target::parse`] for operations that act on the function itself.
    pub(crate) fn parse_unqualified(cx: &Context, function: &str) -> Result<Self> {
        Self::parse(cx, function, None)
    }

    /// The resource of a policy decision: never fails, because the decision comes before the answer.
    pub(crate) fn resource(cx: &Context, function: &str, qualifier: Option<&str>) -> Arn {
        match Self::parse(cx, function, qualifier) {
            Ok(target) => target.qualified_arn(),
            Err(_) => Arn::regional("lambda", cx.scope(), format!("function:{function}")),
        }
    }

    /// The ARN of the function without a qualifier.
    pub(crate) fn function_arn(&self) -> Arn {
        function_arn(&self.scope, &self.name)
    }

    /// The ARN with the qualifier, where there is one.
    pub(crate) fn qualified_arn(&self) -> Arn {
        match &self.qualifier {
            Some(qualifier) => qualified_arn(&self.scope, &self.name, qualifier),
            None => self.function_arn(),
        }
    }

    /// The qualifier, `$LATEST` when none was given.
    pub(crate) fn qualifier_or_latest(&self) -> &str {
        self.qualifier.as_deref().unwrap_or(LATEST)
    }

    pub(crate) fn not_found(&self) -> Error {
        Error::not_found(format!("Function not found: {}", self.qualified_arn()))
    }
}

pub(crate) fn function_arn(scope: &Scope, name: &str) -> Arn {
    Arn::regional("lambda", scope, format_args!("function:{name}"))
}

pub(crate) fn qualified_arn(scope: &Scope, name: &str, qualifier: &str) -> Arn {
    Arn::regional("lambda", scope, format_args!("function:{name}:{qualifier}"))
}

/// The number of a published version; `None` for `$LATEST` and aliases.
pub(crate) fn version_number(qualifier: &str) -> Option<u64> {
    let digits = !qualifier.is_empty() && qualifier.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| qualifier.parse().ok()).flatten()
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_name_byte)
}

fn is_qualifier(text: &str) -> bool {
    text == LATEST || (text.len() <= QUALIFIER_CHARS_MAX && is_name(text))
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn invalid_name(text: &str) -> Failure {
    let constraint = if text.chars().count() > NAME_CHARS_MAX && is_name(text) {
        format!("Member must have length less than or equal to {NAME_CHARS_MAX}")
    } else {
        "Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?\
         ([a-z]{2}(-gov)?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?"
            .to_owned()
    };
    Failure::validation(format!(
        "1 validation error detected: Value '{text}' at 'functionName' failed to satisfy constraint: {constraint}"
    ))
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Parts<'a> {
    region: Option<&'a str>,
    account: Option<&'a str>,
    name: &'a str,
    qualifier: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let pieces: Vec<&str> = text.split(':').collect();
        let (region, account, rest) = match pieces.as_slice() {
            ["arn", partition, "lambda", region, account, "function", rest @ ..]
                if partition.starts_with("aws") && is_account(account) =>
            {
                (Some(*region), Some(*account), rest)
            }
            ["arn", ..] => return None,
            ["function", rest @ ..] if !rest.is_empty() => (None, None, rest),
            [account, "function", rest @ ..] if is_account(account) => (None, Some(*account), rest),
            [region, account, "function", rest @ ..] if is_account(account) => {
                (Some(*region), Some(*account), rest)
            }
            [account, rest @ ..] if is_account(account) && !rest.is_empty() => (None, Some(*account), rest),
            rest => (None, None, rest),
        };
        let (name, qualifier) = match rest {
            [name] => (*name, None),
            [name, qualifier] => (*name, Some(*qualifier)),
            _ => return None,
        };
        let named = is_name(name) && name.len() <= NAME_CHARS_MAX;
        (named && qualifier.is_none_or(is_qualifier)).then_some(Parts { region, account, name, qualifier })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Found<'a> = (Option<&'a str>, Option<&'a str>, &'a str, Option<&'a str>);

    fn parts(text: &str) -> Option<Found<'_>> {
        Parts::of(text).map(|parts| (parts.region, parts.account, parts.name, parts.qualifier))
    }

    #[test]
    fn every_documented_form_reads() {
        let account = "111122223333";
        for (text, expected) in [
            ("hello", (None, None, "hello", None)),
            ("hello:live", (None, None, "hello", Some("live"))),
            ("hello:$LATEST", (None, None, "hello", Some(LATEST))),
            ("function:hello", (None, None, "hello", None)),
            ("111122223333:function:hello", (None, Some(account), "hello", None)),
            ("111122223333:function:hello:7", (None, Some(account), "hello", Some("7"))),
            ("111122223333:hello", (None, Some(account), "hello", None)),
            ("111122223333", (None, None, account, None)),
            ("eu-west-1:111122223333:function:hello", (Some("eu-west-1"), Some(account), "hello", None)),
            (
                "arn:aws:lambda:eu-west-1:111122223333:function:hello:live",
                (Some("eu-west-1"), Some(account), "hello", Some("live")),
            ),
            ("my-fn-1:live", (None, None, "my-fn-1", Some("live"))),
        ] {
            assert_eq!(parts(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "",
            ":",
            "a b",
            "a:",
            ":live",
            "a:b:c",
            "hello:$OLD",
            "arn:aws:lambda:eu-west-1:111122223333:layer:hello",
            "arn:aws:s3:::bucket",
            "arn:aws:lambda:eu-west-1:1:function:hello",
            "../etc",
            &"a".repeat(65),
        ] {
            assert_eq!(parts(text), None, "{text}");
        }
        assert!(parts(&"a".repeat(64)).is_some());
    }

    #[test]
    fn version_numbers_are_digits_only() {
        assert_eq!(version_number("12"), Some(12));
        for text in ["", "$LATEST", "v1", "1a", "99999999999999999999999"] {
            assert_eq!(version_number(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics_and_names_stay_plain(text in ".{0,80}") {
            if let Some(found) = Parts::of(&text) {
                prop_assert!(is_name(found.name));
            }
        }

        #[test]
        fn an_arn_comes_back(name in "[a-zA-Z0-9_-]{1,64}", qualifier in proptest::option::of("[a-zA-Z0-9_-]{1,20}")) {
            let scope = Scope::default();
            let arn = match &qualifier {
                Some(qualifier) => qualified_arn(&scope, &name, qualifier),
                None => function_arn(&scope, &name),
            };
            let found = Parts::of(arn.as_str());
            prop_assert_eq!(
                found.map(|parts| (parts.name, parts.qualifier)),
                Some((name.as_str(), qualifier.as_deref()))
            );
        }
    }
}
