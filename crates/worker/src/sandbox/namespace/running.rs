//! One sandbox that runs: its binds, its end, and what is cleaned up after it.

use std::net::TcpListener;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use anyhow::{Context, anyhow, bail};
use tokio::io::unix::AsyncFd;
use tokio::sync::{oneshot, watch};

use super::{ANSWER_WITHIN, MESSAGE_BYTES_MAX, Shared, folder};
use crate::sandbox::cgroup::Cgroup;
use crate::sandbox::memory::Memory;
use crate::sandbox::plumbing::{lock, packet_pair, receive, watched};
use crate::sandbox::{Exit, LaunchSpec, Limits};
use crate::spawner::protocol::{self, Bind, Message, Request, Start};

/// One running sandbox.
#[derive(Debug)]
pub(in crate::sandbox) struct Running {
    pub(super) pidfd: Arc<OwnedFd>,
    pub(super) channel: Arc<AsyncFd<OwnedFd>>,
    pub(super) shared: Arc<Shared>,
    pub(super) cgroup: Arc<Cgroup>,
    pub(super) memory: Arc<Memory>,
    pub(super) binding: tokio::sync::Mutex<()>,
    pub(super) answer: Answer,
}

/// Where the task that follows a sandbox puts the answer to a bind.
pub(super) type Answer = Arc<Mutex<Awaited>>;

#[derive(Debug, Default)]
pub(super) enum Awaited {
    #[default]
    Nothing,
    Bind(oneshot::Sender<Result<(), protocol::Failure>>),
    /// The sandbox has ended; nothing will be answered.
    Ended,
}

impl Running {
    pub(in crate::sandbox) async fn bind(
        &self,
        code: &Path,
        opt: Option<&Path>,
        limits: &Limits,
    ) -> anyhow::Result<()> {
        let (code, opt) = (Some(folder(code)?), opt.map(folder).transpose()?);
        let bound = self.send_bind(Bind { code, opt, limits: *limits, start: None }).await?;
        bound.map_err(|failure| anyhow!("the sandbox cannot be bound: {failure}"))
    }

    /// Starts the program of a blank sandbox. The outer error says nothing about the program.
    pub(super) async fn begin(&self, spec: &LaunchSpec) -> anyhow::Result<Result<(), protocol::Failure>> {
        let start = Start {
            program: spec.program.clone(),
            arguments: spec.arguments.clone(),
            environment: spec.environment.clone(),
            working_folder: spec.working_folder.clone(),
        };
        let code = spec.code.as_deref().map(folder).transpose()?;
        let opt = spec.opt.as_deref().map(folder).transpose()?;
        self.send_bind(Bind { code, opt, limits: spec.limits, start: Some(start) }).await
    }

    async fn send_bind(&self, bind: Bind) -> anyhow::Result<Result<(), protocol::Failure>> {
        let started = Instant::now();
        let _turn = self.binding.lock().await;
        let limits = &bind.limits.clone();
        let request = Request::Bind(bind);
        let (sender, answer) = oneshot::channel();
        match &mut *lock(&self.answer) {
            Awaited::Ended => bail!("the sandbox has ended"),
            // What an earlier bind waited for, it has given up.
            awaited => *awaited = Awaited::Bind(sender),
        }
        let link = self.shared.link.lock().await.clone().context("sandboxes are shut down")?;
        let channel = self.channel.get_ref().try_clone().context("cannot reach the sandbox")?;
        link.request(&request, &[&channel]).await.context("the spawner cannot be reached")?;

        self.memory.limit(limits);
        // While the spawner and the sandbox are at work.
        let limited = self.cgroup.limit(limits);
        let bound = tokio::time::timeout(ANSWER_WITHIN, answer)
            .await
            .context("the sandbox did not answer")?
            .context("the sandbox has ended")?;
        if bound.is_ok() {
            limited.context("the sandbox cannot be limited")?;
            tracing::debug!(bind_us = started.elapsed().as_micros() as u64, "sandbox bound");
        }
        Ok(bound)
    }

    pub(in crate::sandbox) fn kill(&self) {
        kill(&self.pidfd);
    }

    pub(in crate::sandbox) async fn open_ports(&self) -> anyhow::Result<[TcpListener; 2]> {
        let link = self.shared.link.lock().await.clone().context("sandboxes are shut down")?;
        let (answer, theirs) = packet_pair().context("cannot make a socket pair")?;
        link.request(&Request::OpenPorts, &[&self.pidfd, &theirs])
            .await
            .context("the spawner cannot be reached")?;
        // Kept open it would hide that the spawner has ended.
        drop(theirs);
        let answer = watched(answer)?;
        let packet = tokio::time::timeout(ANSWER_WITHIN, receive(&answer, MESSAGE_BYTES_MAX))
            .await
            .context("the spawner did not answer")??
            .context("the spawner has ended")?;
        match Message::decode(&packet.bytes)? {
            Message::PortsOpened => {
                let listeners = <[OwnedFd; 2]>::try_from(packet.descriptors)
                    .map_err(|_| anyhow!("the spawner sent too few descriptors"))?;
                Ok(listeners.map(TcpListener::from))
            }
            Message::Failed(failure) => bail!("{failure}"),
            other => bail!("unexpected message {other:?}"),
        }
    }

    pub(in crate::sandbox) fn rest(&self) {
        self.tell(&Message::Rest);
    }

    pub(in crate::sandbox) fn wake(&self) {
        self.tell(&Message::Wake);
    }

    /// Does not wait: two such messages at most are under way, for which the socket has room.
    fn tell(&self, message: &Message) {
        if let Err(error) = protocol::send(self.channel.get_ref(), &message.encode(), &[]) {
            tracing::debug!(%error, "a sandbox cannot be reached and is killed");
            self.kill();
        }
    }

    pub(in crate::sandbox) fn memory_peak_reset(&self) {
        self.memory.peak_reset(|| process_of(&self.pidfd));
    }

    pub(in crate::sandbox) fn memory_peak_bytes(&self) -> Option<u64> {
        self.memory.peak_bytes(|| process_of(&self.pidfd))
    }
}

/// Follows one sandbox to its end and cleans up after it.
pub(super) struct Follower {
    pub(super) id: u64,
    pub(super) channel: Arc<AsyncFd<OwnedFd>>,
    pub(super) pidfd: Arc<OwnedFd>,
    pub(super) shared: Arc<Shared>,
    pub(super) cgroup: Arc<Cgroup>,
    pub(super) memory: Arc<Memory>,
    pub(super) answer: Answer,
    pub(super) report: watch::Sender<Option<Exit>>,
}

impl Follower {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let status = self.listen().await;
        // Whatever the reason for which the channel closed, nothing may live on without it.
        kill(&self.pidfd);
        *lock(&self.answer) = Awaited::Ended;
        let gone = watched(self.pidfd.try_clone()?)?;
        let _ = gone.readable().await;

        let mut exit =
            status.map_or(Exit { signal: Some(libc::SIGKILL), ..Exit::default() }, Exit::of_status);
        let killed = exit.signal == Some(libc::SIGKILL);
        let (cgroup, memory) = (Arc::clone(&self.cgroup), Arc::clone(&self.memory));
        let cleaned = tokio::task::spawn_blocking(move || {
            let exceeded = memory.was_exceeded();
            cgroup.remove();
            exceeded
        });
        exit.out_of_memory = killed && cleaned.await.unwrap_or(false);
        lock(&self.shared.living).remove(&self.id);
        self.report.send_replace(Some(exit));
        Ok(())
    }

    /// Takes messages until the channel closes; gives the program's wait status if one came.
    async fn listen(&self) -> Option<i32> {
        let mut status = None;
        let exceeded = self.memory.until_exceeded(|| process_of(&self.pidfd));
        tokio::pin!(exceeded);
        loop {
            let packet = tokio::select! {
                packet = receive(&self.channel, MESSAGE_BYTES_MAX) => packet,
                () = &mut exceeded => return status,
            };
            let Ok(Some(packet)) = packet else { return status };
            match Message::decode(&packet.bytes) {
                Ok(Message::Exited(exited)) => status = Some(exited),
                Ok(Message::Bound) => self.answer_bind(Ok(())),
                Ok(Message::NotBound(failure)) => self.answer_bind(Err(failure)),
                // The program of a blank sandbox could not be started; it ends by itself.
                Ok(Message::Failed(failure)) => self.answer_bind(Err(failure)),
                Ok(Message::Restless) => {
                    tracing::warn!(
                        id = self.id,
                        "a function does not stand still between calls and is ended"
                    );
                    return status;
                }
                other => {
                    tracing::error!(id = self.id, message = ?other, "a sandbox misbehaves and is killed");
                    return status;
                }
            }
        }
    }

    fn answer_bind(&self, answer: Result<(), protocol::Failure>) {
        if let Awaited::Bind(waiting) = std::mem::take(&mut *lock(&self.answer)) {
            // The one who asked may have given up.
            let _ = waiting.send(answer);
        }
    }
}

/// Kills the first process of a sandbox, and with it everything inside. Nothing happens when it has ended.
pub(super) fn kill(pidfd: &OwnedFd) {
    let no_details = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: the descriptor is open; a null pointer stands for the details of a plain kill.
    unsafe { libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), libc::SIGKILL, no_details, 0) };
}

/// The number, here, of the process a pidfd stands for; none when it has ended.
fn process_of(pidfd: &OwnedFd) -> Option<i32> {
    let information = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd())).ok()?;
    let process = information.lines().find_map(|line| line.strip_prefix("Pid:"))?.trim().parse().ok()?;
    (process > 0).then_some(process)
}
