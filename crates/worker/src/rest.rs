//! When a worker stands still: some time after its last call, until its next.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::policy::REST_AFTER;
use crate::sandbox::Handle;

/// The rest of one worker.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: State,
    /// A task looks at the state again.
    is_watched: bool,
}

#[derive(Debug, Default, Clone, Copy)]
enum State {
    #[default]
    Working,
    /// Without a call since then.
    Idle(Instant),
    /// Told to stand still.
    Resting,
}

impl Rest {
    /// The call is over.
    pub(crate) fn begin(&self, handle: &Handle) {
        let is_watched = {
            let mut shared = lock(&self.shared);
            shared.state = State::Idle(Instant::now());
            std::mem::replace(&mut shared.is_watched, true)
        };
        if !is_watched {
            tokio::spawn(watch(Arc::clone(&self.shared), handle.clone()));
        }
    }

    /// Before the next call.
    pub(crate) fn end(&self, handle: &Handle) {
        let mut shared = lock(&self.shared);
        if matches!(std::mem::take(&mut shared.state), State::Resting) {
            handle.wake();
        }
    }
}

/// Ends when the worker stands still or works.
async fn watch(shared: Arc<Mutex<Shared>>, handle: Handle) {
    let mut next_look = Instant::now() + REST_AFTER;
    loop {
        tokio::time::sleep_until(next_look.into()).await;
        let mut shared = lock(&shared);
        match shared.state {
            State::Idle(since) if since.elapsed() < REST_AFTER => next_look = since + REST_AFTER,
            State::Idle(_) => {
                handle.rest();
                *shared = Shared { state: State::Resting, is_watched: false };
                return;
            }
            State::Working | State::Resting => {
                shared.is_watched = false;
                return;
            }
        }
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    // Held for single changes only: a panicking holder leaves nothing half done.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
