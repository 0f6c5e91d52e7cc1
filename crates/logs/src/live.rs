//! What is being ingested right now, for live tails in this process.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use service::Scope;
use tokio::sync::broadcast;

use crate::chunk::Event;
use crate::limits::{LIVE_TAIL_BATCHES_WAITING_MAX, LIVE_TAIL_SESSIONS_MAX};

/// One batch as it was stored.
#[derive(Clone, Debug)]
pub(crate) struct Ingested {
    pub scope: Scope,
    pub group: String,
    pub stream: String,
    pub ingestion_time: i64,
    pub events: Vec<Event>,
}

/// Hands batches to whoever listens.
#[derive(Debug)]
pub(crate) struct Live {
    sender: broadcast::Sender<Arc<Ingested>>,
    sessions: Arc<AtomicUsize>,
}

/// A place at the live tail; given back when dropped.
#[derive(Debug)]
pub(crate) struct Session {
    pub batches: broadcast::Receiver<Arc<Ingested>>,
    sessions: Arc<AtomicUsize>,
}

impl Live {
    pub(crate) fn new() -> Self {
        Live { sender: broadcast::Sender::new(LIVE_TAIL_BATCHES_WAITING_MAX), sessions: Arc::default() }
    }

    /// Builds the batch only when someone listens.
    pub(crate) fn publish(&self, batch: impl FnOnce() -> Ingested) {
        if self.sender.receiver_count() > 0 {
            // The last listener may leave in between; then nobody wants it.
            let _ = self.sender.send(Arc::new(batch()));
        }
    }

    /// `None` when [`LIVE_TAIL_SESSIONS_MAX`] sessions are open.
    pub(crate) fn open(&self) -> Option<Session> {
        let open = self.sessions.fetch_add(1, Ordering::SeqCst);
        let session = Session { batches: self.sender.subscribe(), sessions: Arc::clone(&self.sessions) };
        (open < LIVE_TAIL_SESSIONS_MAX).then_some(session)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.sessions.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_and_given_back() {
        let live = Live::new();
        let mut sessions: Vec<_> = (0..LIVE_TAIL_SESSIONS_MAX).map(|_| live.open().unwrap()).collect();
        assert!(live.open().is_none());
        sessions.pop();
        assert!(live.open().is_some());
    }
}
