//! Holds a sandbox to its memory.
//!
//! Files in `/tmp` are memory to the kernel but not to the function's limit, as on AWS. So the kernel's
//! limit is memory and `/tmp` together, which nothing can exceed, and the function's own limit is held
//! here: once the cgroup's total reaches it, its private memory is looked at, and again until the total
//! falls. Where no cgroup can be used, the processes' own numbers are looked at all the time.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;

use super::cgroup::{Cgroup, Usage};
use super::plumbing::watched;
use super::{Limits, usage};

/// Time between two looks at processes, or at a cgroup that cannot raise an alarm.
const POLL: Duration = Duration::from_millis(100);
/// Bounds on the time between two looks at a cgroup whose total is above the limit.
const CLOSE_POLL_MIN: Duration = Duration::from_millis(2);
const CLOSE_POLL_MAX: Duration = Duration::from_millis(50);
/// How fast a program is thought to fill memory, to know when to look again.
const FILL_BYTES_PER_MICROSECOND: u64 = 1000;

/// Memory of one sandbox.
#[derive(Debug)]
pub(super) struct Memory {
    cgroup: Arc<Cgroup>,
    /// Readable when the cgroup's total has reached the limit.
    alarm: Option<AsyncFd<OwnedFd>>,
    limit_bytes: AtomicU64,
    limit_changed: Notify,
    /// Of processes, where the cgroup does not tell.
    peak_bytes: AtomicU64,
    exceeded: AtomicBool,
}

/// What a look has shown.
#[derive(Debug, PartialEq, Eq)]
enum Look {
    /// Nothing can be wrong before the alarm is raised.
    Calm,
    /// Look again after this time.
    Again(Duration),
    /// The sandbox must end.
    Exceeded,
}

impl Memory {
    pub(super) fn new(cgroup: Arc<Cgroup>, limits: &Limits) -> io::Result<Self> {
        let alarm = cgroup.alarm().map(|alarm| watched(alarm.try_clone()?)).transpose()?;
        Ok(Self {
            cgroup,
            alarm,
            limit_bytes: AtomicU64::new(limits.memory_bytes),
            limit_changed: Notify::new(),
            peak_bytes: AtomicU64::new(0),
            exceeded: AtomicBool::new(false),
        })
    }

    /// Sets another limit. The cgroup's own is set with [`Cgroup::limit`].
    pub(super) fn limit(&self, limits: &Limits) {
        self.limit_bytes.store(limits.memory_bytes, Ordering::Relaxed);
        self.limit_changed.notify_one();
    }

    /// Whether the sandbox had to end for want of memory, by this watch or by the kernel.
    pub(super) fn was_exceeded(&self) -> bool {
        self.exceeded.load(Ordering::Relaxed) || self.cgroup.out_of_memory_kills() > 0
    }

    /// Waits until the sandbox has gone over its limit. `process` gives its first process.
    pub(super) async fn until_exceeded(&self, process: impl Fn() -> Option<i32>) {
        let mut armed_bytes = None;
        loop {
            let limit_bytes = self.limit_bytes.load(Ordering::Relaxed);
            if self.alarm.is_some() && armed_bytes != Some(limit_bytes) {
                self.arm(limit_bytes).await;
                armed_bytes = Some(limit_bytes);
            }
            let pause = match (self.look(&process), &self.alarm) {
                (Look::Exceeded, _) => {
                    self.exceeded.store(true, Ordering::Relaxed);
                    return;
                }
                (Look::Calm, Some(alarm)) => {
                    tokio::select! {
                        () = raised(alarm) => {}
                        () = self.limit_changed.notified() => {}
                    }
                    continue;
                }
                (Look::Calm, None) => POLL,
                (Look::Again(pause), _) => pause,
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Until it is done the kernel's limit alone holds.
    async fn arm(&self, limit_bytes: u64) {
        let cgroup = Arc::clone(&self.cgroup);
        let armed = tokio::task::spawn_blocking(move || cgroup.set_alarm(limit_bytes)).await;
        if !matches!(armed, Ok(Ok(()))) {
            tracing::debug!(?armed, "no alarm for memory; the kernel's limit holds");
        }
    }

    pub(super) fn peak_reset(&self, process: impl Fn() -> Option<i32>) {
        self.cgroup.memory_peak_reset();
        if self.cgroup.memory_peak_bytes().is_none() {
            self.peak_bytes.store(process().and_then(usage::tree_bytes).unwrap_or(0), Ordering::Relaxed);
        }
    }

    /// The most memory used since the last reset, at most the limit.
    pub(super) fn peak_bytes(&self, process: impl Fn() -> Option<i32>) -> Option<u64> {
        let peak = self.cgroup.memory_peak_bytes().or_else(|| {
            let now = process().and_then(usage::tree_bytes).unwrap_or(0);
            Some(self.peak_bytes.fetch_max(now, Ordering::Relaxed).max(now)).filter(|bytes| *bytes > 0)
        });
        // The kernel counts files in /tmp and cached files too.
        peak.map(|bytes| bytes.min(self.limit_bytes.load(Ordering::Relaxed)))
    }

    fn look(&self, process: impl Fn() -> Option<i32>) -> Look {
        let limit = self.limit_bytes.load(Ordering::Relaxed);
        match self.cgroup.memory_usage(limit) {
            Some(usage) => judge(usage, limit),
            None => {
                let bytes = process().and_then(usage::tree_bytes).unwrap_or(0);
                self.peak_bytes.fetch_max(bytes, Ordering::Relaxed);
                if bytes > limit { Look::Exceeded } else { Look::Again(POLL) }
            }
        }
    }
}

fn judge(usage: Usage, limit_bytes: u64) -> Look {
    if usage.total_bytes < limit_bytes {
        return Look::Calm;
    }
    match limit_bytes.checked_sub(usage.private_bytes) {
        None => Look::Exceeded,
        Some(left) => {
            let filled = Duration::from_micros(left / FILL_BYTES_PER_MICROSECOND);
            Look::Again(filled.clamp(CLOSE_POLL_MIN, CLOSE_POLL_MAX))
        }
    }
}

/// Waits for an alarm and takes it.
async fn raised(alarm: &AsyncFd<OwnedFd>) {
    let Ok(mut ready) = alarm.readable().await else { return };
    let mut count = [0; 8];
    // Whether there was an alarm to take or not, the caller looks.
    let _ = nix::unistd::read(alarm.get_ref(), &mut count);
    ready.clear_ready();
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEBIBYTE: u64 = 1 << 20;

    #[track_caller]
    fn check(total: u64, private: u64, expected: Look) {
        let usage = Usage { total_bytes: total * MEBIBYTE, private_bytes: private * MEBIBYTE };
        assert_eq!(judge(usage, 128 * MEBIBYTE), expected);
    }

    #[test]
    fn only_private_memory_counts() {
        check(100, 100, Look::Calm);
        check(500, 10, Look::Again(CLOSE_POLL_MAX));
        check(500, 129, Look::Exceeded);
    }

    #[test]
    fn the_closer_the_sooner() {
        check(128, 128, Look::Again(CLOSE_POLL_MIN));
        check(130, 118, Look::Again(Duration::from_micros(10 * MEBIBYTE / FILL_BYTES_PER_MICROSECOND)));
    }
}
