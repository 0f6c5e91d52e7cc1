//! The rows of a backup, in one file: `rows 1\n`, then chunks, each `bytes: u32, CRC-32: u32` and so many bytes of rows
//! `key bytes: u16, value bytes: u32, key, value`; at the end a chunk of no bytes whose checksum is that of the
//! number of rows, which follows. All numbers little-endian.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::Row;
use crate::fjall_kv::cannot;
use crate::limits::{KEY_BYTES_MAX, VALUE_BYTES_MAX};
use crate::{KvError, Result};

const START: [u8; 7] = *b"rows 1\n";

/// A chunk ends with the row that makes it this long, in bytes.
const CHUNK_BYTES: usize = 256 * 1024;

const ROW_HEAD_BYTES: usize = 2 + 4;
const CHUNK_BYTES_MAX: usize = CHUNK_BYTES + ROW_HEAD_BYTES + KEY_BYTES_MAX + VALUE_BYTES_MAX;

pub(super) struct RowWriter {
    file: BufWriter<File>,
    path: PathBuf,
    chunk: BytesMut,
}

impl RowWriter {
    pub(super) fn create(path: &Path) -> Result<Self> {
        let file = File::create_new(path).map_err(|error| cannot("create", path, &error))?;
        let mut writer = Self { file: BufWriter::new(file), path: path.to_owned(), chunk: BytesMut::new() };
        writer.put(&START)?;
        Ok(writer)
    }

    pub(super) fn write(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.chunk.put_u16_le(u16::try_from(key.len()).expect("keys have a limit"));
        self.chunk.put_u32_le(u32::try_from(value.len()).expect("values have a limit"));
        self.chunk.put_slice(key);
        self.chunk.put_slice(value);
        if self.chunk.len() >= CHUNK_BYTES { self.end_chunk() } else { Ok(()) }
    }

    /// Ends the file, durably.
    pub(super) fn finish(mut self, rows: u64) -> Result<()> {
        if !self.chunk.is_empty() {
            self.end_chunk()?;
        }
        let rows = rows.to_le_bytes();
        self.put(&0_u32.to_le_bytes())?;
        self.put(&crc32fast::hash(&rows).to_le_bytes())?;
        self.put(&rows)?;
        let end = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        end.map_err(|error| cannot("write", &self.path, &error))
    }

    fn end_chunk(&mut self) -> Result<()> {
        let chunk = self.chunk.split();
        self.put(&u32::try_from(chunk.len()).expect("a chunk has a limit").to_le_bytes())?;
        self.put(&crc32fast::hash(&chunk).to_le_bytes())?;
        self.put(&chunk)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|error| cannot("write", &self.path, &error))
    }
}

pub(super) struct RowReader {
    file: BufReader<File>,
    path: PathBuf,
    chunk: Bytes,
    rows: u64,
    is_done: bool,
}

impl RowReader {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| cannot("open", path, &error))?;
        let mut reader = Self {
            file: BufReader::new(file),
            path: path.to_owned(),
            chunk: Bytes::new(),
            rows: 0,
            is_done: false,
        };
        if reader.read::<{ START.len() }>()? == START { Ok(reader) } else { Err(reader.damaged()) }
    }

    /// The next row; None at the end, once all is known to be there.
    pub(super) fn next(&mut self) -> Result<Option<Row>> {
        if self.chunk.is_empty() && !self.is_done {
            self.read_chunk()?;
        }
        if self.is_done {
            return Ok(None);
        }
        if self.chunk.len() < ROW_HEAD_BYTES {
            return Err(self.damaged());
        }
        let (key, value) = (usize::from(self.chunk.get_u16_le()), self.chunk.get_u32_le() as usize);
        if self.chunk.len() < key + value {
            return Err(self.damaged());
        }
        self.rows += 1;
        Ok(Some((self.chunk.split_to(key), self.chunk.split_to(value))))
    }

    fn read_chunk(&mut self) -> Result<()> {
        let size = u32::from_le_bytes(self.read()?) as usize;
        let sum = u32::from_le_bytes(self.read()?);
        if size == 0 {
            let rows = self.read::<8>()?;
            if crc32fast::hash(&rows) != sum || u64::from_le_bytes(rows) != self.rows {
                return Err(self.damaged());
            }
            self.is_done = true;
            return Ok(());
        }
        if size > CHUNK_BYTES_MAX {
            return Err(self.damaged());
        }
        let mut chunk = BytesMut::zeroed(size);
        self.file.read_exact(&mut chunk).map_err(|error| self.unreadable(&error))?;
        if crc32fast::hash(&chunk) != sum {
            return Err(self.damaged());
        }
        self.chunk = chunk.freeze();
        Ok(())
    }

    fn read<const BYTES: usize>(&mut self) -> Result<[u8; BYTES]> {
        let mut bytes = [0; BYTES];
        self.file.read_exact(&mut bytes).map_err(|error| self.unreadable(&error))?;
        Ok(bytes)
    }

    fn unreadable(&self, error: &io::Error) -> KvError {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => self.damaged(),
            _ => cannot("read", &self.path, error),
        }
    }

    fn damaged(&self) -> KvError {
        KvError::Corrupt(format!("{} is damaged after row {}", self.path.display(), self.rows))
    }
}
