//! Policy documents: what IAM accepts, and how it gives them back.
//!
//! Source: "Grammar of the IAM JSON policy language" of the IAM user guide; the texts are those IAM answers with.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::error::Error;

/// What a document is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// What an identity may do: inline and managed policies.
    Permissions,
    /// Who may assume a role.
    Trust,
}

type Statement = Map<String, Value>;
type Check = Result<(), &'static str>;

const SYNTAX: &str = "Syntax errors in policy.";

pub(crate) fn check(document: &str, purpose: Purpose) -> Result<(), Error> {
    let malformed = |text: &str| Error::MalformedPolicyDocumentException(text.to_owned());
    let json: Value =
        serde_json::from_str(document).map_err(|_| malformed("This policy contains invalid Json"))?;
    let statements = statements(&json).map_err(malformed)?;
    if purpose == Purpose::Permissions && json.get("Version") != Some(&Value::from("2012-10-17")) {
        return Err(malformed("Policy document must be version 2012-10-17 or greater."));
    }
    let mut ids = HashSet::new();
    if !statements.iter().filter_map(|statement| statement.get("Sid")?.as_str()).all(|id| ids.insert(id)) {
        return Err(malformed("Statement IDs (SID) in a single policy must be unique."));
    }
    for statement in &statements {
        match purpose {
            Purpose::Permissions => check_permission(statement)?,
            Purpose::Trust => check_trust(statement).map_err(malformed)?,
        }
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

/// The statements of a document whose form is right, whatever they say.
fn statements(json: &Value) -> Result<Vec<&Statement>, &'static str> {
    let document = json.as_object().ok_or(SYNTAX)?;
    let known = ["Version", "Id", "Statement"];
    let version = document
        .get("Version")
        .is_none_or(|version| matches!(version.as_str(), Some("2012-10-17" | "2008-10-17")));
    let id = document.get("Id").is_none_or(Value::is_string);
    if !document.keys().all(|key| known.contains(&key.as_str())) || !version || !id {
        return Err(SYNTAX);
    }
    let statements: Vec<&Statement> = match document.get("Statement") {
        Some(Value::Object(statement)) => vec![statement],
        Some(Value::Array(list)) if !list.is_empty() => {
            list.iter().map(Value::as_object).collect::<Option<_>>().ok_or(SYNTAX)?
        }
        _ => return Err(SYNTAX),
    };
    statements.iter().try_for_each(|statement| check_form(statement))?;
    Ok(statements)
}

fn check_form(statement: &Statement) -> Check {
    for (key, value) in statement {
        let fits = match key.as_str() {
            "Sid" => value.is_string(),
            "Effect" => matches!(value.as_str(), Some("Allow" | "Deny")),
            "Action" | "NotAction" | "Resource" | "NotResource" => texts(value).is_some(),
            "Principal" | "NotPrincipal" => is_principal(value),
            "Condition" => is_condition(value),
            _ => false,
        };
        if !fits {
            return Err(SYNTAX);
        }
    }
    let pairs = [("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal")];
    let doubled =
        pairs.iter().any(|(one, other)| statement.contains_key(*one) && statement.contains_key(*other));
    if doubled || !statement.contains_key("Effect") { Err(SYNTAX) } else { Ok(()) }
}

fn check_permission(statement: &Statement) -> Result<(), Error> {
    let malformed = |text: String| Err(Error::MalformedPolicyDocumentException(text));
    if statement.contains_key("Principal") || statement.contains_key("NotPrincipal") {
        return malformed("Policy document should not specify a principal.".into());
    }
    let actions = either(statement, "Action", "NotAction");
    if actions.is_empty() {
        return malformed("Policy statement must contain actions.".into());
    }
    let resources = either(statement, "Resource", "NotResource");
    if resources.is_empty() {
        return malformed("Policy statement must contain resources.".into());
    }
    if !actions.iter().all(|action| is_action(action)) {
        return malformed(
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.".into(),
        );
    }
    match resources.iter().find(|resource| !is_resource(resource)) {
        Some(resource) => malformed(format!("Resource {resource} must be in ARN format or \"*\".")),
        None => Ok(()),
    }
}

fn check_trust(statement: &Statement) -> Check {
    if statement.contains_key("Resource") || statement.contains_key("NotResource") {
        return Err("Has prohibited field Resource");
    }
    if !statement.contains_key("Principal") && !statement.contains_key("NotPrincipal") {
        return Err("Missing required field Principal");
    }
    let actions = either(statement, "Action", "NotAction");
    if actions.is_empty() {
        return Err("Missing required field Action");
    }
    if !actions.iter().all(|action| *action == "*" || action.to_ascii_lowercase().starts_with("sts:")) {
        return Err("AssumeRole policy may only specify STS AssumeRole actions.");
    }
    Ok(())
}

fn either<'a>(statement: &'a Statement, one: &str, other: &str) -> Vec<&'a str> {
    statement.get(one).or_else(|| statement.get(other)).and_then(texts).unwrap_or_default()
}

/// One text or a list of texts.
fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(list) => list.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

fn is_principal(value: &Value) -> bool {
    let kinds = ["AWS", "Service", "Federated", "CanonicalUser"];
    match value {
        Value::String(text) => text == "*",
        Value::Object(members) => {
            !members.is_empty()
                && members.iter().all(|(kind, names)| {
                    kinds.contains(&kind.as_str()) && texts(names).is_some_and(|names| !names.is_empty())
                })
        }
        _ => false,
    }
}

fn is_condition(value: &Value) -> bool {
    let scalar = |value: &Value| value.is_string() || value.is_boolean() || value.is_number();
    let values =
        |value: &Value| scalar(value) || value.as_array().is_some_and(|list| list.iter().all(scalar));
    let keys = |value: &Value| value.as_object().is_some_and(|keys| keys.values().all(values));
    value.as_object().is_some_and(|operators| operators.values().all(keys))
}

/// `*`, or `vendor:name` with wildcards in the name.
fn is_action(action: &str) -> bool {
    if action == "*" {
        return true;
    }
    let Some((vendor, name)) = action.split_once(':') else { return false };
    let vendor_plain = vendor.chars().all(|next| next.is_ascii_alphanumeric() || next == '-');
    !vendor.is_empty() && vendor_plain && !name.is_empty() && !name.contains(char::is_whitespace)
}

fn is_resource(resource: &str) -> bool {
    let wildcard = resource == "*" || (!resource.is_empty() && resource.chars().all(|next| next == '*'));
    wildcard || (resource.starts_with("arn:") && resource.split(':').count() >= 6)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn permissions(statement: &str) -> String {
        let document = format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#);
        check(&document, Purpose::Permissions).map_or_else(|error| error.to_string(), |()| "fine".into())
    }

    fn trust(statement: &str) -> String {
        let document = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
        check(&document, Purpose::Trust).map_or_else(|error| error.to_string(), |()| "fine".into())
    }

    #[test]
    fn permissions_are_checked() {
        for (statement, expected) in [
            (r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#, "fine"),
            (r#"{"Effect":"Deny","NotAction":["s3:Get*"],"NotResource":["arn:aws:s3:::b/*"]}"#, "fine"),
            (
                r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"a:B":"true"},"NumericLessThan":{"s3:max-keys":10}}}"#,
                "fine",
            ),
            ("[]", SYNTAX),
            ("[1]", SYNTAX),
            (r#"{"Action":"s3:*","Resource":"*"}"#, SYNTAX),
            (r#"{"Effect":"allow","Action":"s3:*","Resource":"*"}"#, SYNTAX),
            (r#"{"Effect":"Allow","Action":{"Ref":"x"},"Resource":"*"}"#, SYNTAX),
            (r#"{"Effect":"Allow","Action":"s3:*","NotAction":"s3:*","Resource":"*"}"#, SYNTAX),
            (r#"{"Effect":"Allow","Action":"s3:*","Resource":"*","Extra":1}"#, SYNTAX),
            (r#"{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":"x"}"#, SYNTAX),
            (r#"{"Effect":"Allow","Resource":"*"}"#, "Policy statement must contain actions."),
            (r#"{"Effect":"Allow","Action":[],"Resource":"*"}"#, "Policy statement must contain actions."),
            (r#"{"Effect":"Allow","Action":"s3:*"}"#, "Policy statement must contain resources."),
            (
                r#"{"Effect":"Allow","Action":"all","Resource":"*"}"#,
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
            ),
            (
                r#"{"Effect":"Allow","Action":"s3:*","Resource":"bucket"}"#,
                "Resource bucket must be in ARN format or \"*\".",
            ),
            (
                r#"{"Effect":"Allow","Action":"s3:*","Resource":"*","Principal":"*"}"#,
                "Policy document should not specify a principal.",
            ),
            (
                r#"[{"Sid":"a","Effect":"Allow","Action":"s3:*","Resource":"*"},{"Sid":"a","Effect":"Allow","Action":"s3:*","Resource":"*"}]"#,
                "Statement IDs (SID) in a single policy must be unique.",
            ),
        ] {
            assert_eq!(permissions(statement), expected, "{statement}");
        }
        let old = r#"{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
        assert_eq!(
            check(old, Purpose::Permissions).unwrap_err().to_string(),
            "Policy document must be version 2012-10-17 or greater."
        );
        assert_eq!(check("{", Purpose::Trust).unwrap_err().to_string(), "This policy contains invalid Json");
        assert_eq!(check("[]", Purpose::Trust).unwrap_err().to_string(), SYNTAX);
        assert_eq!(check(r#"{"Version":"2020-01-01"}"#, Purpose::Trust).unwrap_err().to_string(), SYNTAX);
    }

    #[test]
    fn trust_is_checked() {
        for (statement, expected) in [
            (
                r#"{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}"#,
                "fine",
            ),
            (
                r#"{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:root"]},"Action":["sts:AssumeRole","sts:TagSession"]}"#,
                "fine",
            ),
            (r#"{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}"#, "fine"),
            (r#"{"Effect":"Allow","Principal":{"Anyone":"x"},"Action":"sts:AssumeRole"}"#, SYNTAX),
            (r#"{"Effect":"Allow","Action":"sts:AssumeRole"}"#, "Missing required field Principal"),
            (r#"{"Effect":"Allow","Principal":"*"}"#, "Missing required field Action"),
            (
                r#"{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}"#,
                "Has prohibited field Resource",
            ),
            (
                r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject"}"#,
                "AssumeRole policy may only specify STS AssumeRole actions.",
            ),
        ] {
            assert_eq!(trust(statement), expected, "{statement}");
        }
    }

    #[test]
    fn documents_are_percent_encoded() {
        assert_eq!(encode(r#"{"a": "~é"}"#), "%7B%22a%22%3A%20%22~%C3%A9%22%7D");
        assert_eq!(counted_chars("{ \"a b\" :\n1}"), 8);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r#"[\{\["A-Za-z:,*\]\} ]{0,80}"#) {
            let _ = check(&text, Purpose::Permissions);
            let _ = check(&text, Purpose::Trust);
        }
    }
}
