//! Operations from input text to output text.

mod create_table;
mod indexes;
mod items;
mod partiql;
mod transactions;

use std::sync::Arc;

use service::{AnyService, Mounted};
use testkit::Cloud;

use crate::{DEFINITION, DynamoDb, DynamoDbStreams, STREAMS_DEFINITION};

fn cloud() -> Cloud {
    Cloud::new(|_| {
        let dynamodb: Box<dyn AnyService> =
            Box::new(Mounted { definition: &DEFINITION, service: Arc::new(DynamoDb::without_workers()) });
        let streams: Box<dyn AnyService> =
            Box::new(Mounted { definition: &STREAMS_DEFINITION, service: Arc::new(DynamoDbStreams) });
        vec![dynamodb, streams]
    })
}

#[test]
fn structs_fit_the_models() {
    for wrong in [service::honesty::check(&DEFINITION), service::honesty::check(&STREAMS_DEFINITION)] {
        if let Err(wrong) = wrong {
            panic!("{wrong}");
        }
    }
}
