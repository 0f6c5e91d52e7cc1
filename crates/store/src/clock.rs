//! The engine's clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

/// Milliseconds since the epoch, by the engine's clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Ord, PartialOrd)]
pub struct EngineTime(pub u64);

impl EngineTime {
    /// The time this many milliseconds later.
    #[must_use]
    pub fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

/// Where an engine takes the time from; tests give their own.
pub type Clock = Arc<dyn Fn() -> EngineTime + Send + Sync>;

/// The machine's clock.
#[expect(clippy::disallowed_methods, reason = "this is the engine's clock, which the rule leads to")]
pub(crate) fn system_now() -> EngineTime {
    // A clock set before 1970 reads as 0.
    let since_epoch = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    EngineTime(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}

/// A clock that stands still where its source steps back.
pub(crate) struct Monotonic {
    source: Clock,
    latest: AtomicU64,
}

impl Monotonic {
    pub(crate) fn new(source: Clock) -> Self {
        Self { source, latest: AtomicU64::new(0) }
    }

    pub(crate) fn system() -> Self {
        Self::new(Arc::new(system_now))
    }

    pub(crate) fn now(&self) -> EngineTime {
        let read = (self.source)().0;
        EngineTime(self.latest.fetch_max(read, Ordering::Relaxed).max(read))
    }

    /// Never be earlier than this, for example than what an earlier process has written.
    pub(crate) fn at_least(&self, time: EngineTime) {
        self.latest.fetch_max(time.0, Ordering::Relaxed);
    }
}
