//! One file a command.

pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod demo;
pub(crate) mod deploy;
pub(crate) mod dev;
pub(crate) mod doctor;
pub(crate) mod invoke;
pub(crate) mod keys;
pub(crate) mod logs;
pub(crate) mod ls;
pub(crate) mod operations;
pub(crate) mod reset;
pub(crate) mod rm;
pub(crate) mod runtimes;
pub(crate) mod up;
pub(crate) mod verify;
