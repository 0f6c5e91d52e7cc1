//! Operations from input text to output text, in process, over memory and a clock that stands still.

mod configurations;
mod lifecycle;
mod notifications;
mod objects;

use service::Mounted;
use testkit::Cloud;

use crate::{DEFINITION, S3};

fn cloud() -> Cloud {
    Cloud::new(|_| {
        vec![Box::new(Mounted {
            definition: &DEFINITION,
            service: std::sync::Arc::new(S3::without_workers()),
        })]
    })
}

#[test]
fn structs_fit_the_model() {
    if let Err(wrong) = service::honesty::check(&DEFINITION) {
        panic!("{wrong}");
    }
}
