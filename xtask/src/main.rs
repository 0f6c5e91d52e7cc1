//! Everything a contributor runs, as one program: tests, checks, benches, generated files.
//!
//! `cargo xtask test` is what the hosted checks call; it needs nothing but Rust, Python 3 and Node.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line program talks to its user")]

mod bench;
mod ci;
mod coverage;
mod crash;
mod environment;
mod http;
mod machine;
mod models;
mod shell;
mod test;
#[cfg(test)]
mod tidy;
mod totals;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Tests, checks, benches and generated files of Cloudling")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what tests need, then run every test; the last line is the totals
    Test(test::Options),
    /// Everything that must hold before pushing: format, lints, tests, licences, generated pages
    Ci,
    /// Measure a release build over real HTTP and print the numbers of DESIGN's table
    Bench(bench::Options),
    /// Kill writers at every step and hold the store to what it acknowledged
    Crash(crash::Options),
    /// Trim the published API models into crates/wire/models
    Models {
        /// Passed on to the model trimmer
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Check the architecture, file sizes and documents
    Tidy,
    /// Write docs/coverage from the tables of the services
    Coverage(coverage::Options),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().task {
        Task::Test(options) => test::run(&options),
        Task::Ci => ci::run(),
        Task::Bench(options) => bench::run(&options),
        Task::Crash(options) => crash::run(&options),
        Task::Models { arguments } => models::run(&arguments),
        Task::Tidy => ci::tidy(),
        Task::Coverage(options) => coverage::run(&options),
    }
}
