//! Connections to ports inside: those to the cloud are handed on, those to names outside are relayed.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::{Shared, names};

/// Relayed connections at once: of all sandboxes, and of one. Each takes two descriptors.
pub(super) const RELAYS_MAX: usize = 4096;
pub(super) const RELAYS_OF_SANDBOX_MAX: usize = 256;

/// Longest a connection to one address outside may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Addresses of a name that are tried.
const ADDRESSES_TRIED_MAX: usize = 4;

/// Serves a port until the sandbox ends; its relays end with it.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut relays = JoinSet::new();
    loop {
        let (stream, _) = super::accept(&listener).await;
        while relays.try_join_next().is_some() {}
        match target(&stream) {
            Some(target) if super::stands_for_a_name(*target.ip()) => {
                let shared = Arc::clone(&shared);
                relays.spawn(async move { relay(stream, target, &shared).await });
            }
            Some(target) if *target.ip() == Ipv4Addr::LOCALHOST => shared.accept_for_cloud(stream),
            _ => {}
        }
    }
}

/// Where a connection was meant to go: the address it has, or the one it had before it was redirected.
fn target(stream: &TcpStream) -> Option<SocketAddrV4> {
    let local = match stream.local_addr().ok()? {
        SocketAddr::V4(local) => local,
        SocketAddr::V6(_) => return None,
    };
    Some(redirected_from(stream).unwrap_or(local))
}

/// What the kernel's address translation remembers about a connection.
fn redirected_from(stream: &TcpStream) -> Option<SocketAddrV4> {
    // SAFETY: a structure of numbers, for which zero is a valid value.
    let mut address: libc::sockaddr_in = unsafe { std::mem::zeroed() };
    let mut length = size_of::<libc::sockaddr_in>() as libc::socklen_t;
    // SAFETY: the address and its length are valid for the call.
    let result = unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::SOL_IP,
            libc::SO_ORIGINAL_DST,
            (&raw mut address).cast(),
            &raw mut length,
        )
    };
    let found =
        SocketAddrV4::new(u32::from_be(address.sin_addr.s_addr).into(), u16::from_be(address.sin_port));
    (result == 0).then_some(found)
}

async fn relay(mut inside: TcpStream, target: SocketAddrV4, shared: &Shared) {
    // Held as long as the connection is.
    let (Ok(_of_sandbox), Ok(_of_all)) = (shared.relays.try_acquire(), shared.platform.relays.try_acquire())
    else {
        tracing::warn!("too many connections to the outside: one was closed");
        return;
    };
    if let Some(mut outside) = reach(target, shared).await {
        // Either end may break off; the other sees it.
        let _ = tokio::io::copy_bidirectional(&mut inside, &mut outside).await;
    } else {
        // So that the function sees a broken connection and not an empty answer.
        let _ = inside.set_zero_linger();
    }
}

/// A connection to what an address inside stands for. The policy is asked about the very address connected to.
async fn reach(target: SocketAddrV4, shared: &Shared) -> Option<TcpStream> {
    let name = shared.names.name_of(*target.ip())?;
    let addresses = names::addresses(&name, shared).await.ok()?;
    let reachable = shared.reachable(&name, &addresses, Some(target.port()));
    for address in reachable.into_iter().take(ADDRESSES_TRIED_MAX) {
        match connect(SocketAddr::new(address, target.port()), shared).await {
            Ok(stream) => return Some(stream),
            Err(error) => tracing::debug!(name = &*name, %address, %error, "no connection to the outside"),
        }
    }
    None
}

async fn connect(address: SocketAddr, shared: &Shared) -> std::io::Result<TcpStream> {
    let connecting = shared.platform.config.outside.connect(address);
    let stream = tokio::time::timeout(CONNECT_TIMEOUT, connecting)
        .await
        .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
