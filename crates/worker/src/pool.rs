//! Which workers there are: seats for all that hold a function, the idle ones, the generic spares.
//!
//! Pure bookkeeping under one lock. Workers are dropped, and so killed, only after it is released.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::policy::SHRINK_DIVISOR;
use crate::preload::Preload;
use crate::runtimes::Found;
use crate::worker::Worker;

/// What a generic worker is good for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SpareKind {
    pub(crate) interpreter: Found,
    pub(crate) preload: Preload,
}

/// All workers of one server. Cheap to clone.
pub(crate) struct Pool<W = Worker> {
    inner: Arc<Mutex<Inner<W>>>,
}

struct Inner<W> {
    workers_max: usize,
    /// Of one function.
    workers_of_function_max: usize,
    closed: bool,
    next_seat: u64,
    /// Workers in use, by seat.
    busy: HashMap<u64, Busy>,
    /// Warm workers by key; the last of a list was used last.
    idle: HashMap<Arc<str>, Vec<Idle<W>>>,
    idle_count: usize,
    /// Calls that would take a worker of their function, should one become free.
    waiting: HashMap<Arc<str>, VecDeque<oneshot::Sender<Lease<W>>>>,
    /// Started interpreters without a function.
    spares: HashMap<SpareKind, Vec<W>>,
    /// Idle workers of a key that neither time nor others' need ends.
    kept: HashMap<Arc<str>, usize>,
}

/// The workers of one key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyCount {
    pub busy: usize,
    pub idle: usize,
}

struct Busy {
    key: Arc<str>,
    /// Its function was changed or deleted meanwhile.
    retired: bool,
    /// It is being started ahead and cannot take a call yet.
    is_starting: bool,
}

struct Idle<W> {
    worker: W,
    since: Instant,
}

/// The right to run one worker. Dropping it makes room for another.
pub(crate) struct Seat<W = Worker> {
    id: u64,
    inner: Arc<Mutex<Inner<W>>>,
}

/// A worker in use.
pub(crate) struct Lease<W = Worker> {
    pub(crate) worker: W,
    pub(crate) seat: Seat<W>,
}

impl<W> Clone for Pool<W> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<W> Pool<W> {
    pub(crate) fn new(workers_max: usize, workers_of_function_max: usize) -> Self {
        let inner = Inner {
            workers_max,
            workers_of_function_max,
            closed: false,
            next_seat: 0,
            busy: HashMap::new(),
            idle: HashMap::new(),
            idle_count: 0,
            waiting: HashMap::new(),
            spares: HashMap::new(),
            kept: HashMap::new(),
        };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    /// The warm worker of `key` that was used last.
    pub(crate) fn take_warm(&self, key: &str) -> Option<Lease<W>> {
        let mut inner = lock(&self.inner);
        let (owned, list) = inner.idle.get_key_value(key)?;
        let key = Arc::clone(owned);
        let now_empty = list.len() == 1;
        let idle = inner.idle.get_mut(&key)?.pop()?;
        if now_empty {
            inner.idle.remove(&key);
        }
        inner.idle_count -= 1;
        let seat = inner.sit(key);
        drop(inner);
        Some(Lease { worker: idle.worker, seat: Seat { id: seat, inner: Arc::clone(&self.inner) } })
    }

    /// Room for a new worker of `key`, if need be that of the worker idle for longest. `None` when
    /// all are busy, or all that one function may have.
    pub(crate) fn seat(&self, key: &str) -> Option<Seat<W>> {
        let mut inner = lock(&self.inner);
        if inner.closed {
            return None;
        }
        if inner.busy.values().filter(|busy| *busy.key == *key).count() >= inner.workers_of_function_max {
            return None;
        }
        let evicted = if inner.busy.len() + inner.idle_count >= inner.workers_max {
            Some(inner.take_longest_idle()?)
        } else {
            None
        };
        let id = inner.sit(Arc::from(key));
        drop(inner);
        drop(evicted);
        Some(Seat { id, inner: Arc::clone(&self.inner) })
    }

    /// The next worker of `key` that becomes free, for one who is about to start another. Whoever gives up
    /// waiting must look whether one came all the same.
    pub(crate) fn wait_for_warm(&self, key: &str) -> oneshot::Receiver<Lease<W>> {
        let (sender, receiver) = oneshot::channel();
        let mut inner = lock(&self.inner);
        let queue = inner.waiting.entry(Arc::from(key)).or_default();
        // Those who have given up would pile up while no worker becomes free.
        queue.retain(|waiting| !waiting.is_closed());
        queue.push_back(sender);
        receiver
    }

    /// Hands a worker to a call that waits for one, or keeps it for the next call of its function, unless
    /// that was retired meanwhile.
    pub(crate) fn give_back(&self, lease: Lease<W>) {
        let mut lease = lease;
        while let Some(waiting) = lock(&self.inner).take_waiting(lease.seat.id) {
            match waiting.send(lease) {
                Ok(()) => return,
                Err(returned) => lease = returned,
            }
        }
        let Lease { worker, seat } = lease;
        let mut inner = lock(&self.inner);
        match inner.busy.remove(&seat.id) {
            Some(busy) if !busy.retired && !inner.closed => {
                inner.idle.entry(busy.key).or_default().push(Idle { worker, since: Instant::now() });
                inner.idle_count += 1;
            }
            _ => {
                drop(inner);
                drop(worker);
            }
        }
    }

    /// Ends idle workers whose key starts with `prefix`; busy ones end after their call.
    pub(crate) fn retire(&self, prefix: &str) {
        let mut inner = lock(&self.inner);
        let retired = inner.take_idle(|key, _| key.starts_with(prefix));
        for busy in inner.busy.values_mut().filter(|busy| busy.key.starts_with(prefix)) {
            busy.retired = true;
        }
        drop(inner);
        drop(retired);
    }

    /// Ends workers idle for `keep_alive`, and forgets calls that wait no more.
    pub(crate) fn expire(&self, now: Instant, keep_alive: Duration) {
        let mut inner = lock(&self.inner);
        let expired = inner.take_expired(now, keep_alive);
        inner.waiting.retain(|_, queue| {
            queue.retain(|waiting| !waiting.is_closed());
            !queue.is_empty()
        });
        drop(inner);
        drop(expired);
    }

    /// Ends some of the workers idle for longest; tells how many.
    pub(crate) fn shrink(&self) -> usize {
        let mut inner = lock(&self.inner);
        let count = inner.idle_count.div_ceil(SHRINK_DIVISOR);
        let ended: Vec<_> = (0..count).map_while(|_| inner.take_longest_idle()).collect();
        drop(inner);
        ended.len()
    }

    pub(crate) fn take_spare(&self, kind: &SpareKind) -> Option<W> {
        lock(&self.inner).spares.get_mut(kind)?.pop()
    }

    /// Keeps a generic worker; drops it when the pool is closed.
    pub(crate) fn add_spare(&self, kind: &SpareKind, worker: W) {
        let mut inner = lock(&self.inner);
        if inner.closed {
            drop(inner);
            drop(worker);
        } else {
            inner.spares.entry(kind.clone()).or_default().push(worker);
        }
    }

    pub(crate) fn drop_spares(&self, kind: &SpareKind) {
        let dropped = lock(&self.inner).spares.remove(kind);
        drop(dropped);
    }

    pub(crate) fn spares_of(&self, kind: &SpareKind) -> usize {
        lock(&self.inner).spares.get(kind).map_or(0, Vec::len)
    }

    /// Ends everything that is not busy and takes nothing back any more.
    pub(crate) fn close(&self) {
        let mut inner = lock(&self.inner);
        inner.closed = true;
        let idle = inner.take_idle(|_, _| true);
        let spares = std::mem::take(&mut inner.spares);
        drop(inner);
        drop((idle, spares));
    }

    /// Keeps so many idle workers of a key, however long nobody calls.
    pub(crate) fn keep(&self, key: &str, count: usize) {
        lock(&self.inner).kept.insert(Arc::from(key), count);
    }

    /// Lets go what was kept of other keys.
    pub(crate) fn keep_only(&self, kept: &HashMap<String, usize>) {
        let mut inner = lock(&self.inner);
        inner.kept.retain(|key, _| kept.contains_key(key.as_ref()));
    }

    pub(crate) fn count_of(&self, key: &str) -> KeyCount {
        let inner = lock(&self.inner);
        let counts = |busy: &&Busy| busy.key.as_ref() == key && !busy.retired && !busy.is_starting;
        let busy = inner.busy.values().filter(counts).count();
        KeyCount { busy, idle: inner.idle.get(key).map_or(0, Vec::len) }
    }

    /// Busy, idle and spare workers.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        let inner = lock(&self.inner);
        (inner.busy.len(), inner.idle_count, inner.spares.values().map(Vec::len).sum())
    }
}

impl<W> Inner<W> {
    /// Who waits for a worker of the function of this seat.
    fn take_waiting(&mut self, seat: u64) -> Option<oneshot::Sender<Lease<W>>> {
        let busy = self.busy.get(&seat).filter(|busy| !busy.retired && !self.closed)?;
        let queue = self.waiting.get_mut(&busy.key)?;
        let waiting = queue.pop_front();
        if queue.is_empty() {
            self.waiting.remove(&busy.key);
        }
        waiting
    }

    fn sit(&mut self, key: Arc<str>) -> u64 {
        let id = self.next_seat;
        self.next_seat += 1;
        self.busy.insert(id, Busy { key, retired: false, is_starting: false });
        id
    }

    fn take_idle(&mut self, take: impl Fn(&str, Instant) -> bool) -> Vec<Idle<W>> {
        let mut taken = Vec::new();
        self.idle.retain(|key, list| {
            taken.extend(list.extract_if(.., |idle| take(key, idle.since)));
            !list.is_empty()
        });
        self.idle_count -= taken.len();
        taken
    }

    /// Workers idle for longer than this, without those that are kept.
    fn take_expired(&mut self, now: Instant, keep_alive: Duration) -> Vec<Idle<W>> {
        let mut taken = Vec::new();
        let kept = &self.kept;
        self.idle.retain(|key, list| {
            let mut may_go = list.len().saturating_sub(kept.get(key).copied().unwrap_or(0));
            taken.extend(list.extract_if(.., |idle| {
                let goes = may_go > 0 && now.saturating_duration_since(idle.since) >= keep_alive;
                may_go -= usize::from(goes);
                goes
            }));
            !list.is_empty()
        });
        self.idle_count -= taken.len();
        taken
    }

    fn take_longest_idle(&mut self) -> Option<Idle<W>> {
        // The first of a list is the one idle for longest.
        let kept = &self.kept;
        let key = self
            .idle
            .iter()
            .filter(|(key, list)| list.len() > kept.get(*key).copied().unwrap_or(0))
            .filter_map(|(key, list)| Some((list.first()?.since, key)))
            .min_by_key(|(since, _)| *since)
            .map(|(_, key)| Arc::clone(key))?;
        let list = self.idle.get_mut(&key)?;
        let taken = list.remove(0);
        if list.is_empty() {
            self.idle.remove(&key);
        }
        self.idle_count -= 1;
        Some(taken)
    }
}

impl<W> Seat<W> {
    /// Not counted among the workers of its key until it is given back.
    pub(crate) fn is_starting(&self) {
        if let Some(busy) = lock(&self.inner).busy.get_mut(&self.id) {
            busy.is_starting = true;
        }
    }
}

impl<W> Drop for Seat<W> {
    fn drop(&mut self) {
        lock(&self.inner).busy.remove(&self.id);
    }
}

fn lock<W>(inner: &Mutex<Inner<W>>) -> MutexGuard<'_, Inner<W>> {
    // No code that can panic runs between two changes that belong together.
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::RuntimeKind;
    use crate::runtimes::Version;

    fn node() -> SpareKind {
        let version = Version { major: 20, minor: 1, patch: 0 };
        let interpreter =
            Found { kind: RuntimeKind::Node, version, program: "/node".into(), prefix: "/".into() };
        SpareKind { interpreter, preload: Preload::Nothing }
    }

    #[test]
    fn a_spare_serves_its_own_kind() {
        let pool = Pool::new(10, 10);
        let sdk = SpareKind { preload: Preload::RequireSdk3, ..node() };
        pool.add_spare(&sdk, 7_u32);
        assert_eq!(pool.take_spare(&node()), None);
        assert_eq!(pool.take_spare(&sdk), Some(7));
    }

    fn lease(pool: &Pool<u32>, key: &str, worker: u32) -> Lease<u32> {
        Lease { worker, seat: pool.seat(key).unwrap() }
    }

    #[test]
    fn the_worker_used_last_is_used_next() {
        let pool = Pool::new(10, 10);
        let (first, second) = (lease(&pool, "a", 1), lease(&pool, "a", 2));
        pool.give_back(first);
        pool.give_back(second);
        assert_eq!(pool.take_warm("a").unwrap().worker, 2);
        assert!(pool.take_warm("b").is_none());
        assert_eq!(pool.counts(), (0, 1, 0));
    }

    #[test]
    fn the_longest_idle_worker_makes_room() {
        let pool = Pool::new(2, 2);
        pool.give_back(lease(&pool, "a", 1));
        pool.give_back(lease(&pool, "b", 2));
        let third = lease(&pool, "c", 3);
        assert!(pool.take_warm("a").is_none());
        let second = pool.take_warm("b").unwrap();
        assert!(pool.seat("d").is_none());
        drop(third);
        assert!(pool.seat("d").is_some());
        pool.give_back(second);
        assert_eq!(pool.counts(), (0, 1, 0));
    }

    #[test]
    fn a_flood_of_one_function_leaves_room_for_others() {
        let pool: Pool<u32> = Pool::new(6, 5);
        let flood: Vec<_> = std::iter::from_fn(|| pool.seat("flood")).collect();
        assert_eq!(flood.len(), 5);
        let other = pool.seat("other");
        assert!(other.is_some());
        assert!(pool.seat("another").is_none(), "all are busy");
        drop(other);
        assert!(pool.seat("flood").is_none());
    }

    #[test]
    fn a_free_worker_goes_to_who_waits() {
        let pool = Pool::new(10, 10);
        let busy = lease(&pool, "a", 1);
        let (gone, mut first, mut other) =
            (pool.wait_for_warm("a"), pool.wait_for_warm("a"), pool.wait_for_warm("b"));
        drop(gone);
        pool.give_back(busy);
        let taken = first.try_recv().expect("the worker was handed over");
        assert!(other.try_recv().is_err());
        assert_eq!(pool.counts(), (1, 0, 0));
        pool.retire("a");
        let mut second = pool.wait_for_warm("a");
        pool.give_back(taken);
        assert!(second.try_recv().is_err(), "a retired function's worker is not reused");
        assert_eq!(pool.counts(), (0, 0, 0));
    }

    #[test]
    fn a_retired_function_is_not_kept() {
        let pool = Pool::new(10, 10);
        pool.give_back(lease(&pool, "users:1", 1));
        let busy = lease(&pool, "users:1", 2);
        pool.give_back(lease(&pool, "orders:1", 3));
        pool.retire("users:");
        pool.give_back(busy);
        assert!(pool.take_warm("users:1").is_none());
        assert_eq!(pool.take_warm("orders:1").unwrap().worker, 3);
    }

    #[test]
    fn idle_workers_expire() {
        let pool = Pool::new(10, 10);
        pool.give_back(lease(&pool, "a", 1));
        let minute = Duration::from_secs(60);
        pool.expire(Instant::now(), minute);
        assert_eq!(pool.counts(), (0, 1, 0));
        pool.expire(Instant::now() + minute, minute);
        assert_eq!(pool.counts(), (0, 0, 0));
    }

    #[test]
    fn shrinking_ends_those_idle_for_longest() {
        let pool = Pool::new(10, 10);
        let leases: Vec<_> = (1..=5).map(|worker| lease(&pool, "a", worker)).collect();
        leases.into_iter().for_each(|lease| pool.give_back(lease));
        assert_eq!(pool.shrink(), 2);
        let left: Vec<_> = {
            let leases: Vec<_> = std::iter::from_fn(|| pool.take_warm("a")).collect();
            leases.iter().map(|lease| lease.worker).collect()
        };
        assert_eq!(left, [5, 4, 3]);
        assert_eq!(pool.shrink(), 0);
    }

    #[test]
    fn what_is_kept_stays_until_it_is_let_go() {
        let pool = Pool::new(3, 3);
        let leases: Vec<_> = (1..=3).map(|worker| lease(&pool, "a", worker)).collect();
        leases.into_iter().for_each(|lease| pool.give_back(lease));
        pool.keep("a", 2);
        let hour = Duration::from_secs(3_600);
        pool.expire(Instant::now() + hour, hour);
        assert_eq!(pool.count_of("a"), KeyCount { busy: 0, idle: 2 });
        assert_eq!(pool.shrink(), 0);
        let other = pool.seat("b").unwrap();
        assert!(pool.seat("c").is_none(), "it makes no room for others");
        let busy = pool.take_warm("a").unwrap();
        assert_eq!(pool.count_of("a"), KeyCount { busy: 1, idle: 1 });
        pool.give_back(busy);
        drop(other);
        let starting = lease(&pool, "a", 9);
        starting.seat.is_starting();
        assert_eq!(pool.count_of("a"), KeyCount { busy: 0, idle: 2 });
        pool.give_back(starting);
        assert_eq!(pool.count_of("a"), KeyCount { busy: 0, idle: 3 });
        pool.keep_only(&HashMap::new());
        pool.expire(Instant::now() + hour, hour);
        assert_eq!(pool.count_of("a"), KeyCount::default());
    }

    #[test]
    fn a_closed_pool_keeps_nothing() {
        let pool = Pool::new(10, 10);
        let busy = lease(&pool, "a", 1);
        pool.add_spare(&node(), 7);
        pool.close();
        pool.give_back(busy);
        pool.add_spare(&node(), 8);
        assert_eq!(pool.counts(), (0, 0, 0));
        assert!(pool.seat("a").is_none());
    }
}
