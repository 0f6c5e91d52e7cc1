use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};

use crate::Lambda;
use crate::error::Error;
use crate::layers::LayerName;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetLayerVersionPolicy {
    layer_name: String,
    version_number: i64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Found {
    policy: String,
    revision_id: String,
}

impl Operation for GetLayerVersionPolicy {
    type Service = Lambda;
    type Output = Found;

    const NAME: &'static str = "GetLayerVersionPolicy";

    fn resource(&self, cx: &Context) -> Arn {
        LayerName::resource(cx, &self.layer_name, Some(self.version_number))
    }

    async fn run(self, _: &Lambda, cx: &Context) -> Result<Found> {
        let layer = LayerName::parse(cx, &self.layer_name)?;
        let policy = layer.version(cx, self.version_number).await?.policy;
        let policy =
            policy.ok_or_else(|| Error::not_found("No policy is associated with the given resource."))?;
        Ok(Found { policy: policy.document(), revision_id: policy.revision_id })
    }
}
