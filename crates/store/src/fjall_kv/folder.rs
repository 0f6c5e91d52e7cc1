//! The folder of a store: its lock, its format, and files that are there whole or not at all.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;

use nix::sys::statvfs::statvfs;

use crate::{KvError, Result};

/// The version of the folder's layout and of the rows' encoding.
pub(super) const FORMAT: u32 = 1;

/// The file that tells the format.
const FORMAT_FILE: &str = "format";

/// Keeps other processes out for as long as it lives.
pub(super) struct FolderLock {
    /// The operating system lets go of the lock when the file is closed, after a kill too.
    _file: File,
}

impl FolderLock {
    /// Locks the folder, or says at once who has it.
    pub(super) fn take(dir: &Path) -> Result<Self> {
        let path = dir.join("lock");
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| cannot("open", &path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(dir, &mut file)),
            Err(TryLockError::Error(error)) => return Err(cannot("lock", &path, &error)),
        }
        // Only to tell people who it is: the lock holds without it.
        let written =
            file.set_len(0).and_then(|()| file.write_all(std::process::id().to_string().as_bytes()));
        written.map_err(|error| cannot("write", &path, &error))?;
        Ok(Self { _file: file })
    }
}

fn in_use(dir: &Path, file: &mut File) -> KvError {
    let mut text = String::new();
    let holder = match file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse::<u32>().ok()) {
        Some(pid) if pid == std::process::id() => "this process".to_owned(),
        Some(pid) => format!("process {pid}"),
        None => "another process".to_owned(),
    };
    KvError::Determinate(format!(
        "the data folder {} is in use by {holder}: stop it, or use another folder",
        dir.display()
    ))
}

/// The format the folder was written in; None: nothing was made here yet.
pub(super) fn read_format(dir: &Path) -> Result<Option<()>> {
    let path = dir.join(FORMAT_FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot("read", &path, &error)),
    };
    match text.trim().parse::<u32>() {
        Ok(FORMAT) => Ok(Some(())),
        Ok(newer) if newer > FORMAT => Err(KvError::Determinate(format!(
            "the data folder {} has format {newer}, made by a newer version; this one reads format {FORMAT}: \
             use the newer version",
            dir.display()
        ))),
        _ => Err(KvError::Corrupt(format!("{} does not hold a format number", path.display()))),
    }
}

/// Writes down that the folder is complete.
pub(super) fn write_format(dir: &Path) -> Result<()> {
    let path = dir.join(FORMAT_FILE);
    let temporary = dir.join("format.new");
    let write = || -> io::Result<()> {
        let mut file = File::create(&temporary)?;
        writeln!(file, "{FORMAT}")?;
        file.sync_all()?;
        fs::rename(&temporary, &path)?;
        sync_folder(dir)
    };
    write().map_err(|error| cannot("write", &path, &error))
}

/// Bytes the disk under a folder still takes from a process like this one; None where it does not tell.
pub(super) fn free_bytes(dir: &Path) -> Option<u64> {
    let disk = statvfs(dir).ok()?;
    Some(disk.blocks_available().saturating_mul(disk.fragment_size()))
}

/// Makes a folder and those above it that are missing, durably: a folder whose own name is lost in a power loss takes
/// with it whatever was synced inside.
pub(crate) fn create_folder(dir: &Path) -> Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    create_folder(parent)?;
    match fs::create_dir(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(cannot("create", dir, &error)),
        _ => sync_folder(parent).map_err(|error| cannot("sync", parent, &error)),
    }
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// An error of the operating system, with what was tried.
pub(crate) fn cannot(verb: &str, path: &Path, error: &io::Error) -> KvError {
    KvError::Determinate(format!("cannot {verb} {}: {error}", path.display()))
}
