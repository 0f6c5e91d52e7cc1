//! Runs functions: sandboxes, warm pools, runtime clients and the Runtime API.
//!
//! Knows no AWS service and no storage. A caller hands in a [`Function`] (code already unpacked
//! in a folder) and an [`Invocation`], and gets an [`Outcome`]; log lines go to a [`LogSink`].
//!
//! Between two calls a worker stands still, as a frozen environment of AWS: after
//! [`policy::REST_AFTER`] every process in its sandbox is stopped, and goes on with the next call.
//!
//! Call [`run_spawner_if_asked`] first thing in `main`: sandboxes are made by a small helper
//! process, which is this same program started again.

mod boots;
mod call;
mod channel;
mod clients;
mod config;
mod delivery;
mod environment;
mod event;
mod frame;
mod function;
mod invocation;
mod log;
mod log_format;
mod network;
mod output;
mod platform_event;
pub mod policy;
mod pool;
mod preload;
mod provision;
mod report;
mod rest;
mod runtime_api;
pub mod runtimes;
pub mod sandbox;
mod spawner;
mod starter;
mod upkeep;
mod worker;
mod workers;

pub use config::{Config, Endpoint};
pub use function::{Function, RuntimeKind};
pub use invocation::{
    Credentials, FunctionErrorKind, Invocation, InvokeFailure, Outcome, Reply, Report, ResponseMode,
    StreamPart,
};
pub use log::{LogLine, LogSink};
pub use log_format::{LogFormat, LogLevel};
pub use network::{EGRESS_VARIABLE, Egress, Entry, Internet, Network, NetworkConfig, NotAPolicy, Outside};
pub use policy::PoolConfig;
pub use pool::KeyCount;
pub use spawner::run_spawner_if_asked;
pub use workers::{Stats, Workers};
