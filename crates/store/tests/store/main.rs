//! What every engine must do, what the embedded one must survive, and blobs.

#![allow(clippy::unwrap_used, reason = "in a test it is an assertion")]

mod blobs;
mod contract;
mod crash;
mod durability;
mod fixture;
mod histories;
