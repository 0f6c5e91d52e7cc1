//! Workers: one unit of work, then a wait that may be dropped.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::Notify;

use crate::{Counts, OnFailure, Panicked, Stopping, TaskHandle, TaskKind, Tasks, caught, lock};

/// Wait after the first failure in a row; it doubles with each further one.
pub const WORKER_BACKOFF_FIRST: Duration = Duration::from_millis(100);

/// Longest wait between two failing units of work.
pub const WORKER_BACKOFF_MAX: Duration = Duration::from_secs(30);

/// What a unit of work found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// There may be more: call again at once.
    Busy,
    /// Nothing left for now: wait for a wake-up or the timer.
    Idle,
}

/// Work that is done unit by unit and can be repeated at any time.
///
/// A unit looks at the stored state and decides what to do; a wake-up only says "look again" and carries
/// nothing, so a lost or a spurious one costs time but never correctness.
pub trait Worker: Send + 'static {
    /// Does one unit of work. It is never cut off in the middle, except by an abort at the end of shutdown, so
    /// keep it short against its kind's `stop_within`. After an error it is called again, a little later.
    fn work(&mut self) -> impl Future<Output = anyhow::Result<Progress>> + Send;
}

impl Tasks {
    /// Starts a worker: it works until idle, then waits for `wake`, for at most `every`. Errors are counted,
    /// logged and retried after a wait that grows from [`WORKER_BACKOFF_FIRST`] to [`WORKER_BACKOFF_MAX`]. A
    /// panic counts as an error, but ends a worker whose kind says [`OnFailure::Shutdown`].
    pub fn spawn_worker<W: Worker>(
        &self,
        kind: &'static TaskKind,
        worker: W,
        wake: Arc<Notify>,
        every: Duration,
    ) -> TaskHandle {
        let counts = Arc::<Counts>::default();
        let stopping = self.stopping();
        self.spawn_counted(kind, Arc::clone(&counts), run(kind, worker, wake, every, stopping, counts))
    }
}

async fn run<W: Worker>(
    kind: &'static TaskKind,
    mut worker: W,
    wake: Arc<Notify>,
    every: Duration,
    mut stopping: Stopping,
    counts: Arc<Counts>,
) -> anyhow::Result<()> {
    let mut failures_in_a_row = 0;
    while !stopping.is_stopping() {
        match caught(worker.work()).await {
            Ok(progress) => {
                failures_in_a_row = 0;
                counts.units.fetch_add(1, Ordering::Relaxed);
                match progress {
                    // Others on this thread get their turn even when the work never waits.
                    Progress::Busy => tokio::task::yield_now().await,
                    Progress::Idle => {
                        tokio::select! {
                            () = wake.notified() => {}
                            () = tokio::time::sleep(every) => {}
                            () = stopping.wait() => {}
                        }
                    }
                }
            }
            Err(error) if kind.on_failure == OnFailure::Shutdown && error.is::<Panicked>() => {
                return Err(error);
            }
            Err(error) => {
                failures_in_a_row += 1;
                counts.errors.fetch_add(1, Ordering::Relaxed);
                let text = format!("{error:#}");
                let wait = backoff(failures_in_a_row);
                tracing::warn!(task = kind.name, failures_in_a_row, error = text, "work failed, will retry");
                *lock(&counts.last_error) = Some(text);
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = stopping.wait() => {}
                }
            }
        }
    }
    Ok(())
}

fn backoff(failures_in_a_row: u32) -> Duration {
    let doublings = failures_in_a_row.saturating_sub(1).min(16);
    WORKER_BACKOFF_FIRST.saturating_mul(1 << doublings).min(WORKER_BACKOFF_MAX)
}
