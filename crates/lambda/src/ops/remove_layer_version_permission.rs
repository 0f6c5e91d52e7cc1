use serde::Deserialize;
use service::{Arn, Context, Empty, Failure, Operation, Result};

use crate::Lambda;
use crate::error::Error;
use crate::functions::rows;
use crate::layers::{LayerName, checked_version};
use crate::ops::add_permission::check_policy_revision;
use crate::tables::{LAYER_VERSIONS, version_key};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RemoveLayerVersionPermission {
    layer_name: String,
    version_number: i64,
    statement_id: String,
    revision_id: Option<String>,
}

impl Operation for RemoveLayerVersionPermission {
    type Service = Lambda;
    type Output = Empty;

    const NAME: &'static str = "RemoveLayerVersionPermission";

    fn resource(&self, cx: &Context) -> Arn {
        LayerName::resource(cx, &self.layer_name, Some(self.version_number))
    }

    async fn run(self, _: &Lambda, cx: &Context) -> Result<Empty> {
        let layer = LayerName::parse(cx, &self.layer_name)?;
        let version = checked_version(self.version_number)?;
        rows(cx, &layer.scope, &LAYER_VERSIONS)
            .update(&version_key(&layer.name, version), |row| {
                let Some(policy) = &mut row.policy else {
                    return Err(Error::not_found("No policy is associated with the given resource.").into());
                };
                check_policy_revision(self.revision_id.as_deref(), policy)?;
                policy.remove(&self.statement_id, cx.platform().ids().uuid())?;
                if policy.is_empty() {
                    row.policy = None;
                }
                Ok::<_, Failure>(())
            })
            .await?
            .ok_or_else(|| {
                Error::not_found(format!("Layer version {} does not exist.", layer.version_arn(version)))
            })?;
        Ok(Empty)
    }
}
