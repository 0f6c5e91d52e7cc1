//! The interpreters of the host and the platform's SDK copies.

use std::path::{Path, PathBuf};

use crate::function::RuntimeKind;

/// An interpreter found on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub kind: RuntimeKind,
    pub version: Version,
    /// The real program, links and shims resolved.
    pub program: PathBuf,
    /// Folder a sandbox must show for the program to run, such as `/usr`.
    pub prefix: PathBuf,
}

/// Version of an interpreter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub major: u32,
    pub minor: u32,
    pub patch: u32,
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// What runs a requested runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    Found {
        interpreter: Found,
        /// Set when the installed version differs from the requested one.
        warning: Option<String>,
    },
    /// Nothing installed fits; `install` is the command that changes that.
    Missing { install: String },
}

/// What the SDK folder holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Package and version of the installed Node SDKs; empty when not installed.
    pub node: Vec<(String, String)>,
    pub python: Vec<(String, String)>,
}

/// A step of [`install`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What is being done, in words for people.
    pub message: String,
    pub step: u32,
    pub steps: u32,
}

/// All interpreters of the host, newest first within a family.
pub async fn discover(_platform_dir: &Path) -> Vec<Found> {
    Vec::new()
}

/// The interpreter that runs `requested`, such as `nodejs20.x`.
pub async fn resolve(_platform_dir: &Path, _requested: &str) -> Resolution {
    Resolution::Missing { install: String::new() }
}

/// Puts the pinned SDKs into `platform_dir`; does nothing when they are there.
pub async fn install(
    _platform_dir: &Path,
    _progress: &(dyn Fn(Progress) + Send + Sync),
) -> anyhow::Result<Status> {
    anyhow::bail!("not built yet")
}

/// What is installed, read from the manifest.
pub fn status(_platform_dir: &Path) -> Status {
    Status::default()
}
