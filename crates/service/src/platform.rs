//! What all services share: storage, clock, ids, the registry, the policy decision, background tasks.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use store::{Blobs, Kv};
use tasks::Tasks;

use crate::post::Outbox;
use crate::{AccountId, Authorizer, Clock, Ids, Registry};

/// How strictly callers are held to who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Loopback only: unknown keys are accepted, policies stored but not enforced, roles need not exist.
    Dev,
    /// Known keys only, policies enforced, deny by default.
    Secure,
}

/// What a platform is put together from.
pub struct PlatformParts {
    pub mode: Mode,
    pub kv: Arc<dyn Kv>,
    pub blobs: Arc<dyn Blobs>,
    pub clock: Clock,
    pub ids: Ids,
    pub authorizer: Arc<dyn Authorizer>,
    pub tasks: Tasks,
}

pub struct Platform {
    parts: PlatformParts,
    registry: OnceLock<Registry>,
    endpoint: OnceLock<Arc<str>>,
    outbox: Outbox,
}

impl Platform {
    pub fn new(parts: PlatformParts) -> Arc<Self> {
        Arc::new(Platform {
            parts,
            registry: OnceLock::new(),
            endpoint: OnceLock::new(),
            outbox: Outbox::default(),
        })
    }

    /// Completes the platform; a second call changes nothing.
    pub fn mount(&self, registry: Registry) {
        let _ = self.registry.set(registry);
    }

    /// The services; empty until [`Platform::mount`].
    pub fn registry(&self) -> &Registry {
        static EMPTY: OnceLock<Registry> = OnceLock::new();
        self.registry.get().unwrap_or_else(|| EMPTY.get_or_init(Registry::default))
    }

    /// The address the server listens on as a URL without a trailing slash; set once it is known.
    pub fn set_endpoint(&self, endpoint: &str) {
        let _ = self.endpoint.set(endpoint.into());
    }

    /// `http://127.0.0.1:4566` until the server has its address.
    pub fn endpoint(&self) -> Arc<str> {
        self.endpoint.get().cloned().unwrap_or_else(|| "http://127.0.0.1:4566".into())
    }

    pub fn mode(&self) -> Mode {
        self.parts.mode
    }

    pub fn kv(&self) -> &Arc<dyn Kv> {
        &self.parts.kv
    }

    pub fn blobs(&self) -> &Arc<dyn Blobs> {
        &self.parts.blobs
    }

    pub fn clock(&self) -> &Clock {
        &self.parts.clock
    }

    pub fn ids(&self) -> &Ids {
        &self.parts.ids
    }

    pub fn authorizer(&self) -> &dyn Authorizer {
        self.parts.authorizer.as_ref()
    }

    pub fn tasks(&self) -> &Tasks {
        &self.parts.tasks
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Delivers every post that is due by the clock, and what those post in turn, before it returns. For tests, which
    /// start no background work.
    pub async fn deliver_posts(self: &Arc<Self>) -> anyhow::Result<()> {
        crate::post::deliver_due(self).await
    }

    /// Empties all state, or one account's.
    ///
    /// Services forget twice: before the rows go, because what they hold outside the rows is named there, and after,
    /// because a request running meanwhile may have brought rows back into memory.
    pub async fn reset(&self, account: Option<&AccountId>) -> anyhow::Result<()> {
        let prefix = match account {
            Some(account) => crate::rows::account_prefix(account),
            None => Bytes::new(),
        };
        self.forget(account).await?;
        let payloads = crate::post::payloads(self, account).await?;
        store::clear(self.kv().as_ref(), prefix).await?;
        crate::post::remove_payloads(self, payloads).await;
        self.forget(account).await
    }

    async fn forget(&self, account: Option<&AccountId>) -> anyhow::Result<()> {
        for service in self.registry().iter() {
            service.reset(self, account).await?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Platform").field("endpoint", &self.endpoint()).finish_non_exhaustive()
    }
}
