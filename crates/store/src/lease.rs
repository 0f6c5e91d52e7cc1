//! Leases: who may act for something, for a while, with a fence against those who still believe they may.
//!
//! A lease is one row. Taking it over raises its epoch, and every write an owner makes carries
//! [`Check::Lease`] with the epoch it was given: an owner that was paused past its expiry cannot commit
//! anything once somebody else has taken over. Expiry by the engine's clock only decides when somebody else
//! *may* take over.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::{Check, Commit, EngineTime, Kv, KvError, Outcome, Result, Versioned};

/// Format of the row, its first byte.
const ROW_FORMAT: u8 = 1;

/// The key of a lease's row.
#[derive(Clone, PartialEq, Eq, Debug, Hash, Ord, PartialOrd)]
pub struct LeaseKey(pub Bytes);

impl LeaseKey {
    /// A lease at this key.
    pub fn new(key: impl Into<Bytes>) -> Self {
        Self(key.into())
    }

    /// The key of its row.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Counts the times a lease was taken. Starts at 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Ord, PartialOrd)]
pub struct Epoch(pub u64);

/// A lease somebody holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lease {
    /// Its row.
    pub key: LeaseKey,
    /// Who holds it.
    pub owner: String,
    /// Which holding this is.
    pub epoch: Epoch,
    /// From then on somebody else may take it.
    pub expires: EngineTime,
}

impl Lease {
    /// The condition every write of the owner carries.
    pub fn check(&self) -> Check {
        Check::Lease(self.key.clone(), self.epoch)
    }
}

/// Takes a lease that is free, expired, or ours by name (a restarted owner need not wait for itself). None: it is
/// held by somebody else, or somebody was quicker.
pub async fn acquire(kv: &dyn Kv, key: &LeaseKey, owner: &str, keep: Duration) -> Result<Option<Lease>> {
    if owner.is_empty() {
        return Err(KvError::Determinate("the owner of a lease needs a name".to_owned()));
    }
    let now = kv.now().await?;
    let row = kv.snapshot().await?.get(key.as_bytes()).await?;
    let before = row.as_ref().map(read).transpose()?;
    if let Some(before) = &before
        && !before.owner.is_empty()
        && before.owner != owner
        && before.expires > now
    {
        return Ok(None);
    }
    let epoch = Epoch(before.map_or(0, |before| before.epoch.0) + 1);
    let lease = Lease { key: key.clone(), owner: owner.to_owned(), epoch, expires: after(now, keep) };
    let commit = Commit::new()
        .check_version(key.0.clone(), row.map(|row| row.version))
        .put(key.0.clone(), encode(owner, epoch, lease.expires));
    Ok(match kv.commit(commit).await? {
        Outcome::Done(_) => Some(lease),
        Outcome::Conflict(_) => None,
    })
}

/// Moves the expiry of a lease we hold. None: somebody has taken it; stop acting as its owner.
pub async fn renew(kv: &dyn Kv, lease: &Lease, keep: Duration) -> Result<Option<Lease>> {
    let expires = after(kv.now().await?, keep);
    let commit = Commit::new()
        .check(lease.check())
        .put(lease.key.0.clone(), encode(&lease.owner, lease.epoch, expires));
    Ok(match kv.commit(commit).await? {
        Outcome::Done(_) => Some(Lease { expires, ..lease.clone() }),
        Outcome::Conflict(_) => None,
    })
}

/// Gives a lease back, so that the next owner need not wait for its expiry. False: it was not ours any more.
pub async fn release(kv: &dyn Kv, lease: Lease) -> Result<bool> {
    // The row stays and keeps the epoch: deleting it would let an old epoch come back. The next epoch also
    // fences what the leaving owner may still have under way.
    let free = encode("", Epoch(lease.epoch.0 + 1), EngineTime(0));
    let commit = Commit::new().check(lease.check()).put(lease.key.0.clone(), free);
    Ok(matches!(kv.commit(commit).await?, Outcome::Done(_)))
}

/// The epoch in a lease row, None when nobody holds it.
pub(crate) fn epoch_in(value: &[u8]) -> Result<Option<Epoch>> {
    let row = decode(value)?;
    Ok((!row.owner.is_empty()).then_some(row.epoch))
}

struct Row {
    owner: String,
    epoch: Epoch,
    expires: EngineTime,
}

fn after(now: EngineTime, keep: Duration) -> EngineTime {
    now.plus_millis(u64::try_from(keep.as_millis()).unwrap_or(u64::MAX))
}

fn encode(owner: &str, epoch: Epoch, expires: EngineTime) -> Bytes {
    let mut row = BytesMut::with_capacity(17 + owner.len());
    row.put_u8(ROW_FORMAT);
    row.put_u64(epoch.0);
    row.put_u64(expires.0);
    row.put_slice(owner.as_bytes());
    row.freeze()
}

fn read(row: &Versioned) -> Result<Row> {
    decode(&row.value)
}

fn decode(mut value: &[u8]) -> Result<Row> {
    let damaged = || KvError::Corrupt("a lease row cannot be read".to_owned());
    if value.len() < 17 || value.get_u8() != ROW_FORMAT {
        return Err(damaged());
    }
    let epoch = Epoch(value.get_u64());
    let expires = EngineTime(value.get_u64());
    let owner = std::str::from_utf8(value).map_err(|_| damaged())?.to_owned();
    Ok(Row { owner, epoch, expires })
}
