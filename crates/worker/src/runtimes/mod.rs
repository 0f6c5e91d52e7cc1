//! The interpreters of the host and the platform's SDK copies.
//!
//! Interpreters are looked for in the search path and the usual places, which costs a millisecond.
//! Their versions are learnt by running them once and remembered in the platform folder.

mod choose;
mod scan;
mod sdk;
mod versions;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

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
    /// Runtimes whose other version was told of. Not more than there are identifiers of runtimes.
    told: Arc<Mutex<HashSet<String>>>,
}

impl Catalogue {
    pub(crate) fn new(platform_dir: &Path) -> Self {
        Self { platform_dir: platform_dir.into(), found: Arc::default(), told: Arc::default() }
    }

    /// As the function of the same name; looks again when nothing fits, for it may have been
    /// installed meanwhile. The warning comes with the first answer only: everyone hears it, nobody twice.
    pub(crate) async fn resolve(&self, requested: &str) -> Resolution {
        let mut resolution = self.look_up(requested).await;
        if let Resolution::Found { warning, .. } = &mut resolution
            && warning.is_some()
            && !self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(requested.to_owned())
        {
            *warning = None;
        }
        resolution
    }

    async fn look_up(&self, requested: &str) -> Resolution {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn another_version_is_told_once() {
        let version = Version { major: 20, minor: 1, patch: 0 };
        let node = Found { kind: RuntimeKind::Node, version, program: "/node".into(), prefix: "/".into() };
        let catalogue = Catalogue::new(Path::new(""));
        *catalogue.found.write().await = Some(vec![node]);
        let mut told = Vec::new();
        for requested in ["nodejs22.x", "nodejs22.x", "nodejs24.x", "nodejs20.x"] {
            let resolution = catalogue.resolve(requested).await;
            told.push(matches!(resolution, Resolution::Found { warning: Some(_), .. }));
        }
        assert_eq!(told, [true, false, true, false]);
    }
}
