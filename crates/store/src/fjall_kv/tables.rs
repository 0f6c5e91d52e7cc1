//! A look at the engine's lists of tables before the engine opens them.
//!
//! The engine writes a checksum for the list of its tables and for the contents page of each table, but reads lengths
//! from them before it compares, and never compares the first. A damaged length makes it ask for more memory than there
//! is, which ends the process without a word. So the checksums are compared here first, changing nothing.
//!
//! Below `keyspaces/N/`: `current` holds `version: u64, checksum: u128, kind: u8 = 0` of the list `vVERSION`. A list, like
//! a table, is sections followed by a contents page `"TOC!", entries: u32`, each entry
//! `position: u64, length: u64, name: u16` and the name, and a trailer `"SFA!", 1, 0, checksum: u128, position of the page:
//! u64, its length: u64`. The section `tables` of a list is `levels: u8`, each `runs: u8`, each `tables: u32`, each
//! `number: u64, kind: u8, checksum: u128, sequence: u64`. Numbers are little-endian, checksums XXH3.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use bytes::Buf;
use xxhash_rust::xxh3::xxh3_128;

use super::folder::cannot;
use crate::{KvError, Result};

const CURRENT_BYTES: usize = 25;
const TRAILER_BYTES: usize = 38;
const TRAILER_MAGIC: [u8; 6] = *b"SFA!\x01\x00";
const CONTENTS_MAGIC: &[u8] = b"TOC!";

/// Most bytes of a contents page: it has a dozen entries.
const CONTENTS_BYTES_MAX: u64 = 64 * 1024;

/// Checks what lists tables, and the tables listed, in the engine's folder. `Corrupt` names the file.
pub(super) fn check(engine: &Path) -> Result<()> {
    let keyspaces = engine.join("keyspaces");
    let entries = match fs::read_dir(&keyspaces) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(cannot("read", &keyspaces, &error)),
    };
    for entry in entries {
        check_keyspace(&entry.map_err(|error| cannot("read", &keyspaces, &error))?.path())?;
    }
    Ok(())
}

fn check_keyspace(keyspace: &Path) -> Result<()> {
    let current = keyspace.join("current");
    let Some(named) = read(&current)? else {
        // Without it the engine takes the keyspace for one that was never finished; the head knows better.
        return Ok(());
    };
    let (version, checksum) = current_list(&named).ok_or_else(|| damaged(&current))?;
    let path = keyspace.join(format!("v{version}"));
    let list = read(&path)?.ok_or_else(|| damaged(&path))?;
    if xxh3_128(&list) != checksum {
        return Err(damaged(&path));
    }
    for table in listed(&list).ok_or_else(|| damaged(&path))? {
        let table = keyspace.join("tables").join(table.to_string());
        check_contents(&table)?;
    }
    Ok(())
}

fn current_list(mut current: &[u8]) -> Option<(u64, u128)> {
    if current.len() != CURRENT_BYTES || current[CURRENT_BYTES - 1] != 0 {
        return None;
    }
    Some((current.get_u64_le(), current.get_u128_le()))
}

/// The numbers of the tables in a list.
fn listed(list: &[u8]) -> Option<Vec<u64>> {
    let mut trailer = list.last_chunk::<TRAILER_BYTES>()?.as_slice();
    trailer.advance(TRAILER_MAGIC.len() + 16);
    let mut contents =
        list.get(usize::try_from(trailer.get_u64_le()).ok()?..)?.strip_prefix(CONTENTS_MAGIC)?;
    for _ in 0..contents.try_get_u32_le().ok()? {
        let position = usize::try_from(contents.try_get_u64_le().ok()?).ok()?;
        let length = usize::try_from(contents.try_get_u64_le().ok()?).ok()?;
        let name_bytes = usize::from(contents.try_get_u16_le().ok()?);
        let name = contents.split_off(..name_bytes)?;
        if name == b"tables" {
            return tables(list.get(position..position.checked_add(length)?)?);
        }
    }
    None
}

fn tables(mut section: &[u8]) -> Option<Vec<u64>> {
    let mut tables = Vec::new();
    for _ in 0..section.try_get_u8().ok()? {
        for _ in 0..section.try_get_u8().ok()? {
            for _ in 0..section.try_get_u32_le().ok()? {
                tables.push(section.try_get_u64_le().ok()?);
                section.split_off(..1 + 16 + 8)?;
            }
        }
    }
    Some(tables)
}

/// Checks the contents page of a table.
fn check_contents(path: &Path) -> Result<()> {
    let is_whole = match File::open(path) {
        Ok(file) => has_whole_contents(&file).map_err(|error| cannot("read", path, &error))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(cannot("open", path, &error)),
    };
    if is_whole { Ok(()) } else { Err(damaged(path)) }
}

fn has_whole_contents(file: &File) -> io::Result<bool> {
    let length = file.metadata()?.len();
    let Some(trailer_at) = length.checked_sub(TRAILER_BYTES as u64) else { return Ok(false) };
    let mut trailer = [0; TRAILER_BYTES];
    file.read_exact_at(&mut trailer, trailer_at)?;
    let Some(mut fields) = trailer.strip_prefix(TRAILER_MAGIC.as_slice()) else { return Ok(false) };
    let (checksum, contents_at) = (fields.get_u128_le(), fields.get_u64_le());
    match trailer_at.checked_sub(contents_at) {
        Some(contents_bytes) if contents_bytes <= CONTENTS_BYTES_MAX => {
            let mut contents = vec![0; usize::try_from(contents_bytes).unwrap_or_default()];
            file.read_exact_at(&mut contents, contents_at)?;
            Ok(xxh3_128(&contents) == checksum)
        }
        _ => Ok(false),
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot("read", path, &error)),
    }
}

fn damaged(path: &Path) -> KvError {
    KvError::Corrupt(format!("{} is missing or not what was written", path.display()))
}
