//! Extensions: programs beside the runtime, and adapters that stand in its place.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use worker::sandbox::TierChoice;
use worker::{Credentials, Function, LogSink};

use crate::support::{Cloud, REQUEST_ID, TIERS, error, success};

/// Speaks the Extensions API without any help and does what `told` says with each event.
const EXTENSION: &str = r#"#!/usr/bin/env python3
import http.client, json, os, sys, threading
api = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])
def call(method, path, body=None, headers={}, api=api):
    api.request(method, path, body, headers)
    response = api.getresponse()
    return response.status, response.read().decode(), response.headers
def extension(method, path, body=None, **headers):
    return call(method, '/2020-01-01/extension/' + path, body, headers)
def told(event):
    print('told', event['eventType'], event.get('requestId'), flush=True)
    if event['eventType'] == 'SHUTDOWN':
        open(os.environ['MARK'], 'w').write(event['shutdownReason'])
        sys.exit()
name = {'Lambda-Extension-Name': os.path.basename(__file__)}
status, about, headers = extension('POST', 'register', json.dumps({'events': ['INVOKE', 'SHUTDOWN']}), **name)
print('registered', status, about, flush=True)
identifier = {'Lambda-Extension-Identifier': headers['Lambda-Extension-Identifier']}
status, answer, _ = call('PUT', '/2022-07-01/telemetry', '{}', identifier)
print('telemetry', status, json.loads(answer)['errorType'], flush=True)
def follow():
    while True:
        _, event, _ = extension('GET', 'event/next', **identifier)
        told(json.loads(event))
"#;

/// Hands each call to a web server, in the runtime's place.
const ADAPTER: &str = r"
import time
def reaches():
    try:
        http.client.HTTPConnection('127.0.0.1', PORT).connect()
        return True
    except OSError:
        return False
PORT = int(os.environ['PORT'])
while not reaches():
    time.sleep(0.01)
threading.Thread(target=follow, daemon=True).start()
runtime = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])
while True:
    _, event, headers = call('GET', '/2018-06-01/runtime/invocation/next', api=runtime)
    path = '/2018-06-01/runtime/invocation/' + headers['Lambda-Runtime-Aws-Request-Id'] + '/response'
    server = http.client.HTTPConnection('127.0.0.1', PORT)
    _, answer, _ = call('POST', '/', event, api=server)
    call('POST', path, answer, api=runtime)
";

const SERVER: &str = r"
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        event = self.rfile.read(int(self.headers['Content-Length']))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{\x22served\x22: ' + event + b'}')
    def log_message(self, *_):
        pass
http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), Handler).serve_forever()
";

/// The function with a layer of these files, all of them programs.
fn with_layer(cloud: &Cloud, mut function: Function, files: &[(&str, String)]) -> Function {
    let opt = cloud.folder.path().join("layer");
    for (name, text) in files {
        let path = opt.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    function.opt = Some(opt);
    // In a sandbox of its own the path means its own temporary folder.
    let mark = if cloud.is_isolated() { PathBuf::from("/tmp/mark") } else { mark(cloud) };
    function.environment.insert("MARK".into(), mark.to_string_lossy().into_owned());
    function
}

fn mark(cloud: &Cloud) -> PathBuf {
    cloud.folder.path().join("mark")
}

/// Calls in which what an extension wrote must have come through.
const LATER_CALLS_MAX: usize = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn an_extension_is_told_of_each_call_and_of_the_end() {
    let python = "def handler(event, context):\n    return event";
    let node = "exports.handler = async (event) => event;";
    for tier in TIERS {
        for (runtime, file, source) in [("python3.12", "app.py", python), ("nodejs20.x", "app.js", node)] {
            let cloud = Cloud::start(tier).await;
            let function = cloud.function(runtime, "app.handler", &[(file, source)]);
            let function =
                with_layer(&cloud, function, &[("extensions/observer", format!("{EXTENSION}follow()\n"))]);
            let function = Arc::new(function);
            for number in [1, 2] {
                assert_eq!(success(&cloud.invoke(&function, &number.to_string()).await), json!(number));
            }
            // Its lines may come after the answer; later calls show them.
            let mut log = cloud.take_log();
            let told = format!("told INVOKE {REQUEST_ID}");
            for _ in 0..LATER_CALLS_MAX {
                if log.iter().filter(|line| **line == told).count() >= 2 {
                    break;
                }
                success(&cloud.invoke(&function, "3").await);
                log.extend(cloud.take_log());
            }
            let about = log.iter().find(|line| line.starts_with("registered 200")).unwrap();
            for wanted in [r#""functionName":"users""#, r#""handler":"app.handler""#] {
                assert!(about.contains(wanted), "{about}");
            }
            assert!(log.contains(&"telemetry 202 Telemetry.NotSupported".to_owned()), "{log:#?}");
            assert!(log.iter().filter(|line| **line == told).count() >= 2, "{log:#?}");
            assert_eq!(cloud.workers.stats().cold_starts, 1);
            cloud.workers.retire("arn:").await;
            if !cloud.is_isolated() {
                eventually(|| fs::read_to_string(mark(&cloud)).is_ok_and(|text| text == "spindown")).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_server_runs_behind_an_adapter() {
    for tier in TIERS {
        let cloud = Cloud::start(tier).await;
        let function = cloud.function("python3.12", "server.py", &[("server.py", SERVER)]);
        let wrapper = "#!/bin/sh\nexec python3 \"$LAMBDA_TASK_ROOT/$_HANDLER\"\n".to_owned();
        let adapter = format!("{EXTENSION}{ADAPTER}");
        let mut function =
            with_layer(&cloud, function, &[("bootstrap", wrapper), ("extensions/adapter", adapter)]);
        let opt = if cloud.is_isolated() { PathBuf::from("/opt") } else { function.opt.clone().unwrap() };
        let wrapper = opt.join("bootstrap").to_string_lossy().into_owned();
        function.environment.insert("AWS_LAMBDA_EXEC_WRAPPER".into(), wrapper);
        // Plain processes share the machine's ports.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        function.environment.insert("PORT".into(), free.to_string());
        let function = Arc::new(function);
        for number in [1, 2] {
            let outcome = cloud.invoke(&function, &number.to_string()).await;
            assert_eq!(success(&outcome), json!({ "served": number }), "{:#?}", cloud.take_log());
        }
        assert_eq!(cloud.workers.stats().cold_starts, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extension_that_gives_up_fails_the_init() {
    let cloud = Cloud::start(TierChoice::Auto).await;
    let function = cloud.function("python3.12", "app.handler", &[("app.py", "def handler(e, c): return e")]);
    let give_up = "extension('POST', 'init/error', '{}', **identifier, **{'Lambda-Extension-Function-Error-Type': 'Extension.NoKey'})\n";
    let function =
        Arc::new(with_layer(&cloud, function, &[("extensions/broken", format!("{EXTENSION}{give_up}"))]));
    let payload = error(&cloud.invoke(&function, "1").await);
    assert_eq!(payload["errorType"], json!("Extension.InitError"));
    assert_eq!(payload["errorMessage"], json!("broken: Extension.NoKey"));
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_can_be_there_before_anybody_calls() {
    for tier in TIERS {
        let cloud = Cloud::start(tier).await;
        let source = "import os\ndef handler(e, c): return os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']";
        let function = Arc::new(cloud.function("python3.12", "app.handler", &[("app.py", source)]));
        cloud.workers.keep(&function.key, 1);
        let log = || Arc::clone(&cloud.log) as Arc<dyn LogSink>;
        cloud.workers.start_one(&function, Credentials::default(), log()).await.unwrap();
        assert_eq!(cloud.workers.count_of(&function.key).idle, 1);
        assert_eq!(success(&cloud.invoke(&function, "1").await), json!("provisioned-concurrency"));
        assert_eq!(cloud.workers.stats().cold_starts, 0);
        let broken =
            Arc::new(cloud.function("python3.12", "app.handler", &[("app.py", "raise ValueError('no')")]));
        let refused = cloud.workers.start_one(&broken, Credentials::default(), log()).await.unwrap_err();
        assert!(refused.to_string().contains("ValueError"), "{refused}");
        assert_eq!(cloud.workers.count_of(&broken.key), worker::KeyCount::default());
    }
}

async fn eventually(mut holds: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    waited.await.expect("it never came true");
}
