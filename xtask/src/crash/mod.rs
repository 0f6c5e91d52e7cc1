//! `cargo xtask crash`: writers that are killed at any moment, and a ledger outside of them that the reopened store
//! is held to: nothing acknowledged is missing, nothing is torn, logs have no gaps, writes go on at once.
//!
//! With `--service`, a whole server instead of the store, and its clients instead of writers.
//!
//! A kill leaves the page cache of the machine, so this says nothing about a power loss; the tests of the `store`
//! crate do, on a recorded disk.

mod check;
mod child;
mod cloud;
mod workload;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use store::{CommitId, FailPoint};

use crate::machine;
use check::{Checked, Ledger, PROGRESS_WITHIN};
use child::{BEFORE_BLOB_ROW, DURING_COMPACTION, DURING_FLUSH, DURING_RECOVERY};
use workload::Random;

/// Cycles unless told otherwise.
const CYCLES: u64 = 25;

/// Cycles of whole servers that the hosted checks run.
const SERVER_CYCLES: u64 = 8;

/// Cycles between two lines of progress.
const REPORT_EVERY_CYCLES: u64 = 25;

/// Most acknowledged commits before a process dies.
const ACKNOWLEDGED_MAX: u64 = 500;

/// Longest time writers run before they are killed, in milliseconds.
const RUN_MILLIS_MAX: u64 = 400;

/// How long a process may go on writing without meeting its point; then it is killed instead.
const POINT_WITHIN: Duration = Duration::from_secs(5);

/// Longest time into an open at which a process dies, in microseconds.
const RECOVERY_MICROS_MAX: u64 = 40_000;

const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;

#[derive(Args)]
pub(crate) struct Options {
    /// How often the writers are killed
    #[arg(long, default_value_t = CYCLES)]
    cycles: u64,
    /// Repeats the choices of an earlier run, though not its timing
    #[arg(long)]
    seed: Option<u64>,
    /// Kill a whole server whose clients write to this service, instead of the store
    #[arg(long, value_enum)]
    service: Option<cloud::Service>,
    #[command(flatten)]
    child: child::Child,
}

/// What the hosted checks run, by what is killed.
pub(crate) fn hosted() -> [(&'static str, Options); 3] {
    let options = |cycles, service| Options {
        cycles,
        seed: None,
        service,
        child: child::Child { folder: None, die_at: None, die_after: 0 },
    };
    [
        ("the store", options(CYCLES, None)),
        ("a server that keeps objects", options(SERVER_CYCLES, Some(cloud::Service::S3))),
        ("a server that keeps items", options(SERVER_CYCLES, Some(cloud::Service::Dynamodb))),
    ]
}

/// How a process dies.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Death {
    /// Killed from outside after so many milliseconds of writing.
    Killed { after_millis: u64 },
    /// By itself at a point, after so many acknowledged commits (or microseconds of opening).
    At { point: &'static str, after: u64 },
}

/// Runs the cycles, or is one of the processes that are killed. Fails at the first thing that is wrong.
pub(crate) fn run(options: &Options) -> Result<()> {
    if options.child.folder.is_some() {
        return child::run(&options.child);
    }
    let seed = options.seed.unwrap_or_else(fresh_seed);
    if let Some(service) = options.service {
        return cloud::run(service, options.cycles, seed);
    }
    println!("{} cycles, --seed {seed}\n{}", options.cycles, machine::describe());
    let folder = tempfile::Builder::new().prefix("cloudling-crash-").tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut summary = Summary::default();
    let mut ledger = Ledger::new();
    let mut random = Random::new(seed);
    for cycle in 1..=options.cycles {
        let outcome = one_cycle(folder.path(), &mut random, &mut ledger, &mut summary, &runtime)
            .with_context(|| format!("cycle {cycle} of --seed {seed}"));
        if let Err(error) = outcome {
            println!("the folder is kept: {}", folder.keep().display());
            return Err(error);
        }
        if cycle.is_multiple_of(REPORT_EVERY_CYCLES) || cycle == options.cycles {
            println!("    {cycle} cycles: {} commits acknowledged, all there", ledger.acknowledged);
        }
    }
    ensure!(ledger.acknowledged > options.cycles, "hardly anything was written");
    println!("{}", summary.text(options.cycles, &ledger));
    Ok(())
}

/// A seed that differs from run to run, short enough to type.
fn fresh_seed() -> u64 {
    u64::try_from(CommitId::random().0 & 0xffff_ffff).unwrap_or_default()
}

/// Writers that die, now and then an open that dies too, and a check.
fn one_cycle(
    folder: &Path,
    random: &mut Random,
    ledger: &mut Ledger,
    summary: &mut Summary,
    runtime: &tokio::runtime::Runtime,
) -> Result<()> {
    run_and_die(folder, &writing_death(random), ledger, summary)?;
    while random.below(2) == 0 {
        run_and_die(folder, &opening_death(random), ledger, summary)?;
    }
    summary.add(&runtime.block_on(ledger.check(folder))?);
    Ok(())
}

fn writing_death(random: &mut Random) -> Death {
    let points = [
        FailPoint::BeforeWrite.name(),
        FailPoint::AfterSync.name(),
        FailPoint::BeforeAcknowledge.name(),
        FailPoint::BlobSynced.name(),
        FailPoint::BlobRenamed.name(),
        BEFORE_BLOB_ROW,
        DURING_FLUSH,
        DURING_COMPACTION,
    ];
    // As many by a plain kill as at all points together.
    match usize::try_from(random.below(points.len() as u64 * 2)).ok().and_then(|index| points.get(index)) {
        Some(point) => Death::At { point, after: random.below(ACKNOWLEDGED_MAX) },
        None => Death::Killed { after_millis: random.below(RUN_MILLIS_MAX) },
    }
}

fn opening_death(random: &mut Random) -> Death {
    match random.below(4) {
        0 => Death::At { point: FailPoint::JournalsChecked.name(), after: 0 },
        1 => Death::At { point: FailPoint::EngineOpened.name(), after: 0 },
        _ => Death::At { point: DURING_RECOVERY, after: random.below(RECOVERY_MICROS_MAX) },
    }
}

/// Runs a process until it dies, and takes down what it acknowledged.
fn run_and_die(folder: &Path, death: &Death, ledger: &mut Ledger, summary: &mut Summary) -> Result<()> {
    // Not `current_exe`: the build before the tests may have put another program in this one's place.
    let mut command = Command::new("/proc/self/exe");
    command.args(["crash", "--write-to"]).arg(folder).stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Death::At { point, after } = death {
        command.args(["--die-at", point, "--die-after", &after.to_string()]);
    }
    let mut child = command.spawn()?;
    let (send, lines) = mpsc::channel();
    let output = child.stdout.take().context("its output")?;
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                break;
            }
        }
    });
    let mut kill_at = None;
    let mut killed = false;
    let mut dying = false;
    // The first line needs an open, which replays journals, and a busy machine.
    let mut give_up_at = Instant::now() + PROGRESS_WITHIN * 2;
    loop {
        let until = kill_at.unwrap_or(give_up_at).min(give_up_at);
        match lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                if line.starts_with("started") {
                    let after = match death {
                        Death::Killed { after_millis } => Duration::from_millis(*after_millis),
                        Death::At { .. } => POINT_WITHIN,
                    };
                    kill_at = Some(Instant::now() + after);
                }
                dying |= line == "dying";
                ledger.read(&line)?;
                give_up_at = Instant::now() + PROGRESS_WITHIN;
            }
            Err(mpsc::RecvTimeoutError::Timeout) if kill_at.is_some_and(|at| at <= Instant::now()) => {
                child.kill()?;
                killed = true;
                kill_at = None;
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {
                child.kill()?;
                child.wait()?;
                bail!("the writers stood still for {PROGRESS_WITHIN:?}, dying by {death:?}");
            }
            // To the end of the pipe: what it acknowledged while it was being killed counts too.
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    let ended = child.wait_with_output()?;
    reader.join().ok().context("the reader of its output")?;
    let was_meant = if killed { SIGKILL } else { SIGABRT };
    ensure!(
        ended.status.signal() == Some(was_meant) && (killed || dying),
        "it was meant to die by {death:?} and ended otherwise: {}\n{}",
        describe(ended.status),
        String::from_utf8_lossy(&ended.stderr)
    );
    summary.died(death, killed);
    Ok(())
}

fn describe(status: ExitStatus) -> String {
    match status.signal() {
        Some(signal) => format!("signal {signal}"),
        None => status.to_string(),
    }
}

#[derive(Default)]
struct Summary {
    deaths: BTreeMap<&'static str, u64>,
    opens: Vec<Duration>,
    first_writes: Vec<Duration>,
    unacknowledged_kept: u64,
    orphans: u64,
}

impl Summary {
    fn died(&mut self, death: &Death, killed: bool) {
        let name = match death {
            Death::At { point, .. } if !killed => point,
            _ => "kill -9",
        };
        *self.deaths.entry(name).or_default() += 1;
    }

    fn add(&mut self, checked: &Checked) {
        self.opens.push(checked.opened_in);
        self.first_writes.push(checked.first_write_in);
        self.unacknowledged_kept += checked.unacknowledged_kept;
        self.orphans += checked.orphans;
    }

    fn text(&mut self, cycles: u64, ledger: &Ledger) -> String {
        self.opens.sort_unstable();
        self.first_writes.sort_unstable();
        let deaths: Vec<String> = self.deaths.iter().map(|(name, count)| format!("{name} {count}")).collect();
        format!(
            "{cycles} cycles, {} commits acknowledged: none missing, none torn, no gap in the log\n    \
             died: {}\n    \
             commits that happened without being acknowledged: {}; orphaned blobs swept: {}\n    \
             open: median {:?}, longest {:?}; first write after it: median {:?}, longest {:?}",
            ledger.acknowledged,
            deaths.join(", "),
            self.unacknowledged_kept,
            self.orphans,
            middle(&self.opens),
            self.opens.last().copied().unwrap_or_default(),
            middle(&self.first_writes),
            self.first_writes.last().copied().unwrap_or_default(),
        )
    }
}

fn middle(sorted: &[Duration]) -> Duration {
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}
