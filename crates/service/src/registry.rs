//! All services of one cloud, by name, and the one path by which any of them is called.

use std::collections::BTreeMap;
use std::sync::Arc;

use store::BoxFuture;
use wire::{Document, Model};

use crate::{
    AccountId, Authorization, Context, Definition, Demand, Failure, Judge, Platform, Reply, ResourcePolicies,
    ResourcePolicy, Result,
};

/// A service with its type erased.
pub trait AnyService: Send + Sync {
    fn name(&self) -> &'static str;
    fn model(&self) -> &'static Model;
    /// The names of the operations in its table, internal ones left out.
    fn implemented(&self) -> Vec<&'static str>;
    /// Who judges the inputs of an operation, where not the model's constraints do.
    fn judge(&self, _: &str) -> Option<Judge> {
        None
    }
    /// Reads the input, asks the authorizer, runs.
    fn execute<'a>(
        &'a self,
        cx: &'a Context,
        operation: &'a str,
        input: Document,
    ) -> BoxFuture<'a, Result<Reply>>;
    /// What a resource of this service says itself about who may use it.
    fn resource_policy<'a>(
        &'a self,
        _: &'a Context,
        _: &'a Demand,
    ) -> BoxFuture<'a, Result<Option<ResourcePolicy>>> {
        Box::pin(std::future::ready(Ok(None)))
    }
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

    fn judge(&self, operation: &str) -> Option<Judge> {
        self.definition.find(operation)?.judge
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
            if !self.definition.is_internal(entry) && !cx.is_authorised() {
                let (service, operation) = (self.definition.name, entry.name);
                let mut demands = ready.demands(cx);
                for demand in demands.iter_mut().filter(|demand| !demand.action.contains(':')) {
                    demand.action = format!("{}:{}", self.definition.action_prefix, demand.action).into();
                }
                let question = Authorization { cx, service, operation, demands };
                cx.platform().authorizer().authorize(question).await?;
            }
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

/// [`Mounted`], for a service whose resources have policies of their own.
pub struct Guarded<S: 'static>(pub Mounted<S>);

impl<S: ResourcePolicies + 'static> AnyService for Guarded<S> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn model(&self) -> &'static Model {
        self.0.model()
    }

    fn implemented(&self) -> Vec<&'static str> {
        self.0.implemented()
    }

    fn judge(&self, operation: &str) -> Option<Judge> {
        self.0.judge(operation)
    }

    fn execute<'a>(
        &'a self,
        cx: &'a Context,
        operation: &'a str,
        input: Document,
    ) -> BoxFuture<'a, Result<Reply>> {
        self.0.execute(cx, operation, input)
    }

    fn resource_policy<'a>(
        &'a self,
        cx: &'a Context,
        demand: &'a Demand,
    ) -> BoxFuture<'a, Result<Option<ResourcePolicy>>> {
        self.0.service.resource_policy(cx, demand)
    }

    fn reset<'a>(
        &'a self,
        platform: &'a Platform,
        account: Option<&'a AccountId>,
    ) -> BoxFuture<'a, anyhow::Result<()>> {
        self.0.reset(platform, account)
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
