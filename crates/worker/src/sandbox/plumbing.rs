//! Small things both tiers need: pipes, socket pairs, descriptors the async runtime waits for, locks.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use tokio::io::unix::AsyncFd;

use crate::spawner::protocol;

/// A pipe: its read end, which does not block, and its write end, which does.
pub(super) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    fcntl(&read, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok((read, write))
}

/// A pair of sockets that keep packets apart: ours, which does not block, and theirs, which does.
pub(super) fn packet_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
    fcntl(&ours, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok((ours, theirs))
}

/// A counter that becomes readable when something adds to it. Does not block.
pub(super) fn event() -> io::Result<OwnedFd> {
    // SAFETY: takes no pointers.
    let event = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
    if event < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just given us this descriptor.
    Ok(unsafe { OwnedFd::from_raw_fd(event) })
}

/// Lets the async runtime wait for a descriptor.
pub(super) fn watched(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: the descriptor is owned by the result, which gives it out only by reference, so it stays open
    // and the same until it is deregistered.
    Ok(unsafe { AsyncFd::register(descriptor) }?)
}

/// Sends one packet, waiting while the other side is slow.
pub(super) async fn send(
    socket: &AsyncFd<OwnedFd>,
    bytes: &[u8],
    descriptors: &[&OwnedFd],
) -> io::Result<()> {
    let raw: Vec<_> = descriptors.iter().map(|descriptor| descriptor.as_raw_fd()).collect();
    loop {
        let mut ready = socket.writable().await?;
        if let Ok(sent) = ready.try_io(|socket| protocol::send(socket.get_ref(), bytes, &raw)) {
            return sent;
        }
    }
}

/// Receives one packet of at most `bytes_max`; none when the other side has gone.
pub(super) async fn receive(
    socket: &AsyncFd<OwnedFd>,
    bytes_max: usize,
) -> io::Result<Option<protocol::Packet>> {
    let mut bytes = vec![0; bytes_max];
    loop {
        let mut ready = socket.readable().await?;
        let Ok(received) = ready.try_io(|socket| protocol::receive_into(socket.get_ref(), &mut bytes)) else {
            continue;
        };
        return Ok(received?.map(|(length, descriptors)| {
            bytes.truncate(length);
            protocol::Packet { bytes, descriptors }
        }));
    }
}

/// Locks although a panicking thread held it: every change under these locks is a single step.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
