//! Where everything that must survive lives: an ordered key-value store with one-shot conditional commits
//! ([`Kv`]), and large immutable payloads beside it ([`Blobs`]).
//!
//! What every engine here promises:
//! * a commit is atomic, and durable once it is acknowledged;
//! * nothing can be read before it is durable;
//! * a commit happens only if each of its checks holds at that moment, so histories are serializable for what
//!   the checks name;
//! * an unknown outcome says so ([`KvError::Indeterminate`]) and can be looked up.
//!
//! This crate knows nothing of AWS or HTTP.

mod backup;
mod blobs;
mod clock;
mod fail;
mod fingerprint;
mod fjall_kv;
mod kv;
mod lease;
mod limits;
mod log;
mod memory;
mod sync;
mod txn;
mod verify;
mod watch;

pub use backup::{Copied, OnProgress, backup, restore};
pub use blobs::{
    BlobId, BlobInfo, Blobs, ByteStream, DeleteHold, LocalBlobs, MemoryBlobs, ORPHAN_AGE_MILLIS_MIN, Swept,
    sweep_orphans,
};
pub use clock::{Clock, EngineTime};
pub use fail::{FailHook, FailPoint};
pub use fingerprint::Fingerprint;
pub use fjall_kv::{
    Activity, DISK_FREE_BYTES_MIN, FatalHook, FjallKv, FjallOptions, QUEUE_BYTES_MAX, QUEUE_COMMITS_MAX,
    RECLAIM_DELETED_ROWS_MIN,
};
pub use kv::{
    BoxFuture, Check, Commit, CommitId, Kv, KvError, Order, Outcome, Result, Snapshot, Version, Versioned,
    Write,
};
pub use lease::{Epoch, Lease, LeaseKey, acquire, release, renew};
pub use limits::{
    COMMIT_BYTES_MAX, COMMIT_CHECKS_MAX, COMMIT_KEYS_MAX, INLINE_BYTES_MAX, KEY_BYTES_MAX,
    OUTCOME_KEPT_SECONDS, SCAN_ROWS_MAX, VALUE_BYTES_MAX,
};
pub use log::{LogId, log_counter_key, log_key, log_range, log_sequence};
pub use memory::MemoryKv;
pub use txn::{TXN_ATTEMPTS_MAX, Txn, clear, prefix_range, txn, txn_with_sequences};
pub use verify::{Verified, verify};
pub use watch::Watch;
