//! Wake-ups for those who wait for keys to change.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

use crate::sync::{Mutex, MutexGuard};

/// Waits for a change under a prefix. A hint only: look again at the store, and look now and then without it.
pub struct Watch {
    registry: Arc<Watchers>,
    prefix: Bytes,
    receiver: watch::Receiver<()>,
}

impl Watch {
    /// Waits until something under the prefix may have changed since the last call. Safe to drop and call again.
    pub async fn changed(&mut self) {
        if self.receiver.changed().await.is_err() {
            // The sender lives in the registry as long as we do; were it gone, nothing would ever change.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.registry.leave(&self.prefix);
    }
}

/// The watches of one engine.
#[derive(Default)]
pub(crate) struct Watchers {
    /// How many watches there are, so that a commit without any pays one load.
    count: AtomicUsize,
    prefixes: Mutex<Prefixes>,
}

#[derive(Default)]
struct Prefixes {
    by_prefix: HashMap<Bytes, Watched>,
    /// How many prefixes there are of each length.
    lengths: BTreeMap<usize, usize>,
}

struct Watched {
    sender: watch::Sender<()>,
    watches: usize,
}

impl Watchers {
    pub(crate) fn watch(self: &Arc<Self>, prefix: Bytes) -> Watch {
        let mut prefixes = self.lock();
        let Prefixes { by_prefix, lengths } = &mut *prefixes;
        let watched = by_prefix.entry(prefix.clone()).or_insert_with(|| {
            *lengths.entry(prefix.len()).or_default() += 1;
            Watched { sender: watch::Sender::new(()), watches: 0 }
        });
        watched.watches += 1;
        self.count.fetch_add(1, Ordering::SeqCst);
        Watch { receiver: watched.sender.subscribe(), prefix, registry: Arc::clone(self) }
    }

    /// Wakes the watches of these keys. Call it after the change can be read.
    pub(crate) fn changed<'a>(&self, keys: impl IntoIterator<Item = &'a [u8]>) {
        if self.count.load(Ordering::SeqCst) == 0 {
            return;
        }
        let prefixes = self.lock();
        for key in keys {
            for length in prefixes.lengths.range(..=key.len()).map(|(length, _)| *length) {
                if let Some(watched) = prefixes.by_prefix.get(&key[..length]) {
                    watched.sender.send_replace(());
                }
            }
        }
    }

    fn leave(&self, prefix: &Bytes) {
        let mut prefixes = self.lock();
        self.count.fetch_sub(1, Ordering::SeqCst);
        let Some(watched) = prefixes.by_prefix.get_mut(prefix) else { return };
        watched.watches -= 1;
        if watched.watches == 0 {
            prefixes.by_prefix.remove(prefix);
            if let Some(count) = prefixes.lengths.get_mut(&prefix.len()) {
                *count -= 1;
                if *count == 0 {
                    prefixes.lengths.remove(&prefix.len());
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Prefixes> {
        // Wake-ups are hints: after a panic the worst is a missing one.
        self.prefixes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
