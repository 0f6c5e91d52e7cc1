use serde::Deserialize;
use service::{Arn, Context, Operation, Result};

use crate::Lambda;
use crate::layers::{LayerName, LayerVersionView};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetLayerVersion {
    layer_name: String,
    version_number: i64,
}

impl Operation for GetLayerVersion {
    type Service = Lambda;
    type Output = LayerVersionView;

    const NAME: &'static str = "GetLayerVersion";

    fn resource(&self, cx: &Context) -> Arn {
        LayerName::resource(cx, &self.layer_name, Some(self.version_number))
    }

    async fn run(self, lambda: &Lambda, cx: &Context) -> Result<LayerVersionView> {
        let layer = LayerName::parse(cx, &self.layer_name)?;
        let version = layer.version(cx, self.version_number).await?;
        Ok(LayerVersionView::new(lambda, cx, &layer, version))
    }
}
