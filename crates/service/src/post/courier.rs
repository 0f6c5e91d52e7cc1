//! Finding the posts that are due and making their calls.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, future::join_all};
use store::{
    BlobId, Commit, LogId, Order, Outcome, Snapshot, Version, log_counter_key, log_range, log_sequence,
};
use tasks::{OnFailure, Progress, TaskKind, Worker};
use wire::Timestamp;

use super::delivery::{Again, Decided};
use super::envelope::Envelope;
use super::lane::Lane;
use super::outbox::{Allowance, Found, Retried};
use super::retry::millis;
use super::{Cause, Delivery};
use crate::{AccountId, Caller, ContextBuilder, Failure, Platform, Trace};

/// Lanes looked at per scan.
const MARKS_AT_ONCE: usize = 1_000;
/// Rows read at once where payloads are collected.
const ROWS_AT_ONCE: usize = 500;
/// How often the courier looks without being woken.
const EVERY: Duration = Duration::from_secs(10);
/// The wait after an outcome could not be written, before the post may be called again.
const STORE_FAILURE_WAIT: Duration = Duration::from_secs(1);

static COURIER: TaskKind = TaskKind {
    name: "service: find posts that are due",
    on_failure: OnFailure::Log,
    stop_within: Duration::from_secs(5),
};
static ALARM: TaskKind = TaskKind {
    name: "service: wait for posts",
    on_failure: OnFailure::Log,
    stop_within: Duration::from_secs(1),
};
/// Cut short when the process stops: the post is still there and is called again.
static CALL: TaskKind = TaskKind {
    name: "service: deliver a post",
    on_failure: OnFailure::Log,
    stop_within: Duration::from_secs(5),
};

/// Starts delivering the posts of the platform, those of an earlier process first. Once per process, after
/// [`Platform::mount`].
pub fn start_deliveries(platform: &Arc<Platform>) {
    let courier = Courier { platform: Arc::clone(platform) };
    let wake = Arc::clone(&platform.outbox().wake);
    platform.tasks().spawn_worker(&COURIER, courier, wake, EVERY);
    platform.tasks().spawn(&ALARM, sound_alarms(Arc::clone(platform)));
}

/// Wakes the courier when new posts came or the next one is due.
async fn sound_alarms(platform: Arc<Platform>) -> anyhow::Result<()> {
    let outbox = platform.outbox();
    let mut stopping = platform.tasks().stopping();
    let mut watch = platform.kv().watch(Lane::marks_prefix());
    while !stopping.is_stopping() {
        let next_millis = outbox.until_next_millis(platform.clock().now().epoch_millis());
        let next =
            next_millis.and_then(|millis| u64::try_from(millis).ok()).map_or(EVERY, Duration::from_millis);
        tokio::select! {
            () = watch.changed() => outbox.wake.notify_one(),
            () = tokio::time::sleep(next.min(EVERY)) => outbox.wake.notify_one(),
            () = outbox.retimed.notified() => {}
            () = stopping.wait() => {}
        }
    }
    Ok(())
}

struct Courier {
    platform: Arc<Platform>,
}

impl Worker for Courier {
    async fn work(&mut self) -> anyhow::Result<Progress> {
        for taken in look(&self.platform).await? {
            let platform = Arc::clone(&self.platform);
            // It ends by itself; nobody waits for it.
            let _ = self.platform.tasks().spawn(&CALL, async move {
                taken.deliver(&platform).await;
                Ok(())
            });
        }
        Ok(Progress::Idle)
    }
}

/// Delivers what is due and what comes of it.
pub(crate) async fn deliver_due(platform: &Arc<Platform>) -> anyhow::Result<()> {
    loop {
        let taken = look(platform).await?;
        if taken.is_empty() {
            return Ok(());
        }
        join_all(taken.into_iter().map(|taken| taken.deliver(platform))).await;
    }
}

/// A post that is due, taken by this process.
struct Taken {
    lane: Lane,
    key: Bytes,
    version: Version,
    row: Bytes,
}

/// Takes what is due from each lane that may have something.
async fn look(platform: &Arc<Platform>) -> anyhow::Result<Vec<Taken>> {
    let outbox = platform.outbox();
    let now_millis = platform.clock().now().epoch_millis();
    let running = outbox.running();
    let snapshot = platform.kv().snapshot().await?;
    let mut taken = Vec::new();
    let mut marks = Lane::marks();
    loop {
        let page = snapshot.scan(marks.clone(), Order::Forward, MARKS_AT_ONCE).await?;
        for (key, mark) in &page {
            let Some(lane) = Lane::of_mark(key) else {
                tracing::error!(?key, "the mark of a lane does not read");
                continue;
            };
            if let Some(allowance) = outbox.allow(lane, mark.version, now_millis, &running) {
                taken.extend(
                    look_into(platform, snapshot.as_ref(), allowance, mark.version, now_millis).await?,
                );
            }
        }
        match page.last() {
            Some((last, _)) if page.len() == MARKS_AT_ONCE => marks.start = just_after(last),
            _ => return Ok(taken),
        }
    }
}

async fn look_into(
    platform: &Arc<Platform>,
    snapshot: &dyn Snapshot,
    allowance: Allowance,
    mark: Version,
    now_millis: i64,
) -> anyhow::Result<Vec<Taken>> {
    let Allowance { lane, running, deliveries } = allowance;
    let log = lane.log();
    let limit = deliveries + running.len() + 1;
    let retries = snapshot.scan(lane.retries(), Order::Forward, limit).await?;
    let next_due_millis = retries
        .iter()
        .filter_map(|(key, _)| lane.due_millis(key))
        .find(|due_millis| *due_millis > now_millis);
    let waits_in_order = lane.is_ordered() && !retries.is_empty();
    let is_due = |key: &Bytes| lane.due_millis(key).is_none_or(|due_millis| due_millis <= now_millis);
    let mut rows: Vec<_> = retries.into_iter().filter(|(key, _)| is_due(key)).collect();
    let fresh = snapshot.scan(log_range(&log, 0), Order::Forward, limit).await?;
    let is_empty = rows.is_empty() && fresh.is_empty() && next_due_millis.is_none();
    let last_seen = fresh.last().and_then(|(key, _)| log_sequence(key));
    let fresh_complete = fresh.len() < limit;
    if !waits_in_order {
        rows.extend(fresh);
    }
    rows.retain(|(key, _)| !running.contains(key));
    let more = rows.len() > deliveries || (!fresh_complete && !waits_in_order);
    rows.truncate(deliveries);
    let taken: Vec<Taken> = rows
        .into_iter()
        .map(|(key, row)| Taken { lane: lane.clone(), key, version: row.version, row: row.value })
        .collect();
    let waiting = match last_seen.filter(|_| !fresh_complete) {
        Some(last_seen) => latest(snapshot, &log).await?.saturating_sub(last_seen),
        None => 0,
    };
    let keys = taken.iter().map(|taken| taken.key.clone()).collect();
    platform.outbox().found(&lane, Found { mark, taken: keys, more, waiting, next_due_millis });
    if is_empty && running.is_empty() {
        close(platform, &lane, mark).await?;
    }
    Ok(taken)
}

async fn latest(snapshot: &dyn Snapshot, log: &LogId) -> anyhow::Result<u64> {
    let counter = snapshot.get(&log_counter_key(log)).await?;
    Ok(counter.and_then(|row| log_sequence(&row.value)).unwrap_or_default())
}

/// Removes what is left of an empty lane, unless something was posted meanwhile: that rewrites its mark.
async fn close(platform: &Platform, lane: &Lane, mark: Version) -> anyhow::Result<()> {
    let commit = Commit::new()
        .check_version(lane.mark(), Some(mark))
        .delete(lane.mark())
        .delete(log_counter_key(&lane.log()));
    if let Outcome::Done(_) = platform.kv().commit(commit).await? {
        platform.outbox().forget(lane);
    }
    Ok(())
}

impl Taken {
    /// Makes the call and writes what came of it. A failure of the store leaves the post as it is.
    async fn deliver(self, platform: &Arc<Platform>) {
        let mut guard = Guard { platform, taken: &self, retried: Retried::Unchanged };
        match self.call(platform).await {
            Ok(retried) => guard.retried = retried,
            Err(error) => {
                tracing::error!(lane = %self.lane, error = format!("{error:#}"), "a post stays after its call");
                tokio::time::sleep(STORE_FAILURE_WAIT).await;
            }
        }
    }

    async fn call(&self, platform: &Arc<Platform>) -> anyhow::Result<Retried> {
        let envelope = match Envelope::decode(&self.row) {
            Ok(envelope) => envelope,
            Err(error) => return self.put_aside(platform, &error).await,
        };
        let posted = Timestamp::from_epoch_millis(envelope.posted_millis);
        let cause = envelope.cause.clone();
        let delivery =
            Arc::new(Delivery::new(&envelope.id, envelope.failures, envelope.calls, posted, cause));
        let outcome =
            if platform.clock().now().epoch_millis() > envelope.retry.ends_millis(envelope.posted_millis) {
                Err(Failure::new("MaximumAgeExceeded", 400, "The call was not made in time."))
            } else {
                run(platform, &envelope, &delivery).await
            };
        self.settle(platform, envelope, outcome, delivery.take()).await
    }

    /// Writes what came of the call.
    async fn settle(
        &self,
        platform: &Platform,
        mut envelope: Envelope,
        outcome: Result<(), Failure>,
        decided: Decided,
    ) -> anyhow::Result<Retried> {
        let now_millis = platform.clock().now().epoch_millis();
        envelope.calls += 1;
        let again = match (decided.again, &outcome) {
            (Some(Again::NotCounted(wait)), _) => Some(now_millis.saturating_add(millis(wait))),
            (Some(Again::Counted(wait)), _) => {
                envelope.failures += 1;
                Some(now_millis.saturating_add(millis(wait)))
            }
            (None, Ok(())) => None,
            (None, Err(failure)) => {
                envelope.failures += 1;
                envelope.retry.next(envelope.failures, failure, envelope.posted_millis, now_millis)
            }
        };
        let succeeded = outcome.is_ok() && again.is_none();
        let mut commit =
            Commit::new().check_version(self.key.clone(), Some(self.version)).delete(self.key.clone());
        let mut unneeded = Vec::new();
        if let Some(due_millis) = again {
            commit = commit.put(self.lane.retry(due_millis, &envelope.id), encoded(&envelope)?);
        } else if succeeded {
            for post in &decided.then {
                commit.writes.extend(post.writes());
            }
            unneeded = envelope.blobs();
        } else if let Err(failure) = &outcome {
            tracing::warn!(
                lane = %self.lane,
                request_id = envelope.id,
                calls = envelope.calls,
                dead_letter = envelope.dead_letter.is_some(),
                failure = %failure,
                "a post is given up"
            );
            unneeded.extend(envelope.own_blob());
            if let Some(mut letter) = envelope.dead_letter.take() {
                letter.cause = Some(Cause::new(failure, envelope.calls));
                letter.posted_millis = now_millis;
                let lane = Lane::new(
                    &letter.scope,
                    &letter.service,
                    &letter.operation,
                    &letter.lane_key,
                    letter.ordered,
                );
                commit =
                    commit.put(lane.mark(), super::lane::MARK_VALUE).append(lane.log(), encoded(&letter)?);
            }
        }
        if !succeeded {
            for post in decided.then {
                post.discard(platform).await;
            }
        }
        // A conflict: an account's reset removed the post while its call was running.
        platform.kv().commit(commit).await?;
        remove_payloads(platform, unneeded).await;
        let was_retry = self.lane.retries().contains(&self.key);
        Ok(match (was_retry, again) {
            (false, Some(_)) => Retried::First,
            (true, None) => Retried::Ended,
            (true, Some(_)) | (false, None) => Retried::Unchanged,
        })
    }

    /// A row that no version of the program reads must not block its lane, nor be lost.
    async fn put_aside(&self, platform: &Platform, error: &anyhow::Error) -> anyhow::Result<Retried> {
        tracing::error!(lane = %self.lane, key = ?self.key, error = format!("{error:#}"), "a post is put aside");
        let commit = Commit::new()
            .check_version(self.key.clone(), Some(self.version))
            .delete(self.key.clone())
            .put(self.lane.unreadable(&self.key), self.row.clone());
        platform.kv().commit(commit).await?;
        Ok(Retried::Unchanged)
    }
}

fn encoded(envelope: &Envelope) -> anyhow::Result<Bytes> {
    envelope.encode().map_err(|failure| anyhow::anyhow!("{failure}"))
}

/// One call, with panics turned into failures.
async fn run(platform: &Arc<Platform>, envelope: &Envelope, delivery: &Arc<Delivery>) -> Result<(), Failure> {
    let callee = platform
        .registry()
        .find(&envelope.service)
        .ok_or_else(|| Failure::not_implemented(&envelope.service, &envelope.operation))?;
    let input = envelope.input(platform).await?;
    let caller = Caller::internal(envelope.principal.clone());
    let mut builder = ContextBuilder::new(platform, envelope.scope.clone(), caller)
        .request_id(envelope.id.clone())
        .delivery(Arc::clone(delivery));
    if let Some(trace) = Trace::from_header(&envelope.trace) {
        builder = builder.trace(trace);
    }
    if let Some(source) = envelope.source.as_deref().and_then(|arn| arn.parse().ok()) {
        builder = builder.source(source);
    }
    let cx = builder.build();
    let call = AssertUnwindSafe(callee.execute(&cx, &envelope.operation, input)).catch_unwind();
    match call.await {
        Ok(reply) => reply.map(drop),
        Err(_) => Err(Failure::Internal(anyhow::anyhow!("the operation panicked"))),
    }
}

/// Gives the place back however the call ends.
struct Guard<'a> {
    platform: &'a Platform,
    taken: &'a Taken,
    retried: Retried,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.platform.outbox().ended(&self.taken.lane, &self.taken.key, self.retried);
    }
}

/// The payloads of an account's posts, or of all, for its reset.
pub(crate) async fn payloads(
    platform: &Platform,
    account: Option<&AccountId>,
) -> anyhow::Result<Vec<BlobId>> {
    let snapshot = platform.kv().snapshot().await?;
    let mut blobs = HashSet::new();
    let mut marks = Lane::marks();
    loop {
        let page = snapshot.scan(marks.clone(), Order::Forward, MARKS_AT_ONCE).await?;
        let lanes = page.iter().filter_map(|(key, _)| Lane::of_mark(key));
        for lane in lanes.filter(|lane| account.is_none_or(|account| lane.account() == account)) {
            for mut range in [log_range(&lane.log(), 0), lane.retries()] {
                loop {
                    let rows = snapshot.scan(range.clone(), Order::Forward, ROWS_AT_ONCE).await?;
                    let envelopes = rows.iter().filter_map(|(_, row)| Envelope::decode(&row.value).ok());
                    blobs.extend(envelopes.flat_map(|envelope| envelope.blobs()));
                    match rows.last() {
                        Some((last, _)) if rows.len() == ROWS_AT_ONCE => range.start = just_after(last),
                        _ => break,
                    }
                }
            }
        }
        match page.last() {
            Some((last, _)) if page.len() == MARKS_AT_ONCE => marks.start = just_after(last),
            _ => return Ok(blobs.into_iter().collect()),
        }
    }
}

/// What is not removed is an orphan and costs room only.
pub(crate) async fn remove_payloads(platform: &Platform, blobs: Vec<BlobId>) {
    for blob in blobs {
        if let Err(error) = platform.blobs().delete(&blob).await {
            tracing::warn!(%blob, %error, "the input of a post was not removed");
        }
    }
}

fn just_after(key: &[u8]) -> Bytes {
    [key, &[0]].concat().into()
}
