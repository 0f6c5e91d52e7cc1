//! The stop signal, and ending what runs in bounded time.

use std::collections::HashSet;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::{Shared, lock};

/// How long shutdown waits for an aborted future to be dropped. Only code that blocks its thread takes longer.
const ABORT_WAIT: Duration = Duration::from_secs(1);

/// Tells when the process is stopping. Clones are independent.
#[derive(Clone, Debug)]
pub struct Stopping {
    stop: watch::Receiver<bool>,
}

impl Stopping {
    pub(crate) fn new(stop: watch::Receiver<bool>) -> Self {
        Self { stop }
    }

    /// Waits until the process is stopping; at once when it already is.
    pub async fn wait(&mut self) {
        // The sender goes away only with the whole set of tasks, which is a stop too.
        let _ = self.stop.wait_for(|stopping| *stopping).await;
    }

    /// Whether the process is stopping.
    pub fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }
}

/// What shutdown had to cut short.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ShutdownReport {
    /// Names of the tasks that did not end in time and were aborted.
    pub aborted: Vec<&'static str>,
    /// How many requests did not end in time and were aborted.
    pub requests_aborted: usize,
}

impl ShutdownReport {
    /// Whether everything ended by itself.
    pub fn is_clean(&self) -> bool {
        self.aborted.is_empty() && self.requests_aborted == 0
    }
}

pub(crate) async fn drain(shared: &Shared, within: Duration) -> ShutdownReport {
    let begun = Instant::now();
    let mut report = ShutdownReport::default();
    let mut aborted = HashSet::new();
    let mut ended = shared.ended.subscribe();
    loop {
        ended.mark_unchanged();
        let mut next_deadline: Option<Instant> = None;
        {
            let running = lock(&shared.running);
            if running.is_empty() {
                return report;
            }
            for (id, task) in running.iter() {
                let deadline = begun + task.kind.map_or(within, |kind| kind.stop_within.min(within));
                if Instant::now() < deadline {
                    next_deadline = Some(next_deadline.map_or(deadline, |next| next.min(deadline)));
                } else if aborted.insert(*id) {
                    match task.kind {
                        Some(kind) => report.aborted.push(kind.name),
                        None => report.requests_aborted += 1,
                    }
                    if let Some(abort) = &task.abort {
                        abort.abort();
                    }
                }
            }
        }
        let until = next_deadline.unwrap_or_else(|| Instant::now() + ABORT_WAIT);
        let timed_out = tokio::time::timeout_at(until, ended.changed()).await.is_err();
        if timed_out && next_deadline.is_none() {
            tracing::warn!(tasks = ?report.aborted, "aborted work did not let go of its thread");
            return report;
        }
    }
}
