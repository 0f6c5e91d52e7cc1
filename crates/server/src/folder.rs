//! The data folder: what lies where.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// `kv` and `blobs` (state), `secret.key`, `tls`, `runtimes` (SDK copies), `run` (sandboxes, emptied at start),
/// `code` (functions unpacked; can be made again from the state), `control` (the socket of the running server).
#[derive(Clone, Debug)]
pub struct DataFolder {
    root: PathBuf,
    runtimes: Option<PathBuf>,
}

impl DataFolder {
    /// Creates the folder, readable by its owner only.
    pub fn open(root: &Path, runtimes: Option<PathBuf>) -> anyhow::Result<Self> {
        let create = |folder: &Path, mode: u32| {
            std::fs::DirBuilder::new().recursive(true).mode(mode).create(folder).with_context(|| {
                format!("cannot create the folder {}: choose another with --data", folder.display())
            })
        };
        let is_new = !root.exists();
        create(root, 0o700)?;
        if is_new && let Some(parent) = root.canonicalize().ok().as_deref().and_then(Path::parent) {
            // Or a power loss takes the folder with all that was synced inside.
            let synced = std::fs::File::open(parent).and_then(|parent| parent.sync_all());
            synced.with_context(|| format!("syncing {}", parent.display()))?;
        }
        // Sandboxes mount parts of it, which takes a path that does not depend on where we stand.
        let root = root.canonicalize().with_context(|| format!("folder {}", root.display()))?;
        let runtimes = match runtimes {
            Some(folder) => {
                // Sandboxes, which are other users, read it.
                create(&folder, 0o755)?;
                Some(folder.canonicalize().with_context(|| format!("folder {}", folder.display()))?)
            }
            None => None,
        };
        Ok(DataFolder { root, runtimes })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn kv(&self) -> PathBuf {
        self.root.join("kv")
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    pub(crate) fn key_file(&self) -> PathBuf {
        self.root.join("secret.key")
    }

    pub(crate) fn tls(&self) -> PathBuf {
        self.root.join("tls")
    }

    pub(crate) fn run(&self) -> PathBuf {
        self.root.join("run")
    }

    pub(crate) fn code(&self) -> PathBuf {
        self.root.join("code")
    }

    /// The SDK copies that functions find.
    pub fn runtimes(&self) -> PathBuf {
        self.runtimes.clone().unwrap_or_else(|| self.root.join("runtimes"))
    }
}
