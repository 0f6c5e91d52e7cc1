//! The contract of an ordered key-value engine.

use std::fmt;
use std::future::Future;
use std::ops::Range;
use std::pin::Pin;

use bytes::Bytes;
use ring::rand::{SecureRandom, SystemRandom};

use crate::clock::{EngineTime, system_now};
use crate::{Epoch, Fingerprint, LeaseKey, LogId, Watch};

/// What a call on the store gives.
pub type Result<T> = std::result::Result<T, KvError>;

/// A future that can be sent to another thread.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Which commit wrote a row. Later commits have greater versions; all rows of one commit share theirs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Ord, PartialOrd)]
pub struct Version(pub u64);

/// A value and the commit that wrote it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Versioned {
    /// The value as written.
    pub value: Bytes,
    /// For [`Check::Version`].
    pub version: Version,
}

/// Names one commit, so that its outcome can be looked up. The upper 48 bits of a random id are its creation
/// time in epoch milliseconds, which keeps the look-up short; any other id works too.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Ord, PartialOrd)]
pub struct CommitId(pub u128);

impl CommitId {
    /// A new id: the time and 80 random bits.
    pub fn random() -> Self {
        let mut low = [0; 16];
        fill_random(&mut low[6..]);
        Self((u128::from(system_now().0) << 80) | u128::from_be_bytes(low))
    }

    /// When a random id was made, in epoch milliseconds.
    pub(crate) fn created(self) -> u64 {
        u64::try_from(self.0 >> 80).expect("48 bits are left")
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

impl fmt::Debug for CommitId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CommitId({self})")
    }
}

/// Random bytes from the operating system.
pub(crate) fn fill_random(bytes: &mut [u8]) {
    SystemRandom::new().fill(bytes).expect("the operating system always has random bytes once it has booted");
}

/// Writes that happen together, if all checks hold, or not at all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Commit {
    /// All must hold against the state just before the writes.
    pub checks: Vec<Check>,
    /// Applied in order: the last write to a key wins.
    pub writes: Vec<Write>,
    /// Names the commit for [`Kv::outcome`].
    pub id: CommitId,
}

impl Default for Commit {
    fn default() -> Self {
        Self::new()
    }
}

impl Commit {
    /// A commit with nothing in it yet and a random id.
    pub fn new() -> Self {
        Self { checks: Vec::new(), writes: Vec::new(), id: CommitId::random() }
    }

    /// Adds a condition.
    #[must_use]
    pub fn check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }

    /// Adds the condition that a key is still as read: at this version, or absent for None.
    #[must_use]
    pub fn check_version(self, key: impl Into<Bytes>, version: Option<Version>) -> Self {
        self.check(Check::Version(key.into(), version))
    }

    /// Adds a write of one row.
    #[must_use]
    pub fn put(mut self, key: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        self.writes.push(Write::Put(key.into(), value.into()));
        self
    }

    /// Adds the removal of one row; removing what is not there is fine.
    #[must_use]
    pub fn delete(mut self, key: impl Into<Bytes>) -> Self {
        self.writes.push(Write::Delete(key.into()));
        self
    }

    /// Adds an entry at the end of a log; its sequence comes back in [`Outcome::Done`].
    #[must_use]
    pub fn append(mut self, log: LogId, payload: impl Into<Bytes>) -> Self {
        self.writes.push(Write::Append { log, payload: payload.into() });
        self
    }
}

/// A condition of a commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Check {
    /// The key is at this version; None: there is no such key.
    Version(Bytes, Option<Version>),
    /// The same keys at the same versions are in the range as when the fingerprint was taken.
    RangeUnchanged(Range<Bytes>, Fingerprint),
    /// The lease is held in this epoch: nobody took it over since. Its expiry does not matter here.
    Lease(LeaseKey, Epoch),
}

/// One change of a commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Write {
    /// Sets key to value.
    Put(Bytes, Bytes),
    /// Removes the key.
    Delete(Bytes),
    /// Adds an entry at the end of a log. Sequences of a log start at 1 and have no gaps.
    Append {
        /// The log.
        log: LogId,
        /// The entry.
        payload: Bytes,
    },
}

/// How a commit ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It happened and is durable. Holds the sequence of each `Append`, in the commit's order.
    Done(Vec<u64>),
    /// Nothing happened: the check with this index did not hold.
    Conflict(usize),
}

/// Why a call failed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KvError {
    /// Nothing happened: a limit, a bad argument, or the store is closed.
    #[error("{0}")]
    Determinate(String),
    /// The commit may or may not have happened; [`Kv::outcome`] tells, after a restart if need be.
    #[error("the outcome of commit {0} is unknown: {1}")]
    Indeterminate(CommitId, String),
    /// What is stored is not what was written.
    #[error("the stored data is damaged: {0}")]
    Corrupt(String),
}

/// Direction of a scan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// From the smallest key.
    Forward,
    /// From the greatest key.
    Backward,
}

/// An ordered key-value engine. Keys that start with a zero byte belong to the engine.
pub trait Kv: Send + Sync + 'static {
    /// A stable view of the latest durable state. Cheap; hold it for seconds at most, old versions stay on disk
    /// as long as it lives.
    fn snapshot(&self) -> BoxFuture<'_, Result<Box<dyn Snapshot>>>;

    /// Runs one commit; durable when it is `Done`. Over a limit: `Determinate`, nothing happened. Dropping the
    /// future does not undo the commit.
    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Outcome>>;

    /// What `Done` held, if a commit of this id happened within the last hour; None when it did not happen.
    fn outcome(&self, id: CommitId) -> BoxFuture<'_, Result<Option<Vec<u64>>>>;

    /// A hint that keys under the prefix changed: it may be lost and it may be spurious.
    fn watch(&self, prefix: Bytes) -> Watch;

    /// The engine's clock: the one that leases and timers are measured by. Never goes backwards.
    fn now(&self) -> BoxFuture<'_, Result<EngineTime>>;
}

/// A stable view of the store.
pub trait Snapshot: Send + Sync {
    /// One row.
    fn get(&self, key: &[u8]) -> BoxFuture<'_, Result<Option<Versioned>>>;

    /// Several rows, in the order of the keys.
    fn get_many(&self, keys: &[Bytes]) -> BoxFuture<'_, Result<Vec<Option<Versioned>>>>;

    /// At most `limit` rows of the range, from its start or from its end. An empty or reversed range has none.
    /// A limit over [`SCAN_ROWS_MAX`](crate::SCAN_ROWS_MAX) is refused.
    fn scan(
        &self,
        range: Range<Bytes>,
        order: Order,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(Bytes, Versioned)>>>;

    /// What is in the range, for [`Check::RangeUnchanged`]. More than
    /// [`SCAN_ROWS_MAX`](crate::SCAN_ROWS_MAX) rows are refused.
    fn fingerprint(&self, range: Range<Bytes>) -> BoxFuture<'_, Result<Fingerprint>>;
}
