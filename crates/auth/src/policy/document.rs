//! Reads policy documents and compiles them for fast evaluation.
//!
//! Source: IAM user guide, "Grammar of the IAM JSON policy language"; error texts are those IAM answers with.

use std::collections::HashSet;
use std::sync::Arc;

use super::condition::Condition;
use super::context::Request;
use super::json::Json;
use super::pattern::{Glob, Syntax, pieces};
use super::principal::{Named, PrincipalElement};
use super::resource::ResourcePattern;

/// Above the largest quota of any service (KMS key policies: 32 KiB).
const DOCUMENT_BYTES_MAX: usize = 64 * 1024;
const SYNTAX: &str = "Syntax errors in policy.";

/// What a document is for, which decides the elements it must and must not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    /// Identity policies, permissions boundaries, session policies and service control policies: no `Principal`.
    Identity,
    /// Attached to a resource: with `Principal` and `Resource`.
    Resource,
    /// Of a role: with `Principal`, without `Resource`.
    Trust,
}

/// A document that is no policy: `MalformedPolicyDocument`, status 400.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MalformedPolicy(String);

impl MalformedPolicy {
    pub const CODE: &'static str = "MalformedPolicyDocument";
}

/// A policy that was checked and compiled.
#[derive(Clone, Debug)]
pub struct Policy {
    statements: Vec<Statement>,
    variables: bool,
}

impl Policy {
    /// Documents above 64 KiB, nested deeper than any policy, or with a member given twice are refused.
    pub fn parse(text: &str, kind: PolicyKind) -> Result<Self, MalformedPolicy> {
        if text.len() > DOCUMENT_BYTES_MAX {
            return Err(malformed(format!("Policy document exceeds {DOCUMENT_BYTES_MAX} bytes.")));
        }
        let json: Json =
            serde_json::from_str(text).map_err(|_| malformed("This policy contains invalid Json"))?;
        let document = Members::new(&json, &["Version", "Id", "Statement"])?;
        let variables = match document.get("Version").map(Json::text) {
            None | Some(Some("2008-10-17")) => false,
            Some(Some("2012-10-17")) => true,
            Some(_) => return Err(malformed(SYNTAX)),
        };
        if document.get("Id").is_some_and(|id| id.text().is_none()) {
            return Err(malformed(SYNTAX));
        }
        let statements = document.get("Statement").ok_or_else(|| malformed(SYNTAX))?.one_or_many();
        if statements.is_empty() {
            return Err(malformed(SYNTAX));
        }
        let mut ids = HashSet::new();
        let mut compiled = Vec::with_capacity(statements.len());
        for json in statements {
            let statement = Statement::parse(json, kind, variables)?;
            if statement.id.as_ref().is_some_and(|id| !ids.insert(id.clone())) {
                return Err(malformed("Statement IDs (SID) in a single policy must be unique."));
            }
            compiled.push(statement);
        }
        Ok(Policy { statements: compiled, variables })
    }

    /// One policy that says all that several say.
    pub fn joined<'a>(policies: impl IntoIterator<Item = &'a Policy>) -> Self {
        let mut joined = Policy { statements: Vec::new(), variables: true };
        for policy in policies {
            joined.statements.extend_from_slice(&policy.statements);
        }
        joined
    }

    /// Whether `${…}` is a variable: from version 2012-10-17 on.
    pub fn has_variables(&self) -> bool {
        self.variables
    }

    /// The statements that apply to the request, by their place in the document, and whether they deny.
    pub fn matched(&self, request: &Request) -> Vec<(usize, bool)> {
        let statements = self.statements.iter().enumerate();
        let applying =
            statements.filter(|(_, statement)| statement.applies(request, Bounds::None) != Named::Not);
        applying.map(|(place, statement)| (place, statement.effect == Effect::Deny)).collect()
    }

    /// The `Deny` statements that apply to the request, as they were written.
    pub(super) fn denying<'a>(
        &'a self,
        request: &'a Request,
        bounds: Bounds,
    ) -> impl Iterator<Item = &'a Json> {
        let statements = self.statements.iter();
        let denying = statements.filter(|statement| statement.effect == Effect::Deny);
        denying
            .filter(move |statement| statement.applies(request, bounds) != Named::Not)
            .filter_map(|statement| statement.written.as_deref())
    }

    /// What the statements that apply to the request say together.
    pub(super) fn verdict(&self, request: &Request, bounds: Bounds) -> Verdict {
        let mut verdict = Verdict { denies: false, allows: Named::Not };
        for statement in &self.statements {
            // A statement that could not change the verdict any more need not be looked at.
            if statement.effect == Effect::Allow && verdict.allows == Named::Directly {
                continue;
            }
            let named = statement.applies(request, bounds);
            match statement.effect {
                Effect::Deny if named != Named::Not => return Verdict { denies: true, allows: Named::Not },
                Effect::Deny => {}
                Effect::Allow => verdict.allows = verdict.allows.max(named),
            }
        }
        verdict
    }
}

/// Whether the requester has a permissions boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bounds {
    None,
    Boundary,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) denies: bool,
    /// Of a policy without principals: `Directly` or `Not`.
    pub(super) allows: Named,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    Allow,
    Deny,
}

/// Whether an element lists what it covers or what it leaves out.
#[derive(Clone, Debug)]
enum Covers<T> {
    Listed(T),
    AllBut(T),
}

#[derive(Clone, Debug)]
struct Statement {
    id: Option<String>,
    effect: Effect,
    principal: Option<Covers<PrincipalElement>>,
    action: Covers<Vec<Glob>>,
    /// Trust policies have none.
    resource: Option<Covers<Vec<ResourcePattern>>>,
    conditions: Vec<Condition>,
    /// Of a `Deny`, as it was written: denials are explained with it.
    written: Option<Arc<Json>>,
}

impl Statement {
    fn parse(json: &Json, kind: PolicyKind, variables: bool) -> Result<Self, MalformedPolicy> {
        let members = Members::new(
            json,
            &[
                "Sid",
                "Effect",
                "Principal",
                "NotPrincipal",
                "Action",
                "NotAction",
                "Resource",
                "NotResource",
                "Condition",
            ],
        )?;
        let id = match members.get("Sid") {
            Some(json) => Some(json.text().ok_or_else(|| malformed(SYNTAX))?.to_owned()),
            None => None,
        };
        let effect = match members.get("Effect").and_then(Json::text) {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            _ => return Err(malformed(SYNTAX)),
        };
        let conditions = match members.get("Condition") {
            Some(json) => Condition::parse_all(json, variables).ok_or_else(|| malformed(SYNTAX))?,
            None => Vec::new(),
        };
        Ok(Statement {
            id: id.filter(|id| !id.is_empty()),
            effect,
            principal: parse_principal(&members, kind, effect)?,
            action: parse_action(&members, kind)?,
            resource: parse_resource(&members, kind, variables)?,
            conditions,
            written: (effect == Effect::Deny).then(|| Arc::new(json.clone())),
        })
    }

    /// How the statement names the requester, when everything else in it applies.
    fn applies(&self, request: &Request, bounds: Bounds) -> Named {
        let context = request.context();
        let listed =
            |patterns: &[Glob]| patterns.iter().any(|pattern| pattern.matches(request.action_lower()));
        let action = match &self.action {
            Covers::Listed(patterns) => listed(patterns),
            Covers::AllBut(patterns) => !listed(patterns),
        };
        if !action {
            return Named::Not;
        }
        let matches = |pattern: &ResourcePattern| pattern.matches(request.resource(), context);
        let resource = match &self.resource {
            None => true,
            Some(Covers::Listed(patterns)) => patterns.iter().any(|pattern| matches(pattern) == Some(true)),
            // An exception that cannot be read excepts nothing safely: the statement does not apply.
            Some(Covers::AllBut(patterns)) => patterns.iter().all(|pattern| matches(pattern) == Some(false)),
        };
        if !resource {
            return Named::Not;
        }
        let named = match &self.principal {
            None => Named::Directly,
            Some(Covers::Listed(element)) => element.names(request.requester()),
            // No list of exceptions reaches those whose permissions are bounded.
            Some(Covers::AllBut(_)) if bounds == Bounds::Boundary => Named::Directly,
            Some(Covers::AllBut(element)) if element.excepts(request.requester()) => Named::Not,
            Some(Covers::AllBut(_)) => Named::Directly,
        };
        let holds = named != Named::Not && self.conditions.iter().all(|condition| condition.holds(context));
        if holds { named } else { Named::Not }
    }
}

fn parse_principal(
    members: &Members<'_>,
    kind: PolicyKind,
    effect: Effect,
) -> Result<Option<Covers<PrincipalElement>>, MalformedPolicy> {
    let (json, covers): (_, fn(_) -> _) = match (members.pair("Principal", "NotPrincipal")?, kind) {
        (None, PolicyKind::Identity) => return Ok(None),
        (Some(_), PolicyKind::Identity) => {
            return Err(malformed("Policy document should not specify a principal."));
        }
        (None, PolicyKind::Resource | PolicyKind::Trust) => {
            return Err(malformed("Missing required field Principal"));
        }
        (Some((json, Listing::Named)), _) => (json, Covers::Listed),
        (Some((json, Listing::Not)), _) => (json, Covers::AllBut),
    };
    let element = PrincipalElement::parse(json).map_err(|wrong| match wrong {
        Some(principal) => malformed(format!("Invalid principal in policy: {principal}")),
        None => malformed(SYNTAX),
    })?;
    let covered = covers(element);
    // It would grant to everyone else there is, the anonymous included.
    if effect == Effect::Allow && matches!(covered, Covers::AllBut(_)) {
        return Err(malformed("Allow with NotPrincipal is not allowed."));
    }
    Ok(Some(covered))
}

fn parse_action(members: &Members<'_>, kind: PolicyKind) -> Result<Covers<Vec<Glob>>, MalformedPolicy> {
    let missing = || match kind {
        PolicyKind::Identity => malformed("Policy statement must contain actions."),
        PolicyKind::Resource | PolicyKind::Trust => malformed("Missing required field Action"),
    };
    let (json, listing) = members.pair("Action", "NotAction")?.ok_or_else(missing)?;
    let mut patterns = Vec::new();
    for action in json.one_or_many() {
        let action = action.text().ok_or_else(|| malformed(SYNTAX))?;
        check_action(action, kind)?;
        let lower = action.to_lowercase();
        patterns.push(Glob::new(&pieces(&lower, Syntax { wildcards: true, variables: false })));
    }
    match listing {
        _ if patterns.is_empty() => Err(missing()),
        Listing::Named => Ok(Covers::Listed(patterns)),
        Listing::Not => Ok(Covers::AllBut(patterns)),
    }
}

fn check_action(action: &str, kind: PolicyKind) -> Result<(), MalformedPolicy> {
    if matches!(action, "*" | "*:*") {
        return Ok(());
    }
    let (vendor, name) = action.split_once(':').ok_or_else(|| {
        malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
    })?;
    if kind == PolicyKind::Trust && !vendor.eq_ignore_ascii_case("sts") {
        return Err(malformed("AssumeRole policy may only specify STS AssumeRole actions."));
    }
    if vendor.is_empty() || !vendor.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(malformed(format!("Vendor {vendor} is not valid")));
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"*?-_".contains(&byte);
    if name.is_empty() || !name.bytes().all(plain) {
        return Err(malformed("Actions/Conditions can contain only one colon."));
    }
    Ok(())
}

fn parse_resource(
    members: &Members<'_>,
    kind: PolicyKind,
    variables: bool,
) -> Result<Option<Covers<Vec<ResourcePattern>>>, MalformedPolicy> {
    let missing = || match kind {
        PolicyKind::Identity => malformed("Policy statement must contain resources."),
        PolicyKind::Resource | PolicyKind::Trust => malformed("Missing required field Resource"),
    };
    let (json, listing) = match (members.pair("Resource", "NotResource")?, kind) {
        (None, PolicyKind::Trust) => return Ok(None),
        (Some(_), PolicyKind::Trust) => return Err(malformed("Has prohibited field Resource")),
        (None, _) => return Err(missing()),
        (Some(found), _) => found,
    };
    let mut patterns = Vec::new();
    for resource in json.one_or_many() {
        let text = resource.text().ok_or_else(|| malformed(SYNTAX))?;
        let pattern = ResourcePattern::parse(text, variables)
            .ok_or_else(|| malformed(format!("Resource {text} must be in ARN format or \"*\".")))?;
        patterns.push(pattern);
    }
    match listing {
        _ if patterns.is_empty() => Err(missing()),
        Listing::Named => Ok(Some(Covers::Listed(patterns))),
        Listing::Not => Ok(Some(Covers::AllBut(patterns))),
    }
}

#[derive(Clone, Copy)]
enum Listing {
    Named,
    Not,
}

/// The members of an object, each known and given once.
struct Members<'a>(&'a [(String, Json)]);

impl<'a> Members<'a> {
    fn new(json: &'a Json, known: &[&str]) -> Result<Self, MalformedPolicy> {
        let Json::Map(members) = json else { return Err(malformed(SYNTAX)) };
        let mut seen = HashSet::new();
        if members.iter().all(|(name, _)| known.contains(&name.as_str()) && seen.insert(name)) {
            Ok(Members(members))
        } else {
            Err(malformed(SYNTAX))
        }
    }

    fn get(&self, name: &str) -> Option<&'a Json> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, json)| json)
    }

    /// An element or its opposite, not both.
    fn pair(&self, name: &str, not: &str) -> Result<Option<(&'a Json, Listing)>, MalformedPolicy> {
        match (self.get(name), self.get(not)) {
            (Some(_), Some(_)) => Err(malformed(SYNTAX)),
            (Some(json), None) => Ok(Some((json, Listing::Named))),
            (None, Some(json)) => Ok(Some((json, Listing::Not))),
            (None, None) => Ok(None),
        }
    }
}

fn malformed(text: impl Into<String>) -> MalformedPolicy {
    MalformedPolicy(text.into())
}
