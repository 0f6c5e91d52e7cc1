//! Backups of a whole data folder, their restoration, and the check of a folder.
//!
//! A backup holds what `store` writes (rows and blobs of one moment) and the installation's own secrets: `secret.key` and
//! `tls`. Sandboxes, unpacked code and SDK copies are made again.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use store::{Blobs, Copied, FjallKv, Kv, LocalBlobs, Verified};

use crate::control;
use crate::folder::DataFolder;

/// Told how far a copy is, from time to time.
pub type OnProgress<'a> = &'a mut (dyn FnMut(Copied) + Send);

/// Backs up a data folder into a folder that is empty or not there: asks the server that runs over it, or does it
/// itself when none does.
pub async fn backup(data: &Path, into: &Path, on_progress: OnProgress<'_>) -> anyhow::Result<Copied> {
    if !data.join("kv").is_dir() {
        bail!("{} is not a data folder: name it with --data", data.display());
    }
    let folder = DataFolder::open(data, None)?;
    let into = std::path::absolute(into).with_context(|| format!("folder {}", into.display()))?;
    if let Some(server) = control::Connection::open(&folder).await? {
        return server.backup(&into, on_progress).await;
    }
    let kv = FjallKv::open(&folder.kv())?;
    let blobs = LocalBlobs::open(&folder.blobs())?;
    copy(&kv, &blobs, &folder, &into, on_progress).await
}

/// The same from inside a running server.
pub(crate) async fn copy(
    kv: &dyn Kv,
    blobs: &dyn Blobs,
    folder: &DataFolder,
    into: &Path,
    on_progress: OnProgress<'_>,
) -> anyhow::Result<Copied> {
    if into.starts_with(folder.root()) {
        bail!("{} lies in the data folder: a backup belongs elsewhere", into.display());
    }
    create_private(into)?;
    let copied = store::backup(kv, blobs, into, on_progress).await?;
    copy_secrets(folder.root(), into)?;
    Ok(copied)
}

/// Makes a data folder from a backup. It appears only when it is complete.
pub async fn restore(from: &Path, data: &Path, on_progress: OnProgress<'_>) -> anyhow::Result<Copied> {
    let data = std::path::absolute(data).with_context(|| format!("folder {}", data.display()))?;
    must_be_empty(&data)?;
    let mut name = data.file_name().context("the data folder has no name")?.to_owned();
    name.push(".restoring");
    let unfinished = data.with_file_name(name);
    match fs::remove_dir_all(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("removing {}", unfinished.display()));
        }
        _ => {}
    }
    let folder = DataFolder::open(&unfinished, None)?;
    let restored = restore_into(from, &folder, on_progress).await;
    if restored.is_err() {
        // What was restored so far is of no use; the error says what went wrong.
        let _ = fs::remove_dir_all(&unfinished);
    }
    let copied = restored?;
    fs::rename(&unfinished, &data).with_context(|| format!("naming {}", data.display()))?;
    sync_parent(&data)?;
    Ok(copied)
}

fn must_be_empty(folder: &Path) -> anyhow::Result<()> {
    match fs::read_dir(folder) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                bail!("{} is not empty: a backup is restored into a folder of its own", folder.display());
            }
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("folder {}", folder.display())),
    }
}

async fn restore_into(
    from: &Path,
    folder: &DataFolder,
    on_progress: OnProgress<'_>,
) -> anyhow::Result<Copied> {
    let kv = FjallKv::open(&folder.kv())?;
    let blobs = LocalBlobs::open(&folder.blobs())?;
    let copied = store::restore(from, &kv, &blobs, on_progress).await?;
    copy_secrets(from, folder.root())?;
    Ok(copied)
}

/// Reads everything in a data folder that no server uses, and tells what is damaged.
pub async fn verify(
    data: &Path,
    on_progress: &mut (dyn FnMut(&Verified) + Send),
) -> anyhow::Result<Verified> {
    if !data.join("kv").is_dir() {
        bail!("{} is not a data folder: name it with --data", data.display());
    }
    let folder = DataFolder::open(data, None)?;
    Ok(store::verify(&folder.kv(), &folder.blobs(), on_progress).await?)
}

/// What is secret stays readable by its owner only.
fn copy_secrets(from: &Path, into: &Path) -> anyhow::Result<()> {
    let mut files: Vec<PathBuf> = vec!["secret.key".into()];
    if from.join("tls").is_dir() {
        create_private(&into.join("tls"))?;
        for entry in fs::read_dir(from.join("tls"))? {
            files.push(Path::new("tls").join(entry?.file_name()));
        }
    }
    for file in files.iter().filter(|file| from.join(file).is_file()) {
        // Permissions go with it.
        let copied = fs::copy(from.join(file), into.join(file))
            .and_then(|_| fs::File::open(into.join(file))?.sync_all());
        copied.with_context(|| format!("copying {}", file.display()))?;
    }
    fs::File::open(into).and_then(|folder| folder.sync_all()).with_context(|| format!("{}", into.display()))
}

fn create_private(folder: &Path) -> anyhow::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("cannot create the folder {}", folder.display()))
}

fn sync_parent(path: &Path) -> anyhow::Result<()> {
    let parent = path.parent().unwrap_or(Path::new("/"));
    fs::File::open(parent)
        .and_then(|folder| folder.sync_all())
        .with_context(|| format!("syncing {}", parent.display()))
}
