//! Network namespaces, made ahead: each has only its loopback, with the platform's sockets on it.
//!
//! They belong to the spawner's user namespace, not to the sandbox's, so nothing inside a sandbox,
//! not even its root, may configure them.

use std::fs::File;
use std::io;
use std::mem;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use super::sys::{self, check};

/// Namespaces kept ready.
const READY_MAX: usize = 4;
/// Where a sandbox finds the Runtime API.
const RUNTIME_API_PORT: u16 = 9001;
/// Where a sandbox finds the platform.
const ENDPOINT_PORT: u16 = 4566;
/// Where a sandbox asks for names.
const NAMES_PORT: u16 = 53;
/// Ports of every loopback address that are opened when the first name is asked for.
const WEB_PORTS: [u16; 2] = [80, 443];

/// One network namespace and the sockets in it.
pub(super) struct Network {
    pub(super) namespace: OwnedFd,
    /// As [`super::protocol::Message::Made`] brings them.
    pub(super) sockets: [OwnedFd; 4],
}

/// Networks waiting for a sandbox.
#[derive(Default)]
pub(super) struct Networks {
    ready: Vec<Network>,
}

impl Networks {
    pub(super) fn is_full(&self) -> bool {
        self.ready.len() >= READY_MAX
    }

    /// Makes one more. The spawner stands in it afterwards, which does not matter: it uses no network.
    pub(super) fn prepare(&mut self) -> io::Result<()> {
        self.ready.push(make()?);
        Ok(())
    }

    /// One that is ready, or a new one.
    pub(super) fn take(&mut self) -> io::Result<Network> {
        self.ready.pop().map_or_else(make, Ok)
    }
}

fn make() -> io::Result<Network> {
    sys::unshare(libc::CLONE_NEWNET)?;
    raise_loopback()?;
    Ok(Network {
        namespace: File::open("/proc/self/ns/net")?.into(),
        sockets: [
            listener(Ipv4Addr::LOCALHOST, RUNTIME_API_PORT)?,
            listener(Ipv4Addr::LOCALHOST, ENDPOINT_PORT)?,
            datagrams(NAMES_PORT)?,
            listener(Ipv4Addr::LOCALHOST, NAMES_PORT)?,
        ],
    })
}

/// Opens [`WEB_PORTS`] in the network namespace of a sandbox, by its first process.
pub(super) fn open_ports(process: &OwnedFd) -> io::Result<[OwnedFd; 2]> {
    sys::enter_namespace(process, libc::CLONE_NEWNET)?;
    let [plain, encrypted] = WEB_PORTS;
    Ok([listener(Ipv4Addr::UNSPECIFIED, plain)?, listener(Ipv4Addr::UNSPECIFIED, encrypted)?])
}

fn datagrams(port: u16) -> io::Result<OwnedFd> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port))?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

fn listener(address: Ipv4Addr, port: u16) -> io::Result<OwnedFd> {
    let listener = TcpListener::bind((address, port))?;
    listener.set_nonblocking(true)?;
    Ok(listener.into())
}

fn raise_loopback() -> io::Result<()> {
    let control = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    // SAFETY: a structure of numbers and bytes, for which zero is a valid value.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    for (place, byte) in request.ifr_name.iter_mut().zip(*b"lo") {
        *place = byte as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: the request is what this call takes and outlives it.
    check(unsafe { libc::ioctl(control.as_raw_fd(), libc::SIOCSIFFLAGS, &raw mut request) }.into()).map(drop)
}
