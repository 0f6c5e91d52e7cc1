//! Workers that have the platform's SDK loaded before they know their function.

use std::fs;
use std::sync::Arc;

use serde_json::{Value, json};
use worker::RuntimeKind;

use crate::lifecycle::until;
use crate::support::{Cloud, TIERS, success, write_files};

/// Stands for a client of the SDK: tells whether it was loaded before there was a function.
const CLIENT: &str = "exports.early = process.env._HANDLER === undefined; exports.instance = {};";
const REQUIRES: &str = "const sdk = require('@aws-sdk/client-s3'); exports.handler = async () => sdk.early;";
const IMPORTS: &str = "import { createRequire } from 'node:module';
import { early, instance } from '@aws-sdk/client-s3';
const required = createRequire(import.meta.url)('@aws-sdk/client-s3');
export const handler = async () => [early, required.instance === instance, process.argv.length];";

fn install_node_sdk(cloud: &Cloud) {
    let modules = cloud.platform_dir().join("nodejs/node_modules");
    for package in ["@aws-sdk/client-s3", "@aws-sdk/client-dynamodb", "@aws-sdk/lib-dynamodb"] {
        let manifest = format!(r#"{{"name":"{package}","version":"3.0.0","main":"./index.js"}}"#);
        write_files(&modules.join(package), &[("package.json", &manifest), ("index.js", CLIENT)]);
    }
}

async fn call(cloud: &Cloud, runtime: &str, handler: &str, files: &[(&str, &str)]) -> Value {
    let function = Arc::new(cloud.function(runtime, handler, files));
    success(&cloud.invoke(&function, "{}").await)
}

#[tokio::test(flavor = "multi_thread")]
async fn node_functions_find_the_sdk_loaded() {
    for tier in TIERS {
        let cloud = Cloud::start(tier).await;
        install_node_sdk(&cloud);
        cloud.workers.warm_up();
        // Node with and without the SDK, and Python.
        until("the first spares", || cloud.workers.stats().spares == 3).await;
        let plain = [("index.js", "exports.handler = async () => 1")];
        call(&cloud, "nodejs20.x", "index.handler", &plain).await;
        until("a replacement", || cloud.workers.stats().spares == 3).await;

        // The very first function that uses it finds it loaded.
        let requires = [("index.js", REQUIRES)];
        assert_eq!(call(&cloud, "nodejs20.x", "index.handler", &requires).await, json!(true));
        until("another spare with the SDK", || cloud.workers.stats().spares == 3).await;
        assert_eq!(call(&cloud, "nodejs20.x", "index.handler", &requires).await, json!(true));

        let imports = [("index.mjs", IMPORTS)];
        let first = call(&cloud, "nodejs20.x", "index.handler", &imports).await;
        assert_eq!(first, json!([false, true, 2]));
        until("a spare with the SDK imported", || cloud.workers.stats().spares == 4).await;
        let second = call(&cloud, "nodejs20.x", "index.handler", &imports).await;
        assert_eq!(second, json!([true, true, 2]), "{tier:?}");

        let own =
            [("index.js", REQUIRES), ("node_modules/@aws-sdk/client-s3/index.js", "exports.early = 'mine';")];
        assert_eq!(call(&cloud, "nodejs20.x", "index.handler", &own).await, json!("mine"));
        cloud.workers.shutdown().await;
    }
}

const BOTO3: &str = "import os\nearly = '_HANDLER' not in os.environ\n";
const USES_BOTO3: &str = "import boto3, sys\ndef handler(e, c):\n    return [boto3.early, len(sys.argv)]\n";

/// Of which there are spares from the start.
async fn newest_python(cloud: &Cloud) -> String {
    let found = worker::runtimes::discover(&cloud.platform_dir()).await;
    let python = found.into_iter().find(|found| found.kind == RuntimeKind::Python).unwrap();
    format!("python{}.{}", python.version.major, python.version.minor)
}

#[tokio::test(flavor = "multi_thread")]
async fn python_functions_find_boto3_loaded() {
    for tier in TIERS {
        let cloud = Cloud::start(tier).await;
        let python = newest_python(&cloud).await;
        let packages = cloud.platform_dir().join("python");
        let files = [("boto3/__init__.py", BOTO3), ("botocore/__init__.py", "owner = 'platform'\n")];
        write_files(&packages, &files);
        cloud.workers.warm_up();
        // Node, and Python with and without boto3.
        until("the first spares", || cloud.workers.stats().spares == 3).await;
        let uses = [("app.py", USES_BOTO3)];
        assert_eq!(call(&cloud, &python, "app.handler", &uses).await, json!([true, 1]));
        until("another spare with boto3", || cloud.workers.stats().spares == 3).await;
        assert_eq!(call(&cloud, &python, "app.handler", &uses).await, json!([true, 1]));
        until("a replacement", || cloud.workers.stats().spares == 3).await;

        // Not seen by the look at the code: the function's own copy still wins.
        let mut function = cloud.function(
            &python,
            "app.handler",
            &[("app.py", USES_BOTO3), ("lib/boto3/__init__.py", "early = 'mine'\n")],
        );
        let lib = if cloud.is_isolated() { "/var/task/lib".into() } else { function.code.join("lib") };
        function.environment.insert("PYTHONPATH".into(), lib.to_str().unwrap().into());
        assert_eq!(success(&cloud.invoke(&Arc::new(function), "{}").await), json!(["mine", 1]));
        assert!(fs::metadata(&packages).is_ok());
        cloud.workers.shutdown().await;
    }
}
