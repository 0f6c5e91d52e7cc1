//! How long the hot requests take on the wire: `cargo bench -p wire`.
//!
//! Prints microseconds a call, the best of several rounds, since other work on the machine only adds.
#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use wire::{Document, Model, Request};

const ROUNDS: usize = 15;
const CALLS_A_ROUND: u32 = 2_000;

fn main() {
    for name in ["lambda", "s3", "dynamodb", "glue", "ec2"] {
        let started = Instant::now();
        black_box(wire::model(name));
        println!("read the model of {name:<10} {:>9.2} ms", started.elapsed().as_secs_f64() * 1e3);
    }

    let lambda = wire::model("lambda").expect("embedded");
    let payload = Bytes::from(format!("{{\"text\":\"{}\"}}", "x".repeat(1000)));
    let headers = HeaderMap::new();
    let invoke = Request {
        method: &Method::POST,
        path: "/2015-03-31/functions/hello/invocations",
        query: "",
        headers: &headers,
        body: payload.clone(),
    };
    let invoked = Document::map([("StatusCode", Document::Int(200)), ("Payload", Document::Blob(payload))]);
    measure("lambda Invoke, 1 KB", lambda, &invoke, &invoked);

    let dynamodb = wire::model("dynamodb").expect("embedded");
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-target", HeaderValue::from_static("DynamoDB_20120810.PutItem"));
    headers.insert("content-type", HeaderValue::from_static("application/x-amz-json-1.0"));
    let item = r#"{"TableName":"users","Item":{"id":{"S":"42"},"name":{"S":"Ada"},"age":{"N":"36"},"tags":{"SS":["a","b"]},"seen":{"BOOL":true}}}"#;
    let put =
        Request { method: &Method::POST, path: "/", query: "", headers: &headers, body: Bytes::from(item) };
    measure("dynamodb PutItem, 5 attributes", dynamodb, &put, &Document::Null);

    let s3 = wire::model("s3").expect("embedded");
    let headers = HeaderMap::new();
    let put = Request {
        method: &Method::PUT,
        path: "/bucket/key",
        query: "",
        headers: &headers,
        body: Bytes::new(),
    };
    measure(
        "s3 PutObject",
        s3,
        &put,
        &Document::map([("ETag", "\"d41d8cd98f00b204e9800998ecf8427e\"".into())]),
    );
}

fn measure(what: &str, model: &Model, request: &Request<'_>, output: &Document) {
    let protocol = wire::protocol_of(model, request).expect("the request is valid");
    let operation = wire::operation_of(model, protocol, request).expect("the request is valid");
    let input = wire::decode(model, operation, protocol, request).expect("the request is valid");
    let route = best(|| drop(black_box(wire::operation_of(model, protocol, request))));
    let decode = best(|| drop(black_box(wire::decode(model, operation, protocol, request))));
    let check = best(|| drop(black_box(wire::validate(model, operation, &input))));
    let encode = best(|| drop(black_box(wire::encode(model, operation, protocol, output, "request-id"))));
    println!(
        "{what:<32} route {route:>6.2} us  decode {decode:>6.2} us  validate {check:>6.2} us  encode {encode:>6.2} us"
    );
}

fn best(mut call: impl FnMut()) -> f64 {
    let rounds = (0..ROUNDS).map(|_| {
        let started = Instant::now();
        (0..CALLS_A_ROUND).for_each(|_| call());
        started.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS_A_ROUND)
    });
    rounds.fold(f64::INFINITY, f64::min)
}
