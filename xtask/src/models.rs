//! Trims the published API models to the facts `wire` interprets, one compressed file a service.
//!
//! The models come from the PyPI package `botocore`, pinned below by version and hash. Prose and
//! examples stay behind; so does everything only a client's endpoint logic needs. A fact this file
//! has never heard of stops the run, so that a newer package cannot change `wire` silently.
//! Running it twice writes the same bytes.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::shell;

/// Where the models come from.
const MODELS: Package =
    Package { version: "1.44.5", sha256: "8f16a56d1dff125dd65322ae021efa7ba5195a6db5102b96862566055b748921" };

/// The last release whose SQS model describes the Query form. Today's describes JSON only, while
/// SQS still answers both, as older SDKs speak the Query form.
const SQS_QUERY_MODEL: Package = Package {
    version: "1.31.80",
    sha256: "1c693c0f8b2553fcbe0df223241191e6f9f60b4245d65c1822c08f659274fef2",
};

/// The services we serve or are going to, by their folder in the package, and those whose look-ups
/// templates and tools make on the way (EC2 for regions, zones and networks).
const SERVICES: &[&str] = &[
    "acm",
    "apigateway",
    "apigatewaymanagementapi",
    "apigatewayv2",
    "application-autoscaling",
    "appsync",
    "athena",
    "budgets",
    "ce",
    "cloudcontrol",
    "cloudformation",
    "cloudfront",
    "cloudtrail",
    "cloudwatch",
    "codedeploy",
    "cognito-identity",
    "cognito-idp",
    "comprehend",
    "cur",
    "dynamodb",
    "dynamodbstreams",
    "ec2",
    "ecr",
    "events",
    "firehose",
    "glue",
    "iam",
    "iot",
    "iot-data",
    "iot-jobs-data",
    "kinesis",
    "kms",
    "lambda",
    "logs",
    "pipes",
    "pricing",
    "resource-groups",
    "resourcegroupstaggingapi",
    "route53",
    "s3",
    "s3control",
    "scheduler",
    "schemas",
    "secretsmanager",
    "serverlessrepo",
    "ses",
    "sesv2",
    "signer",
    "sns",
    "sqs",
    "ssm",
    "stepfunctions",
    "sts",
    "timestream-query",
    "timestream-write",
    "wafv2",
    "xray",
];

/// The largest model in the package, with prose, is below this when unpacked.
const MAX_MODEL_BYTES: u64 = 32 << 20;

/// The command `cargo xtask models`; it takes no arguments.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    ensure!(arguments.is_empty(), "`cargo xtask models` takes no arguments, found {arguments:?}");
    let wire = shell::root().join("crates/wire");
    let models = wire.join("models");
    let downloads = shell::target().join("models");
    fs::create_dir_all(&downloads)?;
    let package = MODELS.download(&downloads)?;
    let sqs_query = SQS_QUERY_MODEL.download(&downloads)?;

    if models.exists() {
        fs::remove_dir_all(&models)?;
    }
    fs::create_dir_all(&models)?;
    let mut total_bytes = 0;
    for service in SERVICES {
        let mut model = trim_model(read_model(&package, service)?).with_context(|| (*service).to_owned())?;
        if *service == "sqs" {
            carry_over_query_form(&mut model, read_model(&sqs_query, service)?)?;
        }
        let compressed = compress(&serde_json::to_vec(&model)?)?;
        total_bytes += compressed.len();
        fs::write(models.join(format!("{service}.json.gz")), compressed)?;
    }
    fs::write(models.join("LICENSE"), read_entry(&package, &MODELS.information("LICENSE.txt"))?)?;
    fs::write(models.join("NOTICE"), read_entry(&package, &MODELS.information("NOTICE"))?)?;
    fs::write(models.join("README.md"), readme())?;
    fs::write(wire.join("src/model/embedded.rs"), embedded())?;
    println!(
        "{} models, {} KiB compressed, from botocore {}",
        SERVICES.len(),
        total_bytes / 1024,
        MODELS.version
    );
    Ok(())
}

struct Package {
    version: &'static str,
    sha256: &'static str,
}

impl Package {
    /// Fetches the wheel through pip, which checks the hash, unless it is there already.
    fn download(&self, folder: &Path) -> Result<PathBuf> {
        let wheel = folder.join(format!("botocore-{}-py3-none-any.whl", self.version));
        if !wheel.exists() {
            let requirements = folder.join(format!("botocore-{}.txt", self.version));
            fs::write(&requirements, format!("botocore=={} --hash=sha256:{}\n", self.version, self.sha256))?;
            shell::run(
                Command::new("python3")
                    .args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"])
                    .args(["--disable-pip-version-check", "--require-hashes", "--requirement"])
                    .arg(&requirements)
                    .arg("--dest")
                    .arg(folder),
            )?;
        }
        Ok(wheel)
    }

    fn information(&self, file: &str) -> String {
        format!("botocore-{}.dist-info/{file}", self.version)
    }
}

/// JSON that keeps the order of its members, which is the order on the wire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Json {
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Json>),
    Object(Object),
}

type Object = IndexMap<String, Json>;

/// The newest API version of a service in the package.
fn read_model(package: &Path, service: &str) -> Result<Object> {
    let prefix = format!("botocore/data/{service}/");
    let wheel = zip::ZipArchive::new(fs::File::open(package)?)?;
    let newest = wheel
        .file_names()
        .filter(|name| name.starts_with(&prefix))
        .filter(|name| name.ends_with("/service-2.json") || name.ends_with("/service-2.json.gz"))
        .max()
        .with_context(|| format!("the package has no model of {service}"))?
        .to_owned();
    let bytes = read_entry(package, &newest)?;
    let json = match newest.ends_with(".gz") {
        true => {
            let mut json = Vec::new();
            GzDecoder::new(bytes.as_slice()).take(MAX_MODEL_BYTES).read_to_end(&mut json)?;
            json
        }
        false => bytes,
    };
    serde_json::from_slice(&json).with_context(|| newest)
}

fn read_entry(package: &Path, name: &str) -> Result<Vec<u8>> {
    let mut wheel = zip::ZipArchive::new(fs::File::open(package)?)?;
    let mut bytes = Vec::new();
    wheel.by_name(name).with_context(|| name.to_owned())?.take(MAX_MODEL_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Which facts of one kind of object stay and which go; any other is an error.
struct Facts {
    what: &'static str,
    keep: &'static [&'static str],
    drop: &'static [&'static str],
}

const TOP: Facts = Facts {
    what: "model",
    keep: &["metadata", "operations", "shapes"],
    drop: &["version", "documentation", "clientContextParams"],
};

const METADATA: Facts = Facts {
    what: "metadata",
    keep: &[
        "apiVersion",
        "awsQueryCompatible",
        "endpointPrefix",
        "globalEndpoint",
        "jsonVersion",
        "protocol",
        "protocols",
        "serviceFullName",
        "serviceId",
        "signingName",
        "targetPrefix",
        "xmlNamespace",
    ],
    drop: &["auth", "checksumFormat", "protocolSettings", "serviceAbbreviation", "signatureVersion", "uid"],
};

const OPERATION: Facts = Facts {
    what: "operation",
    keep: &[
        "auth",
        "authtype",
        "endpoint",
        "errors",
        "http",
        "httpChecksum",
        "httpChecksumRequired",
        "idempotent",
        "input",
        "output",
        "readonly",
        "requestcompression",
        "unsignedPayload",
    ],
    drop: &[
        "deprecated",
        "deprecatedMessage",
        "documentation",
        "endpointdiscovery",
        "endpointoperation",
        "name",
        "operationContextParams",
        "staticContextParams",
    ],
};

const SHAPE: Facts = Facts {
    what: "shape",
    keep: &[
        "document",
        "enum",
        "error",
        "event",
        "eventstream",
        "exception",
        "fault",
        "flattened",
        "key",
        "locationName",
        "max",
        "member",
        "members",
        "min",
        "pattern",
        "payload",
        "required",
        "sensitive",
        "streaming",
        "timestampFormat",
        "type",
        "union",
        "value",
        "xmlNamespace",
        "xmlOrder",
    ],
    drop: &[
        "box",
        "deprecated",
        "deprecatedMessage",
        "deprecatedSince",
        "documentation",
        "retryable",
        "synthetic",
    ],
};

const REFERENCE: Facts = Facts {
    what: "reference",
    keep: &[
        "eventheader",
        "eventpayload",
        "flattened",
        "hostLabel",
        "idempotencyToken",
        "jsonvalue",
        "location",
        "locationName",
        "queryName",
        "resultWrapper",
        "shape",
        "streaming",
        "timestampFormat",
        "xmlAttribute",
        "xmlNamespace",
    ],
    drop: &[
        "box",
        "contextParam",
        "deprecated",
        "deprecatedMessage",
        "deprecatedSince",
        "documentation",
        "enum",
    ],
};

impl Facts {
    fn trim(&self, object: Object) -> Result<Object> {
        let mut kept = Object::new();
        for (key, value) in object {
            if self.keep.contains(&key.as_str()) {
                kept.insert(key, value);
            } else if !self.drop.contains(&key.as_str()) {
                bail!("unknown fact `{key}` of a {}: decide whether `wire` needs it", self.what);
            }
        }
        Ok(kept)
    }
}

fn trim_model(model: Object) -> Result<Object> {
    let mut model = TOP.trim(model)?;
    each(&mut model, "metadata", |metadata| METADATA.trim(metadata))?;
    each_entry(&mut model, "operations", |operation| {
        let mut operation = OPERATION.trim(operation)?;
        each(&mut operation, "input", |reference| REFERENCE.trim(reference))?;
        each(&mut operation, "output", |reference| REFERENCE.trim(reference))?;
        if let Some(Json::List(errors)) = operation.get_mut("errors") {
            for error in errors {
                replace(error, |reference| REFERENCE.trim(reference))?;
            }
        }
        Ok(operation)
    })?;
    each_entry(&mut model, "shapes", |shape| {
        let mut shape = SHAPE.trim(shape)?;
        for place in ["key", "value", "member"] {
            each(&mut shape, place, |reference| REFERENCE.trim(reference))?;
        }
        each_entry(&mut shape, "members", |reference| REFERENCE.trim(reference))?;
        Ok(shape)
    })?;
    Ok(model)
}

/// Replaces the object at `key`, when there is one.
fn each(parent: &mut Object, key: &str, change: impl Fn(Object) -> Result<Object>) -> Result<()> {
    match parent.get_mut(key) {
        Some(value) => replace(value, change).with_context(|| key.to_owned()),
        None => Ok(()),
    }
}

/// Replaces each entry of the object at `key`, when there is one.
fn each_entry(parent: &mut Object, key: &str, change: impl Fn(Object) -> Result<Object>) -> Result<()> {
    if let Some(Json::Object(entries)) = parent.get_mut(key) {
        for (name, value) in entries {
            replace(value, &change).with_context(|| name.clone())?;
        }
    }
    Ok(())
}

fn replace(value: &mut Json, change: impl Fn(Object) -> Result<Object>) -> Result<()> {
    let Json::Object(object) = value else { bail!("expected an object, found {value:?}") };
    *object = change(std::mem::take(object))?;
    Ok(())
}

/// Adds what the Query form of SQS needs and its JSON model no longer says: the names of list
/// items and map entries (as `queryCompatibleName`, since JSON must not see them), result
/// wrappers, the namespace and the old error codes.
fn carry_over_query_form(model: &mut Object, query_model: Object) -> Result<()> {
    let query_model = trim_model(query_model)?;
    let namespace = object_at(&query_model, &["metadata"])?.get("xmlNamespace").context("namespace")?.clone();
    object_in(model, "metadata")?.insert("xmlNamespace".into(), namespace);

    for (name, old) in object_at(&query_model, &["operations"])? {
        let Ok(wrapper) = object_at_value(old, &["output"]) else { continue };
        let wrapper = wrapper.get("resultWrapper").context("an output without a wrapper")?.clone();
        let operation = object_in(object_in(model, "operations")?, name)?;
        object_in(operation, "output")?.insert("resultWrapper".into(), wrapper);
    }

    for (name, old) in object_at(&query_model, &["shapes"])? {
        let Json::Object(old) = old else { bail!("{name} is no object") };
        let Ok(shape) = object_in(object_in(model, "shapes")?, name) else { continue };
        if let Some(error) = old.get("error") {
            shape.insert("error".into(), error.clone());
        }
        for place in ["member", "key", "value"] {
            if let Some(reference) = old.get(place) {
                carry_over_name(reference, object_in(shape, place)?);
            }
        }
        if let Some(Json::Object(members)) = old.get("members") {
            for (member, reference) in members {
                // Members that were dropped since are of no use to anybody.
                if let Ok(target) = object_in(shape, "members").and_then(|all| object_in(all, member)) {
                    carry_over_name(reference, target);
                }
            }
        }
    }
    Ok(())
}

fn carry_over_name(old: &Json, reference: &mut Object) {
    if let Json::Object(old) = old
        && let Some(name) = old.get("locationName")
    {
        reference.insert("queryCompatibleName".into(), name.clone());
    }
}

fn object_in<'a>(parent: &'a mut Object, key: &str) -> Result<&'a mut Object> {
    match parent.get_mut(key) {
        Some(Json::Object(object)) => Ok(object),
        _ => bail!("no object `{key}`"),
    }
}

fn object_at<'a>(parent: &'a Object, path: &[&str]) -> Result<&'a Object> {
    path.iter().try_fold(parent, |object, key| match object.get(*key) {
        Some(Json::Object(object)) => Ok(object),
        _ => bail!("no object `{key}`"),
    })
}

fn object_at_value<'a>(parent: &'a Json, path: &[&str]) -> Result<&'a Object> {
    match parent {
        Json::Object(object) => object_at(object, path),
        _ => bail!("not an object"),
    }
}

/// Without a time stamp or a file name, so that equal models give equal bytes.
fn compress(json: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    encoder.write_all(json)?;
    Ok(encoder.finish()?)
}

fn readme() -> String {
    format!(
        "# API models\n\n\
         Facts about AWS APIs (operations, shapes, places, constraints, errors), trimmed from the PyPI package\n\
         `botocore` {} by `cargo xtask models`, one gzip-compressed JSON file a service. The names of the Query form\n\
         of SQS come from `botocore` {}. Origin: Amazon.com, Inc.; Apache License 2.0, see `LICENSE` and `NOTICE`.\n\
         Do not edit these files by hand: change `xtask/src/models.rs` and run the command again.\n",
        MODELS.version, SQS_QUERY_MODEL.version
    )
}

/// The table that embeds the files into the `wire` crate.
fn embedded() -> String {
    let rows: BTreeMap<&str, String> = SERVICES
        .iter()
        .map(|name| (*name, format!("    (\"{name}\", include_bytes!(\"../../models/{name}.json.gz\")),\n")))
        .collect();
    format!(
        "//! Written by `cargo xtask models`; sorted by name.\n\n\
         pub(super) static EMBEDDED: [(&str, &[u8]); {}] = [\n{}];\n",
        rows.len(),
        rows.into_values().collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(json: &str) -> Object {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn prose_goes_and_facts_stay_in_order() {
        let model = object(
            r#"{"version":"2.0","metadata":{"uid":"x","serviceId":"X"},"operations":{"B":{"name":"B",
            "http":{"method":"POST","requestUri":"/"},"documentation":"<p>words</p>"}},"shapes":{"S":{"type":
            "structure","members":{"z":{"shape":"T","documentation":"words"},"a":{"shape":"T","location":"uri"}}}}}"#,
        );
        let trimmed = serde_json::to_string(&trim_model(model).unwrap()).unwrap();
        assert_eq!(
            trimmed,
            r#"{"metadata":{"serviceId":"X"},"operations":{"B":{"http":{"method":"POST","requestUri":"/"}}},"#
                .to_owned()
                + r#""shapes":{"S":{"type":"structure","members":{"z":{"shape":"T"},"a":{"shape":"T","location":"uri"}}}}}"#
        );
    }

    #[test]
    fn an_unknown_fact_stops_the_run() {
        let model =
            object(r#"{"metadata":{},"operations":{},"shapes":{"S":{"type":"string","colour":"red"}}}"#);
        let error = format!("{:#}", trim_model(model).unwrap_err());
        assert_eq!(error, "S: unknown fact `colour` of a shape: decide whether `wire` needs it");
    }

    #[test]
    fn services_are_sorted_and_named_once() {
        assert!(SERVICES.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn equal_models_give_equal_bytes() {
        assert_eq!(compress(b"{}").unwrap(), compress(b"{}").unwrap());
    }
}
