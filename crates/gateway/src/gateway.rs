//! The gateway itself: what it is made of, and which part of it answers a request.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Weak};

use auth::Issuer;
use futures_util::FutureExt as _;
use http::HeaderValue;
use http::header::HOST;
use service::{Failure, Platform};
use tokio::sync::Semaphore;

use crate::api;
use crate::body::Response;
use crate::limits::CONNECTIONS_MAX;
use crate::request::Request;
use crate::sites;

/// What a gateway is put together from.
pub struct GatewayParts {
    pub platform: Arc<Platform>,
    /// Opens the credentials and links that this installation issued.
    pub issuer: Arc<Issuer>,
    /// Encrypted connections are accepted beside plain ones on the same port when this is there.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// What health and info answer.
    pub version: &'static str,
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
    pub(crate) started_epoch_millis: i64,
}

impl Gateway {
    pub fn new(parts: GatewayParts) -> Self {
        let started_epoch_millis = parts.platform.clock().now().epoch_millis();
        let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        Gateway { shared: Arc::new(Shared { parts, connections, started_epoch_millis }) }
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
