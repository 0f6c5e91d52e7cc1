//! Functions of every kind of runtime, run for real in both tiers.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod custom;
mod extensions;
mod lifecycle;
mod network;
mod node;
mod preload;
mod python;
mod support;

/// Lets this test program be a spawner: the server starts its own program again to get one, and the test
/// harness owns `main`.
#[used]
#[unsafe(link_section = ".init_array")]
static BE_A_SPAWNER_IF_ASKED: extern "C" fn() = be_a_spawner_if_asked;

extern "C" fn be_a_spawner_if_asked() {
    worker::run_spawner_if_asked();
}
