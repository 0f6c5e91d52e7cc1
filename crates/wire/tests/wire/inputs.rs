//! Requests: every published serialization must be routed and decoded to the parameters it was made of.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use wire::{Document, Location, Model, Protocol, Request};

use crate::vectors::{self, Case, Serialized, Suite, same, structure_from_json};

/// Cases that cannot decode to their parameters, each with the reason.
const KNOWN: &[(&str, &str)] = &[
    ("ec2/SDKAppliedContentEncoding_ec2Query", NO_BODY),
    ("ec2/SDKAppendsGzipAndIgnoresHttpProvidedEncoding_ec2Query", NO_BODY),
    ("json/SDKAppliedContentEncoding_awsJson1_1", NO_BODY),
    ("json/SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_1", NO_BODY),
    ("json_1_0/SDKAppliedContentEncoding_awsJson1_0", NO_BODY),
    ("json_1_0/SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_0", NO_BODY),
    ("query/SDKAppliedContentEncoding_awsQuery", NO_BODY),
    ("query/SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsQuery", NO_BODY),
    ("rest-json/SDKAppliedContentEncoding_restJson1", NO_BODY),
    ("rest-json/SDKAppendedGzipAfterProvidedEncoding_restJson1", NO_BODY),
    ("rest-xml/SDKAppliedContentEncoding_restXml", NO_BODY),
    ("rest-xml/SDKAppendedGzipAfterProvidedEncoding_restXml", NO_BODY),
    ("json_1_0/AwsJson10EndpointTrait", NO_TARGET),
    ("json_1_0/AwsJson10EndpointTraitWithHostLabel", NO_TARGET),
    ("json_1_0/AwsJson10HostWithPath", NO_TARGET),
    ("rest-json/RestJsonHostWithPath", "the client's endpoint puts `/custom` before the path"),
    ("ec2/Ec2EmptyQueryLists", EMPTY),
    ("query/QueryEmptyQueryMaps", EMPTY),
    ("rest-json/RestJsonHttpPrefixHeadersAreNotPresent", EMPTY),
    ("rest-json/RestJsonNullAndEmptyHeaders", EMPTY),
    ("rest-json/RestJsonOmitsEmptyListQueryValues", EMPTY),
    ("rest-xml/HttpPrefixHeadersAreNotPresent", EMPTY),
    ("rest-xml/NullAndEmptyHeaders", EMPTY),
    ("rest-json/RestJsonHttpWithEmptyStructurePayload", EMPTY_STRUCTURE),
    ("rest-json/RestJsonHttpWithHeadersButNoPayload", EMPTY_STRUCTURE),
    ("rest-json/RestJsonQueryPrecedence", OVERRIDDEN),
    ("rest-xml/RestXmlQueryPrecedence", OVERRIDDEN),
    ("rest-json/MediaTypeHeaderInputBase64", "the header's JSON value is decoded, the case keeps its text"),
];

const NO_BODY: &str = "the compressed body, and with it the operation's name, is not published";
const NO_TARGET: &str = "the case is about the host and publishes no X-Amz-Target";
const EMPTY: &str = "an empty list, map or text leaves no trace in the request";
const EMPTY_STRUCTURE: &str = "an absent structure is sent as `{}`, just as an empty one";
const OVERRIDDEN: &str = "the parameter of a member replaced that of the map in the request";

/// What a client puts where an idempotency token is missing, by the vectors' convention.
const FILLED_TOKEN: &str = "00000000-0000-4000-8000-000000000000";

#[test]
fn every_published_request_decodes_to_its_parameters() {
    let Some(folder) = vectors::folder() else { return };
    let mut failures = Vec::new();
    let mut total = 0;
    for (file, suites) in vectors::suites(&folder.join("input")) {
        for suite in &suites {
            let model = suite.model();
            for case in &suite.cases {
                total += 1;
                if let Err(reason) = check(suite, &model, case) {
                    failures.push((format!("{file}/{}", case.id), reason));
                }
            }
        }
    }
    assert!(total > 350, "only {total} cases were found");
    vectors::settle(&failures, KNOWN, total);
}

fn check(suite: &Suite, model: &Model, case: &Case) -> Result<(), String> {
    let serialized = case.serialized.as_ref().unwrap();
    let method: Method = serialized.method.parse().unwrap();
    let (path, query) = serialized.uri.split_once('?').unwrap_or((&serialized.uri, ""));
    let headers = headers(serialized);
    let request =
        Request { method: &method, path, query, headers: &headers, body: body(suite.protocol(), serialized) };

    let protocol = wire::protocol_of(model, &request).map_err(|error| error.to_string())?;
    if protocol != suite.protocol() {
        return Err(format!("taken for {protocol:?}"));
    }
    let operation = wire::operation_of(model, protocol, &request).map_err(|error| error.to_string())?;
    if operation.name() != case.operation() {
        return Err(format!("routed to {}", operation.name()));
    }
    let decoded = wire::decode(model, operation, protocol, &request).map_err(|error| error.to_string())?;
    let expected = match operation.input() {
        Some(shape) => structure_from_json(model, shape, &case.params),
        None => Document::map::<&str, 0>([]),
    };
    let (decoded, expected) = (without_streams(model, case, decoded), without_streams(model, case, expected));
    let expected = without_nulls(expected);
    let decoded = without_additions(model, case, decoded, &expected);
    if same(&decoded, &expected) {
        Ok(())
    } else {
        Err(format!("decoded {decoded:?}\n    expected {expected:?}"))
    }
}

fn headers(serialized: &Serialized) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in &serialized.headers {
        headers
            .append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn body(protocol: Protocol, serialized: &Serialized) -> Bytes {
    let body = serialized.body.clone().unwrap_or_default();
    match protocol {
        Protocol::RpcV2Cbor => STANDARD.decode(body).unwrap().into(),
        _ => body.into(),
    }
}

/// A streaming body is the caller's to read.
fn without_streams(model: &Model, case: &Case, document: Document) -> Document {
    match (model.operation(case.operation()).unwrap().streaming_input(), document) {
        (Some(stream), Document::Map(mut members)) => {
            members.shift_remove(stream);
            Document::Map(members)
        }
        (_, document) => document,
    }
}

/// Takes out what a client adds though nobody gave it: tokens, and in a map of all query parameters
/// those that belong to other members.
fn without_additions(model: &Model, case: &Case, decoded: Document, expected: &Document) -> Document {
    let Some(shape) = model.operation(case.operation()).unwrap().input() else { return decoded };
    let Document::Map(mut members) = decoded else { panic!("an input is a map") };
    let structure = model.shape(shape).structure().unwrap();
    let bound = structure.members().map(|member| member.wire_name()).collect::<Vec<_>>();
    members.retain(|name, value| {
        let member = structure.member(name).unwrap();
        let given = expected.get(name);
        if member.is_idempotency_token() && given.is_none() && value.as_str() == Some(FILLED_TOKEN) {
            return false;
        }
        let takes_all = member.location() == Location::Query
            && matches!(model.shape(member.shape()).kind(), wire::Kind::Map(_));
        if let (true, Document::Map(entries)) = (takes_all, value) {
            let is_given = |key: &str| given.is_some_and(|given| given.get(key).is_some());
            entries.retain(|key, _| is_given(key) || !bound.contains(&key.as_str()));
            return given.is_some() || !entries.is_empty();
        }
        true
    });
    Document::Map(members)
}

/// A member that is null is one that is not given.
fn without_nulls(document: Document) -> Document {
    match document {
        Document::Map(mut members) => {
            members.retain(|_, value| !value.is_null());
            Document::Map(members)
        }
        document => document,
    }
}
