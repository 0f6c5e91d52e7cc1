//! What a called operation may know and decide about the post that calls it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wire::Timestamp;

use crate::{Failure, PreparedPost};

/// Why a post was given up; its dead letter sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// The code of the last failure.
    pub code: String,
    pub message: String,
    /// Calls that were made, the last included.
    pub calls: u32,
}

impl Cause {
    pub(super) fn new(failure: &Failure, calls: u32) -> Self {
        let message = match failure {
            Failure::Modelled(reply) => reply.message.clone(),
            Failure::Internal(_) => "The call failed unexpectedly.".to_owned(),
        };
        Cause { code: failure.code().to_owned(), message, calls }
    }
}

/// One call of a post. An operation that finds it in its context ([`Context::delivery`](crate::Context::delivery)) may
/// leave posts of its own in the commit that removes this one, or decide itself when it wants to be called again.
#[derive(Debug)]
pub struct Delivery {
    id: String,
    failures: u32,
    calls: u32,
    posted: Timestamp,
    cause: Option<Cause>,
    decided: Mutex<Decided>,
}

/// What the operation left behind.
#[derive(Debug, Default)]
pub(super) struct Decided {
    pub(super) then: Vec<PreparedPost>,
    pub(super) again: Option<Again>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Again {
    Counted(Duration),
    NotCounted(Duration),
}

impl Delivery {
    pub(super) fn new(id: &str, failures: u32, calls: u32, posted: Timestamp, cause: Option<Cause>) -> Self {
        Delivery { id: id.to_owned(), failures, calls, posted, cause, decided: Mutex::default() }
    }

    /// The post's id, the same in each of its calls.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Earlier calls that failed and were counted.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Earlier calls, the postponed ones included. One that a crash cut short is not among them.
    pub fn calls(&self) -> u32 {
        self.calls
    }

    /// When the post was made.
    pub fn posted(&self) -> Timestamp {
        self.posted
    }

    /// Why the post was given up whose dead letter this is.
    pub fn cause(&self) -> Option<&Cause> {
        self.cause.as_ref()
    }

    /// Posts this in the commit that removes the delivered post; dropped when the call fails or is to be made again.
    pub fn then(&self, post: PreparedPost) {
        self.decided().then.push(post);
    }

    /// The call failed and is to be made again after the wait, whatever it answers and the policy says.
    pub fn retry_after(&self, wait: Duration) {
        self.decided().again = Some(Again::Counted(wait));
    }

    /// [`Delivery::retry_after`] without counting as a failure: the call could not be made now.
    pub fn postpone(&self, wait: Duration) {
        self.decided().again = Some(Again::NotCounted(wait));
    }

    pub(super) fn take(&self) -> Decided {
        std::mem::take(&mut self.decided())
    }

    fn decided(&self) -> MutexGuard<'_, Decided> {
        // Each change is one step.
        self.decided.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
