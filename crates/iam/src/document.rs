//! Policy documents: checked when they come in by the one parser that decisions use, and how answers carry them.

use auth::policy::{Policy, PolicyKind};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::Error;

/// What a document is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// What an identity may do: inline and managed policies.
    Permissions,
    /// Who may assume a role.
    Trust,
}

impl Purpose {
    pub(crate) fn kind(self) -> PolicyKind {
        match self {
            Purpose::Permissions => PolicyKind::Identity,
            Purpose::Trust => PolicyKind::Trust,
        }
    }
}

pub(crate) fn check(document: &str, purpose: Purpose) -> Result<(), Error> {
    let policy = Policy::parse(document, purpose.kind())
        .map_err(|malformed| Error::MalformedPolicyDocumentException(malformed.to_string()))?;
    if purpose == Purpose::Permissions && !policy.has_variables() {
        return Err(Error::MalformedPolicyDocumentException(
            "Policy document must be version 2012-10-17 or greater.".into(),
        ));
    }
    Ok(())
}

/// The characters that count against quotas.
pub(crate) fn counted_chars(document: &str) -> usize {
    document.chars().filter(|next| !next.is_whitespace()).count()
}

/// What RFC 3986 leaves as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// RFC 3986 percent encoding, which is how IAM answers documents.
pub(crate) fn encode(document: &str) -> String {
    utf8_percent_encode(document, UNRESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_need_the_newer_version() {
        let statement = r#""Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]"#;
        for (document, expected) in [
            (format!(r#"{{"Version":"2012-10-17",{statement}}}"#), None),
            (format!("{{{statement}}}"), Some("Policy document must be version 2012-10-17 or greater.")),
            (
                format!(r#"{{"Version":"2008-10-17",{statement}}}"#),
                Some("Policy document must be version 2012-10-17 or greater."),
            ),
            (format!(r#"{{"Version":"2020-01-01",{statement}}}"#), Some("Syntax errors in policy.")),
            ("{".into(), Some("This policy contains invalid Json")),
        ] {
            let found = check(&document, Purpose::Permissions).err().map(|error| error.to_string());
            assert_eq!(found.as_deref(), expected, "{document}");
        }
        let trust = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}"#;
        assert!(check(trust, Purpose::Trust).is_ok());
        assert!(check(trust, Purpose::Permissions).is_err());
    }

    #[test]
    fn documents_are_percent_encoded() {
        assert_eq!(encode(r#"{"a": "~é"}"#), "%7B%22a%22%3A%20%22~%C3%A9%22%7D");
        assert_eq!(counted_chars("{ \"a b\" :\n1}"), 8);
    }
}
