//! Unpacks zip files into a folder without ever writing outside it or beyond its limits.
//!
//! Every byte is counted while it is written, so neither a wrong size in the directory nor overlapping entries
//! nor any ratio of compression gets past the total. Files are never written through a link.

use std::collections::HashSet;
use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::archive::{Archive, ENTRIES_MAX, Entry, damaged};
use super::{UNPACKED_BYTES_MAX, paths};

/// Functions run as a user of their own: everything is readable by all and writable by nobody.
const FOLDER_MODE: u32 = 0o555;
const FILE_MODE: u32 = 0o444;
const PROGRAM_MODE: u32 = 0o555;
/// Folders are open to us while they are filled.
const FILLING_MODE: u32 = 0o755;
const BUFFER_BYTES: usize = 64 * 1024;

/// Why a package was not unpacked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnpackError {
    #[error("not a zip file: {0}")]
    NotAZip(String),
    #[error("it holds nothing")]
    Empty,
    #[error("more than {UNPACKED_BYTES_MAX} bytes")]
    TooLarge,
    #[error("it has {0} entries, at most {ENTRIES_MAX} are allowed")]
    TooManyEntries(u64),
    #[error("the entry {name:?} is refused because {reason}")]
    Entry { name: String, reason: &'static str },
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Fills one folder from one or more zip files; later ones replace files of earlier ones.
pub(super) struct Unpacker {
    root: PathBuf,
    folders: HashSet<PathBuf>,
    links: HashSet<PathBuf>,
    bytes: u64,
    bytes_max: u64,
    buffer: Vec<u8>,
}

impl Unpacker {
    /// `root` must exist and be empty.
    pub(super) fn new(root: &Path, bytes_max: u64) -> Self {
        Unpacker {
            root: root.to_owned(),
            folders: HashSet::new(),
            links: HashSet::new(),
            bytes: 0,
            bytes_max,
            buffer: vec![0; BUFFER_BYTES],
        }
    }

    /// Adds one zip file. After an error the folder is of no use.
    pub(super) fn add(&mut self, zip: &[u8]) -> Result<(), UnpackError> {
        let mut archive = Archive::open(zip)?;
        let mut seen = HashSet::new();
        for index in 0..archive.len() {
            let name = archive.name(index).unwrap_or_default().to_owned();
            let refuse = |reason| UnpackError::Entry { name: name.clone(), reason };
            let names = paths::names(&name).map_err(refuse)?;
            let path: PathBuf = names.iter().collect();
            let entry = archive.entry(index)?;
            if let Entry::Folder = entry {
                self.folder(&path).map_err(|error| error.named(&name))?;
                continue;
            }
            let Some((_, parents)) = names.split_last() else { return Err(refuse("it has no name")) };
            if !seen.insert(path.clone()) {
                return Err(refuse("its name occurs twice"));
            }
            self.folder(&parents.iter().collect::<PathBuf>()).map_err(|error| error.named(&name))?;
            self.make_room(&path).map_err(|error| error.named(&name))?;
            match entry {
                Entry::Folder => {}
                Entry::File { mut content, executable } => self.file(&path, &mut content, executable)?,
                Entry::Link { target } => {
                    if !paths::link_stays_inside(parents.len(), &target) {
                        return Err(refuse("it is a symbolic link that leaves the package"));
                    }
                    symlink(&target, self.root.join(&path))?;
                    self.links.insert(path);
                }
            }
        }
        Ok(())
    }

    /// Takes the right to write from every folder and gives the number of bytes written.
    pub(super) fn finish(self) -> io::Result<u64> {
        for folder in &self.folders {
            fs::set_permissions(self.root.join(folder), Permissions::from_mode(FOLDER_MODE))?;
        }
        fs::set_permissions(&self.root, Permissions::from_mode(FOLDER_MODE))?;
        Ok(self.bytes)
    }

    fn folder(&mut self, path: &Path) -> Result<(), Obstacle> {
        if path.as_os_str().is_empty() || self.folders.contains(path) {
            return Ok(());
        }
        if let Some(parent) = path.parent() {
            self.folder(parent)?;
        }
        if self.links.contains(path) {
            return Err(Obstacle::Refused("its path goes through a symbolic link"));
        }
        let full = self.root.join(path);
        match fs::create_dir(&full) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(Obstacle::Refused("its folder is a file as well"));
            }
            Err(error) => return Err(Obstacle::Io(error)),
        }
        fs::set_permissions(&full, Permissions::from_mode(FILLING_MODE)).map_err(Obstacle::Io)?;
        self.folders.insert(path.to_owned());
        Ok(())
    }

    /// Removes what an earlier zip file left at this path.
    fn make_room(&mut self, path: &Path) -> Result<(), Obstacle> {
        if self.folders.contains(path) {
            return Err(Obstacle::Refused("its name is a folder as well"));
        }
        self.links.remove(path);
        match fs::remove_file(self.root.join(path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Obstacle::Io(error)),
            _ => Ok(()),
        }
    }

    fn file(&mut self, path: &Path, content: &mut impl Read, executable: bool) -> Result<(), UnpackError> {
        let mut file = File::create_new(self.root.join(path))?;
        loop {
            let read = content.read(&mut self.buffer).map_err(damaged)?;
            if read == 0 {
                break;
            }
            self.bytes += read as u64;
            if self.bytes > self.bytes_max {
                return Err(UnpackError::TooLarge);
            }
            file.write_all(&self.buffer[..read])?;
        }
        file.set_permissions(Permissions::from_mode(if executable { PROGRAM_MODE } else { FILE_MODE }))?;
        Ok(())
    }
}

/// Removes a folder made here, whose folders nobody may write to.
pub(super) fn remove(folder: &Path) -> io::Result<()> {
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        if !fs::symlink_metadata(&folder)?.is_dir() {
            continue;
        }
        fs::set_permissions(&folder, Permissions::from_mode(FILLING_MODE))?;
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            }
        }
    }
    fs::remove_dir_all(folder)
}

enum Obstacle {
    Refused(&'static str),
    Io(io::Error),
}

impl Obstacle {
    fn named(self, name: &str) -> UnpackError {
        match self {
            Obstacle::Refused(reason) => UnpackError::Entry { name: name.to_owned(), reason },
            Obstacle::Io(error) => UnpackError::Io(error),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;
    use std::io::Cursor;

    use proptest::prelude::*;
    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipWriter};

    use super::*;

    /// A zip file of `(name, mode, content)`; a link's content is its target.
    pub(crate) fn zip_of(entries: &[(&str, u32, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, mode, content) in entries {
            let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
            if mode & 0o170_000 == 0o120_000 {
                writer.add_symlink(*name, std::str::from_utf8(content).unwrap(), options).unwrap();
            } else if name.ends_with('/') {
                writer.add_directory(*name, options).unwrap();
            } else {
                writer.start_file(*name, options.unix_permissions(*mode)).unwrap();
                writer.write_all(content).unwrap();
            }
        }
        writer.finish().unwrap().into_inner()
    }

    const LINK: u32 = 0o120_777;

    fn unpack(zips: &[Vec<u8>], bytes_max: u64) -> Result<(tempfile::TempDir, u64), String> {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        fs::create_dir(&root).unwrap();
        let mut unpacker = Unpacker::new(&root, bytes_max);
        for zip in zips {
            unpacker.add(zip).map_err(|error| error.to_string())?;
        }
        let bytes = unpacker.finish().unwrap();
        Ok((folder, bytes))
    }

    /// Every path below the root with its mode and content.
    fn listing(folder: &Path) -> BTreeMap<String, String> {
        let root = folder.join("root");
        let mut found = BTreeMap::new();
        let mut open = vec![root.clone()];
        while let Some(next) = open.pop() {
            for entry in fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                let facts = fs::symlink_metadata(&path).unwrap();
                let text = if facts.is_symlink() {
                    format!("-> {}", fs::read_link(&path).unwrap().display())
                } else if facts.is_dir() {
                    open.push(path.clone());
                    format!("{:o}", facts.permissions().mode() & 0o777)
                } else {
                    let content = fs::read_to_string(&path).unwrap();
                    format!("{:o} {content}", facts.permissions().mode() & 0o777)
                };
                found.insert(name, text);
            }
        }
        remove(&root).unwrap();
        found
    }

    #[test]
    fn files_folders_links_and_execute_bits_come_out() {
        let zip = zip_of(&[
            ("index.js", 0o644, b"exports"),
            ("bootstrap", 0o755, b"#!/bin/sh"),
            ("node_modules/.bin/tool", LINK, b"../tool/cli.js"),
            ("node_modules/tool/cli.js", 0o600, b"cli"),
            ("empty/", 0o755, b""),
        ]);
        let (folder, bytes) = unpack(&[zip], 1_000).unwrap();
        assert_eq!(bytes, 19);
        let expected = [
            ("bootstrap", "555 #!/bin/sh"),
            ("empty", "555"),
            ("index.js", "444 exports"),
            ("node_modules", "555"),
            ("node_modules/.bin", "555"),
            ("node_modules/.bin/tool", "-> ../tool/cli.js"),
            ("node_modules/tool", "555"),
            ("node_modules/tool/cli.js", "444 cli"),
        ];
        let expected = expected.map(|(name, text)| (name.to_owned(), text.to_owned()));
        assert_eq!(listing(folder.path()), BTreeMap::from(expected));
    }

    #[test]
    fn later_zips_replace_files_of_earlier_ones() {
        let first = zip_of(&[("lib/a", 0o644, b"old"), ("lib/b", 0o644, b"b"), ("lib/c", LINK, b"b")]);
        let second = zip_of(&[("lib/a", 0o644, b"new"), ("lib/c", 0o644, b"c")]);
        let (folder, _) = unpack(&[first, second], 1_000).unwrap();
        let listing = listing(folder.path());
        assert_eq!(listing["lib/a"], "444 new");
        assert_eq!(listing["lib/b"], "444 b", "not written through the link");
        assert_eq!(listing["lib/c"], "444 c");
    }

    #[test]
    fn what_leaves_the_folder_is_refused() {
        for (zip, reason) in [
            (zip_of(&[("a", LINK, b"/etc/passwd")]), "symbolic link that leaves"),
            (zip_of(&[("a", LINK, b"../a")]), "symbolic link that leaves"),
            (zip_of(&[("a", LINK, b"b"), ("a/c", 0o644, b"")]), "through a symbolic link"),
            (zip_of(&[("a", 0o644, b""), ("a/c", 0o644, b"")]), "a file as well"),
            (zip_of(&[("a/c", 0o644, b""), ("a", 0o644, b"")]), "a folder as well"),
            (renamed(b"xx/evil", b"../evil"), "leaves the package"),
            (renamed(b"xetc/passwd", b"/etc/passwd"), "absolute"),
            (zip_of(&[("a/b", 0o644, b""), ("a//b", 0o644, b"")]), "occurs twice"),
        ] {
            let error = unpack(&[zip], 1_000).unwrap_err();
            assert!(error.contains(reason), "{error} does not say {reason}");
        }
    }

    #[test]
    fn equal_names_are_refused() {
        let mut zip = zip_of(&[("one.js", 0o644, b"1"), ("two.js", 0o644, b"2")]);
        replace(&mut zip, b"two.js", b"one.js");
        let error = unpack(&[zip], 1_000).unwrap_err();
        assert!(error.contains("2 entries stated, 1 distinct ones found"), "{error}");
    }

    #[test]
    fn the_limit_counts_what_is_written() {
        let zip = zip_of(&[("a", 0o644, &[0; 600]), ("b", 0o644, &[0; 400])]);
        assert_eq!(unpack(std::slice::from_ref(&zip), 1_000).unwrap().1, 1_000);
        assert!(unpack(&[zip], 999).unwrap_err().contains("more than"));
        // A megabyte of zeros in about a kilobyte: the ratio does not help it.
        let bomb = zip_of(&[("zeros", 0o644, &vec![0; 1_048_576])]);
        assert!(bomb.len() < 4_096);
        assert!(unpack(&[bomb], 1_000_000).unwrap_err().contains("more than"));
    }

    #[test]
    fn encrypted_empty_and_unknown_are_refused() {
        let plain = zip_of(&[("a", 0o644, b"content")]);
        let mut encrypted = plain.clone();
        for signature in [&b"PK\x03\x04"[..], &b"PK\x01\x02"[..]] {
            let at = find(&encrypted, signature) + if signature[2] == 3 { 6 } else { 8 };
            encrypted[at] |= 1;
        }
        assert!(unpack(&[encrypted], 1_000).unwrap_err().starts_with("not a zip file"));
        let mut unknown = plain;
        for signature in [&b"PK\x03\x04"[..], &b"PK\x01\x02"[..]] {
            let at = find(&unknown, signature) + if signature[2] == 3 { 8 } else { 10 };
            unknown[at] = 99;
        }
        assert!(unpack(&[unknown], 1_000).unwrap_err().starts_with("not a zip file"));
        assert_eq!(unpack(&[zip_of(&[])], 1_000).unwrap_err(), "it holds nothing");
        assert!(unpack(&[b"hello".to_vec()], 1_000).unwrap_err().starts_with("not a zip file"));
    }

    fn renamed(from: &[u8], to: &[u8]) -> Vec<u8> {
        let mut zip = zip_of(&[(std::str::from_utf8(from).unwrap(), 0o644, b"content")]);
        replace(&mut zip, from, to);
        zip
    }

    fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
        for at in 0..=bytes.len() - from.len() {
            if bytes[at..].starts_with(from) {
                bytes[at..at + to.len()].copy_from_slice(to);
            }
        }
    }

    fn find(bytes: &[u8], wanted: &[u8]) -> usize {
        bytes.windows(wanted.len()).position(|window| window == wanted).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// Damage at any place is unpacked or refused; nothing appears beside the root.
        #[test]
        fn damaged_zips_stay_inside(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
            let mut zip = zip_of(&[("a/index.js", 0o644, b"exports"), ("l", LINK, b"a/index.js"), ("b", 0o755, &[7; 300])]);
            let at = at.index(zip.len());
            zip[at] = byte;
            let whole = zip.clone();
            zip.truncate(cut.index(whole.len()));
            for zip in [whole, zip] {
                let folder = tempfile::tempdir().unwrap();
                let root = folder.path().join("root");
                fs::create_dir(&root).unwrap();
                let mut unpacker = Unpacker::new(&root, 10_000);
                let _ = unpacker.add(&zip);
                let _ = unpacker.finish();
                prop_assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
                remove(&root).unwrap();
            }
        }
    }
}
