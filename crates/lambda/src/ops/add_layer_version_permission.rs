use serde::{Deserialize, Serialize};
use service::{Arn, Context, Failure, Operation, Result};

use crate::Lambda;
use crate::error::Error;
use crate::functions::rows;
use crate::layers::{LayerName, checked_version};
use crate::ops::add_permission::{check_policy_revision, check_statement_id};
use crate::policy::{Limits, Policy, Statement};
use crate::settings::constraint;
use crate::tables::{LAYER_VERSIONS, version_key};

const ACTION: &str = "lambda:GetLayerVersion";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AddLayerVersionPermission {
    layer_name: String,
    version_number: i64,
    statement_id: String,
    action: String,
    principal: String,
    organization_id: Option<String>,
    revision_id: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Added {
    statement: String,
    revision_id: String,
}

impl Operation for AddLayerVersionPermission {
    type Service = Lambda;
    type Output = Added;

    const NAME: &'static str = "AddLayerVersionPermission";

    fn resource(&self, cx: &Context) -> Arn {
        LayerName::resource(cx, &self.layer_name, Some(self.version_number))
    }

    async fn run(self, _: &Lambda, cx: &Context) -> Result<Added> {
        let layer = LayerName::parse(cx, &self.layer_name)?;
        let version = checked_version(self.version_number)?;
        check_statement_id(&self.statement_id)?;
        if self.action != ACTION {
            let rule = format!("Member must satisfy regular expression pattern: {ACTION}");
            return Err(constraint(&self.action, "action", &rule));
        }
        if self.organization_id.is_some() && self.principal != "*" {
            return Err(Error::parameter("Specify * as the principal when using an organization ID.").into());
        }
        let limits = Limits { principal_org_id: self.organization_id, ..Limits::default() };
        let arn = layer.version_arn(version).to_string();
        let statement = Statement::allow(self.statement_id, &self.principal, self.action, arn, limits)?;
        let revision_id = cx.platform().ids().uuid();
        rows(cx, &layer.scope, &LAYER_VERSIONS)
            .update(&version_key(&layer.name, version), |row| {
                if let Some(policy) = &row.policy {
                    check_policy_revision(self.revision_id.as_deref(), policy)?;
                } else if self.revision_id.is_some() {
                    return Err(Error::stale_revision("GetLayerVersionPolicy").into());
                }
                let policy = row.policy.get_or_insert_with(|| Policy::new(revision_id.clone()));
                policy.add(statement.clone(), revision_id.clone())?;
                Ok::<_, Failure>(())
            })
            .await?
            .ok_or_else(|| {
                Error::not_found(format!("Layer version {} does not exist.", layer.version_arn(version)))
            })?;
        Ok(Added { statement: statement.text(), revision_id })
    }
}
