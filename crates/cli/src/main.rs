//! The program `cloudling`: starts the cloud and works with it from the command line.

mod arguments;
mod client;
mod commands;
mod connector;
mod functions;
mod output;
mod package;
mod progress;

use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::arguments::{Arguments, Command};
use crate::output::Output;

/// A request makes and frees some hundred small things, on several threads: a quarter of a warm invoke's processor time
/// went to the C library's allocator. Without huge pages: they doubled the memory of an idle server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Threads that run requests. More of them cost memory for each, and requests mostly wait for functions.
const THREADS_MIN: usize = 2;
const THREADS_MAX: usize = 4;

fn main() -> ExitCode {
    // Sandboxes are made by this same program started again; then this call does not return.
    worker::run_spawner_if_asked();
    let arguments = Arguments::parse();
    start_log(arguments.verbose);
    let output = Output::new(arguments.output);
    let threads =
        std::thread::available_parallelism().map_or(THREADS_MIN, usize::from).clamp(THREADS_MIN, THREADS_MAX);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(run(arguments, &output)),
        Err(error) => Err(anyhow::Error::new(error).context("threads could not be started")),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            output.error(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments, output: &Output) -> anyhow::Result<ExitCode> {
    let client = || client::Client::new(&arguments.endpoint);
    match arguments.command {
        Command::Up(up) => commands::up::run(up, output).await?,
        Command::Doctor(doctor) => return commands::doctor::run(&doctor, &arguments.endpoint, output).await,
        Command::Backup(backup) => commands::backup::backup(&backup, output).await?,
        Command::Restore(restore) => commands::backup::restore(&restore, output).await?,
        Command::Runtimes(runtimes) => commands::runtimes::run(&runtimes, output).await?,
        Command::Dev(dev) => commands::dev::run(dev, output).await?,
        Command::Deploy(deploy) => commands::deploy::run(&deploy, &client()?, output).await?,
        Command::Invoke(invoke) => return commands::invoke::run(&invoke, &client()?, output).await,
        Command::Logs(logs) => commands::logs::run(&logs, &client()?, output).await?,
        Command::Ls => commands::ls::run(&client()?, output).await?,
        Command::Rm(rm) => commands::rm::run(&rm, &client()?, output).await?,
        Command::Reset(reset) => commands::reset::run(&reset, &client()?, output).await?,
        Command::Keys(keys) => commands::keys::run(&keys.command, output).await?,
        Command::Audit(audit) => commands::audit::run(&audit, &client()?, output).await?,
        Command::Operations => commands::operations::run(output)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Warnings go to the error stream; with `--verbose` every request does too.
fn start_log(verbose: bool) {
    let ours = if verbose { LevelFilter::DEBUG } else { LevelFilter::WARN };
    let mut levels = Targets::new().with_default(LevelFilter::WARN);
    for target in [
        "gateway",
        "server",
        "service",
        "store",
        "tasks",
        "worker",
        "cloudtrail",
        "lambda",
        "logs",
        "iam",
        "sts",
        "cloudling",
    ] {
        levels = levels.with_target(target, ours);
    }
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(verbose);
    tracing_subscriber::registry().with(lines).with(levels).init();
}
