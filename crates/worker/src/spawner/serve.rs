//! The spawner's loop: one request at a time, as little as possible for each.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::filter::{Filter, Memory};
use super::init::{self, Job};
use super::network::{self, Networks};
use super::protocol::{
    self, Bind, BindInside, Config, Failure, Launch, Message, PACKET_BYTES_MAX, Packet, Request, Trees,
};
use super::sys::{self, Cloned, Devices};
use super::template;

/// What the first packet from the spawner says when it is ready; any other text says why it is not.
pub(crate) const READY: &str = "ready";

/// User and group inside every sandbox, as on AWS.
pub(super) const USER_INSIDE: u32 = 993;
pub(super) const GROUP_INSIDE: u32 = 990;
/// Users and groups of the machine that sandboxes run as when the server is root: one each, so that no two
/// of them share a user. The range is far above what account tools hand out.
const USERS_FIRST: u32 = 1_879_113_728;
const USERS: u64 = 65_536;

struct Spawner {
    root: bool,
    /// Shows the host's files.
    host: OwnedFd,
    /// Shows the template; the spawner stands here except while it looks up a folder.
    template: OwnedFd,
    networks: Networks,
    filter: Filter,
}

/// Serves until the server's end of the socket closes.
pub(super) fn run(socket: OwnedFd, config: &Config) -> anyhow::Result<()> {
    let mut spawner = match prepare(config) {
        Ok(spawner) => {
            protocol::send(&socket, &Packet::text(READY), &[])?;
            spawner
        }
        Err(error) => {
            protocol::send(&socket, &Packet::text(&format!("{error:#}")), &[])?;
            return Ok(());
        }
    };
    // One buffer for all requests, wiped after each: environments carry credentials, and every sandbox
    // begins as a copy of this process.
    let mut buffer = vec![0; PACKET_BYTES_MAX];
    loop {
        let timeout = if spawner.networks.is_full() { PollTimeout::NONE } else { PollTimeout::ZERO };
        let mut wanted = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
        match poll(&mut wanted, timeout) {
            Ok(0) => {
                spawner.networks.prepare()?;
                continue;
            }
            Ok(_) => {}
            Err(nix::Error::EINTR) => continue,
            Err(error) => return Err(error.into()),
        }
        let Some((length, descriptors)) = protocol::receive_into(&socket, &mut buffer)? else {
            return Ok(());
        };
        let request = Request::decode(&buffer[..length]);
        buffer[..length].fill(0);
        match request {
            Ok(Request::Launch(launch)) => spawner.launch(launch, descriptors),
            Ok(Request::Bind(bind)) => spawner.bind(bind, descriptors),
            Ok(Request::OpenPorts) => open_ports(descriptors),
            // Never from this server. The sandbox it was for ends, as its channel closes.
            Err(error) => eprintln!("sandbox spawner: {error:#}"),
        }
    }
}

fn prepare(config: &Config) -> anyhow::Result<Spawner> {
    let host = File::open("/proc/self/ns/mnt")?.into();
    template::enter(config)?;
    // Children are followed by the server through their pidfd; the kernel reaps them.
    // SAFETY: sets a disposition, takes no pointers.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
    let mut networks = Networks::default();
    networks.prepare().map_err(|error| anyhow::anyhow!("no network namespace: {error}"))?;
    Ok(Spawner {
        root: config.root,
        host,
        template: File::open("/proc/self/ns/mnt")?.into(),
        networks,
        filter: Filter::compile(if config.counts_memory { Memory::Counted } else { Memory::Watched }),
    })
}

impl Spawner {
    fn launch(&mut self, launch: Launch, descriptors: Vec<OwnedFd>) {
        let mut descriptors = descriptors.into_iter();
        let (Some(channel), Some(control), Some(stdout), Some(stderr)) =
            (descriptors.next(), descriptors.next(), descriptors.next(), descriptors.next())
        else {
            return;
        };
        let reply = match sys::duplicate(channel.as_fd()) {
            Ok(reply) => reply,
            // Dropping the channel tells the server.
            Err(_) => return,
        };
        let (code, opt) = (launch.code.clone(), launch.opt.clone());
        let job = self.trees(code.as_deref(), opt.as_deref()).map(|(code, opt)| Job {
            channel,
            control,
            stdout,
            stderr,
            cgroups: descriptors.collect(),
            code,
            opt,
            launch,
        });
        if let Err(failure) = job.and_then(|job| self.make(job, &reply)) {
            // Nobody listens any more if this fails.
            let _ = protocol::send(&reply, &Message::Failed(failure).encode(), &[]);
        }
    }

    fn make(&mut self, job: Job, reply: &OwnedFd) -> Result<(), Failure> {
        let network = self.networks.take().map_err(step("make a network namespace"))?;
        sys::enter_namespace(&network.namespace, libc::CLONE_NEWNET)
            .map_err(step("enter a network namespace"))?;
        let (go_inside, go) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)
            .map_err(|error| Failure::new("make a pipe", &error.into()))?;
        let namespaces = libc::CLONE_NEWUSER
            | libc::CLONE_NEWPID
            | libc::CLONE_NEWNS
            | libc::CLONE_NEWIPC
            | libc::CLONE_NEWUTS;
        match sys::clone_process(namespaces).map_err(step("clone"))? {
            Cloned::Child => init::run(job, go_inside, &self.filter),
            Cloned::Parent { process, pidfd } => {
                // When this fails, `go` closes unwritten and the child ends.
                self.map_users(process, job.launch.id).map_err(step("map users"))?;
                let given: Vec<_> =
                    [&pidfd].into_iter().chain(&network.sockets).map(AsRawFd::as_raw_fd).collect();
                protocol::send(reply, &Message::Made.encode(), &given).map_err(step("reply"))?;
                nix::unistd::write(&go, &[1]).map_err(|error| Failure::new("start", &error.into()))?;
                Ok(())
            }
        }
    }

    /// Gives the sandbox's only user a user of the machine.
    fn map_users(&self, process: libc::pid_t, id: u64) -> io::Result<()> {
        // Inside the user namespace of an ordinary user, 0 is that user.
        let outside = if self.root { USERS_FIRST + (id % USERS) as u32 } else { 0 };
        fs::write(format!("/proc/{process}/uid_map"), format!("{USER_INSIDE} {outside} 1"))?;
        fs::write(format!("/proc/{process}/gid_map"), format!("{GROUP_INSIDE} {outside} 1"))
    }

    fn bind(&self, bind: Bind, descriptors: Vec<OwnedFd>) {
        let Some(channel) = descriptors.into_iter().next() else { return };
        let sent = match self.trees(bind.code.as_deref(), bind.opt.as_deref()) {
            Ok((code, opt)) => {
                let given: Vec<_> = [&code, &opt].into_iter().flatten().map(AsRawFd::as_raw_fd).collect();
                let trees = Trees { code: code.is_some(), opt: opt.is_some() };
                let message = Message::Bind(BindInside { limits: bind.limits, trees, start: bind.start });
                protocol::send(&channel, &message.encode(), &given)
            }
            Err(failure) => protocol::send(&channel, &Message::NotBound(failure).encode(), &[]),
        };
        // The sandbox has ended; the server sees that on the same channel.
        drop(sent);
    }

    /// Read-only trees of host folders, ready to be attached in a sandbox.
    fn trees(
        &self,
        code: Option<&Path>,
        opt: Option<&Path>,
    ) -> Result<(Option<OwnedFd>, Option<OwnedFd>), Failure> {
        if code.is_none() && opt.is_none() {
            return Ok((None, None));
        }
        sys::enter_namespace(&self.host, libc::CLONE_NEWNS).map_err(step("look at the host's files"))?;
        let tree = |path: Option<&Path>| {
            path.map(|path| {
                sys::read_only_tree(path, Devices::Refused)
                    .map_err(|error| Failure::new(&format!("open {}", path.display()), &error))
            })
            .transpose()
        };
        let trees = tree(code).and_then(|code| Ok((code, tree(opt)?)));
        if let Err(error) = sys::enter_namespace(&self.template, libc::CLONE_NEWNS) {
            // A sandbox made now would see the host.
            eprintln!("sandbox spawner: cannot return to the template: {error}");
            std::process::exit(super::STATUS_ERROR);
        }
        trees
    }
}

fn open_ports(descriptors: Vec<OwnedFd>) {
    let Ok([process, reply]) = <[OwnedFd; 2]>::try_from(descriptors) else { return };
    let sent = match network::open_ports(&process) {
        Ok([plain, encrypted]) => {
            let given = [plain.as_raw_fd(), encrypted.as_raw_fd()];
            protocol::send(&reply, &Message::PortsOpened.encode(), &given)
        }
        Err(error) => {
            let failure = Failure::new("open ports", &error);
            protocol::send(&reply, &Message::Failed(failure).encode(), &[])
        }
    };
    // The sandbox has ended, and nobody waits any more.
    drop(sent);
}

pub(super) fn step(name: &'static str) -> impl FnOnce(io::Error) -> Failure {
    move |error| Failure::new(name, &error)
}
