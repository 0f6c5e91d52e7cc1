//! What the owner of the workers decides once, at start.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpStream;

use crate::network::NetworkConfig;
use crate::policy::PoolConfig;
use crate::sandbox::SandboxConfig;

/// Everything [`crate::Workers::start`] needs.
pub struct Config {
    /// How sandboxes are made. Interpreter folders found on the host are added to `runtimes`.
    pub sandbox: SandboxConfig,
    /// Folder of the platform's own files: runtime clients and installed SDKs. Must be the same as
    /// `sandbox.platform_dir`.
    pub platform_dir: PathBuf,
    pub pool: PoolConfig,
    /// Names inside a sandbox, and what lies outside.
    pub network: NetworkConfig,
    /// Receives the connections functions make inside their sandbox to `127.0.0.1:4566` and, under names of the cloud,
    /// to ports 80 and 443; those to 443 begin with a TLS handshake. In the process tier there is no separate network,
    /// so nothing arrives here.
    pub endpoint: Option<Arc<dyn Endpoint>>,
    /// Port of the public endpoint on the host's loopback, which functions in the process tier
    /// are given in `AWS_ENDPOINT_URL`. Inside a namespace it is always 4566.
    pub endpoint_port: u16,
}

/// The platform's front door as seen from inside a sandbox.
pub trait Endpoint: Send + Sync {
    /// Takes over one connection; must not block.
    fn accept(&self, stream: TcpStream);
}
