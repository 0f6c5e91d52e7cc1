//! The first process: it waits for the second, and clears away what the kernel does not when the server dies.
//!
//! Processes and mounts go with the namespaces. Control groups are folders and stay; an orderly server removes
//! them itself, after any other end this process does.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::Duration;

use super::protocol::Config;
use super::sys::{self, check};

/// Attempts to remove a group whose processes have just ended, and the pause before the second; it doubles
/// each time.
const REMOVE_ATTEMPTS: u32 = 8;
const REMOVE_PAUSE: Duration = Duration::from_millis(1);

/// Waits until the spawner has ended, and everything below it. Ends it when the server ends. Gives its exit
/// status.
pub(super) fn run(spawner: libc::pid_t, server: libc::pid_t, config: &Config) -> io::Result<i32> {
    let mut signals = block_signals()?;
    // The server's end becomes a signal this process can take its time for.
    sys::signal_of_parents_end(libc::SIGTERM)?;
    // SAFETY: plain system call.
    let is_orphan = || unsafe { libc::getppid() } != server;
    loop {
        if is_orphan() {
            // SAFETY: plain system call on a child that has not been waited for.
            unsafe { libc::kill(spawner, libc::SIGKILL) };
        }
        if let Some(status) = sys::look_for(spawner)? {
            if is_orphan() {
                clear_away(config);
            }
            return Ok(status);
        }
        let mut received = 0;
        // SAFETY: both pointers are valid for the call.
        unsafe { libc::sigwait(&raw mut signals, &raw mut received) };
    }
}

/// Keeps the signals this process waits for until it asks for them.
fn block_signals() -> io::Result<libc::sigset_t> {
    // SAFETY: the set is initialised before it is used; this process has one thread.
    unsafe {
        let mut signals = std::mem::zeroed();
        libc::sigemptyset(&raw mut signals);
        libc::sigaddset(&raw mut signals, libc::SIGCHLD);
        libc::sigaddset(&raw mut signals, libc::SIGTERM);
        check(libc::sigprocmask(libc::SIG_BLOCK, &raw const signals, std::ptr::null_mut()).into())?;
        Ok(signals)
    }
}

/// Removes the groups of the server's sandboxes, unless another server has taken over its folder already.
fn clear_away(config: &Config) {
    let Some(run_dir) = config.template.parent() else { return };
    let Ok(lock) = File::open(run_dir) else { return };
    if lock.try_lock().is_err() {
        return;
    }
    for parent in &config.groups {
        let groups = fs::read_dir(parent).into_iter().flatten().flatten().map(|entry| entry.path());
        groups.filter(|path| path.is_dir()).for_each(|group| remove_group(&group));
        remove_group(parent);
    }
}

fn remove_group(group: &Path) {
    let mut pause = REMOVE_PAUSE;
    for _ in 0..REMOVE_ATTEMPTS {
        match fs::remove_dir(group) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => std::thread::sleep(pause),
            _ => return,
        }
        pause *= 2;
    }
}
