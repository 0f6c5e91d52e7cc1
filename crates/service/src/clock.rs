//! The time of requests; tests move it by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use wire::Timestamp;

/// The system's clock, or one that stands still until it is moved.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    manual_epoch_millis: Option<Arc<AtomicI64>>,
}

impl Clock {
    pub fn system() -> Self {
        Clock::default()
    }

    pub fn manual(start: Timestamp) -> Self {
        Clock { manual_epoch_millis: Some(Arc::new(AtomicI64::new(start.epoch_millis()))) }
    }

    pub fn now(&self) -> Timestamp {
        match &self.manual_epoch_millis {
            Some(millis) => Timestamp::from_epoch_millis(millis.load(Ordering::Relaxed)),
            None => Timestamp::from_epoch_millis(system_epoch_millis()),
        }
    }

    /// Moves a manual clock forward; the system's clock cannot be moved and stays as it is.
    pub fn advance_millis(&self, millis: i64) {
        if let Some(now) = &self.manual_epoch_millis {
            now.fetch_add(millis, Ordering::Relaxed);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where the system's time is read")]
fn system_epoch_millis() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_stands_until_moved() {
        let clock = Clock::manual(Timestamp::from_epoch_millis(1_000));
        let shared = clock.clone();
        assert_eq!(clock.now().epoch_millis(), 1_000);
        shared.advance_millis(500);
        assert_eq!(clock.now().epoch_millis(), 1_500);
    }
}
