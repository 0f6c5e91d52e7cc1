//! Turns: writers of one item go one after another, so that none of them reads what another is about to change.

use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use tokio::sync::{Mutex, MutexGuard};

/// Turns that all items share; more of them mean fewer items that wait for another.
const TURNS: usize = 4_096;

/// The turns of a service's items.
#[derive(Debug)]
pub(crate) struct Turns {
    turns: Box<[Mutex<()>]>,
}

impl Default for Turns {
    fn default() -> Self {
        Turns { turns: (0..TURNS).map(|_| Mutex::new(())).collect() }
    }
}

impl Turns {
    /// Waits for the turn of an item.
    pub(crate) async fn of(&self, place: &Bytes) -> MutexGuard<'_, ()> {
        self.turns[index(place)].lock().await
    }

    /// Waits for the turns of several items: always in the same order, so that nobody waits in a circle.
    pub(crate) async fn of_all(&self, places: impl IntoIterator<Item = &Bytes>) -> Vec<MutexGuard<'_, ()>> {
        let mut indexes: Vec<usize> = places.into_iter().map(index).collect();
        indexes.sort_unstable();
        indexes.dedup();
        let mut guards = Vec::with_capacity(indexes.len());
        for index in indexes {
            guards.push(self.turns[index].lock().await);
        }
        guards
    }
}

fn index(place: &Bytes) -> usize {
    let mut hasher = DefaultHasher::new();
    place.hash(&mut hasher);
    (hasher.finish() % TURNS as u64) as usize
}
