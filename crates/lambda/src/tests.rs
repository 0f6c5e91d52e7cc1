//! The service as its callers see it: requests in, answers out, over a cloud in memory.

mod aliases;
mod changes;
mod events;
mod functions;
mod invocations;
mod layers;
mod permissions;
mod provisioned;
mod sources;
mod stage;
mod urls;

use crate::DEFINITION;

#[test]
fn the_table_and_the_model_agree() {
    service::honesty::check(&DEFINITION).unwrap();
}
