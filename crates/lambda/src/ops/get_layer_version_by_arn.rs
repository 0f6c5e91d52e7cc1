use serde::Deserialize;
use service::{Arn, Context, Operation, Result};

use crate::Lambda;
use crate::layers::{LayerVersionArn, LayerVersionView};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetLayerVersionByArn {
    arn: String,
}

impl Operation for GetLayerVersionByArn {
    type Service = Lambda;
    type Output = LayerVersionView;

    const NAME: &'static str = "GetLayerVersionByArn";
    const ACTION: &'static str = "GetLayerVersion";

    fn resource(&self, _: &Context) -> Arn {
        self.arn.parse().unwrap_or_else(|_| Arn::any())
    }

    async fn run(self, lambda: &Lambda, cx: &Context) -> Result<LayerVersionView> {
        let LayerVersionArn { layer, version } = LayerVersionArn::parse(cx, &self.arn, "arn")?;
        let version = layer.version(cx, i64::try_from(version).unwrap_or(i64::MAX)).await?;
        Ok(LayerVersionView::new(lambda, cx, &layer, version))
    }
}
