//! What callers and the committer meet through: the machine's own, or, with the feature `model-check`, a model's, which
//! tries the orders in which they can meet.

#[cfg(not(feature = "model-check"))]
pub(crate) use std::{
    sync::{Mutex, MutexGuard, RwLock, mpsc},
    thread,
};

#[cfg(feature = "model-check")]
pub(crate) use shuttle::{
    sync::{Mutex, MutexGuard, RwLock, mpsc},
    thread,
};
