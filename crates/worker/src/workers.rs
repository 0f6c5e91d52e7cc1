//! The public handle: start, invoke, retire, stop.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tasks::{OnFailure, TaskHandle, TaskKind, Tasks};
use tokio::sync::Notify;

use crate::boots::{Boots, Turn};
use crate::call::{self, Ended, Init};
use crate::clients;
use crate::config::Config;
use crate::delivery::Delivery;
use crate::environment::{self, Trust};
use crate::event::Last;
use crate::function::{Function, RuntimeKind};
use crate::invocation::{Credentials, Invocation, InvokeFailure, Outcome, Reply};
use crate::log::{CallLog, epoch_millis};
use crate::network::Platform;
use crate::platform_event::{Initialization, Phase, PlatformEvent};
use crate::policy::{BOOTS_PER_CPU_MAX, PoolConfig, SPARE_KINDS_MAX, WARM_UP_PAUSE};
use crate::pool::{Lease, Pool, Seat, SpareKind};
use crate::preload::{Preload, Preloads};
use crate::report::{self, Failure};
use crate::runtime_api::Offer;
use crate::runtimes::{self, Catalogue, Found, Resolution};
use crate::sandbox::{Sandboxes, Tier};
use crate::starter::{Base, StartError, Starter};
use crate::upkeep;
use crate::worker::Worker;

/// All workers of this process. Cheap to clone. Dropping the last clone ends every worker.
#[derive(Clone)]
pub struct Workers {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) starter: Starter,
    pub(crate) pool: Pool,
    pub(crate) config: PoolConfig,
    pub(crate) catalogue: Catalogue,
    /// Spares wanted: at first the newest interpreter of each family, then what functions use, the
    /// kind used last at the end.
    pub(crate) wanted: std::sync::Mutex<Vec<SpareKind>>,
    preloads: Preloads,
    pub(crate) boots: Boots,
    pub(crate) refill: Arc<Notify>,
    warming: AtomicBool,
    cold_starts: AtomicU64,
    invocations: AtomicU64,
    tasks: Tasks,
    running: std::sync::Mutex<Vec<TaskHandle>>,
}

/// Ends idle workers.
static EXPIRE: TaskKind = TaskKind {
    name: "worker: end idle workers",
    on_failure: OnFailure::Log,
    stop_within: Duration::from_secs(1),
};

/// Waits for a quiet moment before the first spares.
static WARM_UP: TaskKind = TaskKind {
    name: "worker: begin to fill the pool",
    on_failure: OnFailure::Log,
    stop_within: Duration::from_secs(1),
};

/// Keeps spares ready.
static REFILL: TaskKind = TaskKind {
    name: "worker: start spare workers",
    on_failure: OnFailure::Log,
    stop_within: Duration::from_secs(1),
};

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
    /// Prepares sandboxes and runtime clients; starts no worker yet. Call [`Self::warm_up`] when
    /// the server is ready.
    ///
    /// # Errors
    /// When the folders cannot be written or the tier that was asked for cannot be had.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        let Config { mut sandbox, platform_dir, pool, network, endpoint, endpoint_port } = config;
        // Sandboxes show host folders under the same path, so it must not depend on where we stand.
        let platform_dir = std::path::absolute(&platform_dir)?;
        let clients = clients::write(&platform_dir)?;
        sandbox.platform_dir.clone_from(&platform_dir);
        for prefix in runtimes::prefixes() {
            if !sandbox.runtimes.contains(&prefix) {
                sandbox.runtimes.push(prefix);
            }
        }
        let trust = if sandbox.authority.is_some() { Trust::OwnAuthority } else { Trust::Nobody };
        let sandboxes = Sandboxes::start(sandbox).await?;
        let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let shared = Arc::new(Shared {
            catalogue: Catalogue::new(&platform_dir),
            starter: Starter {
                sandboxes,
                platform_dir,
                clients,
                platform: Platform::new(endpoint, network),
                endpoint_port,
                trust,
            },
            pool: Pool::new(pool.workers_max, pool.workers_of_function_max()),
            config: pool,
            wanted: std::sync::Mutex::default(),
            preloads: Preloads::default(),
            boots: Boots::new(cpus * BOOTS_PER_CPU_MAX),
            refill: Arc::default(),
            warming: AtomicBool::new(false),
            cold_starts: AtomicU64::new(0),
            invocations: AtomicU64::new(0),
            tasks: Tasks::new(),
            running: std::sync::Mutex::default(),
        });
        shared.run(&EXPIRE, upkeep::expire(shared.pool.clone(), shared.config.idle_keep_alive));
        Ok(Self { shared })
    }

    /// Starts filling the pool of generic workers in the background, after a pause in which the server answers its
    /// first callers. Does nothing the second time; the first cold start does it too, without the pause.
    pub fn warm_up(&self) {
        let shared = Arc::downgrade(&self.shared);
        self.shared.run(&WARM_UP, async move {
            tokio::time::sleep(WARM_UP_PAUSE).await;
            if let Some(shared) = shared.upgrade() {
                shared.warm_up_now();
            }
            Ok(())
        });
    }

    /// Runs one call to its end and answers everything that is known about it. Dropping the
    /// returned future ends the worker.
    pub async fn invoke(&self, function: &Arc<Function>, invocation: Invocation) -> Outcome {
        self.shared.invocations.fetch_add(1, Ordering::Relaxed);
        let Invocation { credentials, log, response, .. } = &invocation;
        let mut call = Call {
            function: Arc::clone(function),
            credentials: credentials.clone(),
            log: CallLog::new(Arc::clone(log), Arc::from(""), function.logging),
            delivery: Delivery::new(response.clone()),
            offer: Offer {
                request_id: invocation.request_id,
                function_arn: invocation.function_arn,
                deadline_epoch_ms: 0,
                trace_id: invocation.trace_id,
                client_context: invocation.client_context,
                cognito_identity: invocation.cognito_identity,
                payload: invocation.payload,
            },
        };
        while let Some(mut lease) = self.shared.pool.take_warm(&function.key) {
            if lease.worker.is_alive() {
                call.log.switch_stream(Arc::clone(&lease.worker.log_stream));
                return self.run(call, lease, None).await;
            }
        }
        // Boxed: it is large and rarely needed.
        Box::pin(self.cold(call)).await
    }

    /// Drops warm workers whose key starts with `key_prefix`; busy ones end after their call.
    pub async fn retire(&self, key_prefix: &str) {
        self.shared.preloads.forget(key_prefix);
        self.shared.pool.retire(key_prefix);
    }

    /// Ends every worker.
    pub async fn shutdown(&self) {
        for task in std::mem::take(&mut *unpoisoned(&self.shared.running)) {
            task.abort();
        }
        self.shared.pool.close();
        self.shared.starter.sandboxes.shutdown().await;
    }

    pub fn stats(&self) -> Stats {
        let (busy, idle, spares) = self.shared.pool.counts();
        Stats {
            busy,
            idle,
            spares,
            cold_starts: self.shared.cold_starts.load(Ordering::Relaxed),
            invocations: self.shared.invocations.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.shared.pool
    }

    /// A turn to start a process for the function of this key.
    pub(crate) async fn turn(&self, key: &str) -> Turn {
        self.shared.warm_up_now();
        self.shared.boots.turn(key).await
    }

    pub(crate) fn init_timeout(&self) -> Duration {
        self.shared.config.init_timeout
    }

    pub fn tier(&self) -> Tier {
        self.shared.starter.sandboxes.tier()
    }

    /// Starts a worker for the call and runs it there.
    async fn cold(&self, mut call: Call) -> Outcome {
        let function = Arc::clone(&call.function);
        let interpreter = match self.interpreter(&function).await {
            Ok(interpreter) => interpreter,
            Err(failure) => return call.not_run(failure),
        };
        let Some(seat) = self.shared.pool.seat(&function.key) else {
            return call.not_run(InvokeFailure::NoCapacity);
        };
        self.shared.warm_up_now();
        let base = match self.base(&function, interpreter.as_ref()).await {
            Ok(base) => base,
            Err(warm) => {
                drop(seat);
                call.log.switch_stream(Arc::clone(&warm.worker.log_stream));
                return self.run(call, warm, None).await;
            }
        };
        self.shared.cold_starts.fetch_add(1, Ordering::Relaxed);

        let started = Instant::now();
        let mut worker = match self.begin(&call, interpreter.as_ref(), base).await {
            Ok(worker) => worker,
            Err(error) => return call.not_started(error, started).await,
        };
        call.log.switch_stream(Arc::clone(&worker.log_stream));
        let version = interpreter.as_ref().map(|interpreter| interpreter.version.to_string());
        call.init_starts(version.as_deref());
        let init = call::initialise(&mut worker, &mut call.log, self.shared.config.init_timeout).await;
        let init_time = started.elapsed();
        match init {
            Init::Done => {
                call.init_over(init_time, Phase::Init, None);
                self.run(call, Lease { worker, seat }, Some(init_time)).await
            }
            Init::Failed(payload) => call.init_failed(payload, worker, init_time).await,
            Init::Exited(exit) => {
                let failure = Failure::Error { error_type: "Runtime.ExitError".into() };
                call.init_over(init_time, Phase::Init, Some(&failure));
                call.begin();
                let ended =
                    call::exited(&call.offer.request_id, exit, &mut call.delivery, &mut call.log).await;
                call.finish(ended, Duration::ZERO, Some(init_time), Some(&worker))
            }
            Init::Timeout => {
                call.init_over(init_time, Phase::Init, Some(&Failure::Timeout));
                drop(worker);
                self.second_init(call, seat, interpreter.as_ref()).await
            }
        }
    }

    /// As AWS does after an init phase that took too long: once more, within the call's own time.
    async fn second_init(&self, mut call: Call, seat: Seat, interpreter: Option<&Found>) -> Outcome {
        let function = Arc::clone(&call.function);
        let base = match self.take_spare_for(&function, interpreter).await {
            Some(spare) => Base::Spare(Box::new(spare)),
            None => Base::Nothing(self.shared.boots.turn(&function.key).await),
        };
        let started = Instant::now();
        let mut worker = match self.begin(&call, interpreter, base).await {
            Ok(worker) => worker,
            Err(error) => return call.not_started(error, started).await,
        };
        call.log.switch_stream(Arc::clone(&worker.log_stream));
        call.begin();
        let left = function.timeout.saturating_sub(started.elapsed());
        match call::initialise(&mut worker, &mut call.log, left).await {
            Init::Done => {
                call.init_over(started.elapsed(), Phase::Invoke, None);
                self.run_from(call, Lease { worker, seat }, None, started).await
            }
            Init::Failed(payload) => {
                let ended = call.failed_init(payload).await;
                call.finish(ended, started.elapsed(), None, Some(&worker))
            }
            Init::Exited(exit) => {
                let ended =
                    call::exited(&call.offer.request_id, exit, &mut call.delivery, &mut call.log).await;
                call.finish(ended, started.elapsed(), None, Some(&worker))
            }
            Init::Timeout => {
                call.init_over(started.elapsed(), Phase::Invoke, Some(&Failure::Timeout));
                let request_id = &call.offer.request_id;
                let ended =
                    call::timeout_reply(request_id, function.timeout, &mut call.delivery, &mut call.log)
                        .await;
                call.finish(ended, function.timeout, None, Some(&worker))
            }
        }
    }

    async fn run(&self, mut call: Call, mut lease: Lease, init: Option<Duration>) -> Outcome {
        lease.worker.wake();
        // What a background thread said since the last call stands before this one.
        lease.worker.output.drain(|line| call.log.output(line));
        call.begin();
        self.run_from(call, lease, init, Instant::now()).await
    }

    async fn run_from(
        &self,
        mut call: Call,
        mut lease: Lease,
        init: Option<Duration>,
        started: Instant,
    ) -> Outcome {
        let timeout = call.function.timeout;
        let deadline = started + timeout;
        let left = deadline.saturating_duration_since(Instant::now());
        call.offer.deadline_epoch_ms =
            epoch_millis() + u64::try_from(left.as_millis()).unwrap_or(u64::MAX / 2);
        let limits = call::Limits { timeout, deadline };
        let Call { credentials, delivery, log, offer, .. } = &mut call;
        let ended = call::run(&mut lease.worker, offer.clone(), credentials, limits, delivery, log).await;
        let duration = match ended.failure {
            Some(Failure::Timeout) => timeout,
            _ => started.elapsed(),
        };
        let last = ended.last;
        let outcome = call.finish(ended, duration, init, Some(&lease.worker));
        if last == Last::No {
            lease.worker.rest();
            self.shared.pool.give_back(lease);
        }
        outcome
    }

    async fn begin(
        &self,
        call: &Call,
        interpreter: Option<&Found>,
        base: Base,
    ) -> Result<Worker, StartError> {
        let first_call = environment::of_call(&call.credentials, &call.offer.trace_id);
        self.begin_with(&call.function, first_call, interpreter, base).await
    }

    pub(crate) async fn begin_with(
        &self,
        function: &Function,
        variables: BTreeMap<&'static str, String>,
        interpreter: Option<&Found>,
        base: Base,
    ) -> Result<Worker, StartError> {
        self.shared.starter.begin(function, variables, interpreter, base).await
    }

    /// What a new worker is made of; or one of the function that became free while this waited its turn.
    async fn base(&self, function: &Function, interpreter: Option<&Found>) -> Result<Base, Lease> {
        if let Some(spare) = self.take_spare_for(function, interpreter).await {
            return Ok(Base::Spare(Box::new(spare)));
        }
        let mut warm = self.shared.pool.wait_for_warm(&function.key);
        let turn = self.shared.boots.turn(&function.key);
        tokio::pin!(turn);
        loop {
            tokio::select! {
                biased;
                turn = &mut turn => {
                    warm.close();
                    return warm.try_recv().map_or(Ok(Base::Nothing(turn)), Err);
                }
                Ok(mut lease) = &mut warm => {
                    if lease.worker.is_alive() {
                        return Err(lease);
                    }
                    warm = self.shared.pool.wait_for_warm(&function.key);
                }
            }
        }
    }

    pub(crate) async fn take_spare_for(
        &self,
        function: &Function,
        interpreter: Option<&Found>,
    ) -> Option<Worker> {
        let interpreter = interpreter.filter(|_| environment::fits_generic_worker(function))?;
        self.take_spare(interpreter, self.preload(function).await)
    }

    /// What `function` would have loaded ahead, of what is installed.
    async fn preload(&self, function: &Function) -> Preload {
        if self.shared.config.spares(function.runtime) == 0 {
            return Preload::Nothing;
        }
        let preload = self.shared.preloads.of(function).await;
        if preload.is_installed(&self.shared.starter.platform_dir) { preload } else { Preload::Nothing }
    }

    /// A generic worker that has `preload` loaded, else one that has not.
    fn take_spare(&self, interpreter: &Found, preload: Preload) -> Option<Worker> {
        let kind = SpareKind { interpreter: interpreter.clone(), preload };
        let plain = SpareKind { preload: Preload::Nothing, ..kind.clone() };
        let spare = self.take_living_spare(&kind).or_else(|| self.take_living_spare(&plain));
        let unwanted = {
            let mut wanted = unpoisoned(&self.shared.wanted);
            if let Some(known) = wanted.iter().position(|known| *known == kind) {
                // The one used last stands last.
                wanted[known..].rotate_left(1);
            } else {
                wanted.push(kind);
            }
            (wanted.len() > SPARE_KINDS_MAX).then(|| wanted.remove(0))
        };
        if let Some(unwanted) = unwanted {
            self.shared.pool.drop_spares(&unwanted);
        }
        self.shared.refill.notify_one();
        spare
    }

    fn take_living_spare(&self, kind: &SpareKind) -> Option<Worker> {
        while let Some(mut worker) = self.shared.pool.take_spare(kind) {
            if worker.is_alive() {
                return Some(worker);
            }
        }
        None
    }

    pub(crate) async fn interpreter(&self, function: &Function) -> Result<Option<Found>, InvokeFailure> {
        if !function.runtime.is_managed() {
            return Ok(None);
        }
        match self.shared.catalogue.resolve(&function.requested_runtime).await {
            Resolution::Found { interpreter, warning } => {
                if let Some(warning) = warning {
                    tracing::warn!(function = function.name, "{warning}");
                }
                Ok(Some(interpreter))
            }
            Resolution::Missing { install } => Err(InvokeFailure::RuntimeMissing(install)),
        }
    }
}

/// One invocation on its way.
struct Call {
    function: Arc<Function>,
    credentials: Credentials,
    log: CallLog,
    delivery: Delivery,
    offer: Offer,
}

impl Call {
    fn begin(&mut self) {
        self.log.begin_tail();
        let Self { function, offer, log, .. } = self;
        log.event(&PlatformEvent::Start {
            request_id: &offer.request_id,
            version: &function.version,
            trace_id: &offer.trace_id,
        });
    }

    fn init_starts(&mut self, version: Option<&str>) {
        let initialization = Initialization::OnDemand;
        self.log.event(&PlatformEvent::InitStart { function: &self.function, version, initialization });
    }

    fn init_over(&mut self, duration: Duration, phase: Phase, failure: Option<&Failure>) {
        let initialization = Initialization::OnDemand;
        self.log.event(&PlatformEvent::InitDone { duration, phase, failure, initialization });
    }

    /// END and REPORT, and the outcome.
    fn finish(
        mut self,
        ended: Ended,
        duration: Duration,
        init: Option<Duration>,
        worker: Option<&Worker>,
    ) -> Outcome {
        let Self { function, offer, log, .. } = &mut self;
        let peak = worker.and_then(Worker::memory_peak_bytes);
        let numbers = report::measure(duration, init, function.memory_mib, peak);
        let (request_id, trace_id, failure) = (&offer.request_id, &offer.trace_id, ended.failure.as_ref());
        let produced_bytes = match &ended.reply {
            Reply::Success { payload, .. } | Reply::FunctionError { payload, .. } => Some(payload.len()),
            Reply::Streamed => None,
        };
        let duration_ms = numbers.duration_ms;
        log.event(&PlatformEvent::RuntimeDone { request_id, duration_ms, produced_bytes, failure, trace_id });
        log.event(&PlatformEvent::Report { request_id, report: &numbers, failure, trace_id });
        let log_stream = self.log.stream().to_owned();
        Outcome { result: Ok(ended.reply), report: Some(numbers), log_tail: self.log.finish(), log_stream }
    }

    fn not_run(self, failure: InvokeFailure) -> Outcome {
        Outcome { result: Err(failure), report: None, log_tail: Bytes::new(), log_stream: String::new() }
    }

    /// No process could be started: AWS's error when that is the function's fault.
    async fn not_started(mut self, error: StartError, started: Instant) -> Outcome {
        let (error_type, message) = match error {
            StartError::Platform(error) => return self.not_run(InvokeFailure::Internal(error)),
            StartError::Function { error_type, message } => (error_type, message),
        };
        self.log.switch_stream(report::log_stream_name(&self.function.version).into());
        self.init_starts(None);
        let failure = Failure::Error { error_type: error_type.to_owned() };
        self.init_over(started.elapsed(), Phase::Init, Some(&failure));
        self.begin();
        let message = format!("RequestId: {} Error: {message}", self.offer.request_id);
        self.log.notice(&self.offer.request_id, format!("{message}\n{error_type}"));
        let reply = self.delivery.error(report::error(error_type, &message)).await;
        let ended = Ended { reply, failure: Some(failure), last: Last::Yes };
        self.finish(ended, started.elapsed(), None, None)
    }

    async fn init_failed(mut self, payload: Bytes, worker: Worker, init: Duration) -> Outcome {
        let failure = Failure::Error { error_type: report::error_type(&payload) };
        self.init_over(init, Phase::Init, Some(&failure));
        self.begin();
        let ended = self.failed_init(payload).await;
        self.finish(ended, Duration::ZERO, Some(init), Some(&worker))
    }

    async fn failed_init(&mut self, payload: Bytes) -> Ended {
        let failure = Some(Failure::Error { error_type: report::error_type(&payload) });
        let payload = match self.function.runtime {
            RuntimeKind::Python => report::with_request_id(payload, &self.offer.request_id),
            RuntimeKind::Node | RuntimeKind::Custom => payload,
        };
        Ended { reply: self.delivery.error(payload).await, failure, last: Last::Yes }
    }
}

impl Shared {
    /// Starts work that ends with the workers.
    fn warm_up_now(self: &Arc<Self>) {
        if self.warming.swap(true, Ordering::Relaxed) {
            return;
        }
        self.starter.sandboxes.make_ahead(self.config.blank_sandboxes);
        self.run(&REFILL, upkeep::refill(Arc::downgrade(self)));
    }

    fn run(&self, kind: &'static TaskKind, work: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
        let task = self.tasks.spawn(kind, work);
        unpoisoned(&self.running).push(task);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        for task in unpoisoned(&self.running).drain(..) {
            task.abort();
        }
        self.pool.close();
    }
}

pub(crate) fn unpoisoned<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Held for single changes only: a panicking holder leaves nothing half done.
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
