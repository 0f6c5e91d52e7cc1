use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};

use crate::Lambda;
use crate::error::Error;
use crate::functions::{CHANGE_ATTEMPTS_MAX, function_row, in_progress, require, rows, together_with};
use crate::name::{LATEST, Target};
use crate::policy::{Limits, Policy, Statement};
use crate::settings::constraint;
use crate::tables::{POLICIES, member_key};

const STATEMENT_ID_CHARS_MAX: usize = 100;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AddPermission {
    function_name: String,
    statement_id: String,
    action: String,
    principal: String,
    source_arn: Option<String>,
    source_account: Option<String>,
    event_source_token: Option<String>,
    qualifier: Option<String>,
    revision_id: Option<String>,
    #[serde(rename = "PrincipalOrgID")]
    principal_org_id: Option<String>,
    function_url_auth_type: Option<String>,
    invoked_via_function_url: Option<bool>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Added {
    statement: String,
}

impl Operation for AddPermission {
    type Service = Lambda;
    type Output = Added;

    const NAME: &'static str = "AddPermission";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, self.qualifier.as_deref())
    }

    async fn run(self, _: &Lambda, cx: &Context) -> Result<Added> {
        let target = Target::parse(cx, &self.function_name, self.qualifier.as_deref())?;
        if target.qualifier.as_deref() == Some(LATEST) {
            return Err(Error::parameter("We currently do not support adding policies for $LATEST.").into());
        }
        check_statement_id(&self.statement_id)?;
        check_action(&self.action)?;
        if self.function_url_auth_type.is_some() && self.action != "lambda:InvokeFunctionUrl" {
            let text = "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action";
            return Err(Error::parameter(text).into());
        }
        let statement = Statement::allow(
            self.statement_id,
            &self.principal,
            self.action,
            target.qualified_arn().to_string(),
            Limits {
                source_arn: self.source_arn,
                source_account: self.source_account,
                event_source_token: self.event_source_token,
                principal_org_id: self.principal_org_id,
                function_url_auth_type: self.function_url_auth_type,
                invoked_via_function_url: self.invoked_via_function_url,
            },
        )?;
        let key = member_key(&target.name, target.qualifier_or_latest());
        let policies = rows(cx, &target.scope, &POLICIES);
        for _ in 0..CHANGE_ATTEMPTS_MAX {
            let function = function_row(cx, &target).await?;
            require(cx, &target).await?;
            let revision_id = cx.platform().ids().uuid();
            let row = policies.row(&key).await?;
            let all = together_with(cx, &target, &function)?;
            let all = match row {
                Some(mut row) => {
                    check_policy_revision(self.revision_id.as_deref(), &row.value)?;
                    row.value.add(statement.clone(), revision_id)?;
                    all.replace(&POLICIES, &key, &row)?
                }
                None if self.revision_id.is_some() => return Err(Error::stale_revision("GetPolicy").into()),
                None => {
                    let mut policy = Policy::new(revision_id.clone());
                    policy.add(statement.clone(), revision_id)?;
                    all.insert(&POLICIES, &key, &policy)?
                }
            };
            if all.commit().await? {
                return Ok(Added { statement: statement.text() });
            }
        }
        Err(in_progress(&target))
    }
}

pub(super) fn check_policy_revision(
    expected: Option<&str>,
    policy: &Policy,
) -> std::result::Result<(), Error> {
    match expected {
        Some(expected) if expected != policy.revision_id => Err(Error::stale_revision("GetPolicy")),
        _ => Ok(()),
    }
}

pub(super) fn check_statement_id(id: &str) -> Result<()> {
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if id.is_empty() || id.len() > STATEMENT_ID_CHARS_MAX || !plain {
        let rule = "Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)";
        return Err(constraint(id, "statementId", rule));
    }
    Ok(())
}

fn check_action(action: &str) -> Result<()> {
    let known = action == "*"
        || action == "lambda:*"
        || action
            .strip_prefix("lambda:")
            .is_some_and(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic()));
    if known {
        return Ok(());
    }
    let rule = "Member must satisfy regular expression pattern: (lambda:[*]|lambda:[a-zA-Z]+|[*])";
    Err(constraint(action, "action", rule))
}
