//! CloudTrail: who did what, and what was decided about it.
//!
//! * Every decision of the platform's authorizer passes through [`Recording`], which notes it in a [`Trail`] and never
//!   waits: notes are written once a second in the background. A crash loses the notes of about a second; the call
//!   that a note is about may have happened.
//! * Notes are kept in batches, a ring of them for each account and region: when it is full the oldest batch goes. They
//!   are shown for ninety days.
//! * What a trail cannot take in, because too much happens at once, it counts; the count is noted too.
//!
//! This crate must not know HTTP, signatures, how decisions are made or any other service.

mod batch;
mod call;
mod error;
mod event;
mod ops;
mod recording;
mod tables;
#[cfg(test)]
mod tests;
mod trail;

use std::sync::Arc;

use service::{Definition, operations};

pub use recording::Recording;
pub use trail::{Scrutiny, Trail};

/// The service: it reads what the trail holds.
pub struct CloudTrail {
    trail: Arc<Trail>,
}

impl CloudTrail {
    pub fn new(trail: Arc<Trail>) -> Self {
        CloudTrail { trail }
    }
}

/// The operations of CloudTrail.
pub static DEFINITION: Definition<CloudTrail> = Definition {
    name: "cloudtrail",
    action_prefix: "cloudtrail",
    operations: operations![ops::LookupEvents],
    internal: &[],
    reset: |service, _, account| {
        service.trail.forget(account);
        Box::pin(std::future::ready(Ok(())))
    },
};
