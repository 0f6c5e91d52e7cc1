//! The rows of this service and their keys.
//!
//! A function's row holds `$LATEST`; everything that belongs to a function has a key that begins with
//! `NAME/`, so that it is found and removed with it. Names hold no slash.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use service::{Table, Tags};

use crate::event_invoke::config::EventInvokeConfig;
use crate::package::Package;
use crate::policy::Policy;
use crate::provisioned::ProvisionedConfig;
use crate::settings::Settings;
use crate::url_config::UrlConfig;

pub(crate) static FUNCTIONS: Table<Function> = Table::regional("lambda", "functions");
pub(crate) static VERSIONS: Table<Revision> = Table::regional("lambda", "versions");
pub(crate) static ALIASES: Table<Alias> = Table::regional("lambda", "aliases");
pub(crate) static POLICIES: Table<Policy> = Table::regional("lambda", "policies");
pub(crate) static URL_CONFIGS: Table<UrlConfig> = Table::regional("lambda", "url-configs");
/// By qualifier, `$LATEST` for the function itself.
pub(crate) static EVENT_INVOKE_CONFIGS: Table<EventInvokeConfig> =
    Table::regional("lambda", "event-invoke-configs");
/// By version or alias.
pub(crate) static PROVISIONED: Table<ProvisionedConfig> = Table::regional("lambda", "provisioned");
/// From the id in a function URL's host name to its function; ids are unique in the installation.
pub(crate) static URL_IDS: Table<UrlOwner> = Table::installation("lambda", "url-ids");
pub(crate) static LAYERS: Table<Layer> = Table::regional("lambda", "layers");
pub(crate) static LAYER_VERSIONS: Table<LayerVersion> = Table::regional("lambda", "layer-versions");

/// A function by its name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) latest: Revision,
    /// The highest version number ever given; numbers are not given twice.
    pub(crate) version_last: u64,
    #[serde(default)]
    pub(crate) tags: Tags,
    #[serde(default)]
    pub(crate) reserved_concurrency: Option<u32>,
    #[serde(default)]
    pub(crate) recursive_loop: Option<String>,
}

/// Code and settings at one time: `$LATEST`, or a published version that never changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Revision {
    pub(crate) version: String,
    pub(crate) revision_id: String,
    pub(crate) modified_epoch_millis: i64,
    pub(crate) package: Package,
    pub(crate) settings: Settings,
    /// Given at publication in place of the settings' own.
    #[serde(default)]
    pub(crate) description: Option<String>,
}

impl Revision {
    pub(crate) fn description(&self) -> &str {
        self.description.as_deref().unwrap_or(&self.settings.description)
    }
}

/// A name for one version, or for two with weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Alias {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) description: String,
    pub(crate) revision_id: String,
    /// Version → share of the invocations, above 0 and at most 1.
    #[serde(default)]
    pub(crate) additional_weights: BTreeMap<String, f64>,
}

/// Whose function URL an id is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct UrlOwner {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) function: String,
    /// `$LATEST` or an alias.
    pub(crate) qualifier: String,
}

/// A layer by its name; its versions are rows of their own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Layer {
    pub(crate) version_last: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LayerVersion {
    pub(crate) name: String,
    pub(crate) version: u64,
    pub(crate) description: String,
    pub(crate) created_epoch_millis: i64,
    pub(crate) license: Option<String>,
    pub(crate) runtimes: Vec<String>,
    pub(crate) architectures: Vec<String>,
    pub(crate) package: Package,
    #[serde(default)]
    pub(crate) policy: Option<Policy>,
}

/// The key of a version, in number order.
pub(crate) fn version_key(name: &str, version: u64) -> String {
    format!("{name}/{version:020}")
}

/// The key of what belongs to a function under a name of its own: an alias, a qualified policy.
pub(crate) fn member_key(name: &str, member: &str) -> String {
    format!("{name}/{member}")
}

/// The prefix of all keys of [`version_key`] and [`member_key`].
pub(crate) fn members(name: &str) -> String {
    format!("{name}/")
}
