//! `cargo xtask bench`: a release build, a fresh data folder, real HTTP, requests signed with issued credentials.
//!
//! The load comes from this process, on the same machine; a figure counts only with the machine it names.

mod cloud;
mod connection;
mod functions;
mod report;
mod scenarios;

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use crate::environment::Environment;
use crate::machine;
use crate::shell::{self, step};
use report::Report;

/// What can be measured, in the order in which `all` measures it.
pub(crate) const SCENARIOS: [&str; 5] = ["start", "memory", "cold", "warm", "burst"];

#[derive(Args)]
pub(crate) struct Options {
    /// start, memory, cold, warm, burst or all
    #[arg(default_value = "all")]
    scenario: String,
    /// Measure this binary instead of a fresh release build
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Executions at the same time in the burst
    #[arg(long, default_value_t = 1_000)]
    burst: usize,
}

/// Measures and prints one table; fails when something could not be measured, not when a goal is missed.
pub(crate) fn run(options: &Options) -> Result<()> {
    let wanted: Vec<&str> = match options.scenario.as_str() {
        "all" => SCENARIOS.to_vec(),
        one if SCENARIOS.contains(&one) => vec![one],
        other => bail!("there is no scenario `{other}`; choose one of {}, all", SCENARIOS.join(", ")),
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
            _ => scenarios::burst(&binary, options.burst, &mut report)?,
        }
    }
    println!("\n{}\n{report}", machine::describe());
    Ok(())
}
