//! The worker that clears what nobody can see any more: [payloads] without a name, and what is left of uploads that are
//! over, their rows and the payloads no object took.
//!
//! The commit that ends an upload leaves a mark with the list of the parts that an object has from then on, or with
//! nothing. A crash leaves the mark, so the work is done again.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use service::{Failure, Platform};
use store::{Commit, Order};
use tasks::{OnFailure, Progress, TaskKind, Worker};

use crate::object::{Part, Place, decode_parts};
use crate::payloads::{self, Pins, Run};
use crate::tables;

pub(crate) static KIND: TaskKind = TaskKind {
    name: "s3: clear what nobody can see any more",
    on_failure: OnFailure::Log,
    stop_within: Duration::from_secs(5),
};

/// How often the worker looks without being woken.
pub(crate) const EVERY: Duration = Duration::from_secs(5 * 60);

/// Parts looked at in one go.
const PARTS_AT_ONCE: usize = 1_000;

pub(crate) struct Clearing {
    platform: Arc<Platform>,
    pins: Arc<Pins>,
    run: Run,
    /// Nothing of other runs is left.
    is_alone: bool,
}

impl Clearing {
    pub(crate) fn new(platform: Arc<Platform>, pins: Arc<Pins>, run: Run) -> Self {
        Clearing { platform, pins, run, is_alone: false }
    }

    /// One thing to clear; `false` when there is none.
    async fn clear(&mut self) -> Result<bool, Failure> {
        if !self.is_alone {
            self.is_alone = !payloads::delete_abandoned(&self.platform, self.run).await?;
            return Ok(true);
        }
        Ok(self.clear_one().await?
            || payloads::delete_freed_list(&self.platform, &self.pins).await?
            || payloads::delete_freed(&self.platform, &self.pins).await?)
    }

    /// Clears one upload; `false` when there is none.
    async fn clear_one(&self) -> Result<bool, Failure> {
        let kv = self.platform.kv();
        let snapshot = kv.snapshot().await?;
        let rows = snapshot.scan(tables::all_ended(), Order::Forward, 1).await?;
        let Some((mark, row)) = rows.into_iter().next() else { return Ok(false) };
        let (account, upload_id) = tables::read_ended(&mark)
            .ok_or_else(|| anyhow::anyhow!("the mark of an upload does not read"))?;
        let list: Option<tables::DataId> = row.value.as_ref().try_into().ok();
        let kept: HashSet<Place> = match list {
            Some(list) => match snapshot.get(&tables::list_of_parts(&account, &list)).await? {
                Some(row) => places(&decode_parts(&row.value).unwrap_or_default()),
                // The object is gone again, and with it what it took.
                None => HashSet::new(),
            },
            None => HashSet::new(),
        };
        loop {
            let range = tables::parts(&account, &upload_id);
            let parts = kv.snapshot().await?.scan(range, Order::Forward, PARTS_AT_ONCE).await?;
            if parts.is_empty() {
                break;
            }
            let mut commit = Commit::new();
            for (key, row) in parts {
                commit = commit.delete(key);
                for part in decode_parts(&row.value).unwrap_or_default() {
                    match &part.piece.place {
                        place if kept.contains(place) => {}
                        Place::Inline(_) => {}
                        Place::Row(id) => commit = commit.delete(tables::data(&account, id)),
                        Place::Blob(id) => commit = commit.put(tables::freed(id), Vec::new()),
                    }
                }
            }
            kv.commit(commit).await?;
        }
        kv.commit(Commit::new().delete(mark)).await?;
        Ok(true)
    }
}

fn places(parts: &[Part]) -> HashSet<Place> {
    parts.iter().map(|part| part.piece.place.clone()).collect()
}

impl Worker for Clearing {
    async fn work(&mut self) -> anyhow::Result<Progress> {
        match self.clear().await {
            Ok(true) => Ok(Progress::Busy),
            Ok(false) => Ok(Progress::Idle),
            Err(Failure::Internal(cause)) => Err(cause),
            Err(failure) => Err(anyhow::anyhow!("{failure}")),
        }
    }
}

/// Everything there is to clear, at once.
#[cfg(test)]
pub(crate) async fn clear_all(platform: &Arc<Platform>, pins: &Pins) {
    let mut clearing = Clearing::new(platform.clone(), Arc::default(), Run([0; 8]));
    clearing.is_alone = true;
    while clearing.clear_one().await.unwrap_or_else(|failure| panic!("{failure}")) {}
    while payloads::delete_freed(platform, pins).await.unwrap_or_else(|failure| panic!("{failure}")) {}
}
