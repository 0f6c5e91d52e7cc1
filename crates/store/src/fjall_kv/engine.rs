//! The engine itself: made, opened and checked.

use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions};

use super::folder::{FolderLock, cannot, create_folder, read_format, sync_folder, write_format};
use super::head::HeadFile;
use super::journal::{self, SavedJournals};
use super::record::{self, Tail};
use super::{FjallOptions, View, tables};
use crate::fail::FailPoint;
use crate::{KvError, Result};

/// The keyspace that holds every row. One only: an idle second one would keep journals from being removed.
const ROWS: &str = "rows";

/// Most bytes of journals; it bounds what is replayed at open. The least the engine takes is 64 MiB.
const JOURNALS_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// Most table files that are kept open.
const OPEN_FILES_MAX: usize = 256;

/// The running engine. The lock goes last.
pub(super) struct Engine {
    pub(super) rows: Keyspace,
    pub(super) database: Database,
    _lock: FolderLock,
}

/// What opening gives.
pub(super) struct Opened {
    pub(super) engine: Engine,
    pub(super) tail: Tail,
    pub(super) head: HeadFile,
}

impl Engine {
    pub(super) fn open(dir: &Path, options: &FjallOptions) -> Result<Opened> {
        create_folder(dir)?;
        let lock = FolderLock::take(dir)?;
        let is_new = read_format(dir)?.is_none();
        if is_new {
            prepare_new(dir)?;
        }
        let head = HeadFile::open(dir)?;
        let engine = dir.join("engine");
        tables::check(&engine)?;
        let unkept = journal::check(&engine, head.stored())?;
        reach(options, FailPoint::JournalsChecked)?;
        let saved = SavedJournals::save(dir, &unkept)?;
        match open_checked(dir, options, &head, is_new) {
            Ok((database, rows, tail)) => {
                saved.forget();
                Ok(Opened { engine: Self { rows, database, _lock: lock }, tail, head })
            }
            Err(error) => {
                saved.put_back()?;
                Err(error)
            }
        }
    }
}

/// Starts the engine and compares what it has with the head. Closed again when it is refused.
fn open_checked(
    dir: &Path,
    options: &FjallOptions,
    head: &HeadFile,
    is_new: bool,
) -> Result<(Database, Keyspace, Tail)> {
    // Files that are damaged in ways the engine does not expect make it panic.
    let (database, rows) = catch_unwind(AssertUnwindSafe(|| start(dir, options))).unwrap_or_else(|_| {
        Err(KvError::Corrupt("the engine could not make sense of its files".to_owned()))
    })?;
    reach(options, FailPoint::EngineOpened)?;
    if is_new {
        // The engine syncs what is in its folders of keyspaces, but not the names of those folders.
        let keyspaces = dir.join("engine/keyspaces");
        sync_folder(&keyspaces).map_err(|error| cannot("sync", &keyspaces, &error))?;
        write_format(dir)?;
        let marker = dir.join(CREATING);
        fs::remove_file(&marker).map_err(|error| cannot("remove", &marker, &error))?;
    }
    let tail = record::check(&database.snapshot(), &rows, head.stored(), options.checked_records_max)?;
    Ok((database, rows, tail))
}

fn reach(options: &FjallOptions, point: FailPoint) -> Result<()> {
    (options.fail_hook)(point)
        .map_err(|error| KvError::Determinate(format!("cannot open the store: {point}: {error}")))
}

/// There while a store is being made: what is in the folder then was never acknowledged.
const CREATING: &str = "creating";

fn prepare_new(dir: &Path) -> Result<()> {
    let engine = dir.join("engine");
    let marker = dir.join(CREATING);
    if engine.exists() {
        if !marker.exists() {
            return Err(KvError::Corrupt(format!(
                "{} holds data but its format file is missing",
                dir.display()
            )));
        }
        fs::remove_dir_all(&engine).map_err(|error| cannot("remove", &engine, &error))?;
    }
    File::create(&marker).and_then(|_| sync_folder(dir)).map_err(|error| cannot("create", &marker, &error))
}

fn start(dir: &Path, options: &FjallOptions) -> Result<(Database, Keyspace)> {
    let opening = |error| engine_error("open", error);
    let database = Database::builder(dir.join("engine"))
        .cache_size(options.cache_bytes)
        .worker_threads(options.worker_threads)
        .max_journaling_size(JOURNALS_BYTES_MAX)
        .max_cached_files(Some(OPEN_FILES_MAX))
        .open()
        .map_err(opening)?;
    let memtable_bytes = options.memtable_bytes;
    let rows = database
        .keyspace(ROWS, || KeyspaceCreateOptions::default().max_memtable_size(memtable_bytes))
        .map_err(opening)?;
    Ok((database, rows))
}

/// An error of the engine outside a commit.
pub(super) fn engine_error(verb: &str, error: fjall::Error) -> KvError {
    match error {
        fjall::Error::Io(error) if error.kind() != io::ErrorKind::InvalidData => {
            KvError::Determinate(format!("cannot {verb} the store: {error}"))
        }
        fjall::Error::Locked => KvError::Determinate(
            "cannot open the store: it is still in use, by a snapshot of this process for example".to_owned(),
        ),
        fjall::Error::Poisoned => {
            KvError::Determinate("the store has stopped after a failed write".to_owned())
        }
        error => KvError::Corrupt(format!("cannot {verb} the store: {error}")),
    }
}

impl View {
    /// Everything that is durable when this is called; only the committer knows when that is.
    pub(super) fn latest(engine: std::sync::Arc<Engine>) -> Self {
        Self { snapshot: engine.database.snapshot(), engine }
    }
}
