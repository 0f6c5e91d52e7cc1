//! The process tier: plain child processes.
//!
//! Children get their own session, resource limits and exactly the descriptors 0 to 3. They see the
//! host's files and network. Memory is measured by polling; a child that starts processes in
//! sessions of their own and abandons them can leave them behind.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use anyhow::{Context, bail};
use tasks::Tasks;
use tokio::io::unix::AsyncFd;
use tokio::sync::{oneshot, watch};

use super::plumbing::{lock, pipe, watched};
use super::{Body, Exit, FOLLOW, Handle, LaunchSpec, Life, Limits, SANDBOXES_MAX, Sandbox, usage};

/// Time between two looks at the memory of a child.
const MEMORY_POLL: Duration = Duration::from_millis(100);

type Job = Box<dyn FnOnce() + Send>;

/// Starts children from one thread that lives as long as it does.
///
/// The kernel ends a child when the thread that made it ends (that is how children die with the
/// server), so the threads of the async runtime, which come and go, must not make them.
pub(super) struct Launcher {
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    next_id: AtomicU64,
    tasks: Tasks,
    living: Arc<Mutex<HashMap<u64, Living>>>,
    /// Keeps the number of the control stream taken in the server, so that no pipe the standard library makes
    /// to report a failed exec has that number in the child, where it is overwritten.
    _reserved: Option<OwnedFd>,
}

#[derive(Debug)]
struct Living {
    process: Arc<Process>,
    exit: watch::Receiver<Option<Exit>>,
}

/// One running child.
#[derive(Debug)]
pub(super) struct Running {
    process: Arc<Process>,
    memory: Arc<Memory>,
}

#[derive(Debug)]
struct Process {
    pid: i32,
    pidfd: OwnedFd,
    /// Set before the pid is reaped and can mean another process.
    ended: Mutex<bool>,
}

#[derive(Debug)]
struct Memory {
    limit_bytes: AtomicU64,
    peak_bytes: AtomicU64,
    exceeded: AtomicBool,
}

impl Launcher {
    pub(super) fn start() -> anyhow::Result<Self> {
        let (sender, jobs) = mpsc::channel::<Job>();
        std::thread::Builder::new()
            .name("sandbox-launcher".into())
            .spawn(move || jobs.into_iter().for_each(|job| job()))
            .context("cannot start the launcher thread")?;
        Ok(Self {
            jobs: Mutex::new(Some(sender)),
            next_id: AtomicU64::new(1),
            tasks: Tasks::new(),
            living: Arc::default(),
            _reserved: reserve_control_descriptor().context("cannot reserve a descriptor")?,
        })
    }

    pub(super) async fn launch(&self, spec: LaunchSpec) -> anyhow::Result<Sandbox> {
        if lock(&self.living).len() >= SANDBOXES_MAX {
            bail!("{SANDBOXES_MAX} sandboxes are running, which is the most this server starts");
        }
        let limits = spec.limits;
        let (reply, started) = oneshot::channel();
        let job: Job = Box::new(move || {
            // The receiver may have gone; then the child is killed as its pieces are dropped.
            let _ = reply.send(spawn(&spec));
        });
        match &*lock(&self.jobs) {
            Some(jobs) if jobs.send(job).is_ok() => {}
            _ => bail!("sandboxes are shut down"),
        }
        let child = started.await.context("the launcher thread ended")??;

        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let memory = Arc::new(Memory {
            limit_bytes: AtomicU64::new(limits.memory_bytes),
            peak_bytes: AtomicU64::new(0),
            exceeded: AtomicBool::new(false),
        });
        let (report, exit) = watch::channel(None);
        lock(&self.living).insert(id, Living { process: Arc::clone(&child.process), exit: exit.clone() });
        let watcher = Watcher {
            id,
            process: Arc::clone(&child.process),
            memory: Arc::clone(&memory),
            living: Arc::clone(&self.living),
            report,
        };
        self.tasks.spawn(&FOLLOW, watcher.run());
        let running = Running { process: child.process, memory };
        Ok(Sandbox {
            id,
            control: child.control,
            stdout: child.stdout,
            stderr: child.stderr,
            runtime_api: None,
            network: None,
            handle: Handle { inner: Arc::new(Life { exit, body: Body::Process(running) }) },
        })
    }

    pub(super) async fn shutdown(&self) {
        lock(&self.jobs).take();
        let exits: Vec<_> = lock(&self.living)
            .values()
            .map(|living| {
                living.process.kill();
                living.exit.clone()
            })
            .collect();
        for mut exit in exits {
            let _ = exit.wait_for(Option::is_some).await;
        }
    }
}

impl Running {
    pub(super) fn bind(&self, code: &Path, opt: Option<&Path>, limits: &Limits) -> anyhow::Result<()> {
        for folder in [Some(code), opt].into_iter().flatten() {
            if !folder.is_dir() {
                bail!("{} is not a folder", folder.display());
            }
        }
        if *lock(&self.process.ended) {
            bail!("the sandbox has ended");
        }
        self.memory.limit_bytes.store(limits.memory_bytes, Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn kill(&self) {
        self.process.kill();
    }

    /// Stops the session; what has left it goes on.
    pub(super) fn rest(&self) {
        self.process.signal(libc::SIGSTOP);
    }

    pub(super) fn wake(&self) {
        self.process.signal(libc::SIGCONT);
    }

    pub(super) fn memory_peak_reset(&self) {
        let now = usage::tree_bytes(self.process.pid).unwrap_or(0);
        self.memory.peak_bytes.store(now, Ordering::Relaxed);
    }

    pub(super) fn memory_peak_bytes(&self) -> Option<u64> {
        if let Some(now) = usage::tree_bytes(self.process.pid) {
            self.memory.peak_bytes.fetch_max(now, Ordering::Relaxed);
        }
        match self.memory.peak_bytes.load(Ordering::Relaxed) {
            0 => None,
            peak => Some(peak),
        }
    }
}

impl Process {
    fn signal(&self, signal: i32) {
        let ended = lock(&self.ended);
        if !*ended {
            // SAFETY: plain system call. The child has not been reaped, so the group is its own.
            unsafe { libc::kill(-self.pid, signal) };
        }
    }

    /// Kills the child's session and what it started, as far as it can be found.
    fn kill(&self) {
        let ended = lock(&self.ended);
        if *ended {
            return;
        }
        let below = usage::descendants(self.pid);
        // SAFETY: plain system calls. The child has not been reaped, so its pid and group are its own.
        unsafe {
            libc::kill(-self.pid, libc::SIGKILL);
            libc::kill(self.pid, libc::SIGKILL);
            for process in below {
                libc::kill(process, libc::SIGKILL);
            }
        }
    }

    /// Takes the exit status of a child that has ended.
    fn reap(&self) -> Option<Exit> {
        let mut ended = lock(&self.ended);
        let mut status = 0;
        // SAFETY: `status` is valid for the call; the pid is our unreaped child.
        let reaped = unsafe { libc::waitpid(self.pid, &mut status, libc::WNOHANG) };
        if reaped == 0 {
            return None;
        }
        *ended = true;
        // What shares the child's process group ends with it.
        // SAFETY: plain system call; the group id stays taken while it has members.
        unsafe { libc::kill(-self.pid, libc::SIGKILL) };
        Some(Exit::of_status(status))
    }
}

/// Follows one child to its end and bounds its memory.
struct Watcher {
    id: u64,
    process: Arc<Process>,
    memory: Arc<Memory>,
    living: Arc<Mutex<HashMap<u64, Living>>>,
    report: watch::Sender<Option<Exit>>,
}

impl Watcher {
    async fn run(self) -> anyhow::Result<()> {
        let registered = self.process.pidfd.try_clone().and_then(watched);
        let ended = match registered {
            Ok(pidfd) => self.follow(&pidfd).await,
            Err(error) => {
                tracing::error!(%error, "a sandbox cannot be watched and is killed");
                self.process.kill();
                loop {
                    if let Some(exit) = self.process.reap() {
                        break exit;
                    }
                    tokio::time::sleep(MEMORY_POLL).await;
                }
            }
        };
        let out_of_memory = self.memory.exceeded.load(Ordering::Relaxed);
        lock(&self.living).remove(&self.id);
        self.report.send_replace(Some(Exit { out_of_memory, ..ended }));
        Ok(())
    }

    async fn follow(&self, pidfd: &AsyncFd<OwnedFd>) -> Exit {
        let mut poll = tokio::time::interval(MEMORY_POLL);
        poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                ready = pidfd.readable() => {
                    if let Some(exit) = self.process.reap() {
                        return exit;
                    }
                    if let Ok(mut ready) = ready {
                        ready.clear_ready();
                    }
                }
                _ = poll.tick() => self.look_at_memory(),
            }
        }
    }

    fn look_at_memory(&self) {
        let Some(bytes) = usage::tree_bytes(self.process.pid) else { return };
        self.memory.peak_bytes.fetch_max(bytes, Ordering::Relaxed);
        if bytes > self.memory.limit_bytes.load(Ordering::Relaxed) {
            self.memory.exceeded.store(true, Ordering::Relaxed);
            self.process.kill();
        }
    }
}

struct Child {
    process: Arc<Process>,
    control: UnixStream,
    stdout: OwnedFd,
    stderr: OwnedFd,
}

fn spawn(spec: &LaunchSpec) -> anyhow::Result<Child> {
    let (control, theirs) = UnixStream::pair().context("cannot make a socket pair")?;
    control.set_nonblocking(true)?;
    let (stdout, stdout_theirs) = pipe()?;
    let (stderr, stderr_theirs) = pipe()?;
    let mut command = Command::new(&spec.program);
    command
        .args(&spec.arguments)
        .env_clear()
        .envs(spec.environment.iter().map(|(name, value)| (name, value)))
        .current_dir(&spec.working_folder)
        .stdin(Stdio::null())
        .stdout(stdout_theirs)
        .stderr(stderr_theirs);
    let preparation = Preparation {
        control: theirs.as_raw_fd(),
        server: std::process::id() as i32,
        open_files: spec.limits.open_files,
    };
    // SAFETY: between fork and exec it makes system calls only: no allocation, no locks.
    unsafe { command.pre_exec(move || preparation.apply()) };
    let child = command.spawn().with_context(|| {
        format!("cannot start {} in {}", spec.program.display(), spec.working_folder.display())
    })?;
    let pid = child.id() as i32;
    // SAFETY: plain system call on our own unreaped child.
    let pidfd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    if pidfd < 0 {
        let error = io::Error::last_os_error();
        // SAFETY: plain system calls on our own unreaped child.
        unsafe {
            libc::kill(pid, libc::SIGKILL);
            libc::waitpid(pid, std::ptr::null_mut(), 0);
        }
        return Err(error).context("cannot watch the process");
    }
    // SAFETY: the kernel has just given us this descriptor.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd as RawFd) };
    let process = Arc::new(Process { pid, pidfd, ended: Mutex::new(false) });
    Ok(Child { process, control, stdout, stderr })
}

/// What the child does between fork and exec.
struct Preparation {
    control: RawFd,
    server: i32,
    open_files: u64,
}

impl Preparation {
    fn apply(&self) -> io::Result<()> {
        // SAFETY: plain system calls on the child's own state.
        unsafe {
            check(libc::setsid())?;
            check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0))?;
            if libc::getppid() != self.server {
                // The server died before it could be asked to take the child with it.
                return Err(io::Error::from_raw_os_error(libc::ESRCH));
            }
            check(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))?;
            if self.control == CONTROL_DESCRIPTOR {
                check(libc::fcntl(self.control, libc::F_SETFD, 0))?;
            } else {
                check(libc::dup2(self.control, CONTROL_DESCRIPTOR))?;
            }
            // Marked, not closed: the standard library reports a failed exec through one of them.
            let first = (CONTROL_DESCRIPTOR + 1) as libc::c_uint;
            let marked =
                libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
            check(marked as i32)?;
            lower_limit(libc::RLIMIT_NOFILE, self.open_files)?;
            lower_limit(libc::RLIMIT_CORE, 0)?;
        }
        Ok(())
    }
}

/// The descriptor that carries the control stream inside.
const CONTROL_DESCRIPTOR: RawFd = 3;

fn reserve_control_descriptor() -> io::Result<Option<OwnedFd>> {
    let null = OwnedFd::from(std::fs::File::open("/dev/null")?);
    if null.as_raw_fd() == CONTROL_DESCRIPTOR {
        return Ok(Some(null));
    }
    // The lowest free number from there on; another number means that it is taken already.
    // SAFETY: plain system call on a descriptor we own.
    let reserved = unsafe { libc::fcntl(null.as_raw_fd(), libc::F_DUPFD_CLOEXEC, CONTROL_DESCRIPTOR) };
    check(reserved)?;
    // SAFETY: the kernel has just given us this descriptor.
    let reserved = unsafe { OwnedFd::from_raw_fd(reserved) };
    Ok((reserved.as_raw_fd() == CONTROL_DESCRIPTOR).then_some(reserved))
}

fn lower_limit(resource: libc::__rlimit_resource_t, value: u64) -> io::Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is valid for both calls.
    unsafe {
        check(libc::getrlimit(resource, &mut limit))?;
        let value = value.min(limit.rlim_max);
        limit = libc::rlimit { rlim_cur: value, rlim_max: value };
        check(libc::setrlimit(resource, &limit))
    }
}

fn check(result: i32) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
