//! The gateway at the wire: real connections, real models, and services made for the tests.

mod api;
mod connections;
mod identity;
mod sites;
mod stage;
mod uploads;
