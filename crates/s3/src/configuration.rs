//! Sub-resources of buckets: each kind is a row of its own, keyed by bucket and kind.
//!
//! An operation names its kind and gives the struct it keeps:
//!
//! ```ignore
//! configuration::put(cx, &self.bucket, self.expected_bucket_owner.as_deref(), CORS, &rules).await?;
//! ```
//!
//! The bucket's own row names the kinds that are set, so a request that needs one nobody has set reads nothing.

use serde::Serialize;
use serde::de::DeserializeOwned;
use service::{Context, Result};
use store::{Commit, Outcome, Snapshot};

use crate::bucket::{self, Bucket};
use crate::limits::CONFLICT_RETRIES_MAX;
use crate::tables;

/// A kind of configuration. Where a bucket has several of a kind, each with an id, see [`Kind::with_id`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind(pub(crate) &'static str);

pub(crate) const ACCELERATE: Kind = Kind("accelerate");
pub(crate) const ACL: Kind = Kind("acl");
pub(crate) const ANALYTICS: Kind = Kind("analytics");
pub(crate) const CORS: Kind = Kind("cors");
pub(crate) const ENCRYPTION: Kind = Kind("encryption");
pub(crate) const INVENTORY: Kind = Kind("inventory");
pub(crate) const LIFECYCLE: Kind = Kind("lifecycle");
pub(crate) const LOGGING: Kind = Kind("logging");
pub(crate) const METRICS: Kind = Kind("metrics");
pub(crate) const NOTIFICATION: Kind = Kind("notification");
pub(crate) const OWNERSHIP: Kind = Kind("ownership");
pub(crate) const POLICY: Kind = Kind("policy");
pub(crate) const PUBLIC_ACCESS_BLOCK: Kind = Kind("public-access-block");
pub(crate) const REPLICATION: Kind = Kind("replication");
pub(crate) const REQUEST_PAYMENT: Kind = Kind("request-payment");
pub(crate) const TAGGING: Kind = Kind("tagging");
pub(crate) const TIERING: Kind = Kind("intelligent-tiering");
pub(crate) const WEBSITE: Kind = Kind("website");

impl Kind {
    /// The name under which one of several configurations of this kind is kept.
    fn with_id(self, id: &str) -> String {
        format!("{}\0{id}", self.0)
    }
}

/// The configuration of a bucket that was read already.
pub(crate) async fn get<T: DeserializeOwned>(cx: &Context, bucket: &Bucket, kind: Kind) -> Result<Option<T>> {
    if !bucket.has(kind.0) {
        return Ok(None);
    }
    get_on(cx.platform().kv().snapshot().await?.as_ref(), bucket, kind).await
}

/// [`get`] on a snapshot.
pub(crate) async fn get_on<T: DeserializeOwned>(
    snapshot: &dyn Snapshot,
    bucket: &Bucket,
    kind: Kind,
) -> Result<Option<T>> {
    if !bucket.has(kind.0) {
        return Ok(None);
    }
    let row = snapshot.get(&tables::configuration(bucket, kind.0)).await?;
    row.map(|row| decode(&row.value)).transpose()
}

/// Sets the configuration of an existing bucket.
pub(crate) async fn put<T: Serialize>(
    cx: &Context,
    bucket: &str,
    expected_owner: Option<&str>,
    kind: Kind,
    value: &T,
) -> Result<()> {
    change(cx, bucket, expected_owner, kind.0, Some(encode(value)?)).await
}

/// Removes the configuration of an existing bucket; removing what is not set is fine.
pub(crate) async fn remove(
    cx: &Context,
    bucket: &str,
    expected_owner: Option<&str>,
    kind: Kind,
) -> Result<()> {
    change(cx, bucket, expected_owner, kind.0, None).await
}

/// One of several configurations of a kind.
pub(crate) async fn get_by_id<T: DeserializeOwned>(
    cx: &Context,
    bucket: &Bucket,
    kind: Kind,
    id: &str,
) -> Result<Option<T>> {
    let snapshot = cx.platform().kv().snapshot().await?;
    let row = snapshot.get(&tables::configuration(bucket, &kind.with_id(id))).await?;
    row.map(|row| decode(&row.value)).transpose()
}

/// Sets one of several configurations of a kind.
pub(crate) async fn put_by_id<T: Serialize>(
    cx: &Context,
    bucket: &str,
    expected_owner: Option<&str>,
    kind: Kind,
    id: &str,
    value: &T,
) -> Result<()> {
    change(cx, bucket, expected_owner, &kind.with_id(id), Some(encode(value)?)).await
}

/// Removes one of several configurations of a kind.
pub(crate) async fn remove_by_id(
    cx: &Context,
    bucket: &str,
    expected_owner: Option<&str>,
    kind: Kind,
    id: &str,
) -> Result<()> {
    change(cx, bucket, expected_owner, &kind.with_id(id), None).await
}

/// All configurations of a kind, by id.
pub(crate) async fn all<T: DeserializeOwned>(cx: &Context, bucket: &Bucket, kind: Kind) -> Result<Vec<T>> {
    let snapshot = cx.platform().kv().snapshot().await?;
    let range = store::prefix_range(&tables::configuration(bucket, &kind.with_id("")));
    let rows = snapshot.scan(range, store::Order::Forward, store::SCAN_ROWS_MAX).await?;
    rows.into_iter().map(|(_, row)| decode(&row.value)).collect()
}

/// One commit changes the row and what the bucket's row says of it.
async fn change(
    cx: &Context,
    name: &str,
    expected_owner: Option<&str>,
    kind: &str,
    value: Option<Vec<u8>>,
) -> Result<()> {
    let kv = cx.platform().kv().as_ref();
    for _ in 0..CONFLICT_RETRIES_MAX {
        let mut found = bucket::find(kv.snapshot().await?.as_ref(), name, expected_owner).await?;
        let key = tables::configuration(&found.bucket, kind);
        let mut commit = Commit::new().check(found.unchanged());
        commit = match &value {
            Some(value) => commit.put(key, value.clone()),
            None => commit.delete(key),
        };
        // Those with ids are not on the way of any request, and may be many.
        let has_id = kind.contains('\0');
        let changes_bucket = match &value {
            Some(_) => !has_id && found.bucket.configured.insert(kind.to_owned()),
            None => found.bucket.configured.remove(kind),
        };
        if changes_bucket {
            commit = commit.put(tables::bucket(name), found.bucket.encoded()?);
        }
        if let Outcome::Done(_) = kv.commit(commit).await? {
            return Ok(());
        }
    }
    Err(bucket::busy())
}

pub(crate) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    Ok(serde_json::to_vec(value)
        .map_err(|error| anyhow::anyhow!("configuration does not serialize: {error}"))?)
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    Ok(serde_json::from_slice(bytes)
        .map_err(|error| anyhow::anyhow!("configuration does not read: {error}"))?)
}
