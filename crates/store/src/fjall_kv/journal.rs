//! A look at the engine's journals before the engine opens them.
//!
//! The engine checks what is inside a batch, but not the sequence in front of it, and it cuts a journal off at the
//! first thing it cannot read. So we walk over the frames first, changing nothing, and refuse two things: batches
//! whose sequences do not rise, and damage with acknowledged batches behind it. What we cannot judge is left to
//! the engine, and to the comparison of records and head after it. A journal that makes no sense from its first byte
//! on may be one whose first batch was never finished, or damage; the engine empties it either way, so we keep a copy
//! until that comparison.
//!
//! Frames, all numbers little-endian: a start `1, items: u32, sequence: u64`; that many items
//! `2, kind: u8, compression: u8, keyspace: u64, key: u16, value: u32, stored value: u32` followed by key and
//! stored value; an end `3, checksum: u64, "FJL" 3`.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use super::folder::cannot;
use super::head::{Head, behind};
use super::record;
use crate::{KvError, Result};

const READ_BUFFER_BYTES: usize = 256 * 1024;

/// How much of a journal is looked at to see whether it was used: more than the smallest batch.
const USED_BYTES: u64 = 4096;

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
/// The kinds of items we write.
const VALUE: u8 = 0;
const TOMBSTONE: u8 = 1;
const UNCOMPRESSED: u8 = 0;
const TRAILER: [u8; 4] = *b"FJL\x03";

/// Checks the journals in the engine's folder against the latest acknowledged batch; gives those that are not empty and
/// of which nothing could be read.
pub(super) fn check(engine: &Path, head: Option<Head>) -> Result<Vec<PathBuf>> {
    let mut walk = Walk::default();
    let mut unclear = Vec::new();
    for path in journals(engine)? {
        let file = File::open(&path).map_err(|error| cannot("open", &path, &error))?;
        let mut frames = BufReader::with_capacity(READ_BUFFER_BYTES, file);
        let mut batches = 0_u64;
        loop {
            match read_batch(&mut frames) {
                Ok(batch) => walk.batch(&batch)?,
                // The end of what was written, or damage: which of the two, the head tells.
                Err(error) if is_unreadable(&error) => break,
                Err(error) => return Err(cannot("read", &path, &error)),
            }
            batches += 1;
        }
        if batches == 0 && is_used(&path).map_err(|error| cannot("read", &path, &error))? {
            unclear.push(path);
        }
    }
    match (head, walk.latest_record) {
        (Some(head), Some(latest)) if latest < head.number => Err(behind(head, latest)),
        _ => Ok(unclear),
    }
}

/// Whether anything was ever written to a journal: it is made long and empty.
fn is_used(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(USED_BYTES).read_to_end(&mut start)?;
    Ok(start.iter().any(|byte| *byte != 0))
}

/// Copies of journals the engine may empty, beside its folder, until it is known that this was right.
pub(super) struct SavedJournals(Vec<(PathBuf, PathBuf)>);

impl SavedJournals {
    pub(super) fn save(dir: &Path, journals: &[PathBuf]) -> Result<Self> {
        let mut saved = Vec::new();
        for journal in journals {
            let name = journal.file_name().unwrap_or_default().to_string_lossy();
            let copy = dir.join(format!("{name}.saved"));
            copy_used(journal, &copy).map_err(|error| cannot("copy", journal, &error))?;
            saved.push((journal.clone(), copy));
        }
        Ok(Self(saved))
    }

    /// The journals were rightly emptied.
    pub(super) fn forget(self) {
        for (_, copy) in self.0 {
            // A copy that stays is written over by the next one.
            let _ = fs::remove_file(copy);
        }
    }

    /// What the engine made of them was refused: as if it had not been there.
    pub(super) fn put_back(self) -> Result<()> {
        for (journal, copy) in self.0 {
            fs::rename(&copy, &journal).map_err(|error| cannot("put back", &journal, &error))?;
        }
        Ok(())
    }
}

/// Copies a file without the empty space at its end, of which the copy has as much.
fn copy_used(from: &Path, to: &Path) -> io::Result<()> {
    let bytes = fs::read(from)?;
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let mut copy = File::create(to)?;
    copy.write_all(&bytes[..used])?;
    copy.set_len(bytes.len() as u64)?;
    copy.sync_all()
}

/// The journals from the oldest to the one in use.
fn journals(engine: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(engine) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(cannot("read", engine, &error)),
    };
    let mut journals = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| cannot("read", engine, &error))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if let Some(number) = name.and_then(|name| name.strip_suffix(".jnl")?.parse::<u64>().ok()) {
            journals.push((number, path));
        }
    }
    journals.sort();
    Ok(journals.into_iter().map(|(_, path)| path).collect())
}

#[derive(Default)]
struct Walk {
    sequence: Option<u64>,
    latest_record: Option<u64>,
}

impl Walk {
    fn batch(&mut self, batch: &Batch) -> Result<()> {
        if self.sequence.is_some_and(|before| batch.sequence <= before) {
            return Err(KvError::Corrupt("the order of the batches in the journal is damaged".to_owned()));
        }
        self.sequence = Some(batch.sequence);
        self.latest_record = self.latest_record.max(batch.record);
        Ok(())
    }
}

struct Batch {
    sequence: u64,
    /// The number of our own record in it.
    record: Option<u64>,
}

fn read_batch(frames: &mut BufReader<File>) -> io::Result<Batch> {
    expect(frames, START)?;
    let items = u32::from_le_bytes(read(frames)?);
    let mut batch = Batch { sequence: u64::from_le_bytes(read(frames)?), record: None };
    let mut key = Vec::new();
    for _ in 0..items {
        expect(frames, ITEM)?;
        let [kind] = read(frames)?;
        if kind != VALUE && kind != TOMBSTONE {
            return Err(unreadable());
        }
        expect(frames, UNCOMPRESSED)?;
        let _keyspace: [u8; 8] = read(frames)?;
        let key_bytes = u16::from_le_bytes(read(frames)?);
        let value_bytes = u32::from_le_bytes(read(frames)?);
        let stored_bytes = u32::from_le_bytes(read(frames)?);
        if value_bytes != stored_bytes {
            return Err(unreadable());
        }
        key.resize(usize::from(key_bytes), 0);
        frames.read_exact(&mut key)?;
        frames.seek_relative(i64::from(stored_bytes))?;
        // A batch also removes old records, so the greatest is its own.
        batch.record = batch.record.max(record::number_of(&key));
    }
    expect(frames, END)?;
    let _checksum: [u8; 8] = read(frames)?;
    if read::<4>(frames)? != TRAILER {
        return Err(unreadable());
    }
    Ok(batch)
}

fn read<const BYTES: usize>(frames: &mut BufReader<File>) -> io::Result<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    frames.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn expect(frames: &mut BufReader<File>, byte: u8) -> io::Result<()> {
    if read(frames)? == [byte] { Ok(()) } else { Err(unreadable()) }
}

fn unreadable() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

fn is_unreadable(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}
