//! Responses: whatever we encode, botocore's parser must read back.
//!
//! The cases are encoded here and parsed by `parse_with_botocore.py`, run by the interpreter named
//! in `CLOUDLING_TEST_PYTHON` or else by `python3`.

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use wire::{Document, ErrorReply, Fault, Map};

use crate::vectors::{self, Case, Suite, structure_from_json};

/// Cases botocore does not read back as published, each with the reason.
const KNOWN: &[(&str, &str)] = &[
    ("ec2/Ec2XmlLists", ITEM_NAMES),
    ("query/QueryXmlLists", ITEM_NAMES),
    ("rest-xml/XmlLists", ITEM_NAMES),
    ("rest-json/RestJsonHttpPayloadTraitsWithNoBlobBody", EMPTY_BODY),
    ("rest-xml/HttpPayloadTraitsWithNoBlobBody", EMPTY_BODY),
    ("rest-json/RestJsonHttpPayloadWithUnsetUnion", EMPTY_BODY),
    ("rest-xml/RestXmlHttpPayloadWithUnsetUnion", EMPTY_BODY),
    ("rest-json/RestJsonInputAndOutputWithTimestampHeaders", HEADER_LISTS),
    ("rest-xml/InputAndOutputWithTimestampHeaders", HEADER_LISTS),
    ("rest-json/RestJsonInputAndOutputWithQuotedStringHeaders", HEADER_LISTS),
    ("rest-json/HttpPrefixHeadersResponse", "the prefix is empty, so the map takes our own headers too"),
    ("rest-xml/BodyWithXmlName", "botocore takes the name of a structure for that of its member"),
];

const ITEM_NAMES: &str =
    "botocore looks for a flattened list under its items' name, which two lists share here";
const EMPTY_BODY: &str = "botocore reads an empty body as a value";
const HEADER_LISTS: &str = "botocore splits header lists at every comma, inside of dates and quotes too";

const REQUEST_ID: &str = "9d2b6ad2-52c1-4a4a-8c31-0d4d7a5f3b6e";

#[test]
fn every_published_result_is_read_back_by_botocore() {
    let Some(folder) = vectors::folder() else { return };
    let Some(python) = python() else { return };
    let mut failures = Vec::new();
    let mut encoded = Vec::new();
    for (file, suites) in vectors::suites(&folder.join("output")) {
        for (index, suite) in suites.iter().enumerate() {
            let model = suite.model();
            for (position, case) in suite.cases.iter().enumerate() {
                let id = format!("{file}/{}", case.id);
                match encode(suite, &model, case) {
                    Ok(response) => encoded.push(json!({
                        "id": id, "file": file, "suite": index, "case": position, "response": response,
                    })),
                    Err(reason) => failures.push((id, reason)),
                }
            }
        }
    }
    let total = encoded.len() + failures.len();
    assert!(total > 350, "only {total} cases were found");
    let differences = parse(&python, &folder, &Value::Array(encoded));
    failures.extend(differences);
    vectors::settle(&failures, KNOWN, total);
}

fn encode(suite: &Suite, model: &wire::Model, case: &Case) -> Result<Value, String> {
    let protocol = suite.protocol();
    let operation = model.operation(case.operation()).unwrap();
    let expected_status = case.response.as_ref().unwrap().status_code;
    let response = match &case.error_code {
        Some(code) => {
            let members = error_members(model, case);
            let reply = ErrorReply {
                members,
                // Where the published status is not the model's, the service would state it.
                status: Some(expected_status),
                ..ErrorReply::new(code, message(case), Fault::Client)
            };
            wire::encode_error(Some(model), Some(operation), protocol, &reply, REQUEST_ID)
        }
        None => {
            let output = match operation.output() {
                Some(shape) => structure_from_json(model, shape, case.result.as_ref().unwrap()),
                None => Document::Null,
            };
            let mut response =
                wire::encode(model, operation, protocol, &output, REQUEST_ID).map_err(|e| e.to_string())?;
            // The caller fills a stream.
            if let wire::StreamingOutput::Blob(member) = operation.streaming_output()
                && let Some(Document::Blob(bytes)) = output.get(member)
            {
                response.body = bytes.clone();
            }
            response
        }
    };
    if response.status != expected_status {
        return Err(format!("answered {}, expected {expected_status}", response.status));
    }
    let headers: serde_json::Map<String, Value> = response
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().into()))
        .collect();
    Ok(json!({"status_code": response.status, "headers": headers, "body": STANDARD.encode(&response.body)}))
}

fn message(case: &Case) -> String {
    let in_error = |key: &str| case.error.as_ref()?.get(key)?.as_str().map(str::to_owned);
    case.error_message
        .clone()
        .or_else(|| in_error("message"))
        .or_else(|| in_error("Message"))
        .unwrap_or_default()
}

fn error_members(model: &wire::Model, case: &Case) -> Map {
    let known = case.error.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
    let rest = known.into_iter().filter(|(name, _)| !name.eq_ignore_ascii_case("message"));
    let rest = Value::Object(rest.collect());
    let shape = model
        .operation(case.operation())
        .unwrap()
        .errors()
        .iter()
        .find(|id| error_code(model, **id) == case.error_code);
    match shape.map(|id| structure_from_json(model, *id, &rest)) {
        Some(Document::Map(members)) => members,
        _ => Map::new(),
    }
}

fn error_code(model: &wire::Model, shape: wire::ShapeId) -> Option<String> {
    let shape = model.shape(shape);
    let facts = shape.structure()?.error()?;
    Some(facts.query_code.as_deref().unwrap_or(shape.name()).to_owned())
}

/// The interpreter that has botocore; without one the test says so and passes, unless one was promised.
fn python() -> Option<String> {
    let promised = std::env::var("CLOUDLING_TEST_PYTHON").ok();
    let python = promised.clone().unwrap_or_else(|| "python3".to_owned());
    let imports = Command::new(&python).args(["-c", "import botocore"]).output();
    if imports.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    assert!(promised.is_none(), "CLOUDLING_TEST_PYTHON names {python}, which cannot import botocore");
    eprintln!("SKIPPED: python3 has no botocore; set CLOUDLING_TEST_PYTHON");
    None
}

fn parse(python: &str, folder: &std::path::Path, encoded: &Value) -> Vec<(String, String)> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/parse_with_botocore.py");
    let mut child = Command::new(python)
        .arg(script)
        .arg(folder.join("output"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&serde_json::to_vec(encoded).unwrap()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the script failed");
    serde_json::from_slice(&output.stdout).unwrap()
}
