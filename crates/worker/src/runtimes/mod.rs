//! The interpreters of the host and the platform's SDK copies.
//!
//! Interpreters are looked for in the search path and the usual places, which costs a millisecond.
//! Their versions are learnt by running them once and remembered in the platform folder.

mod choose;
mod scan;
mod sdk;
mod versions;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::function::RuntimeKind;

pub use sdk::{Progress, Status, install, status};

/// An interpreter found on the host.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Found {
    /// `Node` or `Python`.
    pub kind: RuntimeKind,
    pub version: Version,
    /// The real program, links and shims resolved.
    pub program: PathBuf,
    /// Folder a sandbox must show for the program to run, such as `/usr`.
    pub prefix: PathBuf,
}

/// Version of an interpreter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// All interpreters of the host, newest first within a family. Their versions are remembered in `platform_dir`,
/// unless it is empty.
pub async fn discover(platform_dir: &Path) -> Vec<Found> {
    let platform_dir = platform_dir.to_owned();
    let search = tokio::task::spawn_blocking(move || versions::of(&platform_dir, scan::programs()));
    match search.await {
        Ok(found) => found,
        Err(error) => {
            tracing::error!(%error, "the search for interpreters failed");
            Vec::new()
        }
    }
}

/// The interpreter that runs `requested`, such as `nodejs20.x`. A custom runtime needs none and is
/// an error of the caller; it gives `Missing`.
pub async fn resolve(platform_dir: &Path, requested: &str) -> Resolution {
    choose::choose(&discover(platform_dir).await, requested)
}

/// Folders that must be shown in a sandbox so that the host's interpreters run there. Runs nothing.
pub(crate) fn prefixes() -> Vec<PathBuf> {
    let mut prefixes: Vec<PathBuf> = scan::programs().into_iter().map(|program| program.prefix).collect();
    prefixes.sort();
    prefixes.dedup();
    prefixes
}

/// What [`discover`] found, kept for the life of a server.
#[derive(Debug, Clone)]
pub(crate) struct Catalogue {
    platform_dir: Arc<Path>,
    found: Arc<tokio::sync::RwLock<Option<Vec<Found>>>>,
}

impl Catalogue {
    pub(crate) fn new(platform_dir: &Path) -> Self {
        Self { platform_dir: platform_dir.into(), found: Arc::default() }
    }

    /// As the function of the same name; looks again when nothing fits, for it may have been
    /// installed meanwhile.
    pub(crate) async fn resolve(&self, requested: &str) -> Resolution {
        if let Some(found) = &*self.found.read().await
            && let resolution @ Resolution::Found { .. } = choose::choose(found, requested)
        {
            return resolution;
        }
        let mut found = self.found.write().await;
        let now = discover(&self.platform_dir).await;
        let resolution = choose::choose(&now, requested);
        *found = Some(now);
        resolution
    }

    /// The newest interpreter of a family.
    pub(crate) async fn newest(&self, kind: RuntimeKind) -> Option<Found> {
        let mut found = self.found.write().await;
        if found.is_none() {
            *found = Some(discover(&self.platform_dir).await);
        }
        found.iter().flatten().find(|interpreter| interpreter.kind == kind).cloned()
    }
}
