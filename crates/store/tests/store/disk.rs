//! A disk that is written down, so that it can lose power at any moment, and that fails on request.
//!
//! Child processes run with `disk/recorder.c` between them and the C library. From the record of one run the folder
//! is made again as it could look after a power loss at any step: what was not synced may be gone, there, or there in
//! part, names of files as well as their content.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

/// What a child is told to run over, and what for.
const CHILD_FOLDER: &str = "STORE_DISK_FOLDER";
const CHILD_WORK: &str = "STORE_DISK_WORK";

/// Bytes in front of the payload of a record.
const HEAD_BYTES: usize = 21;

/// The folder and the work, if this process is a child of [`run`].
pub(crate) fn asked_for() -> Option<(PathBuf, String)> {
    Some((PathBuf::from(std::env::var_os(CHILD_FOLDER)?), std::env::var(CHILD_WORK).ok()?))
}

/// One run of a child.
pub(crate) struct Run {
    pub(crate) folder: TempDir,
    pub(crate) output: Output,
    pub(crate) record: Record,
}

/// Runs `test` of this program again, as a child that works in a folder under the recorder.
pub(crate) fn run(test: &str, work: &str, fault: Option<&str>, folder: TempDir) -> Run {
    let notes = tempfile::tempdir().unwrap();
    let log = notes.path().join("log");
    let root = folder.path().canonicalize().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([test, "--exact", "--nocapture"])
        .env(CHILD_FOLDER, &root)
        .env(CHILD_WORK, work)
        .env("LD_PRELOAD", recorder())
        .env("DISK_ROOT", &root)
        .env("DISK_LOG", &log)
        .stderr(Stdio::piped())
        .stdout(Stdio::piped());
    if let Some(fault) = fault {
        command.env("DISK_FAULT", fault);
    }
    let output = command.output().unwrap();
    let record = Record::read(&fs::read(&log).unwrap());
    Run { folder, output, record }
}

/// The recorder, built once a process with the compiler that Rust links with.
fn recorder() -> &'static Path {
    static BUILT: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    &BUILT
        .get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let library = folder.path().join("recorder.so");
            let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/store/disk/recorder.c");
            let built = Command::new("cc")
                .args(["-O1", "-shared", "-fPIC", "-o"])
                .args([&library, &source])
                .arg("-ldl")
                .output()
                .unwrap();
            assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
            (folder, library)
        })
        .1
}

/// A folder in memory where there is one: what is opened there is synced often, and of no worth.
pub(crate) fn scratch() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Everything that reached a folder, in order.
pub(crate) struct Record {
    root: u64,
    events: Vec<Event>,
}

enum Event {
    /// A file of this number appeared; the same inode may have been another file before.
    New(u64),
    Changed(u64, Change),
    FileSynced(u64),
    Listed(u64, Vec<Entry>),
    FolderSynced(u64),
    Said(String),
}

#[derive(Clone)]
enum Change {
    Written(u64, Vec<u8>),
    Resized(u64),
}

#[derive(Clone)]
struct Entry {
    name: String,
    /// A file's number or a folder's inode.
    what: u64,
    is_folder: bool,
}

/// What a power loss leaves of what was not synced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Loss {
    /// None of it.
    All,
    /// All names of files, none of their content.
    Content,
    /// All content, no names.
    Names,
    /// Some of it, by this seed; a write may be there in part.
    Some(u64),
    /// Everything: nothing is lost. Only to see whether the record is complete.
    Nothing,
}

impl Record {
    fn read(mut log: &[u8]) -> Self {
        let mut root = 0;
        let mut events = Vec::new();
        // Inodes are used again; each new file gets a number of its own.
        let mut numbers: HashMap<u64, u64> = HashMap::new();
        let mut latest = 1 << 48;
        while log.len() >= HEAD_BYTES {
            let number = |at: usize| u64::from_ne_bytes(log[at..at + 8].try_into().unwrap());
            let (kind, a, b) = (log[0], number(1), number(9));
            let length = u32::from_ne_bytes(log[17..21].try_into().unwrap()) as usize;
            let bytes = &log[HEAD_BYTES..HEAD_BYTES + length];
            let mut file = |inode: u64| {
                *numbers.entry(inode).or_insert_with(|| {
                    latest += 1;
                    latest
                })
            };
            match kind {
                b'R' => root = a,
                b'N' => {
                    latest += 1;
                    numbers.insert(a, latest);
                    events.push(Event::New(latest));
                }
                b'W' => events.push(Event::Changed(file(a), Change::Written(b, bytes.to_vec()))),
                b'T' => events.push(Event::Changed(file(a), Change::Resized(b))),
                b'S' => events.push(Event::FileSynced(file(a))),
                b'L' => events.push(Event::Listed(a, entries(bytes, file))),
                b'D' => events.push(Event::FolderSynced(a)),
                b'A' => events.push(Event::Said(String::from_utf8_lossy(bytes).into_owned())),
                other => panic!("a record of kind {other}"),
            }
            log = &log[HEAD_BYTES + length..];
        }
        assert!(log.is_empty(), "a record is cut off");
        Self { root, events }
    }

    /// How many steps there are.
    pub(crate) fn steps(&self) -> usize {
        self.events.len()
    }

    /// The steps at which names became durable: where the order of writes is most delicate.
    pub(crate) fn folder_syncs(&self) -> Vec<usize> {
        let is_sync = |step: &usize| matches!(self.events[*step], Event::FolderSynced(_));
        (0..self.events.len()).filter(is_sync).collect()
    }

    /// What was said before this step, in lines.
    pub(crate) fn said(&self, before: usize) -> Vec<String> {
        let mut text = String::new();
        for event in &self.events[..before] {
            if let Event::Said(part) = event {
                text.push_str(part);
            }
        }
        text.lines().map(str::to_owned).collect()
    }

    /// Makes the folder as the disk could be found when the power failed before this step.
    pub(crate) fn rebuild(&self, before: usize, loss: Loss, into: &Path) {
        let mut files: HashMap<u64, Vec<&Change>> = HashMap::new();
        let mut synced: HashMap<u64, usize> = HashMap::new();
        let mut listed: HashMap<u64, &[Entry]> = HashMap::new();
        let mut durable: HashMap<u64, &[Entry]> = HashMap::new();
        for event in &self.events[..before] {
            match event {
                Event::New(file) => {
                    files.insert(*file, Vec::new());
                }
                Event::Changed(file, change) => files.entry(*file).or_default().push(change),
                Event::FileSynced(file) => {
                    synced.insert(*file, files.entry(*file).or_default().len());
                }
                Event::Listed(folder, entries) => {
                    listed.insert(*folder, entries);
                }
                Event::FolderSynced(folder) => {
                    durable.insert(*folder, listed.get(folder).copied().unwrap_or_default());
                }
                Event::Said(_) => {}
            }
        }
        let disk = Disk { files, synced, listed, durable, loss };
        let mut dice = Dice(match loss {
            Loss::Some(seed) => seed,
            _ => 0,
        });
        disk.folder(self.root, into, &mut dice);
    }
}

fn entries(mut bytes: &[u8], mut file: impl FnMut(u64) -> u64) -> Vec<Entry> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let inode = u64::from_ne_bytes(bytes[..8].try_into().unwrap());
        let is_folder = bytes[8] == 1;
        let length = usize::from(u16::from_ne_bytes(bytes[9..11].try_into().unwrap()));
        let name = String::from_utf8(bytes[11..11 + length].to_vec()).unwrap();
        entries.push(Entry { name, what: if is_folder { inode } else { file(inode) }, is_folder });
        bytes = &bytes[11 + length..];
    }
    entries
}

/// The state at one step.
struct Disk<'a> {
    files: HashMap<u64, Vec<&'a Change>>,
    /// How many changes of a file are durable.
    synced: HashMap<u64, usize>,
    listed: HashMap<u64, &'a [Entry]>,
    durable: HashMap<u64, &'a [Entry]>,
    loss: Loss,
}

impl Disk<'_> {
    fn folder(&self, inode: u64, into: &Path, dice: &mut Dice) {
        let latest = match self.loss {
            Loss::Nothing | Loss::Content => true,
            Loss::All | Loss::Names => false,
            Loss::Some(_) => dice.below(2) == 0,
        };
        let names = if latest { &self.listed } else { &self.durable };
        for entry in names.get(&inode).copied().unwrap_or_default() {
            let path = into.join(&entry.name);
            if entry.is_folder {
                fs::create_dir(&path).unwrap();
                self.folder(entry.what, &path, dice);
            } else {
                self.file(entry.what, &path, dice).unwrap();
            }
        }
    }

    fn file(&self, number: u64, path: &Path, dice: &mut Dice) -> io::Result<()> {
        let file = File::create(path)?;
        let changes = self.files.get(&number).map_or(&[][..], Vec::as_slice);
        let durable = self.synced.get(&number).copied().unwrap_or_default();
        for (index, change) in changes.iter().enumerate() {
            let whole = index < durable || matches!(self.loss, Loss::Nothing | Loss::Names);
            match (self.loss, whole) {
                (_, true) => apply(&file, change, usize::MAX)?,
                (Loss::Some(_), false) => match dice.below(3) {
                    0 => {}
                    1 => apply(&file, change, usize::MAX)?,
                    _ => apply(&file, change, dice.below(4096))?,
                },
                _ => {}
            }
        }
        Ok(())
    }
}

fn apply(file: &File, change: &Change, most: usize) -> io::Result<()> {
    match change {
        Change::Written(at, bytes) => file.write_all_at(&bytes[..bytes.len().min(most)], *at),
        Change::Resized(size) => file.set_len(*size),
    }
}

/// Repeatable choices.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

/// Every file below a folder with what is in it.
pub(crate) fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}
