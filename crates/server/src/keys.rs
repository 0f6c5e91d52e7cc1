//! The access keys of accounts themselves: who has one may do everything in its account, and make users who may less.
//!
//! They are IAM's; here the owner of the data folder makes and changes them, because somebody must have the first one.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use service::{AccountId, Context, Failure, Platform, Principal, Region, Registry, Scope};
use wire::{Document, Map};

use crate::folder::DataFolder;
use crate::{Enforcement, control, parts};

/// What the owner of a data folder wants of an account's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeysOrder {
    /// One more key.
    Create,
    /// A new key; all others of the account itself end at once.
    Rotate,
    /// The ids alone.
    List,
}

/// A key of an account; the secret is known only when it was made.
#[derive(Clone, Serialize, Deserialize)]
pub struct RootKey {
    pub account: String,
    pub access_key_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_access_key: Option<String>,
}

impl std::fmt::Debug for RootKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RootKey").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// Asks the server that runs over a data folder, or does it itself when none does.
pub async fn keys(data: &Path, order: KeysOrder, account: &AccountId) -> anyhow::Result<Vec<RootKey>> {
    if !data.join("kv").is_dir() {
        bail!("{} is not a data folder: name it with --data", data.display());
    }
    let folder = DataFolder::open(data, None)?;
    if let Some(server) = control::Connection::open(&folder).await? {
        return server.keys(order, account).await;
    }
    let opened = parts::open(&folder)?;
    let identities = opened.identities.clone();
    let trail = cloudtrail::Trail::new(opened.kv.clone(), cloudtrail::Scrutiny::Everything);
    let platform = opened.platform(service::Mode::Secure, Enforcement::On, trail);
    platform.mount(Registry::new(vec![iam::service(&platform, identities)]));
    obey(&platform, order, account).await
}

/// The first key of the account that requests without one would mean; `None` when it has one.
pub(crate) async fn first(platform: &Arc<Platform>) -> anyhow::Result<Option<RootKey>> {
    let owner = Owner::new(platform, &AccountId::default());
    match owner.list().await?.is_empty() {
        true => owner.create().await.map(Some),
        false => Ok(None),
    }
}

pub(crate) async fn obey(
    platform: &Arc<Platform>,
    order: KeysOrder,
    account: &AccountId,
) -> anyhow::Result<Vec<RootKey>> {
    let owner = Owner::new(platform, account);
    match order {
        KeysOrder::Create => Ok(vec![owner.create().await?]),
        KeysOrder::List => owner.list().await,
        KeysOrder::Rotate => {
            let mut old = owner.list().await?;
            // An account has so many keys; a new one needs a place.
            let made = match owner.create().await {
                Ok(made) => made,
                Err(full) => match old.pop() {
                    Some(one) => {
                        owner.delete(&one).await?;
                        owner.create().await?
                    }
                    None => return Err(full),
                },
            };
            for key in old {
                owner.delete(&key).await?;
            }
            Ok(vec![made])
        }
    }
}

/// The account itself, asking IAM.
struct Owner {
    cx: Context,
}

impl Owner {
    fn new(platform: &Arc<Platform>, account: &AccountId) -> Self {
        let scope = Scope { account: account.clone(), region: Region::default() };
        Owner { cx: Context::internal(platform, scope, Principal::Root { account: account.clone() }) }
    }

    async fn ask(&self, operation: &str, input: Document) -> anyhow::Result<Document> {
        let root = self.cx.caller().principal.clone();
        let answered = self.cx.call(root, "iam", operation, input).await;
        answered.map(|reply| reply.document).map_err(|failure| match failure {
            Failure::Modelled(_) => anyhow::anyhow!("{failure}"),
            Failure::Internal(cause) => cause,
        })
    }

    async fn create(&self) -> anyhow::Result<RootKey> {
        let made = self.ask("CreateAccessKey", Document::Map(Map::default())).await?;
        let made = made.get("AccessKey").context("CreateAccessKey answered no key")?;
        let mut key = self.key(made)?;
        key.secret_access_key = made.get("SecretAccessKey").and_then(Document::as_str).map(str::to_owned);
        Ok(key)
    }

    async fn list(&self) -> anyhow::Result<Vec<RootKey>> {
        let listed = self.ask("ListAccessKeys", Document::Map(Map::default())).await?;
        let keys = listed.get("AccessKeyMetadata").and_then(Document::as_list).unwrap_or_default();
        keys.iter().map(|key| self.key(key)).collect()
    }

    async fn delete(&self, key: &RootKey) -> anyhow::Result<()> {
        let input = Document::map([("AccessKeyId", key.access_key_id.as_str().into())]);
        self.ask("DeleteAccessKey", input).await.map(drop)
    }

    fn key(&self, found: &Document) -> anyhow::Result<RootKey> {
        let id = found.get("AccessKeyId").and_then(Document::as_str).context("a key without an id")?;
        Ok(RootKey {
            account: self.cx.account().to_string(),
            access_key_id: id.to_owned(),
            secret_access_key: None,
        })
    }
}
