//! Every number that decides how workers are kept, bounded and cut off.

use std::time::Duration;

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

/// Longest JSON payload of a frame to or from a runtime client, beyond which it is broken.
pub const FRAME_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Time the init phase may take outside an invocation (AWS: 10 s). When it is over, init is
/// tried once more inside the invocation, under the function's own timeout.
pub const INIT_TIMEOUT: Duration = Duration::from_secs(10);

/// Time a generic worker may take from start to its first frame.
pub const BOOT_TIMEOUT: Duration = Duration::from_secs(20);

/// Time given to output still in the pipes of a worker that has died.
pub const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);

/// Processes and open files inside a sandbox (AWS: 1,024 each).
pub const PROCESSES_MAX: u64 = 1_024;
pub const OPEN_FILES_MAX: u64 = 1_024;

/// Memory at which AWS gives a function one whole processor.
pub const MEMORY_MIB_PER_CPU: u32 = 1_769;

/// Attempts to refill a generic spare before the pool waits for the next need.
pub const SPARE_FAILURES_MAX: u32 = 3;

/// How many workers there are and how long they live.
#[derive(Debug, Clone)]
pub struct PoolConfig {
    /// Generic Node workers kept started ahead of need.
    pub node_spares: usize,
    /// Generic Python workers kept started ahead of need.
    pub python_spares: usize,
    /// An idle worker is retired after this time.
    pub idle_keep_alive: Duration,
    /// Bound of all workers that hold a function, busy and idle. At the bound the longest idle
    /// one makes room; when all are busy a call fails with `NoCapacity`.
    pub workers_max: usize,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            node_spares: 1,
            python_spares: 1,
            idle_keep_alive: Duration::from_secs(10 * 60),
            workers_max: 1_000,
        }
    }
}
