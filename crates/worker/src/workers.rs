//! The public handle: start, invoke, retire, stop.

use std::sync::Arc;

use crate::config::Config;
use crate::function::Function;
use crate::invocation::{Invocation, InvokeFailure, Outcome};
use crate::sandbox::Tier;

/// All workers of this process. Cheap to clone.
#[derive(Clone)]
pub struct Workers {
    shared: Arc<Shared>,
}

struct Shared {
    config: Config,
}

/// Counts at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Workers running an invocation.
    pub busy: usize,
    /// Warm workers waiting for the next call of their function.
    pub idle: usize,
    /// Generic workers waiting for any function.
    pub spares: usize,
    /// Cold starts since the process started.
    pub cold_starts: u64,
    /// Invocations since the process started.
    pub invocations: u64,
}

impl Workers {
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        Ok(Self { shared: Arc::new(Shared { config }) })
    }

    pub async fn invoke(&self, _function: &Arc<Function>, _invocation: Invocation) -> Outcome {
        Outcome {
            result: Err(InvokeFailure::Internal(anyhow::anyhow!("workers are being built"))),
            report: None,
            log_tail: bytes::Bytes::new(),
            log_stream: String::new(),
        }
    }

    /// Drops warm workers whose key starts with `key_prefix`; busy ones end after their call.
    pub async fn retire(&self, _key_prefix: &str) {}

    pub async fn shutdown(&self) {}

    pub fn stats(&self) -> Stats {
        let _ = &self.shared.config;
        Stats::default()
    }

    /// `None` until the sandboxes are up, which happens in the background right after the start.
    pub fn tier(&self) -> Option<Tier> {
        None
    }
}
