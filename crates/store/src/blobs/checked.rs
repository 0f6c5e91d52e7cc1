//! How a blob lies in its file: the payload, then a checksum of each of its pieces, then an end that tells how long the
//! payload is. So damage is found when it is read, in a part as well as in the whole.
//!
//! End, all numbers little-endian: `payload bytes: u64, CRC-32 of those eight bytes: u32, "blb1"`.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use bytes::{Bytes, BytesMut};
use crc32fast::Hasher;

use super::{BlobId, missing};
use crate::{KvError, Result};

/// Bytes of payload under one checksum: what a read of a single byte costs.
pub(super) const PIECE_BYTES: u64 = 64 * 1024;

/// Pieces that are read at once.
const READ_PIECES: u64 = 4;

const SUM_BYTES: u64 = 4;
const MAGIC: [u8; 4] = *b"blb1";
const END_BYTES: usize = 8 + 4 + MAGIC.len();

/// Takes the checksums of a payload while it is written.
pub(super) struct Sums {
    done: Vec<u8>,
    piece: Hasher,
    piece_bytes: u64,
    bytes: u64,
}

impl Sums {
    pub(super) fn new() -> Self {
        Self { done: Vec::new(), piece: Hasher::new(), piece_bytes: 0, bytes: 0 }
    }

    pub(super) fn add(&mut self, mut part: &[u8]) {
        self.bytes += part.len() as u64;
        while !part.is_empty() {
            let room = usize::try_from(PIECE_BYTES - self.piece_bytes).expect("a piece fits into memory");
            let (now, later) = part.split_at(room.min(part.len()));
            self.piece.update(now);
            self.piece_bytes += now.len() as u64;
            if self.piece_bytes == PIECE_BYTES {
                self.end_piece();
            }
            part = later;
        }
    }

    /// What goes behind the payload.
    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.piece_bytes > 0 {
            self.end_piece();
        }
        let size = self.bytes.to_le_bytes();
        self.done.extend_from_slice(&size);
        self.done.extend_from_slice(&crc32fast::hash(&size).to_le_bytes());
        self.done.extend_from_slice(&MAGIC);
        self.done
    }

    fn end_piece(&mut self) {
        let piece = std::mem::take(&mut self.piece);
        self.done.extend_from_slice(&piece.finalize().to_le_bytes());
        self.piece_bytes = 0;
    }
}

/// The payload in a file of this length; None: no payload makes such a file.
pub(super) fn payload_bytes(file_bytes: u64) -> Option<u64> {
    let rest = file_bytes.checked_sub(END_BYTES as u64)?;
    let pieces = rest.div_ceil(PIECE_BYTES + SUM_BYTES);
    let bytes = rest.checked_sub(pieces * SUM_BYTES)?;
    (bytes.div_ceil(PIECE_BYTES) == pieces).then_some(bytes)
}

/// The file of a blob, open for reading.
pub(super) struct CheckedFile {
    file: File,
    id: BlobId,
    pub(super) bytes: u64,
}

impl CheckedFile {
    /// `Determinate`: it is not there, or cannot be read. `Corrupt`: its end is not whole.
    pub(super) fn open(path: &Path, id: &BlobId) -> Result<Self> {
        let file = File::open(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => missing(id),
            _ => unreadable(id, &error),
        })?;
        let file_bytes = file.metadata().map_err(|error| unreadable(id, &error))?.len();
        let cut = || damaged(id, "its length is not the one it was written with");
        let bytes = payload_bytes(file_bytes).ok_or_else(cut)?;
        let mut end = [0; END_BYTES];
        file.read_exact_at(&mut end, file_bytes - END_BYTES as u64)
            .map_err(|error| unreadable(id, &error))?;
        let expected = Sums { bytes, ..Sums::new() }.finish();
        if end[..] != expected[..] {
            return Err(cut());
        }
        Ok(Self { file, id: id.clone(), bytes })
    }

    /// The checksums of the pieces that hold a part of the payload.
    pub(super) fn part(self, part: Range<u64>) -> Result<Part> {
        let pieces = part.start / PIECE_BYTES..part.end.div_ceil(PIECE_BYTES);
        let count = usize::try_from(pieces.end.saturating_sub(pieces.start)).unwrap_or(usize::MAX);
        let mut sums = vec![0; count.saturating_mul(SUM_BYTES as usize)];
        self.file
            .read_exact_at(&mut sums, self.bytes + pieces.start * SUM_BYTES)
            .map_err(|error| unreadable(&self.id, &error))?;
        let sums = sums.chunks_exact(SUM_BYTES as usize);
        let sums = sums.map(|sum| u32::from_le_bytes(*sum.first_chunk().expect("four bytes"))).collect();
        Ok(Part { from: self, first_piece: pieces.start, sums, left: part })
    }

    /// The whole payload.
    pub(super) fn whole(self) -> Result<Bytes> {
        let mut body = BytesMut::with_capacity(usize::try_from(self.bytes).unwrap_or_default());
        let bytes = self.bytes;
        let mut part = self.part(0..bytes)?;
        while let Some(pieces) = part.next()? {
            // One piece is common, and needs no copy.
            if pieces.len() as u64 == bytes {
                return Ok(pieces);
            }
            body.extend_from_slice(&pieces);
        }
        Ok(body.freeze())
    }
}

/// What is still to be read of a part.
pub(super) struct Part {
    from: CheckedFile,
    first_piece: u64,
    sums: Vec<u32>,
    left: Range<u64>,
}

impl Part {
    /// Whether all of it was read.
    pub(super) fn is_done(&self) -> bool {
        self.left.is_empty()
    }

    /// The next bytes; None at the end. `Corrupt`: they are not what was written.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>> {
        if self.is_done() {
            return Ok(None);
        }
        let id = &self.from.id;
        let piece = self.left.start / PIECE_BYTES;
        let start = piece * PIECE_BYTES;
        let end = (start + READ_PIECES * PIECE_BYTES)
            .min(self.left.end.next_multiple_of(PIECE_BYTES))
            .min(self.from.bytes);
        let size = usize::try_from(end - start).expect("a few pieces fit into memory");
        let mut read = BytesMut::zeroed(size);
        self.from.file.read_exact_at(&mut read, start).map_err(|error| unreadable(id, &error))?;
        let mut sums = self.sums.iter().skip(usize::try_from(piece - self.first_piece).unwrap_or(usize::MAX));
        for (index, bytes) in read.chunks(PIECE_BYTES as usize).enumerate() {
            if sums.next() != Some(&crc32fast::hash(bytes)) {
                let at = start + index as u64 * PIECE_BYTES;
                return Err(damaged(id, &format!("bytes {at} to {}", at + bytes.len() as u64)));
            }
        }
        let wanted = self.left.start..self.left.end.min(end);
        self.left.start = wanted.end;
        let within = |at: u64| usize::try_from(at - start).expect("it lies in what was read");
        Ok(Some(read.freeze().slice(within(wanted.start)..within(wanted.end))))
    }
}

fn unreadable(id: &BlobId, error: &io::Error) -> KvError {
    match error.kind() {
        // Somebody cuts it while we read.
        io::ErrorKind::UnexpectedEof => damaged(id, "it ends too soon"),
        _ => KvError::Determinate(format!("cannot read blob {id}: {error}")),
    }
}

fn damaged(id: &BlobId, what: &str) -> KvError {
    KvError::Corrupt(format!("blob {id} is not what was written: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_file_tells_the_payload() {
        for bytes in [0, 1, 1000, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 10 * PIECE_BYTES + 7] {
            let file = bytes + bytes.div_ceil(PIECE_BYTES) * SUM_BYTES + END_BYTES as u64;
            assert_eq!(payload_bytes(file), Some(bytes));
        }
        assert_eq!(payload_bytes(END_BYTES as u64 - 1), None);
        assert_eq!(payload_bytes(END_BYTES as u64 + SUM_BYTES), None);
    }

    #[test]
    fn checksums_do_not_depend_on_how_a_payload_comes() {
        let payload: Vec<u8> = (0..200_000_u32).map(|byte| (byte % 253) as u8).collect();
        let mut at_once = Sums::new();
        at_once.add(&payload);
        let mut in_parts = Sums::new();
        payload.chunks(777).for_each(|part| in_parts.add(part));
        assert_eq!(at_once.finish(), in_parts.finish());
    }
}
