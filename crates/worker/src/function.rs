//! What is needed to run one revision of one function.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::log_format::LogFormat;

/// Family of a runtime: who speaks to the function's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RuntimeKind {
    /// `nodejsN.x`, started with our own client.
    Node,
    /// `python3.N`, started with our own client.
    Python,
    /// `provided.*`: a `bootstrap` program that polls the Runtime API.
    Custom,
}

impl RuntimeKind {
    /// The family of a runtime identifier such as `nodejs20.x`, or `None` when no worker can run it.
    pub fn of(requested: &str) -> Option<Self> {
        if requested.starts_with("nodejs") {
            Some(Self::Node)
        } else if requested.starts_with("python3.") {
            Some(Self::Python)
        } else if requested == "provided" || requested.starts_with("provided.") {
            Some(Self::Custom)
        } else {
            None
        }
    }
}

/// One immutable revision of a function. Share it in an `Arc`; workers keep it while they live.
#[derive(Debug, Clone)]
pub struct Function {
    /// Unique per function, version and revision, for example `ARN:$LATEST:REVISION`. A worker is
    /// reused for an equal key only, so any change of code or configuration must change the key.
    pub key: String,
    pub name: String,
    /// `$LATEST` or a number.
    pub version: String,
    pub runtime: RuntimeKind,
    /// The identifier the user asked for, such as `nodejs20.x`.
    pub requested_runtime: String,
    pub handler: String,
    /// Folder of the unpacked code; read-only at `/var/task`.
    pub code: PathBuf,
    /// Folder of the merged layers; read-only at `/opt`.
    pub opt: Option<PathBuf>,
    pub environment: BTreeMap<String, String>,
    pub memory_mib: u32,
    pub tmp_mib: u32,
    pub timeout: Duration,
    pub log_group: String,
    pub logging: LogFormat,
    pub region: String,
    pub account: String,
}
