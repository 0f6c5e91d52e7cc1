//! The network a function sees: the cloud under all its names, and outside what the egress policy lets it reach.
//!
//! A sandbox has a loopback and no route. The server answers there, on sockets the spawner made in it: names
//! (127.0.0.1:53), the cloud's own endpoint, and ports 80 and 443 of every loopback address, which are opened when the
//! first name is asked for. Names of the cloud lead to 127.0.0.1. A name outside gets a loopback address of its own, as
//! long as the sandbox lives; what connects to it is relayed to the name's public address.
//!
//! Works the same for root and for an ordinary user, because nothing of it is a route or a filter of the kernel.

mod dns;
mod egress;
mod names;
mod public;
mod relay;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{OnceCell, Semaphore};
use tokio::task::JoinSet;

pub use egress::{EGRESS_VARIABLE, Egress, Entry, Network, NotAPolicy};

use crate::config::Endpoint;
use crate::policy::ACCEPT_PAUSE;
use crate::sandbox::{Handle, Listeners};
use dns::{QUESTION_BYTES_MAX, Question};
use names::Names;

/// Questions of one sandbox under way at once; further ones wait in their socket.
const QUESTIONS_MAX: usize = 32;
/// Connections over which one sandbox asks for names, and how long each may stay open.
const NAME_CONNECTIONS_MAX: usize = 8;
const NAME_CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);

/// The network as its owner configures it.
#[derive(Clone)]
pub struct NetworkConfig {
    /// Domains that are the cloud's, with everything below them. They lead to 127.0.0.1 inside.
    pub cloud_domains: &'static [&'static str],
    /// What every function may reach outside at most.
    pub egress: Egress,
    pub outside: Arc<dyn Outside>,
}

/// The world outside. Tests have one of their own.
pub trait Outside: Send + Sync {
    /// Addresses of a name.
    fn resolve(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;

    /// Whether an address may be reached by a policy that allows the internet.
    fn is_public(&self, address: IpAddr) -> bool;

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<TcpStream>> {
        Box::pin(TcpStream::connect(address))
    }
}

/// The internet, as this machine sees it.
#[derive(Debug)]
pub struct Internet;

impl Outside for Internet {
    fn resolve(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        // With a dot at its end the name is whole: the machine's search domains are not tried.
        let name = format!("{name}.");
        Box::pin(async move {
            Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
        })
    }

    fn is_public(&self, address: IpAddr) -> bool {
        public::is_public(address) && !public::is_own(address)
    }
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self { cloud_domains: &[], egress: Egress::Internet, outside: Arc::new(Internet) }
    }
}

/// What all sandboxes have in common.
pub(crate) struct Platform {
    pub(crate) endpoint: Option<Arc<dyn Endpoint>>,
    pub(crate) config: NetworkConfig,
    /// Connections to the outside, of all sandboxes.
    relays: Arc<Semaphore>,
}

impl Platform {
    pub(crate) fn new(endpoint: Option<Arc<dyn Endpoint>>, config: NetworkConfig) -> Arc<Self> {
        Arc::new(Self { endpoint, config, relays: Arc::new(Semaphore::new(relay::RELAYS_MAX)) })
    }
}

/// The platform's side of one sandbox's network. Ends with it.
pub(crate) struct Inside {
    shared: Arc<Shared>,
}

struct Shared {
    platform: Arc<Platform>,
    names: Names,
    /// What the function has narrowed the policy to. Nothing, as long as there is no function.
    function: OnceLock<Egress>,
    /// Ports 80 and 443.
    ports: OnceCell<()>,
    relays: Arc<Semaphore>,
    handle: Handle,
    tasks: Mutex<JoinSet<()>>,
}

impl Inside {
    /// Serves a sandbox. Without a network of its own there is nothing to serve.
    ///
    /// # Errors
    /// When a socket cannot be handed to the event loop.
    pub(crate) fn serve(listeners: Listeners, handle: Handle, platform: Arc<Platform>) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            platform,
            names: Names::default(),
            function: OnceLock::new(),
            ports: OnceCell::new(),
            relays: Arc::new(Semaphore::new(relay::RELAYS_OF_SANDBOX_MAX)),
            handle,
            tasks: Mutex::default(),
        });
        let Listeners { endpoint, name_datagrams, name_streams } = listeners;
        let endpoint = TcpListener::from_std(endpoint)?;
        let datagrams = UdpSocket::from_std(name_datagrams)?;
        let streams = TcpListener::from_std(name_streams)?;
        shared.spawn(accept_for_cloud(endpoint, Arc::clone(&shared)));
        shared.spawn(answer_datagrams(datagrams, Arc::clone(&shared)));
        shared.spawn(answer_streams(streams, Arc::clone(&shared)));
        Ok(Self { shared })
    }

    /// The sandbox belongs to a function now, which may narrow what it reaches.
    pub(crate) fn belongs_to(&self, egress: Egress) {
        let _ = self.shared.function.set(egress);
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.shared.lock_tasks().abort_all();
    }
}

impl Shared {
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.lock_tasks().spawn(work);
    }

    fn lock_tasks(&self) -> std::sync::MutexGuard<'_, JoinSet<()>> {
        // Held for single changes only: a panicking holder leaves nothing half done.
        self.tasks.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The policies that hold, each of which must allow what is done.
    fn policies(&self) -> [&Egress; 2] {
        [&self.platform.config.egress, self.function.get().unwrap_or(&Egress::Nothing)]
    }

    fn may_resolve(&self, name: &str) -> bool {
        self.policies().iter().all(|policy| policy.may_resolve(name))
    }

    /// Those of a name's addresses that may be reached at a port; at any when none is given.
    fn reachable(&self, name: &str, addresses: &[IpAddr], port: Option<u16>) -> Vec<IpAddr> {
        let may = |address: &IpAddr| {
            let is_public = self.platform.config.outside.is_public(*address);
            self.policies().iter().all(|policy| policy.may_reach(name, *address, port, is_public))
        };
        addresses.iter().copied().filter(may).collect()
    }

    fn is_of_cloud(&self, name: &str) -> bool {
        let below = |domain: &&str| {
            name.strip_suffix(*domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        below(&"localhost") || self.platform.config.cloud_domains.iter().any(below)
    }

    /// Opens ports 80 and 443 inside, the first time.
    async fn open_ports(self: &Arc<Self>) -> anyhow::Result<()> {
        let opened = self.ports.get_or_try_init(|| async {
            for listener in self.handle.open_ports().await? {
                let listener = TcpListener::from_std(listener)?;
                self.spawn(relay::accept(listener, Arc::clone(self)));
            }
            anyhow::Ok(())
        });
        opened.await.copied()
    }

    fn accept_for_cloud(&self, stream: TcpStream) {
        if let Some(endpoint) = &self.platform.endpoint {
            endpoint.accept(stream);
        }
    }
}

async fn accept_for_cloud(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let (stream, _) = accept(&listener).await;
        shared.accept_for_cloud(stream);
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection from a sandbox could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn answer_datagrams(socket: UdpSocket, shared: Arc<Shared>) {
    let socket = Arc::new(socket);
    let mut questions = JoinSet::new();
    loop {
        while questions.try_join_next().is_some() {}
        if questions.len() >= QUESTIONS_MAX {
            questions.join_next().await;
        }
        if let Err(error) = socket.readable().await {
            tracing::warn!(%error, "names cannot be asked for in a sandbox any more");
            return;
        }
        let mut message = [0; QUESTION_BYTES_MAX];
        // Nothing there after all, or a report about an answer nobody waited for.
        let Ok((length, asker)) = socket.try_recv_from(&mut message) else { continue };
        let (socket, shared) = (Arc::clone(&socket), Arc::clone(&shared));
        questions.spawn(async move {
            if let Some(answer) = answer(&message[..length], &shared).await {
                // Who asked may have gone.
                let _ = socket.send_to(&answer, asker).await;
            }
        });
    }
}

async fn answer_streams(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        if connections.len() >= NAME_CONNECTIONS_MAX {
            connections.join_next().await;
        }
        let (stream, _) = accept(&listener).await;
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            // Whoever breaks off wants no answer.
            let _ = tokio::time::timeout(NAME_CONNECTION_TIMEOUT, converse(stream, &shared)).await;
        });
    }
}

/// Questions and answers, each behind its length.
async fn converse(mut stream: TcpStream, shared: &Arc<Shared>) -> io::Result<()> {
    loop {
        let length = usize::from(stream.read_u16().await?);
        let mut message = [0; QUESTION_BYTES_MAX];
        let Some(message) = message.get_mut(..length) else { return Ok(()) };
        stream.read_exact(message).await?;
        let Some(answer) = answer(message, shared).await else { return Ok(()) };
        let length = u16::try_from(answer.len()).map_err(io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes(), answer.as_slice()].concat()).await?;
    }
}

async fn answer(message: &[u8], shared: &Arc<Shared>) -> Option<Vec<u8>> {
    let question = Question::read(message)?;
    let answer = names::look_up(&question.name, question.kind, shared).await;
    Some(question.answer(answer))
}

/// The loopback addresses that stand for names outside: a range nothing else uses.
fn stands_for_a_name(address: Ipv4Addr) -> bool {
    public::is_in_4(address, names::FIRST, names::PREFIX)
}
