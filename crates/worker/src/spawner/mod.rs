//! The spawner: a small single-threaded process that makes the sandboxes of the namespace tier.
//!
//! It is this same program started again, so that the server, with its threads, is never forked.
//! It comes to be in two steps. The first process enters a user namespace (when not root), a mount
//! namespace that still shows the host's files, and starts the second, the spawner proper, as the
//! first process of a PID namespace. That one builds the *template*: the read-only root every
//! sandbox is born into. A sandbox is then one `clone3` away.
//!
//! **Nothing outlives the server.** The first process is told by the kernel when the thread that started
//! it ends, and ends the spawner; the spawner also ends with it, and when its socket closes. As it is the first process of its PID namespace, the
//! kernel then kills every process below it, which is every process of every sandbox.
//!
//! Requests come over one socket, one message each; replies go to the channel each sandbox brings.

mod certificates;
mod filter;
mod host;
mod init;
mod network;
mod program;
pub(crate) mod protocol;
mod rest;
mod serve;
mod sys;
mod template;

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use anyhow::{Context, bail};

pub(crate) use certificates::{AUTHORITY_FILE, BUNDLE_FILE};
pub(crate) use filter::SECCOMP_ARCHITECTURE_KNOWN;
use protocol::{Config, Packet};
pub(crate) use serve::READY;

/// First argument of a process that is to be a spawner. Its socket is descriptor 0.
pub(crate) const ARGUMENT: &str = "sandbox-spawner";

/// Exit status after an internal error.
const STATUS_ERROR: i32 = 70;

/// Main function of the spawner: call it first thing in `main`.
///
/// Returns at once when this process is not a spawner; otherwise never returns.
pub fn run_spawner_if_asked() {
    if std::env::args_os().nth(1).as_deref() != Some(OsStr::new(ARGUMENT)) {
        return;
    }
    // SAFETY: descriptor 0 is open for the whole life of a process started by the server, and nothing else
    // in this process uses it. If it is not open, every use of it fails with an error.
    let socket = unsafe { OwnedFd::from_raw_fd(0) };
    std::process::exit(match run(socket) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("sandbox spawner: {error:#}");
            STATUS_ERROR
        }
    })
}

/// Runs both steps. Whatever goes wrong before sandboxes can be made is told to the server.
fn run(socket: OwnedFd) -> anyhow::Result<i32> {
    // SAFETY: plain system call.
    let server = unsafe { libc::getppid() };
    sys::die_with_parent()?;
    let Some(packet) = protocol::receive(&socket).context("only the server starts this")? else {
        return Ok(0);
    };
    let config = Config::decode(&packet.bytes)?;
    match enter(&config) {
        Ok(Role::Host(spawner)) => {
            drop(socket);
            Ok(host::run(spawner, server, &config)?)
        }
        Ok(Role::Spawner) => serve::run(socket, &config).map(|()| 0),
        Err(error) => {
            protocol::send(&socket, &Packet::text(&format!("{error:#}")), &[])?;
            Ok(STATUS_ERROR)
        }
    }
}

enum Role {
    /// The first process; it waits for the second and cleans up after the server.
    Host(libc::pid_t),
    /// The second.
    Spawner,
}

/// Enters the namespaces all sandboxes have in common and forks into them.
fn enter(config: &Config) -> anyhow::Result<Role> {
    if !config.root {
        enter_user_namespace()?;
    }
    sys::unshare(libc::CLONE_NEWNS | libc::CLONE_NEWPID).context("no mount or PID namespace")?;
    // What the host mounts or unmounts later shows here; what is mounted here never shows there.
    sys::change_propagation("/", libc::MS_SLAVE).context("the mounts cannot be separated")?;
    match sys::fork().context("cannot fork")? {
        0 => {
            sys::die_with_parent()?;
            Ok(Role::Spawner)
        }
        spawner => Ok(Role::Host(spawner)),
    }
}

/// Becomes root of a user namespace in which the server's user is the only one.
fn enter_user_namespace() -> anyhow::Result<()> {
    let (user, group) = (nix::unistd::geteuid(), nix::unistd::getegid());
    if let Err(error) = sys::unshare(libc::CLONE_NEWUSER) {
        bail!("user namespaces are not allowed here: {error}");
    }
    write_map("setgroups", "deny")?;
    write_map("uid_map", &format!("0 {user} 1"))?;
    write_map("gid_map", &format!("0 {group} 1"))
}

fn write_map(file: &str, line: &str) -> anyhow::Result<()> {
    let path = format!("/proc/self/{file}");
    fs::write(&path, line)
        .map_err(|error: io::Error| anyhow::anyhow!("user namespaces are not allowed here: {path}: {error}"))
}
