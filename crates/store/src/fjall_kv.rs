//! The embedded engine: fjall behind one committer thread of our own.
//!
//! The folder of a store:
//!
//! | name | what it is |
//! |---|---|
//! | `lock` | locked while a process uses the folder; holds its pid |
//! | `format` | the version of this layout |
//! | `creating` | there only while a new store is being made |
//! | `engine/` | the engine's files |
//! | `head` | number and chain of the latest acknowledged batch, to detect a loss at open |

mod committer;
mod engine;
mod folder;
mod head;
mod journal;
mod record;
mod tables;
mod view;
mod watchdog;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError};

use bytes::Bytes;
use tokio::sync::{Semaphore, oneshot};

use crate::clock::{Clock, EngineTime, Monotonic};
use crate::fail::{FailHook, no_failures};
use crate::limits::check_commit;
use crate::sync::thread::{self, JoinHandle};
use crate::sync::{RwLock, mpsc};
use crate::watch::{Watch, Watchers};
use crate::{BoxFuture, Commit, CommitId, Kv, KvError, Outcome, Result, Snapshot};

use committer::{Committer, Request};
use engine::Engine;
pub(crate) use folder::{cannot, create_folder, sync_folder};
use view::{FjallSnapshot, View};
use watchdog::{Watchdog, Writing};

/// Most bytes of commits that wait for the committer; over it callers wait their turn.
pub const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Most commits that wait for the committer.
pub const QUEUE_COMMITS_MAX: usize = 4096;

/// One permit of the queue stands for this many bytes; every commit takes one at least, which bounds their count.
const QUEUE_PERMIT_BYTES: usize = QUEUE_BYTES_MAX / QUEUE_COMMITS_MAX;

/// Below this many free bytes on the disk only commits that delete are taken: a write that fails half-way would
/// stop the process, and the engine needs room to flush and compact what it has.
pub const DISK_FREE_BYTES_MIN: u64 = 128 * 1024 * 1024;

/// Fewer deleted rows than this are not worth writing everything anew.
pub const RECLAIM_DELETED_ROWS_MIN: u64 = 20_000;

/// Nor are they when there are more than so many rows to each of them.
const RECLAIM_ROWS_TO_DELETED_MAX: u64 = 4;

/// How many records are checked at open unless told otherwise.
const CHECKED_RECORDS_MAX: usize = 20_000;

/// Told why the store cannot go on. The process must stop: what it acknowledges is no longer known to be true.
pub type FatalHook = Arc<dyn Fn(&str) + Send + Sync>;

/// How to open a [`FjallKv`]. The defaults keep memory small.
#[derive(Clone)]
pub struct FjallOptions {
    /// Bytes of blocks read from disk that are kept in memory.
    pub cache_bytes: u64,
    /// Bytes of recent writes that are kept in memory before they go to a table; up to five times this is in
    /// use under heavy writing.
    pub memtable_bytes: u64,
    /// Free bytes on the disk below which only deletes are taken.
    pub disk_free_bytes_min: u64,
    /// Most records of batches that are checked at open, the latest ones. By default more than a journal holds at
    /// common sizes: what left the journal is in tables, which have checksums of their own.
    pub checked_records_max: usize,
    /// Threads that flush and compact.
    pub worker_threads: usize,
    /// What to do when the disk fails. By default: log it and abort the process.
    pub on_fatal: FatalHook,
    /// Where the time comes from. By default: the machine's clock.
    pub clock: Option<Clock>,
    /// For tests: called at each step.
    pub fail_hook: FailHook,
}

impl Default for FjallOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 32 * 1024 * 1024,
            memtable_bytes: 16 * 1024 * 1024,
            disk_free_bytes_min: DISK_FREE_BYTES_MIN,
            checked_records_max: CHECKED_RECORDS_MAX,
            worker_threads: 1,
            on_fatal: Arc::new(|reason| {
                tracing::error!(reason, "the store cannot go on: aborting the process");
                std::process::abort();
            }),
            clock: None,
            fail_hook: no_failures(),
        }
    }
}

/// What the engine does behind the writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Activity {
    /// Full memtables that wait to become tables.
    pub flushes_waiting: usize,
    /// Compactions that run now.
    pub compactions_running: usize,
    /// Compactions since the store was opened.
    pub compactions_done: usize,
    /// Journals there are, the one in use included.
    pub journals: usize,
    /// Bytes of all tables.
    pub table_bytes: u64,
}

/// The embedded store. Opening locks the folder; dropping finishes what is queued and closes it, once the last
/// snapshot is gone.
pub struct FjallKv {
    shared: Arc<Shared>,
    queue: Arc<Semaphore>,
    /// None only while dropping.
    requests: Option<mpsc::Sender<Request>>,
    committer: Option<JoinHandle<()>>,
    _watchdog: Watchdog,
}

/// What the committer shares with readers.
struct Shared {
    /// The latest durable state: the only one there is for readers.
    published: RwLock<Arc<View>>,
    watchers: Arc<Watchers>,
    clock: Monotonic,
    /// Whether commit ids and the clock tell the same time, so that old records need not be read.
    is_machine_clock: bool,
    /// Why the store stopped, once it has.
    stopped: OnceLock<String>,
    /// Since when the committer waits for the engine.
    writing: Writing,
    /// Rows deleted since the store was opened or its room reclaimed.
    deleted_rows: AtomicU64,
}

impl Shared {
    fn view(&self) -> Arc<View> {
        // The pointer is swapped whole.
        Arc::clone(&self.published.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn publish(&self, view: Arc<View>) {
        *self.published.write().unwrap_or_else(PoisonError::into_inner) = view;
    }

    fn check_running(&self) -> Result<()> {
        if self.stopped.get().is_some() { Err(self.refusal()) } else { Ok(()) }
    }

    /// What those hear who come after the store has stopped: nothing of what they asked for happened.
    fn refusal(&self) -> KvError {
        let reason = self.stopped.get().map_or("it was closed", String::as_str);
        KvError::Determinate(format!("the store has stopped: {reason}"))
    }
}

impl FjallKv {
    /// Opens the store in a folder, making both if they are not there. `Determinate`: the folder is in use, of a
    /// newer format or not accessible. `Corrupt`: what is there is not what was written.
    pub fn open(dir: &Path) -> Result<Self> {
        Self::open_with(dir, FjallOptions::default())
    }

    /// As [`FjallKv::open`], with options.
    pub fn open_with(dir: &Path, options: FjallOptions) -> Result<Self> {
        let is_machine_clock = options.clock.is_none();
        let clock = options.clock.clone().map_or_else(Monotonic::system, Monotonic::new);
        let opened = Engine::open(dir, &options)?;
        clock.at_least(opened.tail.time);
        let view = Arc::new(View::latest(Arc::new(opened.engine)));
        let shared = Arc::new(Shared {
            published: RwLock::new(Arc::clone(&view)),
            watchers: Arc::default(),
            clock,
            is_machine_clock,
            stopped: OnceLock::new(),
            writing: Writing::new(),
            deleted_rows: AtomicU64::new(0),
        });
        let watchdog = Watchdog::start(Arc::clone(&shared), options.on_fatal.clone())?;
        let (requests, queued) = mpsc::channel();
        let committer = Committer::new(Arc::clone(&shared), view, opened.tail, opened.head, &options);
        let committer = thread::Builder::new()
            .name("store:committer".to_owned())
            .spawn(move || committer.run(&queued))
            .map_err(|error| KvError::Determinate(format!("a thread could not be started: {error}")))?;
        Ok(Self {
            shared,
            queue: Arc::new(Semaphore::new(QUEUE_COMMITS_MAX)),
            requests: Some(requests),
            committer: Some(committer),
            _watchdog: watchdog,
        })
    }

    /// What the engine is busy with.
    pub fn activity(&self) -> Activity {
        let view = self.shared.view();
        let (database, rows) = (&view.engine.database, &view.engine.rows);
        Activity {
            flushes_waiting: rows.sealed_memtable_count(),
            compactions_running: database.active_compactions(),
            compactions_done: database.compactions_completed(),
            journals: database.journal_count(),
            table_bytes: rows.disk_space(),
        }
    }

    /// [`FjallKv::reclaim`] if so much was deleted that it is worth its while; says whether it was. To be asked now and
    /// then: the engine gives room back as it is written to, but not when much is deleted and little written after it.
    pub async fn reclaim_if_due(&self) -> Result<bool> {
        let deleted = self.shared.deleted_rows.load(Ordering::Relaxed);
        let rows = self.shared.view().engine.rows.approximate_len() as u64;
        let is_due = deleted >= RECLAIM_DELETED_ROWS_MIN && deleted >= rows / RECLAIM_ROWS_TO_DELETED_MAX;
        if is_due {
            self.reclaim().await?;
        }
        Ok(is_due)
    }

    /// Gives the room of deleted rows and old versions back to the disk now, by writing all tables anew. Takes as long as
    /// reading and writing everything, and room for a second copy of it; others go on meanwhile.
    pub async fn reclaim(&self) -> Result<()> {
        self.shared.deleted_rows.store(0, Ordering::Relaxed);
        let view = self.shared.view();
        let compacted = tokio::task::spawn_blocking(move || {
            let rows = &view.engine.rows;
            rows.rotate_memtable_and_wait()?;
            rows.major_compact()
        });
        compacted
            .await
            .map_err(|error| KvError::Determinate(format!("the compaction failed: {error}")))?
            .map_err(|error| engine::engine_error("compact", error))
    }

    fn send(&self, request: Request) -> Result<()> {
        let requests = self.requests.as_ref().expect("only a store that is being dropped has no queue");
        requests.send(request).map_err(|_| KvError::Determinate("the store has stopped".to_owned()))
    }
}

impl Drop for FjallKv {
    fn drop(&mut self) {
        // Without a sender the committer ends after the last request.
        self.requests = None;
        if let Some(committer) = self.committer.take() {
            // Its panics were caught and reported where they happened.
            let _ = committer.join();
        }
    }
}

impl Kv for FjallKv {
    fn snapshot(&self) -> BoxFuture<'_, Result<Box<dyn Snapshot>>> {
        let snapshot = Box::new(FjallSnapshot { view: self.shared.view() }) as Box<dyn Snapshot>;
        Box::pin(std::future::ready(Ok(snapshot)))
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Outcome>> {
        Box::pin(async move {
            let bytes = check_commit(&commit)?;
            self.shared.check_running()?;
            let permits = u32::try_from(bytes.div_ceil(QUEUE_PERMIT_BYTES).max(1))
                .expect("a commit within its limits takes few permits");
            let place = Arc::clone(&self.queue)
                .acquire_many_owned(permits)
                .await
                .map_err(|_| KvError::Determinate("the store has stopped".to_owned()))?;
            let (reply, answer) = oneshot::channel();
            let id = commit.id;
            self.send(Request::Commit { commit, bytes, reply, place })?;
            answer.await.unwrap_or_else(|_| {
                Err(KvError::Indeterminate(id, "the committer ended before it answered".to_owned()))
            })
        })
    }

    fn outcome(&self, id: CommitId) -> BoxFuture<'_, Result<Option<Vec<u64>>>> {
        Box::pin(async move {
            // Behind everything queued so far: a commit that was given up may still be on its way.
            let (reply, answer) = oneshot::channel();
            self.send(Request::Barrier { reply })?;
            let stopped = answer.await.is_err() || self.shared.stopped.get().is_some();
            let view = self.shared.view();
            let created = self.shared.is_machine_clock.then(|| id.created());
            let found = tokio::task::spawn_blocking(move || record::find(&view, id, created))
                .await
                .map_err(|error| KvError::Determinate(format!("the look-up failed: {error}")))??;
            if found.is_none() && stopped {
                return Err(KvError::Indeterminate(id, "known after the store is opened again".to_owned()));
            }
            Ok(found)
        })
    }

    fn watch(&self, prefix: Bytes) -> Watch {
        self.shared.watchers.watch(prefix)
    }

    fn now(&self) -> BoxFuture<'_, Result<EngineTime>> {
        Box::pin(std::future::ready(Ok(self.shared.clock.now())))
    }
}
