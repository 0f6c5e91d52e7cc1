//! Buckets: their row, their names, and how requests find them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use service::{Context, Result};
use store::{Check, Commit, Outcome, Snapshot, Version};

use crate::error::{self, Error};
use crate::limits::{BUCKETS_MAX, CONFLICT_RETRIES_MAX};
use crate::tables;

/// One bucket. What every request needs to know of it stands here; larger configurations have rows of their own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Bucket {
    #[serde(skip)]
    pub(crate) name: String,
    /// Sixteen hexadecimal digits: a bucket that is deleted and created again begins empty.
    pub(crate) id: String,
    /// The account.
    pub(crate) owner: String,
    pub(crate) region: String,
    pub(crate) created_epoch_millis: i64,
    #[serde(default)]
    pub(crate) versioning: Versioning,
    /// Present from creation with object lock on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) object_lock: Option<ObjectLock>,
    /// The kinds of configuration that are set; see [`configuration`](crate::configuration).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) configured: BTreeSet<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Versioning {
    /// Never switched on.
    #[default]
    Off,
    Enabled,
    Suspended,
}

/// Object lock of a bucket; it cannot be switched off again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObjectLock {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) default_retention: Option<DefaultRetention>,
}

/// What new objects are given that name no retention of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DefaultRetention {
    pub(crate) mode: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) days: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) years: Option<i64>,
}

impl DefaultRetention {
    pub(crate) fn millis(&self) -> i64 {
        const DAY_MILLIS: i64 = 24 * 60 * 60 * 1_000;
        let days = self.days.unwrap_or(0).saturating_add(self.years.unwrap_or(0).saturating_mul(365));
        days.saturating_mul(DAY_MILLIS)
    }
}

/// A bucket as it was read; a commit can be made conditional on it.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) bucket: Bucket,
    pub(crate) version: Version,
}

impl Found {
    /// The condition that the bucket is still what was read.
    pub(crate) fn unchanged(&self) -> Check {
        Check::Version(tables::bucket(&self.bucket.name), Some(self.version))
    }
}

impl Bucket {
    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:s3:::{}", self.name)
    }

    /// Whether versions of its objects have ids.
    pub(crate) fn has_versions(&self) -> bool {
        self.versioning != Versioning::Off
    }

    /// The canonical id of the owner's account.
    pub(crate) fn owner_id(&self) -> String {
        crate::owner::canonical_id(&self.owner)
    }

    /// Whether a configuration of this kind is set.
    pub(crate) fn has(&self, kind: &str) -> bool {
        self.configured.contains(kind)
    }

    pub(crate) fn encoded(&self) -> Result<Vec<u8>> {
        Ok(serde_json::to_vec(self).map_err(|error| anyhow::anyhow!("bucket does not serialize: {error}"))?)
    }
}

/// The bucket, or NoSuchBucket. `expected_owner` is the request's `x-amz-expected-bucket-owner`.
pub(crate) async fn load(cx: &Context, name: &str, expected_owner: Option<&str>) -> Result<Bucket> {
    let snapshot = cx.platform().kv().snapshot().await?;
    Ok(find(snapshot.as_ref(), name, expected_owner).await?.bucket)
}

/// [`load`] on a snapshot, with the version.
pub(crate) async fn find(snapshot: &dyn Snapshot, name: &str, expected_owner: Option<&str>) -> Result<Found> {
    let row = snapshot.get(&tables::bucket(name)).await?;
    let found = decode(name, row)?;
    if expected_owner.is_some_and(|expected| expected != found.bucket.owner) {
        return Err(error::access_denied().into());
    }
    Ok(found)
}

/// Reads the row of a bucket.
pub(crate) fn decode(name: &str, row: Option<store::Versioned>) -> Result<Found> {
    let Some(row) = row else { return Err(error::no_such_bucket(name).into()) };
    let mut bucket: Bucket = serde_json::from_slice(&row.value)
        .map_err(|error| anyhow::anyhow!("the row of bucket {name} does not read: {error}"))?;
    bucket.name = name.to_owned();
    Ok(Found { bucket, version: row.version })
}

/// Puts a new bucket into the store, with its first configurations. Who owns the name already decides how it is refused.
pub(crate) async fn create(
    cx: &Context,
    bucket: Bucket,
    configurations: &[(&str, Vec<u8>)],
) -> Result<Created> {
    let kv = cx.platform().kv().as_ref();
    let names = kv.snapshot().await?;
    let mine = tables::bucket_names(&bucket.owner, "");
    if names.scan(mine, store::Order::Forward, BUCKETS_MAX).await?.len() >= BUCKETS_MAX {
        let text = "You have attempted to create more buckets than allowed";
        return Err(Error::new("TooManyBuckets", 400, text).into());
    }
    for _ in 0..CONFLICT_RETRIES_MAX {
        let mut commit = Commit::new()
            .check_version(tables::bucket(&bucket.name), None)
            .put(tables::bucket(&bucket.name), bucket.encoded()?)
            .put(tables::bucket_name(&bucket.owner, &bucket.name), Vec::new());
        for (kind, value) in configurations {
            commit = commit.put(tables::configuration(&bucket, kind), value.clone());
        }
        if let Outcome::Done(_) = kv.commit(commit).await? {
            return Ok(Created::Now);
        }
        if let Some(row) = kv.snapshot().await?.get(&tables::bucket(&bucket.name)).await? {
            return Ok(Created::Before(decode(&bucket.name, Some(row))?.bucket));
        }
    }
    Err(busy())
}

pub(crate) enum Created {
    Now,
    /// The name is taken, by this bucket.
    Before(Bucket),
}

/// Changes the row of a bucket; tried again when somebody else changes it meanwhile.
pub(crate) async fn update(
    cx: &Context,
    name: &str,
    expected_owner: Option<&str>,
    mut change: impl FnMut(&mut Bucket) -> Result<()>,
) -> Result<()> {
    let kv = cx.platform().kv().as_ref();
    for _ in 0..CONFLICT_RETRIES_MAX {
        let mut found = find(kv.snapshot().await?.as_ref(), name, expected_owner).await?;
        change(&mut found.bucket)?;
        let commit =
            Commit::new().check(found.unchanged()).put(tables::bucket(name), found.bucket.encoded()?);
        if let Outcome::Done(_) = kv.commit(commit).await? {
            return Ok(());
        }
    }
    Err(busy())
}

/// Removes a bucket that holds no objects, with its configurations.
pub(crate) async fn delete(cx: &Context, name: &str, expected_owner: Option<&str>) -> Result<()> {
    let kv = cx.platform().kv().as_ref();
    for _ in 0..CONFLICT_RETRIES_MAX {
        let snapshot = kv.snapshot().await?;
        let found = find(snapshot.as_ref(), name, expected_owner).await?;
        let objects = store::prefix_range(&tables::current(&found.bucket, ""));
        if !snapshot.scan(objects.clone(), store::Order::Forward, 1).await?.is_empty() {
            let text = "The bucket you tried to delete is not empty";
            return Err(Error::new("BucketNotEmpty", 409, text).with("BucketName", name).into());
        }
        let fingerprint = snapshot.fingerprint(objects.clone()).await?;
        let mut commit = Commit::new()
            .check(found.unchanged())
            .check(Check::RangeUnchanged(objects, fingerprint))
            .delete(tables::bucket(name))
            .delete(tables::bucket_name(&found.bucket.owner, name));
        let configurations = store::prefix_range(&tables::configuration(&found.bucket, ""));
        for (key, _) in snapshot.scan(configurations, store::Order::Forward, store::SCAN_ROWS_MAX).await? {
            commit = commit.delete(key);
        }
        if let Outcome::Done(_) = kv.commit(commit).await? {
            return Ok(());
        }
    }
    Err(busy())
}

/// Too many others changed the same thing at the same time.
pub(crate) fn busy() -> service::Failure {
    let text = "A conflicting conditional operation is currently in progress against this resource. Please try again.";
    Error::new("OperationAborted", 409, text).into()
}

/// The rules for names of buckets. Source: S3 user guide, "General purpose bucket naming rules".
pub(crate) fn check_name(name: &str) -> Result<()> {
    let refused = || Error::new("InvalidBucketName", 400, "The specified bucket is not valid.");
    let plain = name
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.');
    let at_edge =
        |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let is_address = name.split('.').count() == 4
        && name.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    let is_reserved = ["xn--", "sthree-", "amzn-s3-demo-"].iter().any(|start| name.starts_with(start))
        || ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"].iter().any(|end| name.ends_with(end));
    let fits = (3..=63).contains(&name.len())
        && plain
        && at_edge(name.bytes().next())
        && at_edge(name.bytes().last())
        && !name.contains("..")
        && !name.contains(".-")
        && !name.contains("-.")
        && !is_address
        && !is_reserved;
    if fits { Ok(()) } else { Err(refused().with("BucketName", name).into()) }
}

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn names_follow_the_rules() {
        let longest = "a".repeat(63);
        for name in ["abc", "a-b.c", "1bucket", "bucket1", longest.as_str(), "a--b"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        let too_long = "a".repeat(64);
        for name in [
            "",
            "ab",
            "Abc",
            "a_b",
            "-ab",
            "ab-",
            ".ab",
            "ab.",
            "a..b",
            "a.-b",
            "a-.b",
            "192.168.5.4",
            "xn--abc",
            "abc-s3alias",
            "a b",
            too_long.as_str(),
        ] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
