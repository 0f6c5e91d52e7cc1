//! Removing what has expired and what deleted groups and streams left behind, in the background.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use service::{AccountId, Failure, Platform, Region, Scope};
use store::{Order, Txn};
use tasks::{OnFailure, Progress, TaskKind, Worker};

use crate::chunk::{chunk_end, unpack};
use crate::group::{self, LogGroup, decode, encode};
use crate::keys::{self, Keys};
use crate::limits::EVENT_OVERHEAD_BYTES;
use crate::stream::{self, Latest};

pub(crate) const KIND: TaskKind = TaskKind {
    name: "logs: remove expired and deleted events",
    on_failure: OnFailure::Log,
    stop_within: Duration::from_secs(5),
};

/// How often the worker looks without being woken.
pub(crate) const EVERY: Duration = Duration::from_secs(10 * 60);

/// Chunks removed in one commit.
const CHUNKS_REMOVED_AT_ONCE: usize = 64;
/// Streams looked at in one go.
const STREAMS_AT_ONCE: usize = 500;

/// Prefixes to clear after the commit that made them unreachable.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Deleted {
    prefixes: Vec<Vec<u8>>,
}

/// Leaves the removal of a group's or a stream's remains to the worker, in the transaction that deletes it.
pub(crate) fn leave(txn: &Txn, id: &str, prefixes: Vec<Bytes>) -> Result<(), Failure> {
    let prefixes = prefixes.into_iter().map(Vec::from).collect();
    txn.put(keys::deleted(id), encode(&Deleted { prefixes })?);
    Ok(())
}

/// One unit of work: one deleted thing, or one group with a retention policy.
pub(crate) struct RetentionWorker {
    platform: Arc<Platform>,
    /// The last group of this round that was looked at.
    at: Option<Bytes>,
}

impl RetentionWorker {
    pub(crate) fn new(platform: Arc<Platform>) -> Self {
        RetentionWorker { platform, at: None }
    }

    /// Clears one deleted thing; `false` when there is none.
    async fn clear_deleted(&self) -> anyhow::Result<bool> {
        let kv = self.platform.kv().as_ref();
        let rows = kv.snapshot().await?.scan(keys::all_deleted(), Order::Forward, 1).await?;
        let Some((key, row)) = rows.into_iter().next() else { return Ok(false) };
        let deleted: Deleted = serde_json::from_slice(&row.value)?;
        for prefix in deleted.prefixes {
            store::clear(kv, prefix.into()).await?;
        }
        kv.commit(store::Commit::new().delete(key)).await?;
        Ok(true)
    }

    /// Looks at the next group of the round; `false` at its end.
    async fn expire_next(&mut self) -> anyhow::Result<bool> {
        let mut range = keys::all_retention();
        if let Some(at) = &self.at {
            range.start = [&at[..], &[0]].concat().into();
        }
        let kv = self.platform.kv().as_ref();
        let rows = kv.snapshot().await?.scan(range, Order::Forward, 1).await?;
        let Some((key, _)) = rows.into_iter().next() else {
            self.at = None;
            return Ok(false);
        };
        let scope_and_name = keys::read_retention(&key).and_then(|(account, region, name)| {
            Some((Scope { account: AccountId::parse(&account)?, region: Region::parse(&region)? }, name))
        });
        if let Some((scope, name)) = scope_and_name {
            self.expire_group(&scope, &name, &key).await.map_err(into_cause)?;
        }
        self.at = Some(key);
        Ok(true)
    }

    async fn expire_group(&self, scope: &Scope, name: &str, marker: &Bytes) -> Result<(), Failure> {
        let keys = Keys::new(scope);
        let kv = self.platform.kv().as_ref();
        let group = store::txn(kv, |txn| {
            let keys = &keys;
            async move {
                let group =
                    group::look_up(&txn, keys, name).await?.filter(|group| group.retention_in_days.is_some());
                if group.is_none() {
                    txn.delete(marker.clone());
                }
                Ok::<_, Failure>(group)
            }
        })
        .await?;
        let Some(group) = group else { return Ok(()) };
        let expired_before = group.expired_before(self.platform.clock().now().epoch_millis());
        let mut range = keys.latest_from(&group.id, 0);
        loop {
            let rows = kv.snapshot().await?.scan(range.clone(), Order::Forward, STREAMS_AT_ONCE).await?;
            for (key, row) in &rows {
                let latest: Latest = decode(&row.value)?;
                let Some((_, stream_name)) = keys.read_latest(key) else { continue };
                if latest.first_event.is_some_and(|first_event| first_event < expired_before) {
                    while self.expire_stream(&keys, &group, &stream_name, expired_before).await? {}
                }
            }
            let Some((last, _)) = rows.last().filter(|_| rows.len() == STREAMS_AT_ONCE) else {
                return Ok(());
            };
            range.start = [&last[..], &[0]].concat().into();
        }
    }

    /// Removes the first chunks of a stream that have expired as a whole; `true` when there may be more.
    async fn expire_stream(
        &self,
        keys: &Keys,
        group: &LogGroup,
        name: &str,
        expired_before: i64,
    ) -> Result<bool, Failure> {
        store::txn(self.platform.kv().as_ref(), |txn| async move {
            let Some(mut stream) = stream::look_up(&txn, keys, &group.id, name).await? else {
                return Ok(false);
            };
            let before = Some(stream.last_event);
            let range = keys.chunks(&group.id, &stream.id, 0, i64::MAX);
            let rows = txn.scan(range, Order::Forward, CHUNKS_REMOVED_AT_ONCE + 1).await?;
            let mut removed = 0;
            let mut next_first = None;
            for (key, value) in &rows {
                let Some((first_event, _)) = Keys::read_chunk(key) else { continue };
                if chunk_end(first_event) > expired_before || removed == CHUNKS_REMOVED_AT_ONCE {
                    next_first = Some(first_event);
                    break;
                }
                let mut bytes = 0;
                unpack(first_event, value, |event| bytes += event.message.len() + EVENT_OVERHEAD_BYTES)
                    .map_err(anyhow::Error::new)?;
                stream.stored_bytes = stream.stored_bytes.saturating_sub(bytes as u64);
                txn.delete(key.clone());
                removed += 1;
            }
            if removed == 0 {
                return Ok(false);
            }
            stream.first_event = next_first;
            if next_first.is_none() {
                stream.last_event = None;
            }
            stream::put(&txn, keys, &group.id, name, &stream, before)?;
            Ok(next_first.is_some_and(|first_event| chunk_end(first_event) <= expired_before))
        })
        .await
    }
}

impl Worker for RetentionWorker {
    async fn work(&mut self) -> anyhow::Result<Progress> {
        let more = self.clear_deleted().await? || self.expire_next().await?;
        Ok(if more { Progress::Busy } else { Progress::Idle })
    }
}

fn into_cause(failure: Failure) -> anyhow::Error {
    match failure {
        Failure::Internal(cause) => cause,
        other => anyhow::anyhow!("{other}"),
    }
}
