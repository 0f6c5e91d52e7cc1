use serde::Deserialize;
use service::{Arn, Context, Empty, Failure, Operation, Result};

use crate::Lambda;
use crate::error::Error;
use crate::functions::{changes, require, rows};
use crate::name::Target;
use crate::ops::add_permission::check_policy_revision;
use crate::tables::{POLICIES, member_key};

/// How often a change of a policy is tried again when another one came between.
const ATTEMPTS_MAX: usize = 32;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RemovePermission {
    function_name: String,
    statement_id: String,
    qualifier: Option<String>,
    revision_id: Option<String>,
}

impl Operation for RemovePermission {
    type Service = Lambda;
    type Output = Empty;

    const NAME: &'static str = "RemovePermission";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, self.qualifier.as_deref())
    }

    async fn run(self, _: &Lambda, cx: &Context) -> Result<Empty> {
        let target = Target::parse(cx, &self.function_name, self.qualifier.as_deref())?;
        require(cx, &target).await?;
        let key = member_key(&target.name, target.qualifier_or_latest());
        let policies = rows(cx, &target.scope, &POLICIES);
        for _ in 0..ATTEMPTS_MAX {
            let Some(mut row) = policies.row(&key).await? else {
                return Err(Error::not_found("No policy is associated with the given resource.").into());
            };
            check_policy_revision(self.revision_id.as_deref(), &row.value)?;
            row.value.remove(&self.statement_id, cx.platform().ids().uuid())?;
            let all = changes(cx, &target.scope);
            let all = if row.value.is_empty() {
                all.remove_row(&POLICIES, &key, &row)
            } else {
                all.replace(&POLICIES, &key, &row)?
            };
            if all.commit().await? {
                return Ok(Empty);
            }
        }
        Err(Failure::Internal(anyhow::anyhow!("{ATTEMPTS_MAX} conflicts in a row on the policy {key:?}")))
    }
}
