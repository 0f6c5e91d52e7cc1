//! Whether a function lets S3 invoke it for a bucket: its resource policy must say so.

use serde_json::Value;

const PRINCIPAL: &str = "s3.amazonaws.com";

/// Who would invoke, for which bucket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    pub(crate) bucket_arn: &'a str,
    pub(crate) account: &'a str,
}

/// Whether the policy document allows it. A condition that S3 does not meet, or that is not understood, allows nothing.
pub(crate) fn allows(document: &str, source: Source<'_>) -> bool {
    let Ok(policy) = serde_json::from_str::<Value>(document) else { return false };
    let statements = match policy.get("Statement") {
        Some(Value::Array(statements)) => statements.as_slice(),
        Some(statement) => std::slice::from_ref(statement),
        None => &[],
    };
    let says = |effect: &str| {
        statements.iter().any(|statement| {
            statement.get("Effect").and_then(Value::as_str) == Some(effect) && applies(statement, source)
        })
    };
    says("Allow") && !says("Deny")
}

fn applies(statement: &Value, source: Source<'_>) -> bool {
    let principal = match statement.get("Principal") {
        Some(Value::String(name)) => name == "*",
        Some(Value::Object(kinds)) => kinds.iter().any(|(kind, names)| match kind.as_str() {
            "Service" => texts(names).any(|name| name == PRINCIPAL),
            "AWS" => texts(names).any(|name| name == "*"),
            _ => false,
        }),
        _ => false,
    };
    let action = statement
        .get("Action")
        .into_iter()
        .flat_map(texts)
        .any(|action| is_like(&action.to_ascii_lowercase(), "lambda:invokefunction"));
    let conditions = statement.get("Condition").and_then(Value::as_object);
    principal
        && action
        && conditions.into_iter().flatten().all(|(operator, keys)| meets(operator, keys, source))
}

fn meets(operator: &str, keys: &Value, source: Source<'_>) -> bool {
    let compare: fn(&str, &str) -> bool = match operator {
        "ArnLike" | "ArnEquals" | "StringLike" => is_like,
        "StringEquals" => |wanted, found| wanted == found,
        _ => return false,
    };
    keys.as_object().is_some_and(|keys| {
        keys.iter().all(|(key, wanted)| {
            let found = match key.to_ascii_lowercase().as_str() {
                "aws:sourcearn" => source.bucket_arn,
                "aws:sourceaccount" => source.account,
                _ => return false,
            };
            texts(wanted).any(|wanted| compare(wanted, found))
        })
    })
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let many = value.as_array().into_iter().flatten();
    value.as_str().into_iter().chain(many.filter_map(Value::as_str))
}

/// Whether the text fits a pattern of `*` and `?`.
fn is_like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut star, mut place) = (0, None, 0);
    while place < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, place));
                at += 1;
            }
            Some(&wanted) if wanted == '?' || wanted == text[place] => {
                at += 1;
                place += 1;
            }
            _ => match star {
                Some((after, from)) => {
                    star = Some((after, from + 1));
                    at = after + 1;
                    place = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn allowed(changes: &Value) -> bool {
        let mut statement = json!({
            "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "lambda:InvokeFunction",
            "Resource": "arn:aws:lambda:us-east-1:000000000000:function:f"
        });
        for (name, value) in changes.as_object().unwrap() {
            statement[name] = value.clone();
        }
        let document = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
        allows(&document, Source { bucket_arn: "arn:aws:s3:::photos", account: "000000000000" })
    }

    #[test]
    fn the_policy_names_s3_and_the_bucket() {
        let arn = |arn: &str| json!({"Condition": {"ArnLike": {"AWS:SourceArn": arn}}});
        for (changes, expected) in [
            (json!({}), true),
            (json!({"Principal": "*"}), true),
            (json!({"Principal": {"Service": "sns.amazonaws.com"}}), false),
            (json!({"Principal": {"AWS": "arn:aws:iam::000000000000:root"}}), false),
            (json!({"Action": "lambda:*"}), true),
            (json!({"Action": "lambda:GetFunction"}), false),
            (arn("arn:aws:s3:::photos"), true),
            (arn("arn:aws:s3:::ph*"), true),
            (arn("arn:aws:s3:::other"), false),
            (json!({"Condition": {"StringEquals": {"AWS:SourceAccount": "000000000000"}}}), true),
            (json!({"Condition": {"StringEquals": {"AWS:SourceAccount": "111111111111"}}}), false),
            (json!({"Condition": {"StringEquals": {"lambda:EventSourceToken": "x"}}}), false),
            (json!({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}), false),
            (json!({"Effect": "Deny"}), false),
        ] {
            assert_eq!(allowed(&changes), expected, "{changes}");
        }
        let source = Source { bucket_arn: "arn:aws:s3:::photos", account: "000000000000" };
        assert!(!allows("{}", source) && !allows("no json", source));
    }

    #[test]
    fn patterns_have_wildcards() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a*b*", "acbd", true),
            ("a*b", "abc", false),
        ] {
            assert_eq!(is_like(pattern, text), expected, "{pattern} {text}");
        }
    }
}
