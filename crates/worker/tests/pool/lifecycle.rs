//! Limits, crashes, reuse and retirement of workers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use worker::sandbox::TierChoice;
use worker::{Endpoint, InvokeFailure, PoolConfig, Reply, ResponseMode, RuntimeKind};

use crate::support::{Cloud, REQUEST_ID, TIERS, error, success};

const COUNTER: &str = "n = 0\ndef handler(e, c):\n    global n\n    n += 1\n    return n\n";
const LOOP_OR_ANSWER: &str = "import time\nprint('loaded')\ndef handler(e, c):\n    if e.get('loop'):\n        print('looping')\n        while True: pass\n    return 'ok'\n";

/// Waits for something that happens soon by itself.
pub(crate) async fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let started = Instant::now();
    while !happened() {
        assert!(started.elapsed() < Duration::from_secs(20), "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_takes_too_long_is_killed_and_the_next_works() {
    for tier in TIERS {
        let cloud = Cloud::start(tier).await;
        let mut function = cloud.function("python3.11", "app.handler", &[("app.py", LOOP_OR_ANSWER)]);
        function.timeout = Duration::from_secs(1);
        let function = Arc::new(function);
        assert_eq!(success(&cloud.invoke(&function, "{}").await), "ok");
        cloud.take_log();
        let outcome = cloud.invoke(&function, r#"{"loop":true}"#).await;
        assert_eq!(
            error(&outcome),
            json!({
                "errorType": "Sandbox.Timedout",
                "errorMessage": format!("RequestId: {REQUEST_ID} Error: Task timed out after 1.00 seconds")
            })
        );
        let report = outcome.report.unwrap();
        assert_eq!((report.duration_ms, report.billed_duration_ms), (1_000.0, 1_000));
        let log = cloud.take_log();
        assert_eq!(log[1], "looping");
        assert!(log[2].ends_with(&format!("Z {REQUEST_ID} Task timed out after 1.00 seconds\n")), "{log:?}");
        assert!(log[4].ends_with("\tStatus: timeout"), "{log:?}");
        assert_eq!(success(&cloud.invoke(&function, "{}").await), "ok");
        assert_eq!(cloud.workers.stats().cold_starts, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_takes_longer_than_the_call_may_is_a_timeout() {
    for tier in TIERS {
        let pool = PoolConfig { init_timeout: Duration::from_millis(500), ..PoolConfig::default() };
        let cloud = Cloud::with(tier, pool).await;
        let code = "import time\nprint('loading')\ntime.sleep(60)\ndef handler(e, c):\n    pass\n";
        let mut function = cloud.function("python3.11", "app.handler", &[("app.py", code)]);
        function.timeout = Duration::from_secs(1);
        let outcome = cloud.invoke(&Arc::new(function), "{}").await;
        assert_eq!(error(&outcome)["errorType"], "Sandbox.Timedout");
        let log = cloud.take_log();
        let starts = |prefix: &str| log.iter().filter(|line| line.starts_with(prefix)).count();
        assert_eq!(starts("loading"), 2, "{log:#?}");
        assert_eq!(starts("INIT_REPORT Init Duration: "), 2, "{log:#?}");
        let first = log.iter().find(|line| line.starts_with("INIT_REPORT")).unwrap();
        assert!(first.ends_with("ms\tPhase: init\tStatus: timeout"), "{first}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_memory_kills_and_the_next_works() {
    const CODE: &str = "def handler(e, c):\n    if e.get('eat'):\n        a = []\n        while True: a.append(bytearray(1 << 20))\n    return 'ok'\n";
    for tier in TIERS {
        let cloud = Cloud::start(tier).await;
        let mut function = cloud.function("python3.11", "app.handler", &[("app.py", CODE)]);
        function.memory_mib = 128;
        let function = Arc::new(function);
        let outcome = cloud.invoke(&function, r#"{"eat":true}"#).await;
        let message = format!("RequestId: {REQUEST_ID} Error: Runtime exited with error: signal: killed");
        assert_eq!(error(&outcome), json!({ "errorType": "Runtime.ExitError", "errorMessage": message }));
        let log = cloud.take_log();
        assert!(log.last().unwrap().ends_with("\tStatus: error\tError Type: Runtime.ExitError"), "{log:?}");
        assert_eq!(outcome.report.unwrap().max_memory_used_mib, 128, "{tier:?}");
        assert_eq!(success(&cloud.invoke(&function, "{}").await), "ok");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_serves_one_function_one_call_at_a_time() {
    for tier in TIERS {
        let cloud = Cloud::start(tier).await;
        let one = Arc::new(cloud.function("python3.11", "app.handler", &[("app.py", COUNTER)]));
        let two = Arc::new(cloud.function("python3.11", "app.handler", &[("app.py", COUNTER)]));
        for expected in [1, 2, 3] {
            assert_eq!(success(&cloud.invoke(&one, "{}").await), expected);
            assert_eq!(success(&cloud.invoke(&two, "{}").await), expected);
        }
        assert_eq!(cloud.workers.stats().cold_starts, 2);

        let sleeper = "import time\ndef handler(e, c):\n    time.sleep(0.3)\n    return c.log_stream_name\n";
        let sleeper = Arc::new(cloud.function("python3.11", "app.handler", &[("app.py", sleeper)]));
        let calls = (0..4).map(|_| cloud.invoke(&sleeper, "{}"));
        let outcomes = futures_util::future::join_all(calls).await;
        let mut streams: Vec<_> = outcomes.iter().map(|outcome| success(outcome).to_string()).collect();
        streams.sort();
        streams.dedup();
        assert_eq!(streams.len(), 4, "{tier:?}");
        assert_eq!(cloud.workers.stats().busy, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_are_retired() {
    for tier in TIERS {
        let pool = PoolConfig { idle_keep_alive: Duration::from_millis(300), ..PoolConfig::default() };
        let cloud = Cloud::with(tier, pool).await;
        let function = Arc::new(cloud.function("python3.11", "app.handler", &[("app.py", COUNTER)]));
        assert_eq!(success(&cloud.invoke(&function, "{}").await), 1);
        cloud.workers.retire("arn:0:").await;
        assert_eq!(success(&cloud.invoke(&function, "{}").await), 1);
        until("expiry", || cloud.workers.stats().idle == 0).await;
        assert_eq!(success(&cloud.invoke(&function, "{}").await), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_workers_is_bounded() {
    let pool = PoolConfig { workers_max: 1, ..PoolConfig::default() };
    for tier in TIERS {
        let cloud = Cloud::with(tier, pool.clone()).await;
        let slow = "import time\ndef handler(e, c):\n    time.sleep(1)\n    return 'slow'\n";
        let slow = Arc::new(cloud.function("python3.11", "app.handler", &[("app.py", slow)]));
        let other = Arc::new(cloud.function("python3.11", "app.handler", &[("app.py", COUNTER)]));
        let running = {
            let (workers, slow) = (cloud.workers.clone(), Arc::clone(&slow));
            let invocation = cloud.invocation("{}", ResponseMode::Buffered { bytes_max: 100 });
            tokio::spawn(async move { workers.invoke(&slow, invocation).await })
        };
        until("the first call", || cloud.workers.stats().busy == 1).await;
        let refused = cloud.invoke(&other, "{}").await;
        assert!(matches!(refused.result, Err(InvokeFailure::NoCapacity)), "{refused:?}");
        assert_eq!(success(&running.await.unwrap()), "slow");
        assert_eq!(success(&cloud.invoke(&other, "{}").await), 1);
        assert_eq!(cloud.workers.stats().idle, 1, "the idle worker made room");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_leaves_ends_its_worker() {
    for tier in TIERS {
        let cloud = Cloud::start(tier).await;
        let function = Arc::new(cloud.function("python3.11", "app.handler", &[("app.py", LOOP_OR_ANSWER)]));
        assert_eq!(success(&cloud.invoke(&function, "{}").await), "ok");
        let call = cloud.invoke(&function, r#"{"loop":true}"#);
        assert!(tokio::time::timeout(Duration::from_millis(50), call).await.is_err());
        assert_eq!(cloud.workers.stats().busy, 0);
        assert_eq!(success(&cloud.invoke(&function, "{}").await), "ok");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spares_are_used_once_and_replaced() {
    for tier in TIERS {
        let cloud = Cloud::start(tier).await;
        assert_eq!(cloud.workers.stats().spares, 0, "nothing starts before it is asked for");
        cloud.workers.warm_up();
        until("the first spares", || cloud.workers.stats().spares == 2).await;
        for number in 0..3 {
            let function = Arc::new(cloud.function(
                "nodejs20.x",
                "index.handler",
                &[(
                    "index.js",
                    "exports.handler = async () => globalThis.seen ? 'used' : (globalThis.seen = 'new');",
                )],
            ));
            assert_eq!(success(&cloud.invoke(&function, "{}").await), "new", "{number}");
            until("a replacement", || cloud.workers.stats().spares == 2).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_are_bounded() {
    for tier in TIERS {
        let cloud = Cloud::start(tier).await;
        let node =
            ("nodejs20.x", "index.handler", ("index.js", "exports.handler = async e => 'x'.repeat(e.n);"));
        let python =
            ("python3.11", "app.handler", ("app.py", "def handler(e, c):\n    return 'x' * e['n']\n"));
        for (runtime, handler, file) in [node, python] {
            let mut function = cloud.function(runtime, handler, &[file]);
            function.memory_mib = 1024;
            let function = Arc::new(function);
            let invoke = async |n: usize| cloud.invoke(&function, &format!(r#"{{"n":{n}}}"#)).await;
            assert!(matches!(invoke(6_291_554).await.result, Ok(Reply::Success { .. })), "{runtime}");
            for bytes in [6_291_555, 70_000_000] {
                let payload = error(&invoke(bytes).await);
                assert_eq!(payload["errorType"], "Function.ResponseSizeTooLarge", "{runtime}");
                assert_eq!(
                    payload["errorMessage"],
                    "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
                );
            }
            assert!(matches!(invoke(1).await.result, Ok(Reply::Success { .. })), "{runtime}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_output_of_a_call_is_logged_before_its_end() {
    const CODE: &str = "import sys\ndef handler(e, c):\n    for i in range(20000):\n        print(i)\n    sys.stderr.write('z' * 300000 + '\\n')\n    print('last', end='')\n    return 'ok'\n";
    for tier in TIERS {
        let cloud = Cloud::start(tier).await;
        let function = Arc::new(cloud.function("python3.11", "app.handler", &[("app.py", CODE)]));
        let outcome = cloud.invoke(&function, "{}").await;
        assert_eq!(success(&outcome), "ok");
        let log = cloud.take_log();
        let numbers: Vec<usize> = log.iter().filter_map(|line| line.parse().ok()).collect();
        assert_eq!(numbers, (0..20_000).collect::<Vec<_>>());
        assert!(log.iter().any(|line| line.len() == 256 * 1024 && line.starts_with("zzz")));
        let last = log.iter().position(|line| line == "last").unwrap();
        let end = log.iter().position(|line| line.starts_with("END ")).unwrap();
        assert!(last < end && log.len() == end + 2);
        assert_eq!(outcome.log_tail.len(), 4096);
        let report = format!("{}\n", log.last().unwrap());
        assert!(outcome.log_tail.ends_with(report.as_bytes()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_worker_has_a_log_stream_of_its_own() {
    let cloud = Cloud::start(TIERS[0]).await;
    let function = Arc::new(cloud.function("python3.11", "app.handler", &[("app.py", COUNTER)]));
    let first = cloud.invoke(&function, "{}").await.log_stream;
    assert!(cloud.take_streams().iter().all(|(stream, _)| *stream == first));
    cloud.workers.retire(&function.key).await;
    let second = cloud.invoke(&function, "{}").await.log_stream;
    assert_ne!(first, second);
    let (day, rest) = second.split_once("/[$LATEST]").unwrap();
    assert_eq!((day.len(), rest.len()), (10, 32));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runtime_that_is_not_there_names_the_command() {
    let cloud = Cloud::start(TIERS[0]).await;
    let mut function = cloud.function("nodejs20.x", "index.handler", &[("index.js", "")]);
    function.requested_runtime = "ruby3.3".into();
    function.runtime = RuntimeKind::Node;
    let outcome = cloud.invoke(&Arc::new(function), "{}").await;
    let Err(InvokeFailure::RuntimeMissing(message)) = outcome.result else { panic!("{outcome:?}") };
    assert_eq!(message, "ruby3.3 is not a runtime of this platform");
    assert!(outcome.report.is_none() && outcome.log_stream.is_empty());
}

struct Greeter;

impl Endpoint for Greeter {
    fn accept(&self, mut stream: TcpStream) {
        tokio::spawn(async move { stream.write_all(b"hello from outside").await });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_is_reached_at_its_port_inside_a_sandbox() {
    const CODE: &str = "import socket\ndef handler(e, c):\n    with socket.create_connection(('127.0.0.1', 4566), 5) as s:\n        return s.makefile().read()\n";
    let cloud = Cloud::full(TierChoice::Auto, PoolConfig::default(), Some(Arc::new(Greeter))).await;
    if !cloud.is_isolated() {
        // Without a network of its own a function uses the host's, where the real port is.
        return;
    }
    let function = Arc::new(cloud.function("python3.11", "app.handler", &[("app.py", CODE)]));
    for _ in 0..2 {
        assert_eq!(success(&cloud.invoke(&function, "{}").await), "hello from outside");
    }
    cloud.workers.warm_up();
    until("the first spares", || cloud.workers.stats().spares >= 2).await;
    let from_spare = Arc::new(cloud.function("python3.11", "app.handler", &[("app.py", CODE)]));
    assert_eq!(success(&cloud.invoke(&from_spare, "{}").await), "hello from outside");
}

/// The client's socket is within reach of the function's code.
#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_forges_frames_harms_only_itself() {
    const CODE: &str = "const fs = require('fs');
exports.handler = async event => { if (event.forged) fs.writeSync(3, Buffer.from(event.forged, 'hex')); return 'ok'; };";
    for tier in TIERS {
        let cloud = Cloud::start(tier).await;
        let function = Arc::new(cloud.function("nodejs20.x", "index.handler", &[("index.js", CODE)]));
        for (forged, error_type) in [
            ("ffffffffffffffff", "Runtime.ExitError"),
            ("0000000001", "Runtime.ExitError"),
            ("0000000011", "Runtime.ExitError"),
            ("ffffffff13", "Function.ResponseSizeTooLarge"),
            ("000000001600", "Runtime.ExitError"),
        ] {
            let outcome = cloud.invoke(&function, &format!(r#"{{"forged":"{forged}"}}"#)).await;
            assert_eq!(error(&outcome)["errorType"], error_type, "{forged}");
            assert_eq!(success(&cloud.invoke(&function, "{}").await), "ok", "{forged}");
        }
        // An answer of its own making is its answer; what comes after is not taken for the next call's.
        let forged = json!({ "forged": hex("\"forged\"") }).to_string();
        assert_eq!(success(&cloud.invoke(&function, &forged).await), "forged");
        assert_eq!(success(&cloud.invoke(&function, "{}").await), "ok");
    }
}

/// A response frame with this body, in hexadecimal.
fn hex(body: &str) -> String {
    let bytes = (body.len() as u32).to_be_bytes().into_iter().chain([19]).chain(body.bytes());
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_ends_everything() {
    for tier in TIERS {
        let cloud = Cloud::start(tier).await;
        cloud.workers.warm_up();
        let function = Arc::new(cloud.function("python3.11", "app.handler", &[("app.py", COUNTER)]));
        success(&cloud.invoke(&function, "{}").await);
        cloud.workers.shutdown().await;
        let stats = cloud.workers.stats();
        assert_eq!((stats.busy, stats.idle, stats.spares), (0, 0, 0));
        let after = cloud.invoke(&function, "{}").await;
        assert!(after.result.is_err(), "{after:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_one_function_does_not_starve_another() {
    const FLOOD: usize = 60;
    let pool = PoolConfig { node_spares: 0, python_spares: 0, ..PoolConfig::default() };
    let cloud = Arc::new(Cloud::with(TierChoice::Auto, pool).await);
    let quiet = Arc::new(cloud.function("python3.11", "app.handler", &[("app.py", COUNTER)]));
    assert_eq!(success(&cloud.invoke(&quiet, "{}").await), json!(1));
    let sleeper = "import time\ndef handler(e, c):\n    time.sleep(0.3)\n    return 'slept'\n";
    let flooded = Arc::new(cloud.function("python3.11", "app.handler", &[("app.py", sleeper)]));
    let flood: Vec<_> = (0..FLOOD)
        .map(|_| {
            let (cloud, flooded) = (Arc::clone(&cloud), Arc::clone(&flooded));
            tokio::spawn(async move { success(&cloud.invoke(&flooded, "{}").await) })
        })
        .collect();
    until("the flood", || cloud.workers.stats().busy == FLOOD).await;
    // Another function's warm call, and its first call, while most of the flood waits.
    assert_eq!(success(&cloud.invoke(&quiet, "{}").await), json!(2));
    let fresh = Arc::new(cloud.function("python3.11", "app.handler", &[("app.py", COUNTER)]));
    assert_eq!(success(&cloud.invoke(&fresh, "{}").await), json!(1));
    assert!(
        flood.iter().filter(|call| !call.is_finished()).count() > FLOOD / 2,
        "they did not wait for the flood"
    );
    for call in flood {
        assert_eq!(call.await.unwrap(), json!("slept"));
    }
    // Calls that waited for their turn to start a process took workers that became free.
    assert!(cloud.workers.stats().cold_starts < FLOOD as u64, "{:?}", cloud.workers.stats());
    cloud.workers.shutdown().await;
}
