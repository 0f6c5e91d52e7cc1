//! All services of one cloud, by name, and the one path by which any of them is called.

use std::collections::BTreeMap;
use std::sync::Arc;

use store::BoxFuture;
use wire::{Document, Model};

use crate::{AccountId, Authorization, Context, Definition, Failure, Platform, Reply, Result};

/// A service with its type erased.
pub trait AnyService: Send + Sync {
    fn name(&self) -> &'static str;
    fn model(&self) -> &'static Model;
    /// The names of the operations in its table, internal ones left out.
    fn implemented(&self) -> Vec<&'static str>;
    /// Reads the input, asks the authorizer, runs.
    fn execute<'a>(
        &'a self,
        cx: &'a Context,
        operation: &'a str,
        input: Document,
    ) -> BoxFuture<'a, Result<Reply>>;
    fn reset<'a>(
        &'a self,
        platform: &'a Platform,
        account: Option<&'a AccountId>,
    ) -> BoxFuture<'a, anyhow::Result<()>>;
}

/// A service's table together with its state.
pub struct Mounted<S: 'static> {
    pub definition: &'static Definition<S>,
    pub service: Arc<S>,
}

impl<S: Send + Sync + 'static> AnyService for Mounted<S> {
    fn name(&self) -> &'static str {
        self.definition.name
    }

    fn model(&self) -> &'static Model {
        self.definition.model()
    }

    fn implemented(&self) -> Vec<&'static str> {
        self.definition.operations.iter().map(|entry| entry.name).collect()
    }

    fn execute<'a>(
        &'a self,
        cx: &'a Context,
        operation: &'a str,
        input: Document,
    ) -> BoxFuture<'a, Result<Reply>> {
        Box::pin(async move {
            let entry = self
                .definition
                .find(operation)
                .ok_or_else(|| Failure::not_implemented(self.definition.name, operation))?;
            let ready = entry.read(input)?;
            let question = Authorization {
                cx,
                action: format!("{}:{}", self.definition.action_prefix, entry.action),
                resource: ready.resource(cx),
            };
            cx.platform().authorizer().authorize(question).await?;
            ready.run(&self.service, cx).await
        })
    }

    fn reset<'a>(
        &'a self,
        platform: &'a Platform,
        account: Option<&'a AccountId>,
    ) -> BoxFuture<'a, anyhow::Result<()>> {
        (self.definition.reset)(&self.service, platform, account)
    }
}

/// The services that are there, found by name.
#[derive(Default)]
pub struct Registry {
    services: BTreeMap<&'static str, Box<dyn AnyService>>,
}

impl Registry {
    pub fn new(services: Vec<Box<dyn AnyService>>) -> Self {
        Registry { services: services.into_iter().map(|service| (service.name(), service)).collect() }
    }

    pub fn find(&self, name: &str) -> Option<&dyn AnyService> {
        self.services.get(name).map(AsRef::as_ref)
    }

    pub fn iter(&self) -> impl Iterator<Item = &dyn AnyService> {
        self.services.values().map(AsRef::as_ref)
    }
}
