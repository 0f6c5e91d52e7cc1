//! An operation is a type; a service is the table of its operations.

use std::future::Future;

use serde::de::DeserializeOwned;
use store::BoxFuture;
use wire::{Document, Model, Violation};

use crate::{AccountId, Arn, Context, Demand, Failure, IntoReply, Platform, Reply, Result};

/// One operation of one service: the struct holds the input members that are honoured.
pub trait Operation: DeserializeOwned + Send + 'static {
    type Service: Send + Sync + 'static;
    type Output: IntoReply + Send;

    /// The API's name; a test checks it against the model.
    const NAME: &'static str;
    /// The IAM action where it differs from the name, e.g. `InvokeFunction` for `Invoke`.
    const ACTION: &'static str = Self::NAME;

    /// Who judges inputs that break constraints of the model, where not the order and the words of the model decide.
    const JUDGE: Option<Judge> = None;

    /// What the call acts on, for the policy decision.
    fn resource(&self, _: &Context) -> Arn {
        Arn::any()
    }

    /// All that the call must be allowed, where that is more than [`Self::ACTION`] on [`Operation::resource`]: several
    /// actions or resources (`iam:PassRole` on the role a function gets), or condition keys of the service's own.
    fn demands(&self, cx: &Context) -> Vec<Demand> {
        vec![Demand::new(Self::ACTION, self.resource(cx))]
    }

    fn run(self, service: &Self::Service, cx: &Context) -> impl Future<Output = Result<Self::Output>> + Send;
}

/// Judges an input from outside, with the constraints of the model that it breaks: an error refuses it.
pub type Judge = fn(input: &Document, broken: &[Violation]) -> Result<()>;

/// Everything a service is: its name, its model, its operations, and how it forgets.
pub struct Definition<S: 'static> {
    /// The name of its model and of its signing scope, e.g. `lambda`.
    pub name: &'static str,
    /// The prefix of its IAM actions.
    pub action_prefix: &'static str,
    pub operations: &'static [Entry<S>],
    /// Operations for other services only; not in the model, so unreachable from the wire. No policy is asked about
    /// them.
    pub internal: &'static [Entry<S>],
    /// Drops what is held outside the account's rows: memory, workers, files. `None` means all accounts. A reset calls
    /// it twice, before and after the rows go.
    pub reset: for<'a> fn(&'a S, &'a Platform, Option<&'a AccountId>) -> BoxFuture<'a, anyhow::Result<()>>,
}

impl<S> Definition<S> {
    /// The API model. Present for every service: a test of the service's crate asks for it.
    pub fn model(&self) -> &'static Model {
        wire::model(self.name).expect("the model of every defined service is embedded")
    }

    pub fn find(&self, operation: &str) -> Option<&'static Entry<S>> {
        self.operations.iter().chain(self.internal).find(|entry| entry.name == operation)
    }

    pub(crate) fn is_internal(&self, entry: &Entry<S>) -> bool {
        self.internal.iter().any(|internal| internal.name == entry.name)
    }
}

/// One row of a service's table: the only place where a typed operation becomes a plain function.
pub struct Entry<S: 'static> {
    pub name: &'static str,
    pub action: &'static str,
    read: fn(Document) -> Result<Box<dyn Ready<S>>>,
    pub(crate) members: fn() -> Vec<&'static str>,
    pub(crate) judge: Option<Judge>,
}

/// An operation whose input was read: ask what it demands, then run it.
pub trait Ready<S>: Send {
    fn demands(&self, cx: &Context) -> Vec<Demand>;
    fn run<'a>(self: Box<Self>, service: &'a S, cx: &'a Context) -> BoxFuture<'a, Result<Reply>>;
}

impl<S: Send + Sync> Entry<S> {
    pub const fn of<O: Operation<Service = S>>() -> Self {
        Entry {
            name: O::NAME,
            action: O::ACTION,
            read: |document| match wire::from_document::<O>(document) {
                Ok(operation) => Ok(Box::new(operation)),
                Err(error) => Err(Failure::new("SerializationException", 400, error.to_string())),
            },
            members: crate::honesty::members_of::<O>,
            judge: O::JUDGE,
        }
    }

    pub fn read(&self, input: Document) -> Result<Box<dyn Ready<S>>> {
        (self.read)(input)
    }
}

impl<O: Operation> Ready<O::Service> for O {
    fn demands(&self, cx: &Context) -> Vec<Demand> {
        Operation::demands(self, cx)
    }

    fn run<'a>(self: Box<Self>, service: &'a O::Service, cx: &'a Context) -> BoxFuture<'a, Result<Reply>> {
        Box::pin(async move { Operation::run(*self, service, cx).await?.into_reply() })
    }
}

/// The table of a service: `operations![CreateFunction, Invoke]`.
#[macro_export]
macro_rules! operations {
    ($($operation:ty),* $(,)?) => { &[$($crate::Entry::of::<$operation>()),*] };
}
