//! The authorizer that notes what another one decides.

use std::sync::Arc;

use service::{Authorization, Authorizer, BoxFuture, Result};

use crate::call::Call;
use crate::trail::Trail;

/// Decides as `inner` does, and notes the decision.
pub struct Recording {
    inner: Arc<dyn Authorizer>,
    trail: Arc<Trail>,
}

impl Recording {
    pub fn new(inner: Arc<dyn Authorizer>, trail: Arc<Trail>) -> Self {
        Recording { inner, trail }
    }
}

impl Authorizer for Recording {
    fn enforces(&self) -> bool {
        self.inner.enforces()
    }

    fn authorize<'a>(&'a self, question: Authorization<'a>) -> BoxFuture<'a, Result<()>> {
        if !self.trail.wants(&question) {
            return self.inner.authorize(question);
        }
        let call = Call::new(&question);
        Box::pin(async move {
            let decided = self.inner.authorize(question).await;
            self.trail.note(match &decided {
                Ok(()) => call,
                Err(failure) => call.denied(failure),
            });
            decided
        })
    }
}
