//! IAM in a registry: its table, and what was concluded from its rows is forgotten after every operation that may
//! have changed them.

use std::sync::Arc;

use service::{
    AccountId, AnyService, Arn, BoxFuture, ConditionKeys, Context, Demand, Mounted, Platform, Region, Reply,
    ResourcePolicy, Result, Rows, Scope, Tags,
};
use wire::{Document, Model};

use crate::key_uses;
use crate::role::{ROLES, key};
use crate::user::USERS;
use crate::{DEFINITION, Iam, Identities};

/// What the names of operations that change nothing begin with.
const READING: [&str; 4] = ["Get", "List", "Simulate", "Generate"];

/// IAM as a service of the cloud.
pub fn service(platform: &Arc<Platform>, identities: Arc<Identities>) -> Box<dyn AnyService> {
    key_uses::write_down(platform, identities.clone());
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

    /// The tags of users and roles. Who may assume a role is asked of [`auth::Identities`].
    fn resource_policy<'a>(
        &'a self,
        cx: &'a Context,
        demand: &'a Demand,
    ) -> BoxFuture<'a, Result<Option<ResourcePolicy>>> {
        Box::pin(async move {
            let keys = tag_keys(&tags(cx, &demand.resource).await?);
            let owner = AccountId::parse(demand.resource.account());
            let policy = ResourcePolicy { owner, keys, ..ResourcePolicy::default() };
            Ok(Some(policy).filter(|policy| !policy.keys.is_empty()))
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

/// The tags of the user or role that an ARN names; its path may be missing.
async fn tags(cx: &Context, arn: &Arn) -> Result<Tags> {
    let (Some(account), Some((kind, place))) =
        (AccountId::parse(arn.account()), arn.resource().split_once('/'))
    else {
        return Ok(Tags::default());
    };
    let (kv, name) = (cx.platform().kv().as_ref(), key(place.rsplit('/').next().unwrap_or_default()));
    let scope = Scope { account, region: Region::default() };
    Ok(match kind {
        "role" => Rows::new(kv, &ROLES, &scope).get(&name).await?.map(|role| role.tags).unwrap_or_default(),
        "user" => Rows::new(kv, &USERS, &scope).get(&name).await?.map(|user| user.tags).unwrap_or_default(),
        _ => Tags::default(),
    })
}

fn tag_keys(tags: &Tags) -> ConditionKeys {
    let prefixed = |prefix: &str, key: &str, value: &str| {
        (format!("{prefix}:ResourceTag/{key}").into(), vec![value.to_owned()])
    };
    tags.0
        .iter()
        .flat_map(|(key, value)| [prefixed("aws", key, value), prefixed("iam", key, value)])
        .collect()
}
