//! What is done about the pool in the background: idle workers end, spares are started.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::function::RuntimeKind;
use crate::policy::{self, SPARE_FAILURES_MAX};
use crate::pool::{Pool, SpareKind};
use crate::preload::Preload;
use crate::workers::{Shared, unpoisoned};

/// Stands for the spares among the functions that wait for a turn to start a process.
const SPARES: &str = "";

/// Ends workers that nobody has called for a while, and sooner when the machine's memory becomes short.
pub(crate) async fn expire(pool: Pool, keep_alive: Duration) -> anyhow::Result<()> {
    let mut ticks = tokio::time::interval(policy::expiry_interval(keep_alive));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        pool.expire(Instant::now(), keep_alive);
        // A file of the kernel: read in microseconds.
        let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        if policy::is_memory_short(&memory) {
            let ended = pool.shrink();
            if ended > 0 {
                tracing::info!(ended, "memory is short: idle workers are ended");
            }
        }
    }
}

/// Keeps the generic workers at their number.
pub(crate) async fn refill(shared: std::sync::Weak<Shared>) -> anyhow::Result<()> {
    {
        let Some(shared) = shared.upgrade() else { return Ok(()) };
        let families = [
            (RuntimeKind::Node, shared.config.node_spares),
            (RuntimeKind::Python, shared.config.python_spares),
        ];
        for (kind, spares) in families {
            if spares > 0
                && let Some(newest) = shared.catalogue.newest(kind).await
            {
                let mut wanted = unpoisoned(&shared.wanted);
                for preload in policy::PRELOADED_FROM_THE_START {
                    let kind = SpareKind { interpreter: newest.clone(), preload: *preload };
                    let fits = preload.kind().is_none_or(|family| family == newest.kind);
                    let is_there =
                        *preload == Preload::Nothing || preload.is_installed(&shared.starter.platform_dir);
                    if fits && is_there && !wanted.contains(&kind) {
                        wanted.push(kind);
                    }
                }
            }
        }
    }
    let mut failures = 0;
    loop {
        let Some(shared) = shared.upgrade() else { return Ok(()) };
        let wanted = unpoisoned(&shared.wanted).clone();
        // What was used last first: it is the likeliest to be used next.
        let short = wanted
            .into_iter()
            .rev()
            .find(|kind| shared.pool.spares_of(kind) < shared.config.spares(kind.interpreter.kind));
        match short {
            Some(kind) if failures < SPARE_FAILURES_MAX => {
                match shared.starter.generic(&kind, shared.boots.turn(SPARES).await).await {
                    Ok(worker) => {
                        failures = 0;
                        shared.pool.add_spare(&kind, worker);
                    }
                    Err(error) => {
                        failures += 1;
                        tracing::warn!(program = %kind.interpreter.program.display(), error = format!("{error:#}"), "a spare worker did not start");
                    }
                }
            }
            _ => {
                failures = 0;
                let needed = Arc::clone(&shared.refill);
                drop(shared);
                needed.notified().await;
            }
        }
    }
}
