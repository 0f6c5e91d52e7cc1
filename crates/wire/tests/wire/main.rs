//! Tests of the whole crate through its public functions.

mod fuzz;
mod inputs;
mod operations;
mod outputs;
mod vectors;
