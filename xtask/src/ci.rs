//! `cargo xtask ci`: what must hold before pushing. The hosted checks do nothing more.

use anyhow::{Result, bail};

use crate::shell::{self, step};
use crate::{coverage, test};

type Check = fn() -> Result<()>;

/// Runs every check and names all that failed, so that one push can fix them together.
pub(crate) fn run() -> Result<()> {
    let checks: [(&str, Check); 6] = [
        ("format", format),
        ("clippy", clippy),
        ("licences and advisories", licences),
        ("documentation", documentation),
        ("tests (tidy is among them)", tests),
        ("generated pages", coverage::check),
    ];
    let mut failed = Vec::new();
    for (name, check) in checks {
        step(name);
        if let Err(error) = check() {
            println!("{error:#}");
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        bail!("these checks failed: {}", failed.join(", "));
    }
    println!("\nall checks hold");
    Ok(())
}

/// `cargo xtask tidy`: the tests of this crate, which read the whole workspace.
pub(crate) fn tidy() -> Result<()> {
    shell::run(shell::cargo().args(["test", "--quiet", "--package", "xtask"]))
}

fn format() -> Result<()> {
    shell::run(shell::cargo().args(["fmt", "--all", "--check"]))
}

fn clippy() -> Result<()> {
    shell::run(shell::cargo().args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--quiet",
        "--",
        "-D",
        "warnings",
    ]))
}

fn documentation() -> Result<()> {
    let mut document = shell::cargo();
    document.args(["doc", "--workspace", "--no-deps", "--document-private-items", "--quiet"]);
    shell::run(document.env("RUSTDOCFLAGS", "-D warnings"))
}

fn tests() -> Result<()> {
    let totals = test::run_all(&test::Options::default())?;
    println!("{totals}");
    if totals.failed > 0 {
        bail!("{} tests failed", totals.failed);
    }
    Ok(())
}

fn licences() -> Result<()> {
    if !shell::available(shell::cargo().get_program(), &["deny", "--version"]) {
        println!("not checked: cargo-deny is not installed (cargo install --locked cargo-deny)");
        return Ok(());
    }
    shell::run(shell::cargo().args(["deny", "--workspace", "check"]))
}
