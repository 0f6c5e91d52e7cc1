//! How many items a table and its indexes hold, and how large they are.
//!
//! Counted in memory as items change, so that no write waits for another; see [`Sizes::add`] for who counts.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::keys::StorageId;

/// Items and their bytes, by the rules of item sizes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Size {
    pub(crate) items: u64,
    pub(crate) bytes: u64,
}

/// The sizes of one table and its indexes.
#[derive(Debug, Default)]
pub(crate) struct Sizes {
    counted: Mutex<Counted>,
}

/// What is counted, as it is kept in its row.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Counted {
    #[serde(default)]
    pub(crate) table: Size,
    #[serde(default)]
    pub(crate) indexes: HashMap<StorageId, Size>,
    /// Changes since the row was written.
    #[serde(skip)]
    dirty: bool,
}

/// By how much one change of an item changes a table or an index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SizeChange {
    pub(crate) items: i64,
    pub(crate) bytes: i64,
}

impl Sizes {
    pub(crate) fn new(counted: Counted) -> Self {
        Sizes { counted: Mutex::new(counted) }
    }

    pub(crate) fn table(&self) -> Size {
        self.lock().table
    }

    pub(crate) fn index(&self, index: StorageId) -> Size {
        self.lock().indexes.get(&index).copied().unwrap_or_default()
    }

    /// Counts a change once it is committed: by whoever committed it.
    pub(crate) fn add(&self, table: SizeChange, indexes: impl IntoIterator<Item = (StorageId, SizeChange)>) {
        let mut counted = self.lock();
        counted.table.add(table);
        for (index, change) in indexes {
            counted.indexes.entry(index).or_default().add(change);
        }
        counted.dirty = true;
    }

    /// What is to be written to the row, if it changed since the last time.
    pub(crate) fn take_unsaved(&self) -> Option<Counted> {
        let mut counted = self.lock();
        std::mem::take(&mut counted.dirty).then(|| counted.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        // Numbers to look at: after a panic they are off by one change at most.
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Size {
    fn add(&mut self, change: SizeChange) {
        self.items = self.items.saturating_add_signed(change.items);
        self.bytes = self.bytes.saturating_add_signed(change.bytes);
    }
}
