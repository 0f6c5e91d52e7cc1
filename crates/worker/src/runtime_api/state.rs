//! Which invocation a custom runtime has, and what it may do about it now.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::{Notify, mpsc};

use crate::event::Event;

/// An invocation as `next` hands it out.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) request_id: String,
    pub(crate) function_arn: String,
    pub(crate) deadline_epoch_ms: u64,
    pub(crate) trace_id: String,
    pub(crate) client_context: Option<String>,
    pub(crate) cognito_identity: Option<String>,
    pub(crate) payload: Bytes,
}

#[derive(Debug)]
pub(super) struct State {
    progress: Mutex<Progress>,
    offered: Notify,
    events: mpsc::Sender<Event>,
}

#[derive(Debug, Default)]
struct Progress {
    phase: Phase,
    offer: Option<Offer>,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
enum Phase {
    #[default]
    Init,
    InitFailed,
    /// Has asked for an invocation, or may.
    Waiting,
    Running {
        request_id: String,
    },
    /// Is sending its answer.
    Answering {
        request_id: String,
    },
}

impl Phase {
    fn name(&self) -> &'static str {
        match self {
            Self::Init => "Started",
            Self::InitFailed => "InitError",
            Self::Waiting => "Ready",
            Self::Running { .. } => "Running",
            Self::Answering { .. } => "InvocationResponse",
        }
    }
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The runtime may not do this now.
    Transition { from: &'static str, to: &'static str },
    /// It answers an invocation that is not its current one.
    RequestId,
}

impl State {
    pub(super) fn new(events: mpsc::Sender<Event>) -> Self {
        Self { progress: Mutex::default(), offered: Notify::new(), events }
    }

    pub(super) fn offer(&self, offer: Offer) {
        self.lock().offer = Some(offer);
        self.offered.notify_one();
    }

    /// Waits for an invocation and makes it the current one.
    pub(super) async fn next(&self) -> Result<Offer, Refusal> {
        let first = {
            let mut progress = self.lock();
            match progress.phase {
                Phase::Init => {
                    progress.phase = Phase::Waiting;
                    true
                }
                Phase::Waiting => false,
                ref other => {
                    return Err(Refusal::Transition { from: other.name(), to: "InvocationNext" });
                }
            }
        };
        if first {
            self.tell(Event::Initialised).await;
        }
        loop {
            let offered = self.offered.notified();
            {
                let mut progress = self.lock();
                if let Some(offer) = progress.offer.take() {
                    progress.phase = Phase::Running { request_id: offer.request_id.clone() };
                    return Ok(offer);
                }
            }
            offered.await;
        }
    }

    /// The runtime begins to answer `request_id`.
    pub(super) fn begin_answer(&self, request_id: &str, to: &'static str) -> Result<(), Refusal> {
        let mut progress = self.lock();
        match &progress.phase {
            Phase::Running { request_id: current } if current == request_id => {
                progress.phase = Phase::Answering { request_id: request_id.to_owned() };
                Ok(())
            }
            Phase::Running { .. } => Err(Refusal::RequestId),
            other => Err(Refusal::Transition { from: other.name(), to }),
        }
    }

    /// The answer is complete: the runtime may ask for the next invocation.
    pub(super) async fn end_answer(&self, event: Event) {
        self.lock().phase = Phase::Waiting;
        self.tell(event).await;
    }

    pub(super) fn fail_init(&self) -> Result<(), Refusal> {
        let mut progress = self.lock();
        match &progress.phase {
            Phase::Init => {
                progress.phase = Phase::InitFailed;
                Ok(())
            }
            other => Err(Refusal::Transition { from: other.name(), to: "InitError" }),
        }
    }

    pub(super) async fn tell(&self, event: Event) {
        // Nobody listens when the worker is being ended.
        let _ = self.events.send(event).await;
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        // Every change is one assignment, so a panicking holder leaves nothing half done.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(request_id: &str) -> Offer {
        Offer {
            request_id: request_id.into(),
            function_arn: String::new(),
            deadline_epoch_ms: 0,
            trace_id: String::new(),
            client_context: None,
            cognito_identity: None,
            payload: Bytes::new(),
        }
    }

    #[tokio::test]
    async fn one_invocation_after_the_other() {
        let (sender, mut events) = mpsc::channel(4);
        let state = State::new(sender);
        state.offer(offer("1"));
        assert_eq!(state.next().await.unwrap().request_id, "1");
        assert_eq!(events.recv().await, Some(Event::Initialised));

        let twice = state.next().await.unwrap_err();
        assert_eq!(twice, Refusal::Transition { from: "Running", to: "InvocationNext" });
        assert_eq!(state.begin_answer("2", "InvocationResponse"), Err(Refusal::RequestId));
        assert_eq!(state.begin_answer("1", "InvocationResponse"), Ok(()));
        let again = state.begin_answer("1", "InvocationResponse");
        assert_eq!(again, Err(Refusal::Transition { from: "InvocationResponse", to: "InvocationResponse" }));
        state.end_answer(Event::StreamEnd).await;
        assert_eq!(events.recv().await, Some(Event::StreamEnd));
        assert_eq!(state.fail_init(), Err(Refusal::Transition { from: "Ready", to: "InitError" }));

        state.offer(offer("3"));
        assert_eq!(state.next().await.unwrap().request_id, "3");
    }
}
