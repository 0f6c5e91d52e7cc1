//! System calls without a safe wrapper in our dependencies, and short forms of others.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::path::Path;

use std::os::unix::ffi::OsStrExt;

/// Turns the `-1` of a system call into its error.
pub(super) fn check(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// A path as system calls take it. Paths with a NUL byte name no file.
pub(super) fn c_path(path: impl AsRef<Path>) -> io::Result<CString> {
    CString::new(path.as_ref().as_os_str().as_bytes())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a path holds a NUL byte"))
}

/// Has the kernel kill this process when the thread that started it ends.
pub(super) fn die_with_parent() -> io::Result<()> {
    signal_of_parents_end(libc::SIGKILL)
}

/// Has the kernel send this process a signal when the thread that started it ends.
pub(super) fn signal_of_parents_end(signal: libc::c_int) -> io::Result<()> {
    // SAFETY: takes no pointers.
    check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, signal, 0, 0, 0) }.into()).map(drop)
}

pub(super) fn unshare(flags: libc::c_int) -> io::Result<()> {
    // SAFETY: takes no pointers; this process has one thread.
    check(unsafe { libc::unshare(flags) }.into()).map(drop)
}

/// Enters a namespace. `kind` is its `CLONE_NEW…` flag.
pub(super) fn enter_namespace(namespace: &OwnedFd, kind: libc::c_int) -> io::Result<()> {
    // SAFETY: takes no pointers; the descriptor is open.
    check(unsafe { libc::setns(namespace.as_raw_fd(), kind) }.into()).map(drop)
}

/// Forks this single-threaded process. Gives 0 in the child.
pub(super) fn fork() -> io::Result<libc::pid_t> {
    // SAFETY: the process has one thread, so the child may do everything the parent may.
    check(unsafe { libc::fork() }.into()).map(|process| process as libc::pid_t)
}

/// The exit status of a child if it has ended, 128 + n when signal n ended it.
pub(super) fn look_for(child: libc::pid_t) -> io::Result<Option<i32>> {
    let mut status = 0;
    // SAFETY: `status` is valid for the call.
    match check(unsafe { libc::waitpid(child, &mut status, libc::WNOHANG) }.into()) {
        Ok(0) => Ok(None),
        Ok(_) if libc::WIFSIGNALED(status) => Ok(Some(128 + libc::WTERMSIG(status))),
        Ok(_) => Ok(Some(libc::WEXITSTATUS(status))),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
        Err(error) => Err(error),
    }
}

/// The two sides of a [`clone_process`].
pub(super) enum Cloned {
    /// In the new process.
    Child,
    /// In the old one.
    Parent {
        /// Number of the new process in this PID namespace.
        process: libc::pid_t,
        /// Stable reference to it.
        pidfd: OwnedFd,
    },
}

/// First version of the kernel's `struct clone_args`.
#[repr(C)]
#[derive(Default)]
struct CloneArguments {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
}

/// Forks this single-threaded process into new namespaces.
pub(super) fn clone_process(namespaces: libc::c_int) -> io::Result<Cloned> {
    let mut pidfd: RawFd = -1;
    let arguments = CloneArguments {
        flags: (namespaces | libc::CLONE_PIDFD) as u64,
        pidfd: (&raw mut pidfd) as u64,
        exit_signal: libc::SIGCHLD as u64,
        ..CloneArguments::default()
    };
    // SAFETY: the structure is as the kernel defines it and outlives the call; memory is not shared, so the
    // child runs on its own copy of this stack; the process has one thread.
    let process = check(unsafe {
        libc::syscall(libc::SYS_clone3, &raw const arguments, std::mem::size_of::<CloneArguments>())
    })?;
    if process == 0 {
        return Ok(Cloned::Child);
    }
    // SAFETY: the kernel has just put this descriptor there for us.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    Ok(Cloned::Parent { process: process as libc::pid_t, pidfd })
}

/// Closes every descriptor of this process that is not listed.
pub(super) fn close_all_except(kept: &mut [RawFd]) -> io::Result<()> {
    kept.sort_unstable();
    let mut first: u32 = 0;
    for &descriptor in kept.iter() {
        let descriptor = descriptor as u32;
        if descriptor > first {
            close_range(first, descriptor - 1)?;
        }
        first = descriptor + 1;
    }
    close_range(first, u32::MAX)
}

pub(super) fn close_range(first: u32, last: u32) -> io::Result<()> {
    // SAFETY: closes descriptors only; the callers own what they close or never use it again.
    check(unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) }).map(drop)
}

/// Opens `/dev/null` and leaves it open; closed on exec.
pub(super) fn open_null() -> io::Result<RawFd> {
    // SAFETY: the path is a valid string.
    check(unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) }.into())
        .map(|descriptor| descriptor as RawFd)
}

/// Sets the propagation of a mount and of everything below it.
pub(super) fn change_propagation(path: &str, propagation: libc::c_ulong) -> io::Result<()> {
    let path = c_path(path)?;
    // SAFETY: the path is a valid string; the other pointers may be null for this kind of call.
    let result = unsafe {
        libc::mount(
            std::ptr::null(),
            path.as_ptr(),
            std::ptr::null(),
            libc::MS_REC | propagation,
            std::ptr::null(),
        )
    };
    check(result.into()).map(drop)
}

/// Mounts a new file system of a kind.
pub(super) fn mount(kind: &CStr, target: &CStr, flags: libc::c_ulong, options: &CStr) -> io::Result<()> {
    // SAFETY: all four are valid strings for the call.
    let result =
        unsafe { libc::mount(kind.as_ptr(), target.as_ptr(), kind.as_ptr(), flags, options.as_ptr().cast()) };
    check(result.into()).map(drop)
}

/// `statx`-free flags of [`open_tree`].
const OPEN_TREE_CLONE: u32 = 1;
const OPEN_TREE_CLOEXEC: u32 = libc::O_CLOEXEC as u32;
const AT_RECURSIVE: u32 = 0x8000;
const MOVE_MOUNT_F_EMPTY_PATH: u32 = 4;
const MOUNT_ATTR_RDONLY: u64 = 1;
const MOUNT_ATTR_NOSUID: u64 = 2;
const MOUNT_ATTR_NODEV: u64 = 4;

/// The kernel's `struct mount_attr`.
#[repr(C)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

/// Whether device files work on a mount.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Devices {
    /// They do.
    Work,
    /// They do not.
    Refused,
}

/// A read-only copy, attached nowhere, of the mounts at `path`.
pub(super) fn read_only_tree(path: &Path, devices: Devices) -> io::Result<OwnedFd> {
    let path = c_path(path)?;
    let flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE;
    // SAFETY: the path is a valid string for the call.
    let tree = check(unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags) })?;
    // SAFETY: the kernel has just given us this descriptor.
    let tree = unsafe { OwnedFd::from_raw_fd(tree as RawFd) };
    let nodev = if devices == Devices::Refused { MOUNT_ATTR_NODEV } else { 0 };
    make_read_only(&tree, MOUNT_ATTR_NOSUID | nodev)?;
    Ok(tree)
}

fn make_read_only(tree: &OwnedFd, more: u64) -> io::Result<()> {
    let attributes = MountAttributes {
        set: MOUNT_ATTR_RDONLY | more,
        clear: 0,
        propagation: libc::MS_PRIVATE,
        user_namespace: 0,
    };
    let flags = libc::AT_EMPTY_PATH as u32 | AT_RECURSIVE;
    // SAFETY: the structure is as the kernel defines it and outlives the call.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            tree.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attributes,
            std::mem::size_of::<MountAttributes>(),
        )
    })
    .map(drop)
}

/// Makes the mount at `path`, but not the ones below it, read-only.
pub(super) fn seal(path: &CStr) -> io::Result<()> {
    let attributes = MountAttributes { set: MOUNT_ATTR_RDONLY, clear: 0, propagation: 0, user_namespace: 0 };
    // SAFETY: the path is a valid string and the structure is as the kernel defines it.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            0,
            &raw const attributes,
            std::mem::size_of::<MountAttributes>(),
        )
    })
    .map(drop)
}

/// Attaches a tree over the folder or file at `target`.
pub(super) fn attach(tree: &OwnedFd, target: &CStr) -> io::Result<()> {
    // SAFETY: both paths are valid strings for the call.
    check(unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_FDCWD,
            target.as_ptr(),
            MOVE_MOUNT_F_EMPTY_PATH,
        )
    })
    .map(drop)
}

/// Makes the working folder the root and forgets the old root.
pub(super) fn become_root_here() -> io::Result<()> {
    // SAFETY: the strings are valid for the calls. With the same folder for both, the old root comes to lie
    // over the new one, and is taken away.
    unsafe {
        check(libc::syscall(libc::SYS_pivot_root, c".".as_ptr(), c".".as_ptr()))?;
        check(libc::umount2(c".".as_ptr(), libc::MNT_DETACH).into())?;
        check(libc::chdir(c"/".as_ptr()).into())?;
    }
    Ok(())
}

pub(super) fn duplicate(descriptor: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    descriptor.try_clone_to_owned()
}
