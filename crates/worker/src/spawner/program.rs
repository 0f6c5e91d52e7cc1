//! The last steps before a program runs: what it must not have is taken away, in this order.
//!
//! Descriptors, resource limits, its session and signals, writing outside `/tmp` (Landlock),
//! capabilities, gaining any by exec, and system calls (seccomp).

use std::cell::Cell;
use std::ffi::{CString, c_char, c_int, c_void};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::ptr;

use landlock::{
    ABI, AccessFs, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr,
};

use super::filter::Filter;
use super::init::{self, Job, Strings};
use super::protocol::{CONTROL_DESCRIPTOR, Failure, Message, Start};
use super::serve::step;
use super::sys::{self, check};
use crate::sandbox::Limits;

/// Stack of the process that becomes the program, until it does.
const STACK_BYTES: usize = 128 * 1024;
/// Received descriptors are moved to this number or above, out of the way of 0 to 3.
const DESCRIPTORS_ASIDE: RawFd = 16;
/// Last capability any kernel knows, and some to spare; dropping an unknown one only fails.
const CAPABILITIES: libc::c_ulong = 64;

/// A program, ready to be started.
pub(super) struct Program<'a> {
    strings: Strings,
    limits: Limits,
    descriptors: [RawFd; 3],
    channel: RawFd,
    trial: bool,
    writes: Cell<Option<RulesetCreated>>,
    filter: &'a Filter,
    failed: Cell<bool>,
}

impl<'a> Program<'a> {
    pub(super) fn new(job: &Job, start: &Start, limits: Limits, filter: &'a Filter) -> Result<Self, Failure> {
        Ok(Self {
            strings: Strings::of(start).map_err(step("read arguments and environment"))?,
            limits,
            descriptors: [job.stdout.as_raw_fd(), job.stderr.as_raw_fd(), job.control.as_raw_fd()],
            channel: job.channel.as_raw_fd(),
            trial: init::is_trial(job),
            writes: Cell::new(only_tmp()),
            filter,
            failed: Cell::new(false),
        })
    }
}

/// Starts the program and gives its process. Returns when the program has replaced our code.
pub(super) fn start(program: &Program<'_>, channel: &OwnedFd) -> Result<libc::pid_t, Failure> {
    debug_assert_eq!(channel.as_raw_fd(), program.channel);
    let mut stack = vec![0_u128; STACK_BYTES / size_of::<u128>()];
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: this process sleeps until the child has replaced or ended itself, so the memory they share has
    // one user at a time; the stack is large enough for `become_program`, aligned, and outlives that.
    let process = unsafe {
        let top = stack.as_mut_ptr_range().end.cast::<c_void>();
        libc::clone(child, top, flags, ptr::from_ref(program).cast_mut().cast())
    };
    if process < 0 {
        return Err(Failure::new("start a process", &io::Error::last_os_error()));
    }
    if program.failed.get() {
        // The child has said why. Ending is all that is left to do.
        // SAFETY: ends the process without running what belongs to the spawner.
        unsafe { libc::_exit(0) }
    }
    Ok(process)
}

/// Writing anywhere but in `/tmp` and on devices is refused, should a read-only mount ever fail to.
///
/// None where the kernel has no Landlock.
fn only_tmp() -> Option<RulesetCreated> {
    let writes = AccessFs::from_write(ABI::V3);
    let ruleset = Ruleset::default().handle_access(writes).ok()?.create().ok()?;
    let (tmp, devices) = (PathFd::new("/tmp").ok()?, PathFd::new("/dev").ok()?);
    let ruleset = ruleset.add_rule(PathBeneath::new(tmp, writes)).ok()?;
    ruleset.add_rule(PathBeneath::new(devices, AccessFs::WriteFile)).ok()
}

extern "C" fn child(program: *mut c_void) -> c_int {
    // SAFETY: `start` passes a program that lives until this process has replaced or ended itself.
    let program = unsafe { &*program.cast::<Program<'_>>() };
    let Err(failure) = become_program(program);
    program.failed.set(true);
    let message = Message::Failed(failure).encode();
    // SAFETY: the buffer is valid for its length; ending here runs nothing of the parent's.
    unsafe {
        libc::send(program.channel, message.as_ptr().cast(), message.len(), libc::MSG_NOSIGNAL);
        libc::_exit(127)
    }
}

fn become_program(program: &Program<'_>) -> Result<std::convert::Infallible, Failure> {
    let arguments = pointers(&program.strings.arguments);
    let environment = pointers(&program.strings.environment);
    // The channel stays open up to exec, to report what goes wrong; the kernel closes it then.
    let mut failed_step = "arrange descriptors";
    let prepared = (|| {
        arrange_descriptors(program)?;
        failed_step = "set resource limits";
        init::set_limits(0, &program.limits)?;
        failed_step = "make a session";
        reset_signals_and_session()?;
        failed_step = "forbid gaining privileges";
        forbid_new_privileges()?;
        failed_step = "enter the working folder";
        // SAFETY: the path is a valid string.
        check(unsafe { libc::chdir(program.strings.working_folder.as_ptr()) }.into())?;
        failed_step = "forbid writing outside /tmp";
        if let Some(rules) = program.writes.take() {
            rules.restrict_self().map_err(io::Error::other)?;
        }
        failed_step = "drop capabilities";
        drop_capabilities()?;
        failed_step = "filter system calls";
        program.filter.install()
    })();
    prepared.map_err(|error| Failure::new(failed_step, &error))?;
    if program.trial {
        // SAFETY: ends this process only.
        unsafe { libc::_exit(0) }
    }
    // SAFETY: program, arguments and environment are valid strings, the lists end with a null pointer.
    let error = unsafe {
        libc::execve(program.strings.program.as_ptr(), arguments.as_ptr(), environment.as_ptr());
        io::Error::last_os_error()
    };
    Err(Failure::new(&format!("run {}", program.strings.program.to_string_lossy()), &error))
}

fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect()
}

/// 0 is `/dev/null`, 1 and 2 the pipes, 3 the control stream; everything else closes on exec.
fn arrange_descriptors(program: &Program<'_>) -> io::Result<()> {
    let aside = |descriptor: RawFd| {
        // SAFETY: plain system call; this process has its own descriptor table.
        check(unsafe { libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, DESCRIPTORS_ASIDE) }.into())
            .map(|moved| moved as RawFd)
    };
    let null = sys::open_null()?;
    let [stdout, stderr, control] = program.descriptors;
    let sources = [aside(null)?, aside(stdout)?, aside(stderr)?, aside(control)?];
    for (target, source) in (0..=CONTROL_DESCRIPTOR).zip(sources) {
        if target == program.channel {
            // It would be overwritten. The channel is received after the spawner has opened others, so it
            // never is; refusing beats reporting into the wrong descriptor.
            return Err(io::Error::from_raw_os_error(libc::EBADF));
        }
        // SAFETY: plain system call; this process has its own descriptor table.
        check(unsafe { libc::dup2(source, target) }.into())?;
    }
    let first = (CONTROL_DESCRIPTOR + 1) as u32;
    // SAFETY: plain system call; this process has its own descriptor table.
    check(unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) })
        .map(drop)
}

fn reset_signals_and_session() -> io::Result<()> {
    // SAFETY: plain system calls on this process; the set is initialised before it is used. Dispositions are
    // this process's own: memory is shared with the parent, signal handlers are not.
    unsafe {
        check(libc::setsid().into())?;
        // The spawner's start-up code ignores it; a program expects the default.
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        let mut none = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        check(libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut()).into())?;
    }
    Ok(())
}

fn forbid_new_privileges() -> io::Result<()> {
    // SAFETY: takes no pointers.
    check(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }.into()).map(drop)
}

/// The kernel's `struct __user_cap_header_struct`, version 3.
#[repr(C)]
struct CapabilityHeader {
    version: u32,
    process: c_int,
}

const CAPABILITY_VERSION_3: u32 = 0x2008_0522;

fn drop_capabilities() -> io::Result<()> {
    let header = CapabilityHeader { version: CAPABILITY_VERSION_3, process: 0 };
    let none = [0_u32; 6];
    // SAFETY: takes no pointers, then two structures as the kernel defines them.
    unsafe {
        for capability in 0..CAPABILITIES {
            // The first number the kernel does not know ends the list.
            if libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 {
                break;
            }
        }
        check(libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0).into())?;
        check(libc::syscall(libc::SYS_capset, &raw const header, none.as_ptr())).map(drop)
    }
}
