//! Sandboxes, tried with hostile programs: scripts of `/bin/sh` and Python that look for a way out.
//!
//! Every test runs in the namespace tier of whoever runs it; `ordinary_user` runs all of them once
//! more without root.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod ahead;
mod files;
mod life;
mod limits;
mod network;
mod ordinary_user;
mod powers;
mod process_tier;
mod speed;
mod support;

/// Lets this test program be a spawner: a server starts its own program again to get one, and here the
/// test harness owns `main`.
#[used]
#[unsafe(link_section = ".init_array")]
static BE_A_SPAWNER_IF_ASKED: extern "C" fn() = be_a_spawner_if_asked;

extern "C" fn be_a_spawner_if_asked() {
    worker::run_spawner_if_asked();
}
