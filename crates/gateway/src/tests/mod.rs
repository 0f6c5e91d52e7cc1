//! The gateway at the wire: real connections, real models, and services made for the tests.

mod api;
mod connections;
pub(crate) mod identities;
mod identity;
mod keys;
mod sites;
mod stage;
mod uploads;
