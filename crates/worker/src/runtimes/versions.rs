//! Versions of interpreters, learnt by running them and remembered by path, size and time of change.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::scan::Program;
use super::{Found, Version};

const MEMORY: &str = "interpreters.json";

/// An interpreter that does not tell its version within this time is broken.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Programs run at the same time.
const PROGRAMS_AT_ONCE_MAX: usize = 4;

/// Longest answer looked at.
const ANSWER_BYTES_MAX: u64 = 200;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    size_bytes: u64,
    changed_nanos: i128,
    /// `None` for a program that would not say.
    version: Option<(u32, u32, u32)>,
}

/// The programs that work, newest first within a family.
pub(super) fn of(platform_dir: &Path, programs: Vec<Program>) -> Vec<Found> {
    // Without a folder nothing is remembered: an empty path would mean wherever the program happens to run.
    let memory_file = (!platform_dir.as_os_str().is_empty()).then(|| platform_dir.join(MEMORY));
    let read = |file: &PathBuf| serde_json::from_slice(&fs::read(file).ok()?).ok();
    let memory: BTreeMap<PathBuf, Remembered> = memory_file.as_ref().and_then(read).unwrap_or_default();
    let mut known = BTreeMap::new();
    let mut unknown = Vec::new();
    for program in &programs {
        let Some(now) = identity(&program.path) else { continue };
        match memory.get(&program.path) {
            Some(remembered) if Remembered { version: None, ..*remembered } == now => {
                known.insert(program.path.clone(), remembered.clone());
            }
            _ => unknown.push((program.path.clone(), now)),
        }
    }
    for group in unknown.chunks(PROGRAMS_AT_ONCE_MAX) {
        std::thread::scope(|scope| {
            let asked: Vec<_> = group.iter().map(|(path, _)| scope.spawn(|| ask(path))).collect();
            for ((path, identity), answer) in group.iter().zip(asked) {
                let version = answer.join().ok().flatten();
                known.insert(path.clone(), Remembered { version, ..identity.clone() });
            }
        });
    }
    if known != memory
        && let Some(memory_file) = memory_file
    {
        remember(&memory_file, &known);
    }
    let mut found: Vec<Found> = programs
        .into_iter()
        .filter_map(|program| {
            let (major, minor, patch) = known.get(&program.path)?.version?;
            let kind = program.kind();
            let version = Version { major, minor, patch };
            Some(Found { kind, version, program: program.path, prefix: program.prefix })
        })
        .collect();
    found.sort_by_key(|found| std::cmp::Reverse(found.version));
    found
}

fn identity(path: &Path) -> Option<Remembered> {
    let metadata = path.metadata().ok()?;
    let changed_nanos = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
    Some(Remembered { size_bytes: metadata.len(), changed_nanos, version: None })
}

/// Only a memory: what cannot be written is learnt again.
fn remember(file: &Path, known: &BTreeMap<PathBuf, Remembered>) {
    let written = || -> std::io::Result<()> {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        let temporary = file.with_extension(format!("{}.new", std::process::id()));
        fs::write(&temporary, serde_json::to_vec(known)?)?;
        fs::rename(temporary, file)
    };
    if let Err(error) = written() {
        tracing::debug!(%error, "the versions of interpreters could not be remembered");
    }
}

fn ask(program: &Path) -> Option<(u32, u32, u32)> {
    let mut child = Command::new(program)
        .arg("--version")
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let started = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        match child.try_wait() {
            Ok(Some(_)) => break,
            Ok(None) if started.elapsed() < ANSWER_TIMEOUT => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(50));
            }
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
    let mut answer = String::new();
    child.stdout?.take(ANSWER_BYTES_MAX).read_to_string(&mut answer).ok()?;
    parse(&answer)
}

/// `v20.20.2` or `Python 3.12.1`; suffixes such as `rc1` or `+` are left out.
fn parse(answer: &str) -> Option<(u32, u32, u32)> {
    let text = answer.trim().trim_start_matches("Python ").trim_start_matches('v');
    let mut numbers = text.splitn(3, '.').map(|part| {
        let end = part.find(|character: char| !character.is_ascii_digit()).unwrap_or(part.len());
        part[..end].parse::<u32>().ok()
    });
    Some((numbers.next()??, numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(parse("v20.20.2\n"), Some((20, 20, 2)));
        assert_eq!(parse("Python 3.12.1\n"), Some((3, 12, 1)));
        assert_eq!(parse("Python 3.15.0rc1+"), Some((3, 15, 0)));
        for other in ["", "v20", "Python 3.x.1", "command not found"] {
            assert_eq!(parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_remembered_program_is_not_run_again() {
        let folder = tempfile::tempdir().unwrap();
        let program = super::super::scan::programs().into_iter().next().expect("tests need node or python3");
        let first = of(folder.path(), vec![program.clone()]);
        let memory = folder.path().join(MEMORY);
        let text = fs::read_to_string(&memory).unwrap();
        let version =
            format!("[{},{},{}]", first[0].version.major, first[0].version.minor, first[0].version.patch);
        assert!(text.contains(&version), "{text}");
        fs::write(&memory, text.replace(&version, "[99,1,2]")).unwrap();
        assert_eq!(of(folder.path(), vec![program])[0].version, Version { major: 99, minor: 1, patch: 2 });
    }
}
