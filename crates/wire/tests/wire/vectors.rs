//! The published protocol vectors, read as data.
//!
//! They lie beside the repository or where `CLOUDLING_VECTORS` says; without them the tests that need them say so and
//! pass.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use wire::{Document, Kind, Member, Model, Protocol, Timestamp};

/// One operation's cases, with the model they speak of.
#[derive(Deserialize)]
pub(crate) struct Suite {
    pub(crate) metadata: Value,
    pub(crate) shapes: Value,
    pub(crate) cases: Vec<Case>,
}

#[derive(Deserialize)]
pub(crate) struct Case {
    pub(crate) id: String,
    /// The operation in the model's form.
    pub(crate) given: Value,
    #[serde(default)]
    pub(crate) params: Value,
    pub(crate) serialized: Option<Serialized>,
    pub(crate) result: Option<Value>,
    pub(crate) error: Option<Value>,
    #[serde(rename = "errorCode")]
    pub(crate) error_code: Option<String>,
    #[serde(rename = "errorMessage")]
    pub(crate) error_message: Option<String>,
    pub(crate) response: Option<Response>,
}

/// The request a client makes of the parameters.
#[derive(Deserialize)]
pub(crate) struct Serialized {
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) body: Option<String>,
    #[serde(default)]
    pub(crate) headers: std::collections::BTreeMap<String, String>,
}

#[derive(Deserialize)]
pub(crate) struct Response {
    pub(crate) status_code: u16,
}

/// The folder of the vectors, if it is there.
pub(crate) fn folder() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let vectors = match std::env::var_os("CLOUDLING_VECTORS") {
        Some(folder) => root.join(folder),
        None => root.join("../shared/vectors"),
    };
    let protocols = vectors.join("protocols");
    if protocols.is_dir() {
        return Some(protocols);
    }
    eprintln!("SKIPPED: no protocol vectors at {}; set CLOUDLING_VECTORS", protocols.display());
    None
}

/// The suites of every file in a subfolder (`input`, `output`), by the file's name.
pub(crate) fn suites(folder: &Path) -> Vec<(String, Vec<Suite>)> {
    let mut files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    files.sort();
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    files
        .iter()
        .map(|path| (name(path), serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()))
        .collect()
}

impl Suite {
    /// The model of the suite, with the operations of all its cases.
    pub(crate) fn model(&self) -> Model {
        let operations: serde_json::Map<String, Value> =
            self.cases.iter().map(|case| (case.operation().to_owned(), case.given.clone())).collect();
        let model = json!({"metadata": self.metadata, "operations": operations, "shapes": self.shapes});
        Model::parse_json(&serde_json::to_vec(&model).unwrap()).unwrap()
    }

    pub(crate) fn protocol(&self) -> Protocol {
        match (self.metadata["protocol"].as_str().unwrap(), self.metadata["jsonVersion"].as_str()) {
            ("json", Some("1.0")) => Protocol::AwsJson10,
            ("json", _) => Protocol::AwsJson11,
            ("query", _) => Protocol::Query,
            ("ec2", _) => Protocol::Ec2Query,
            ("rest-json", _) => Protocol::RestJson,
            ("rest-xml", _) => Protocol::RestXml,
            ("smithy-rpc-v2-cbor", _) => Protocol::RpcV2Cbor,
            (other, _) => panic!("unknown protocol {other}"),
        }
    }
}

impl Case {
    pub(crate) fn operation(&self) -> &str {
        self.given["name"].as_str().unwrap()
    }
}

/// The vectors' JSON as a document: they write blobs as text and times as epoch seconds.
pub(crate) fn structure_from_json(model: &Model, shape: wire::ShapeId, value: &Value) -> Document {
    let structure = model.shape(shape).structure().unwrap();
    if structure.is_document() {
        return Document::from_json(value);
    }
    let entries = value.as_object().unwrap().iter().map(|(name, value)| {
        let member = structure.member(name).unwrap_or_else(|| panic!("no member {name}"));
        (name.clone(), value_from_json(model, member, value))
    });
    Document::Map(entries.collect())
}

fn value_from_json(model: &Model, member: &Member, value: &Value) -> Document {
    if value.is_null() {
        return Document::Null;
    }
    match model.shape(member.shape()).kind() {
        Kind::Structure(_) => structure_from_json(model, member.shape(), value),
        Kind::List(item) => Document::List(
            value.as_array().unwrap().iter().map(|value| value_from_json(model, item, value)).collect(),
        ),
        Kind::Map(entry) => {
            let entries = value.as_object().unwrap().iter();
            Document::Map(
                entries.map(|(key, value)| (key.clone(), value_from_json(model, &entry.1, value))).collect(),
            )
        }
        Kind::Blob => Document::Blob(Bytes::copy_from_slice(value.as_str().unwrap().as_bytes())),
        Kind::Timestamp => Document::Time(match value {
            Value::Number(number) => Timestamp::from_epoch_seconds(number.as_f64().unwrap()).unwrap(),
            other => Timestamp::parse_any(other.as_str().unwrap()).unwrap(),
        }),
        Kind::Float | Kind::Double => Document::Float(match value.as_str() {
            Some("NaN") => f64::NAN,
            Some("Infinity") => f64::INFINITY,
            Some("-Infinity") => f64::NEG_INFINITY,
            Some(other) => panic!("{other} is no number"),
            None => value.as_f64().unwrap(),
        }),
        // Members with a JSON value hold any value, where the shape says string.
        Kind::String | Kind::Boolean | Kind::Integer | Kind::Long => Document::from_json(value),
    }
}

/// Whether two documents are equal, with NaN equal to itself.
pub(crate) fn same(left: &Document, right: &Document) -> bool {
    match (left, right) {
        (Document::Float(left), Document::Float(right)) => left == right || (left.is_nan() && right.is_nan()),
        (Document::List(left), Document::List(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Document::Map(left), Document::Map(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, value)| right.get(key).is_some_and(|other| same(value, other)))
        }
        (left, right) => left == right,
    }
}

/// Compares the cases that failed with those known to fail; both directions count.
pub(crate) fn settle(failures: &[(String, String)], known: &[(&str, &str)], total: usize) {
    let unexpected =
        failures.iter().filter(|(id, _)| !known.iter().any(|(known, _)| known == id)).collect::<Vec<_>>();
    for (id, reason) in &unexpected {
        println!("{id}: {reason}");
    }
    let healed =
        known.iter().filter(|(id, _)| !failures.iter().any(|(failed, _)| failed == id)).collect::<Vec<_>>();
    assert!(healed.is_empty(), "these pass and must leave the list: {healed:?}");
    assert!(unexpected.is_empty(), "{} of {total} cases fail unexpectedly, see above", unexpected.len());
    println!("{total} cases, {} of them known to differ", failures.len());
}
