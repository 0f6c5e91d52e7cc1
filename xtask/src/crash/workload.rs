//! What the writers of the crash harness write: every row can be worked out from its writer and number, so the
//! check after a kill needs to remember only how far each writer got.

use bytes::{BufMut, Bytes, BytesMut};
use store::{CommitId, LogId};

/// Writers of pairs of rows, each with an entry in the one log.
pub(super) const PAIR_WRITERS: u16 = 8;

/// Writers of blobs, each with a row that names it.
pub(super) const BLOB_WRITERS: u16 = 2;

/// All writers: first those of pairs, then those of blobs.
pub(super) const WRITERS: u16 = PAIR_WRITERS + BLOB_WRITERS;

/// Pairs that stay behind each writer; older ones are deleted, which gives compaction something to do.
const PAIRS_KEPT: u64 = 256;

/// Pairs deleted at once.
const PAIRS_DELETED: u64 = 64;

/// Blobs that stay behind each writer.
const BLOBS_KEPT: u64 = 16;

const PAIR_BYTES: u64 = 3_000;
const BLOB_BYTES: u64 = 150_000;

/// The one log all pair writers append to.
pub(super) fn log() -> LogId {
    LogId::new("log")
}

/// What a pair writer appends.
pub(super) fn entry(writer: u16, number: u64) -> Bytes {
    Bytes::from(format!("{writer} {number}"))
}

/// The row that holds how far a writer has got.
pub(super) fn tally_key(writer: u16) -> Bytes {
    Bytes::from(format!("tally/{writer:02}"))
}

/// What all rows of a writer of one side start with.
pub(super) fn prefix(side: &str, writer: u16) -> Bytes {
    Bytes::from(format!("{side}/{writer:02}/"))
}

/// One row of a writer.
pub(super) fn row_key(side: &str, writer: u16, number: u64) -> Bytes {
    Bytes::from(format!("{side}/{writer:02}/{number:016x}"))
}

/// The oldest number a writer still has once it has written `latest`.
pub(super) fn oldest(writer: u16, latest: u64) -> u64 {
    let gone = if writer < PAIR_WRITERS {
        (latest / PAIRS_DELETED * PAIRS_DELETED).saturating_sub(PAIRS_KEPT)
    } else {
        latest.saturating_sub(BLOBS_KEPT)
    };
    gone + 1
}

/// The id of a commit of one run of the writers, which began at `millis`.
pub(super) fn commit_id(millis: u64, writer: u16, number: u64) -> CommitId {
    CommitId((u128::from(millis) << 80) | (u128::from(writer) << 64) | u128::from(number))
}

/// What a row or a blob holds: of a length and with bytes that no other row has.
pub(super) fn content(side: &str, writer: u16, number: u64) -> Bytes {
    let mut random = Random::new(number.wrapping_mul(0x1000) ^ u64::from(writer) ^ (side.len() as u64) << 56);
    let most = if side == "blob" { BLOB_BYTES } else { PAIR_BYTES };
    let length = usize::try_from(random.below(most)).unwrap_or_default();
    let mut content = BytesMut::with_capacity(length + 8);
    while content.len() < length {
        content.put_u64(random.next());
    }
    content.truncate(length);
    content.freeze()
}

/// Repeatable random numbers (splitmix64).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to, not including, `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }
}
