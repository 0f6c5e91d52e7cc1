//! Limits of the contract. They are small enough for every engine it is meant for, a PostgreSQL or TiKV cluster
//! included.

use crate::{Check, Commit, KvError, Result, Write};

/// Largest key, in bytes.
pub const KEY_BYTES_MAX: usize = 2 * 1024;

/// Largest value or log entry, in bytes.
pub const VALUE_BYTES_MAX: usize = 1024 * 1024;

/// Most bytes of keys and values in one commit, its checks included.
pub const COMMIT_BYTES_MAX: usize = 10 * 1024 * 1024;

/// Most rows one commit may write.
pub const COMMIT_KEYS_MAX: usize = 4_000;

/// Most checks of one commit.
pub const COMMIT_CHECKS_MAX: usize = 4_000;

/// Most rows one scan may ask for, and most rows a range may hold to have a fingerprint. Read on from the last key.
pub const SCAN_ROWS_MAX: usize = 10_000;

/// Above this many bytes a payload belongs into a blob, below into a value: one synced row costs about a
/// quarter of one synced file.
pub const INLINE_BYTES_MAX: usize = 32 * 1024;

/// How long the outcome of a commit can be looked up, in seconds.
pub const OUTCOME_KEPT_SECONDS: u64 = 60 * 60;

/// The first byte of the engine's own keys.
pub(crate) const RESERVED_PREFIX: u8 = 0;

/// Refuses a commit that is over a limit or touches the engine's own keys. Gives its size in bytes.
pub(crate) fn check_commit(commit: &Commit) -> Result<usize> {
    if commit.checks.len() > COMMIT_CHECKS_MAX {
        return Err(over("checks in a commit", commit.checks.len(), COMMIT_CHECKS_MAX));
    }
    if commit.writes.len() > COMMIT_KEYS_MAX {
        return Err(over("keys written by a commit", commit.writes.len(), COMMIT_KEYS_MAX));
    }
    let mut bytes = 0;
    for check in &commit.checks {
        bytes += match check {
            Check::Version(key, _) => check_key(key)?,
            Check::Lease(key, _) => check_key(key.as_bytes())?,
            Check::RangeUnchanged(range, _) => check_bound(&range.start)? + check_bound(&range.end)?,
        };
    }
    for write in &commit.writes {
        bytes += match write {
            Write::Put(key, value) => check_key(key)? + check_value(value)?,
            Write::Delete(key) => check_key(key)?,
            Write::Append { log, payload } => check_key(&log.entry_key(0))? + check_value(payload)?,
        };
    }
    if bytes > COMMIT_BYTES_MAX {
        return Err(over("bytes in a commit", bytes, COMMIT_BYTES_MAX));
    }
    Ok(bytes)
}

/// Refuses a scan for too many rows: cutting it short in silence would look like the end of the range.
pub(crate) fn check_scan(limit: usize) -> Result<()> {
    if limit > SCAN_ROWS_MAX {
        return Err(over("rows asked for in a scan", limit, SCAN_ROWS_MAX));
    }
    Ok(())
}

/// The refusal to take the fingerprint of a range with too many rows.
pub(crate) fn too_many_for_fingerprint() -> KvError {
    over("rows or more in a range with a fingerprint", SCAN_ROWS_MAX + 1, SCAN_ROWS_MAX)
}

fn check_key(key: &[u8]) -> Result<usize> {
    if key.is_empty() {
        return Err(KvError::Determinate("a key is empty".to_owned()));
    }
    if key[0] == RESERVED_PREFIX {
        return Err(KvError::Determinate("keys that start with a zero byte belong to the store".to_owned()));
    }
    if key.len() > KEY_BYTES_MAX {
        return Err(over("bytes in a key", key.len(), KEY_BYTES_MAX));
    }
    Ok(key.len())
}

/// The end of a range may be one byte longer than any key, to lie behind all of them.
fn check_bound(bound: &[u8]) -> Result<usize> {
    if bound.len() > KEY_BYTES_MAX + 1 {
        return Err(over("bytes in the bound of a range", bound.len(), KEY_BYTES_MAX + 1));
    }
    Ok(bound.len())
}

fn check_value(value: &[u8]) -> Result<usize> {
    if value.len() > VALUE_BYTES_MAX {
        return Err(over("bytes in a value", value.len(), VALUE_BYTES_MAX));
    }
    Ok(value.len())
}

fn over(what: &str, count: usize, limit: usize) -> KvError {
    KvError::Determinate(format!("{count} {what} is over the limit of {limit}"))
}
