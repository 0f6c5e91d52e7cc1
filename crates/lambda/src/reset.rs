//! Forgetting an account, or everything: what lies outside the account's rows.

use std::collections::HashSet;
use std::ops::Range;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use service::{AccountId, Platform, Region, Rows, Scope};
use store::{BlobId, BoxFuture, Order, Snapshot};

use crate::Lambda;
use crate::event_source::{CHECKPOINTS, MAPPINGS};
use crate::tables::{FUNCTIONS, Function, LAYER_VERSIONS, LayerVersion, Revision, URL_IDS, VERSIONS};

/// The reset of the service's definition. The rows of the accounts go afterwards, all services' at once.
pub(crate) fn reset<'a>(
    lambda: &'a Lambda,
    platform: &'a Platform,
    account: Option<&'a AccountId>,
) -> BoxFuture<'a, anyhow::Result<()>> {
    Box::pin(async move {
        let blobs = blobs(platform, account).await?;
        remove_url_ids(platform, account).await?;
        remove_event_sources(platform, account).await?;
        lambda.event_sources.changed();
        lambda.routes.forget_account(account);
        lambda.pools.forget(account);
        lambda.credentials.forget(account);
        lambda.logs.forget(account);
        lambda.workers.retire(&account.map_or_else(String::new, |account| format!("{account}/"))).await;
        lambda.folders.forget(account).await?;
        for blob in blobs {
            if let Err(error) = platform.blobs().delete(&blob).await {
                tracing::warn!(%blob, %error, "a package was not removed by the reset");
            }
        }
        Ok(())
    })
}

async fn remove_url_ids(platform: &Platform, account: Option<&AccountId>) -> anyhow::Result<()> {
    let scope = Scope::default();
    let ids = Rows::new(platform.kv().as_ref(), &URL_IDS, &scope);
    for (id, owner) in ids.all("").await.map_err(unexpected)? {
        if account.is_none_or(|account| owner.account == account.as_str()) {
            ids.remove(&id).await.map_err(unexpected)?;
        }
    }
    Ok(())
}

/// Their runners end once the supervisor finds the rows gone.
async fn remove_event_sources(platform: &Platform, account: Option<&AccountId>) -> anyhow::Result<()> {
    let (scope, prefix) =
        (Scope::default(), account.map_or_else(String::new, |account| format!("{account}/")));
    let mappings = Rows::new(platform.kv().as_ref(), &MAPPINGS, &scope);
    for (key, _) in mappings.all(&prefix).await.map_err(unexpected)? {
        mappings.remove(&key).await.map_err(unexpected)?;
    }
    let checkpoints = Rows::new(platform.kv().as_ref(), &CHECKPOINTS, &scope);
    for (key, _) in checkpoints.all(&prefix).await.map_err(unexpected)? {
        checkpoints.remove(&key).await.map_err(unexpected)?;
    }
    Ok(())
}

/// The blobs of all packages of an account, or of every account.
async fn blobs(platform: &Platform, account: Option<&AccountId>) -> anyhow::Result<HashSet<BlobId>> {
    let mut blobs = HashSet::new();
    for scope in scopes(platform, account).await? {
        let kv = platform.kv().as_ref();
        let functions: Vec<(String, Function)> = all(Rows::new(kv, &FUNCTIONS, &scope)).await?;
        blobs.extend(functions.into_iter().flat_map(|(_, function)| named(function.latest)));
        let versions: Vec<(String, Revision)> = all(Rows::new(kv, &VERSIONS, &scope)).await?;
        blobs.extend(versions.into_iter().flat_map(|(_, revision)| named(revision)));
        let layers: Vec<(String, LayerVersion)> = all(Rows::new(kv, &LAYER_VERSIONS, &scope)).await?;
        blobs.extend(layers.into_iter().map(|(_, layer)| layer.package.blob));
    }
    Ok(blobs)
}

/// The packages of a revision: its code, and its layers, which may be deleted otherwise already.
fn named(revision: Revision) -> impl Iterator<Item = BlobId> {
    let layers = revision.settings.layers.into_iter().map(|layer| layer.package.blob);
    std::iter::once(revision.package.blob).chain(layers)
}

async fn all<T: serde::Serialize + DeserializeOwned>(rows: Rows<'_, T>) -> anyhow::Result<Vec<(String, T)>> {
    rows.all("").await.map_err(unexpected)
}

/// The accounts and regions that have rows of any service, found by skipping from one to the next.
pub(crate) async fn scopes(platform: &Platform, account: Option<&AccountId>) -> anyhow::Result<Vec<Scope>> {
    let snapshot = platform.kv().snapshot().await?;
    let whole = match account {
        Some(account) => after(account.as_str().as_bytes(), 0)..after(account.as_str().as_bytes(), 1),
        // Keys that start with a zero byte belong to the store.
        None => Bytes::from_static(&[1])..Bytes::from_static(&[u8::MAX]),
    };
    let mut scopes = Vec::new();
    let mut range = whole;
    while let Some(key) = first_key(snapshot.as_ref(), range.clone()).await? {
        let mut parts = key.split(|byte| *byte == 0);
        let account = parts.next().unwrap_or_default();
        let region = parts.next().unwrap_or_default();
        let names = (std::str::from_utf8(account).ok(), std::str::from_utf8(region).ok());
        if let (Some(account), Some(region)) = names
            && let (Some(account), Some(region)) = (AccountId::parse(account), Region::parse(region))
        {
            scopes.push(Scope { account, region });
        }
        let seen = [account, &[0], region].concat();
        range.start = after(&seen, 1);
    }
    Ok(scopes)
}

async fn first_key(snapshot: &dyn Snapshot, range: Range<Bytes>) -> anyhow::Result<Option<Bytes>> {
    Ok(snapshot.scan(range, Order::Forward, 1).await?.into_iter().next().map(|(key, _)| key))
}

fn after(text: &[u8], byte: u8) -> Bytes {
    [text, &[byte]].concat().into()
}

fn unexpected(failure: service::Failure) -> anyhow::Error {
    anyhow::anyhow!("{failure}")
}
