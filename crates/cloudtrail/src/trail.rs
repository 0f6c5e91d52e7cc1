//! Notes on their way to the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use service::{AccountId, Authorization, Changes, Platform, Principal, Rows, Scope};
use store::{INLINE_BYTES_MAX, Kv};
use tasks::{OnFailure, TaskKind};
use tokio::sync::Notify;

use crate::batch::Batch;
use crate::call::{Call, is_of_data};
use crate::tables::{BATCHES, key, number};

/// Notes that wait to be written. What comes when they are so many is counted and lost.
pub(crate) const WAITING_CALLS_MAX: usize = 20_000;
/// Batches of one account in one region; the oldest goes when there is one more.
pub(crate) const BATCHES_MAX: u64 = 4_096;
/// A batch this large gets no further notes: as JSON it then still fits a row.
pub(crate) const BATCH_BYTES_MAX: usize = INLINE_BYTES_MAX / 2;
/// Newest batches held in memory, one for each account and region.
const OPEN_BATCHES_MAX: usize = 256;
const WRITE_EVERY: Duration = Duration::from_secs(1);
/// Notes that are written before the time is up.
const EAGER_CALLS: usize = WAITING_CALLS_MAX / 4;

static WRITING: TaskKind = TaskKind {
    name: "cloudtrail: writes notes down",
    on_failure: OnFailure::Log,
    stop_within: Duration::from_secs(10),
};

/// How closely a trail looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scrutiny {
    /// All calls.
    Everything,
    /// All but those that read or write the contents of resources.
    Management,
}

/// What is noted and not yet written, and the newest batches.
pub struct Trail {
    kv: Arc<dyn Kv>,
    scrutiny: Scrutiny,
    waiting: Mutex<Waiting>,
    wake: Notify,
    /// Held while batches change: writing, and emptying an account.
    open: tokio::sync::Mutex<HashMap<Scope, Open>>,
}

#[derive(Default)]
struct Waiting {
    calls: Vec<Call>,
    lost: u64,
}

/// The newest batch of an account in a region.
struct Open {
    number: u64,
    batch: Batch,
}

impl Trail {
    pub fn new(kv: Arc<dyn Kv>, scrutiny: Scrutiny) -> Arc<Self> {
        let (waiting, wake, open) = Default::default();
        Arc::new(Trail { kv, scrutiny, waiting, wake, open })
    }

    /// Writes notes in the background until the process stops, and then what is left.
    pub fn start(self: &Arc<Self>, platform: &Platform) {
        let (trail, mut stopping) = (self.clone(), platform.tasks().stopping());
        platform.tasks().spawn(&WRITING, async move {
            while !stopping.is_stopping() {
                tokio::select! {
                    () = trail.wake.notified() => {}
                    () = tokio::time::sleep(WRITE_EVERY) => {}
                    () = stopping.wait() => {}
                }
                if let Err(error) = trail.write().await {
                    tracing::warn!(error = format!("{error:#}"), "notes about calls could not be written");
                }
            }
            trail.write().await
        });
    }

    pub(crate) fn wants(&self, question: &Authorization<'_>) -> bool {
        // The trail does not note that it is read by its own.
        self.scrutiny == Scrutiny::Everything || !is_of_data(question.service, question.operation)
    }

    /// Takes a note; never waits for the store.
    pub(crate) fn note(&self, call: Call) {
        let mut waiting = self.lock();
        if waiting.calls.len() >= WAITING_CALLS_MAX {
            waiting.lost += 1;
            return;
        }
        waiting.calls.push(call);
        let eager = waiting.calls.len() == EAGER_CALLS;
        drop(waiting);
        if eager {
            self.wake.notify_one();
        }
    }

    /// Writes what waits. What fails to be written is lost, and said to be.
    pub(crate) async fn write(&self) -> anyhow::Result<()> {
        let Waiting { calls, lost } = std::mem::take(&mut *self.lock());
        if calls.is_empty() {
            return Ok(());
        }
        let mut by_scope: HashMap<Scope, Vec<Call>> = HashMap::new();
        for call in calls {
            by_scope.entry(call.scope.clone()).or_default().push(call);
        }
        if lost > 0 {
            tracing::warn!(lost, "more calls than the trail could take: some are not noted");
            if let Some((_, calls)) = by_scope.iter_mut().next() {
                calls.extend(calls.last().map(|last| overflow(last, lost)));
            }
        }
        let mut open = self.open.lock().await;
        for (scope, calls) in by_scope {
            if open.len() >= OPEN_BATCHES_MAX && !open.contains_key(&scope) {
                open.clear();
            }
            let mut newest = match open.remove(&scope) {
                Some(newest) => newest,
                None => self.newest(&scope).await?,
            };
            self.append(&scope, &mut newest, &calls).await?;
            open.insert(scope, newest);
        }
        Ok(())
    }

    async fn append(&self, scope: &Scope, newest: &mut Open, calls: &[Call]) -> anyhow::Result<()> {
        let mut calls = calls.iter().peekable();
        while calls.peek().is_some() {
            if newest.batch.is_full(BATCH_BYTES_MAX) {
                *newest = Open { number: newest.number + 1, batch: Batch::default() };
            }
            while let Some(call) = calls.next_if(|_| !newest.batch.is_full(BATCH_BYTES_MAX)) {
                newest.batch.push(call);
            }
            let mut changes = Changes::new(self.kv.as_ref(), scope);
            if let Some(oldest) = newest.number.checked_sub(BATCHES_MAX) {
                changes = changes.remove(&BATCHES, &key(oldest));
            }
            let changed = changes.put(&BATCHES, &key(newest.number), &newest.batch);
            changed.map_err(failed)?.commit().await.map_err(failed)?;
        }
        Ok(())
    }

    async fn newest(&self, scope: &Scope) -> anyhow::Result<Open> {
        let rows = Rows::new(self.kv.as_ref(), &BATCHES, scope);
        let last = rows.list_backward("", None, 1).await.map_err(failed)?.pop();
        Ok(match last {
            Some((key, batch)) => Open { number: number(&key).context("the number of a batch")?, batch },
            None => Open { number: 0, batch: Batch::default() },
        })
    }

    /// Drops what is held of an account, or all; its rows go with the account.
    pub(crate) fn forget(&self, account: Option<&AccountId>) {
        let is_kept = |scope: &Scope| account.is_some_and(|account| scope.account != *account);
        self.lock().calls.retain(|call| is_kept(&call.scope));
        // A writer that is at work has its batch in hand and puts it back; the reset asks twice.
        if let Ok(mut open) = self.open.try_lock() {
            open.retain(|scope, _| is_kept(scope));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A note that others are missing.
fn overflow(last: &Call, lost: u64) -> Call {
    Call {
        service: "cloudtrail",
        operation: "CallsNotNoted",
        action: String::new(),
        resource: format!("{lost} calls came when too many waited to be noted"),
        principal: Principal::Service {
            account: last.scope.account.clone(),
            name: "cloudtrail.amazonaws.com",
        },
        access_key_id: None,
        source_address: None,
        user_agent: None,
        denial: None,
        ..last.clone()
    }
}

fn failed(failure: service::Failure) -> anyhow::Error {
    anyhow::anyhow!("{failure}")
}
