use serde::Deserialize;
use service::{Arn, Context, Failure, Operation, Result};
use wire::Blob;

use crate::Lambda;
use crate::code_source::CodeSource;
use crate::error::Error;
use crate::functions::{changes, rows};
use crate::layers::{LayerName, LayerVersionView};
use crate::packages::{check_storage, undo};
use crate::settings::{checked_description, constraint};
use crate::tables::{LAYER_VERSIONS, LAYERS, Layer, LayerVersion, version_key};

/// How often a new version number is taken again when another publication came between.
const ATTEMPTS_MAX: usize = 32;
const RUNTIMES_MAX: usize = 15;
const LICENSE_CHARS_MAX: usize = 512;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PublishLayerVersion {
    layer_name: String,
    description: Option<String>,
    content: Content,
    compatible_runtimes: Option<Vec<String>>,
    compatible_architectures: Option<Vec<String>>,
    license_info: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Content {
    zip_file: Option<Blob>,
    s3_bucket: Option<String>,
    s3_key: Option<String>,
    s3_object_version: Option<String>,
}

impl Operation for PublishLayerVersion {
    type Service = Lambda;
    type Output = LayerVersionView;

    const NAME: &'static str = "PublishLayerVersion";

    fn resource(&self, cx: &Context) -> Arn {
        LayerName::resource(cx, &self.layer_name, None)
    }

    async fn run(self, lambda: &Lambda, cx: &Context) -> Result<LayerVersionView> {
        let layer = LayerName::parse(cx, &self.layer_name)?;
        if layer.scope.account != *cx.account() {
            return Err(Error::parameter("Layers cannot be published in another account.").into());
        }
        let runtimes = self.compatible_runtimes.unwrap_or_default();
        if runtimes.len() > RUNTIMES_MAX {
            let rule = format!("Member must have length less than or equal to {RUNTIMES_MAX}");
            return Err(constraint("[...]", "compatibleRuntimes", &rule));
        }
        if let Some(license) =
            self.license_info.as_ref().filter(|text| text.chars().count() > LICENSE_CHARS_MAX)
        {
            let rule = format!("Member must have length less than or equal to {LICENSE_CHARS_MAX}");
            return Err(constraint(license, "licenseInfo", &rule));
        }
        let description = checked_description(self.description.unwrap_or_default())?;
        let source = CodeSource {
            zip_file: self.content.zip_file,
            s3_bucket: self.content.s3_bucket,
            s3_key: self.content.s3_key,
            s3_object_version: self.content.s3_object_version,
            image_uri: None,
        };
        let code = source.fetch(cx, Self::NAME).await?;
        if code.hot_folder.is_some() {
            return Err(Error::parameter("Layers cannot be folders that are reloaded.").into());
        }
        check_storage(cx, &layer.scope, code.zip.len() as u64).await?;
        let package = lambda.store_package(cx, &layer.scope.account, code).await?;
        let mut published = LayerVersion {
            name: layer.name.clone(),
            version: 0,
            description,
            created_epoch_millis: cx.now().epoch_millis(),
            license: self.license_info,
            runtimes,
            architectures: self.compatible_architectures.unwrap_or_default(),
            package: package.clone(),
            policy: None,
        };
        let layers = rows(cx, &layer.scope, &LAYERS);
        for _ in 0..ATTEMPTS_MAX {
            let row = layers.row(&layer.name).await?;
            let all = changes(cx, &layer.scope);
            let all = match row {
                Some(mut row) => {
                    row.value.version_last += 1;
                    published.version = row.value.version_last;
                    all.replace(&LAYERS, &layer.name, &row)?
                }
                None => {
                    published.version = 1;
                    all.insert(&LAYERS, &layer.name, &Layer { version_last: 1 })?
                }
            };
            let key = version_key(&layer.name, published.version);
            if all.insert(&LAYER_VERSIONS, &key, &published)?.commit().await? {
                return Ok(LayerVersionView::new(lambda, cx, &layer, published));
            }
        }
        undo(cx, package).await;
        Err(Failure::Internal(anyhow::anyhow!(
            "{ATTEMPTS_MAX} conflicts in a row on the layer {}",
            layer.name
        )))
    }
}
