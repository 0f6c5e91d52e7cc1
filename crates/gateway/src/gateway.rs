//! The gateway itself: what it is made of, and which part of it answers a request.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Weak};
use std::time::Instant;

use auth::{Identities, Issuer, SigningKeys};
use futures_util::FutureExt as _;
use http::HeaderValue;
use http::header::HOST;
use service::{Failure, Mode, Platform};
use tokio::sync::Semaphore;

use crate::api;
use crate::body::Response;
use crate::hosts::AllowedHosts;
use crate::limits::CONNECTIONS_MAX;
use crate::request::Request;
use crate::sites;
use crate::sources::{SourceLimits, Sources};

/// What a gateway is put together from.
pub struct GatewayParts {
    pub platform: Arc<Platform>,
    /// Opens the credentials and links that this installation issued.
    pub issuer: Arc<Issuer>,
    /// Who long-lived keys belong to.
    pub identities: Arc<dyn Identities>,
    /// Encrypted connections are accepted beside plain ones on the same port when this is there.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    pub plain: PlainConnections,
    /// What one source may take; nobody is limited without.
    pub sources: Option<SourceLimits>,
    /// Names beside its own that a development server answers to.
    pub hosts: AllowedHosts,
    /// The same for connections from inside sandboxes.
    pub inside_tls: Option<Arc<rustls::ServerConfig>>,
    /// What health and info answer.
    pub version: &'static str,
}

/// Where unencrypted connections are answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlainConnections {
    #[default]
    Everywhere,
    /// From loopback and from sandboxes; others are told to encrypt.
    ThisMachine,
}

/// The front door. Clones share it.
#[derive(Clone)]
pub struct Gateway {
    pub(crate) shared: Arc<Shared>,
}

/// A gateway that may be gone: for whoever the gateway itself keeps alive.
#[derive(Clone)]
pub struct WeakGateway {
    shared: Weak<Shared>,
}

impl WeakGateway {
    pub fn upgrade(&self) -> Option<Gateway> {
        self.shared.upgrade().map(|shared| Gateway { shared })
    }
}

pub(crate) struct Shared {
    pub(crate) parts: GatewayParts,
    pub(crate) connections: Arc<Semaphore>,
    pub(crate) signing_keys: SigningKeys,
    pub(crate) sources: Option<Arc<Sources>>,
    pub(crate) started_epoch_millis: i64,
}

impl Gateway {
    pub fn new(parts: GatewayParts) -> Self {
        let started_epoch_millis = parts.platform.clock().now().epoch_millis();
        let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let sources = parts.sources.map(Sources::new);
        let signing_keys = SigningKeys::default();
        let shared = Shared { parts, connections, signing_keys, sources, started_epoch_millis };
        Gateway { shared: Arc::new(shared) }
    }

    pub fn downgrade(&self) -> WeakGateway {
        WeakGateway { shared: Arc::downgrade(&self.shared) }
    }

    pub(crate) fn platform(&self) -> &Arc<Platform> {
        &self.shared.parts.platform
    }

    pub(crate) fn issuer(&self) -> &Issuer {
        &self.shared.parts.issuer
    }

    /// Answers one request, whatever happens inside.
    pub(crate) async fn handle(self, request: Request) -> Response {
        let id = request.id.clone();
        let mut response = match sites::find(&request) {
            _ if !has_one_host(&request) => sites::without_one_host(),
            _ if self.is_of_a_foreign_host(&request) => sites::of_a_foreign_host(),
            _ if self.must_encrypt(&request) => sites::without_encryption(),
            _ if self.asks_too_often(&request) => api::too_many_requests(&request),
            Some(site) => match AssertUnwindSafe(sites::answer(&self, site, request)).catch_unwind().await {
                Ok(response) => response,
                Err(panic) => sites::internal_failure(&id, &panicked(panic.as_ref())),
            },
            None => api::answer(&self, request).await,
        };
        if let Ok(id) = HeaderValue::from_str(&id) {
            response.headers_mut().entry("x-amzn-requestid").or_insert(id);
        }
        response
    }
}

impl Gateway {
    fn is_of_a_foreign_host(&self, request: &Request) -> bool {
        let is_dev = self.platform().mode() == Mode::Dev;
        is_dev && request.peer.address.is_some() && !self.shared.parts.hosts.allow(request.host())
    }

    fn must_encrypt(&self, request: &Request) -> bool {
        let is_local = request.peer.address.is_none_or(|address| address.is_loopback());
        self.shared.parts.plain == PlainConnections::ThisMachine && !request.peer.is_encrypted && !is_local
    }

    fn asks_too_often(&self, request: &Request) -> bool {
        match (&self.shared.sources, request.peer.address) {
            (Some(sources), Some(address)) => sources.ask(address, Instant::now()).is_err(),
            _ => false,
        }
    }
}

/// RFC 9112, section 3.2: a request of HTTP/1.1 has exactly one `Host`. Two of them may be read differently by the
/// signature check and by whatever stands in front of us.
fn has_one_host(request: &Request) -> bool {
    request.head.version != http::Version::HTTP_11 || request.headers().get_all(HOST).iter().count() == 1
}

/// A panic as the failure it is: unexpected, told to the log and not to the client.
pub(crate) fn panicked(panic: &(dyn std::any::Any + Send)) -> Failure {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a value that is not text".to_owned());
    Failure::Internal(anyhow::anyhow!("panicked: {text}"))
}
