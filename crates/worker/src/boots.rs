//! Whose turn it is to start a process: few at a time, and no function's flood before another's first call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Hands out turns. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Boots {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    turns: Arc<Semaphore>,
    /// Functions with someone who has a turn or waits for one.
    queues: Mutex<HashMap<Arc<str>, Queue>>,
    /// Of one function at most this many wait for a turn or have one; the others wait behind them.
    turns_of_function_max: usize,
}

#[derive(Debug)]
struct Queue {
    places: Arc<Semaphore>,
    members: usize,
}

/// The right to start one process, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _turn: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
    _member: Member,
}

/// One who has a turn of a function or waits for one.
#[derive(Debug)]
struct Member {
    key: Arc<str>,
    inner: Arc<Inner>,
}

impl Boots {
    /// `turns_max` processes start at the same time. Every function leaves one turn to others.
    pub(crate) fn new(turns_max: usize) -> Self {
        let inner = Inner {
            turns: Arc::new(Semaphore::new(turns_max)),
            queues: Mutex::default(),
            turns_of_function_max: turns_max.saturating_sub(1).max(1),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Waits for a turn of the function `key`. May be dropped while waiting.
    pub(crate) async fn turn(&self, key: &str) -> Turn {
        let (member, places) = self.inner.enter(key);
        let place = places.acquire_owned().await.expect("the semaphore is never closed");
        let turns = Arc::clone(&self.inner.turns);
        let turn = turns.acquire_owned().await.expect("the semaphore is never closed");
        Turn { _turn: turn, _place: place, _member: member }
    }
}

impl Inner {
    fn enter(self: &Arc<Self>, key: &str) -> (Member, Arc<Semaphore>) {
        let key: Arc<str> = Arc::from(key);
        let mut queues = self.lock();
        let queue = queues.entry(Arc::clone(&key)).or_insert_with(|| Queue {
            places: Arc::new(Semaphore::new(self.turns_of_function_max)),
            members: 0,
        });
        queue.members += 1;
        (Member { key, inner: Arc::clone(self) }, Arc::clone(&queue.places))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Queue>> {
        // Held for single changes only: a panicking holder leaves nothing half done.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut queues = self.inner.lock();
        if let Some(queue) = queues.get_mut(&self.key) {
            queue.members -= 1;
            if queue.members == 0 {
                queues.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_flood_leaves_turns_to_others() {
        let boots = Boots::new(4);
        let first: Vec<_> = [boots.turn("flood").await, boots.turn("flood").await, boots.turn("flood").await]
            .into_iter()
            .collect();
        let mut flood: Vec<_> = (0..100).map(|_| Box::pin(boots.turn("flood"))).collect();
        assert!(flood.iter_mut().all(|turn| turn.now_or_never().is_none()));
        let other = boots.turn("other").now_or_never().expect("a turn is left");
        let mut another = Box::pin(boots.turn("another"));
        assert!((&mut another).now_or_never().is_none(), "all four are taken");
        drop(first);
        // The first of the flood stand before it, not all hundred.
        assert!((&mut another).now_or_never().is_some());
        drop((flood, another, other));
        assert!(boots.inner.lock().is_empty());
        assert_eq!(boots.inner.turns.available_permits(), 4);
    }

    #[tokio::test]
    async fn with_one_turn_everyone_gets_it_in_the_end() {
        let boots = Boots::new(1);
        let first = boots.turn("a").await;
        let mut second = Box::pin(boots.turn("a"));
        assert!((&mut second).now_or_never().is_none());
        drop(first);
        assert!((&mut second).now_or_never().is_some());
    }
}
