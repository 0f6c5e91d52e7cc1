//! What the process remembers of the lanes: what is under way, and which need a look.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use store::Version;
use tokio::sync::Notify;

use super::lane::Lane;

/// Calls of posts that run at once.
pub const DELIVERIES_MAX: usize = 1_024;
/// Calls of one lane that run at once. A lane takes no more than half of what is free of [`DELIVERIES_MAX`], so that
/// slow lanes leave room for the others.
pub const LANE_DELIVERIES_MAX: usize = 256;
/// Posts of one lane that wait before new ones are refused, as far as this process has seen them: a bound, not a quota.
pub const LANE_POSTS_MAX: u64 = 200_000;

/// Rows say everything that must be known; this is a cache that starts empty.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    state: Mutex<State>,
    /// Look again.
    pub(super) wake: Arc<Notify>,
    /// The time of the next call changed.
    pub(super) retimed: Notify,
}

#[derive(Debug, Default)]
struct State {
    lanes: HashMap<Lane, Known>,
    running: usize,
}

#[derive(Debug, Default)]
struct Known {
    /// The mark when the lane was last looked at.
    seen: Option<Version>,
    /// Something changed since, or not everything was taken.
    dirty: bool,
    /// When the first post is due that is not due yet.
    next_due_millis: Option<i64>,
    running: HashSet<Bytes>,
    /// New posts behind those that were taken.
    waiting: u64,
    retrying: u64,
}

/// What a look may take from a lane.
pub(super) struct Allowance {
    pub(super) lane: Lane,
    pub(super) running: HashSet<Bytes>,
    pub(super) deliveries: usize,
}

/// What a look found.
pub(super) struct Found {
    pub(super) mark: Version,
    pub(super) taken: Vec<Bytes>,
    pub(super) more: bool,
    pub(super) waiting: u64,
    pub(super) next_due_millis: Option<i64>,
}

impl Outbox {
    pub(super) fn has_room(&self, lane: &Lane) -> bool {
        let state = self.lock();
        state.lanes.get(lane).is_none_or(|known| known.waiting + known.retrying < LANE_POSTS_MAX)
    }

    /// What runs, by its keys. Take it before the snapshot: what ends later is still in the snapshot.
    pub(super) fn running(&self) -> HashMap<Lane, HashSet<Bytes>> {
        let state = self.lock();
        let busy = state.lanes.iter().filter(|(_, known)| !known.running.is_empty());
        busy.map(|(lane, known)| (lane.clone(), known.running.clone())).collect()
    }

    /// Whether the lane needs a look, and how much it may take.
    pub(super) fn allow(
        &self,
        lane: Lane,
        mark: Version,
        now_millis: i64,
        running: &HashMap<Lane, HashSet<Bytes>>,
    ) -> Option<Allowance> {
        let mut state = self.lock();
        let free = DELIVERIES_MAX - state.running;
        let known = state.lanes.entry(lane.clone()).or_default();
        let due = known.next_due_millis.is_some_and(|due| due <= now_millis);
        if !due && !known.dirty && known.seen == Some(mark) {
            return None;
        }
        // What a slow or ordered lane still holds back is found when its running calls end.
        known.dirty = true;
        let lane_max = if lane.is_ordered() { 1 } else { LANE_DELIVERIES_MAX.min((free / 2).max(1)) };
        let deliveries = lane_max.saturating_sub(known.running.len()).min(free);
        let running = running.get(&lane).cloned().unwrap_or_default();
        (deliveries > 0).then_some(Allowance { lane, running, deliveries })
    }

    pub(super) fn found(&self, lane: &Lane, found: Found) {
        let mut state = self.lock();
        state.running += found.taken.len();
        let known = state.lanes.entry(lane.clone()).or_default();
        known.seen = Some(found.mark);
        known.dirty = found.more;
        known.next_due_millis = found.next_due_millis;
        known.waiting = found.waiting;
        known.running.extend(found.taken);
        drop(state);
        self.retimed.notify_one();
    }

    /// A call has ended and its outcome is in the rows.
    pub(super) fn ended(&self, lane: &Lane, key: &Bytes, retried: Retried) {
        let mut state = self.lock();
        state.running -= 1;
        if let Some(known) = state.lanes.get_mut(lane) {
            known.running.remove(key);
            known.dirty = true;
            match retried {
                Retried::First => known.retrying += 1,
                Retried::Ended => known.retrying = known.retrying.saturating_sub(1),
                Retried::Unchanged => {}
            }
        }
        drop(state);
        self.wake.notify_one();
    }

    /// The lane has no rows any more.
    pub(super) fn forget(&self, lane: &Lane) {
        let mut state = self.lock();
        if state.lanes.get(lane).is_some_and(|known| known.running.is_empty()) {
            state.lanes.remove(lane);
        }
    }

    /// Milliseconds until a post that waits for its time is due.
    pub(super) fn until_next_millis(&self, now_millis: i64) -> Option<i64> {
        let state = self.lock();
        let later =
            state.lanes.values().filter_map(|known| known.next_due_millis).filter(|due| *due > now_millis);
        later.min().map(|due| due - now_millis)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing between two statements panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a call's end means for the number of posts that wait for another call.
#[derive(Clone, Copy, Debug)]
pub(super) enum Retried {
    /// A new post failed for the first time.
    First,
    /// A post that had failed before went away.
    Ended,
    Unchanged,
}
