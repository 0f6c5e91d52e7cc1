use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, PageToken, Result};

use crate::Lambda;
use crate::functions::rows;
use crate::layers::{LayerName, LayerVersionItem, fits};
use crate::ops::{marker, page_size};
use crate::tables::{LAYER_VERSIONS, members};

/// Versions of one page, whatever the client asks for.
const PAGE_ROWS_MAX: usize = 50;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListLayerVersions {
    layer_name: String,
    compatible_runtime: Option<String>,
    compatible_architecture: Option<String>,
    marker: Option<String>,
    max_items: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Listed {
    layer_versions: Vec<LayerVersionItem>,
    next_marker: Option<String>,
}

impl Operation for ListLayerVersions {
    type Service = Lambda;
    type Output = Listed;

    const NAME: &'static str = "ListLayerVersions";

    fn resource(&self, cx: &Context) -> Arn {
        LayerName::resource(cx, &self.layer_name, None)
    }

    /// The newest first.
    async fn run(self, _: &Lambda, cx: &Context) -> Result<Listed> {
        let layer = LayerName::parse(cx, &self.layer_name)?;
        let limit = page_size(self.max_items, PAGE_ROWS_MAX)?;
        let marker = marker(self.marker.as_deref())?;
        let (runtime, architecture) =
            (self.compatible_runtime.as_deref(), self.compatible_architecture.as_deref());
        let mut page = rows(cx, &layer.scope, &LAYER_VERSIONS).all(&members(&layer.name)).await?;
        page.reverse();
        page.retain(|(key, version)| {
            marker.as_ref().is_none_or(|marker| key < marker) && fits(version, runtime, architecture)
        });
        let next_marker = PageToken::cut(&mut page, limit).map(|token| token.encode());
        let layer_versions =
            page.into_iter().map(|(_, version)| LayerVersionItem::new(&layer, version)).collect();
        Ok(Listed { layer_versions, next_marker })
    }
}
