//! A set of workers with a log in memory, and a table form for "this code gives that answer".

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use worker::sandbox::{SandboxConfig, Tier, TierChoice};
use worker::{
    Config, Credentials, Endpoint, Function, Invocation, LogLine, LogSink, NetworkConfig, Outcome,
    PoolConfig, Reply, ResponseMode, RuntimeKind, Workers, policy,
};

pub(crate) const REQUEST_ID: &str = "8f507cfc-0000-4697-b07a-ac58fc914c95";

/// Both tiers, or plain processes alone where namespaces cannot be had.
pub(crate) const TIERS: [TierChoice; 2] = [TierChoice::Process, TierChoice::Auto];

#[derive(Default)]
pub(crate) struct Log(Mutex<Vec<(String, LogLine)>>);

impl LogSink for Log {
    fn write(&self, stream: &str, lines: Vec<LogLine>) {
        self.0.lock().unwrap().extend(lines.into_iter().map(|line| (stream.to_owned(), line)));
    }
}

pub(crate) struct Cloud {
    pub(crate) workers: Workers,
    pub(crate) log: Arc<Log>,
    pub(crate) folder: tempfile::TempDir,
    functions: AtomicU32,
}

impl Cloud {
    pub(crate) async fn start(tier: TierChoice) -> Self {
        Self::with(tier, PoolConfig::default()).await
    }

    pub(crate) async fn with(tier: TierChoice, pool: PoolConfig) -> Self {
        Self::full(tier, pool, None).await
    }

    pub(crate) async fn full(
        tier: TierChoice,
        pool: PoolConfig,
        endpoint: Option<Arc<dyn Endpoint>>,
    ) -> Self {
        Self::connected(tier, pool, endpoint, NetworkConfig::default()).await
    }

    pub(crate) async fn connected(
        tier: TierChoice,
        pool: PoolConfig,
        endpoint: Option<Arc<dyn Endpoint>>,
        network: NetworkConfig,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // A sandbox runs as another user, which must be able to reach the code.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let platform_dir = folder.path().join("runtimes");
        let config = Config {
            sandbox: SandboxConfig {
                run_dir: folder.path().join("run"),
                runtimes: Vec::new(),
                authority: None,
                tier,
                platform_dir: platform_dir.clone(),
            },
            platform_dir,
            pool,
            network,
            endpoint,
            endpoint_port: 4566,
        };
        let workers = Workers::start(config).await.unwrap();
        Self { workers, log: Arc::default(), folder, functions: AtomicU32::new(0) }
    }

    pub(crate) fn platform_dir(&self) -> PathBuf {
        self.folder.path().join("runtimes")
    }

    /// A function whose code is `files`; a file that starts with `#!` is executable.
    pub(crate) fn function(&self, runtime: &str, handler: &str, files: &[(&str, &str)]) -> Function {
        let number = self.functions.fetch_add(1, Ordering::Relaxed);
        let code = self.folder.path().join(format!("code-{number}"));
        write_files(&code, files);
        Function {
            key: format!("arn:{number}:$LATEST:1"),
            name: "users".into(),
            version: "$LATEST".into(),
            runtime: RuntimeKind::of(runtime).unwrap(),
            requested_runtime: runtime.into(),
            handler: handler.into(),
            code,
            opt: None,
            environment: BTreeMap::new(),
            memory_mib: 256,
            tmp_mib: 64,
            timeout: Duration::from_secs(20),
            log_group: "/aws/lambda/users".into(),
            logging: worker::LogFormat::Text,
            region: "eu-west-1".into(),
            account: "000000000000".into(),
        }
    }

    pub(crate) fn invocation(&self, payload: &str, response: ResponseMode) -> Invocation {
        Invocation {
            request_id: REQUEST_ID.into(),
            function_arn: "arn:aws:lambda:eu-west-1:000000000000:function:users".into(),
            payload: Bytes::copy_from_slice(payload.as_bytes()),
            client_context: None,
            cognito_identity: None,
            trace_id: "Root=1-5e1b4151-5ac6c58f5b5d6e3a4b2c1d0e;Parent=53995c3f42cd8ad8;Sampled=0".into(),
            credentials: Credentials {
                access_key_id: "AKIDEXAMPLE".into(),
                secret_access_key: "secret".into(),
                session_token: "token".into(),
            },
            log: Arc::clone(&self.log) as Arc<dyn LogSink>,
            response,
        }
    }

    pub(crate) async fn invoke(&self, function: &Arc<Function>, payload: &str) -> Outcome {
        let response = ResponseMode::Buffered { bytes_max: policy::RESPONSE_BYTES_MAX };
        self.workers.invoke(function, self.invocation(payload, response)).await
    }

    /// Everything logged since the last look.
    pub(crate) fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut *self.log.0.lock().unwrap()).into_iter().map(|(_, line)| line.text).collect()
    }

    /// The same with the names of the streams.
    pub(crate) fn take_streams(&self) -> Vec<(String, String)> {
        std::mem::take(&mut *self.log.0.lock().unwrap())
            .into_iter()
            .map(|(name, line)| (name, line.text))
            .collect()
    }

    pub(crate) fn is_isolated(&self) -> bool {
        self.workers.tier() != Tier::Process
    }
}

pub(crate) fn write_files(folder: &Path, files: &[(&str, &str)]) {
    fs::create_dir_all(folder).unwrap();
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        if text.starts_with("#!") {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
}

/// The result of a call that must succeed.
pub(crate) fn success(outcome: &Outcome) -> Value {
    match &outcome.result {
        Ok(Reply::Success { payload, .. }) => serde_json::from_slice(payload).unwrap(),
        other => panic!("not a success: {other:?}\n{}", String::from_utf8_lossy(&outcome.log_tail)),
    }
}

/// The payload of a call that must fail.
pub(crate) fn error(outcome: &Outcome) -> Value {
    match &outcome.result {
        Ok(Reply::FunctionError { payload, .. }) => serde_json::from_slice(payload).unwrap(),
        other => panic!("not a function error: {other:?}\n{}", String::from_utf8_lossy(&outcome.log_tail)),
    }
}

/// What a call of some code must give.
pub(crate) enum Gives {
    Result(Value),
    /// Type and message. A message that ends with `…` gives only the beginning.
    Error(&'static str, &'static str),
}

pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) handler: &'static str,
    pub(crate) files: &'static [(&'static str, &'static str)],
    pub(crate) event: &'static str,
    pub(crate) gives: Gives,
}

/// Runs every case in both tiers, twice: cold and, where the worker survives, warm.
pub(crate) async fn check(runtime: &str, cases: Vec<Case>) {
    for tier in TIERS {
        let cloud = Cloud::start(tier).await;
        cloud.workers.warm_up();
        for Case { name, handler, files, event, gives } in &cases {
            let function = Arc::new(cloud.function(runtime, handler, files));
            for run in ["first", "second"] {
                let context = format!("{name}, {tier:?}, {run} call");
                let outcome = cloud.invoke(&function, event).await;
                match gives {
                    Gives::Result(expected) => assert_eq!(success(&outcome), *expected, "{context}"),
                    Gives::Error(error_type, message) => {
                        let payload = error(&outcome);
                        assert_eq!(payload["errorType"], json!(error_type), "{context}: {payload}");
                        let text = payload["errorMessage"].as_str().unwrap();
                        match message.strip_suffix('…') {
                            Some(start) => assert!(text.starts_with(start), "{context}: {text}"),
                            None => assert_eq!(text, *message, "{context}"),
                        }
                    }
                }
            }
        }
        cloud.workers.shutdown().await;
    }
}
