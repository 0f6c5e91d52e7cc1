//! The functions the scenarios measure, created through the API as a user would.

use std::io::{Cursor, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;

use super::cloud::Cloud;

/// A deployment package with what it needs to run.
pub(super) struct Package {
    pub(super) label: &'static str,
    runtime: &'static str,
    handler: &'static str,
    memory_mib: u32,
    zip: Vec<u8>,
}

impl Package {
    pub(super) fn node() -> Result<Self> {
        let source = "exports.handler = async (event) => ({ statusCode: 200, body: 'hello' });";
        Self::of("Node", "nodejs20.x", "index.handler", &[("index.js", source.as_bytes())])
    }

    pub(super) fn node_with_sdk() -> Result<Self> {
        let source = "const { S3Client } = require('@aws-sdk/client-s3');\n\
                      const { DynamoDBClient } = require('@aws-sdk/client-dynamodb');\n\
                      const [s3, dynamodb] = [new S3Client({}), new DynamoDBClient({})];\n\
                      exports.handler = async () => [typeof s3.send, typeof dynamodb.send];";
        let files = [("index.js", source.as_bytes())];
        Ok(Self {
            memory_mib: 512,
            ..Self::of("Node with SDK v3 (S3 + DynamoDB)", "nodejs20.x", "index.handler", &files)?
        })
    }

    pub(super) fn python() -> Result<Self> {
        let source = "def handler(event, context):\n    return {'statusCode': 200, 'body': 'hello'}\n";
        Self::of("Python", "python3.12", "app.handler", &[("app.py", source.as_bytes())])
    }

    pub(super) fn python_sleeper(seconds: u64) -> Result<Self> {
        let source =
            format!("import time\ndef handler(event, context):\n    time.sleep({seconds})\n    return 1\n");
        Self::of("Python sleeper", "python3.12", "app.handler", &[("app.py", source.as_bytes())])
    }

    pub(super) fn rust(bootstrap: &Path) -> Result<Self> {
        let program = std::fs::read(bootstrap).with_context(|| format!("reading {}", bootstrap.display()))?;
        Self::of("custom Rust", "provided.al2023", "unused", &[("bootstrap", &program)])
    }

    fn of(
        label: &'static str,
        runtime: &'static str,
        handler: &'static str,
        files: &[(&str, &[u8])],
    ) -> Result<Self> {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in files {
            archive.start_file(*name, SimpleFileOptions::default().unix_permissions(0o755))?;
            archive.write_all(content)?;
        }
        Ok(Self { label, runtime, handler, memory_mib: 128, zip: archive.finish()?.into_inner() })
    }
}

/// How long a function may take to become active.
const ACTIVE_TIMEOUT: Duration = Duration::from_secs(30);

/// Creates a function with its role and answers the bytes of a signed invoke of it.
pub(super) fn create(cloud: &Cloud, name: &str, package: &Package) -> Result<Vec<u8>> {
    let body = json!({
        "FunctionName": name,
        "Runtime": package.runtime,
        "Handler": package.handler,
        "Role": format!("arn:aws:iam::{}:role/{ROLE}", cloud.account()),
        "MemorySize": package.memory_mib,
        "Timeout": 60,
        "Code": { "ZipFile": base64::engine::general_purpose::STANDARD.encode(&package.zip) },
    });
    cloud.call("lambda", "POST", "/2015-03-31/functions", JSON, body.to_string().as_bytes())?;
    let path = format!("/2015-03-31/functions/{name}/configuration");
    let end = Instant::now() + ACTIVE_TIMEOUT;
    loop {
        let answer = cloud.call("lambda", "GET", &path, &[], b"")?;
        let configuration: Value = serde_json::from_slice(&answer.body)?;
        if configuration["State"] == "Active" {
            break;
        }
        if Instant::now() > end {
            bail!("{name} did not become active: {configuration}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    cloud.signed("lambda", "POST", &format!("/2015-03-31/functions/{name}/invocations"), JSON, b"{}")
}

/// The role all functions of a bench run as.
pub(super) fn create_role(cloud: &Cloud) -> Result<()> {
    let trust = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C\
                 %22Principal%22%3A%7B%22Service%22%3A%22lambda.amazonaws.com%22%7D%2C%22Action%22%3A\
                 %22sts%3AAssumeRole%22%7D%5D%7D";
    let form =
        format!("Action=CreateRole&Version=2010-05-08&RoleName={ROLE}&AssumeRolePolicyDocument={trust}");
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    cloud.call("iam", "POST", "/", &kind, form.as_bytes())?;
    Ok(())
}

const ROLE: &str = "bench";
const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
