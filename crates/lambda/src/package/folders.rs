//! The unpacked packages on disk: a cache that is rebuilt from the blobs whenever something is missing.
//!
//! Layout: `ROOT/BOOT/ACCOUNT/KEY/{root,bytes}`. A folder appears by one rename when it is complete, which covers
//! a killed process. Nothing is synced: the contents of files may be lost with the power, so folders belong to one
//! boot of the machine and those of earlier boots are removed.

use std::collections::HashMap;
use std::fs::{self, File};
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use service::{AccountId, Clock, Result};
use tasks::{OnFailure, TaskKind, Tasks};

use super::unpack::{self, UnpackError, Unpacker};
use super::{UNPACKED_BYTES_MAX, digest};

static SWEEP: TaskKind = TaskKind {
    name: "lambda: remove unused code folders",
    on_failure: OnFailure::Log,
    stop_within: Duration::from_secs(2),
};

/// A folder nobody asked for in this time is removed at the next start.
const UNUSED_KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const TEMPORARY: &str = "filling-";

/// An unpacked package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unpacked {
    pub(crate) folder: PathBuf,
    pub(crate) bytes: u64,
}

/// All unpacked packages of this process.
pub(crate) struct Folders {
    root: PathBuf,
    boot: PathBuf,
    clock: Clock,
    process: String,
    next: AtomicU64,
    /// One lock a folder being filled, so that a package is unpacked once however many ask for it.
    filling: Mutex<HashMap<PathBuf, Arc<tokio::sync::Mutex<()>>>>,
}

impl Folders {
    /// Nothing is created before the first package.
    pub(crate) fn new(root: PathBuf, clock: Clock, process: String) -> Self {
        let boot = root.join(boot_id().unwrap_or_else(|| process.clone()));
        Folders { root, boot, clock, process, next: AtomicU64::new(0), filling: Mutex::default() }
    }

    /// The folder of a zip file, unpacked now if need be. `zip` is awaited only then.
    pub(crate) async fn code(
        &self,
        account: &AccountId,
        sha256: &str,
        zip: impl Future<Output = Result<Bytes>> + Send,
    ) -> Result<Unpacked> {
        self.filled(account, format!("code-{sha256}"), async { Ok(vec![zip.await?]) }).await
    }

    /// The folder of several zip files, one over the other in their order.
    pub(crate) async fn layers(
        &self,
        account: &AccountId,
        sha256s: &[&str],
        zips: impl Future<Output = Result<Vec<Bytes>>> + Send,
    ) -> Result<Unpacked> {
        let key = format!("layers-{}", digest(sha256s.join(",").as_bytes()));
        self.filled(account, key, zips).await
    }

    /// Removes the folders of one account, or all. Workers that still use one keep the files they opened.
    pub(crate) async fn forget(&self, account: Option<&AccountId>) -> anyhow::Result<()> {
        let folder = match account {
            Some(account) => self.boot.join(account.as_str()),
            None => self.boot.clone(),
        };
        // Out of the way at once, so that nothing is found in a folder half removed.
        let aside = self.root.join(self.temporary());
        blocking(move || match fs::rename(&folder, &aside) {
            Ok(()) => unpack::remove(&aside),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        })
        .await?;
        Ok(())
    }

    /// Removes in the background what earlier boots and killed processes left, and what is long unused.
    pub(crate) fn sweep(&self, tasks: &Tasks) {
        let (root, boot, process) = (self.root.clone(), self.boot.clone(), self.process.clone());
        let now = system_time(&self.clock);
        tasks.spawn(&SWEEP, async move {
            blocking(move || sweep(&root, &boot, &process, now)).await?;
            Ok(())
        });
    }

    async fn filled(
        &self,
        account: &AccountId,
        key: String,
        zips: impl Future<Output = Result<Vec<Bytes>>> + Send,
    ) -> Result<Unpacked> {
        let account = self.boot.join(account.as_str());
        let place = account.join(key);
        if let Some(found) = self.found(&place).await? {
            return Ok(found);
        }
        let lock = self.lock(&place);
        let guard = lock.lock().await;
        let result = match self.found(&place).await? {
            Some(found) => Ok(found),
            None => {
                let zips = zips.await;
                let temporary = account.join(self.temporary());
                let target = place.clone();
                let now = system_time(&self.clock);
                match zips {
                    Ok(zips) => match blocking(move || Ok(fill(&temporary, &target, &zips, now))).await? {
                        Ok(unpacked) => Ok(unpacked),
                        Err(error) => Err(error.into_failure()),
                    },
                    Err(failure) => Err(failure),
                }
            }
        };
        drop(guard);
        self.unlock(&place);
        result
    }

    async fn found(&self, place: &Path) -> Result<Option<Unpacked>> {
        let place = place.to_owned();
        let now = system_time(&self.clock);
        let found = blocking(move || {
            let bytes = match fs::read_to_string(place.join("bytes")) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            };
            // Only the sweep reads this time; being late by one use does no harm.
            let _ = File::open(&place).and_then(|folder| folder.set_modified(now));
            let bytes = bytes.trim().parse().map_err(io::Error::other)?;
            Ok(Some(Unpacked { folder: place.join("root"), bytes }))
        })
        .await?;
        Ok(found)
    }

    fn temporary(&self) -> String {
        format!("{TEMPORARY}{}-{}", self.process, self.next.fetch_add(1, Ordering::Relaxed))
    }

    fn lock(&self, place: &Path) -> Arc<tokio::sync::Mutex<()>> {
        let mut filling = self.filling.lock().unwrap_or_else(PoisonError::into_inner);
        filling.entry(place.to_owned()).or_default().clone()
    }

    /// Forgets the lock once nobody waits for it.
    fn unlock(&self, place: &Path) {
        let mut filling = self.filling.lock().unwrap_or_else(PoisonError::into_inner);
        if filling.get(place).is_some_and(|lock| Arc::strong_count(lock) <= 2) {
            filling.remove(place);
        }
    }
}

fn fill(
    temporary: &Path,
    place: &Path,
    zips: &[Bytes],
    now: SystemTime,
) -> std::result::Result<Unpacked, UnpackError> {
    let root = temporary.join("root");
    let filled = (|| {
        fs::create_dir_all(&root)?;
        let mut unpacker = Unpacker::new(&root, UNPACKED_BYTES_MAX);
        for zip in zips {
            unpacker.add(zip)?;
        }
        let bytes = unpacker.finish()?;
        fs::write(temporary.join("bytes"), bytes.to_string())?;
        File::open(temporary)?.set_modified(now)?;
        fs::rename(temporary, place)?;
        Ok(Unpacked { folder: place.join("root"), bytes })
    })();
    if filled.is_err() {
        let _ = unpack::remove(temporary);
    }
    filled
}

fn sweep(root: &Path, boot: &Path, process: &str, now: SystemTime) -> io::Result<()> {
    let ours = format!("{TEMPORARY}{process}-");
    for entry in entries(root)? {
        if entry != boot && !name(&entry).starts_with(&ours) {
            unpack::remove(&entry)?;
        }
    }
    for account in entries(boot)? {
        for entry in entries(&account)? {
            let name = name(&entry);
            let left = name.starts_with(TEMPORARY) && !name.starts_with(&ours);
            let used = fs::symlink_metadata(&entry)?.modified()?;
            if left || now.duration_since(used).is_ok_and(|unused| unused > UNUSED_KEPT) {
                unpack::remove(&entry)?;
            }
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(found) => found.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn system_time(clock: &Clock) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(clock.now().epoch_millis().unsigned_abs())
}

/// Changes with every start of the machine. `None` where there is no such file: then every process starts afresh.
fn boot_id() -> Option<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let id = text.trim();
    let plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    plain.then(|| id.to_owned())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    Ok(tokio::task::spawn_blocking(work).await??)
}

#[cfg(test)]
mod tests {
    use wire::Timestamp;

    use super::super::unpack::tests::zip_of;
    use super::*;

    const DAY_MILLIS: i64 = 24 * 60 * 60 * 1_000;

    fn folders(root: &Path, process: &str, days: i64) -> Folders {
        let clock = Clock::manual(Timestamp::from_epoch_millis(days * DAY_MILLIS));
        Folders::new(root.join("code"), clock, process.into())
    }

    fn zip() -> Bytes {
        zip_of(&[("index.js", 0o644, b"exports")]).into()
    }

    #[tokio::test]
    async fn a_package_is_unpacked_once_and_again_when_missing() {
        let disk = tempfile::tempdir().unwrap();
        let folders = folders(disk.path(), "p", 100);
        let account = AccountId::default();
        let first = folders.code(&account, "aa", async { Ok(zip()) }).await.unwrap();
        assert_eq!(first.bytes, 7);
        let again = folders.code(&account, "aa", async { panic!("the folder is there") }).await.unwrap();
        assert_eq!(again, first);
        unpack::remove(first.folder.parent().unwrap()).unwrap();
        let rebuilt = folders.code(&account, "aa", async { Ok(zip()) }).await.unwrap();
        assert_eq!(fs::read_to_string(rebuilt.folder.join("index.js")).unwrap(), "exports");
        folders.forget(Some(&account)).await.unwrap();
        assert!(!rebuilt.folder.exists());
        folders.forget(None).await.unwrap();
    }

    #[tokio::test]
    async fn a_refused_package_leaves_nothing() {
        let disk = tempfile::tempdir().unwrap();
        let folders = folders(disk.path(), "p", 100);
        let account = AccountId::default();
        let error =
            folders.code(&account, "aa", async { Ok(Bytes::from_static(b"no zip")) }).await.unwrap_err();
        assert_eq!(error.code(), "InvalidParameterValueException");
        assert_eq!(entries(&folders.boot.join(account.as_str())).unwrap(), Vec::<PathBuf>::new());
        assert!(folders.filling.lock().unwrap().is_empty());
        assert!(folders.code(&account, "aa", async { Ok(zip()) }).await.is_ok());
    }

    #[tokio::test]
    async fn layers_lie_over_each_other_in_their_order() {
        let disk = tempfile::tempdir().unwrap();
        let folders = folders(disk.path(), "p", 100);
        let zips = vec![
            Bytes::from(zip_of(&[("a", 0o644, b"1"), ("b", 0o644, b"1")])),
            Bytes::from(zip_of(&[("b", 0o644, b"2")])),
        ];
        let account = AccountId::default();
        let forth = folders.layers(&account, &["x", "y"], async { Ok(zips.clone()) }).await.unwrap();
        let back = folders
            .layers(&account, &["y", "x"], async { Ok(vec![zips[1].clone(), zips[0].clone()]) })
            .await
            .unwrap();
        assert_eq!(fs::read_to_string(forth.folder.join("b")).unwrap(), "2");
        assert_eq!(fs::read_to_string(back.folder.join("b")).unwrap(), "1");
        folders.forget(None).await.unwrap();
    }

    #[tokio::test]
    async fn the_sweep_keeps_what_is_in_use() {
        let disk = tempfile::tempdir().unwrap();
        let before = folders(disk.path(), "before", 100);
        let account = AccountId::default();
        let old = before.code(&account, "old", async { Ok(zip()) }).await.unwrap();
        let after = folders(disk.path(), "after", 108);
        let used = after.code(&account, "used", async { Ok(zip()) }).await.unwrap();
        let place = before.boot.join(account.as_str());
        fs::create_dir_all(place.join("filling-before-7/root")).unwrap();
        fs::create_dir_all(place.join("filling-after-7/root")).unwrap();
        fs::create_dir_all(before.root.join("another-boot/000000000000/code-x")).unwrap();
        sweep(&after.root, &after.boot, &after.process, system_time(&after.clock)).unwrap();
        assert!(!old.folder.exists());
        assert!(used.folder.exists());
        assert!(!place.join("filling-before-7").exists());
        assert!(place.join("filling-after-7").exists());
        assert!(!before.root.join("another-boot").exists());
        after.forget(None).await.unwrap();
    }
}
