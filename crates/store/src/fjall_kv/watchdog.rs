//! Notices a write that does not come back.
//!
//! The engine waits inside a write when its tables fall behind, for as long as that takes; if the thread that would
//! catch up has died, that is for ever (fjall-rs/fjall#257 tells of such a case). A disk that hangs looks the same.
//! A store that answers nobody is worse than one that stops: opened again it has all it acknowledged.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{FatalHook, Shared};
use crate::{KvError, Result};

/// Longest time the engine may take for one batch of commits.
pub(super) const WRITE_SECONDS_MAX: u64 = 120;

const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The moment since when a write is under way.
pub(super) struct Writing {
    opened: Instant,
    /// Milliseconds after `opened`, and one; 0 while nothing is written.
    since: AtomicU64,
}

impl Writing {
    pub(super) fn new() -> Self {
        Self { opened: Instant::now(), since: AtomicU64::new(0) }
    }

    pub(super) fn begin(&self) {
        self.since.store(self.now(), Ordering::Relaxed);
    }

    pub(super) fn end(&self) {
        self.since.store(0, Ordering::Relaxed);
    }

    /// How long the write under way has taken so far, in seconds.
    fn seconds(&self) -> Option<u64> {
        let since = self.since.load(Ordering::Relaxed);
        (since > 0).then(|| self.now().saturating_sub(since) / 1000)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }
}

/// The thread that looks; ends with this.
pub(super) struct Watchdog {
    end: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    pub(super) fn start(shared: Arc<Shared>, on_fatal: FatalHook) -> Result<Self> {
        let (end, ended) = mpsc::channel();
        let look = move || {
            while ended.recv_timeout(LOOK_EVERY) == Err(mpsc::RecvTimeoutError::Timeout) {
                if shared.writing.seconds().is_some_and(|seconds| seconds >= WRITE_SECONDS_MAX) {
                    let reason = format!("a write has not ended for {WRITE_SECONDS_MAX} seconds");
                    // If another reason came first, it was told.
                    if shared.stopped.set(reason.clone()).is_ok() {
                        on_fatal(&reason);
                    }
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("store:watchdog".to_owned())
            .spawn(look)
            .map_err(|error| KvError::Determinate(format!("a thread could not be started: {error}")))?;
        Ok(Self { end: Some(end), thread: Some(thread) })
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.end = None;
        if let Some(thread) = self.thread.take() {
            // It holds the published state: the folder is free only once it has let go.
            let _ = thread.join();
        }
    }
}
