//! Damaged files: what is damaged is reported when the store is opened or read, and never served.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;

use bytes::Bytes;
use futures_util::TryStreamExt;
use store::{BlobId, Blobs, FjallKv, FjallOptions, Kv, KvError, LocalBlobs, Order, Snapshot, verify};

use crate::disk::{self, Dice};
use crate::fixture::{open, put};

const ROWS: u64 = 400;

fn value(row: u64) -> String {
    format!("{row:03}").repeat(150)
}

/// The files of a store whose rows lie in several tables, without the empty rest of its journals.
struct Files(Vec<(String, Vec<u8>, u64)>);

impl Files {
    async fn of_a_store() -> Self {
        let folder = disk::scratch();
        let options = FjallOptions { memtable_bytes: 40 * 1024, ..FjallOptions::default() };
        let kv = FjallKv::open_with(folder.path(), options).unwrap();
        for row in 0..ROWS {
            put(&kv, &format!("row/{row:04}"), &value(row)).await;
        }
        while kv.activity().flushes_waiting > 0 || kv.activity().compactions_running > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        drop(kv);
        let files = disk::contents(folder.path()).into_iter().map(|(name, mut bytes)| {
            let length = bytes.len() as u64;
            let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            bytes.truncate(used);
            (name, bytes, length)
        });
        Self(files.collect())
    }

    fn write(&self, into: &Path) {
        for (name, bytes, length) in &self.0 {
            let path = into.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let file = fs::File::create(path).unwrap();
            file.write_all_at(bytes, 0).unwrap();
            file.set_len(*length).unwrap();
        }
    }

    /// The files of tables and of what lists them.
    fn of_tables(&self) -> Vec<(String, usize)> {
        let in_tables = self.0.iter().filter(|(name, ..)| name.starts_with("engine/keyspaces/1/"));
        in_tables.map(|(name, _, length)| (name.clone(), *length as usize)).collect()
    }
}

/// What came of reading everything.
#[derive(PartialEq, Eq, Debug)]
enum Read {
    Whole,
    Reported(String),
}

/// Reads every row by itself and all in a scan: each is right, or an error.
async fn read_all(snapshot: &dyn Snapshot, what: &str) -> Read {
    let mut outcome = Read::Whole;
    for row in 0..ROWS {
        match snapshot.get(format!("row/{row:04}").as_bytes()).await {
            Ok(Some(found)) => assert_eq!(found.value, value(row), "{what}: row {row}"),
            Ok(None) => panic!("{what}: row {row} is said not to be there"),
            Err(KvError::Corrupt(message)) => outcome = Read::Reported(message),
            Err(error) => panic!("{what}: {error:?}"),
        }
    }
    let range = Bytes::from_static(b"row/")..Bytes::from_static(b"row0");
    match snapshot.scan(range, Order::Forward, 10_000).await {
        Ok(rows) => assert_eq!(rows.len() as u64, ROWS, "{what}: a scan"),
        Err(KvError::Corrupt(message)) => outcome = Read::Reported(message),
        Err(error) => panic!("{what}: {error:?}"),
    }
    outcome
}

async fn open_and_read(folder: &Path) -> Read {
    match FjallKv::open(folder) {
        Ok(kv) => read_all(&*kv.snapshot().await.unwrap(), "a damaged store").await,
        Err(KvError::Corrupt(message)) => Read::Reported(message),
        Err(error) => panic!("{error:?}"),
    }
}

/// Exit codes of the child that reads.
const WHOLE: i32 = 0;
const REPORTED: i32 = 7;

/// Opens and reads in a process of its own, for what would end a process instead of being reported. Gives whether all is
/// there; anything but that or a report fails.
fn is_whole_to_another_process(test: &str, folder: &Path, what: &str) -> bool {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    let ended = command
        .args([test, "--exact", "--nocapture"])
        .env(CHILD, folder)
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&ended.stderr);
    match ended.status.code() {
        Some(WHOLE) => true,
        Some(REPORTED) => false,
        _ => panic!("{what}: {}\n{errors}", ended.status),
    }
}

const CHILD: &str = "STORE_DAMAGED_FOLDER";

/// The child's side of it.
fn read_if_asked() {
    if let Some(folder) = std::env::var_os(CHILD) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let read = runtime.block_on(open_and_read(Path::new(&folder)));
        #[expect(clippy::exit, reason = "the exit code is the answer")]
        std::process::exit(if read == Read::Whole { WHOLE } else { REPORTED });
    }
}

fn files_of_a_store() -> Files {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(Files::of_a_store())
}

#[test]
fn a_damaged_table_is_reported_and_never_served() {
    read_if_asked();
    let test = "damage::a_damaged_table_is_reported_and_never_served";
    let files = files_of_a_store();
    let tables = files.of_tables();
    assert!(tables.len() >= 4, "{tables:?}");
    let mut dice = Dice(3);
    let (mut reported, mut whole) = (0, Vec::new());
    for (name, length) in &tables {
        // More of them in the tables than in the small files beside them.
        for _ in 0..(length / 4_000).clamp(3, 20) {
            let at = dice.below((*length).max(1));
            let folder = disk::scratch();
            files.write(folder.path());
            let file = fs::File::options().read(true).write(true).open(folder.path().join(name)).unwrap();
            let mut byte = [0];
            file.read_exact_at(&mut byte, at as u64).unwrap();
            file.write_all_at(&[byte[0] ^ 0x41], at as u64).unwrap();
            let what = format!("{name} byte {at} of {length}");
            if is_whole_to_another_process(test, folder.path(), &what) {
                whole.push(what);
            } else {
                reported += 1;
            }
        }
    }
    // Some bytes are read by nobody in normal work: of tables that were compacted away, for example.
    assert!(reported > 3 * whole.len(), "{reported} reported, not needed: {whole:#?}");
}

#[test]
fn a_table_that_is_cut_or_gone_is_reported() {
    read_if_asked();
    let test = "damage::a_table_that_is_cut_or_gone_is_reported";
    let files = files_of_a_store();
    for (name, length) in files.of_tables().into_iter().filter(|(name, _)| name.contains("/tables/")) {
        for keep in [0, length / 3, length - 1] {
            let folder = disk::scratch();
            files.write(folder.path());
            fs::File::options()
                .write(true)
                .open(folder.path().join(&name))
                .unwrap()
                .set_len(keep as u64)
                .unwrap();
            let what = format!("{name} cut to {keep} of {length}");
            assert!(!is_whole_to_another_process(test, folder.path(), &what), "{what}");
        }
        let folder = disk::scratch();
        files.write(folder.path());
        fs::remove_file(folder.path().join(&name)).unwrap();
        let what = format!("without {name}");
        assert!(!is_whole_to_another_process(test, folder.path(), &what), "{what}");
    }
}

#[tokio::test]
async fn a_damaged_journal_is_whole_again_when_it_is_repaired() {
    let folder = tempfile::tempdir().unwrap();
    let kv = open(folder.path());
    for row in 0..10 {
        put(&kv, &format!("row/{row}"), "x").await;
    }
    drop(kv);
    let path = folder.path().join("engine/0.jnl");
    for at in [0, 1, 5, 9, 14, 30, 60] {
        // Opened each time: the journal may be put back by a rename.
        let open_file = || fs::File::options().read(true).write(true).open(&path).unwrap();
        let file = open_file();
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[byte[0] ^ 0x10], at).unwrap();
        for _ in 0..2 {
            assert!(matches!(FjallKv::open(folder.path()), Err(KvError::Corrupt(_))), "byte {at}");
        }
        open_file().write_all_at(&byte, at).unwrap();
        drop(open(folder.path()));
    }
}

#[tokio::test]
async fn a_check_names_what_is_damaged() {
    let files = Files::of_a_store().await;
    let folder = disk::scratch();
    let (kv, blobs) = (folder.path().join("kv"), folder.path().join("blobs"));
    files.write(&kv);
    let store = LocalBlobs::open(&blobs).unwrap();
    let whole = store.put(Bytes::from(vec![b'w'; 200_000])).await.unwrap();
    let damaged = store.put(Bytes::from(vec![b'd'; 200_000])).await.unwrap();
    let verified = verify(&kv, &blobs, &mut |_| {}).await.unwrap();
    assert!(verified.is_whole(), "{verified:?}");
    assert_eq!((verified.rows, verified.blobs, verified.blob_bytes), (ROWS, 2, 400_000));

    let path = store.path(&damaged).unwrap();
    fs::File::options().write(true).open(path).unwrap().write_all_at(b"x", 150_000).unwrap();
    // In the middle of the largest table.
    let (table, length) = files.of_tables().into_iter().max_by_key(|(_, length)| *length).unwrap();
    let file = fs::File::options().write(true).open(kv.join(table)).unwrap();
    file.write_all_at(&[0xa5; 16], length as u64 / 3).unwrap();
    let verified = verify(&kv, &blobs, &mut |_| {}).await.unwrap();
    assert_eq!(verified.damages.len(), 2, "{verified:?}");
    assert!(verified.damages[0].starts_with("rows from \"row/"), "{verified:?}");
    assert!(verified.damages[1].contains(damaged.as_str()), "{verified:?}");
    assert!(verified.damages[1].contains("bytes 131072 to 196608"), "{verified:?}");
    assert!(verified.rows > 0 && verified.rows < ROWS, "the others were read: {verified:?}");
    assert_eq!(verified.blobs, 1);
    assert_eq!(store.get(&whole).await.unwrap().len(), 200_000);

    let kept = FjallKv::open(&kv).unwrap();
    let refusal = verify(&kv, &blobs, &mut |_| {}).await;
    assert!(matches!(refusal, Err(KvError::Determinate(message)) if message.contains("in use")));
    drop(kept);
}

async fn read_blob(blobs: &LocalBlobs, id: &BlobId) -> Result<Vec<u8>, String> {
    let pieces = blobs.get_range(id, 0..u64::MAX).await.map_err(|error| error.to_string())?;
    let pieces: Vec<Bytes> = pieces.try_collect().await.map_err(|error: std::io::Error| error.to_string())?;
    Ok(pieces.concat())
}

#[tokio::test]
async fn a_damaged_blob_is_reported_and_never_served() {
    let folder = disk::scratch();
    let blobs = LocalBlobs::open(folder.path()).unwrap();
    let payload: Vec<u8> = (0..300_000_u32).map(|byte| (byte % 241) as u8).collect();
    for size in [0, 1, 1_000, 65_536, 65_537, 300_000] {
        let id = blobs.put(Bytes::copy_from_slice(&payload[..size])).await.unwrap();
        let path = blobs.path(&id).unwrap();
        let stored = fs::read(&path).unwrap();
        let step = (stored.len() / 60).max(1);
        let ends = stored.len().saturating_sub(40)..stored.len();
        for at in (0..stored.len()).step_by(step).chain(ends) {
            let mut flipped = stored.clone();
            flipped[at] ^= 0x08;
            fs::write(&path, flipped).unwrap();
            let got = blobs.get(&id).await;
            assert!(matches!(got, Err(KvError::Corrupt(_))), "{size} bytes, byte {at}: {got:?}");
            let error = read_blob(&blobs, &id).await.unwrap_err();
            assert!(error.contains(id.as_str()), "{size} bytes, byte {at}: {error}");
        }
        for length in [0, 1, stored.len() / 2, stored.len() - 1, stored.len() + 1] {
            let mut cut = stored.clone();
            cut.resize(length, 0);
            fs::write(&path, cut).unwrap();
            let got = blobs.get(&id).await;
            assert!(matches!(got, Err(KvError::Corrupt(_))), "{size} bytes cut to {length}: {got:?}");
        }
        fs::write(&path, stored).unwrap();
        assert_eq!(read_blob(&blobs, &id).await.unwrap(), payload[..size]);
    }
}

/// A part needs only the pieces it lies in.
#[tokio::test]
async fn what_is_not_damaged_of_a_blob_is_still_served() {
    let folder = disk::scratch();
    let blobs = LocalBlobs::open(folder.path()).unwrap();
    let id = blobs.put(Bytes::from(vec![b'x'; 1_000_000])).await.unwrap();
    let file = fs::File::options().write(true).open(blobs.path(&id).unwrap()).unwrap();
    file.write_all_at(b"y", 500_000).unwrap();
    let part = blobs.get_range(&id, 0..400_000).await.unwrap();
    let part: Vec<Bytes> = part.try_collect().await.unwrap();
    assert_eq!(part.concat(), vec![b'x'; 400_000]);
    let damaged = blobs.get_range(&id, 0..1_000_000).await.unwrap();
    let damaged: Result<Vec<Bytes>, _> = damaged.try_collect().await;
    assert_eq!(damaged.unwrap_err().kind(), std::io::ErrorKind::InvalidData);
}
