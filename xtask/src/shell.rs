//! Running other programs: say what runs, fail with the command in the message, optionally keep the output.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

/// The folder of the workspace, whatever folder the command was called from.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_path_buf()
}

/// Cargo's output folder for this workspace.
pub(crate) fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// The cargo that runs us, so that a `+toolchain` choice is kept.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Prints a heading; long steps are announced before they start.
pub(crate) fn step(what: &str) {
    println!("\n==> {what}");
}

/// Runs a command and fails when it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    if !status.success() {
        bail!("`{}` failed with {status}", line(command));
    }
    Ok(())
}

/// Runs a command, showing its output, and answers how it ended.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    println!("    $ {}", line(command));
    command.status().with_context(|| format!("`{}` could not be started", line(command)))
}

/// Runs a command quietly and answers its standard output; a failure carries its standard error.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("`{}` could not be started", line(command)))?;
    if !output.status.success() {
        bail!(
            "`{}` failed with {}\n{}",
            line(command),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    String::from_utf8(output.stdout).context("the output is not UTF-8")
}

/// Runs a command, showing both its outputs while keeping them for the totals.
pub(crate) fn tee(command: &mut Command) -> Result<(ExitStatus, String)> {
    println!("    $ {}", line(command));
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{}` could not be started", line(command)))?;
    let stdout = child.stdout.take().expect("stdout was asked for");
    let stderr = child.stderr.take().expect("stderr was asked for");
    let errors = std::thread::spawn(move || copy(stderr, std::io::stderr()));
    let mut kept = copy(stdout, std::io::stdout());
    kept.push_str(&errors.join().expect("the copying thread does not panic"));
    Ok((child.wait()?, kept))
}

/// Whether a program answers `--version`.
pub(crate) fn available(program: impl AsRef<OsStr>, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| shorten(&word.to_string_lossy())).collect::<Vec<_>>().join(" ")
}

/// Long paths below the workspace read better from its root.
fn shorten(word: &str) -> String {
    let root = root();
    word.replace(&format!("{}/", root.display()), "")
}

fn copy(source: impl Read, mut sink: impl Write) -> String {
    let mut kept = String::new();
    let mut reader = BufReader::new(source);
    let mut bytes = Vec::new();
    // A test may print bytes that are not UTF-8; they are shown as they are and kept approximately.
    while reader.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
        if sink.write_all(&bytes).is_err() {
            break;
        }
        kept.push_str(&String::from_utf8_lossy(&bytes));
        bytes.clear();
    }
    kept
}
