//! Functions whose code is a folder that somebody works on: what was saved is run by the next invocation.
//!
//! Each invocation looks at the folder's names, sizes and times. A folder that differs is another revision to the
//! workers: those of the last one are not used again.

use std::fs::Metadata;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::Lambda;
use crate::route::Executable;

/// Files looked at; a change behind them is not noticed.
const FILES_MAX: usize = 20_000;
/// Folders whose changes do not count: what is installed or made by tools.
const LEFT_OUT: [&str; 5] = ["node_modules", ".git", "__pycache__", ".venv", ".cloudling"];

/// The folder, and the revision it was last.
pub(crate) struct HotFolder {
    folder: PathBuf,
    latest: Mutex<Option<(u64, Arc<Executable>)>>,
}

impl HotFolder {
    pub(crate) fn new(folder: PathBuf) -> Self {
        HotFolder { folder, latest: Mutex::default() }
    }
}

impl Lambda {
    /// The executable as its folder is now.
    pub(crate) async fn fresh(&self, executable: &Arc<Executable>) -> Arc<Executable> {
        let Some(hot) = &executable.hot else { return Arc::clone(executable) };
        let folder = hot.folder.clone();
        // Reading names and times of many files takes a while.
        let stamp = tokio::task::spawn_blocking(move || stamp(&folder)).await.unwrap_or_default();
        let (fresh, old) = {
            let mut latest = hot.latest.lock().unwrap_or_else(PoisonError::into_inner);
            match &*latest {
                Some((known, fresh)) if *known == stamp => return Arc::clone(fresh),
                _ => {}
            }
            let mut function = worker::Function::clone(&executable.function);
            function.key = format!("{}/{stamp:016x}", function.key);
            let fresh = Arc::new(Executable {
                function: Arc::new(function),
                role: executable.role.clone(),
                log: Arc::clone(&executable.log),
                hot: None,
            });
            (Arc::clone(&fresh), latest.replace((stamp, fresh)))
        };
        if let Some((_, old)) = old {
            self.workers.retire(&old.function.key).await;
        }
        fresh
    }
}

/// Differs when any file was added, removed, renamed or written.
fn stamp(folder: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut left = FILES_MAX;
    add(folder, &mut hasher, &mut left);
    hasher.finish()
}

fn add(folder: &Path, hasher: &mut DefaultHasher, left: &mut usize) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        if *left == 0 {
            return;
        }
        *left -= 1;
        let name = entry.file_name();
        if LEFT_OUT.iter().any(|left_out| name == *left_out) {
            continue;
        }
        name.hash(hasher);
        // Behind a link counts what it leads to.
        let Ok(metadata) = std::fs::metadata(entry.path()) else { continue };
        add_metadata(&metadata, hasher);
        // Links to folders are not followed: they may lead round in circles.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            add(&entry.path(), hasher, left);
        }
    }
}

fn add_metadata(metadata: &Metadata, hasher: &mut DefaultHasher) {
    if metadata.is_file() {
        (metadata.len(), metadata.mtime(), metadata.mtime_nsec(), metadata.ino(), metadata.mode())
            .hash(hasher);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_that_counts_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(path("lib/node_modules/x")).unwrap();
        std::fs::write(path("app.py"), "1").unwrap();
        let mut seen = vec![stamp(folder.path())];
        let mut changed = |what: &str| {
            let now = stamp(folder.path());
            assert!(!seen.contains(&now), "{what}");
            seen.push(now);
        };
        std::fs::write(path("app.py"), "22").unwrap();
        changed("a file was written");
        std::fs::write(path("lib/b.py"), "1").unwrap();
        changed("a file was added in a folder");
        std::fs::rename(path("lib/b.py"), path("lib/c.py")).unwrap();
        changed("a file was renamed");
        // As editors save: another file takes the name.
        std::fs::write(path("new"), "33").unwrap();
        std::fs::rename(path("new"), path("app.py")).unwrap();
        changed("a file was replaced");
        let before = stamp(folder.path());
        std::fs::write(path("lib/node_modules/x/index.js"), "1").unwrap();
        assert_eq!(stamp(folder.path()), before);
    }
}
