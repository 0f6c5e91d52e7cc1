//! Conclusions kept until IAM changes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// A bounded map whose entries count as long as the generation they were made in lasts. A full one is emptied:
/// filling it again costs each caller one look at the store.
pub(crate) struct Memory<T> {
    entries: Mutex<HashMap<String, (u64, T)>>,
    entries_max: usize,
}

impl<T: Clone> Memory<T> {
    pub(crate) fn new(entries_max: usize) -> Self {
        Memory { entries: Mutex::default(), entries_max }
    }

    pub(crate) fn get(&self, key: &str, generation: u64) -> Option<T> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(key).filter(|(made_in, _)| *made_in == generation).map(|(_, value)| value.clone())
    }

    /// `generation` is the one that was read before the value was made.
    pub(crate) fn keep(&self, key: &str, generation: u64, value: T) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= self.entries_max {
            entries.clear();
        }
        entries.insert(key.to_owned(), (generation, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_end_with_their_generation_and_are_bounded() {
        let memory = Memory::new(2);
        memory.keep("a", 1, 10);
        assert_eq!(memory.get("a", 1), Some(10));
        assert_eq!(memory.get("a", 2), None);
        memory.keep("a", 2, 11);
        assert_eq!(memory.get("a", 2), Some(11));
        for key in ["b", "c", "d", "e"] {
            memory.keep(key, 2, 0);
            assert!(memory.entries.lock().unwrap().len() <= 2);
        }
    }
}
