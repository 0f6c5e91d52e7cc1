//! Every number that decides how workers are kept, bounded and cut off.

use std::time::Duration;

use crate::function::RuntimeKind;
use crate::preload::Preload;
use crate::sandbox::Limits;

/// Largest buffered response AWS accepts: 6 MiB and 100 bytes.
pub const RESPONSE_BYTES_MAX: usize = 6_291_556;

/// Largest response of a streaming function (AWS: 200 MiB since 2025; 20 MiB before).
pub const STREAM_BYTES_MAX: u64 = 200 * 1024 * 1024;

/// Log excerpt returned with `LogType=Tail`.
pub const LOG_TAIL_BYTES_MAX: usize = 4 * 1024;

/// Largest log event of CloudWatch Logs; a longer line is cut.
pub const LOG_EVENT_BYTES_MAX: usize = 256 * 1024;

/// Lines handed to the log sink in one call.
pub const LOG_BATCH_LINES_MAX: usize = 1_000;

/// Output taken from a worker's pipes in one look; the rest waits for the next.
pub const OUTPUT_BURST_BYTES_MAX: usize = 16 * 1024 * 1024;

/// While a function runs, its lines are handed on at the latest this long after they were written.
pub const LOG_DELAY_MAX: Duration = Duration::from_millis(100);

/// Longest metadata in front of an HTTP response stream.
pub const PRELUDE_BYTES_MAX: usize = 1024 * 1024;

/// Time a streaming caller that does not read is given to take the error of a failed call.
pub const DELIVERY_TIMEOUT: Duration = Duration::from_secs(1);

/// Pause after a connection from a sandbox could not be accepted (too many open files).
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Time between the end of a process and the end of what it had still to say.
pub const LAST_WORDS_TIMEOUT: Duration = Duration::from_millis(50);

/// Longest JSON payload of a frame to or from a runtime client, beyond which it is broken.
pub const FRAME_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Time the init phase may take outside an invocation (AWS: 10 s). When it is over, init is
/// tried once more inside the invocation, under the function's own timeout.
pub const INIT_TIMEOUT: Duration = Duration::from_secs(10);

/// Pause between the start of the server and the first spares, whose making takes all processors for a moment.
pub const WARM_UP_PAUSE: Duration = Duration::from_millis(200);

/// Time a generic worker may take from start to its first frame.
pub const BOOT_TIMEOUT: Duration = Duration::from_secs(20);

/// Time given to output still in the pipes of a worker that has died.
pub const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);

/// A worker without a call for this long is made to stand still. Sooner would cost calls that follow each
/// other closely: stopping and continuing all threads of a process takes a tenth of a millisecond.
pub const REST_AFTER: Duration = Duration::from_millis(50);

/// Processes and threads inside a sandbox, and open files of each (AWS: 1,024).
const PROCESSES_MAX: u64 = 1_024;
const OPEN_FILES_MAX: u64 = 1_024;

/// Memory at which AWS gives a function one whole processor.
const MEMORY_MIB_PER_CPU: u32 = 1_769;

/// Share of one processor every function gets, in hundredths. AWS gives small functions less; on
/// one's own machine that would only make them slow.
const CPU_PERCENT_MIN: u32 = 100;

/// Bounds of a worker that has no function yet.
pub const GENERIC_LIMITS: Limits = Limits {
    memory_bytes: 512 * 1024 * 1024,
    tmp_bytes: 512 * 1024 * 1024,
    processes: PROCESSES_MAX,
    open_files: OPEN_FILES_MAX,
    cpu_quota_percent: CPU_PERCENT_MIN,
};

/// Processor time of a function, in hundredths of one processor.
pub fn cpu_quota_percent(memory_mib: u32) -> u32 {
    (memory_mib * 100 / MEMORY_MIB_PER_CPU).max(CPU_PERCENT_MIN)
}

/// Interpreters that boot at the same time, for each processor.
pub const BOOTS_PER_CPU_MAX: usize = 2;

/// Kinds of spares kept at the same time, those used last: an interpreter, with or without the
/// platform's SDK loaded.
///
/// Private memory of one spare that waits, measured: Python 5 MiB, with boto3 40; Node 6 MiB, with an SDK 19
/// to 23. So even five kinds that are all Python with boto3 take 200 MiB at one spare each.
pub const SPARE_KINDS_MAX: usize = 5;

/// Spares wanted before any function has been seen, where the SDKs are installed; the last are started first. A first
/// call of such a function does not find the pool empty then.
pub(crate) const PRELOADED_FROM_THE_START: &[Preload] =
    &[Preload::RequireSdk3, Preload::Boto3, Preload::Nothing];

/// Failed starts of spares in a row, after which the next need decides.
pub const SPARE_FAILURES_MAX: u32 = 3;

/// How many workers there are and how long they live.
#[derive(Debug, Clone)]
pub struct PoolConfig {
    /// Generic Node workers kept started ahead of need.
    pub node_spares: usize,
    /// Generic Python workers kept started ahead of need.
    pub python_spares: usize,
    /// Empty sandboxes kept ready for programs that are started in one: custom runtimes, and interpreters
    /// when no spare is there. Each takes 0.3 MiB, without what the kernel keeps for it.
    pub blank_sandboxes: usize,
    /// An idle worker is retired after this time.
    pub idle_keep_alive: Duration,
    /// Time the init phase may take, [`INIT_TIMEOUT`] unless a test is in a hurry.
    pub init_timeout: Duration,
    /// Bound of all workers that hold a function, busy and idle. At the bound the longest idle
    /// one makes room; when all are busy a call fails with `NoCapacity`. One function has at most
    /// [`PoolConfig::workers_of_function_max`] of them, so that others always find room.
    pub workers_max: usize,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            node_spares: 1,
            python_spares: 1,
            blank_sandboxes: 2,
            idle_keep_alive: Duration::from_secs(10 * 60),
            init_timeout: INIT_TIMEOUT,
            workers_max: 1_200,
        }
    }
}

impl PoolConfig {
    /// Five of six workers: by default 1,000, which is what AWS lets an account run at once.
    pub fn workers_of_function_max(&self) -> usize {
        (self.workers_max - self.workers_max / 6).max(1)
    }

    /// Generic workers wanted of each interpreter of a family.
    pub(crate) fn spares(&self, kind: RuntimeKind) -> usize {
        match kind {
            RuntimeKind::Node => self.node_spares,
            RuntimeKind::Python => self.python_spares,
            RuntimeKind::Custom => 0,
        }
    }
}

/// Time between two looks for workers to retire and at the machine's memory.
pub(crate) fn expiry_interval(keep_alive: Duration) -> Duration {
    (keep_alive / 4).clamp(Duration::from_millis(10), Duration::from_secs(2))
}

/// Share of the machine's memory, in hundredths, below which idle workers make room.
const MEMORY_AVAILABLE_PERCENT_MIN: u64 = 8;

/// One of this many idle workers is ended at each look while memory is short, those idle for longest.
pub(crate) const SHRINK_DIVISOR: usize = 4;

/// Whether `/proc/meminfo` says that idle workers must make room. Never when it cannot be read.
pub(crate) fn is_memory_short(meminfo: &str) -> bool {
    let kibibytes = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_end_matches("kB").trim().parse::<u64>().ok()
    };
    match (kibibytes("MemTotal:"), kibibytes("MemAvailable:")) {
        (Some(total), Some(available)) => available < total / 100 * MEMORY_AVAILABLE_PERCENT_MIN,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_short_below_a_share_of_it() {
        let meminfo = |available: u64| {
            format!("MemTotal:       16384000 kB\nMemFree:          1 kB\nMemAvailable:   {available} kB\n")
        };
        assert!(!is_memory_short(&meminfo(8_000_000)));
        assert!(!is_memory_short(&meminfo(1_310_720)));
        assert!(is_memory_short(&meminfo(1_310_719)));
        assert!(!is_memory_short(""));
    }
}
