//! A disk that is full, read-only, or fails to sync: nothing acknowledged is lost, and nobody is told what is not so.

use std::io::Write as _;
use std::path::Path;

use store::{Commit, FjallKv, FjallOptions, Kv, KvError, Outcome};

use crate::disk::{self, Run};
use crate::fixture::{get, open, put};

const TEST: &str = "faults::a_failing_disk_loses_nothing_that_was_acknowledged";
const VALUE_BYTES: usize = 3_000;
const COMMITS: u64 = 200;

/// The child: writes and says what it is told. Ends by itself, or by the abort of a store that cannot go on.
fn write(folder: &Path) {
    let say = |line: String| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{line}").unwrap();
        out.flush().unwrap();
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        // The free space that is asked for is the machine's, not the recorder's.
        let options =
            FjallOptions { memtable_bytes: 32 * 1024, disk_free_bytes_min: 0, ..FjallOptions::default() };
        let kv = match FjallKv::open_with(&folder.join("kv"), options) {
            Ok(kv) => kv,
            Err(error) => return say(format!("refused {error}")),
        };
        for number in 0..COMMITS {
            let commit = Commit::new().put(format!("row/{number:04}"), vec![b'x'; VALUE_BYTES]);
            match kv.commit(commit).await {
                Ok(Outcome::Done(_)) => say(format!("acknowledged {number}")),
                Ok(Outcome::Conflict(_)) => unreachable!("there was no check"),
                Err(KvError::Indeterminate(..)) => say(format!("unknown {number}")),
                Err(error) => say(format!("failed {error}")),
            }
        }
    });
}

#[test]
fn a_failing_disk_loses_nothing_that_was_acknowledged() {
    if let Some((folder, _)) = disk::asked_for() {
        return write(&folder);
    }
    // Syncs of commits, of tables and of what belongs to them; and disks that are full sooner or later.
    let syncs = [40, 57, 73, 90, 111, 160].map(|number| format!("sync {number}"));
    let spaces = [20_000, 100_000, 250_000, 400_000, 700_000].map(|bytes| format!("space {bytes}"));
    let mut stopped = 0;
    for fault in syncs.iter().chain(&spaces) {
        let folder = tempfile::tempdir().unwrap();
        // Made beforehand, so that the fault falls into the writing.
        drop(open(&folder.path().join("kv")));
        let run = disk::run(TEST, "write", Some(fault), folder);
        stopped += u64::from(!run.output.status.success());
        nothing_acknowledged_is_missing(fault, &run);
    }
    assert!(stopped >= 5, "the faults hit: {stopped}");
}

fn said(run: &Run) -> Vec<String> {
    String::from_utf8_lossy(&run.output.stdout).lines().map(str::to_owned).collect()
}

fn nothing_acknowledged_is_missing(fault: &str, run: &Run) {
    let said = said(run);
    let numbers = |word: &str| -> Vec<u64> {
        said.iter().filter_map(|line| line.strip_prefix(word)?.trim().parse().ok()).collect()
    };
    let (acknowledged, unknown) = (numbers("acknowledged"), numbers("unknown"));
    assert!(!acknowledged.is_empty(), "{fault}: {said:?}");
    if run.output.status.success() {
        assert_eq!(acknowledged.len() as u64, COMMITS, "{fault}: it went on, so all must have happened");
    } else {
        assert!(unknown.len() <= 1, "{fault}: told once, then the process ends: {said:?}");
        let errors = String::from_utf8_lossy(&run.output.stderr);
        assert!(!errors.contains("panicked"), "{fault}: {errors}");
    }
    // The disk works again: the store opens and has everything.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let kv = open(&run.folder.path().join("kv"));
        for number in &acknowledged {
            let row = get(&kv, &format!("row/{number:04}")).await;
            assert!(row.is_some_and(|row| row.value.len() == VALUE_BYTES), "{fault}: {number} is missing");
        }
        let after = acknowledged.len() as u64 + 1;
        assert_eq!(get(&kv, &format!("row/{after:04}")).await, None, "{fault}: nobody asked for it yet");
        put(&kv, "alive", "1").await;
    });
}

#[test]
fn a_read_only_disk_is_refused_in_words() {
    if let Some((folder, _)) = disk::asked_for() {
        return write(&folder);
    }
    let folder = tempfile::tempdir().unwrap();
    drop(open(&folder.path().join("kv")));
    let run = disk::run("faults::a_read_only_disk_is_refused_in_words", "write", Some("readonly"), folder);
    let said = said(&run);
    let refusal = said.iter().find_map(|line| line.strip_prefix("refused ")).unwrap();
    assert!(refusal.contains("Read-only file system"), "{refusal}");
    assert!(run.output.status.success());
    drop(open(&run.folder.path().join("kv")));
}
