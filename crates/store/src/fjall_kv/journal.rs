//! A look at the engine's journals before the engine opens them.
//!
//! The engine checks what is inside a batch, but not the sequence in front of it, and it cuts a journal off at the
//! first thing it cannot read, or refuses it. So we walk over the frames first, changing nothing, and judge:
//!
//! * batches whose sequences do not rise, and damage with whole or acknowledged batches behind it, are refused;
//! * the end of the journal in use may be a batch that was being written when the power failed, of which the disk kept some
//!   and not all. Nobody was told of it: the committer writes one batch at a time and answers after its sync. It is
//!   cut off, or the engine would not open;
//! * what we cannot judge is left to the engine, and to the comparison of records and head after it. A journal that makes
//!   no sense from its first byte on may be one whose first batch was never finished, or damage.
//!
//! Whatever is cut off or emptied is copied first and put back if that comparison says that it held something.
//!
//! Frames, all numbers little-endian: a start `1, items: u32, sequence: u64`; that many items
//! `2, kind: u8, compression: u8, keyspace: u64, key: u16, value: u32, stored value: u32` followed by key and
//! stored value; an end `3, checksum of the items: u64, "FJL" 3`. The checksum is XXH3.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::{Whence, lseek};
use xxhash_rust::xxh3::Xxh3Default;

use super::folder::cannot;
use super::head::{Head, behind};
use super::record;
use crate::{KvError, Result};

const READ_BUFFER_BYTES: usize = 256 * 1024;
static EMPTY: [u8; READ_BUFFER_BYTES] = [0; READ_BUFFER_BYTES];

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
/// The kinds of items we write.
const VALUE: u8 = 0;
const TOMBSTONE: u8 = 1;
const UNCOMPRESSED: u8 = 0;
const TRAILER: [u8; 4] = *b"FJL\x03";

/// What of the journals the engine would not keep.
#[derive(Default)]
pub(super) struct Unkept {
    /// Journals that are not empty and of which nothing could be read.
    unclear: Vec<PathBuf>,
    /// The journal in use, and the length of its whole batches, when a part of a batch follows them.
    torn: Option<(PathBuf, u64)>,
}

/// Checks the journals in the engine's folder against the latest acknowledged batch.
pub(super) fn check(engine: &Path, head: Option<Head>) -> Result<Unkept> {
    let mut walk = Walk::default();
    let mut unkept = Unkept::default();
    let mut damaged = None;
    let journals = journals(engine)?;
    for (index, path) in journals.iter().enumerate() {
        let reading = |error: io::Error| cannot("read", path, &error);
        let file = File::open(path).map_err(|error| cannot("open", path, &error))?;
        let mut frames = BufReader::with_capacity(READ_BUFFER_BYTES, file);
        let mut whole_bytes = 0;
        loop {
            match read_batch(&mut frames) {
                Ok(batch) => walk.batch(&batch)?,
                // The end of what was written, or damage: which of the two, what follows and the head tell.
                Err(error) if is_unreadable(&error) => break,
                Err(error) => return Err(reading(error)),
            }
            whole_bytes = frames.stream_position().map_err(reading)?;
        }
        if !is_used(frames.get_ref(), whole_bytes).map_err(reading)? {
            continue;
        }
        if has_batch_after(&mut frames, whole_bytes, &walk).map_err(reading)? {
            damaged = damaged.or_else(|| Some((path.clone(), whole_bytes)));
        } else if index + 1 == journals.len() {
            unkept.torn = Some((path.clone(), whole_bytes));
        } else if whole_bytes == 0 {
            unkept.unclear.push(path.clone());
        }
    }
    match (head, walk.latest_record, damaged) {
        (Some(head), Some(latest), _) if latest < head.number => Err(behind(head, latest)),
        (_, _, Some((path, at))) => Err(KvError::Corrupt(format!(
            "{} is damaged at byte {at}, and batches that were acknowledged lie behind it; restore the folder from a \
             backup",
            path.display()
        ))),
        _ => Ok(unkept),
    }
}

/// Whether a whole batch that comes later than those of the walk lies behind this place: then what is there was synced and
/// is damaged. A torn batch is the last thing that was written.
fn has_batch_after(frames: &mut BufReader<File>, from: u64, walk: &Walk) -> io::Result<bool> {
    let mut rest = Vec::new();
    frames.seek(SeekFrom::Start(from))?;
    frames.read_to_end(&mut rest)?;
    for (place, _) in rest.iter().enumerate().skip(1).filter(|(_, byte)| **byte == START) {
        match read_batch(&mut io::Cursor::new(&rest[place..])) {
            Ok(batch) if batch.record > walk.latest_record => return Ok(true),
            Ok(_) => {}
            Err(error) if is_unreadable(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// Whether anything was written to a journal from this place on: it is made long and empty, and takes no room where it is.
fn is_used(journal: &File, from: u64) -> io::Result<bool> {
    let mut at = from;
    let mut buffer = vec![0; READ_BUFFER_BYTES];
    while let Some(data) = next_data(journal, at)? {
        let read = journal.read_at(&mut buffer, data)?;
        if read == 0 {
            break;
        }
        if buffer[..read] != EMPTY[..read] {
            return Ok(true);
        }
        at = data + read as u64;
    }
    Ok(false)
}

/// The first place from here on where the file takes room.
fn next_data(file: &File, from: u64) -> io::Result<Option<u64>> {
    match lseek(file, i64::try_from(from).unwrap_or(i64::MAX), Whence::SeekData) {
        Ok(place) => Ok(u64::try_from(place).ok()),
        Err(Errno::ENXIO) => Ok(None),
        // A file system that does not tell.
        Err(Errno::EINVAL) => Ok(Some(from)),
        Err(error) => Err(error.into()),
    }
}

/// Copies of journals that are cut off or that the engine may empty, beside its folder, until it is known that this was
/// right.
pub(super) struct SavedJournals(Vec<(PathBuf, PathBuf)>);

impl SavedJournals {
    /// Copies them, then cuts off what is torn.
    pub(super) fn save(dir: &Path, unkept: &Unkept) -> Result<Self> {
        let mut saved = Vec::new();
        for journal in unkept.unclear.iter().chain(unkept.torn.iter().map(|(journal, _)| journal)) {
            let name = journal.file_name().unwrap_or_default().to_string_lossy();
            let copy = dir.join(format!("{name}.saved"));
            copy_used(journal, &copy).map_err(|error| cannot("copy", journal, &error))?;
            saved.push((journal.clone(), copy));
        }
        if let Some((journal, whole_bytes)) = &unkept.torn {
            tracing::warn!(
                journal = %journal.display(),
                whole_bytes,
                "the journal ends in a part of a batch that was never acknowledged; it is cut off"
            );
            cut_off(journal, *whole_bytes).map_err(|error| cannot("cut off", journal, &error))?;
        }
        Ok(Self(saved))
    }

    /// They were rightly cut off or emptied.
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

/// Synced, because what is written next goes to the same place.
fn cut_off(journal: &Path, length: u64) -> io::Result<()> {
    let file = File::options().write(true).open(journal)?;
    file.set_len(length)?;
    file.sync_all()
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

fn read_batch(frames: &mut impl Read) -> io::Result<Batch> {
    let [start] = read(frames)?;
    if start != START {
        return Err(unreadable());
    }
    let items = u32::from_le_bytes(read(frames)?);
    let mut batch = Batch { sequence: u64::from_le_bytes(read(frames)?), record: None };
    let mut hashed = Hashed { frames, hash: Xxh3Default::new() };
    for _ in 0..items {
        // A batch also removes old records, so the greatest is its own.
        batch.record = batch.record.max(record::number_of(&read_item(&mut hashed)?));
    }
    let checksum = hashed.hash.digest();
    if read(frames)? != [END] || u64::from_le_bytes(read(frames)?) != checksum || read(frames)? != TRAILER {
        return Err(unreadable());
    }
    Ok(batch)
}

/// Reads an item; gives its key.
fn read_item(frames: &mut impl Read) -> io::Result<Vec<u8>> {
    let [tag, kind, compression] = read(frames)?;
    if tag != ITEM || (kind != VALUE && kind != TOMBSTONE) || compression != UNCOMPRESSED {
        return Err(unreadable());
    }
    let _keyspace: [u8; 8] = read(frames)?;
    let key_bytes = u16::from_le_bytes(read(frames)?);
    let value_bytes = u32::from_le_bytes(read(frames)?);
    if u32::from_le_bytes(read(frames)?) != value_bytes {
        return Err(unreadable());
    }
    let mut key = vec![0; usize::from(key_bytes)];
    frames.read_exact(&mut key)?;
    let skipped = io::copy(&mut frames.take(u64::from(value_bytes)), &mut io::sink())?;
    if skipped == u64::from(value_bytes) { Ok(key) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Hashes what is read.
struct Hashed<'a, R> {
    frames: &'a mut R,
    hash: Xxh3Default,
}

impl<R: Read> Read for Hashed<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.frames.read(buffer)?;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}

fn read<const BYTES: usize>(frames: &mut impl Read) -> io::Result<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    frames.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn unreadable() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

fn is_unreadable(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}
