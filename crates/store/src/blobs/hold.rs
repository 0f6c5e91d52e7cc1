//! Payloads that stay while everything is copied: a row of the copied state may name a blob that is deleted meanwhile.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::BlobId;

/// While it lives, deleted payloads are still there; when the last one goes, so do they. After a crash in between they
/// are orphans like others.
#[must_use = "it holds only as long as it lives"]
pub struct DeleteHold<'a> {
    release: Option<Box<dyn FnOnce() + Send + 'a>>,
}

impl<'a> DeleteHold<'a> {
    pub(super) fn new(release: impl FnOnce() + Send + 'a) -> Self {
        Self { release: Some(Box::new(release)) }
    }
}

impl Drop for DeleteHold<'_> {
    fn drop(&mut self) {
        if let Some(release) = self.release.take() {
            release();
        }
    }
}

/// The deletes that wait.
#[derive(Default)]
pub(super) struct Deferred {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    holds: usize,
    waiting: Vec<BlobId>,
}

impl Deferred {
    pub(super) fn hold(&self) {
        self.lock().holds += 1;
    }

    /// Whether the delete has to wait; then it is noted.
    pub(super) fn defers(&self, id: &BlobId) -> bool {
        let mut state = self.lock();
        if state.holds > 0 {
            state.waiting.push(id.clone());
        }
        state.holds > 0
    }

    /// Ends one hold; gives what is to be deleted now.
    pub(super) fn release(&self) -> Vec<BlobId> {
        let mut state = self.lock();
        state.holds -= 1;
        if state.holds == 0 { std::mem::take(&mut state.waiting) } else { Vec::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change is one step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
