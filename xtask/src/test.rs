//! `cargo xtask test`: one build in the dev profile serves every runner, then Rust, Python and Node tests.
//!
//! A release build would cost a second compilation of every dependency; the client tests check behaviour,
//! and behaviour is the same in both profiles. Speed is `cargo xtask bench`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::Result;
use clap::Args;

use crate::environment::Environment;
use crate::shell::{self, step};
use crate::totals::Totals;

#[derive(Args, Default)]
pub(crate) struct Options {
    /// Only the tests inside the workspace's crates
    #[arg(long, conflicts_with = "clients")]
    rust: bool,
    /// Only the tests that drive the binary with real clients
    #[arg(long)]
    clients: bool,
    /// Passed to pytest: a file below tests/clients, `-k EXPRESSION`, …
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pytest: Vec<String>,
}

/// Client test processes at a time: most of them wait for a function or a deadline, not for a core.
const PYTEST_WORKERS: &str = "3";

/// Tests over published vectors; they pass without a word to the runner where the vectors are not there.
const VECTOR_TESTS: usize = 3;

/// Runs everything and ends the process with 1 when any test failed, so that the totals stay the last line.
pub(crate) fn run(options: &Options) -> Result<()> {
    let totals = run_all(options)?;
    println!("{totals}");
    if totals.failed > 0 {
        #[allow(clippy::exit, reason = "every runner has ended; an error would print below the totals")]
        std::process::exit(1);
    }
    Ok(())
}

/// Runs every runner, whatever the earlier ones found.
pub(crate) fn run_all(options: &Options) -> Result<Totals> {
    let started = Instant::now();
    let environment = Environment::prepare()?;
    let mut runners: Vec<(&str, Totals)> = Vec::new();

    step("build of the workspace with its tests (dev profile)");
    let mut build = shell::cargo();
    build.args(["build", "--workspace", "--lib", "--bins", "--tests"]);
    if options.clients {
        build = shell::cargo();
        build.args(["build", "--package", "cli"]);
    }
    if !shell::status(&mut build)?.success() {
        println!("\nthe build failed");
        return Ok(Totals::ONE_FAILURE);
    }
    if !options.clients {
        runners.push(("rust", rust_tests(&environment, &WORKSPACE)?));
        runners.push(("orders", rust_tests(&environment, &ORDERS)?));
        runners.push(("crashes", crashes()));
    }
    if !options.rust {
        let cloudling = shell::target().join("debug/cloudling");
        runners.push(("python clients", with_runtimes(&environment, &cloudling, &options.pytest)?));
        if options.pytest.is_empty() {
            runners.push(("node clients", node_tests(&environment, &cloudling)?));
        }
    }

    let mut totals = Totals::default();
    step(&format!("totals after {} s", started.elapsed().as_secs()));
    for (name, part) in runners {
        println!("{name:>16}: {part}");
        totals += part;
    }
    Ok(totals)
}

/// Rust tests that are built together.
struct RustTests {
    what: &'static str,
    selection: &'static [&'static str],
    uses_vectors: bool,
}

const WORKSPACE: RustTests = RustTests {
    what: "Rust tests",
    selection: &["--workspace", "--lib", "--bins", "--tests"],
    uses_vectors: true,
};

/// Apart, because a feature changes what everybody else is built with.
const ORDERS: RustTests = RustTests {
    what: "the store's committer in many orders",
    selection: &["--package", "store", "--features", "model-check", "--test", "orders"],
    uses_vectors: false,
};

fn rust_tests(
    environment: &Environment,
    RustTests { what, selection, uses_vectors }: &RustTests,
) -> Result<Totals> {
    let nextest = shell::available(shell::cargo().get_program(), &["nextest", "--version"]);
    let mut tests = shell::cargo();
    if nextest {
        step(&format!("{what} (cargo nextest)"));
        tests.args(["nextest", "run"]).args(*selection).args(["--no-fail-fast", "--status-level", "fail"]);
        tests.args(["--final-status-level", "fail", "--hide-progress-bar"]);
    } else {
        step(&format!("{what} (cargo test; cargo-nextest is faster where it is installed)"));
        tests.arg("test").args(*selection).args(["--no-fail-fast", "--quiet"]);
    }
    environment.apply(&mut tests);
    let (status, output) = shell::tee(&mut tests)?;
    let mut totals =
        if nextest { Totals::from_nextest(&output) } else { Some(Totals::from_libtest(&output)) }
            .unwrap_or_default();
    if !status.success() && totals.failed == 0 {
        totals += Totals::ONE_FAILURE;
    }
    let vectors = std::env::var_os("CLOUDLING_VECTORS")
        .map_or_else(|| shell::root().join("../shared/vectors"), |folder| shell::root().join(folder));
    if *uses_vectors && !vectors.is_dir() {
        println!("\nSKIPPED: the published vectors are not at {}; set CLOUDLING_VECTORS", vectors.display());
        totals.passed = totals.passed.saturating_sub(VECTOR_TESTS);
        totals.skipped += VECTOR_TESTS;
    }
    Ok(totals)
}

/// Kills writers of the store, then whole servers; each is one test in the totals.
fn crashes() -> Totals {
    let mut totals = Totals::default();
    for (what, options) in crate::crash::hosted() {
        step(&format!("crashes of {what}"));
        totals += match crate::crash::run(&options) {
            Ok(()) => Totals::ONE_SUCCESS,
            Err(error) => {
                println!("{error:#}");
                Totals::ONE_FAILURE
            }
        };
    }
    totals
}

/// The client tests need the SDKs inside functions; without them the tests that use them fail and say so.
fn with_runtimes(environment: &Environment, cloudling: &Path, arguments: &[String]) -> Result<Totals> {
    let mut totals = Totals::default();
    if let Err(error) = environment.install_runtimes(cloudling) {
        println!("{error:#}");
        totals += Totals::ONE_FAILURE;
    }
    totals += python_tests(environment, cloudling, arguments)?;
    Ok(totals)
}

fn python_tests(environment: &Environment, cloudling: &Path, arguments: &[String]) -> Result<Totals> {
    step("client tests: boto3, AWS CLI, plain HTTP, the cloudling command");
    let report = report_path("clients-python.xml")?;
    let mut tests = Command::new(environment.python());
    tests.current_dir(shell::root().join("tests/clients"));
    tests.args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml"]).arg(&report);
    if arguments.is_empty() {
        tests.args(["-n", PYTEST_WORKERS, "--dist", "worksteal"]);
    } else {
        tests.args(arguments);
    }
    environment.apply(&mut tests);
    tests.env("CLOUDLING_BINARY", cloudling).env("PYTHONDONTWRITEBYTECODE", "1");
    let status = shell::status(&mut tests)?;
    Ok(read_report(&report, status.success(), Totals::from_junit))
}

fn node_tests(environment: &Environment, cloudling: &Path) -> Result<Totals> {
    step("client tests: aws-sdk v3, aws-sdk v2, HTTP/2");
    let report = report_path("clients-node.tap")?;
    let mut tests = Command::new("node");
    tests.args(["--test", "--test-reporter=spec", "--test-reporter-destination=stdout"]);
    tests.arg("--test-reporter=tap").arg(format!("--test-reporter-destination={}", report.display()));
    tests.args(node_files()?);
    environment.apply(&mut tests);
    let status = shell::status(tests.env("CLOUDLING_BINARY", cloudling))?;
    Ok(read_report(&report, status.success(), Totals::from_tap))
}

/// Listed one by one: what a folder means to `node --test` changed between its versions.
fn node_files() -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(shell::root().join("tests/clients/node"))? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".test.mjs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// A fresh place for a runner's report, so that an old one is never read again.
fn report_path(name: &str) -> Result<PathBuf> {
    let report = shell::target().join("test-env").join(name);
    match std::fs::remove_file(&report) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(report),
    }
}

fn read_report(report: &Path, success: bool, read: fn(&str) -> Option<Totals>) -> Totals {
    let mut totals = std::fs::read_to_string(report).ok().as_deref().and_then(read).unwrap_or_default();
    if !success && totals.failed == 0 {
        totals += Totals::ONE_FAILURE;
    }
    totals
}
