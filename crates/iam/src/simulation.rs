//! Decisions tried out: which statements decide, and which context is missing.

use std::collections::BTreeSet;

use auth::policy::{
    Context as Keys, Decision, Denial, Policies, Policy, PolicyKind, Request, Requester, ResourcePolicy,
    ResourcePolicyKind, decide,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use service::{Arn, Context, Failure, Result};

use crate::error::Error;
use crate::spans::{Position, statements};

/// Actions times resources of one simulation.
const CASES_MAX: usize = 1_000;

/// A policy of the simulation.
pub(crate) struct Source {
    /// How results name it.
    pub id: String,
    /// `user`, `group`, `role`, `aws-managed`, `user-managed`, `resource`, or `none` for one that was passed.
    pub kind: &'static str,
    pub document: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ContextEntry {
    context_key_name: Option<String>,
    #[serde(default)]
    context_key_values: Vec<String>,
}

/// What is asked, of whatever policies.
#[derive(Default)]
pub(crate) struct Question {
    pub action_names: Vec<String>,
    pub resource_arns: Vec<String>,
    pub resource_policy: Option<String>,
    pub resource_owner: Option<String>,
    pub caller_arn: Option<String>,
    pub context_entries: Vec<ContextEntry>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct EvaluationResult {
    eval_action_name: String,
    eval_resource_name: String,
    eval_decision: &'static str,
    matched_statements: Vec<MatchedStatement>,
    missing_context_values: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions_boundary_decision_detail: Option<BoundaryDetail>,
    resource_specific_results: Vec<ResourceResult>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ResourceResult {
    eval_resource_name: String,
    eval_resource_decision: &'static str,
    matched_statements: Vec<MatchedStatement>,
    missing_context_values: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions_boundary_decision_detail: Option<BoundaryDetail>,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
struct MatchedStatement {
    source_policy_id: String,
    source_policy_type: &'static str,
    start_position: Position,
    end_position: Position,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "PascalCase")]
struct BoundaryDetail {
    allowed_by_permissions_boundary: bool,
}

/// A source that was read.
struct Read {
    source: Source,
    policy: Policy,
    spans: Vec<(Position, Position)>,
}

impl Read {
    fn new(source: Source, kind: PolicyKind) -> std::result::Result<Self, Error> {
        let policy = Policy::parse(&source.document, kind)
            .map_err(|malformed| Error::InvalidInputException(format!("{}: {malformed}", source.id)))?;
        let spans = statements(&source.document);
        Ok(Read { source, policy, spans })
    }

    /// The statements that say yes, or those that say no.
    fn matched(&self, request: &Request, denying: bool) -> impl Iterator<Item = MatchedStatement> {
        let matched = self.policy.matched(request);
        let fitting = matched.into_iter().filter(move |(_, denies)| *denies == denying);
        let places = fitting.filter_map(|(index, _)| self.spans.get(index).copied());
        let (id, kind) = (self.source.id.clone(), self.source.kind);
        places.map(move |(start, end)| MatchedStatement {
            source_policy_id: id.clone(),
            source_policy_type: kind,
            start_position: start,
            end_position: end,
        })
    }
}

impl Question {
    /// One result for each action on each resource. `who` acts unless the question names a caller.
    pub(crate) fn answer(
        self,
        cx: &Context,
        who: Option<&str>,
        identity: Vec<Source>,
        boundaries: Vec<Source>,
    ) -> Result<Vec<EvaluationResult>> {
        let read = |sources: Vec<Source>| -> std::result::Result<Vec<Read>, Error> {
            sources.into_iter().map(|source| Read::new(source, PolicyKind::Identity)).collect()
        };
        let (identity, boundaries) = (read(identity)?, read(boundaries)?);
        let of_resource = match self.resource_policy.clone() {
            Some(document) => {
                let source = Source { id: "ResourcePolicy".into(), kind: "resource", document };
                Some(Read::new(source, PolicyKind::Resource)?)
            }
            None => None,
        };
        let caller = self.caller_arn.as_deref().or(who);
        if of_resource.is_some() && caller.is_none() {
            return Err(Error::InvalidInputException(
                "CallerArn is required when a resource policy is given.".into(),
            )
            .into());
        }
        let resources = if self.resource_arns.is_empty() { vec!["*".to_owned()] } else { self.resource_arns };
        if self.action_names.len() * resources.len() > CASES_MAX {
            return Err(Error::InvalidInputException(format!(
                "A simulation has at most {CASES_MAX} pairs of an action and a resource."
            ))
            .into());
        }
        let requester = requester(cx, caller)?;
        let keys = context(&self.context_entries, caller.map(|_| &requester));
        let owner = match &self.resource_owner {
            Some(owner) => account_of(owner)?,
            None => cx.account().to_string(),
        };
        let all: Vec<&Read> = identity.iter().chain(&boundaries).chain(&of_resource).collect();
        let given: BTreeSet<String> = self
            .context_entries
            .iter()
            .filter_map(|entry| Some(entry.context_key_name.as_ref()?.to_lowercase()))
            .collect();
        let missing: Vec<String> = context_keys(all.iter().map(|read| read.source.document.as_str()))
            .into_iter()
            .filter(|key| !given.contains(&key.to_lowercase()))
            .collect();
        let mut results = Vec::new();
        for action in &self.action_names {
            if !action.contains(':') {
                return Err(Error::InvalidInputException(format!("Invalid Action Name: {action}")).into());
            }
            for resource in &resources {
                let request = Request::new(requester.clone(), action, resource, &owner, keys.clone());
                results.push(evaluate(&request, &identity, &boundaries, of_resource.as_ref(), &missing));
            }
        }
        Ok(results)
    }
}

fn evaluate(
    request: &Request,
    identity: &[Read],
    boundaries: &[Read],
    of_resource: Option<&Read>,
    missing: &[String],
) -> EvaluationResult {
    let policies: Vec<&Policy> = identity.iter().map(|read| &read.policy).collect();
    let boundary: Vec<&Policy> = boundaries.iter().map(|read| &read.policy).collect();
    let resource = of_resource
        .map(|read| ResourcePolicy { kind: ResourcePolicyKind::Ordinary, policy: Some(&read.policy) });
    let decision = decide(
        request,
        &Policies {
            identity: &policies,
            resource,
            // Several boundaries are taken together, as AWS takes the list that is passed.
            boundary: None,
            session: (!boundary.is_empty()).then_some(boundary.as_slice()),
            ..Policies::default()
        },
    );
    let (word, denying) = match decision {
        Decision::Allowed => ("allowed", Some(false)),
        Decision::Denied(Denial::Explicit(_)) => ("explicitDeny", Some(true)),
        Decision::Denied(Denial::Implicit(_)) => ("implicitDeny", None),
    };
    let deciding =
        identity.iter().chain(of_resource).chain(boundaries.iter().filter(|_| denying == Some(true)));
    let matched: Vec<MatchedStatement> = match denying {
        Some(denying) => deciding.flat_map(|read| read.matched(request, denying)).collect(),
        None => Vec::new(),
    };
    let allowed_by_boundary = boundaries
        .iter()
        .flat_map(|read| read.policy.matched(request))
        .fold((false, false), |(allows, denies), (_, denying)| (allows | !denying, denies | denying));
    let detail = (!boundaries.is_empty())
        .then_some(BoundaryDetail { allowed_by_permissions_boundary: allowed_by_boundary == (true, false) });
    EvaluationResult {
        eval_action_name: request.action().to_owned(),
        eval_resource_name: request.resource().to_owned(),
        eval_decision: word,
        matched_statements: matched.clone(),
        missing_context_values: missing.to_vec(),
        permissions_boundary_decision_detail: detail,
        resource_specific_results: vec![ResourceResult {
            eval_resource_name: request.resource().to_owned(),
            eval_resource_decision: word,
            matched_statements: matched,
            missing_context_values: missing.to_vec(),
            permissions_boundary_decision_detail: detail,
        }],
    }
}

fn context(entries: &[ContextEntry], known: Option<&Requester>) -> Keys {
    let mut keys = match known {
        Some(requester) => Keys::new().with_requester(requester),
        None => Keys::new(),
    };
    for entry in entries {
        if let Some(name) = &entry.context_key_name {
            keys.set_all(name, entry.context_key_values.clone());
        }
    }
    keys
}

/// Who an ARN names. Without one it is some user of the account.
fn requester(cx: &Context, arn: Option<&str>) -> Result<Requester> {
    let Some(text) = arn else {
        let arn = Arn::global("iam", cx.scope(), "user/simulated").to_string();
        let account = cx.account().to_string();
        return Ok(Requester::User { account, arn, unique_id: "AIDASIMULATED".into() });
    };
    let invalid = || Failure::from(Error::InvalidInputException(format!("Invalid CallerArn: {text}")));
    let parsed: Arn = text.parse().map_err(|_| invalid())?;
    let account = parsed.account().to_owned();
    let (kind, place) = parsed.resource().split_once('/').unwrap_or((parsed.resource(), ""));
    match (parsed.service(), kind) {
        ("iam", "root") => Ok(Requester::Root { account }),
        ("iam", "user" | "group") => {
            Ok(Requester::User { account, arn: text.to_owned(), unique_id: "AIDASIMULATED".into() })
        }
        ("iam", "role") => {
            let name = place.rsplit('/').next().unwrap_or_default();
            Ok(Requester::RoleSession {
                session_arn: format!("arn:aws:sts::{account}:assumed-role/{name}/simulated"),
                role_arn: text.to_owned(),
                role_id: "AROASIMULATED".into(),
                account,
            })
        }
        ("sts", "assumed-role") => {
            let role = place.split('/').next().unwrap_or_default();
            Ok(Requester::RoleSession {
                session_arn: text.to_owned(),
                role_arn: format!("arn:aws:iam::{account}:role/{role}"),
                role_id: "AROASIMULATED".into(),
                account,
            })
        }
        _ => Err(invalid()),
    }
}

/// The account of an ARN, or the number itself.
fn account_of(owner: &str) -> Result<String> {
    let account =
        owner.parse::<Arn>().map(|arn| arn.account().to_owned()).unwrap_or_else(|_| owner.to_owned());
    if service::AccountId::parse(&account).is_some() {
        return Ok(account);
    }
    Err(Error::InvalidInputException(format!("Invalid ResourceOwner: {owner}")).into())
}

/// The condition keys that policies ask about, in conditions and as variables, in their own writing.
pub(crate) fn context_keys<'a>(documents: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    let mut note = |key: &str| {
        if !keys.iter().any(|known| known.eq_ignore_ascii_case(key)) {
            keys.push(key.to_owned());
        }
    };
    for document in documents {
        let Ok(document) = serde_json::from_str::<Value>(document) else { continue };
        let statements = document.get("Statement").map(one_or_many).unwrap_or_default();
        for statement in statements {
            let conditions = statement.get("Condition").and_then(Value::as_object).into_iter().flatten();
            for (key, values) in conditions.filter_map(|(_, keys)| keys.as_object()).flatten() {
                note(key);
                variables(values, &mut note);
            }
            for element in ["Resource", "NotResource"] {
                statement.get(element).into_iter().for_each(|resources| variables(resources, &mut note));
            }
        }
    }
    keys.sort();
    keys
}

fn one_or_many(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |list| list.iter().collect())
}

fn variables(values: &Value, note: &mut impl FnMut(&str)) {
    for text in one_or_many(values).into_iter().filter_map(Value::as_str) {
        for piece in text.split("${").skip(1) {
            let Some((variable, _)) = piece.split_once('}') else { continue };
            // `${key, 'default'}`; `${*}`, `${?}` and `${$}` are characters.
            let key = variable.split(',').next().unwrap_or_default().trim();
            if key.contains(':') {
                note(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_in_conditions_and_variables() {
        let document = r#"{"Statement":[
            {"Resource":["arn:aws:s3:::b/${aws:username}","arn:aws:s3:::${*}x"],
             "Condition":{"StringLike":{"s3:prefix":["${aws:PrincipalTag/team, 'none'}/*"],"aws:UserName":"x"}}},
            {"Condition":{"Bool":{"aws:SecureTransport":"true"}}}]}"#;
        assert_eq!(
            context_keys([document, "{"].into_iter()),
            ["aws:PrincipalTag/team", "aws:SecureTransport", "aws:UserName", "s3:prefix"]
        );
    }
}
