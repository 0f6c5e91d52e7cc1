//! Bucket policies as S3 itself looks at them: whether a document can be one, and whether it is public.
//!
//! What a policy allows is decided where all policies are. Sources: user guide, "Blocking public access to your Amazon
//! S3 storage", "The meaning of public"; API reference, "Error responses".

use std::net::IpAddr;

use serde_json::Value;

use crate::error::Error;

const POLICY_BYTES_MAX: usize = 20 * 1024;
/// Conditions on these keys with fixed values name somebody, so the statement is not public.
const NAMING_KEYS: [&str; 12] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
];
const SOURCE_ADDRESS_KEY: &str = "aws:sourceip";
/// Address ranges wider than these are everybody.
const IPV4_PREFIX_BITS_MIN: u8 = 8;
const IPV6_PREFIX_BITS_MIN: u8 = 32;

/// The rules of PutBucketPolicy.
pub(crate) fn check(text: &str, bucket: &str) -> Result<(), Error> {
    if text.len() > POLICY_BYTES_MAX {
        return Err(malformed(format!(
            "Normalized policy document exceeds the maximum allowed size of {POLICY_BYTES_MAX} bytes"
        )));
    }
    if !text.starts_with('{') {
        return Err(malformed("Policies must be valid JSON and the first byte must be '{'"));
    }
    let policy: Value = serde_json::from_str(text)
        .map_err(|_| malformed("Policies must be valid JSON and the first byte must be '{'"))?;
    match policy.get("Version") {
        None => {}
        Some(Value::String(version)) if ["2008-10-17", "2012-10-17"].contains(&version.as_str()) => {}
        Some(_) => return Err(malformed("The policy must contain a valid version string")),
    }
    let statements = statements(&policy);
    if statements.is_empty() {
        return Err(malformed("Missing required field Statement"));
    }
    statements.iter().try_for_each(|statement| check_statement(statement, bucket))
}

fn check_statement(statement: &Value, bucket: &str) -> Result<(), Error> {
    if !statement.is_object() {
        return Err(malformed("Invalid policy syntax."));
    }
    let has = |name: &str| statement.get(name).is_some();
    match statement.get("Effect") {
        Some(Value::String(effect)) if ["Allow", "Deny"].contains(&effect.as_str()) => {}
        Some(_) => return Err(malformed("Invalid effect")),
        None => return Err(malformed("Missing required field Effect")),
    }
    if has("Principal") == has("NotPrincipal") {
        return Err(malformed("Missing required field Principal"));
    }
    if has("Action") == has("NotAction") {
        return Err(malformed("Missing required field Action"));
    }
    if has("Resource") == has("NotResource") {
        return Err(malformed("Missing required field Resource"));
    }
    if !is_principal(statement.get("Principal").or_else(|| statement.get("NotPrincipal"))) {
        return Err(malformed("Invalid principal in policy"));
    }
    let texts =
        |one, other| [statement.get(one), statement.get(other)].into_iter().flatten().flat_map(texts_of);
    let arn = format!("arn:aws:s3:::{bucket}");
    let mut resources = texts("Resource", "NotResource").peekable();
    if resources.peek().is_none() {
        return Err(malformed("Policy has invalid resource"));
    }
    for resource in resources {
        let is_mine =
            resource.strip_prefix(&arn).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '*']));
        if !is_mine && resource != "*" {
            return Err(malformed("Policy has invalid resource"));
        }
    }
    let is_action = |action: &str| {
        action == "*" || action.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("s3:"))
    };
    let mut actions = texts("Action", "NotAction").peekable();
    if actions.peek().is_none() || !actions.all(is_action) {
        return Err(malformed("Policy has invalid action"));
    }
    match statement.get("Condition") {
        None | Some(Value::Object(_)) => Ok(()),
        Some(_) => Err(malformed("Policy has an invalid condition key")),
    }
}

fn is_principal(principal: Option<&Value>) -> bool {
    match principal {
        Some(Value::String(text)) => text == "*",
        Some(Value::Object(kinds)) => {
            !kinds.is_empty()
                && kinds.iter().all(|(kind, named)| {
                    let mut texts = texts_of(named).peekable();
                    ["AWS", "Service", "Federated", "CanonicalUser"].contains(&kind.as_str())
                        && texts.peek().is_some()
                        && (kind != "AWS" || texts.all(is_account_principal))
                })
        }
        _ => false,
    }
}

/// An account, or somebody of one.
fn is_account_principal(text: &str) -> bool {
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    let of_arn = || {
        let mut parts = text.splitn(6, ':');
        let head = [parts.next(), parts.next(), parts.next(), parts.next()];
        matches!(head, [Some("arn"), Some("aws" | "aws-cn" | "aws-us-gov"), Some("iam" | "sts"), Some("")])
            && parts.next().is_some_and(|account| is_account(account) || account == "cloudfront")
            && parts.next().is_some_and(|rest| !rest.is_empty())
    };
    // Deleted users and roles stand in policies by their unique id.
    let is_unique_id =
        || text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    text == "*" || is_account(text) || of_arn() || is_unique_id()
}

/// The policy without what it allows; `None` when it denies nothing.
pub(crate) fn denials_of(text: &str) -> Option<String> {
    let mut policy: Value = serde_json::from_str(text).ok()?;
    let denials: Vec<Value> = statements(&policy)
        .into_iter()
        .filter(|statement| statement.get("Effect").and_then(Value::as_str) == Some("Deny"))
        .cloned()
        .collect();
    if denials.is_empty() {
        return None;
    }
    policy["Statement"] = denials.into();
    Some(policy.to_string())
}

/// Whether the policy lets the public do anything.
pub(crate) fn is_public(text: &str) -> bool {
    let Ok(policy) = serde_json::from_str::<Value>(text) else { return false };
    statements(&policy).into_iter().any(is_public_statement)
}

fn is_public_statement(statement: &Value) -> bool {
    statement.get("Effect").and_then(Value::as_str) == Some("Allow")
        && (statement.get("NotPrincipal").is_some() || names_everybody(statement.get("Principal")))
        && !is_narrowed(statement.get("Condition"))
}

fn names_everybody(principal: Option<&Value>) -> bool {
    match principal {
        Some(Value::String(text)) => text == "*",
        Some(Value::Object(kinds)) => {
            kinds.iter().any(|(kind, named)| kind == "AWS" && texts_of(named).any(|text| text == "*"))
        }
        _ => false,
    }
}

/// Whether a condition names who may come.
fn is_narrowed(condition: Option<&Value>) -> bool {
    let operators = condition.and_then(Value::as_object).into_iter().flatten();
    operators.into_iter().any(|(operator, keys)| {
        let operator = operator.to_ascii_lowercase();
        // What a condition excludes, or holds where the key is missing, narrows nothing down.
        if operator.contains("not") || operator.ends_with("ifexists") || operator == "null" {
            return false;
        }
        keys.as_object().into_iter().flatten().any(|(key, values)| {
            let key = key.to_ascii_lowercase();
            let mut values = texts_of(values).peekable();
            if values.peek().is_none() {
                return false;
            }
            if key == SOURCE_ADDRESS_KEY {
                return operator == "ipaddress" && values.all(is_narrow_range);
            }
            NAMING_KEYS.contains(&key.as_str()) && values.all(|value| is_fixed(&key, value))
        })
    })
}

/// No wildcard and no variable; in ARNs, none in the account.
fn is_fixed(key: &str, value: &str) -> bool {
    if value.contains("${") {
        return false;
    }
    if key.ends_with("arn") && value.starts_with("arn:") {
        let account = value.split(':').nth(4).unwrap_or("");
        let bucket = value.strip_prefix("arn:aws:s3:::").unwrap_or("");
        return if account.is_empty() {
            !bucket.is_empty() && !bucket.contains(['*', '?'])
        } else {
            !account.contains(['*', '?'])
        };
    }
    !value.contains(['*', '?'])
}

fn is_narrow_range(range: &str) -> bool {
    let (address, bits) = match range.split_once('/') {
        Some((address, bits)) => (address, bits.parse::<u8>().ok()),
        None => (range, Some(u8::MAX)),
    };
    match (address.parse::<IpAddr>(), bits) {
        (Ok(IpAddr::V4(_)), Some(bits)) => bits >= IPV4_PREFIX_BITS_MIN,
        (Ok(IpAddr::V6(_)), Some(bits)) => bits >= IPV6_PREFIX_BITS_MIN,
        _ => false,
    }
}

fn statements(policy: &Value) -> Vec<&Value> {
    match policy.get("Statement") {
        Some(Value::Array(statements)) => statements.iter().collect(),
        Some(statement) => vec![statement],
        None => Vec::new(),
    }
}

/// A text, or the texts of a list.
fn texts_of(value: &Value) -> impl Iterator<Item = &str> {
    let many = value.as_array().into_iter().flatten();
    value.as_str().into_iter().chain(many.filter_map(Value::as_str))
}

fn malformed(message: impl Into<String>) -> Error {
    Error::new("MalformedPolicy", 400, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn policy(changes: Value) -> String {
        let mut statement = json!({
            "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::photos/*"
        });
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                statement.as_object_mut().unwrap().remove(name);
            } else {
                statement[name] = value.clone();
            }
        }
        json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
    }

    #[test]
    fn policies_must_be_about_this_bucket() {
        let said = |text: &str| {
            check(text, "photos").map_or_else(|error| error.message().to_owned(), |()| "fine".into())
        };
        assert_eq!(said(&policy(json!({}))), "fine");
        assert_eq!(
            said(&policy(
                json!({"Principal": {"AWS": ["111122223333", "arn:aws:iam::111122223333:role/r"]}})
            )),
            "fine"
        );
        assert_eq!(
            said(&policy(json!({"Resource": ["arn:aws:s3:::photos", "arn:aws:s3:::photos/a*"]}))),
            "fine"
        );
        assert_eq!(said("nothing"), "Policies must be valid JSON and the first byte must be '{'");
        assert_eq!(said("{"), "Policies must be valid JSON and the first byte must be '{'");
        assert_eq!(said("{}"), "Missing required field Statement");
        assert_eq!(
            said(&policy(json!({"Resource": "arn:aws:s3:::others/*"}))),
            "Policy has invalid resource"
        );
        assert_eq!(said(&policy(json!({"Resource": "arn:aws:s3:::photosx"}))), "Policy has invalid resource");
        assert_eq!(said(&policy(json!({"Resource": null}))), "Missing required field Resource");
        assert_eq!(said(&policy(json!({"Principal": null}))), "Missing required field Principal");
        assert_eq!(said(&policy(json!({"Principal": {"AWS": "me"}}))), "Invalid principal in policy");
        assert_eq!(said(&policy(json!({"Action": "lambda:Invoke"}))), "Policy has invalid action");
        assert_eq!(said(&policy(json!({"Effect": "Maybe"}))), "Invalid effect");
    }

    #[test]
    fn twenty_kibibytes_fit_and_one_byte_more_does_not() {
        let of = |bytes: usize| {
            let bare = policy(json!({"Sid": ""})).len();
            policy(json!({"Sid": "a".repeat(bytes - bare)}))
        };
        assert!(check(&of(POLICY_BYTES_MAX), "photos").is_ok());
        assert!(check(&of(POLICY_BYTES_MAX + 1), "photos").is_err());
    }

    #[test]
    fn public_is_what_names_nobody() {
        let with = |condition: Value| policy(json!({ "Condition": condition }));
        for (text, expected) in [
            (policy(json!({})), true),
            (policy(json!({"Principal": {"AWS": "*"}})), true),
            (policy(json!({"Effect": "Deny"})), false),
            (policy(json!({"Principal": {"AWS": "111122223333"}})), false),
            (policy(json!({"Principal": {"Service": "cloudfront.amazonaws.com"}})), false),
            (policy(json!({"Principal": null, "NotPrincipal": {"AWS": "111122223333"}})), true),
            (with(json!({"StringEquals": {"aws:SourceVpc": "vpc-1"}})), false),
            (with(json!({"StringLike": {"aws:SourceVpc": "vpc-*"}})), true),
            (with(json!({"StringNotEquals": {"aws:SourceVpc": "vpc-1"}})), true),
            (with(json!({"StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}})), true),
            (with(json!({"StringEquals": {"aws:userid": "${aws:userid}"}})), true),
            (with(json!({"StringEquals": {"aws:Referer": "example.com"}})), true),
            (with(json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})), false),
            (with(json!({"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "0.0.0.0/0"]}})), true),
            (with(json!({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}})), true),
            (with(json!({"ArnLike": {"aws:SourceArn": "arn:aws:sns:us-east-1:111122223333:*"}})), false),
            (with(json!({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:topic"}})), true),
        ] {
            assert_eq!(is_public(&text), expected, "{text}");
        }
    }
}
