//! Layers: their names, their versions, and functions' use of them.

use std::str::FromStr;

use serde::Serialize;
use service::{AccountId, Arn, Context, Region, Result, Scope};
use wire::Timestamp;

use crate::Lambda;
use crate::configuration::lambda_time;
use crate::error::Error;
use crate::functions::rows;
use crate::settings::{LAYERS_MAX, LayerUse, constraint};
use crate::tables::{LAYER_VERSIONS, LayerVersion, version_key};

const NAME_CHARS_MAX: usize = 140;

/// A layer, named by its name or its ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LayerName {
    pub(crate) scope: Scope,
    pub(crate) name: String,
}

/// One version of a layer, by its ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LayerVersionArn {
    pub(crate) layer: LayerName,
    pub(crate) version: u64,
}

impl LayerName {
    pub(crate) fn parse(cx: &Context, text: &str) -> Result<Self> {
        if is_name(text) {
            return Ok(LayerName { scope: cx.scope().clone(), name: text.to_owned() });
        }
        match parse_arn(text) {
            Some((layer, None)) => layer.reachable(cx),
            _ => Err(constraint(
                text,
                "layerName",
                "Member must satisfy regular expression pattern: (arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\\d{12}:\
                 layer:[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+",
            )),
        }
    }

    /// The resource of a policy decision; never fails.
    pub(crate) fn resource(cx: &Context, text: &str, version: Option<i64>) -> Arn {
        let layer = Self::parse(cx, text)
            .unwrap_or_else(|_| LayerName { scope: cx.scope().clone(), name: text.to_owned() });
        match version {
            Some(version) => {
                Arn::regional("lambda", &layer.scope, format_args!("layer:{}:{version}", layer.name))
            }
            None => layer.arn(),
        }
    }

    pub(crate) fn arn(&self) -> Arn {
        Arn::regional("lambda", &self.scope, format_args!("layer:{}", self.name))
    }

    pub(crate) fn version_arn(&self, version: u64) -> Arn {
        Arn::regional("lambda", &self.scope, format_args!("layer:{}:{version}", self.name))
    }

    /// The version with this number; numbers start at 1.
    pub(crate) async fn version(&self, cx: &Context, version: i64) -> Result<LayerVersion> {
        let version = checked_version(version)?;
        let found = rows(cx, &self.scope, &LAYER_VERSIONS).get(&version_key(&self.name, version)).await?;
        found.ok_or_else(|| Error::no_such_resource().into())
    }

    fn reachable(self, cx: &Context) -> Result<Self> {
        if self.scope.region == *cx.region() {
            return Ok(self);
        }
        let text = format!(
            "Layers from '{}' are not reachable in this region ('{}')",
            self.scope.region,
            cx.region()
        );
        Err(Error::parameter(text).into())
    }
}

impl LayerVersionArn {
    pub(crate) fn parse(cx: &Context, text: &str, path: &str) -> Result<Self> {
        match parse_arn(text) {
            Some((layer, Some(version))) => Ok(LayerVersionArn { layer: layer.reachable(cx)?, version }),
            _ => Err(constraint(
                text,
                path,
                "Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:[a-z]{2}((-gov)|\
                 (-iso([a-z]?)))?-[a-z]+-\\d{1}:\\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)",
            )),
        }
    }
}

pub(crate) fn checked_version(version: i64) -> std::result::Result<u64, Error> {
    match u64::try_from(version) {
        Ok(version) if version > 0 => Ok(version),
        _ => Err(Error::parameter("Layer Version Cannot be less than 1.")),
    }
}

/// The layer versions that a function asks for, in its order.
pub(crate) async fn used(cx: &Context, arns: &[String]) -> Result<Vec<LayerUse>> {
    if arns.len() > LAYERS_MAX {
        return Err(Error::parameter(format!("Cannot reference more than {LAYERS_MAX} layers.")).into());
    }
    let mut used: Vec<(LayerName, LayerUse)> = Vec::with_capacity(arns.len());
    for text in arns {
        let LayerVersionArn { layer, version } = LayerVersionArn::parse(cx, text, "layers")?;
        if let Some((_, other)) = used.iter().find(|(known, _)| *known == layer) {
            return Err(Error::parameter(format!(
                "Two different versions of the same layer are not allowed to be referenced in the same function. \
                 {text} and {} are versions of the same layer.",
                other.arn
            ))
            .into());
        }
        let key = version_key(&layer.name, version);
        let Some(found) = rows(cx, &layer.scope, &LAYER_VERSIONS).get(&key).await? else {
            return Err(Error::parameter(format!("Layer version {text} does not exist.")).into());
        };
        if layer.scope.account != *cx.account() && found.policy.is_none() {
            return Err(service::Failure::new(
                "AccessDeniedException",
                403,
                format!(
                    "User: {} is not authorized to perform: lambda:GetLayerVersion on resource: {text} because no \
                     resource-based policy allows the lambda:GetLayerVersion action",
                    cx.caller().principal.arn()
                ),
            ));
        }
        used.push((layer, LayerUse { arn: text.clone(), package: found.package }));
    }
    Ok(used.into_iter().map(|(_, layer)| layer).collect())
}

/// A layer version as the lists show it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct LayerVersionItem {
    layer_version_arn: String,
    version: u64,
    description: Option<String>,
    created_date: String,
    compatible_runtimes: Option<Vec<String>>,
    compatible_architectures: Option<Vec<String>>,
    license_info: Option<String>,
}

impl LayerVersionItem {
    pub(crate) fn new(layer: &LayerName, version: LayerVersion) -> Self {
        LayerVersionItem {
            layer_version_arn: layer.version_arn(version.version).to_string(),
            version: version.version,
            description: Some(version.description).filter(|text| !text.is_empty()),
            created_date: lambda_time(Timestamp::from_epoch_millis(version.created_epoch_millis)),
            compatible_runtimes: Some(version.runtimes).filter(|list| !list.is_empty()),
            compatible_architectures: Some(version.architectures).filter(|list| !list.is_empty()),
            license_info: version.license,
        }
    }
}

/// A layer version with its content, as it is published and read.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct LayerVersionView {
    content: Content,
    layer_arn: String,
    layer_version_arn: String,
    description: String,
    created_date: String,
    version: u64,
    compatible_runtimes: Option<Vec<String>>,
    compatible_architectures: Option<Vec<String>>,
    license_info: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Content {
    location: String,
    #[serde(rename = "CodeSha256")]
    code_sha256: String,
    code_size: u64,
}

impl LayerVersionView {
    pub(crate) fn new(lambda: &Lambda, cx: &Context, layer: &LayerName, version: LayerVersion) -> Self {
        let content = Content {
            location: lambda.download_url(cx, &version.package),
            code_sha256: version.package.code_sha256(),
            code_size: version.package.zip_bytes,
        };
        let description = version.description.clone();
        let item = LayerVersionItem::new(layer, version);
        LayerVersionView {
            content,
            layer_arn: layer.arn().to_string(),
            layer_version_arn: item.layer_version_arn,
            description,
            created_date: item.created_date,
            version: item.version,
            compatible_runtimes: item.compatible_runtimes,
            compatible_architectures: item.compatible_architectures,
            license_info: item.license_info,
        }
    }
}

/// Whether a version is shown to who asks for one runtime or architecture.
pub(crate) fn fits(version: &LayerVersion, runtime: Option<&str>, architecture: Option<&str>) -> bool {
    let has = |list: &[String], wanted: Option<&str>| {
        wanted.is_none_or(|wanted| list.iter().any(|known| known == wanted))
    };
    has(&version.runtimes, runtime) && has(&version.architectures, architecture)
}

fn is_name(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    !text.is_empty() && text.len() <= NAME_CHARS_MAX && plain
}

fn parse_arn(text: &str) -> Option<(LayerName, Option<u64>)> {
    let arn = Arn::from_str(text).ok().filter(|arn| arn.service() == "lambda")?;
    let scope = Scope { account: AccountId::parse(arn.account())?, region: Region::parse(arn.region())? };
    let (name, version) = match *arn.resource().split(':').collect::<Vec<_>>().as_slice() {
        ["layer", name] => (name, None),
        ["layer", name, version] if version.bytes().all(|byte| byte.is_ascii_digit()) => {
            (name, Some(version.parse().ok()?))
        }
        _ => return None,
    };
    is_name(name).then(|| (LayerName { scope, name: name.to_owned() }, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_name_a_layer_or_a_version_of_it() {
        let base = "arn:aws:lambda:us-east-1:111122223333:layer:tools";
        let (layer, version) = parse_arn(base).unwrap();
        assert_eq!((layer.name.as_str(), version), ("tools", None));
        assert_eq!(layer.scope.account.as_str(), "111122223333");
        assert_eq!(parse_arn(&format!("{base}:7")).unwrap().1, Some(7));
        assert_eq!(layer.version_arn(7).as_str(), format!("{base}:7"));
        for text in [
            "tools",
            "arn:aws:lambda:us-east-1:1:layer:tools",
            "arn:aws:lambda:us-east-1:111122223333:function:x",
        ] {
            assert!(parse_arn(text).is_none(), "{text}");
        }
        for suffix in [":", ":x", ":1:2", ":-1", ":99999999999999999999999"] {
            assert!(parse_arn(&format!("{base}{suffix}")).is_none(), "{suffix}");
        }
    }
}
