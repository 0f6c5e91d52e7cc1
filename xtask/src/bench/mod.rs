//! `cargo xtask bench`: a release build, a fresh data folder, real HTTP, requests signed with issued credentials.
//!
//! The load comes from this process, on the same machine; a figure counts only with the machine it names.

mod cloud;
mod dynamodb;
mod functions;
mod report;
mod s3;
mod scenarios;

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use crate::environment::Environment;
use crate::machine;
use crate::shell::{self, step};
use report::Report;

/// What can be measured, in the order in which `all` measures it.
pub(crate) const SCENARIOS: [&str; 8] =
    ["start", "memory", "cold", "warm", "burst", "s3", "s3-stream", "dynamodb"];

/// What is measured by itself, without a server: the store beside the bare disk, and with a million rows.
pub(crate) const STORE_SCENARIOS: [&str; 2] = ["store", "store-million"];

#[derive(Args)]
pub(crate) struct Options {
    /// start, memory, cold, warm, burst, s3, s3-stream, dynamodb or all of them; store or store-million, without a server
    #[arg(default_value = "all")]
    scenario: String,
    /// Measure this binary instead of a fresh release build
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Executions at the same time in the burst
    #[arg(long, default_value_t = 1_000)]
    burst: usize,
    /// Items of the grown table of `dynamodb`
    #[arg(long, default_value_t = 1_000_000)]
    items: usize,
    /// Measure the server at this address (host:port) in `dynamodb` instead of Cloudling
    #[arg(long)]
    against: Option<String>,
    /// Keys of the largest bucket that s3 fills
    #[arg(long, default_value_t = 100_000)]
    keys: usize,
    /// GiB of the object that s3-stream moves; 5 is the largest of one PUT
    #[arg(long, default_value_t = 1)]
    gib: u64,
}

/// Measures and prints one table; fails when something could not be measured, not when a goal is missed.
pub(crate) fn run(options: &Options) -> Result<()> {
    if STORE_SCENARIOS.contains(&options.scenario.as_str()) {
        return store(&options.scenario);
    }
    let wanted: Vec<&str> = match options.scenario.as_str() {
        "all" => SCENARIOS.to_vec(),
        one if SCENARIOS.contains(&one) => vec![one],
        other => bail!(
            "there is no scenario `{other}`; choose one of {}, all",
            [&SCENARIOS[..], &STORE_SCENARIOS[..]].concat().join(", ")
        ),
    };
    let binary = match &options.binary {
        Some(binary) => std::path::absolute(binary)?,
        None => {
            step("release build");
            shell::run(shell::cargo().args(["build", "--release", "--package", "cli"]))?;
            shell::target().join("release/cloudling")
        }
    };
    let environment = Environment::prepare()?;
    let mut report = Report::default();
    for scenario in wanted {
        step(&format!("bench: {scenario}"));
        match scenario {
            "start" => scenarios::start(&binary, &mut report)?,
            "memory" => scenarios::memory(&binary, &mut report)?,
            "cold" => {
                environment.install_runtimes(&binary)?;
                scenarios::cold(&binary, &environment, &mut report)?;
            }
            "warm" => scenarios::warm(&binary, &mut report)?,
            "dynamodb" => dynamodb::run(&binary, options.against.as_deref(), options.items, &mut report)?,
            "s3" => s3::s3(&binary, options.keys, &mut report)?,
            "s3-stream" => s3::streaming(&binary, options.gib, &mut report)?,
            _ => scenarios::burst(&binary, options.burst, &mut report)?,
        }
    }
    println!("\n{}\n{report}", machine::describe());
    Ok(())
}

/// The store's own bench, on the disk of the build folder.
fn store(scenario: &str) -> Result<()> {
    let mut bench = shell::cargo();
    bench.args(["bench", "--quiet", "--package", "store", "--bench", "store"]);
    if scenario == "store-million" {
        bench.args(["--", "million"]);
    }
    shell::run(&mut bench)?;
    println!("\n{}", machine::describe());
    Ok(())
}
