//! What survives a power loss: everything that was acknowledged, whatever the disk makes of what was not synced.

use std::io::Write as _;
use std::path::Path;

use bytes::Bytes;
use store::{
    BlobId, Blobs, Commit, FjallKv, FjallOptions, Kv, KvError, LocalBlobs, LogId, Outcome, Snapshot, log_key,
};

use crate::disk::{self, Dice, Loss, Run, contents};

const TEST: &str = "power::a_power_loss_takes_nothing_that_was_acknowledged";

/// Commits of a few kilobytes, and of a megabyte: the latter go on until a journal is full.
const SMALL: u64 = 120;
const LARGE: u64 = 70;
const SMALL_BYTES: usize = 2_000;
const LARGE_BYTES: usize = 1_000_000;

/// Steps at which the power fails, beside those around folder syncs.
const CUTS: usize = 60;

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

fn value(number: u64, size: usize) -> Bytes {
    Bytes::from(vec![(number % 251) as u8; size])
}

fn size_of(number: u64) -> usize {
    if (SMALL..SMALL + LARGE).contains(&number) { LARGE_BYTES } else { SMALL_BYTES }
}

/// The child: commits, blobs with their rows, deletes, flushes and compactions, a full journal.
fn write(folder: &Path, commits: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = FjallOptions { memtable_bytes: 48 * 1024, ..FjallOptions::default() };
        let kv = FjallKv::open_with(&folder.join("kv"), options).unwrap();
        let blobs = LocalBlobs::open(&folder.join("blobs")).unwrap();
        for number in 0..commits {
            let mut commit = Commit::new()
                .put(format!("row/{number:04}"), value(number, size_of(number)))
                .append(LogId::new("log"), number.to_string());
            if number >= 40 {
                commit = commit.delete(format!("row/{:04}", number - 40));
            }
            if number.is_multiple_of(5) {
                let id = blobs.put(value(number, SMALL_BYTES)).await.unwrap();
                commit = commit.put(format!("blob/{number:04}"), id.to_string());
            }
            let outcome = kv.commit(commit).await.unwrap();
            assert_eq!(outcome, Outcome::Done(vec![number + 1]));
            say(&format!("acknowledged {number}"));
        }
    });
}

/// The commits acknowledged before a step.
fn acknowledged(said: &[String]) -> u64 {
    said.iter().filter(|line| line.starts_with("acknowledged ")).count() as u64
}

async fn check(folder: &Path, acknowledged: u64) -> Result<(), String> {
    let opened = FjallKv::open(&folder.join("kv"));
    let kv = match opened {
        Ok(kv) => kv,
        Err(error) => return Err(format!("it does not open: {error:?}")),
    };
    let blobs = LocalBlobs::open(&folder.join("blobs")).map_err(|error| error.to_string())?;
    let snapshot = kv.snapshot().await.unwrap();
    for number in 0..acknowledged {
        commit_is_there(&*snapshot, &blobs, number, acknowledged)
            .await
            .map_err(|error| error.to_string())??;
    }
    drop(snapshot);
    let outcome = kv.commit(Commit::new().put("alive", "1")).await;
    if outcome == Ok(Outcome::Done(vec![])) { Ok(()) } else { Err(format!("no write: {outcome:?}")) }
}

async fn commit_is_there(
    snapshot: &dyn Snapshot,
    blobs: &dyn Blobs,
    number: u64,
    acknowledged: u64,
) -> Result<Result<(), String>, KvError> {
    let row = snapshot.get(format!("row/{number:04}").as_bytes()).await?;
    // The commit after the last acknowledged one may have happened, and have deleted one row more.
    let row_is_right = match row {
        Some(row) => number + 40 >= acknowledged && row.value == value(number, size_of(number)),
        None => number + 40 <= acknowledged,
    };
    let entry = snapshot.get(&log_key(&LogId::new("log"), number + 1)).await?;
    if !row_is_right || entry.is_none_or(|entry| entry.value != number.to_string()) {
        return Ok(Err(format!("commit {number} of {acknowledged} is not there")));
    }
    if number.is_multiple_of(5) {
        let Some(row) = snapshot.get(format!("blob/{number:04}").as_bytes()).await? else {
            return Ok(Err(format!("the blob row of {number} is not there")));
        };
        let id: BlobId = std::str::from_utf8(&row.value).unwrap().parse()?;
        if blobs.get(&id).await? != value(number, SMALL_BYTES) {
            return Ok(Err(format!("the blob of {number} is another one")));
        }
    }
    Ok(Ok(()))
}

#[test]
fn a_power_loss_takes_nothing_that_was_acknowledged() {
    if let Some((folder, commits)) = disk::asked_for() {
        return write(&folder, commits.parse().unwrap());
    }
    let run = recorded(SMALL + LARGE + SMALL);
    let record = &run.record;
    let mut dice = Dice(7);
    let mut cuts: Vec<usize> = (0..CUTS).map(|_| dice.below(record.steps())).collect();
    // Around the moments at which names become durable: new tables, journals and blobs.
    let folder_syncs = record.folder_syncs();
    assert!(folder_syncs.len() > 40, "flushes, compactions, journals, blobs: {}", folder_syncs.len());
    for sync in folder_syncs.iter().step_by(folder_syncs.len() / 40) {
        cuts.extend([*sync, sync + 1]);
    }
    cuts.push(record.steps());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut failures = Vec::new();
    for (index, cut) in cuts.iter().enumerate() {
        let losses = [Loss::All, Loss::Content, Loss::Names, Loss::Some(index as u64)];
        let loss = losses[index % losses.len()];
        let folder = disk::scratch();
        record.rebuild(*cut, loss, folder.path());
        let acknowledged = acknowledged(&record.said(*cut));
        if let Err(failure) = runtime.block_on(check(folder.path(), acknowledged)) {
            failures.push(format!("step {cut} of {}, loss {loss:?}: {failure}", record.steps()));
        }
    }
    assert!(failures.is_empty(), "{} of {} cuts:\n{}", failures.len(), cuts.len(), failures.join("\n"));
}

/// Runs the writer, and sees to it that the record is complete.
fn recorded(commits: u64) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let run = disk::run(TEST, &commits.to_string(), None, folder);
    assert!(run.output.status.success(), "{}", String::from_utf8_lossy(&run.output.stderr));
    assert_eq!(acknowledged(&run.record.said(run.record.steps())), commits);
    let rebuilt = disk::scratch();
    run.record.rebuild(run.record.steps(), Loss::Nothing, rebuilt.path());
    let (found, expected) = (contents(rebuilt.path()), contents(run.folder.path()));
    let names =
        |files: &std::collections::BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(&expected));
    for (name, bytes) in &expected {
        assert!(found[name] == *bytes, "{name} was written past the recorder");
    }
    run
}
