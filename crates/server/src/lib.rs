//! Puts the cloud together from one configuration: store, credentials, workers, services, gateway.
//!
//! [`start`] answers requests when it returns; what takes longer (filling worker pools, reading API models) happens
//! behind it or on first use.

mod address;
mod authority;
mod backup;
mod control;
mod coverage;
mod fetch;
mod folder;
mod keys;
mod parts;
mod services;
mod tls;
mod upkeep;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use authority::CLOUD_DOMAINS;
use cloudtrail::{Scrutiny, Trail};
use gateway::{AllowedHosts, Gateway, GatewayParts, PlainConnections, WeakGateway};
use service::{Clock, Mode, Platform};
use tasks::ShutdownReport;
use tokio::net::TcpStream;
use worker::Workers;
use worker::sandbox::TierChoice;

pub use backup::{OnProgress, backup, restore, verify};
pub use coverage::{ServiceCoverage, coverage};
pub use folder::DataFolder;
pub use gateway::SourceLimits;
pub use keys::{KeysOrder, RootKey, keys};

/// Version of the program, as health and help name it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How long running requests and tasks may take to finish once the server is told to stop.
pub const SHUTDOWN_WITHIN: Duration = Duration::from_secs(30);

/// Everything that can be chosen about a server.
#[derive(Clone, Debug)]
pub struct Config {
    /// Loopback only in development mode; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Everything that survives a restart, and what running needs.
    pub data_dir: PathBuf,
    pub mode: Mode,
    /// Always on in secure mode.
    pub enforcement: Enforcement,
    /// Where the platform's SDK copies are; inside the data folder unless given.
    pub runtimes_dir: Option<PathBuf>,
    pub sandbox: TierChoice,
    /// Workers kept started ahead of need, of each interpreter; the pool's own number unless given.
    pub spares: Option<usize>,
    /// Workers that hold a function at the same time; the pool's own number unless given.
    pub workers_max: Option<usize>,
    /// An idle worker ends after this time; the pool's own unless given.
    pub keep_alive: Option<Duration>,
    pub encryption: Encryption,
    /// Names beside its own that a development server answers to.
    pub allowed_hosts: Vec<String>,
    /// What one source may take; in secure mode the usual limits hold unless others are given.
    pub sources: Option<SourceLimits>,
    /// What functions may reach outside at most.
    pub egress: worker::Egress,
}

/// Whether policies decide, or are only kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforcement {
    Off,
    On,
}

/// Whether encrypted connections are accepted beside plain ones. In secure mode, where they are, other machines must
/// use them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encryption {
    Off,
    /// With a certificate of this installation's own authority, for loopback and further names.
    OwnCertificate {
        names: Vec<String>,
    },
    /// With a chain and a key as PEM.
    Files {
        certificate: PathBuf,
        key: PathBuf,
    },
}

/// A server that answers requests.
pub struct Running {
    pub address: SocketAddr,
    pub platform: Arc<Platform>,
    pub workers: Workers,
    pub folder: DataFolder,
    /// Made at the first start in secure mode; its secret is known only now.
    pub first_key: Option<RootKey>,
    encryption: Encryption,
}

/// Starts a server; it runs until [`Running::shutdown`].
pub async fn start(config: Config) -> anyhow::Result<Running> {
    address::check(config.listen, config.mode)?;
    if let Encryption::OwnCertificate { names } = &config.encryption {
        names.iter().try_for_each(|name| tls::check_name(name))?;
    }
    raise_open_files_limit();
    let folder = DataFolder::open(&config.data_dir, config.runtimes_dir.clone())?;
    // The slow parts side by side: opening the store means syncing or reading its journal, starting the workers means
    // looking for interpreters and trying a sandbox.
    let opening = tokio::task::spawn_blocking({
        let folder = folder.clone();
        move || parts::open(&folder)
    });
    let listener = address::bind(config.listen).await?;
    let address = listener.local_addr().context("address of the listener")?;
    let inside = Arc::new(InsideEndpoint::default());
    let now = now()?;
    let inside_tls = authority::inside_tls(&folder, now)?;
    let workers = tokio::spawn(Workers::start(workers_config(&config, &folder, inside.clone(), address)));
    let tls = encryption(&config, &folder, now)?;
    let chosen_encryption = config.encryption.clone();
    let parts = opening.await.context("opening the data folder")??;
    let (kv, issuer, identities) = (parts.kv.clone(), parts.issuer.clone(), parts.identities.clone());
    let enforcement = match config.mode {
        Mode::Secure => Enforcement::On,
        Mode::Dev => config.enforcement,
    };
    let trail = Trail::new(
        kv.clone(),
        match enforcement {
            Enforcement::On => Scrutiny::Everything,
            Enforcement::Off => Scrutiny::Management,
        },
    );
    let platform = parts.platform(config.mode, enforcement, trail.clone());
    trail.start(&platform);
    platform.set_endpoint(&address::url(address));
    let gateway = Gateway::new(GatewayParts {
        platform: platform.clone(),
        issuer: issuer.clone(),
        identities: identities.clone(),
        plain: match (&tls, config.mode) {
            (Some(_), Mode::Secure) => PlainConnections::ThisMachine,
            _ => PlainConnections::Everywhere,
        },
        tls,
        sources: config.sources.or((config.mode == Mode::Secure).then(SourceLimits::default)),
        hosts: AllowedHosts::new(config.allowed_hosts),
        inside_tls: Some(inside_tls),
        version: VERSION,
    });
    inside.open(&gateway);
    let workers =
        workers.await.context("starting the workers")?.context("starting the workers that run functions")?;
    platform.mount(services::all(&services::Parts {
        platform: &platform,
        issuer: &issuer,
        identities: &identities,
        trail: &trail,
        workers: &workers,
        folder: &folder,
    })?);
    let first_key = match config.mode {
        Mode::Secure => keys::first(&platform).await.context("the first access key")?,
        Mode::Dev => None,
    };
    service::start_deliveries(&platform);
    control::serve(&platform, &folder)?;
    gateway.serve(listener);
    workers.warm_up();
    upkeep::start(&platform, kv);
    Ok(Running { address, platform, workers, folder, first_key, encryption: chosen_encryption })
}

impl Running {
    /// The base URL, without a trailing slash.
    pub fn url(&self) -> String {
        address::url(self.address)
    }

    /// The base URL over TLS, where there is a certificate.
    pub fn encrypted_url(&self) -> Option<String> {
        (self.encryption != Encryption::Off).then(|| format!("https://{}", self.address))
    }

    /// Whether clients must be told to trust [`Running::authority_file`].
    pub fn is_own_authority(&self) -> bool {
        matches!(self.encryption, Encryption::OwnCertificate { .. })
    }

    /// Whether other machines reach it without encryption.
    pub fn is_exposed_in_the_clear(&self) -> bool {
        self.encryption == Encryption::Off && !self.address.ip().is_loopback()
    }

    /// What clients must trust to reach this server over TLS, where it has a certificate of its own.
    pub fn authority_file(&self) -> PathBuf {
        tls::authority_file(&self.folder)
    }

    /// Waits until something without which the server cannot keep its promises has failed; gives what it was.
    pub async fn failed(&self) -> String {
        self.platform.tasks().stopping().wait().await;
        self.platform.tasks().failure().unwrap_or_else(|| "told to stop".into())
    }

    /// Stops accepting, lets what runs finish within [`SHUTDOWN_WITHIN`], then ends workers and store.
    pub async fn shutdown(self) -> ShutdownReport {
        let report = self.platform.tasks().shutdown(SHUTDOWN_WITHIN).await;
        if !report.is_clean() {
            tracing::warn!(
                requests_aborted = report.requests_aborted,
                tasks_aborted = ?report.aborted,
                "not everything ended in time"
            );
        }
        self.workers.shutdown().await;
        report
    }
}

/// The time in which certificates are made.
fn now() -> anyhow::Result<time::OffsetDateTime> {
    let now = Clock::system().now().epoch_millis() / 1_000;
    time::OffsetDateTime::from_unix_timestamp(now).context("the time of this machine")
}

fn encryption(
    config: &Config,
    folder: &DataFolder,
    now: time::OffsetDateTime,
) -> anyhow::Result<Option<Arc<rustls::ServerConfig>>> {
    match &config.encryption {
        Encryption::Off => Ok(None),
        Encryption::OwnCertificate { names } => tls::own_certificate(folder, names, now).map(Some),
        Encryption::Files { certificate, key } => tls::from_files(certificate, key).map(Some),
    }
}

fn workers_config(
    config: &Config,
    folder: &DataFolder,
    inside: Arc<InsideEndpoint>,
    address: SocketAddr,
) -> worker::Config {
    let mut pool = worker::PoolConfig::default();
    if let Some(spares) = config.spares {
        (pool.node_spares, pool.python_spares) = (spares, spares);
    }
    pool.workers_max = config.workers_max.unwrap_or(pool.workers_max);
    pool.idle_keep_alive = config.keep_alive.unwrap_or(pool.idle_keep_alive);
    worker::Config {
        sandbox: worker::sandbox::SandboxConfig {
            run_dir: folder.run(),
            runtimes: Vec::new(),
            authority: Some(tls::authority_file(folder)),
            tier: config.sandbox,
            platform_dir: folder.runtimes(),
        },
        platform_dir: folder.runtimes(),
        pool,
        network: worker::NetworkConfig {
            cloud_domains: CLOUD_DOMAINS,
            egress: config.egress.clone(),
            ..worker::NetworkConfig::default()
        },
        endpoint: Some(inside),
        endpoint_port: address.port(),
    }
}

/// What functions reach at `127.0.0.1:4566`, and under the cloud's names at ports 80 and 443, inside their sandbox: the same gateway, from when it is there and as long as
/// it listens. The workers do not keep it alive, because it keeps them alive.
#[derive(Default)]
struct InsideEndpoint(OnceLock<WeakGateway>);

impl InsideEndpoint {
    fn open(&self, gateway: &Gateway) {
        let _ = self.0.set(gateway.downgrade());
    }
}

impl worker::Endpoint for InsideEndpoint {
    fn accept(&self, stream: TcpStream) {
        if let Some(gateway) = self.0.get().and_then(WeakGateway::upgrade) {
            gateway.accept(stream);
        }
    }
}

/// A cloud holds many connections, files and sandboxes; the usual soft limit of 1,024 is for programs that use
/// `select`.
fn raise_open_files_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
        && let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
    {
        tracing::debug!(error = %error, "the limit of open files stays as it is");
    }
}
