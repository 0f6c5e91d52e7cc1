//! Tests of the whole crate through its public functions.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a test says what it skipped and what differs")]

mod bridge;
mod fuzz;
mod inputs;
mod operations;
mod outputs;
mod vectors;
