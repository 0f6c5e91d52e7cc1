//! What keeps the architecture and the documents true, as ordinary tests.

mod dependencies;
mod documents;
mod files;

use std::process::Command;

use crate::shell;

/// Every file git knows or would add, below the workspace's root.
fn project_files() -> Vec<String> {
    let mut list = Command::new("git");
    list.args(["ls-files", "--cached", "--others", "--exclude-standard"]).current_dir(shell::root());
    let listed = shell::output(&mut list).expect("git lists the files of the checkout");
    // A file may be listed and just gone, when someone works in the same checkout.
    listed.lines().filter(|file| shell::root().join(file).is_file()).map(str::to_owned).collect()
}

fn read(file: &str) -> String {
    let bytes = std::fs::read(shell::root().join(file)).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Fails with all findings at once.
fn assert_none(findings: &[String], rule: &str) {
    assert!(findings.is_empty(), "{rule}\n  {}", findings.join("\n  "));
}
