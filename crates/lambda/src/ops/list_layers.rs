use serde::{Deserialize, Serialize};
use service::{Context, Operation, PageToken, Result};

use crate::Lambda;
use crate::functions::rows;
use crate::layers::{LayerName, LayerVersionItem, fits};
use crate::ops::{marker, page_size};
use crate::tables::{LAYER_VERSIONS, LAYERS, members};

/// Layers of one page, whatever the client asks for.
const PAGE_ROWS_MAX: usize = 50;
/// Layers read at once while those that do not fit are passed over.
const SCAN_ROWS: usize = 100;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListLayers {
    compatible_runtime: Option<String>,
    compatible_architecture: Option<String>,
    marker: Option<String>,
    max_items: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Listed {
    layers: Vec<Item>,
    next_marker: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    layer_name: String,
    layer_arn: String,
    latest_matching_version: LayerVersionItem,
}

impl Operation for ListLayers {
    type Service = Lambda;
    type Output = Listed;

    const NAME: &'static str = "ListLayers";

    /// Layers of which at least one version is left and fits, with the newest of these.
    async fn run(self, _: &Lambda, cx: &Context) -> Result<Listed> {
        let limit = page_size(self.max_items, PAGE_ROWS_MAX)?;
        let mut after = marker(self.marker.as_deref())?;
        let (runtime, architecture) =
            (self.compatible_runtime.as_deref(), self.compatible_architecture.as_deref());
        let mut page: Vec<(String, Item)> = Vec::new();
        while page.len() <= limit {
            let names = rows(cx, cx.scope(), &LAYERS).list("", after.as_deref(), SCAN_ROWS).await?;
            let Some((last, _)) = names.last() else { break };
            after = Some(last.clone());
            for (name, _) in names {
                let versions = rows(cx, cx.scope(), &LAYER_VERSIONS).all(&members(&name)).await?;
                let newest =
                    versions.into_iter().rev().find(|(_, version)| fits(version, runtime, architecture));
                let Some((_, version)) = newest else { continue };
                let layer = LayerName { scope: cx.scope().clone(), name: name.clone() };
                let item = Item {
                    layer_name: name.clone(),
                    layer_arn: layer.arn().to_string(),
                    latest_matching_version: LayerVersionItem::new(&layer, version),
                };
                page.push((name, item));
            }
        }
        let next_marker = PageToken::cut(&mut page, limit).map(|token| token.encode());
        Ok(Listed { layers: page.into_iter().map(|(_, item)| item).collect(), next_marker })
    }
}
