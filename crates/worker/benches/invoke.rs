//! Cold and warm calls at the worker, without anything in front of it: `cargo bench -p worker`.
//!
//! With `RUNTIMES=FOLDER`, a folder filled by `cloudling runtimes install`, the SDKs are measured too; with
//! `BOOTSTRAP=FILE`, a native program that speaks the Runtime API; with `ONLY=TEXT`, subjects named so.
//!
//! The times include everything from `Workers::invoke` to its outcome, log and report too.

#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]
#![allow(clippy::print_stdout, reason = "it prints what it measured")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use worker::sandbox::{SandboxConfig, TierChoice};
use worker::{
    Config, Credentials, Function, Invocation, LogLine, LogSink, PoolConfig, Reply, ResponseMode,
    RuntimeKind, Workers, policy,
};

const COLD_CALLS: usize = 31;
const WARM_CALLS: usize = 5_000;

struct Nowhere;

impl LogSink for Nowhere {
    fn write(&self, _stream: &str, _lines: Vec<LogLine>) {}
}

struct Subject {
    name: &'static str,
    runtime: &'static str,
    handler: &'static str,
    file: (&'static str, &'static str),
}

const SUBJECTS: [Subject; 8] = [
    Subject {
        name: "node, trivial",
        runtime: "nodejs20.x",
        handler: "index.handler",
        file: ("index.js", "exports.handler = async event => event;"),
    },
    Subject {
        name: "node, ES module",
        runtime: "nodejs20.x",
        handler: "index.handler",
        file: ("index.mjs", "export const handler = async event => event;"),
    },
    Subject {
        name: "python, trivial",
        runtime: NEWEST_PYTHON,
        handler: "app.handler",
        file: ("app.py", "def handler(event, context):\n    return event\n"),
    },
    Subject {
        name: SDK,
        runtime: "nodejs20.x",
        handler: "index.handler",
        file: (
            "index.js",
            "const { S3Client } = require('@aws-sdk/client-s3'); const { DynamoDBClient } = require('@aws-sdk/client-dynamodb');
const clients = [new S3Client({}), new DynamoDBClient({})]; exports.handler = async event => event;",
        ),
    },
    Subject {
        name: "node, SDK v3 imported",
        runtime: "nodejs20.x",
        handler: "index.handler",
        file: (
            "index.mjs",
            "import { S3Client } from '@aws-sdk/client-s3'; import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
const clients = [new S3Client({}), new DynamoDBClient({})]; export const handler = async event => event;",
        ),
    },
    Subject {
        name: "python, SDK with two clients",
        runtime: NEWEST_PYTHON,
        handler: "app.handler",
        file: (
            "app.py",
            "import boto3
clients = [boto3.client('s3'), boto3.client('dynamodb')]
def handler(event, context):
    return event
",
        ),
    },
    Subject { name: NATIVE, runtime: "provided.al2023", handler: "hello", file: ("bootstrap", "") },
    Subject {
        name: "custom, python with http.client",
        runtime: "provided.al2023",
        handler: "hello",
        file: ("bootstrap", CUSTOM),
    },
];

/// Stands for the newest Python installed, of which there are spares from the start.
const NEWEST_PYTHON: &str = "python3.";
const SDK: &str = "node, SDK v3 with two clients";
const NATIVE: &str = "custom, native";

const CUSTOM: &str = "#!/usr/bin/python3 -SEI
import http.client, os
api = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])
while True:
    api.request('GET', '/2018-06-01/runtime/invocation/next')
    response = api.getresponse()
    event = response.read()
    api.request('POST', '/2018-06-01/runtime/invocation/' + response.headers['Lambda-Runtime-Aws-Request-Id'] + '/response', event)
    api.getresponse().read()
";

#[tokio::main]
async fn main() {
    worker::run_spawner_if_asked();
    for tier in [TierChoice::Process, TierChoice::Auto] {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let started = Instant::now();
        let workers = start(folder.path(), tier).await;
        println!("{:?}: start {:.1} ms", workers.tier(), milliseconds(started.elapsed()));
        println!(
            "  {:<34} {:>16} {:>16} {:>12} {:>10}",
            "median (minimum), ms", "cold, no spare", "cold, spare", "warm", "warm p99"
        );
        for (number, subject) in SUBJECTS.iter().enumerate() {
            let missing = subject.name.contains("SDK") && std::env::var_os("RUNTIMES").is_none()
                || subject.name == NATIVE && std::env::var_os("BOOTSTRAP").is_none();
            if missing || std::env::var("ONLY").is_ok_and(|only| !subject.name.contains(&only)) {
                continue;
            }
            let managed = RuntimeKind::of(subject.runtime) != Some(RuntimeKind::Custom);
            let bare = cold(&workers, folder.path(), subject, number * 1_000, Spare::No).await;
            let spare = if managed {
                cold(&workers, folder.path(), subject, number * 1_000 + 500, Spare::Yes).await
            } else {
                "-".into()
            };
            let (warm, p99) = warm(&workers, folder.path(), subject, number * 1_000 + 900).await;
            println!("  {:<34} {bare:>16} {spare:>16} {warm:>12.3} {p99:>10.3}", subject.name);
        }
        workers.shutdown().await;
    }
}

async fn start(folder: &Path, tier: TierChoice) -> Workers {
    let platform_dir = std::env::var_os("RUNTIMES").map_or_else(|| folder.join("runtimes"), PathBuf::from);
    Workers::start(Config {
        sandbox: SandboxConfig {
            run_dir: folder.join("run"),
            runtimes: Vec::new(),
            authority: None,
            tier,
            platform_dir: platform_dir.clone(),
        },
        platform_dir,
        pool: PoolConfig::default(),
        network: worker::NetworkConfig::default(),
        endpoint: None,
        endpoint_port: 4566,
    })
    .await
    .unwrap()
}

impl Subject {
    fn requested_runtime(&self, newest_python: u32) -> String {
        if self.runtime == NEWEST_PYTHON { format!("python3.{newest_python}") } else { self.runtime.into() }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Spare {
    Yes,
    No,
}

/// Median and minimum.
async fn cold(workers: &Workers, folder: &Path, subject: &Subject, first: usize, spare: Spare) -> String {
    let mut times = Vec::new();
    workers.warm_up();
    if spare == Spare::Yes {
        // Makes its kind of spare a wanted one.
        call(workers, &Arc::new(function(folder, subject, first + COLD_CALLS))).await;
        workers.retire("").await;
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let spares = workers.stats().spares;
    for number in 0..COLD_CALLS {
        let mut function = function(folder, subject, first + number);
        if spare == Spare::No {
            // A variable that is read at start: a generic worker does not do.
            function.environment.insert("UV_THREADPOOL_SIZE".into(), "4".into());
        } else {
            while workers.stats().spares < spares {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            // The replacement of the spare before has just started and must not be measured.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        times.push(call(workers, &Arc::new(function)).await);
        workers.retire("").await;
    }
    format!("{:.2} ({:.2})", percentile(&mut times, 50), percentile(&mut times, 0))
}

async fn warm(workers: &Workers, folder: &Path, subject: &Subject, number: usize) -> (f64, f64) {
    let function = Arc::new(function(folder, subject, number));
    call(workers, &function).await;
    let mut times = Vec::new();
    for _ in 0..WARM_CALLS {
        times.push(call(workers, &function).await);
    }
    workers.retire("").await;
    (percentile(&mut times, 50), percentile(&mut times, 99))
}

async fn call(workers: &Workers, function: &Arc<Function>) -> f64 {
    let invocation = Invocation {
        request_id: "8f507cfc-0000-4697-b07a-ac58fc914c95".into(),
        function_arn: "arn:aws:lambda:us-east-1:000000000000:function:bench".into(),
        payload: Bytes::from_static(br#"{"key":"value"}"#),
        client_context: None,
        cognito_identity: None,
        trace_id: "Root=1-5e1b4151-5ac6c58f5b5d6e3a4b2c1d0e;Sampled=0".into(),
        credentials: Credentials::default(),
        log: Arc::new(Nowhere),
        response: ResponseMode::Buffered { bytes_max: policy::RESPONSE_BYTES_MAX },
    };
    let started = Instant::now();
    let outcome = workers.invoke(function, invocation).await;
    let time = milliseconds(started.elapsed());
    assert!(matches!(outcome.result, Ok(Reply::Success { .. })), "{outcome:?}");
    time
}

fn function(folder: &Path, subject: &Subject, number: usize) -> Function {
    let code = folder.join(format!("code-{number}"));
    fs::create_dir_all(&code).unwrap();
    let path = code.join(subject.file.0);
    match std::env::var_os("BOOTSTRAP").filter(|_| subject.name == NATIVE) {
        Some(bootstrap) => drop(fs::copy(bootstrap, &path).unwrap()),
        None => fs::write(&path, subject.file.1).unwrap(),
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    Function {
        key: format!("arn:{number}"),
        name: "bench".into(),
        version: "$LATEST".into(),
        runtime: RuntimeKind::of(subject.runtime).unwrap(),
        requested_runtime: subject.requested_runtime(newest_python()),
        handler: subject.handler.into(),
        code,
        opt: None,
        environment: BTreeMap::new(),
        memory_mib: 256,
        tmp_mib: 512,
        timeout: Duration::from_secs(10),
        log_group: "/aws/lambda/bench".into(),
        logging: worker::LogFormat::Text,
        region: "us-east-1".into(),
        account: "000000000000".into(),
    }
}

/// Minor version of the newest Python installed.
fn newest_python() -> u32 {
    static NEWEST: OnceLock<u32> = OnceLock::new();
    *NEWEST.get_or_init(|| {
        let search = std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let folder = tempfile::tempdir().unwrap();
            let found = runtime.block_on(worker::runtimes::discover(folder.path()));
            found
                .iter()
                .find(|found| found.kind == RuntimeKind::Python)
                .map_or(11, |found| found.version.minor)
        });
        search.join().unwrap()
    })
}

fn percentile(times: &mut [f64], percent: usize) -> f64 {
    times.sort_by(f64::total_cmp);
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
