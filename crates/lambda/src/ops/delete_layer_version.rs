use serde::Deserialize;
use service::{Arn, Context, Empty, Operation, Result};

use crate::Lambda;
use crate::functions::{changes, discard, rows};
use crate::layers::{LayerName, checked_version};
use crate::tables::{FUNCTIONS, LAYER_VERSIONS, VERSIONS, version_key};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteLayerVersion {
    layer_name: String,
    version_number: i64,
}

impl Operation for DeleteLayerVersion {
    type Service = Lambda;
    type Output = Empty;

    const NAME: &'static str = "DeleteLayerVersion";

    fn resource(&self, cx: &Context) -> Arn {
        LayerName::resource(cx, &self.layer_name, Some(self.version_number))
    }

    /// A version that is not there is deleted already. Functions that use it keep it: so its package stays as long
    /// as there is one.
    async fn run(self, _: &Lambda, cx: &Context) -> Result<Empty> {
        let layer = LayerName::parse(cx, &self.layer_name)?;
        let version = checked_version(self.version_number)?;
        let key = version_key(&layer.name, version);
        let Some(row) = rows(cx, &layer.scope, &LAYER_VERSIONS).row(&key).await? else { return Ok(Empty) };
        let blob = row.value.package.blob.clone();
        if !changes(cx, &layer.scope).remove_row(&LAYER_VERSIONS, &key, &row).commit().await? {
            return Ok(Empty);
        }
        let functions = rows(cx, &layer.scope, &FUNCTIONS).all("").await?;
        let versions = rows(cx, &layer.scope, &VERSIONS).all("").await?;
        let mut used = functions
            .iter()
            .map(|(_, function)| &function.latest)
            .chain(versions.iter().map(|(_, revision)| revision))
            .flat_map(|revision| &revision.settings.layers);
        // Who else was allowed to use it may still do so.
        let shared = row.value.policy.is_some();
        if !shared && !used.any(|layer| layer.package.blob == blob) {
            discard(cx, [blob]).await;
        }
        Ok(Empty)
    }
}
