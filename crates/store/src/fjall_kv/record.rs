//! One row per batch: what became of its commits, and a link of the chain that shows a lost or changed batch.
//!
//! Records are numbered without gaps and removed from the front once they are old enough. Each holds a hash over
//! its content and the hash of the one before. A batch dropped in the middle of the engine's journal leaves a gap
//! here, one dropped at the end leaves the store behind its head file.

use std::ops::Range;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use fjall::{Keyspace, Readable};
use ring::digest::{Context, SHA256};

use super::engine::engine_error;
use super::head::{Head, behind};
use super::view::View;
use crate::limits::RESERVED_PREFIX;
use crate::{CommitId, EngineTime, KvError, Result, Version};

/// How much earlier than a commit's id its record may be dated: clocks of ids and of the engine are the
/// machine's, but the engine's never goes back.
const CLOCK_SLACK_MILLIS: u64 = 10 * 60 * 1000;

pub(super) const CHAIN_BYTES: usize = 16;

const KEY_PREFIX: [u8; 2] = [RESERVED_PREFIX, b'r'];
const RECORD_FORMAT: u8 = 1;

/// A hash over a record and all before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Chain(pub(super) [u8; CHAIN_BYTES]);

impl Chain {
    /// What the first record is linked to.
    pub(super) const START: Self = Self([0; CHAIN_BYTES]);

    fn next(self, number: u64, body: &[u8]) -> Self {
        let mut digest = Context::new(&SHA256);
        digest.update(&self.0);
        digest.update(&number.to_be_bytes());
        digest.update(body);
        let digest = digest.finish();
        Self(*digest.as_ref().first_chunk().expect("a digest is longer than a link"))
    }
}

/// Where the history ends: what the next batch goes on from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Tail {
    /// The latest batch; 0 before the first.
    pub(super) number: u64,
    pub(super) chain: Chain,
    /// The latest commit.
    pub(super) version: Version,
    pub(super) time: EngineTime,
    /// The oldest record there is; one more than `number` when there is none.
    pub(super) oldest: u64,
}

/// What is written down about a batch.
pub(super) struct Record<'a> {
    pub(super) number: u64,
    pub(super) time: EngineTime,
    /// Of its last commit.
    pub(super) version: Version,
    pub(super) outcomes: &'a [(CommitId, Vec<u64>)],
}

impl Record<'_> {
    /// The row, and the chain with it.
    pub(super) fn encode(&self, before: Chain) -> (Bytes, Bytes, Chain) {
        let sequences: usize = self.outcomes.iter().map(|(_, sequences)| sequences.len()).sum();
        let mut body = BytesMut::with_capacity(20 + self.outcomes.len() * 20 + sequences * 8);
        body.put_u64(self.time.0);
        body.put_u64(self.version.0);
        body.put_u32(length(self.outcomes.len()));
        for (id, sequences) in self.outcomes {
            body.put_u128(id.0);
            body.put_u32(length(sequences.len()));
            for sequence in sequences {
                body.put_u64(*sequence);
            }
        }
        let chain = before.next(self.number, &body);
        let mut value = BytesMut::with_capacity(1 + CHAIN_BYTES + body.len());
        value.put_u8(RECORD_FORMAT);
        value.put_slice(&chain.0);
        value.put_slice(&body);
        (key(self.number), value.freeze(), chain)
    }
}

fn length(count: usize) -> u32 {
    u32::try_from(count).expect("limits keep batches far smaller")
}

/// The key of a record.
pub(super) fn key(number: u64) -> Bytes {
    let mut key = BytesMut::with_capacity(KEY_PREFIX.len() + 8);
    key.put_slice(&KEY_PREFIX);
    key.put_u64(number);
    key.freeze()
}

/// The number in the key of a record; None: the key is of something else.
pub(super) fn number_of(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.strip_prefix(&KEY_PREFIX)?.try_into().ok()?))
}

/// The records that are old enough to go: the oldest ones made before `before`, at most `limit`, never the latest.
pub(super) fn expired(view: &View, tail: &Tail, before: EngineTime, limit: usize) -> Result<Range<u64>> {
    let mut gone = tail.oldest..tail.oldest;
    for row in view.snapshot.range(&view.engine.rows, key(tail.oldest)..key(tail.number)).take(limit) {
        let stored = Stored::read(row)?;
        if stored.time >= before {
            break;
        }
        gone.end = stored.number + 1;
    }
    Ok(gone)
}

/// What `Done` held for this commit, if a record tells. With `created`, the time of the id, records from well
/// before it are not read.
pub(super) fn find(view: &View, id: CommitId, created: Option<u64>) -> Result<Option<Vec<u64>>> {
    for row in view.snapshot.range(&view.engine.rows, key(0)..=key(u64::MAX)).rev() {
        let stored = Stored::read(row)?;
        if let Some(sequences) = stored.outcome(id)? {
            return Ok(Some(sequences));
        }
        if created.is_some_and(|created| stored.time.0.saturating_add(CLOCK_SLACK_MILLIS) < created) {
            break;
        }
    }
    Ok(None)
}

/// Checks the latest records, so many at most, and gives where they end. `Corrupt`: a batch is missing or not what was
/// written.
pub(super) fn check(
    snapshot: &fjall::Snapshot,
    rows: &Keyspace,
    head: Option<Head>,
    checked_max: usize,
) -> Result<Tail> {
    let mut records = snapshot.range(rows, key(0)..=key(u64::MAX));
    let Some(latest) = records.next_back() else {
        return match head {
            Some(head) if head.number > 0 => Err(behind(head, 0)),
            _ => Ok(Tail {
                number: 0,
                chain: Chain::START,
                version: Version(0),
                time: EngineTime(0),
                oldest: 1,
            }),
        };
    };
    let latest = Stored::read(latest)?;
    match head {
        None => tracing::warn!("the store's head file is missing or not whole: a loss could not be detected"),
        Some(head) if head.number > latest.number => return Err(behind(head, latest.number)),
        Some(head) if head.number == latest.number && head.chain != latest.chain => {
            return Err(changed(latest.number));
        }
        Some(_) => {}
    }
    let oldest = match records.next() {
        Some(oldest) => Stored::read(oldest)?.number,
        None => latest.number,
    };
    let tail = Tail {
        number: latest.number,
        chain: latest.chain,
        version: latest.version,
        time: latest.time,
        oldest,
    };
    let mut after = latest;
    for row in snapshot.range(rows, key(0)..key(tail.number)).rev().take(checked_max) {
        let record = Stored::read(row)?;
        if record.number + 1 != after.number {
            return Err(KvError::Corrupt(format!(
                "batches {} to {} are missing in the middle of the history",
                record.number + 1,
                after.number - 1
            )));
        }
        if record.chain.next(after.number, &after.body) != after.chain {
            return Err(changed(after.number));
        }
        if head.is_some_and(|head| head.number == record.number && head.chain != record.chain) {
            return Err(changed(record.number));
        }
        after = record;
    }
    Ok(tail)
}

fn changed(number: u64) -> KvError {
    KvError::Corrupt(format!("batch {number} is not what was acknowledged"))
}

/// A record as read back.
struct Stored {
    number: u64,
    chain: Chain,
    time: EngineTime,
    version: Version,
    body: Bytes,
}

impl Stored {
    fn read(row: fjall::Guard) -> Result<Self> {
        let (key, value) = row.into_inner().map_err(|error| engine_error("read", error))?;
        Self::decode(&key, value.into()).ok_or_else(damaged)
    }

    fn decode(key: &[u8], mut value: Bytes) -> Option<Self> {
        let number = number_of(key)?;
        if value.len() < 1 + CHAIN_BYTES + 20 || value.get_u8() != RECORD_FORMAT {
            return None;
        }
        let mut chain = [0; CHAIN_BYTES];
        value.copy_to_slice(&mut chain);
        let mut fields = value.clone();
        let time = EngineTime(fields.get_u64());
        let version = Version(fields.get_u64());
        Some(Self { number, chain: Chain(chain), time, version, body: value })
    }

    fn outcome(&self, id: CommitId) -> Result<Option<Vec<u64>>> {
        let mut fields = self.body.slice(16..);
        let commits = fields.get_u32();
        for _ in 0..commits {
            if fields.remaining() < 20 {
                return Err(damaged());
            }
            let found = CommitId(fields.get_u128());
            let count = fields.get_u32() as usize;
            if fields.remaining() < count * 8 {
                return Err(damaged());
            }
            if found == id {
                return Ok(Some((0..count).map(|_| fields.get_u64()).collect()));
            }
            fields.advance(count * 8);
        }
        Ok(None)
    }
}

fn damaged() -> KvError {
    KvError::Corrupt("the record of a batch cannot be read".to_owned())
}
