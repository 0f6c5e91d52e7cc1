//! IAM in a registry: its table, and what was concluded from its rows is forgotten after every operation that may
//! have changed them.

use std::sync::Arc;

use service::{AccountId, AnyService, BoxFuture, Context, Mounted, Platform, Reply, Result};
use wire::{Document, Model};

use crate::{DEFINITION, Iam, Identities};

/// What the names of operations that change nothing begin with.
const READING: [&str; 4] = ["Get", "List", "Simulate", "Generate"];

/// IAM as a service of the cloud.
pub fn service(identities: Arc<Identities>) -> Box<dyn AnyService> {
    Box::new(Forgetful {
        identities: identities.clone(),
        mounted: Mounted { definition: &DEFINITION, service: Arc::new(Iam::new(identities)) },
    })
}

struct Forgetful {
    mounted: Mounted<Iam>,
    identities: Arc<Identities>,
}

/// Forgets when it goes, so that a failed or interrupted change is followed too.
struct Changing<'a>(&'a Identities);

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        self.0.changed();
    }
}

impl AnyService for Forgetful {
    fn name(&self) -> &'static str {
        self.mounted.name()
    }

    fn model(&self) -> &'static Model {
        self.mounted.model()
    }

    fn implemented(&self) -> Vec<&'static str> {
        self.mounted.implemented()
    }

    fn execute<'a>(
        &'a self,
        cx: &'a Context,
        operation: &'a str,
        input: Document,
    ) -> BoxFuture<'a, Result<Reply>> {
        Box::pin(async move {
            let reads = READING.iter().any(|start| operation.starts_with(start));
            let _changing = (!reads).then(|| Changing(&self.identities));
            self.mounted.execute(cx, operation, input).await
        })
    }

    fn reset<'a>(
        &'a self,
        platform: &'a Platform,
        account: Option<&'a AccountId>,
    ) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async move {
            let _changing = Changing(&self.identities);
            self.mounted.reset(platform, account).await
        })
    }
}
