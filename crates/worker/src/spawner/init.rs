//! The first process of a sandbox.
//!
//! It sets the sandbox up, starts the program, binds code when told to, reaps what the program
//! abandons, and tells the server how the program ended. When it ends, the kernel kills everything
//! else in the sandbox. It keeps its capabilities, which count in the sandbox's user namespace only
//! and are needed to bind code later; the program cannot reach it: it may not be traced, its memory is
//! not readable from inside, and the kernel drops signals sent to it from inside.

use std::ffi::CString;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::panic::AssertUnwindSafe;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::filter::Filter;
use super::program::{self, Program};
use super::protocol::{self, BindInside, Failure, Launch, Message, PACKET_BYTES_MAX, Purpose, Start};
use super::rest::{self, Stillness};
use super::serve::{GROUP_INSIDE, USER_INSIDE, step};
use super::sys::{self, check};
use crate::sandbox::Limits;

/// Everything one sandbox is made of.
pub(super) struct Job {
    pub(super) channel: OwnedFd,
    pub(super) control: OwnedFd,
    pub(super) stdout: OwnedFd,
    pub(super) stderr: OwnedFd,
    /// `cgroup.procs` of the sandbox, one for each hierarchy.
    pub(super) cgroups: Vec<OwnedFd>,
    pub(super) code: Option<OwnedFd>,
    pub(super) opt: Option<OwnedFd>,
    pub(super) launch: Launch,
}

/// Longest packet that comes in over the channel once the program runs: a bind.
const MESSAGE_BYTES_MAX: usize = 1024;
/// Bytes of `/tmp` for each file it may hold, as on AWS, and bounds on that number.
const TMP_BYTES_PER_FILE: u64 = 4096;
const TMP_FILES_MIN: u64 = 1024;
const TMP_FILES_MAX: u64 = 1_048_576;
/// What the sandbox's first process itself counts for among its processes.
const OWN_PROCESSES: u64 = 1;

/// Runs a sandbox to its end.
pub(super) fn run(job: Job, go: OwnedFd, filter: &Filter) -> ! {
    // A panic must not unwind into the spawner's loop, of which this process is a copy.
    let done = std::panic::catch_unwind(AssertUnwindSafe(|| live(&job, go, filter)));
    if let Ok(Err(failure)) = done {
        // The server may have gone; then there is nobody to tell.
        let _ = protocol::send(&job.channel, &Message::Failed(failure).encode(), &[]);
    }
    // SAFETY: ends the process without running what belongs to the spawner.
    unsafe { libc::_exit(0) }
}

fn live(job: &Job, go: OwnedFd, filter: &Filter) -> Result<(), Failure> {
    forget_spawner(job, &go).map_err(step("leave the spawner"))?;
    // The spawner says go when our user exists. It closes the pipe when it could not be made.
    let mut byte = [0];
    if std::fs::File::from(go).read(&mut byte).map_err(step("wait for the user"))? == 0 {
        return Ok(());
    }
    enter_cgroups(job).map_err(step("enter the cgroups"))?;
    become_user().map_err(step("become the sandbox's user"))?;
    mount_all(job)?;
    let children = watch_children().map_err(step("watch children"))?;
    let mut inside = Inside { job, filter, process: None };
    if job.launch.purpose != Purpose::Blank {
        inside.start(&job.launch.start, &job.launch.limits)?;
    }
    protocol::send(&job.channel, &Message::Started.encode(), &[]).map_err(step("report the start"))?;
    inside.serve(&children)
}

/// Closes the spawner's descriptors and undoes its signal dispositions.
fn forget_spawner(job: &Job, go: &OwnedFd) -> io::Result<()> {
    let mut kept: Vec<RawFd> = [go, &job.channel, &job.control, &job.stdout, &job.stderr]
        .into_iter()
        .chain(&job.cgroups)
        .chain(&job.code)
        .chain(&job.opt)
        .map(AsRawFd::as_raw_fd)
        .collect();
    sys::close_all_except(&mut kept)?;
    // Otherwise descriptors opened later would take the numbers the program's own are moved to.
    while sys::open_null()? <= protocol::CONTROL_DESCRIPTOR {}
    // Children that are stopped and continued are no news.
    // SAFETY: a structure of numbers, for which zero is a valid value; it outlives the call.
    unsafe {
        let mut disposition: libc::sigaction = std::mem::zeroed();
        disposition.sa_sigaction = libc::SIG_DFL;
        disposition.sa_flags = libc::SA_NOCLDSTOP;
        check(libc::sigaction(libc::SIGCHLD, &raw const disposition, std::ptr::null_mut()).into()).map(drop)
    }
}

fn enter_cgroups(job: &Job) -> io::Result<()> {
    for cgroup in &job.cgroups {
        // 0 means the writer.
        nix::unistd::write(cgroup, b"0")?;
    }
    // From here on the sandbox's cgroup is the root of all it can name.
    sys::unshare(libc::CLONE_NEWCGROUP)
}

fn become_user() -> io::Result<()> {
    // SAFETY: plain system calls on this process; it has one thread, so the raw calls change all of it.
    unsafe {
        // Refused to ordinary users, who have no groups to give up that could be named in here.
        libc::syscall(libc::SYS_setgroups, 0, std::ptr::null::<libc::gid_t>());
        check(libc::syscall(libc::SYS_setresgid, GROUP_INSIDE, GROUP_INSIDE, GROUP_INSIDE))?;
        check(libc::syscall(libc::SYS_setresuid, USER_INSIDE, USER_INSIDE, USER_INSIDE))?;
        libc::umask(0o022);
        check(libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0).into())?;
    }
    Ok(())
}

fn mount_all(job: &Job) -> Result<(), Failure> {
    let flags = libc::MS_RDONLY | libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
    sys::mount(c"proc", c"/proc", flags, c"").map_err(step("mount /proc"))?;
    let flags = libc::MS_NOSUID | libc::MS_NODEV;
    let options = tmp_options(&job.launch.limits).map_err(step("mount /tmp"))?;
    sys::mount(c"tmpfs", c"/tmp", flags, &options).map_err(step("mount /tmp"))?;
    attach(job.code.as_ref(), job.opt.as_ref())?;
    nix::unistd::sethostname("sandbox").map_err(|error| Failure::new("set the host name", &error.into()))
}

fn attach(code: Option<&OwnedFd>, opt: Option<&OwnedFd>) -> Result<(), Failure> {
    if let Some(code) = code {
        sys::attach(code, c"/var/task").map_err(step("show the code at /var/task"))?;
    }
    if let Some(opt) = opt {
        sys::attach(opt, c"/opt").map_err(step("show the layers at /opt"))?;
    }
    Ok(())
}

fn tmp_options(limits: &Limits) -> io::Result<CString> {
    let files = (limits.tmp_bytes / TMP_BYTES_PER_FILE).clamp(TMP_FILES_MIN, TMP_FILES_MAX);
    let options = format!("mode=1777,size={},nr_inodes={files}", limits.tmp_bytes);
    CString::new(options).map_err(|_| io::ErrorKind::InvalidInput.into())
}

/// Has the end of a child arrive as data. Signals stay blocked here; the program unblocks its own.
fn watch_children() -> io::Result<OwnedFd> {
    // SAFETY: the set is initialised by the first call; the descriptor is ours.
    unsafe {
        let mut signals = std::mem::zeroed();
        libc::sigfillset(&raw mut signals);
        check(libc::sigprocmask(libc::SIG_SETMASK, &raw const signals, std::ptr::null_mut()).into())?;
        libc::sigemptyset(&raw mut signals);
        libc::sigaddset(&raw mut signals, libc::SIGCHLD);
        let descriptor =
            check(libc::signalfd(-1, &raw const signals, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK).into())?;
        Ok(OwnedFd::from_raw_fd(descriptor as RawFd))
    }
}

/// A sandbox that is set up.
struct Inside<'a> {
    job: &'a Job,
    filter: &'a Filter,
    /// The program, once it runs.
    process: Option<libc::pid_t>,
}

impl Inside<'_> {
    fn start(&mut self, start: &Start, limits: &Limits) -> Result<(), Failure> {
        let program = Program::new(self.job, start, *limits, self.filter)?;
        self.process = Some(program::start(&program, &self.job.channel)?);
        Ok(())
    }

    /// Waits for the program's end, the server's end and the server's wishes.
    fn serve(&mut self, children: &OwnedFd) -> Result<(), Failure> {
        let job = self.job;
        // A blank sandbox gets a whole program in one packet.
        let mut buffer = vec![0; if self.process.is_none() { PACKET_BYTES_MAX } else { MESSAGE_BYTES_MAX }];
        loop {
            let mut wanted = [
                PollFd::new(children.as_fd(), PollFlags::POLLIN),
                PollFd::new(job.channel.as_fd(), PollFlags::POLLIN),
            ];
            match poll(&mut wanted, PollTimeout::NONE) {
                Ok(_) | Err(nix::Error::EINTR) => {}
                Err(error) => return Err(Failure::new("wait", &error.into())),
            }
            let [child_ended, message_came] = wanted.map(|descriptor| descriptor.any().unwrap_or(true));
            if child_ended {
                let mut drained = [0; 512];
                let _ = nix::unistd::read(children, &mut drained);
                if let Some(status) = reap(self.process) {
                    let exited = Message::Exited(status).encode();
                    return protocol::send(&job.channel, &exited, &[]).map_err(step("report the end"));
                }
            }
            if message_came {
                match protocol::receive_into(&job.channel, &mut buffer) {
                    Ok(Some((length, descriptors))) => {
                        if let Some(answer) = self.answer(&buffer[..length], descriptors) {
                            buffer = vec![0; MESSAGE_BYTES_MAX];
                            protocol::send(&job.channel, &answer.encode(), &[]).map_err(step("answer"))?;
                        }
                    }
                    // The server has gone or has dropped this sandbox.
                    Ok(None) | Err(_) => return Ok(()),
                }
            }
        }
    }

    fn answer(&mut self, bytes: &[u8], descriptors: Vec<OwnedFd>) -> Option<Message> {
        let bound = match Message::decode(bytes) {
            Ok(Message::Rest) => {
                let stillness = rest::stop_all(&self.job.channel);
                return (stillness == Stillness::Refused).then_some(Message::Restless);
            }
            Ok(Message::Wake) => {
                rest::continue_all();
                return None;
            }
            Ok(Message::Bind(bind)) => self.bind(bind, descriptors),
            // The spawner could not open a folder; only this process can tell the server.
            Ok(Message::NotBound(failure)) => Err(failure),
            _ => Err(Failure { step: "read a request".into(), errno: libc::EPROTO }),
        };
        Some(match bound {
            Ok(()) => Message::Bound,
            Err(failure) => Message::NotBound(failure),
        })
    }

    fn bind(&mut self, bind: BindInside, descriptors: Vec<OwnedFd>) -> Result<(), Failure> {
        let BindInside { limits, trees, start } = bind;
        let mut descriptors = descriptors.into_iter();
        let code = trees.code.then(|| descriptors.next()).flatten();
        let opt = trees.opt.then(|| descriptors.next()).flatten();
        attach(code.as_ref(), opt.as_ref())?;
        let options = tmp_options(&limits).map_err(step("size /tmp"))?;
        let flags = libc::MS_REMOUNT | libc::MS_NOSUID | libc::MS_NODEV;
        sys::mount(c"tmpfs", c"/tmp", flags, &options).map_err(step("size /tmp"))?;
        match (self.process, start) {
            (None, Some(start)) => self.start(&start, &limits),
            (Some(process), None) => set_limits(process, &limits).map_err(step("set resource limits")),
            _ => Err(Failure { step: "find the program".into(), errno: libc::EPROTO }),
        }
    }
}

/// Reaps everything that has ended; gives the program's wait status if it is among them.
fn reap(program: Option<libc::pid_t>) -> Option<i32> {
    let mut ended = None;
    loop {
        let mut status = 0;
        // SAFETY: `status` is valid for the call.
        match unsafe { libc::waitpid(-1, &mut status, libc::WNOHANG) } {
            process if process <= 0 => return ended,
            process if Some(process) == program => ended = Some(status),
            _ => {}
        }
    }
}

/// Sets resource limits of a process of this sandbox; 0 means the caller. They can only be lowered.
pub(super) fn set_limits(process: libc::pid_t, limits: &Limits) -> io::Result<()> {
    let processes = limits.processes.saturating_add(OWN_PROCESSES);
    for (resource, value) in
        [(libc::RLIMIT_NOFILE, limits.open_files), (libc::RLIMIT_NPROC, processes), (libc::RLIMIT_CORE, 0)]
    {
        let mut limit = libc::rlimit64 { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: `limit` is valid for both calls.
        unsafe {
            check(libc::prlimit64(process, resource, std::ptr::null(), &raw mut limit).into())?;
            let value = value.min(limit.rlim_max);
            limit = libc::rlimit64 { rlim_cur: value, rlim_max: value };
            check(libc::prlimit64(process, resource, &raw const limit, std::ptr::null_mut()).into())?;
        }
    }
    Ok(())
}

/// The strings a program starts with.
pub(super) struct Strings {
    pub(super) program: CString,
    pub(super) working_folder: CString,
    pub(super) arguments: Vec<CString>,
    pub(super) environment: Vec<CString>,
}

impl Strings {
    pub(super) fn of(start: &Start) -> io::Result<Self> {
        let string =
            |bytes: Vec<u8>| CString::new(bytes).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput));
        let mut arguments = vec![sys::c_path(&start.program)?];
        for argument in &start.arguments {
            arguments.push(string(argument.as_bytes().to_vec())?);
        }
        let mut environment = Vec::with_capacity(start.environment.len());
        for (name, value) in &start.environment {
            environment.push(string([name.as_bytes(), b"=", value.as_bytes()].concat())?);
        }
        Ok(Self {
            program: sys::c_path(&start.program)?,
            working_folder: sys::c_path(&start.working_folder)?,
            arguments,
            environment,
        })
    }
}

/// Whether the program is to be started at all.
pub(super) fn is_trial(job: &Job) -> bool {
    job.launch.purpose == Purpose::Trial
}
