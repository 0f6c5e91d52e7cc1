//! The namespace tier, seen from the server.
//!
//! Each sandbox has a *channel*, a packet socket whose other end its first process holds: through it
//! come the sandbox's pidfd and listeners, the news that the program runs, binds, and how it ended. Its
//! closing is the sandbox's end. Requests themselves go to the spawner through one [`Link`].

mod running;

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tasks::Tasks;
use tokio::io::unix::AsyncFd;
use tokio::sync::{Semaphore, watch};

pub(super) use running::Running;
use running::{Answer, Follower, kill};

use super::cgroup::{Cgroup, Cgroups, Controller};
use super::link::Link;
use super::memory::Memory;
use super::plumbing::{lock, packet_pair, pipe, receive, watched};
use super::{
    Body, Exit, FOLLOW, Handle, LaunchSpec, Life, Limits, Listeners, SANDBOXES_MAX, Sandbox, SandboxConfig,
};
use crate::spawner::protocol::{self, Launch, Message, Purpose, Request, Start};

/// Launches on their way at once; more wait. Each has descriptors in flight, which the kernel counts.
const LAUNCHES_AT_ONCE_MAX: usize = 32;
/// Longest a launch or a bind takes; a sandbox that needs more is killed.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Longest message of a sandbox: a failure that names a path.
const MESSAGE_BYTES_MAX: usize = 8 * 1024;
/// Longest that is waited for one of them when nobody shut down in order.
const KILLED_WITHIN: Duration = Duration::from_secs(1);
/// Longest that is waited for the folder of a server that has just died, and the pause between two tries.
const LOCK_WITHIN: Duration = Duration::from_secs(2);
const LOCK_PAUSE: Duration = Duration::from_millis(20);
/// Longest that shutdown waits for sandboxes it has killed.
const SHUTDOWN_WITHIN: Duration = Duration::from_secs(10);

/// Bounds of a sandbox without a program.
const BLANK_LIMITS: Limits = Limits {
    memory_bytes: 64 << 20,
    tmp_bytes: 1 << 20,
    processes: 1024,
    open_files: 1024,
    cpu_quota_percent: 100,
};

/// Makes sandboxes of the namespace tier.
pub(super) struct Launcher {
    config: protocol::Config,
    shared: Arc<Shared>,
    cgroups: Arc<Cgroups>,
    next_id: AtomicU64,
    tasks: Tasks,
    launches: Semaphore,
    /// Sandboxes made ahead, without a program, and how many there should be.
    blanks: Mutex<Vec<Sandbox>>,
    blanks_wanted: AtomicUsize,
    refilling: tokio::sync::Mutex<()>,
    /// Held while the folder is in use: what is found in it at the start is then left over for sure.
    _lock: File,
}

/// What sandboxes need of their launcher.
#[derive(Debug, Default)]
struct Shared {
    link: tokio::sync::Mutex<Option<Arc<Link>>>,
    living: Mutex<HashMap<u64, Living>>,
    stopped: AtomicBool,
}

#[derive(Debug)]
struct Living {
    pidfd: Arc<OwnedFd>,
    cgroup: Arc<Cgroup>,
    exit: watch::Receiver<Option<Exit>>,
}

impl Launcher {
    pub(super) async fn start(config: &SandboxConfig) -> anyhow::Result<Self> {
        let lock = lock_folder(&config.run_dir).await?;
        let template = config.run_dir.join("template");
        std::fs::create_dir_all(&template)
            .with_context(|| format!("cannot create {}", template.display()))?;
        let root = nix::unistd::geteuid().is_root();
        let cgroups = Cgroups::prepare(template.parent().unwrap_or(&template))?;
        let config = protocol::Config {
            root,
            template: std::fs::canonicalize(&template)?,
            platform: std::fs::canonicalize(&config.platform_dir)?,
            runtimes: existing(&config.runtimes),
            groups: cgroups.folders(),
            authority: config.authority.as_deref().map(std::fs::canonicalize).transpose()?,
            counts_memory: cgroups.has(Controller::Memory),
        };
        let link = match Link::start(&config).await {
            Ok(link) => link,
            Err(error) => {
                cgroups.close();
                return Err(error);
            }
        };
        raise_open_files();
        let launcher = Self {
            config,
            shared: Arc::default(),
            cgroups: Arc::new(cgroups),
            next_id: AtomicU64::new(1),
            tasks: Tasks::new(),
            launches: Semaphore::new(LAUNCHES_AT_ONCE_MAX),
            blanks: Mutex::default(),
            blanks_wanted: AtomicUsize::new(0),
            refilling: tokio::sync::Mutex::default(),
            _lock: lock,
        };
        *launcher.shared.link.lock().await = Some(Arc::new(link));
        launcher.try_out().await.context("a sandbox cannot be made here")?;
        if !launcher.cgroups.has(Controller::Memory) {
            tracing::warn!("no memory cgroup can be used: memory of functions is bounded by polling");
        }
        Ok(launcher)
    }

    pub(super) fn spawn(
        &self,
        kind: &'static tasks::TaskKind,
        work: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        self.tasks.spawn(kind, work);
    }

    pub(super) fn is_root(&self) -> bool {
        self.config.root
    }

    pub(super) async fn launch(&self, spec: LaunchSpec) -> anyhow::Result<Sandbox> {
        if let Some(blank) = self.take_blank()
            && let Body::Namespace(running) = &blank.handle.inner.body
        {
            match running.begin(&spec).await {
                Ok(Ok(())) => return Ok(blank),
                Ok(Err(failure)) => bail!("the sandbox cannot be started: {failure}"),
                // The fault is the blank's, or will show again.
                Err(error) => {
                    tracing::debug!(error = format!("{error:#}"), "a sandbox made ahead cannot be used");
                }
            }
        }
        self.launch_for(Purpose::Run, spec).await
    }

    /// Keeps this many sandboxes made ahead from the next [`Self::refill_blanks`] on.
    pub(super) fn want_blanks(&self, count: usize) {
        self.blanks_wanted.store(count, Ordering::Relaxed);
    }

    pub(super) fn blanks(&self) -> usize {
        lock(&self.blanks).len()
    }

    pub(super) fn wants_blanks(&self) -> bool {
        lock(&self.blanks).len() < self.blanks_wanted.load(Ordering::Relaxed)
    }

    /// Makes sandboxes ahead until there are as many as wanted. One caller does it, others return.
    pub(super) async fn refill_blanks(&self) -> anyhow::Result<()> {
        let Ok(_refilling) = self.refilling.try_lock() else { return Ok(()) };
        while self.wants_blanks() {
            let spec = LaunchSpec {
                program: "/".into(),
                arguments: Vec::new(),
                environment: Vec::new(),
                working_folder: "/".into(),
                code: None,
                opt: None,
                limits: BLANK_LIMITS,
            };
            let blank = self.launch_for(Purpose::Blank, spec).await?;
            let mut blanks = lock(&self.blanks);
            if self.shared.stopped.load(Ordering::Acquire) {
                // Dropped, and so killed, after the lock is released.
                drop(blanks);
                return Ok(());
            }
            blanks.push(blank);
        }
        Ok(())
    }

    fn take_blank(&self) -> Option<Sandbox> {
        loop {
            let blank = lock(&self.blanks).pop()?;
            if blank.handle.inner.exit.borrow().is_none() {
                return Some(blank);
            }
        }
    }

    pub(super) async fn shutdown(&self) {
        self.shared.stopped.store(true, Ordering::Release);
        let blanks = std::mem::take(&mut *lock(&self.blanks));
        drop(blanks);
        let exits: Vec<_> = lock(&self.shared.living)
            .values()
            .map(|living| {
                kill(&living.pidfd);
                living.exit.clone()
            })
            .collect();
        let gone = async {
            for mut exit in exits {
                // A task that went without a word has nothing more to clean up.
                let _ = exit.wait_for(Option::is_some).await;
            }
        };
        if tokio::time::timeout(SHUTDOWN_WITHIN, gone).await.is_err() {
            tracing::warn!("some sandboxes have not ended in time");
        }
        self.shared.link.lock().await.take();
        let cgroups = Arc::clone(&self.cgroups);
        let _ = tokio::task::spawn_blocking(move || cgroups.close()).await;
    }

    /// Makes one sandbox, without a program in it, to know that it works here.
    async fn try_out(&self) -> anyhow::Result<()> {
        let spec = LaunchSpec {
            program: "/".into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            working_folder: "/".into(),
            code: None,
            opt: None,
            limits: Limits {
                memory_bytes: 64 << 20,
                tmp_bytes: 1 << 20,
                processes: 16,
                open_files: 64,
                cpu_quota_percent: 100,
            },
        };
        let sandbox = self.launch_for(Purpose::Trial, spec).await?;
        match sandbox.wait().await {
            Exit { code: Some(0), .. } => Ok(()),
            exit => bail!("it ended with {exit:?}"),
        }
    }

    async fn launch_for(&self, purpose: Purpose, spec: LaunchSpec) -> anyhow::Result<Sandbox> {
        let started = Instant::now();
        let _turn = self.launches.acquire().await?;
        if self.shared.stopped.load(Ordering::Acquire) {
            bail!("sandboxes are shut down");
        }
        if lock(&self.shared.living).len() >= SANDBOXES_MAX {
            bail!("{SANDBOXES_MAX} sandboxes are running, which is the most this server starts");
        }
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let limits = spec.limits;
        // Some writes to files of the kernel: cheaper done here than on another thread.
        let cgroup = self.cgroups.take(&limits).context("cannot make the cgroups of a sandbox")?;
        let cgroup = Arc::new(cgroup);
        let prepared_us = started.elapsed().as_micros() as u64;

        let made = async {
            let memory = Memory::new(Arc::clone(&cgroup), &limits).context("cannot watch memory")?;
            let (begun, pieces) = self.make(id, purpose, spec, &cgroup).await?;
            anyhow::Ok((Arc::new(memory), begun, pieces))
        };
        let (memory, begun, pieces) = match made.await {
            Ok(made) => made,
            Err(error) => {
                let _ = tokio::task::spawn_blocking(move || cgroup.remove()).await;
                return Err(error);
            }
        };
        let cgroups = Arc::clone(&self.cgroups);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = cgroups.refill() {
                tracing::debug!(%error, "cgroups cannot be made ahead");
            }
        });
        let launch_us = started.elapsed().as_micros() as u64;
        tracing::debug!(id, prepared_us, launch_us, "sandbox started");

        let answer = Answer::default();
        let (report, exit) = watch::channel(None);
        let living =
            Living { pidfd: Arc::clone(&begun.pidfd), cgroup: Arc::clone(&cgroup), exit: exit.clone() };
        lock(&self.shared.living).insert(id, living);
        let follower = Follower {
            id,
            channel: Arc::clone(&begun.channel),
            pidfd: Arc::clone(&begun.pidfd),
            shared: Arc::clone(&self.shared),
            cgroup: Arc::clone(&cgroup),
            memory: Arc::clone(&memory),
            answer: Arc::clone(&answer),
            report,
        };
        self.tasks.spawn(&FOLLOW, follower.run());
        let running = Running {
            pidfd: begun.pidfd,
            channel: begun.channel,
            shared: Arc::clone(&self.shared),
            cgroup,
            memory,
            binding: tokio::sync::Mutex::default(),
            answer,
        };
        Ok(Sandbox {
            id,
            control: pieces.control,
            stdout: pieces.stdout,
            stderr: pieces.stderr,
            runtime_api: Some(begun.runtime_api),
            network: Some(begun.network),
            handle: Handle { inner: Arc::new(Life { exit, body: Body::Namespace(running) }) },
        })
    }

    /// Has the spawner make a sandbox and waits until its program runs.
    async fn make(
        &self,
        id: u64,
        purpose: Purpose,
        spec: LaunchSpec,
        cgroup: &Cgroup,
    ) -> anyhow::Result<(Begun, Pieces)> {
        let (control, control_inside) = UnixStream::pair().context("cannot make a socket pair")?;
        control.set_nonblocking(true)?;
        let (stdout, stdout_inside) = pipe().context("cannot make a pipe")?;
        let (stderr, stderr_inside) = pipe().context("cannot make a pipe")?;
        let (channel, channel_inside) = packet_pair().context("cannot make a socket pair")?;
        let control_inside = OwnedFd::from(control_inside);
        let entrances = cgroup.entrances().context("cannot open the cgroups of a sandbox")?;
        let request = Request::Launch(Launch {
            id,
            purpose,
            start: Start {
                program: spec.program,
                arguments: spec.arguments,
                environment: spec.environment,
                working_folder: spec.working_folder,
            },
            code: spec.code.as_deref().map(folder).transpose()?,
            opt: spec.opt.as_deref().map(folder).transpose()?,
            limits: spec.limits,
        });
        let mut given = vec![&channel_inside, &control_inside, &stdout_inside, &stderr_inside];
        given.extend(&entrances);
        self.request(&request, &given).await?;
        drop((channel_inside, control_inside, stdout_inside, stderr_inside, entrances));

        let channel = watched(channel)?;
        let begun = tokio::time::timeout(ANSWER_WITHIN, begin(channel))
            .await
            .context("the sandbox did not start in time")??;
        Ok((begun, Pieces { control, stdout, stderr }))
    }

    /// Hands a request to the spawner, starting another one when it has ended.
    async fn request(&self, request: &Request, descriptors: &[&OwnedFd]) -> anyhow::Result<()> {
        let link = self.link().await?;
        match link.request(request, descriptors).await {
            Err(error)
                if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) =>
            {
                self.replace(&link).await;
                self.link()
                    .await?
                    .request(request, descriptors)
                    .await
                    .context("the spawner cannot be reached")
            }
            sent => sent.context("the spawner cannot be reached"),
        }
    }

    async fn link(&self) -> anyhow::Result<Arc<Link>> {
        let mut link = self.shared.link.lock().await;
        if self.shared.stopped.load(Ordering::Acquire) {
            bail!("sandboxes are shut down");
        }
        match &*link {
            Some(running) if !running.has_ended() => Ok(Arc::clone(running)),
            _ => {
                tracing::warn!("the spawner has ended, and all sandboxes with it; starting another");
                let started =
                    Arc::new(Link::start(&self.config).await.context("cannot start another spawner")?);
                *link = Some(Arc::clone(&started));
                Ok(started)
            }
        }
    }

    /// Forgets a spawner that is known to have ended, unless another has taken its place.
    async fn replace(&self, ended: &Arc<Link>) {
        let mut link = self.shared.link.lock().await;
        if link.as_ref().is_some_and(|current| Arc::ptr_eq(current, ended)) {
            link.take();
        }
    }
}

impl Drop for Launcher {
    /// Ends and clears away what still runs, for a server that was not shut down in order. The tasks that
    /// would do it may have gone with their runtime.
    fn drop(&mut self) {
        let living: Vec<_> = lock(&self.shared.living).drain().map(|(_, living)| living).collect();
        living.iter().for_each(|living| kill(&living.pidfd));
        for living in living {
            wait_briefly(&living.pidfd);
            living.cgroup.remove();
        }
        self.cgroups.close();
    }
}

/// The ends of a sandbox's pipes.
struct Pieces {
    control: UnixStream,
    stdout: OwnedFd,
    stderr: OwnedFd,
}

/// A sandbox whose program runs.
struct Begun {
    channel: Arc<AsyncFd<OwnedFd>>,
    pidfd: Arc<OwnedFd>,
    runtime_api: TcpListener,
    network: Listeners,
}

/// Follows a new sandbox until its program runs.
async fn begin(channel: AsyncFd<OwnedFd>) -> anyhow::Result<Begun> {
    let mut made = None;
    loop {
        let Some(packet) = receive(&channel, MESSAGE_BYTES_MAX).await? else {
            bail!("the sandbox ended while it was made");
        };
        match Message::decode(&packet.bytes)? {
            Message::Made => {
                let descriptors = <[OwnedFd; 5]>::try_from(packet.descriptors)
                    .map_err(|_| anyhow!("the spawner sent too few descriptors"))?;
                made = Some(descriptors);
            }
            Message::Started => {
                let [pidfd, runtime_api, endpoint, name_datagrams, name_streams] =
                    made.context("the sandbox started before it was made")?;
                return Ok(Begun {
                    channel: Arc::new(channel),
                    pidfd: Arc::new(pidfd),
                    runtime_api: runtime_api.into(),
                    network: Listeners {
                        endpoint: endpoint.into(),
                        name_datagrams: name_datagrams.into(),
                        name_streams: name_streams.into(),
                    },
                });
            }
            Message::Failed(failure) => bail!("the sandbox cannot be started: {failure}"),
            other => bail!("unexpected message {other:?}"),
        }
    }
}

/// Waits a moment for the end of a process that was killed.
fn wait_briefly(pidfd: &OwnedFd) {
    let mut ended = [PollFd::new(pidfd.as_fd(), PollFlags::POLLIN)];
    let _ = poll(&mut ended, PollTimeout::try_from(KILLED_WITHIN).unwrap_or(PollTimeout::ZERO));
}

/// Takes the folder for this server. What cleans up after a server that was killed has it for a moment.
async fn lock_folder(run_dir: &Path) -> anyhow::Result<File> {
    let lock = File::open(run_dir)?;
    let end = Instant::now() + LOCK_WITHIN;
    while lock.try_lock().is_err() {
        if Instant::now() > end {
            bail!("another server uses {}", run_dir.display());
        }
        tokio::time::sleep(LOCK_PAUSE).await;
    }
    Ok(lock)
}

/// The real path of a folder to show.
fn folder(path: &Path) -> anyhow::Result<std::path::PathBuf> {
    let real = std::fs::canonicalize(path).with_context(|| format!("no folder {}", path.display()))?;
    if !real.is_dir() {
        bail!("{} is not a folder", path.display());
    }
    Ok(real)
}

fn existing(runtimes: &[std::path::PathBuf]) -> Vec<std::path::PathBuf> {
    let (found, missing): (Vec<_>, Vec<_>) = runtimes.iter().cloned().partition(|path| path.is_dir());
    for path in missing {
        tracing::warn!(path = %path.display(), "a runtime's folder is missing and is not shown to functions");
    }
    found
}

/// Each sandbox holds about ten descriptors here; the soft limit is often 1024.
fn raise_open_files() {
    if let Ok((_, most)) = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE) {
        // When refused, fewer sandboxes fit; launches above that fail with the kernel's reason.
        let _ = nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE, most, most);
    }
}
