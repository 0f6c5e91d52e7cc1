//! Nothing a client sends may panic, and what is refused is refused as the client's mistake.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use proptest::prelude::*;
use wire::{Document, Request};

/// Service, method, path and query, headers, body.
type Seed = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)], &'static str);

/// A valid request of each protocol and of each place a member may travel in.
const SEEDS: &[Seed] = &[
    (
        "dynamodb",
        "POST",
        "/",
        &[("x-amz-target", "DynamoDB_20120810.PutItem"), ("content-type", "application/x-amz-json-1.0")],
        r#"{"TableName":"t","Item":{"a":{"S":"x\u00e9"},"b":{"B":"AAEC"},"c":{"L":[{"N":"1"},{"M":{"d":{"BOOL":true}}}]}}}"#,
    ),
    (
        "lambda",
        "POST",
        "/2015-03-31/functions",
        &[("content-type", "application/json")],
        r#"{"FunctionName":"f","Code":{"ZipFile":"UEsDBA=="},"Timeout":3,"Environment":{"Variables":{"A":"b"}},"Layers":["l"]}"#,
    ),
    (
        "sqs",
        "POST",
        "/?Action=SendMessage",
        &[("content-type", "application/x-www-form-urlencoded")],
        "QueueUrl=q&MessageBody=%20b&MessageAttribute.1.Name=n&MessageAttribute.1.Value.BinaryValue=AAEC&DelaySeconds=5",
    ),
    (
        "iam",
        "POST",
        "/",
        &[("content-type", "application/x-www-form-urlencoded")],
        "Action=CreateRole&RoleName=r&AssumeRolePolicyDocument=%7B%7D&Tags.member.1.Key=k&Tags.member.1.Value=v&Tags.member.2.Key=l",
    ),
    (
        "ec2",
        "POST",
        "/",
        &[("content-type", "application/x-www-form-urlencoded")],
        "Action=RunInstances&MinCount=1&MaxCount=2&SecurityGroupId.1=a&TagSpecification.1.Tag.1.Key=k&DryRun=true",
    ),
    (
        "s3",
        "PUT",
        "/bucket?lifecycle",
        &[("x-amz-expected-bucket-owner", "000000000000")],
        "<LifecycleConfiguration xmlns=\"u\"><Rule><ID>a&amp;b</ID><Filter><Prefix>p</Prefix></Filter><Status>Enabled</Status>\
         <Expiration><Date>2024-01-01T00:00:00Z</Date></Expiration></Rule><Rule><Status>Disabled</Status></Rule></LifecycleConfiguration>",
    ),
    (
        "s3",
        "GET",
        "/bucket/a%2Fb/c?versionId=v&partNumber=3&response-expires=Tue%2C%2029%20Apr%202014%2018%3A30%3A38%20GMT",
        &[("if-modified-since", "Tue, 29 Apr 2014 18:30:38 GMT"), ("range", "bytes=0-9")],
        "",
    ),
    (
        "s3",
        "GET",
        "/bucket/key?attributes",
        &[("x-amz-object-attributes", "ETag, \"Checksum\",ObjectSize")],
        "",
    ),
    (
        "iot-data",
        "POST",
        "/topics/a%2Fb?qos=1&retain=true",
        &[("x-amz-mqtt5-user-properties", "W3siYSI6ImIifV0="), ("x-amz-mqtt5-message-expiry", "5")],
        "payload",
    ),
    (
        "cloudwatch",
        "POST",
        "/service/GraniteServiceVersion20100801/operation/PutMetricData",
        &[("smithy-protocol", "rpc-v2-cbor"), ("content-type", "application/cbor")],
        "\u{2}",
    ),
];

/// `{"Namespace": "n", "MetricData": [{"MetricName": "m", "Value": 1.5, "Timestamp": 1(0), "Values": [_ 1.0]}]}`
const CBOR: &[u8] = b"\xa2\x69Namespace\x61n\x6aMetricData\x81\xa4\x6aMetricName\x61m\x65Value\xf9\x3e\x00\x69Timestamp\xc1\x00\
    \x66Values\x9f\xf9\x3c\x00\xff";

struct Sent {
    service: &'static str,
    method: Method,
    uri: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

fn seed(index: usize) -> Sent {
    let (service, method, uri, headers, body) = SEEDS[index];
    let headers = headers
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect();
    let body = if body == "\u{2}" { CBOR.to_vec() } else { body.as_bytes().to_vec() };
    Sent { service, method: method.parse().unwrap(), uri: uri.to_owned(), headers, body }
}

/// Runs a request through everything there is; answers whether it was understood.
fn run(sent: &Sent) -> bool {
    let model = wire::model(sent.service).unwrap();
    let (path, query) = sent.uri.split_once('?').unwrap_or((&sent.uri, ""));
    let body = Bytes::copy_from_slice(&sent.body);
    let request = Request { method: &sent.method, path, query, headers: &sent.headers, body };
    let Ok(protocol) = wire::protocol_of(model, &request) else { return false };
    let operation = match wire::operation_of(model, protocol, &request) {
        Ok(operation) => operation,
        Err(error) => {
            assert!((400..500).contains(&error.status));
            let reply = wire::encode_error(Some(model), None, protocol, &error.into(), "id");
            assert!((400..500).contains(&reply.status));
            return false;
        }
    };
    match wire::decode(model, operation, protocol, &request) {
        Ok(input) => {
            assert!(matches!(input, Document::Map(_)));
            if let Err(violations) = wire::validate(model, operation, &input) {
                assert!(violations.to_string().contains("validation error"));
            }
            true
        }
        Err(error) => {
            assert_eq!(error.status, 400);
            let reply = wire::encode_error(Some(model), Some(operation), protocol, &error.into(), "id");
            assert_eq!(reply.status, 400);
            false
        }
    }
}

/// Changes, inserts, removes, doubles or cuts off bytes.
fn mutate(bytes: &mut Vec<u8>, mutations: &[(prop::sample::Index, u8, u8)]) {
    const TOKENS: [&[u8]; 12] =
        [b"null", b"[", b"{", b"\"", b"<a>", b"]]>", b"&#x", b"%", b".1.", b"\xff", b"\\u", b"-9e99"];
    for (position, kind, byte) in mutations {
        let at = position.index(bytes.len() + 1);
        match kind % 6 {
            0 if at < bytes.len() => bytes[at] = *byte,
            1 => bytes.insert(at, *byte),
            2 if at < bytes.len() => drop(bytes.remove(at)),
            3 => {
                bytes.splice(at..at, TOKENS[usize::from(*byte) % TOKENS.len()].iter().copied());
            }
            4 => bytes.truncate(at),
            5 if bytes.len() < 4096 => bytes.extend_from_within(at..),
            _ => {}
        }
    }
}

fn mutations() -> impl Strategy<Value = Vec<(prop::sample::Index, u8, u8)>> {
    prop::collection::vec(any::<(prop::sample::Index, u8, u8)>(), 1..6)
}

#[test]
fn every_seed_is_understood() {
    for (index, text) in SEEDS.iter().enumerate() {
        assert!(run(&seed(index)), "{text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_bodies_never_panic(index in 0..SEEDS.len(), mutations in mutations()) {
        let mut sent = seed(index);
        mutate(&mut sent.body, &mutations);
        run(&sent);
    }

    #[test]
    fn changed_paths_and_queries_never_panic(index in 0..SEEDS.len(), mutations in mutations()) {
        let mut sent = seed(index);
        let mut uri = std::mem::take(&mut sent.uri).into_bytes();
        mutate(&mut uri, &mutations);
        sent.uri = String::from_utf8_lossy(&uri).into_owned();
        run(&sent);
    }

    #[test]
    fn changed_headers_never_panic(index in 0..SEEDS.len(), header in 0_usize..2, mutations in mutations()) {
        let mut sent = seed(index);
        if let Some(name) = sent.headers.keys().nth(header).cloned() {
            let mut value = sent.headers[&name].as_bytes().to_vec();
            mutate(&mut value, &mutations);
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                sent.headers.insert(name, value);
            }
        }
        run(&sent);
    }

    #[test]
    fn random_bodies_never_panic(index in 0..SEEDS.len(), body in prop::collection::vec(any::<u8>(), 0..200)) {
        let sent = Sent { body, ..seed(index) };
        run(&sent);
    }
}
