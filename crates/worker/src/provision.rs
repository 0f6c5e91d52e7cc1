//! Workers that are started before anybody calls, and kept.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{anyhow, bail};

use crate::call::{self, Init};
use crate::environment;
use crate::function::Function;
use crate::invocation::Credentials;
use crate::log::{CallLog, LogSink};
use crate::platform_event::{Initialization, Phase, PlatformEvent};
use crate::pool::{KeyCount, Lease};
use crate::report::{self, Failure};
use crate::starter::{Base, StartError};
use crate::workers::Workers;

impl Workers {
    /// Keeps so many idle workers of a function's key, however long nobody calls; starts none.
    pub fn keep(&self, key: &str, count: usize) {
        self.pool().keep(key, count);
    }

    /// Lets go what was kept of other keys.
    pub fn keep_only(&self, kept: &HashMap<String, usize>) {
        self.pool().keep_only(kept);
    }

    /// The workers there are of a function's key.
    pub fn count_of(&self, key: &str) -> KeyCount {
        self.pool().count_of(key)
    }

    /// Starts one more worker of the function and leaves it to wait for a call.
    ///
    /// # Errors
    /// When there is no room for it, when its runtime is missing, or when the function does not load: then with the
    /// function's own words.
    pub async fn start_one(
        &self,
        function: &Arc<Function>,
        credentials: Credentials,
        log: Arc<dyn LogSink>,
    ) -> anyhow::Result<()> {
        let interpreter = self.interpreter(function).await.map_err(|failure| anyhow!("{failure}"))?;
        let Some(seat) = self.pool().seat(&function.key) else { bail!("all workers are busy") };
        seat.is_starting();
        let base = match self.take_spare_for(function, interpreter.as_ref()).await {
            Some(spare) => Base::Spare(Box::new(spare)),
            None => Base::Nothing(self.turn(&function.key).await),
        };
        let mut variables = environment::of_call(&credentials, "");
        // There is no call yet whose trace it could be.
        variables.remove("_X_AMZN_TRACE_ID");
        variables.insert(environment::INITIALIZATION_TYPE, Initialization::Provisioned.name().to_owned());
        let begun = self.begin_with(function, variables, interpreter.as_ref(), base).await;
        let mut worker = begun.map_err(|error| match error {
            StartError::Function { message, .. } => anyhow!(message),
            StartError::Platform(error) => error,
        })?;
        let mut log = CallLog::new(log, Arc::clone(&worker.log_stream), function.logging);
        let version = interpreter.as_ref().map(|interpreter| interpreter.version.to_string());
        let initialization = Initialization::Provisioned;
        log.event(&PlatformEvent::InitStart { function, version: version.as_deref(), initialization });
        let begun = Instant::now();
        let init = call::initialise(&mut worker, &mut log, self.init_timeout()).await;
        let failure = match &init {
            Init::Done => None,
            Init::Failed(payload) => Some(Failure::Error { error_type: report::error_type(payload) }),
            Init::Exited(_) => Some(Failure::Error { error_type: "Runtime.ExitError".into() }),
            Init::Timeout => Some(Failure::Timeout),
        };
        log.event(&PlatformEvent::InitDone {
            duration: begun.elapsed(),
            phase: Phase::Init,
            failure: failure.as_ref(),
            initialization,
        });
        log.finish();
        match init {
            Init::Done => {
                worker.rest();
                self.pool().give_back(Lease { worker, seat });
                Ok(())
            }
            Init::Failed(payload) => {
                bail!("the function does not load: {}", String::from_utf8_lossy(&payload))
            }
            Init::Exited(exit) => bail!("{}", report::exit_message(&function.name, exit)),
            Init::Timeout => bail!("the function does not load in time"),
        }
    }
}
