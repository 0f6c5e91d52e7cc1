//! Supervised background work.
//!
//! Every task of the process is started here, so that one place knows what runs, what failed and how to stop
//! it. Three shapes exist: a **task** (one future that runs until it ends or the process stops), a **worker**
//! (repeatable units of work with a wait between them) and a **request** (one client's work, finished even when
//! the client leaves). Panics are caught, logged with the task's name and never take the process down unless
//! the task's kind says so.
//!
//! This crate knows nothing of storage, services or HTTP.

mod shutdown;
mod worker;

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle};

pub use shutdown::{ShutdownReport, Stopping};
pub use worker::{Progress, WORKER_BACKOFF_FIRST, WORKER_BACKOFF_MAX, Worker};

/// What the failure of a task (an error or a panic) means for the process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnFailure {
    /// Log it; the process goes on without the task.
    Log,
    /// Log it and stop the process in order: without this task it would not do what it promises.
    Shutdown,
}

/// One sort of background work, declared as a constant by the crate that owns it.
#[derive(Debug)]
pub struct TaskKind {
    /// What people read in logs and status lists: `service: what it does`.
    pub name: &'static str,
    /// What a failure means.
    pub on_failure: OnFailure,
    /// How long the task may take to end after it was told to; then it is aborted.
    pub stop_within: Duration,
}

/// What one running task looks like from outside.
#[derive(Clone, Debug)]
pub struct TaskStatus {
    /// The name of its kind.
    pub name: &'static str,
    /// Time since it was started.
    pub running: Duration,
    /// Units of work finished (workers only).
    pub units: u64,
    /// Units of work that failed (workers only).
    pub errors: u64,
    /// The text of the latest failure (workers only).
    pub last_error: Option<String>,
}

/// Handle on the tasks of the process; clones share them.
#[derive(Clone)]
pub struct Tasks {
    shared: Arc<Shared>,
}

/// Handle on one task. Dropping it leaves the task running.
#[derive(Debug)]
pub struct TaskHandle {
    join: JoinHandle<()>,
}

impl TaskHandle {
    /// Waits until the task has ended, however it ended.
    pub async fn ended(self) {
        // An abort is one way to end; what happened was logged where it happened.
        let _ = self.join.await;
    }

    /// Whether the task has ended.
    pub fn is_ended(&self) -> bool {
        self.join.is_finished()
    }

    /// Ends the task at its next wait, without asking it.
    pub fn abort(&self) {
        self.join.abort();
    }
}

impl Default for Tasks {
    fn default() -> Self {
        Self::new()
    }
}

impl Tasks {
    /// An empty set of tasks. Spawning needs a tokio runtime to be current.
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                stop: watch::Sender::new(false),
                next_id: AtomicU64::new(0),
                running: Mutex::new(HashMap::new()),
                ended: watch::Sender::new(()),
                failure: Mutex::new(None),
            }),
        }
    }

    /// Starts a task. It should watch [`Tasks::stopping`] and end when told to; if it has not ended within its
    /// kind's `stop_within` it is aborted at its next wait.
    pub fn spawn(
        &self,
        kind: &'static TaskKind,
        future: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) -> TaskHandle {
        self.spawn_counted(kind, Arc::default(), future)
    }

    /// Runs one request in its own task: it finishes even when nobody awaits the handle any more, and shutdown
    /// waits for it. A panic inside reaches the caller as a `JoinError`.
    pub fn request<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let entered = self.enter(Running::request());
        let id = entered.id;
        let join = tokio::spawn(async move {
            let _entered = entered;
            future.await
        });
        self.shared.set_abort(id, join.abort_handle());
        join
    }

    /// The signal that the process is stopping.
    pub fn stopping(&self) -> Stopping {
        Stopping::new(self.shared.stop.subscribe())
    }

    /// Tells everything to stop without waiting for it.
    pub fn stop(&self) {
        self.shared.stop.send_replace(true);
    }

    /// Why the process is stopping, when a task of a kind with [`OnFailure::Shutdown`] failed.
    pub fn failure(&self) -> Option<String> {
        lock(&self.shared.failure).clone()
    }

    /// Tells everything to stop, waits for running work and aborts what is left: requests after `within`, tasks
    /// after their kind's `stop_within` or `within`, whichever comes first.
    pub async fn shutdown(&self, within: Duration) -> ShutdownReport {
        self.stop();
        shutdown::drain(&self.shared, within).await
    }

    /// The running tasks and workers, oldest first. Requests are not listed: see [`Tasks::requests`].
    pub fn list(&self) -> Vec<TaskStatus> {
        let running = lock(&self.shared.running);
        let mut tasks: Vec<_> = running.iter().filter_map(|(id, task)| Some((*id, task.status()?))).collect();
        tasks.sort_by_key(|(id, _)| *id);
        tasks.into_iter().map(|(_, status)| status).collect()
    }

    /// How many requests are running.
    pub fn requests(&self) -> usize {
        lock(&self.shared.running).values().filter(|task| task.kind.is_none()).count()
    }

    fn spawn_counted(
        &self,
        kind: &'static TaskKind,
        counts: Arc<Counts>,
        future: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) -> TaskHandle {
        let entered = self.enter(Running::task(kind, counts));
        let id = entered.id;
        let shared = Arc::clone(&self.shared);
        let join = tokio::spawn(async move {
            let _entered = entered;
            if let Err(failure) = caught(future).await {
                shared.failed(kind, &failure);
            }
        });
        self.shared.set_abort(id, join.abort_handle());
        TaskHandle { join }
    }

    fn enter(&self, running: Running) -> Entered {
        let id = self.shared.next_id.fetch_add(1, Ordering::Relaxed);
        lock(&self.shared.running).insert(id, running);
        Entered { shared: Arc::clone(&self.shared), id }
    }
}

/// Runs a future to its end, turning a panic into an error that carries its message.
async fn caught<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    match AssertUnwindSafe(future).catch_unwind().await {
        Ok(result) => result,
        Err(panic) => Err(anyhow::Error::new(Panicked(panic_message(panic.as_ref())))),
    }
}

/// The error a panic becomes.
#[derive(Debug)]
struct Panicked(String);

impl std::fmt::Display for Panicked {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "panicked: {}", self.0)
    }
}

impl std::error::Error for Panicked {}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text.clone()
    } else {
        "a value that is not text".to_owned()
    }
}

struct Shared {
    stop: watch::Sender<bool>,
    next_id: AtomicU64,
    running: Mutex<HashMap<u64, Running>>,
    /// Notified whenever something running ends.
    ended: watch::Sender<()>,
    failure: Mutex<Option<String>>,
}

impl Shared {
    fn set_abort(&self, id: u64, abort: AbortHandle) {
        // The entry is gone when the future ended before we came here.
        if let Some(running) = lock(&self.running).get_mut(&id) {
            running.abort = Some(abort);
        }
    }

    fn failed(&self, kind: &'static TaskKind, failure: &anyhow::Error) {
        match kind.on_failure {
            OnFailure::Log => {
                tracing::error!(task = kind.name, error = format!("{failure:#}"), "task failed");
            }
            OnFailure::Shutdown => {
                tracing::error!(
                    task = kind.name,
                    error = format!("{failure:#}"),
                    "task failed: stopping the process"
                );
                lock(&self.failure).get_or_insert_with(|| format!("{}: {failure:#}", kind.name));
                self.stop.send_replace(true);
            }
        }
    }
}

struct Running {
    /// None for a request.
    kind: Option<&'static TaskKind>,
    started: Instant,
    counts: Arc<Counts>,
    abort: Option<AbortHandle>,
}

impl Running {
    fn request() -> Self {
        Self { kind: None, started: Instant::now(), counts: Arc::default(), abort: None }
    }

    fn task(kind: &'static TaskKind, counts: Arc<Counts>) -> Self {
        Self { kind: Some(kind), started: Instant::now(), counts, abort: None }
    }

    fn status(&self) -> Option<TaskStatus> {
        Some(TaskStatus {
            name: self.kind?.name,
            running: self.started.elapsed(),
            units: self.counts.units.load(Ordering::Relaxed),
            errors: self.counts.errors.load(Ordering::Relaxed),
            last_error: lock(&self.counts.last_error).clone(),
        })
    }
}

/// What a worker counts.
#[derive(Default)]
struct Counts {
    units: AtomicU64,
    errors: AtomicU64,
    last_error: Mutex<Option<String>>,
}

/// Takes the entry out of the list when the future ends or is dropped.
struct Entered {
    shared: Arc<Shared>,
    id: u64,
}

impl Drop for Entered {
    fn drop(&mut self) {
        lock(&self.shared.running).remove(&self.id);
        self.shared.ended.send_replace(());
    }
}

/// Locks, also after a panic elsewhere: each of these values is whole after every single statement.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
