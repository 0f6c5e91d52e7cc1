//! `cargo xtask crash --service NAME`: a whole server that is killed under load, and a ledger of what its clients were told.
//!
//! Each writer owns its keys and has one request under way. After a kill the server starts again, and everything is read
//! back: what was acknowledged is there, what was under way happened whole or not at all, and every other way of looking
//! (listings, indexes, streams) agrees.

mod dynamodb;
mod s3;
mod server;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum;

use super::workload::Random;
use crate::http::{Answer, Connection};
use crate::machine;
use crate::shell::{self, step};
use server::Server;

/// Longest time a server is written to before it is killed, in milliseconds.
const RUN_MILLIS_MAX: u64 = 600;

/// Cycles between two lines of progress.
const REPORT_EVERY_CYCLES: u64 = 5;

/// What is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Service {
    /// Objects: put, overwritten, deleted, in parts, in versions
    S3,
    /// Items: put, updated, deleted, in transactions, with an index and a stream
    Dynamodb,
}

/// A client that changes what is its own, one request at a time.
trait Writer: Send {
    /// Sends one request. An error is a connection that broke: then nobody knows whether the change happened.
    fn step(&mut self, connection: &mut Connection) -> Result<Step>;

    /// Reads back all that is its own, takes note of whether the change under way happened, and fails if anything is
    /// not as it was acknowledged.
    fn check(&mut self, connection: &mut Connection) -> Result<()>;
}

/// How a request ended.
enum Step {
    Acknowledged,
    /// The connection broke.
    Broken,
}

/// What writers of a service share: how it begins, and what must hold over all of them.
trait Workload {
    fn prepare(&self, connection: &mut Connection) -> Result<()>;
    fn writers(&self, seed: u64) -> Vec<Box<dyn Writer>>;
    /// Checks what no writer can by itself; after each has checked its own.
    fn check(&self, connection: &mut Connection) -> Result<()>;
}

/// Kills the server so many times; fails at the first thing that is wrong.
pub(super) fn run(service: Service, cycles: u64, seed: u64) -> Result<()> {
    step("build of the server (dev profile)");
    shell::run(shell::cargo().args(["build", "--quiet", "--package", "cli"]))?;
    println!("{cycles} cycles over {service:?}, --seed {seed}\n{}", machine::describe());
    let workload: Box<dyn Workload> = match service {
        Service::S3 => Box::new(s3::Objects),
        Service::Dynamodb => Box::new(dynamodb::Items),
    };
    let folder = tempfile::Builder::new().prefix("cloudling-crash-").tempdir()?;
    let mut random = Random::new(seed);
    let mut writers = workload.writers(seed);
    let server = Server::start(folder.path())?;
    workload.prepare(&mut server.connect()?)?;
    let mut server = Some(server);
    let mut acknowledged = 0;
    for cycle in 1..=cycles {
        let outcome = one_cycle(&*workload, &mut server, &mut writers, &mut random, folder.path());
        match outcome.with_context(|| format!("cycle {cycle} of --seed {seed}")) {
            Ok(more) => acknowledged += more,
            Err(error) => {
                println!("the folder is kept: {}", folder.keep().display());
                return Err(error);
            }
        }
        if cycle.is_multiple_of(REPORT_EVERY_CYCLES) || cycle == cycles {
            println!("    {cycle} cycles: {acknowledged} changes acknowledged, all there");
        }
    }
    drop(server);
    Server::verify(folder.path())?;
    ensure!(acknowledged > cycles, "hardly anything was written");
    println!(
        "{cycles} cycles, {acknowledged} changes acknowledged: none missing, none torn; the folder is whole"
    );
    Ok(())
}

/// Writes until the kill, starts again, checks; gives how many changes were acknowledged.
fn one_cycle(
    workload: &dyn Workload,
    server: &mut Option<Server>,
    writers: &mut [Box<dyn Writer>],
    random: &mut Random,
    folder: &std::path::Path,
) -> Result<u64> {
    let running = server.take().context("a server runs between cycles")?;
    let killed = AtomicBool::new(false);
    let millis = random.below(RUN_MILLIS_MAX);
    let acknowledged = std::thread::scope(|scope| {
        let threads: Vec<_> = writers
            .iter_mut()
            .map(|writer| {
                let (running, killed) = (&running, &killed);
                scope.spawn(move || write(&mut **writer, running, killed))
            })
            .collect();
        std::thread::sleep(Duration::from_millis(millis));
        killed.store(true, Ordering::SeqCst);
        running.kill()?;
        let mut acknowledged = 0;
        for thread in threads {
            acknowledged += thread.join().ok().context("a writer panicked")??;
        }
        anyhow::Ok(acknowledged)
    })?;
    drop(running);
    let restarted = Server::start(folder)?;
    let mut connection = restarted.connect()?;
    for writer in writers {
        writer.check(&mut connection)?;
    }
    workload.check(&mut connection)?;
    *server = Some(restarted);
    Ok(acknowledged)
}

/// Writes until the connection breaks, which only the kill may do.
fn write(writer: &mut dyn Writer, server: &Server, killed: &AtomicBool) -> Result<u64> {
    let mut acknowledged = 0;
    let Ok(mut connection) = server.connect() else {
        ensure!(killed.load(Ordering::SeqCst), "no connection to a server that lives");
        return Ok(0);
    };
    loop {
        match writer.step(&mut connection)? {
            Step::Acknowledged => acknowledged += 1,
            Step::Broken => {
                ensure!(killed.load(Ordering::SeqCst), "the connection to a server that lives broke");
                return Ok(acknowledged);
            }
        }
    }
}

/// Sends a request; `None` when the connection broke.
fn send(connection: &mut Connection, head: &str, headers: &str, body: &[u8]) -> Option<Answer> {
    let mut request =
        format!("{head} HTTP/1.1\r\nhost: 127.0.0.1\r\n{headers}content-length: {}\r\n\r\n", body.len())
            .into_bytes();
    request.extend_from_slice(body);
    connection.send(&request).ok()
}

/// As [`send`], while nobody kills.
fn ask(connection: &mut Connection, head: &str, headers: &str, body: &[u8]) -> Result<Answer> {
    send(connection, head, headers, body).with_context(|| format!("{head}: the connection broke"))
}

/// The answer's body, of an answer that is a success.
fn success(answer: Answer, what: &str) -> Result<Vec<u8>> {
    ensure!(
        (200..300).contains(&answer.status),
        "{what}: {} {}",
        answer.status,
        String::from_utf8_lossy(&answer.body)
    );
    Ok(answer.body)
}
