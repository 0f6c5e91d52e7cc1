//! A denial written out: what `DecodeAuthorizationMessage` answers.
//!
//! Source: STS API reference, "DecodeAuthorizationMessage"; the form is that of the messages EC2 gives.

use serde_json::{Value, json};

use super::context::Request;
use super::decision::{Denial, Policies};
use super::document::Policy;
use super::json::Json;

/// What a message may have: encoded and encrypted it then fits a response header behind common proxies. What is more is
/// left out, conditions of the request first.
const EXPLANATION_BYTES_MAX: usize = 2_500;

/// Condition keys are kept in lower case; these are shown as AWS writes them.
const NAMES: [&str; 18] = [
    "aws:CurrentTime",
    "aws:EpochTime",
    "aws:FederatedProvider",
    "aws:MultiFactorAuthPresent",
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalIsAWSService",
    "aws:PrincipalServiceName",
    "aws:PrincipalType",
    "aws:RequestedRegion",
    "aws:ResourceAccount",
    "aws:SecureTransport",
    "aws:SourceArn",
    "aws:SourceIdentity",
    "aws:SourceIp",
    "aws:TokenIssueTime",
    "aws:UserAgent",
    "aws:ViaAWSService",
];

/// Why the request was denied, for those who may know: the statements that denied it, who asked for what, and every
/// condition key the decision knew.
pub fn explanation(request: &Request, policies: &Policies<'_>, denial: Denial) -> String {
    let id = request.context().single("aws:userid").unwrap_or_default();
    let mut principal = json!({ "id": id, "arn": request.requester().arn() });
    if let Some(name) = request.context().single("aws:username") {
        principal["name"] = name.into();
    }
    let mut statements: Vec<Value> = of_all(policies)
        .flat_map(|policy| policy.denying(request, policies.bounds()))
        .map(|statement| matched(statement, id))
        .collect();
    let mut keys: Vec<_> = request.context().all().iter().map(|(key, values)| (shown(key), values)).collect();
    keys.sort();
    let mut conditions: Vec<Value> =
        keys.into_iter().map(|(key, values)| condition(&key, values.iter().cloned())).collect();
    let written = |statements: &[Value], conditions: &[Value]| {
        json!({
            "allowed": false,
            "explicitDeny": matches!(denial, Denial::Explicit(_)),
            "matchedStatements": items(statements.to_vec()),
            "failures": items(Vec::new()),
            "context": {
                "principal": principal,
                "action": request.action(),
                "resource": request.resource(),
                "conditions": items(conditions.to_vec()),
            },
        })
        .to_string()
    };
    let whole = written(&statements, &conditions);
    let mut excess_bytes = whole.len().saturating_sub(EXPLANATION_BYTES_MAX);
    if excess_bytes == 0 {
        return whole;
    }
    for list in [&mut conditions, &mut statements] {
        while excess_bytes > 0
            && let Some(left_out) = list.pop()
        {
            excess_bytes = excess_bytes.saturating_sub(left_out.to_string().len());
        }
    }
    written(&statements, &conditions)
}

fn of_all<'a>(policies: &'a Policies<'_>) -> impl Iterator<Item = &'a Policy> {
    let levels = policies.service_control.iter().flat_map(|level| level.iter());
    let session = policies.session.unwrap_or_default().iter();
    let resource = policies.resource.as_ref().and_then(|resource| resource.policy);
    levels.chain(policies.identity).chain(session).copied().chain(resource).chain(policies.boundary)
}

fn matched(statement: &Json, principal_id: &str) -> Value {
    let id = statement.get("Sid").and_then(Json::text).unwrap_or_default();
    let listed = |name: &str, not: &str| {
        let values = statement.get(name).or_else(|| statement.get(not)).map_or(&[][..], Json::one_or_many);
        items(values.iter().filter_map(Json::scalar).map(|value| json!({ "value": value })).collect())
    };
    let mut conditions = Vec::new();
    if let Some(Json::Map(operators)) = statement.get("Condition") {
        for (_, keys) in operators {
            let Json::Map(keys) = keys else { continue };
            for (key, values) in keys {
                conditions.push(condition(key, values.one_or_many().iter().filter_map(Json::scalar)));
            }
        }
    }
    json!({
        "statementId": id,
        "effect": "DENY",
        "principals": items(vec![json!({ "value": principal_id })]),
        "principalGroups": items(Vec::new()),
        "actions": listed("Action", "NotAction"),
        "resources": listed("Resource", "NotResource"),
        "conditions": items(conditions),
    })
}

fn condition(key: &str, values: impl Iterator<Item = String>) -> Value {
    json!({ "key": key, "values": items(values.map(|value| json!({ "value": value })).collect()) })
}

fn items(items: Vec<Value>) -> Value {
    json!({ "items": items })
}

fn shown(key: &str) -> String {
    NAMES.iter().find(|name| name.eq_ignore_ascii_case(key)).map_or(key, |name| name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::{Context, Decision, PolicyKind, Requester, decide};
    use super::*;

    fn explained(statement: &str, agent: &str) -> Value {
        let ann = Requester::User {
            account: "111122223333".into(),
            arn: "arn:aws:iam::111122223333:user/ann".into(),
            unique_id: "AIDAANN".into(),
        };
        let context = Context::new().with_requester(&ann).with("aws:UserAgent", agent);
        let request = Request::new(ann, "s3:GetObject", "arn:aws:s3:::b/k", "111122223333", context);
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
        let policy = Policy::parse(&text, PolicyKind::Identity).unwrap();
        let policies = Policies { identity: &[&policy], ..Policies::default() };
        let Decision::Denied(denial) = decide(&request, &policies) else { panic!("allowed") };
        let text = explanation(&request, &policies, denial);
        assert!(text.len() <= EXPLANATION_BYTES_MAX);
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn the_statement_that_denied_is_named() {
        let deny = r#"{"Sid":"No","Effect":"Deny","NotAction":"sqs:*","Resource":"*","Condition":{"StringLike":{"aws:username":["a*"]}}},
            {"Effect":"Deny","Action":"sqs:*","Resource":"*"}"#;
        let found = explained(deny, "x");
        assert_eq!((&found["allowed"], &found["explicitDeny"]), (&json!(false), &json!(true)));
        let statements = found["matchedStatements"]["items"].as_array().unwrap();
        assert_eq!(statements.len(), 1);
        assert_eq!(statements[0]["statementId"], "No");
        assert_eq!(statements[0]["actions"]["items"], json!([{ "value": "sqs:*" }]));
        let condition = &statements[0]["conditions"]["items"][0];
        assert_eq!(
            (&condition["key"], &condition["values"]["items"][0]["value"]),
            (&json!("aws:username"), &json!("a*"))
        );
        let context = &found["context"];
        assert_eq!(context["principal"]["id"], "AIDAANN");
        assert_eq!(
            (&context["action"], &context["resource"]),
            (&json!("s3:GetObject"), &json!("arn:aws:s3:::b/k"))
        );
        let key = json!({ "key": "aws:PrincipalArn", "values": { "items": [{ "value": "arn:aws:iam::111122223333:user/ann" }] } });
        assert!(context["conditions"]["items"].as_array().unwrap().contains(&key), "{context}");
    }

    #[test]
    fn what_does_not_fit_is_left_out() {
        let allow = r#"{"Effect":"Allow","Action":"sqs:*","Resource":"*"}"#;
        assert_eq!(explained(allow, "x")["explicitDeny"], false);
        let long = explained(allow, &"x".repeat(3_000));
        let kept = long["context"]["conditions"]["items"].as_array().unwrap();
        assert!(
            !kept.is_empty() && !kept.iter().any(|condition| condition["key"] == "aws:UserAgent"),
            "{long}"
        );
    }
}
