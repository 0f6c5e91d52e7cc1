//! Decisions tried out, with the policies of an identity or with any others.

use serde::Serialize;
use serde_json::Value;
use service::{Arn, Context, Failure, Result};

use crate::error::Error;
use crate::group::{GROUPS, Group};
use crate::holder::{self, Holder};
use crate::page::{self, PageEnd};
use crate::policy::{self, policy_resource};
use crate::role::{Role, key};
use crate::simulation::{ContextEntry, EvaluationResult, Question, Source, context_keys};
use crate::user::User;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SimulationOutput {
    evaluation_results: Vec<EvaluationResult>,
    #[serde(flatten)]
    end: PageEnd,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ContextKeysOutput {
    context_key_names: Vec<String>,
}

operation! {
    SimulateCustomPolicy {
        policy_input_list: Vec<String>,
        #[serde(default)] permissions_boundary_policy_input_list: Vec<String>,
        ordered_organization_policy_input_list: Option<Value>,
        action_names: Vec<String>,
        #[serde(default)] resource_arns: Vec<String>,
        resource_policy: Option<String>,
        resource_owner: Option<String>,
        caller_arn: Option<String>,
        #[serde(default)] context_entries: Vec<ContextEntry>,
        marker: Option<String>,
        max_items: Option<usize>,
    } -> SimulationOutput,
    run |this, _, cx| {
        if this.ordered_organization_policy_input_list.is_some() {
            return Err(Failure::unsupported("organization policies of iam:SimulateCustomPolicy"));
        }
        let question = Question {
            action_names: this.action_names,
            resource_arns: this.resource_arns,
            resource_policy: this.resource_policy,
            resource_owner: this.resource_owner,
            caller_arn: this.caller_arn,
            context_entries: this.context_entries,
        };
        let identity = passed("PolicyInputList", this.policy_input_list);
        let boundaries =
            passed("PermissionsBoundaryPolicyInputList", this.permissions_boundary_policy_input_list);
        let results = question.answer(cx, None, identity, boundaries)?;
        cut(results, this.marker.as_deref(), this.max_items)
    }
}
operation! {
    SimulatePrincipalPolicy {
        policy_source_arn: String,
        #[serde(default)] policy_input_list: Vec<String>,
        #[serde(default)] permissions_boundary_policy_input_list: Vec<String>,
        policy_exclusion_list: Option<Value>,
        action_names: Vec<String>,
        #[serde(default)] resource_arns: Vec<String>,
        resource_policy: Option<String>,
        resource_owner: Option<String>,
        caller_arn: Option<String>,
        #[serde(default)] context_entries: Vec<ContextEntry>,
        marker: Option<String>,
        max_items: Option<usize>,
    } -> SimulationOutput,
    on |this, _| policy_resource(&this.policy_source_arn),
    run |this, _, cx| {
        if this.policy_exclusion_list.is_some() {
            return Err(Failure::unsupported("PolicyExclusionList of iam:SimulatePrincipalPolicy"));
        }
        let question = Question {
            action_names: this.action_names,
            resource_arns: this.resource_arns,
            resource_policy: this.resource_policy,
            resource_owner: this.resource_owner,
            caller_arn: this.caller_arn,
            context_entries: this.context_entries,
        };
        let Sources { mut identity, mut boundaries } = sources(cx, &this.policy_source_arn).await?;
        identity.extend(passed("PolicyInputList", this.policy_input_list));
        if !this.permissions_boundary_policy_input_list.is_empty() {
            boundaries = passed("PermissionsBoundaryPolicyInputList", this.permissions_boundary_policy_input_list);
        }
        let results = question.answer(cx, Some(&this.policy_source_arn), identity, boundaries)?;
        cut(results, this.marker.as_deref(), this.max_items)
    }
}
operation! {
    GetContextKeysForCustomPolicy { policy_input_list: Vec<String> } -> ContextKeysOutput,
    run |this, _, _| {
        check_all(&this.policy_input_list)?;
        let context_key_names = context_keys(this.policy_input_list.iter().map(String::as_str));
        Ok(ContextKeysOutput { context_key_names })
    }
}
operation! {
    GetContextKeysForPrincipalPolicy {
        policy_source_arn: String, #[serde(default)] policy_input_list: Vec<String>,
    } -> ContextKeysOutput,
    on |this, _| policy_resource(&this.policy_source_arn),
    run |this, _, cx| {
        check_all(&this.policy_input_list)?;
        let Sources { identity, boundaries } = sources(cx, &this.policy_source_arn).await?;
        let own = identity.iter().chain(&boundaries).map(|source| source.document.as_str());
        let context_key_names = context_keys(own.chain(this.policy_input_list.iter().map(String::as_str)));
        Ok(ContextKeysOutput { context_key_names })
    }
}

/// The policies of an identity.
#[derive(Default)]
struct Sources {
    identity: Vec<Source>,
    boundaries: Vec<Source>,
}

impl Sources {
    async fn add<H: Holder>(&mut self, cx: &Context, holder: &H) -> Result<()> {
        let inline = holder.inline().iter().map(|(name, document)| Source {
            id: format!("{}_{}_{name}", H::KIND, holder.name()),
            kind: H::KIND,
            document: document.clone(),
        });
        self.identity.extend(inline);
        for arn in holder.attached() {
            self.identity.push(managed(cx, arn).await?);
        }
        Ok(())
    }
}

async fn sources(cx: &Context, arn: &str) -> Result<Sources> {
    let invalid = || {
        Failure::from(Error::InvalidInputException(format!(
            "Invalid Entity Arn: {arn} does not identify a user, group, or role."
        )))
    };
    let parsed: Arn = arn.parse().map_err(|_| invalid())?;
    let (kind, place) = parsed.resource().split_once('/').ok_or_else(invalid)?;
    if parsed.service() != "iam" || parsed.account() != cx.account().as_str() {
        return Err(invalid());
    }
    let name = place.rsplit('/').next().unwrap_or_default();
    let mut sources = Sources::default();
    let boundary = match kind {
        "user" => {
            let user = holder::find::<User>(cx, name).await?;
            sources.add(cx, &user).await?;
            for group in &user.groups {
                if let Some(group) = cx.rows(&GROUPS).get(&key(group)).await? {
                    sources.add(cx, &group).await?;
                }
            }
            user.permissions_boundary
        }
        "group" => {
            sources.add(cx, &holder::find::<Group>(cx, name).await?).await?;
            None
        }
        "role" => {
            let role = holder::find::<Role>(cx, name).await?;
            sources.add(cx, &role).await?;
            role.permissions_boundary
        }
        _ => return Err(invalid()),
    };
    if let Some(arn) = boundary {
        sources.boundaries.push(managed(cx, &arn).await?);
    }
    Ok(sources)
}

/// The default version of a managed policy.
async fn managed(cx: &Context, arn: &str) -> Result<Source> {
    let kind = if arn.starts_with("arn:aws:iam::aws:") { "aws-managed" } else { "user-managed" };
    let policy = policy::find(cx, arn).await?;
    let default = policy.versions.iter().find(|version| version.number == policy.default_version);
    let document = default.map(|version| version.document.clone()).unwrap_or_default();
    Ok(Source { id: policy.name, kind, document })
}

fn passed(list: &str, documents: Vec<String>) -> Vec<Source> {
    let numbered = documents.into_iter().zip(1..);
    numbered
        .map(|(document, number)| Source { id: format!("{list}.{number}"), kind: "none", document })
        .collect()
}

fn check_all(documents: &[String]) -> std::result::Result<(), Error> {
    for document in documents {
        auth::policy::Policy::parse(document, auth::policy::PolicyKind::Identity)
            .map_err(|malformed| Error::InvalidInputException(malformed.to_string()))?;
    }
    Ok(())
}

fn cut(
    results: Vec<EvaluationResult>,
    marker: Option<&str>,
    max_items: Option<usize>,
) -> Result<SimulationOutput> {
    let numbered = results.into_iter().enumerate().map(|(number, result)| (format!("{number:06}"), result));
    let (evaluation_results, end) = page::cut(numbered.collect(), marker, max_items)?;
    Ok(SimulationOutput { evaluation_results, end })
}
