//! Standing still between two calls, as a frozen environment of AWS does.
//!
//! The sandbox's first process stops every other one by signal. One call signals them all under the
//! kernel's list lock, so a fork cannot slip through; but while it walks the list, a process that has not
//! been reached yet may continue one that has. So what was done is looked at, and done again. Whoever
//! keeps that up is reported, and the sandbox ends.
//!
//! The freezer of cgroup version 1 was ruled out: what it holds does not die of SIGKILL, so frozen
//! processes would outlive a server that was killed.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Attempts to stop all processes, and the time each is given to take effect. A loaded machine needs some.
const ATTEMPTS: u32 = 200;
const PAUSE_MILLISECONDS: u8 = 2;

/// States of a thread that does not run: waiting inside the kernel, stopped, ended.
const STOPPED: [char; 5] = ['D', 'T', 't', 'Z', 'X'];

/// What became of the attempt to stop all processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stillness {
    /// None runs.
    Reached,
    /// The server has something else to say, such as that they may run again.
    Interrupted,
    /// Some have been made to go on all the time.
    Refused,
}

/// Stops all processes but the caller, which is the first of its PID namespace.
pub(super) fn stop_all(channel: &OwnedFd) -> Stillness {
    for attempt in 0..ATTEMPTS {
        signal_all(libc::SIGSTOP);
        let mut wanted = [PollFd::new(channel.as_fd(), PollFlags::POLLIN)];
        if poll(&mut wanted, PollTimeout::from(PAUSE_MILLISECONDS)).is_ok_and(|ready| ready > 0) {
            return Stillness::Interrupted;
        }
        // A thread that waits inside the kernel, as the parent of a vfork does, stops when it comes back. The
        // second signal has reached it for sure: then nobody was left to take it back.
        let still: &[char] = if attempt == 0 { &STOPPED[1..] } else { &STOPPED };
        if all_are(still) {
            return Stillness::Reached;
        }
    }
    Stillness::Refused
}

/// Lets them run again.
pub(super) fn continue_all() {
    signal_all(libc::SIGCONT);
}

fn signal_all(signal: libc::c_int) {
    // From the first process -1 means all others of its namespace. There may be none.
    // SAFETY: plain system call.
    unsafe { libc::kill(-1, signal) };
}

/// Looks at every thread: the first of a process may have ended while others run.
fn all_are(still: &[char]) -> bool {
    let Ok(processes) = fs::read_dir("/proc") else { return false };
    let own = std::process::id().to_string();
    let is_other = |name: &str| name != own && name.bytes().all(|byte| byte.is_ascii_digit());
    processes
        .flatten()
        .filter(|process| process.file_name().to_str().is_some_and(is_other))
        .filter_map(|process| fs::read_dir(process.path().join("task")).ok())
        .flat_map(|threads| threads.flatten())
        .filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok())
        .all(|line| state(&line).is_some_and(|state| still.contains(&state)))
}

/// The state in a line of `/proc/…/stat`. The name before it, in parentheses, may hold anything.
fn state(line: &str) -> Option<char> {
    line.rsplit_once(") ")?.1.chars().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_behind_the_name() {
        assert_eq!(state("7 (node) T 1 7 7 0 -1"), Some('T'));
        assert_eq!(state("7 (a) R (b) Z 1 7"), Some('Z'));
        assert_eq!(state("7 (T) T) S 1 7"), Some('S'));
        assert_eq!(state(""), None);
    }
}
