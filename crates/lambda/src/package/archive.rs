//! Reading a zip file that nobody vouches for.

use std::io::{self, Cursor, Read};

use zip::ZipArchive;
use zip::read::ZipFile;

use super::unpack::UnpackError;

/// Most entries of one zip file. The reader keeps a record of each in memory.
pub(super) const ENTRIES_MAX: u64 = 100_000;

/// The end record: `PK\5\6`, 18 bytes, and a comment of at most 65,535 bytes (APPNOTE.TXT, 4.3.16).
const END_BYTES: usize = 22;
const COMMENT_BYTES_MAX: usize = 65_535;

/// A zip file whose directory was read.
pub(super) struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
}

/// One entry of it.
pub(super) enum Entry<'e, 'a> {
    Folder,
    File { content: Box<ZipFile<'e, Cursor<&'a [u8]>>>, executable: bool },
    Link { target: String },
}

impl<'a> Archive<'a> {
    /// Counts the entries before the reader makes room for them, and again afterwards: names that occur twice
    /// fall together in the reader.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, UnpackError> {
        let stated = stated_entries(bytes).ok_or(UnpackError::NotAZip("no end record".into()))?;
        if stated == 0 {
            return Err(UnpackError::Empty);
        }
        if stated > ENTRIES_MAX {
            return Err(UnpackError::TooManyEntries(stated));
        }
        let zip =
            ZipArchive::new(Cursor::new(bytes)).map_err(|error| UnpackError::NotAZip(error.to_string()))?;
        if zip.len() as u64 != stated {
            return Err(UnpackError::NotAZip(format!(
                "{stated} entries stated, {} distinct ones found",
                zip.len()
            )));
        }
        Ok(Archive { zip })
    }

    pub(super) fn len(&self) -> usize {
        self.zip.len()
    }

    pub(super) fn name(&self, index: usize) -> Option<&str> {
        self.zip.name_for_index(index)
    }

    /// Opens one entry. Encrypted ones and unknown methods are refused by the reader.
    pub(super) fn entry(&mut self, index: usize) -> Result<Entry<'_, 'a>, UnpackError> {
        let mut content =
            self.zip.by_index(index).map_err(|error| UnpackError::NotAZip(error.to_string()))?;
        if content.is_dir() {
            return Ok(Entry::Folder);
        }
        if content.is_symlink() {
            let mut target = Vec::new();
            content
                .by_ref()
                .take(super::paths::PATH_BYTES_MAX as u64 + 1)
                .read_to_end(&mut target)
                .map_err(damaged)?;
            let target = String::from_utf8(target)
                .map_err(|_| UnpackError::NotAZip("a link to a name that is not UTF-8".into()))?;
            return Ok(Entry::Link { target });
        }
        let executable = content.unix_mode().is_some_and(|mode| mode & 0o111 != 0);
        Ok(Entry::File { content: Box::new(content), executable })
    }
}

/// What reading an entry's content fails with is the fault of the file.
pub(super) fn damaged(error: io::Error) -> UnpackError {
    UnpackError::NotAZip(error.to_string())
}

/// The number of entries that the end record states, in its classic or its 64-bit form.
fn stated_entries(bytes: &[u8]) -> Option<u64> {
    let earliest = bytes.len().saturating_sub(END_BYTES + COMMENT_BYTES_MAX);
    let latest = bytes.len().checked_sub(END_BYTES)?;
    let end = (earliest..=latest).rev().find(|at| bytes[*at..].starts_with(b"PK\x05\x06"))?;
    match u16::from_le_bytes(field(bytes, end + 10)?) {
        u16::MAX => {
            let locator = end.checked_sub(20).filter(|at| bytes[*at..].starts_with(b"PK\x06\x07"))?;
            let record = usize::try_from(u64::from_le_bytes(field(bytes, locator + 8)?)).ok()?;
            bytes.get(record..)?.starts_with(b"PK\x06\x06").then_some(())?;
            Some(u64::from_le_bytes(field(bytes, record.checked_add(32)?)?))
        }
        entries => Some(entries.into()),
    }
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_end_record_states_the_entries() {
        let mut end = b"PK\x05\x06\0\0\0\0\x03\0\x03\0".to_vec();
        end.resize(END_BYTES, 0);
        assert_eq!(stated_entries(&end), Some(3));
        assert_eq!(stated_entries(&end[1..]), None);
        assert_eq!(stated_entries(b""), None);
        // 0xffff without a 64-bit record means nothing.
        end[10..12].copy_from_slice(&[0xff, 0xff]);
        assert_eq!(stated_entries(&end), None);
    }

    #[test]
    fn too_many_entries_are_refused_before_they_are_read() {
        let mut bytes = b"PK\x06\x06".to_vec();
        bytes.resize(56, 0);
        bytes[32..40].copy_from_slice(&(ENTRIES_MAX + 1).to_le_bytes());
        bytes.extend_from_slice(b"PK\x06\x07");
        bytes.resize(56 + 20, 0);
        bytes.extend_from_slice(b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff");
        bytes.resize(56 + 20 + END_BYTES, 0);
        assert!(matches!(Archive::open(&bytes), Err(UnpackError::TooManyEntries(100_001))));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0_usize..200) {
            let at = at.min(bytes.len());
            bytes.splice(at..at, *b"PK\x05\x06");
            let _ = Archive::open(&bytes);
        }
    }
}
