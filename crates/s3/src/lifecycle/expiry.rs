//! The task that ends what lifecycle rules say is over.
//!
//! Rules end things at midnight, so each bucket is looked through once a day and after each change of its rules. One
//! process does it at a time, under a lease; each removal checks again, in its own commit, that the version is still the
//! one that was looked at and that nothing holds it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use service::{AccountId, Context, Failure, Platform, Principal, Region, Result, Scope};
use store::{Lease, LeaseKey, Order, Snapshot};
use tasks::{OnFailure, Progress, TaskKind, Worker};
use wire::Timestamp;

use super::Lifecycle;
use super::evaluate::{Step, Version};
use crate::bucket::{self, Bucket};
use crate::configuration::{self, LIFECYCLE};
use crate::events::Cause;
use crate::object::Object;
use crate::versions::{self, Causes, Target};
use crate::{S3, lock, tables, upload};

pub(crate) static KIND: TaskKind = TaskKind {
    name: "s3: end what lifecycle rules say is over",
    on_failure: OnFailure::Log,
    stop_within: Duration::from_secs(5),
};
/// How often buckets are looked for whose rules are due.
pub(crate) const EVERY: Duration = Duration::from_secs(60);
/// The lease is renewed with each page of rows.
const LEASE_KEEP: Duration = Duration::from_secs(60);
pub(crate) const LEASE_KEY: &[u8] = b"-\0-\0s3\0lease\0lifecycle";
/// Rows read at once.
const ROWS_AT_ONCE: usize = 500;
/// Versions of one key that are looked at in one round; the rest waits for the next.
const VERSIONS_MAX: usize = 10_000;
const MILLIS_PER_DAY: i64 = 86_400_000;

const EXPIRED: Causes = Causes {
    removed: Cause::LifecycleExpirationDelete,
    marked: Cause::LifecycleExpirationDeleteMarkerCreated,
};

pub(crate) struct Expiry {
    platform: Arc<Platform>,
    s3: S3,
    owner: String,
    /// Bucket id → the day and the rules it was looked through for.
    done: HashMap<String, (i64, Lifecycle)>,
}

/// Somebody else holds the lease, or took it over.
struct Lost;

impl Expiry {
    pub(crate) fn new(platform: Arc<Platform>, s3: S3) -> Self {
        let owner = platform.ids().uuid();
        Expiry { platform, s3, owner, done: HashMap::new() }
    }

    /// Looks through every bucket whose rules are due.
    pub(crate) async fn round(&mut self) -> Result<()> {
        let kv = Arc::clone(self.platform.kv());
        let due = self.due().await?;
        if due.is_empty() {
            return Ok(());
        }
        let key = LeaseKey::new(Bytes::from_static(LEASE_KEY));
        let Some(mut lease) = store::acquire(kv.as_ref(), &key, &self.owner, LEASE_KEEP).await? else {
            return Ok(());
        };
        for (bucket, lifecycle) in due {
            let today = day_of(self.platform.clock().now());
            match self.look_through(&bucket, &lifecycle, &mut lease).await? {
                Ok(()) => {
                    self.done.insert(bucket.id, (today, lifecycle));
                }
                Err(Lost) => return Ok(()),
            }
        }
        store::release(kv.as_ref(), lease).await?;
        Ok(())
    }

    async fn due(&mut self) -> Result<Vec<(Bucket, Lifecycle)>> {
        let snapshot = self.platform.kv().snapshot().await?;
        let today = day_of(self.platform.clock().now());
        let mut due = Vec::new();
        let mut range = store::prefix_range(&tables::bucket(""));
        let prefix_bytes = tables::bucket("").len();
        let mut known = Vec::new();
        loop {
            let rows = snapshot.scan(range.clone(), Order::Forward, ROWS_AT_ONCE).await?;
            let last = rows.last().map(|(key, _)| key.clone());
            let is_full = rows.len() == ROWS_AT_ONCE;
            for (key, row) in rows {
                let name = String::from_utf8_lossy(&key[prefix_bytes..]).into_owned();
                let bucket = bucket::decode(&name, Some(row))?.bucket;
                let lifecycle: Option<Lifecycle> =
                    configuration::get_on(snapshot.as_ref(), &bucket, LIFECYCLE).await?;
                let Some(lifecycle) = lifecycle else { continue };
                known.push(bucket.id.clone());
                if !self.done.get(&bucket.id).is_some_and(|done| *done == (today, lifecycle.clone())) {
                    due.push((bucket, lifecycle));
                }
            }
            match last {
                Some(last) if is_full => range.start = after(&last),
                _ => break,
            }
        }
        self.done.retain(|id, _| known.contains(id));
        Ok(due)
    }

    async fn look_through(
        &self,
        bucket: &Bucket,
        lifecycle: &Lifecycle,
        lease: &mut Lease,
    ) -> Result<std::result::Result<(), Lost>> {
        let kv = self.platform.kv();
        let cx = self.context(bucket)?;
        let now = cx.now();
        let snapshot = kv.snapshot().await?;
        let mut range = store::prefix_range(&tables::current(bucket, ""));
        loop {
            let rows = snapshot.scan(range.clone(), Order::Forward, ROWS_AT_ONCE).await?;
            for (row_key, row) in &rows {
                let Some(key) = tables::read_current(bucket, row_key) else { continue };
                let current = Object::decode(&row.value)?;
                self.end_versions(&cx, snapshot.as_ref(), bucket, lifecycle, &key, current).await?;
            }
            let Some(kept) = store::renew(kv.as_ref(), lease, LEASE_KEEP).await? else {
                return Ok(Err(Lost));
            };
            *lease = kept;
            match rows.last() {
                Some((last, _)) if rows.len() == ROWS_AT_ONCE => range.start = after(last),
                _ => break,
            }
        }
        self.end_uploads(&cx, snapshot.as_ref(), bucket, lifecycle, now).await?;
        Ok(Ok(()))
    }

    async fn end_versions(
        &self,
        cx: &Context,
        snapshot: &dyn Snapshot,
        bucket: &Bucket,
        lifecycle: &Lifecycle,
        key: &str,
        current: Object,
    ) -> Result<()> {
        let mut objects = vec![current];
        if bucket.has_versions() {
            let older = snapshot.scan(tables::older_of(bucket, key), Order::Forward, VERSIONS_MAX).await?;
            for (_, row) in older {
                objects.push(Object::decode(&row.value)?);
            }
        }
        let versions: Vec<Version<'_>> = objects
            .iter()
            .map(|object| Version {
                modified: Timestamp::from_epoch_millis(object.modified_epoch_millis),
                is_delete_marker: object.is_delete_marker,
                bytes: object.size,
                tags: &object.tags,
            })
            .collect();
        let target = Target { bucket: &bucket.name, key, expected_owner: None };
        for step in lifecycle.steps(key, &versions, cx.now()) {
            let (object, id) = match step {
                Step::Expire => (&objects[0], None),
                Step::Remove { index } => (&objects[index], Some(objects[index].version_id())),
            };
            let id = id.as_deref().map(versions::parse_version_id).transpose()?;
            let is_permanent = id.is_some();
            let removed = versions::remove(&self.s3, cx, target, id, EXPIRED, |_, found| match found {
                Some(found) if found.order != object.order => Err(bucket::busy()),
                None => Err(bucket::busy()),
                Some(found) if is_permanent => lock::check_removal(found, cx.now(), false),
                Some(_) => Ok(()),
            });
            left_alone(removed.await)?;
        }
        Ok(())
    }

    async fn end_uploads(
        &self,
        cx: &Context,
        snapshot: &dyn Snapshot,
        bucket: &Bucket,
        lifecycle: &Lifecycle,
        now: Timestamp,
    ) -> Result<()> {
        let mut range = tables::uploads(bucket, "");
        loop {
            let rows = snapshot.scan(range.clone(), Order::Forward, ROWS_AT_ONCE).await?;
            for (row_key, row) in &rows {
                let Some((key, id)) = tables::read_upload(bucket, row_key) else { continue };
                let begun = Timestamp::from_epoch_millis(Object::decode(&row.value)?.modified_epoch_millis);
                let due = lifecycle.abort(&key, begun);
                if due.is_some_and(|due| due.at.epoch_millis() <= now.epoch_millis()) {
                    let target = Target { bucket: &bucket.name, key: &key, expected_owner: None };
                    left_alone(upload::abort(&self.s3, cx, target, &id).await)?;
                }
            }
            match rows.last() {
                Some((last, _)) if rows.len() == ROWS_AT_ONCE => range.start = after(last),
                _ => return Ok(()),
            }
        }
    }

    fn context(&self, bucket: &Bucket) -> Result<Context> {
        let unreadable = || anyhow::anyhow!("bucket {} has no account or region", bucket.name);
        let account = AccountId::parse(&bucket.owner).ok_or_else(unreadable)?;
        let region = Region::parse(&bucket.region).ok_or_else(unreadable)?;
        let principal = Principal::Service { account: account.clone(), name: "s3.amazonaws.com" };
        Ok(Context::internal(&self.platform, Scope { account, region }, principal))
    }
}

impl Worker for Expiry {
    async fn work(&mut self) -> anyhow::Result<Progress> {
        self.round().await.map_err(|failure| anyhow::anyhow!("{failure}"))?;
        Ok(Progress::Idle)
    }
}

/// What a removal refuses stays: it changed meanwhile, or is held.
fn left_alone<T>(removed: Result<T>) -> Result<()> {
    match removed {
        Ok(_) | Err(Failure::Modelled(_)) => Ok(()),
        Err(failure) => Err(failure),
    }
}

fn day_of(now: Timestamp) -> i64 {
    now.epoch_millis().div_euclid(MILLIS_PER_DAY)
}

fn after(key: &Bytes) -> Bytes {
    [key.as_ref(), &[0]].concat().into()
}
