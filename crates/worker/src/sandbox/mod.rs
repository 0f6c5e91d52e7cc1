//! One sandbox: a program started alone, with bounded memory, processor, processes, files and `/tmp`.
//!
//! Two tiers stand behind the same types. [`Tier::Namespace`] gives the program its own processes,
//! files, network and users; it is made by the spawner (`crate::spawner`), works as root and as an
//! ordinary user, and ends with the server whatever ends the server. [`Tier::Process`] is a plain
//! child process for machines without namespaces: it bounds resources but hides nothing, and says so.
//!
//! A sandbox ends when its main program ends, when [`Handle::kill`] is called, or when the last
//! handle to it is dropped. Nothing of it stays behind: no process, mount, cgroup or folder.

mod cgroup;
mod link;
mod memory;
mod namespace;
mod plumbing;
mod probe;
mod process;
mod usage;

use std::ffi::OsString;
use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tasks::{OnFailure, TaskKind};
use tokio::sync::watch;

/// Sandboxes alive at once in one server; a launch above it fails.
pub const SANDBOXES_MAX: usize = 4096;

/// Follows one sandbox from its start to its end.
static FOLLOW: TaskKind = TaskKind {
    name: "worker: follow a sandbox",
    on_failure: OnFailure::Log,
    stop_within: Duration::from_secs(5),
};

/// Makes sandboxes ahead.
static REFILL: TaskKind = TaskKind {
    name: "worker: make sandboxes ahead",
    on_failure: OnFailure::Log,
    stop_within: Duration::from_secs(5),
};

/// Time after a launch in which its program has the processors for itself.
const BLANK_PAUSE: Duration = Duration::from_millis(5);

/// How strongly a sandbox separates its program from the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// Own namespaces, read-only root, no capabilities, system call filter.
    Namespace {
        /// The server is root of the machine; `false` when it is an ordinary user.
        root: bool,
    },
    /// A plain child process with resource limits; it sees everything the server's user sees.
    Process,
}

/// Which tier to use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TierChoice {
    /// Namespaces where they work, otherwise plain processes with a warning.
    #[default]
    Auto,
    /// Namespaces, or an error.
    Namespace,
    /// Plain processes.
    Process,
}

/// What every sandbox of a server shares.
#[derive(Debug, Clone)]
pub struct SandboxConfig {
    /// Private folder of the sandboxes, created if missing. One server at a time uses it.
    pub run_dir: PathBuf,
    /// Host folders shown read-only at the same path, such as the prefix of an interpreter.
    pub runtimes: Vec<PathBuf>,
    /// Which tier to use.
    pub tier: TierChoice,
    /// File with the certificate of the installation's own authority. Programs trust it beside those the machine trusts.
    pub authority: Option<PathBuf>,
    /// Host folder shown read-only at `/var/runtime`, created if missing; may be filled later.
    pub platform_dir: PathBuf,
}

/// Bounds on one sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Memory of all its processes together; above it the sandbox is killed.
    pub memory_bytes: u64,
    /// Size of `/tmp`.
    pub tmp_bytes: u64,
    /// Processes and threads together.
    pub processes: u64,
    /// Open files of each process.
    pub open_files: u64,
    /// Processor time, in hundredths of one processor: 150 is one and a half processors.
    pub cpu_quota_percent: u32,
}

/// What to start, and within which bounds.
#[derive(Debug, Clone)]
pub struct LaunchSpec {
    /// Absolute path of the program, as the sandbox sees it.
    pub program: PathBuf,
    /// Arguments after the program's name.
    pub arguments: Vec<OsString>,
    /// The whole environment; nothing is inherited.
    pub environment: Vec<(OsString, OsString)>,
    /// Absolute path of the folder the program starts in, as the sandbox sees it.
    pub working_folder: PathBuf,
    /// Host folder shown read-only at `/var/task`; without it the folder is empty until [`Handle::bind`].
    pub code: Option<PathBuf>,
    /// Host folder shown read-only at `/opt`.
    pub opt: Option<PathBuf>,
    /// Bounds.
    pub limits: Limits,
}

/// How a sandbox ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exit {
    /// Exit status of the main program, when it ended by itself.
    pub code: Option<i32>,
    /// Signal that ended the main program.
    pub signal: Option<i32>,
    /// It was ended for going over `memory_bytes`.
    pub out_of_memory: bool,
}

impl Exit {
    /// What a wait status says.
    fn of_status(status: i32) -> Self {
        Self {
            code: libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status)),
            signal: libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status)),
            out_of_memory: false,
        }
    }
}

/// One line of `cloudling doctor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub what: String,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found.
    pub detail: String,
    /// What to do about it; empty when there is nothing to do.
    pub fix: String,
}

/// Makes sandboxes. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Sandboxes {
    inner: Arc<Backend>,
}

enum Backend {
    Namespace(Box<namespace::Launcher>),
    Process(process::Launcher),
}

/// A started sandbox: the ends of its pipes and a [`Handle`] on its life.
///
/// Take the pieces apart with `let Sandbox { control, stdout, handle, .. } = sandbox;`.
#[derive(Debug)]
pub struct Sandbox {
    /// Unique within the life of the server.
    pub id: u64,
    /// Byte stream to the program, which has the other end as descriptor 3.
    pub control: UnixStream,
    /// What the program writes to descriptor 1. Non-blocking pipe.
    pub stdout: OwnedFd,
    /// What the program writes to descriptor 2. Non-blocking pipe.
    pub stderr: OwnedFd,
    /// Accepts what is connected to `127.0.0.1:9001` inside; none in the process tier. Non-blocking.
    pub runtime_api: Option<TcpListener>,
    /// Its network; none in the process tier.
    pub network: Option<Listeners>,
    /// Its life.
    pub handle: Handle,
}

/// The platform's sockets in the network of a sandbox. They do not block.
#[derive(Debug)]
pub struct Listeners {
    /// `127.0.0.1:4566`.
    pub endpoint: TcpListener,
    /// `127.0.0.1:53`, where names are asked for.
    pub name_datagrams: UdpSocket,
    /// The same for streams.
    pub name_streams: TcpListener,
}

/// Controls one sandbox. Cheap to clone; the sandbox is killed when the last handle is dropped.
#[derive(Debug, Clone)]
pub struct Handle {
    inner: Arc<Life>,
}

#[derive(Debug)]
struct Life {
    exit: watch::Receiver<Option<Exit>>,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Namespace(namespace::Running),
    Process(process::Running),
}

impl std::fmt::Debug for Sandboxes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandboxes").field("tier", &self.tier()).finish_non_exhaustive()
    }
}

impl Sandboxes {
    /// Prepares the tier that `config` asks for and this machine allows.
    ///
    /// # Errors
    /// When the folders cannot be made, or [`TierChoice::Namespace`] was asked for and cannot be had.
    pub async fn start(config: SandboxConfig) -> anyhow::Result<Self> {
        for folder in [&config.run_dir, &config.platform_dir] {
            fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        let backend = match config.tier {
            TierChoice::Namespace => Backend::Namespace(namespace::Launcher::start(&config).await?.into()),
            TierChoice::Process => Backend::Process(process_tier("it was asked for")?),
            TierChoice::Auto => match namespace::Launcher::start(&config).await {
                Ok(launcher) => Backend::Namespace(launcher.into()),
                Err(error) => Backend::Process(process_tier(&format!("{error:#}"))?),
            },
        };
        Ok(Self { inner: Arc::new(backend) })
    }

    /// The tier in use.
    pub fn tier(&self) -> Tier {
        match &*self.inner {
            Backend::Namespace(launcher) => Tier::Namespace { root: launcher.is_root() },
            Backend::Process(_) => Tier::Process,
        }
    }

    /// Starts a program in a sandbox of its own.
    ///
    /// # Errors
    /// When the program or a folder is missing, a limit of the machine or [`SANDBOXES_MAX`] is reached.
    pub async fn launch(&self, spec: LaunchSpec) -> anyhow::Result<Sandbox> {
        match &*self.inner {
            Backend::Namespace(launcher) => {
                let sandbox = launcher.launch(spec).await;
                self.refill_blanks(launcher, BLANK_PAUSE);
                sandbox
            }
            Backend::Process(launcher) => launcher.launch(spec).await,
        }
    }

    /// Keeps `count` sandboxes made ahead, so that a launch only has to start its program. Plain processes
    /// have nothing to make ahead.
    pub fn make_ahead(&self, count: usize) {
        if let Backend::Namespace(launcher) = &*self.inner {
            launcher.want_blanks(count);
            self.refill_blanks(launcher, Duration::ZERO);
        }
    }

    /// Sandboxes that are made and have no program yet.
    pub fn made_ahead(&self) -> usize {
        match &*self.inner {
            Backend::Namespace(launcher) => launcher.blanks(),
            Backend::Process(_) => 0,
        }
    }

    fn refill_blanks(&self, launcher: &namespace::Launcher, pause: Duration) {
        if !launcher.wants_blanks() {
            return;
        }
        let backend = Arc::downgrade(&self.inner);
        launcher.spawn(&REFILL, async move {
            tokio::time::sleep(pause).await;
            match backend.upgrade().as_deref() {
                Some(Backend::Namespace(launcher)) => launcher.refill_blanks().await,
                _ => Ok(()),
            }
        });
    }

    /// Kills every sandbox, waits until they are gone and cleans up. Later launches fail.
    pub async fn shutdown(&self) {
        match &*self.inner {
            Backend::Namespace(launcher) => launcher.shutdown().await,
            Backend::Process(launcher) => launcher.shutdown().await,
        }
    }

    /// What this machine offers for sandboxes, for `cloudling doctor`.
    pub fn probe() -> Vec<Finding> {
        probe::findings()
    }
}

fn process_tier(reason: &str) -> anyhow::Result<process::Launcher> {
    tracing::warn!(
        reason,
        "FUNCTIONS ARE NOT ISOLATED: they run as plain processes and can read and change everything this user can"
    );
    process::Launcher::start()
}

impl Sandbox {
    /// A further handle on this sandbox.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// See [`Handle::bind`].
    ///
    /// # Errors
    /// As [`Handle::bind`].
    pub async fn bind(&self, code: &Path, opt: Option<&Path>, limits: &Limits) -> anyhow::Result<()> {
        self.handle.bind(code, opt, limits).await
    }

    /// See [`Handle::kill`].
    pub fn kill(&self) {
        self.handle.kill();
    }

    /// See [`Handle::wait`].
    pub async fn wait(&self) -> Exit {
        self.handle.wait().await
    }

    /// See [`Handle::memory_peak_reset`].
    pub fn memory_peak_reset(&self) {
        self.handle.memory_peak_reset();
    }

    /// See [`Handle::memory_peak_bytes`].
    pub fn memory_peak_bytes(&self) -> Option<u64> {
        self.handle.memory_peak_bytes()
    }
}

impl Handle {
    /// Makes a generic sandbox a function's own: its code appears at `/var/task`, its layers at
    /// `/opt`, its limits apply.
    ///
    /// A program whose working folder was `/var/task` still stands in the empty one below: it must
    /// change into `/var/task` again. In the process tier nothing can appear; the program must be
    /// told the host's paths.
    ///
    /// # Errors
    /// When a folder is missing or the sandbox has ended.
    pub async fn bind(&self, code: &Path, opt: Option<&Path>, limits: &Limits) -> anyhow::Result<()> {
        match &self.inner.body {
            Body::Namespace(running) => running.bind(code, opt, limits).await,
            Body::Process(running) => running.bind(code, opt, limits),
        }
    }

    /// Kills everything inside at once. Calling it again does nothing.
    pub fn kill(&self) {
        self.inner.kill();
    }

    /// Opens ports 80 and 443 of every loopback address inside. They do not block.
    ///
    /// # Errors
    /// When they are open already, and in the process tier, which has no network of its own.
    pub async fn open_ports(&self) -> anyhow::Result<[TcpListener; 2]> {
        match &self.inner.body {
            Body::Namespace(running) => running.open_ports().await,
            Body::Process(_) => anyhow::bail!("plain processes have no network of their own"),
        }
    }

    /// Has every process inside stand still until [`Self::wake`]. Returns at once; a sandbox that does not
    /// obey ends. In the process tier, what has left the program's session goes on.
    pub fn rest(&self) {
        match &self.inner.body {
            Body::Namespace(running) => running.rest(),
            Body::Process(running) => running.rest(),
        }
    }

    /// Lets the processes run again. What is sent to them before they do waits for them.
    pub fn wake(&self) {
        match &self.inner.body {
            Body::Namespace(running) => running.wake(),
            Body::Process(running) => running.wake(),
        }
    }

    /// Waits until everything inside is gone and tells how the main program ended.
    pub async fn wait(&self) -> Exit {
        let mut exit = self.inner.exit.clone();
        match exit.wait_for(Option::is_some).await {
            Ok(exit) => exit.unwrap_or_default(),
            // The task that watches it went with the runtime: the sandbox dies with the server.
            Err(_) => Exit { signal: Some(libc::SIGKILL), ..Exit::default() },
        }
    }

    /// Starts a new measurement for [`Self::memory_peak_bytes`].
    pub fn memory_peak_reset(&self) {
        match &self.inner.body {
            Body::Namespace(running) => running.memory_peak_reset(),
            Body::Process(running) => running.memory_peak_reset(),
        }
    }

    /// The most memory used at once since the last reset; none when it cannot be measured any more.
    pub fn memory_peak_bytes(&self) -> Option<u64> {
        match &self.inner.body {
            Body::Namespace(running) => running.memory_peak_bytes(),
            Body::Process(running) => running.memory_peak_bytes(),
        }
    }
}

impl Life {
    fn kill(&self) {
        match &self.body {
            Body::Namespace(running) => running.kill(),
            Body::Process(running) => running.kill(),
        }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.kill();
    }
}
