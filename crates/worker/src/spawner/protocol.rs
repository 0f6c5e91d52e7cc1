//! What server, spawner and sandboxes say to each other: one message a packet, descriptors alongside.
//!
//! Every reader checks lengths: a packet that is too short, too long or has descriptors missing is an
//! error, never a guess. Numbers are little-endian.

use std::ffi::{OsStr, OsString};
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use anyhow::{bail, ensure};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};

use crate::sandbox::Limits;

/// Longest packet: arguments and environment of one program come in one.
pub(crate) const PACKET_BYTES_MAX: usize = 128 * 1024;
/// Most descriptors in one packet.
pub(crate) const PACKET_DESCRIPTORS_MAX: usize = 16;

/// What a program has as descriptor 3.
pub(crate) const CONTROL_DESCRIPTOR: RawFd = 3;

/// Everything the spawner needs to know before the first sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Config {
    /// The server is root of the machine.
    pub(crate) root: bool,
    /// Folder to build the template over; it stays empty for everyone else.
    pub(crate) template: PathBuf,
    /// Shown at `/var/runtime`.
    pub(crate) platform: PathBuf,
    /// Shown at their own path.
    pub(crate) runtimes: Vec<PathBuf>,
    /// Folders of control groups that hold the sandboxes'; removed when the server could not.
    pub(crate) groups: Vec<PathBuf>,
    /// Certificate of the installation's own authority, which sandboxes trust.
    pub(crate) authority: Option<PathBuf>,
    /// The kernel counts all memory of a sandbox, so that what no process has mapped is bounded too.
    pub(crate) counts_memory: bool,
}

/// A request to the spawner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    /// Descriptors: channel, control, stdout, stderr, then one `cgroup.procs` for each hierarchy.
    Launch(Launch),
    /// Descriptor: the server's end of the channel, through which the spawner writes to the sandbox.
    Bind(Bind),
    /// Open ports 80 and 443 in a sandbox. Descriptors: its pidfd, a socket for the answer.
    OpenPorts,
}

/// Make a sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Launch {
    /// Unique; gives the sandbox its user when the server is root.
    pub(crate) id: u64,
    /// What to do once everything is set up.
    pub(crate) purpose: Purpose,
    pub(crate) start: Start,
    pub(crate) code: Option<PathBuf>,
    pub(crate) opt: Option<PathBuf>,
    pub(crate) limits: Limits,
}

/// The program of a sandbox.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) environment: Vec<(OsString, OsString)>,
    pub(crate) working_folder: PathBuf,
}

/// What a sandbox is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To run its program.
    Run,
    /// To see whether it can be made; the program is not started and the exit status is 0.
    Trial,
    /// To be given its program by a bind; until then it is empty.
    Blank,
}

/// Make a sandbox a function's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bind {
    pub(crate) code: Option<PathBuf>,
    pub(crate) opt: Option<PathBuf>,
    pub(crate) limits: Limits,
    /// The program of a blank sandbox; its `Bound` tells that it runs.
    pub(crate) start: Option<Start>,
}

/// What travels over the channel of one sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// Spawner to server. Descriptors: pidfd, listener of the Runtime API, listener of the endpoint, datagrams and
    /// listener of names.
    Made,
    /// Sandbox to server: the program runs.
    Started,
    /// To the server, instead of one of the two above.
    Failed(Failure),
    /// Sandbox to server: the program ended with this wait status.
    Exited(i32),
    /// Spawner to sandbox.
    Bind(BindInside),
    /// Sandbox to server: answer to a bind.
    Bound,
    /// Spawner to sandbox and sandbox to server: a bind went wrong.
    NotBound(Failure),
    /// Server to sandbox: no process may run until [`Message::Wake`].
    Rest,
    /// Server to sandbox.
    Wake,
    /// Sandbox to server: its processes could not be made to stand still.
    Restless,
    /// Spawner to server. Descriptors: listeners of ports 80 and 443.
    PortsOpened,
}

/// A bind as the sandbox gets it. Descriptors: tree of the code, tree of the layers, those that there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BindInside {
    pub(crate) limits: Limits,
    pub(crate) trees: Trees,
    pub(crate) start: Option<Start>,
}

/// Which trees come with a bind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trees {
    pub(crate) code: bool,
    pub(crate) opt: bool,
}

/// Which step went wrong, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) step: String,
    pub(crate) errno: i32,
}

/// Bytes and descriptors of one packet.
#[derive(Debug)]
pub(crate) struct Packet {
    pub(crate) bytes: Vec<u8>,
    pub(crate) descriptors: Vec<OwnedFd>,
}

impl Packet {
    /// A packet that says why the spawner gives up.
    pub(crate) fn text(text: &str) -> Vec<u8> {
        text.bytes().take(PACKET_BYTES_MAX).collect()
    }
}

/// Sends one packet. On a non-blocking socket it may fail with `WouldBlock`; then nothing was sent.
pub(crate) fn send(socket: &impl AsRawFd, bytes: &[u8], descriptors: &[RawFd]) -> io::Result<()> {
    if bytes.len() > PACKET_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, too_long(bytes.len())));
    }
    let rights = [ControlMessage::ScmRights(descriptors)];
    let control = if descriptors.is_empty() { &[][..] } else { &rights[..] };
    loop {
        match sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(bytes)], control, MsgFlags::MSG_NOSIGNAL, None)
        {
            Ok(_) => return Ok(()),
            Err(nix::Error::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn too_long(bytes: usize) -> String {
    format!("program, arguments and environment take {bytes} bytes, more than the {PACKET_BYTES_MAX} allowed")
}

/// Receives one packet; none when the other side has gone.
pub(crate) fn receive(socket: &impl AsRawFd) -> io::Result<Option<Packet>> {
    let mut bytes = vec![0; PACKET_BYTES_MAX];
    let mut packet = match receive_into(socket, &mut bytes)? {
        Some((length, descriptors)) => {
            bytes.truncate(length);
            Packet { bytes, descriptors }
        }
        None => return Ok(None),
    };
    packet.bytes.shrink_to_fit();
    Ok(Some(packet))
}

/// As [`receive`], into a buffer of the caller's, whose length bounds the packet.
pub(crate) fn receive_into(
    socket: &impl AsRawFd,
    buffer: &mut [u8],
) -> io::Result<Option<(usize, Vec<OwnedFd>)>> {
    let mut control = nix::cmsg_space!([RawFd; PACKET_DESCRIPTORS_MAX]);
    loop {
        let mut slices = [IoSliceMut::new(buffer)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let message = match recvmsg::<()>(socket.as_raw_fd(), &mut slices, Some(&mut control), flags) {
            Ok(message) => message,
            Err(nix::Error::EINTR) => continue,
            Err(nix::Error::ECONNRESET) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut descriptors = Vec::new();
        for part in message.cmsgs().map_err(io::Error::from)? {
            if let ControlMessageOwned::ScmRights(received) = part {
                // SAFETY: the kernel has just given us these descriptors.
                descriptors.extend(received.into_iter().map(|raw| unsafe { OwnedFd::from_raw_fd(raw) }));
            }
        }
        if message.flags.intersects(MsgFlags::MSG_TRUNC | MsgFlags::MSG_CTRUNC) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a packet was cut short"));
        }
        return Ok((message.bytes > 0).then_some((message.bytes, descriptors)));
    }
}

impl Config {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.number(self.root.into());
        writer.path(&self.template);
        writer.path(&self.platform);
        writer.list(&self.runtimes, |writer, path| writer.path(path));
        writer.list(&self.groups, |writer, path| writer.path(path));
        writer.list(self.authority.as_slice(), |writer, path| writer.path(path));
        writer.number(self.counts_memory.into());
        writer.bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> anyhow::Result<Self> {
        let mut reader = Reader { bytes };
        let config = Self {
            root: reader.number()? != 0,
            template: reader.path()?,
            platform: reader.path()?,
            runtimes: reader.list(Reader::path)?,
            groups: reader.list(Reader::path)?,
            authority: reader.list(Reader::path)?.pop(),
            counts_memory: reader.number()? != 0,
        };
        reader.end()?;
        Ok(config)
    }
}

impl Request {
    /// # Errors
    /// When a string holds a NUL byte, which no program could be given, or everything together is too long.
    pub(crate) fn encode(&self) -> io::Result<Vec<u8>> {
        let mut writer = Writer::default();
        match self {
            Self::Launch(launch) => {
                writer.number(1);
                writer.number(launch.id);
                writer.number(launch.purpose as u64);
                writer.start(&launch.start);
                writer.list(launch.code.as_slice(), |writer, path| writer.path(path));
                writer.list(launch.opt.as_slice(), |writer, path| writer.path(path));
                writer.limits(&launch.limits);
            }
            Self::Bind(bind) => {
                writer.number(2);
                writer.list(bind.code.as_slice(), |writer, path| writer.path(path));
                writer.list(bind.opt.as_slice(), |writer, path| writer.path(path));
                writer.limits(&bind.limits);
                writer.list(bind.start.as_slice(), Writer::start);
            }
            Self::OpenPorts => writer.number(3),
        }
        if writer.nul {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a string holds a NUL byte"));
        }
        if writer.bytes.len() > PACKET_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, too_long(writer.bytes.len())));
        }
        Ok(writer.bytes)
    }

    pub(crate) fn decode(bytes: &[u8]) -> anyhow::Result<Self> {
        let mut reader = Reader { bytes };
        let request = match reader.number()? {
            1 => Self::Launch(Launch {
                id: reader.number()?,
                purpose: reader.purpose()?,
                start: reader.start()?,
                code: reader.list(Reader::path)?.pop(),
                opt: reader.list(Reader::path)?.pop(),
                limits: reader.limits()?,
            }),
            2 => Self::Bind(Bind {
                code: reader.list(Reader::path)?.pop(),
                opt: reader.list(Reader::path)?.pop(),
                limits: reader.limits()?,
                start: reader.list(Reader::start)?.pop(),
            }),
            3 => Self::OpenPorts,
            other => bail!("unknown request {other}"),
        };
        reader.end()?;
        Ok(request)
    }
}

impl Message {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        match self {
            Self::Made => writer.number(1),
            Self::Started => writer.number(2),
            Self::Failed(failure) => {
                writer.number(3);
                writer.failure(failure);
            }
            Self::Exited(status) => {
                writer.number(4);
                writer.number(u64::from(*status as u32));
            }
            Self::Bind(bind) => {
                writer.number(5);
                writer.limits(&bind.limits);
                writer.number(bind.trees.code.into());
                writer.number(bind.trees.opt.into());
                writer.list(bind.start.as_slice(), Writer::start);
            }
            Self::Bound => writer.number(6),
            Self::NotBound(failure) => {
                writer.number(7);
                writer.failure(failure);
            }
            Self::Rest => writer.number(8),
            Self::Wake => writer.number(9),
            Self::Restless => writer.number(10),
            Self::PortsOpened => writer.number(11),
        }
        writer.bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> anyhow::Result<Self> {
        let mut reader = Reader { bytes };
        let message = match reader.number()? {
            1 => Self::Made,
            2 => Self::Started,
            3 => Self::Failed(reader.failure()?),
            4 => Self::Exited(reader.number()? as u32 as i32),
            5 => Self::Bind(BindInside {
                limits: reader.limits()?,
                trees: Trees { code: reader.number()? != 0, opt: reader.number()? != 0 },
                start: reader.list(Reader::start)?.pop(),
            }),
            6 => Self::Bound,
            7 => Self::NotBound(reader.failure()?),
            8 => Self::Rest,
            9 => Self::Wake,
            10 => Self::Restless,
            11 => Self::PortsOpened,
            other => bail!("unknown message {other}"),
        };
        reader.end()?;
        Ok(message)
    }
}

impl Failure {
    pub(crate) fn new(step: &str, error: &io::Error) -> Self {
        Self { step: step.to_owned(), errno: error.raw_os_error().unwrap_or(libc::EINVAL) }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.step, io::Error::from_raw_os_error(self.errno))
    }
}

#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    /// A string with a NUL byte was written.
    nul: bool,
}

impl Writer {
    fn number(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    fn string(&mut self, value: impl AsRef<OsStr>) {
        let value = value.as_ref().as_bytes();
        self.nul |= value.contains(&0);
        self.number(value.len() as u64);
        self.bytes.extend_from_slice(value);
    }

    fn path(&mut self, value: &PathBuf) {
        self.string(value);
    }

    fn list<T>(&mut self, values: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.number(values.len() as u64);
        for value in values {
            write(self, value);
        }
    }

    fn start(&mut self, start: &Start) {
        self.path(&start.program);
        self.list(&start.arguments, |writer, argument| writer.string(argument));
        self.list(&start.environment, |writer, (name, value)| {
            writer.string(name);
            writer.string(value);
        });
        self.path(&start.working_folder);
    }

    fn limits(&mut self, limits: &Limits) {
        self.number(limits.memory_bytes);
        self.number(limits.tmp_bytes);
        self.number(limits.processes);
        self.number(limits.open_files);
        self.number(limits.cpu_quota_percent.into());
    }

    fn failure(&mut self, failure: &Failure) {
        self.string(Path::new(&failure.step));
        self.number(u64::from(failure.errno as u32));
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl Reader<'_> {
    fn number(&mut self) -> anyhow::Result<u64> {
        let Some((number, rest)) = self.bytes.split_first_chunk() else { bail!("a packet is too short") };
        self.bytes = rest;
        Ok(u64::from_le_bytes(*number))
    }

    fn string(&mut self) -> anyhow::Result<OsString> {
        let length = usize::try_from(self.number()?)?;
        ensure!(length <= self.bytes.len(), "a packet is too short");
        let (string, rest) = self.bytes.split_at(length);
        self.bytes = rest;
        ensure!(!string.contains(&0), "a string holds a NUL byte");
        Ok(OsString::from_vec(string.to_vec()))
    }

    fn path(&mut self) -> anyhow::Result<PathBuf> {
        self.string().map(PathBuf::from)
    }

    fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> anyhow::Result<T>) -> anyhow::Result<Vec<T>> {
        let length = self.number()?;
        // Nothing is reserved ahead: a false length runs out of bytes first.
        (0..length).map(|_| read(self)).collect()
    }

    fn purpose(&mut self) -> anyhow::Result<Purpose> {
        let number = self.number()?;
        let purposes = [Purpose::Run, Purpose::Trial, Purpose::Blank];
        match purposes.into_iter().find(|purpose| *purpose as u64 == number) {
            Some(purpose) => Ok(purpose),
            None => bail!("unknown purpose {number}"),
        }
    }

    fn start(&mut self) -> anyhow::Result<Start> {
        Ok(Start {
            program: self.path()?,
            arguments: self.list(Reader::string)?,
            environment: self.list(|reader| Ok((reader.string()?, reader.string()?)))?,
            working_folder: self.path()?,
        })
    }

    fn limits(&mut self) -> anyhow::Result<Limits> {
        Ok(Limits {
            memory_bytes: self.number()?,
            tmp_bytes: self.number()?,
            processes: self.number()?,
            open_files: self.number()?,
            cpu_quota_percent: u32::try_from(self.number()?)?,
        })
    }

    fn failure(&mut self) -> anyhow::Result<Failure> {
        Ok(Failure {
            step: self.string()?.to_string_lossy().into_owned(),
            errno: self.number()? as u32 as i32,
        })
    }

    fn end(&self) -> anyhow::Result<()> {
        ensure!(self.bytes.is_empty(), "a packet is too long");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits {
            memory_bytes: 1 << 27,
            tmp_bytes: 1 << 29,
            processes: 1024,
            open_files: 1024,
            cpu_quota_percent: 150,
        }
    }

    fn start() -> Start {
        Start {
            program: "/var/task/bootstrap".into(),
            arguments: vec!["one".into(), "".into()],
            environment: vec![("NAME".into(), "a=b".into())],
            working_folder: "/var/task".into(),
        }
    }

    fn launch() -> Request {
        Request::Launch(Launch {
            id: 7,
            purpose: Purpose::Run,
            start: start(),
            code: Some("/data/code".into()),
            opt: None,
            limits: limits(),
        })
    }

    #[test]
    fn requests_come_back_as_they_were() {
        let (code, opt) = (Some("/c".into()), Some("/o".into()));
        let bind = Bind { code: code.clone(), opt, limits: limits(), start: None };
        let begin = Bind { code, opt: None, limits: limits(), start: Some(start()) };
        for request in [launch(), Request::Bind(bind), Request::Bind(begin), Request::OpenPorts] {
            assert_eq!(Request::decode(&request.encode().unwrap()).unwrap(), request);
        }
    }

    #[test]
    fn messages_come_back_as_they_were() {
        let failure = Failure { step: "mount /tmp".into(), errno: libc::EPERM };
        for message in [
            Message::Made,
            Message::Started,
            Message::Failed(failure.clone()),
            Message::Exited(-1),
            Message::Bind(BindInside {
                limits: limits(),
                trees: Trees { code: true, opt: false },
                start: Some(start()),
            }),
            Message::Bound,
            Message::NotBound(failure),
            Message::Rest,
            Message::Wake,
            Message::Restless,
            Message::PortsOpened,
        ] {
            assert_eq!(Message::decode(&message.encode()).unwrap(), message);
        }
    }

    #[test]
    fn every_cut_and_every_addition_is_refused() {
        let whole = launch().encode().unwrap();
        for length in 0..whole.len() {
            assert!(Request::decode(&whole[..length]).is_err(), "cut at {length}");
        }
        let longer = [whole.as_slice(), &[0]].concat();
        assert!(Request::decode(&longer).is_err());
    }

    #[test]
    fn a_list_that_claims_to_be_endless_is_refused() {
        let mut bytes = launch().encode().unwrap();
        // The first list starts after kind, id, purpose and the program's path.
        let at = 8 * 4 + "/var/task/bootstrap".len();
        bytes[at..at + 8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(Request::decode(&bytes).is_err());
    }
}
