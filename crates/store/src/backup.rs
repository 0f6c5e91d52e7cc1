//! A copy of everything while it is in use, and a store made from it.
//!
//! A backup is a folder, and independent of the engine:
//!
//! | name | what it is |
//! |---|---|
//! | `rows` | every row of one moment, see `rows.rs` |
//! | `blobs/` | every blob that a row of that moment can name, as [`LocalBlobs`] keeps them |
//! | `backup` | format, and what must be there; written last, so without it the backup is not complete |
//!
//! Versions start anew in the restored store, and outcomes of commits from before are not known there.

mod rows;

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use bytes::Bytes;

use crate::fjall_kv::{cannot, create_folder, sync_folder};
use crate::{Blobs, Commit, Kv, KvError, LocalBlobs, Order, Result, prefix_range};
use rows::{RowReader, RowWriter};

/// The version of a backup's layout.
const FORMAT: u32 = 1;

const MANIFEST: &str = "backup";
const ROWS: &str = "rows";
const BLOBS: &str = "blobs";

/// Rows read at once; each may have a megabyte.
const READ_ROWS: usize = 64;

/// Most rows, and bytes, of one commit of a restore.
const COMMIT_ROWS: usize = 1_000;
const COMMIT_BYTES: usize = 4 * 1024 * 1024;

/// How much was copied so far, or in all.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Copied {
    /// Rows of the key-value store.
    pub rows: u64,
    /// Bytes of their keys and values.
    pub row_bytes: u64,
    /// Blobs.
    pub blobs: u64,
    /// Blobs to be copied; 0 until it is known.
    pub blobs_in_all: u64,
    /// Bytes of payload of the blobs copied.
    pub blob_bytes: u64,
}

/// Tells how far a copy is, from time to time.
pub type OnProgress<'a> = &'a mut (dyn FnMut(Copied) + Send);

/// Copies one moment of the store, and the blobs that go with it, into a folder that is empty or not there. Writers
/// go on meanwhile. `Corrupt`: something of it is damaged; the backup is then not complete.
pub async fn backup(
    kv: &dyn Kv,
    blobs: &dyn Blobs,
    into: &Path,
    on_progress: OnProgress<'_>,
) -> Result<Copied> {
    must_be_empty(into)?;
    create_folder(into)?;
    // Before the moment that is copied: what its rows name stays.
    let hold = blobs.hold_deletes();
    let snapshot = kv.snapshot().await?;
    let mut copied = Copied::default();
    let path = into.join(ROWS);
    let mut file = RowWriter::create(&path)?;
    let mut rest = prefix_range(b"");
    loop {
        let rows = snapshot.scan(rest.clone(), Order::Forward, READ_ROWS).await?;
        let Some((last, _)) = rows.last() else { break };
        rest.start = [last, &b"\0"[..]].concat().into();
        for (key, row) in &rows {
            file.write(key, &row.value)?;
            copied.rows += 1;
            copied.row_bytes += (key.len() + row.value.len()) as u64;
        }
        on_progress(copied);
    }
    file.finish(copied.rows)?;
    drop(snapshot);
    let target = LocalBlobs::open(&into.join(BLOBS))?;
    copy_blobs(blobs, &target, &mut copied, on_progress).await?;
    drop(hold);
    write_manifest(into, copied)?;
    Ok(copied)
}

/// Puts a backup into an empty store. Whoever calls it makes sure that nothing is taken for a store until this has
/// succeeded. `Determinate`: there is no complete backup, or it is of a newer format. `Corrupt`: it is damaged.
pub async fn restore(
    from: &Path,
    kv: &dyn Kv,
    blobs: &LocalBlobs,
    on_progress: OnProgress<'_>,
) -> Result<Copied> {
    let expected = read_manifest(from)?;
    let there = kv.snapshot().await?.scan(prefix_range(b""), Order::Forward, 1).await?;
    if !there.is_empty() {
        return Err(KvError::Determinate("a backup is restored into an empty store only".to_owned()));
    }
    let mut copied = Copied::default();
    let mut rows = RowReader::open(&from.join(ROWS))?;
    let mut commit = Commit::new();
    let mut commit_bytes = 0;
    while let Some((key, value)) = rows.next()? {
        copied.rows += 1;
        copied.row_bytes += (key.len() + value.len()) as u64;
        commit_bytes += key.len() + value.len();
        commit = commit.put(key, value);
        if commit.writes.len() >= COMMIT_ROWS || commit_bytes >= COMMIT_BYTES {
            kv.commit(std::mem::take(&mut commit)).await?;
            commit_bytes = 0;
            on_progress(copied);
        }
    }
    if !commit.writes.is_empty() {
        kv.commit(commit).await?;
    }
    let source = LocalBlobs::open(&from.join(BLOBS))?;
    copy_blobs(&source, blobs, &mut copied, on_progress).await?;
    if (copied.rows, copied.blobs) != (expected.rows, expected.blobs) {
        return Err(KvError::Corrupt(format!(
            "the backup should have {} rows and {} blobs; {} and {} are there",
            expected.rows, expected.blobs, copied.rows, copied.blobs
        )));
    }
    Ok(copied)
}

async fn copy_blobs(
    from: &dyn Blobs,
    into: &LocalBlobs,
    copied: &mut Copied,
    on_progress: OnProgress<'_>,
) -> Result<()> {
    let listed = from.list().await?;
    copied.blobs_in_all = listed.len() as u64;
    for blob in listed {
        let payload = from.get_range(&blob.id, 0..u64::MAX).await?;
        copied.blob_bytes += into.put_as(blob.id, payload).await?;
        copied.blobs += 1;
        on_progress(*copied);
    }
    Ok(())
}

fn must_be_empty(folder: &Path) -> Result<()> {
    match fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(KvError::Determinate(format!(
                "{} is not empty: a backup goes into a folder of its own",
                folder.display()
            ))),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(cannot("read", folder, &error)),
    }
}

fn write_manifest(folder: &Path, copied: Copied) -> Result<()> {
    let path = folder.join(MANIFEST);
    let temporary = folder.join("backup.new");
    let write = || -> io::Result<()> {
        let mut file = File::create(&temporary)?;
        writeln!(file, "cloudling-backup {FORMAT}\nrows {}\nblobs {}", copied.rows, copied.blobs)?;
        file.sync_all()?;
        fs::rename(&temporary, &path)?;
        sync_folder(folder)
    };
    write().map_err(|error| cannot("write", &path, &error))
}

fn read_manifest(folder: &Path) -> Result<Copied> {
    let path = folder.join(MANIFEST);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(KvError::Determinate(format!(
                "{} holds no complete backup: its file `{MANIFEST}` is not there",
                folder.display()
            )));
        }
        Err(error) => return Err(cannot("read", &path, &error)),
    };
    let mut lines = text.lines();
    let mut number = |name: &str| lines.next()?.strip_prefix(name)?.trim().parse::<u64>().ok();
    let unclear = || KvError::Corrupt(format!("{} is not what a backup has there", path.display()));
    let format = number("cloudling-backup ").ok_or_else(unclear)?;
    if format > u64::from(FORMAT) {
        return Err(KvError::Determinate(format!(
            "the backup {} has format {format}, made by a newer version; this one reads format {FORMAT}: use the \
             newer version",
            folder.display()
        )));
    }
    let rows = number("rows ").ok_or_else(unclear)?;
    let blobs = number("blobs ").ok_or_else(unclear)?;
    Ok(Copied { rows, blobs, ..Copied::default() })
}

/// A row of a backup.
type Row = (Bytes, Bytes);
