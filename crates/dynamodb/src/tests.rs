//! Operations from input text to output text.

mod background;
mod backups;
mod create_table;
mod indexes;
mod items;
mod partiql;
mod settings;
mod streams;
mod transactions;

use std::sync::Arc;

use service::{AnyService, Mounted};
use testkit::Cloud;

use crate::{DEFINITION, DynamoDb, DynamoDbStreams, STREAMS_DEFINITION};

fn cloud() -> Cloud {
    cloud_and_service().0
}

/// With the service, for the workers that tests run by hand.
fn cloud_and_service() -> (Cloud, DynamoDb) {
    let service = DynamoDb::without_workers();
    let cloud = Cloud::new(|_| {
        let dynamodb: Box<dyn AnyService> =
            Box::new(Mounted { definition: &DEFINITION, service: Arc::new(service.clone()) });
        let streams: Box<dyn AnyService> =
            Box::new(Mounted { definition: &STREAMS_DEFINITION, service: Arc::new(DynamoDbStreams) });
        vec![dynamodb, streams]
    });
    (cloud, service)
}

#[test]
fn structs_fit_the_models() {
    for wrong in [service::honesty::check(&DEFINITION), service::honesty::check(&STREAMS_DEFINITION)] {
        if let Err(wrong) = wrong {
            panic!("{wrong}");
        }
    }
}

/// Creates an on-demand table with the key `pk` and what else is given.
async fn create(cloud: &Cloud, name: &str, more: &str) {
    let request = format!(
        r#"CreateTable {{"TableName": "{name}", "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{{"AttributeName": "pk", "AttributeType": "S"}}],
            "KeySchema": [{{"AttributeName": "pk", "KeyType": "HASH"}}]{more}}}"#
    );
    let answer = cloud.text("dynamodb", &request).await;
    assert!(answer.contains("TableDescription"), "{answer}");
}

/// Each answer on a line of its own, without the blanks of its JSON.
async fn answers(cloud: &Cloud, requests: &[&str]) -> String {
    let mut text = String::new();
    for request in requests {
        let answer = cloud.text("dynamodb", request).await;
        let lines: Vec<&str> = answer.lines().map(str::trim).collect();
        text += &lines.join(" ");
        text.push('\n');
    }
    text
}
