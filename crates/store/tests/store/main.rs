//! What every engine must do, what the embedded one must survive, and blobs.

#![allow(clippy::unwrap_used, reason = "in a test it is an assertion")]

mod backup;
mod blobs;
mod contract;
mod crash;
mod damage;
mod disk;
mod durability;
mod faults;
mod fixture;
mod histories;
mod power;
mod torn;
