//! The rows of DESIGN's table that one machine can measure.

use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::cloud::Cloud;
use super::functions::{Package, create, create_role};
use super::report::Report;
use crate::environment::Environment;
use crate::http::Connection;

const STARTS: usize = 20;
const COLD_FUNCTIONS: usize = 30;
const WARM_CALLS: usize = 2_000;
const WARM_UP_CALLS: usize = 200;
const CLIENTS: usize = 16;
const RATE_TIME: Duration = Duration::from_secs(5);
const SLEEPER_SECONDS: u64 = 2;

/// Between two cold starts, so that the spare that was taken is there again.
const REFILL_TIME: Duration = Duration::from_millis(400);

/// After a start, so that the first spares are there and the server has come to rest.
const SETTLE_TIME: Duration = Duration::from_secs(3);

/// A burst has one thread per call, and each does nothing but wait.
const BURST_STACK_BYTES: usize = 128 * 1024;

/// Starts the server without workers started ahead.
const NO_SPARES: [&str; 2] = ["--spares", "0"];

pub(super) fn start(binary: &Path, report: &mut Report) -> Result<()> {
    let mut times = (0..STARTS).map(|_| Cloud::time_to_first_answer(binary)).collect::<Result<Vec<_>>>()?;
    report.time("start → first answer, empty data folder", &mut times, 40.0);
    Ok(())
}

pub(super) fn memory(binary: &Path, report: &mut Report) -> Result<()> {
    let cloud = Cloud::start(binary, &[])?;
    thread::sleep(SETTLE_TIME);
    let idle = cloud.resident_mib()?;
    report.number(
        "resident memory, idle, server process",
        1,
        &format!("{idle:.1} MiB"),
        "≤ 30 MiB",
        idle <= 30.0,
    );
    Ok(())
}

/// The first call of a fresh function, with a spare worker waiting and without.
pub(super) fn cold(binary: &Path, environment: &Environment, report: &mut Report) -> Result<()> {
    let runtimes = environment.runtimes();
    let runtimes = runtimes.to_string_lossy();
    let measured = [
        (Package::python()?, 8.0),
        (Package::rust(&environment.custom_runtime())?, 8.0),
        (Package::node()?, 10.0),
        (Package::node_with_sdk()?, 40.0),
    ];
    let cloud = Cloud::start(binary, &["--runtimes", &runtimes])?;
    create_role(&cloud)?;
    thread::sleep(SETTLE_TIME);
    for (number, (package, goal_ms)) in measured.iter().enumerate() {
        let mut times = first_calls(&cloud, &format!("cold-{number}"), package)?;
        report.time(&format!("cold invoke, pool filled: {}", package.label), &mut times, *goal_ms);
    }
    drop(cloud);
    let cloud = Cloud::start(binary, &[&["--runtimes", &*runtimes], &NO_SPARES[..]].concat())?;
    create_role(&cloud)?;
    let package = Package::node()?;
    let mut times = first_calls(&cloud, "empty", &package)?;
    report.time("cold invoke, pool empty: Node", &mut times, 100.0);
    Ok(())
}

fn first_calls(cloud: &Cloud, prefix: &str, package: &Package) -> Result<Vec<Duration>> {
    let functions = (0..COLD_FUNCTIONS).map(|number| create(cloud, &format!("{prefix}-{number}"), package));
    let functions = functions.collect::<Result<Vec<_>>>()?;
    let mut connection = Connection::open(&cloud.address)?;
    let mut times = Vec::with_capacity(functions.len());
    for invoke in &functions {
        thread::sleep(REFILL_TIME);
        times.push(timed(&mut connection, invoke)?);
    }
    Ok(times)
}

/// Calls of functions whose worker is there: latency of one client, rate of several.
pub(super) fn warm(binary: &Path, report: &mut Report) -> Result<()> {
    let cloud = Cloud::start(binary, &[])?;
    create_role(&cloud)?;
    for package in [Package::node()?, Package::python()?] {
        let label = package.label;
        let invoke = create(&cloud, &format!("warm-{}", label.to_lowercase()), &package)?;
        let mut connection = Connection::open(&cloud.address)?;
        for _ in 0..WARM_UP_CALLS {
            timed(&mut connection, &invoke)?;
        }
        let mut times =
            (0..WARM_CALLS).map(|_| timed(&mut connection, &invoke)).collect::<Result<Vec<_>>>()?;
        report.time(&format!("warm invoke, 1 client: {label}"), &mut times, 0.6);
        let calls = rate(&cloud, &invoke)?;
        #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
        let per_second = calls as f64 / RATE_TIME.as_secs_f64();
        let what = format!("warm invoke, {CLIENTS} clients: {label}");
        report.number(&what, calls, &format!("{per_second:.0}/s"), "≥ 6000/s", per_second >= 6_000.0);
    }
    Ok(())
}

/// Calls answered within `RATE_TIME` by `CLIENTS` connections, after every client had its first answer.
fn rate(cloud: &Cloud, invoke: &[u8]) -> Result<usize> {
    let barrier = Barrier::new(CLIENTS);
    let client = || -> Result<usize> {
        let mut connection = Connection::open(&cloud.address)?;
        let warm_up = (0..WARM_UP_CALLS).try_for_each(|_| timed(&mut connection, invoke).map(drop));
        barrier.wait();
        warm_up?;
        let end = Instant::now() + RATE_TIME;
        let mut calls = 0;
        while Instant::now() < end {
            timed(&mut connection, invoke)?;
            calls += 1;
        }
        Ok(calls)
    };
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        clients.into_iter().map(|client| client.join().expect("a client does not panic")).sum()
    })
}

/// Executions at the same time: each sleeps, so all must be running at once.
pub(super) fn burst(binary: &Path, executions: usize, report: &mut Report) -> Result<()> {
    let cloud = Cloud::start(binary, &[])?;
    create_role(&cloud)?;
    thread::sleep(SETTLE_TIME);
    let invoke = create(&cloud, "sleeper", &Package::python_sleeper(SLEEPER_SECONDS)?)?;
    let began = Instant::now();
    let outcomes: Vec<Result<Duration>> = thread::scope(|scope| {
        let call = || timed(&mut Connection::open(&cloud.address)?, &invoke);
        let spawn = || thread::Builder::new().stack_size(BURST_STACK_BYTES).spawn_scoped(scope, call);
        let calls: Vec<_> = (0..executions).map(|_| spawn()).collect();
        let join = |call: std::io::Result<thread::ScopedJoinHandle<'_, _>>| {
            call?.join().expect("a call does not panic")
        };
        calls.into_iter().map(join).collect()
    });
    let took = began.elapsed();
    let errors: Vec<String> = outcomes
        .iter()
        .filter_map(|outcome| outcome.as_ref().err().map(|error| format!("{error:#}")))
        .collect();
    if let Some(first) = errors.first() {
        println!("    first of {} errors: {first}", errors.len());
    }
    let what = format!("{executions} executions of a {SLEEPER_SECONDS} s sleeper (Python)");
    let value = format!("{} errors, {:.1} s in all", errors.len(), took.as_secs_f64());
    report.number(&what, executions, &value, "no error", errors.is_empty());
    let mut times: Vec<Duration> = outcomes.into_iter().filter_map(Result::ok).collect();
    times.sort_unstable();
    let slowest = times.last().copied().unwrap_or_default();
    println!(
        "    slowest call {:.1} s, memory of the server {:.1} MiB",
        slowest.as_secs_f64(),
        cloud.resident_mib()?
    );
    Ok(())
}

fn timed(connection: &mut Connection, request: &[u8]) -> Result<Duration> {
    let began = Instant::now();
    let answer = connection.send(request)?;
    let time = began.elapsed();
    if answer.status != 200 || answer.header("x-amz-function-error").is_some() {
        bail!("an invoke answered {} {}", answer.status, String::from_utf8_lossy(&answer.body));
    }
    Ok(time)
}
