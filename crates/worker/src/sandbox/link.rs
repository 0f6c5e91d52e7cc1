//! The server's side of the spawner process: starting it and handing it requests.

use std::io;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::unix::AsyncFd;
use tokio::sync::oneshot;

use super::plumbing::{packet_pair, receive, send, watched};
use crate::spawner::{ARGUMENT, READY, protocol};

/// Longest a spawner takes to say that it is ready.
const READY_WITHIN: Duration = Duration::from_secs(20);
/// Longest text of a spawner that gives up.
const REASON_BYTES_MAX: usize = 16 * 1024;

/// A running spawner. It ends, with every sandbox it made, when this is dropped.
#[derive(Debug)]
pub(super) struct Link {
    socket: AsyncFd<OwnedFd>,
    ended: Arc<AtomicBool>,
}

impl Link {
    /// Starts a spawner and waits until it can make sandboxes.
    ///
    /// # Errors
    /// With the spawner's reason when it cannot.
    pub(super) async fn start(config: &protocol::Config) -> anyhow::Result<Self> {
        let (ours, theirs) = packet_pair().context("cannot make a socket pair")?;
        let ended = Arc::new(AtomicBool::new(false));
        start_process(theirs, Arc::clone(&ended)).await?;
        let link = Self { socket: watched(ours)?, ended };
        send(&link.socket, &config.encode(), &[]).await.context("the spawner cannot be reached")?;
        let answer = tokio::time::timeout(READY_WITHIN, receive(&link.socket, REASON_BYTES_MAX))
            .await
            .context("the spawner does not answer")??;
        match answer {
            Some(packet) if packet.bytes == READY.as_bytes() => Ok(link),
            Some(packet) => bail!("{}", String::from_utf8_lossy(&packet.bytes)),
            None => {
                bail!("the spawner ended before it was ready (does main call run_spawner_if_asked first?)")
            }
        }
    }

    pub(super) async fn request(
        &self,
        request: &protocol::Request,
        descriptors: &[&OwnedFd],
    ) -> io::Result<()> {
        send(&self.socket, &request.encode()?, descriptors).await
    }

    /// Whether the spawner is known to have ended.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }
}

/// Starts the process from a thread that waits for it: the kernel ends the spawner with the thread that
/// started it, and threads of the async runtime come and go.
async fn start_process(socket: OwnedFd, ended: Arc<AtomicBool>) -> anyhow::Result<()> {
    let (report, started) = oneshot::channel();
    let work = move || {
        let mut command = Command::new("/proc/self/exe");
        command.arg(ARGUMENT).env_clear().stdin(Stdio::from(socket)).stdout(Stdio::null());
        let spawned = command.spawn();
        // The command holds the other end of the socket; kept open it would hide the spawner's end.
        drop(command);
        match spawned {
            Ok(mut process) => {
                // The one who waits may have given up; the spawner then ends by its socket.
                let _ = report.send(Ok(()));
                let status = process.wait();
                ended.store(true, Ordering::Release);
                tracing::debug!(?status, "spawner ended");
            }
            Err(error) => {
                let _ = report.send(Err(error));
            }
        }
    };
    std::thread::Builder::new()
        .name("sandbox-spawner".into())
        .spawn(work)
        .context("cannot start a thread")?;
    started.await.context("the thread of the spawner ended")?.context("cannot start the spawner")
}
