//! Handlers for Node.js.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::sync::mpsc;
use worker::{Outcome, Reply, ResponseMode, StreamPart};

use crate::support::{Case, Cloud, Gives, REQUEST_ID, TIERS, check, error, success, write_files};

const RUNTIME: &str = "nodejs20.x";

#[tokio::test(flavor = "multi_thread")]
async fn handlers_of_every_form() {
    check(
        RUNTIME,
        vec![
            Case {
                name: "async CommonJS",
                handler: "index.handler",
                files: &[("index.js", "exports.handler = async event => ({ statusCode: 200, body: event.path });")],
                event: r#"{"path":"/users"}"#,
                gives: Gives::Result(json!({ "statusCode": 200, "body": "/users" })),
            },
            Case {
                name: "ES module by name, with top-level await",
                handler: "index.handler",
                files: &[(
                    "index.mjs",
                    "import { basename } from 'node:path'; const n = await Promise.resolve(basename('/a/b'));\nexport const handler = async () => n;",
                )],
                event: "{}",
                gives: Gives::Result(json!("b")),
            },
            Case {
                name: "ES module by package.json",
                handler: "src/app.handler",
                files: &[
                    ("package.json", r#"{"type":"module"}"#),
                    ("src/app.js", "import { two } from './two.js'; export const handler = async () => two;"),
                    ("src/two.js", "export const two = 2;"),
                ],
                event: "{}",
                gives: Gives::Result(json!(2)),
            },
            Case {
                name: "callback",
                handler: "index.handler",
                files: &[("index.js", "exports.handler = (event, context, done) => { setTimeout(() => done(null, event.n + 1), 5); };")],
                event: r#"{"n":1}"#,
                gives: Gives::Result(json!(2)),
            },
            Case {
                name: "callback waits for the event loop",
                handler: "index.handler",
                files: &[(
                    "index.js",
                    "exports.handler = (event, context, done) => { const r = { late: false }; setTimeout(() => { r.late = true; }, 20); done(null, r); };",
                )],
                event: "{}",
                gives: Gives::Result(json!({ "late": true })),
            },
            Case {
                name: "callback that does not wait",
                handler: "index.handler",
                files: &[(
                    "index.js",
                    "exports.handler = (event, context, done) => { context.callbackWaitsForEmptyEventLoop = false; const r = { late: false }; setTimeout(() => { r.late = true; }, 20); done(null, r); };",
                )],
                event: "{}",
                gives: Gives::Result(json!({ "late": false })),
            },
            Case {
                name: "context.succeed",
                handler: "index.handler",
                files: &[("index.js", "exports.handler = (event, context) => { context.succeed('ok'); };")],
                event: "{}",
                gives: Gives::Result(json!("ok")),
            },
            Case {
                name: "no result is null",
                handler: "index.handler",
                files: &[("index.js", "exports.handler = async () => {};")],
                event: "{}",
                gives: Gives::Result(json!(null)),
            },
            Case {
                name: "a promise that never settles is null once nothing is left to do",
                handler: "index.handler",
                files: &[("index.js", "exports.handler = () => new Promise(() => {});")],
                event: "{}",
                gives: Gives::Result(json!(null)),
            },
            Case {
                name: "nested folder and nested export",
                handler: "dir/file.api.users.list",
                files: &[("dir/file.js", "exports.api = { users: { list: async () => ['a'] } };")],
                event: "{}",
                gives: Gives::Result(json!(["a"])),
            },
            Case {
                name: "TypeScript's output",
                handler: "index.handler",
                files: &[("index.cjs", "Object.defineProperty(exports, '__esModule', { value: true }); exports.handler = void 0; exports.handler = async () => 'ts';")],
                event: "{}",
                gives: Gives::Result(json!("ts")),
            },
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_as_aws_words_them() {
    check(
        RUNTIME,
        vec![
            Case {
                name: "thrown",
                handler: "index.handler",
                files: &[("index.js", "exports.handler = async () => { throw new TypeError('bad input'); };")],
                event: "{}",
                gives: Gives::Error("TypeError", "bad input"),
            },
            Case {
                name: "callback with an error",
                handler: "index.handler",
                files: &[("index.js", "exports.handler = (event, context, done) => done(new Error('no'));")],
                event: "{}",
                gives: Gives::Error("Error", "no"),
            },
            Case {
                name: "callback with a text",
                handler: "index.handler",
                files: &[("index.js", "exports.handler = (event, context, done) => done('no');")],
                event: "{}",
                gives: Gives::Error("string", "no"),
            },
            Case {
                name: "result that is not JSON",
                handler: "index.handler",
                files: &[("index.js", "exports.handler = async () => { const a = {}; a.a = a; return a; };")],
                event: "{}",
                gives: Gives::Error("Error", "Unable to stringify response body"),
            },
            Case {
                name: "missing module",
                handler: "index.handler",
                files: &[("other.js", "")],
                event: "{}",
                gives: Gives::Error("Runtime.ImportModuleError", "Error: Cannot find module 'index'…"),
            },
            Case {
                name: "missing dependency",
                handler: "index.handler",
                files: &[("index.js", "require('left-pad-not-there');")],
                event: "{}",
                gives: Gives::Error("Runtime.ImportModuleError", "Error: Cannot find module 'left-pad-not-there'…"),
            },
            Case {
                name: "syntax error",
                handler: "index.handler",
                files: &[("index.js", "exports.handler = async ( => {")],
                event: "{}",
                gives: Gives::Error("Runtime.UserCodeSyntaxError", "SyntaxError: …"),
            },
            Case {
                name: "missing export",
                handler: "index.handlerr",
                files: &[("index.js", "exports.handler = async () => 1;")],
                event: "{}",
                gives: Gives::Error("Runtime.HandlerNotFound", "index.handlerr is undefined or not exported"),
            },
            Case {
                name: "export that is no function",
                handler: "index.handler",
                files: &[("index.js", "exports.handler = 5;")],
                event: "{}",
                gives: Gives::Error("Runtime.HandlerNotFound", "index.handler is not a function"),
            },
            Case {
                name: "handler without a dot",
                handler: "index",
                files: &[("index.js", "exports.handler = async () => 1;")],
                event: "{}",
                gives: Gives::Error("Runtime.MalformedHandlerName", "Bad handler"),
            },
            Case {
                name: "handler that leaves the code",
                handler: "../index.handler",
                files: &[("index.js", "exports.handler = async () => 1;")],
                event: "{}",
                gives: Gives::Error("Runtime.MalformedHandlerName", "'..' is not valid handler name.…"),
            },
            Case {
                name: "thrown while loading",
                handler: "index.handler",
                files: &[("index.js", "throw new RangeError('at init');")],
                event: "{}",
                gives: Gives::Error("RangeError", "at init"),
            },
            Case {
                name: "top-level await that never settles",
                handler: "index.handler",
                files: &[("index.mjs", "await new Promise(() => {}); export const handler = async () => 1;")],
                event: "{}",
                gives: Gives::Error("Runtime.NodeJsExit", "The Lambda runtime client detected an unexpected Node.js exit code.…"),
            },
            Case {
                name: "unhandled rejection",
                handler: "index.handler",
                files: &[("index.js", "exports.handler = () => new Promise(() => { Promise.reject(new Error('lost')); setTimeout(() => {}, 1000); });")],
                event: "{}",
                gives: Gives::Error("Runtime.UnhandledPromiseRejection", "Error: lost"),
            },
            Case {
                name: "uncaught exception",
                handler: "index.handler",
                files: &[("index.js", "exports.handler = () => new Promise(() => { setTimeout(() => { throw new Error('later'); }, 1); });")],
                event: "{}",
                gives: Gives::Error("Error", "later"),
            },
            Case {
                name: "exit with a status",
                handler: "index.handler",
                files: &[("index.js", "exports.handler = async () => process.exit(3);")],
                event: "{}",
                gives: Gives::Error(
                    "Runtime.ExitError",
                    "RequestId: 8f507cfc-0000-4697-b07a-ac58fc914c95 Error: Runtime exited with error: exit status 3",
                ),
            },
            Case {
                name: "exit without one",
                handler: "index.handler",
                files: &[("index.js", "exports.handler = async () => process.exit(0);")],
                event: "{}",
                gives: Gives::Error(
                    "Runtime.ExitError",
                    "RequestId: 8f507cfc-0000-4697-b07a-ac58fc914c95 Error: Runtime exited without providing a reason",
                ),
            },
            Case {
                name: "exit while loading",
                handler: "index.handler",
                files: &[("index.js", "process.exit(1);")],
                event: "{}",
                gives: Gives::Error(
                    "Runtime.ExitError",
                    "RequestId: 8f507cfc-0000-4697-b07a-ac58fc914c95 Error: Runtime exited with error: exit status 1",
                ),
            },
        ],
    )
    .await;
}

const CONTEXT: &str = r#"
exports.handler = async (event, context) => ({
  name: context.functionName, version: context.functionVersion, arn: context.invokedFunctionArn,
  memory: context.memoryLimitInMB, id: context.awsRequestId, group: context.logGroupName,
  stream: context.logStreamName, client: context.clientContext, identity: context.identity,
  left: context.getRemainingTimeInMillis(),
  env: process.env,
});"#;

#[tokio::test(flavor = "multi_thread")]
async fn context_and_environment() {
    for tier in TIERS {
        let cloud = Cloud::start(tier).await;
        let mut function = cloud.function(RUNTIME, "index.handler", &[("index.js", CONTEXT)]);
        function.environment.insert("TABLE".into(), "users".into());
        function.environment.insert("TZ".into(), "Asia/Tokyo".into());
        let function = Arc::new(function);
        let mut invocation = cloud.invocation("{}", ResponseMode::Buffered { bytes_max: 1 << 20 });
        invocation.client_context = Some(r#"{"custom":{"a":"1"}}"#.into());
        invocation.cognito_identity = Some(r#"{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}"#.into());
        let outcome = cloud.workers.invoke(&function, invocation).await;
        let seen = success(&outcome);
        assert_eq!(seen["name"], "users");
        assert_eq!(seen["version"], "$LATEST");
        assert_eq!(seen["arn"], "arn:aws:lambda:eu-west-1:000000000000:function:users");
        assert_eq!(seen["memory"], "256");
        assert_eq!(seen["id"], REQUEST_ID);
        assert_eq!(seen["group"], "/aws/lambda/users");
        assert_eq!(seen["stream"], json!(outcome.log_stream));
        assert_eq!(seen["client"], json!({ "custom": { "a": "1" } }));
        assert_eq!(seen["identity"]["cognitoIdentityId"], "i");
        let left = seen["left"].as_u64().unwrap();
        assert!((15_000..=20_000).contains(&left), "{left}");
        let env = &seen["env"];
        for (name, value) in [
            ("TABLE", "users"),
            ("TZ", "Asia/Tokyo"),
            ("_HANDLER", "index.handler"),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_EXECUTION_ENV", "AWS_Lambda_nodejs20.x"),
            ("AWS_LAMBDA_FUNCTION_NAME", "users"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SESSION_TOKEN", "token"),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566"),
            ("LOCALSTACK_HOSTNAME", "127.0.0.1"),
        ] {
            assert_eq!(env[name], value, "{name}, {tier:?}");
        }
        assert!(env["_X_AMZN_TRACE_ID"].as_str().unwrap().starts_with("Root=1-"));
        if cloud.is_isolated() {
            assert_eq!(env["LAMBDA_TASK_ROOT"], "/var/task");
            assert_eq!(env["LAMBDA_RUNTIME_DIR"], "/var/runtime");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_reads_as_on_aws() {
    const CODE: &str = r#"
console.log('at init');
exports.handler = async () => {
  console.log('one\ntwo', { a: 1 });
  console.error('bad');
  console.warn('careful'); console.debug('detail');
  process.stdout.write('raw');
  throw new Error('boom');
};"#;
    for tier in TIERS {
        let cloud = Cloud::start(tier).await;
        let function = Arc::new(cloud.function(RUNTIME, "index.handler", &[("index.js", CODE)]));
        let outcome = cloud.invoke(&function, "{}").await;
        assert_eq!(error(&outcome)["trace"][0], "Error: boom");
        let lines = cloud.take_log();
        let line = |number: usize| lines[number].as_str();
        assert!(line(0).starts_with("INIT_START Runtime Version: nodejs:20.v"), "{lines:#?}");
        assert!(line(1).ends_with("Z\tundefined\tINFO\tat init"));
        assert_eq!(line(2), format!("START RequestId: {REQUEST_ID} Version: $LATEST"));
        assert!(line(3).ends_with(&format!("Z\t{REQUEST_ID}\tINFO\tone\ntwo {{ a: 1 }}")));
        assert!(line(4).ends_with(&format!("\t{REQUEST_ID}\tERROR\tbad")));
        assert!(line(5).ends_with("\tWARN\tcareful"));
        assert!(line(6).ends_with("\tDEBUG\tdetail"));
        assert!(line(7).starts_with("raw"), "{lines:#?}");
        assert!(
            line(7).contains(
                "\tERROR\tInvoke Error \t{\"errorType\":\"Error\",\"errorMessage\":\"boom\",\"stack\":["
            ),
            "{lines:#?}"
        );
        assert_eq!(line(8), format!("END RequestId: {REQUEST_ID}"));
        let report = line(9);
        assert!(report.starts_with(&format!("REPORT RequestId: {REQUEST_ID}\tDuration: ")), "{report}");
        assert!(report.contains("\tMemory Size: 256 MB\tMax Memory Used: "), "{report}");
        assert!(report.contains("\tInit Duration: "), "{report}");
        assert_eq!(lines.len(), 10);
        let tail = String::from_utf8(outcome.log_tail.to_vec()).unwrap();
        assert!(tail.starts_with("START RequestId: "), "{tail}");
        assert!(tail.contains("\nEND RequestId: "), "{tail}");

        let warm = cloud.invoke(&function, "{}").await;
        assert_eq!(warm.report.unwrap().init_duration_ms, None);
        assert_eq!(warm.log_stream, outcome.log_stream);
        assert!(cloud.take_log()[0].starts_with("START "));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn modules_come_from_the_function_then_layers_then_the_platform() {
    let module = |name: &str, from: &str| {
        (
            format!("{name}/package.json"),
            format!(r#"{{"name":"{name}","version":"1.0.0","main":"index.js"}}"#),
            format!("{name}/index.js"),
            format!("module.exports = {{ from: '{from}' }};"),
        )
    };
    let put = |folder: &std::path::Path, name: &str, from: &str| {
        let (manifest, manifest_text, index, index_text) = module(name, from);
        write_files(folder, &[(&manifest, &manifest_text), (&index, &index_text)]);
    };
    for tier in TIERS {
        let cloud = Cloud::start(tier).await;
        let layer = cloud.folder.path().join("layer");
        for (code, kind) in [
            (
                "exports.handler = async () => ['one', 'two', 'three'].map(name => require(name).from);",
                "index.js",
            ),
            (
                "import one from 'one'; import two from 'two'; import three from 'three';\nexport const handler = async () => [one.from, two.from, three.from];",
                "index.mjs",
            ),
        ] {
            let mut function = cloud.function(RUNTIME, "index.handler", &[(kind, code)]);
            put(&function.code.join("node_modules"), "one", "function");
            for name in ["one", "two"] {
                put(&layer.join("nodejs/node_modules"), name, "layer");
            }
            for name in ["one", "two", "three"] {
                put(&cloud.platform_dir().join("nodejs/node_modules"), name, "platform");
            }
            function.opt = Some(layer.clone());
            let outcome = cloud.invoke(&Arc::new(function), "{}").await;
            assert_eq!(success(&outcome), json!(["function", "layer", "platform"]), "{kind}, {tier:?}");
        }
    }
}

async fn streamed(cloud: &Cloud, code: &str) -> (Vec<StreamPart>, Outcome) {
    let function = Arc::new(cloud.function(RUNTIME, "index.handler", &[("index.mjs", code)]));
    let (sender, mut receiver) = mpsc::channel(4);
    let collect = tokio::spawn(async move {
        let mut parts = Vec::new();
        while let Some(part) = receiver.recv().await {
            match (parts.last_mut(), part) {
                (Some(StreamPart::Chunk(before)), StreamPart::Chunk(chunk)) => {
                    *before = Bytes::from([before.as_ref(), chunk.as_ref()].concat());
                }
                (_, part) => parts.push(part),
            }
        }
        parts
    });
    let outcome =
        cloud.workers.invoke(&function, cloud.invocation("{}", ResponseMode::Streaming(sender))).await;
    (collect.await.unwrap(), outcome)
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_are_streamed() {
    for tier in TIERS {
        let cloud = Cloud::start(tier).await;
        let head = |content_type: &str| StreamPart::Head { content_type: content_type.into(), prelude: None };
        let chunk = |text: &str| StreamPart::Chunk(Bytes::copy_from_slice(text.as_bytes()));

        let (parts, outcome) = streamed(
            &cloud,
            "export const handler = awslambda.streamifyResponse(async (event, stream, context) => {
               stream.setContentType('text/plain'); stream.write('one '); await new Promise(r => setTimeout(r, 5));
               stream.write(Buffer.from('two')); stream.end(); });",
        )
        .await;
        assert_eq!(parts, [head("text/plain"), chunk("one two"), StreamPart::End], "{tier:?}");
        assert_eq!(outcome.result.unwrap(), Reply::Streamed);

        let (parts, _) = streamed(
            &cloud,
            "export const handler = awslambda.streamifyResponse(async (event, stream) => {
               const body = awslambda.HttpResponseStream.from(stream, { statusCode: 418, headers: { 'x-a': 'é' } });
               body.write('tea'); body.end(); await body.finished; });",
        )
        .await;
        let prelude = Some(Bytes::from(r#"{"statusCode":418,"headers":{"x-a":"é"}}"#));
        let http = "application/vnd.awslambda.http-integration-response".to_owned();
        assert_eq!(parts, [StreamPart::Head { content_type: http, prelude }, chunk("tea"), StreamPart::End]);

        let (parts, _) = streamed(&cloud, "export const handler = async () => ({ ok: true });").await;
        assert_eq!(parts, [head("application/json"), chunk(r#"{"ok":true}"#), StreamPart::End]);

        let (parts, _) = streamed(
            &cloud,
            "export const handler = awslambda.streamifyResponse(async () => { throw new Error('early'); });",
        )
        .await;
        assert!(
            matches!(parts.as_slice(), [StreamPart::Error { error_type, .. }] if error_type == "Error"),
            "{parts:?}"
        );

        let (parts, _) = streamed(
            &cloud,
            "export const handler = awslambda.streamifyResponse(async (event, stream) => {
               stream.write('begun'); await new Promise(r => setTimeout(r, 20)); throw new Error('late'); });",
        )
        .await;
        assert!(
            matches!(
                parts.as_slice(),
                [StreamPart::Head { .. }, StreamPart::Chunk(_), StreamPart::Error { .. }]
            ),
            "{parts:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_slows_the_function_down_and_nothing_is_lost() {
    const MIB: usize = 1024 * 1024;
    for tier in TIERS {
        let cloud = Cloud::start(tier).await;
        let code = "import { pipeline } from 'node:stream/promises'; import { Readable } from 'node:stream';
            export const handler = awslambda.streamifyResponse(async (event, stream) => {
              const part = Buffer.alloc(65536, 7);
              await pipeline(Readable.from((function* () { for (let i = 0; i < 512; i++) yield part; })()), stream); });";
        let function = Arc::new(cloud.function(RUNTIME, "index.handler", &[("index.mjs", code)]));
        let (sender, mut receiver) = mpsc::channel(1);
        let invocation = cloud.invocation("{}", ResponseMode::Streaming(sender));
        let workers = cloud.workers.clone();
        let call = tokio::spawn(async move { workers.invoke(&function, invocation).await });
        let mut bytes = 0;
        while let Some(part) = receiver.recv().await {
            if let StreamPart::Chunk(chunk) = part {
                assert!(chunk.iter().all(|byte| *byte == 7));
                bytes += chunk.len();
                if bytes < MIB {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
        }
        assert_eq!(bytes, 32 * MIB);
        let used = call.await.unwrap().report.unwrap().max_memory_used_mib;
        assert!(used < 200, "{used} MiB for a stream that was not held up");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_read_at_start_are_there_at_start() {
    for tier in TIERS {
        let cloud = Cloud::start(tier).await;
        let code = "exports.handler = async () => process.execArgv.concat(process.env.NODE_OPTIONS, require('v8').getHeapStatistics().heap_size_limit < 120e6);";
        let mut function = cloud.function(RUNTIME, "index.handler", &[("index.js", code)]);
        function.environment.insert("NODE_OPTIONS".into(), "--max-old-space-size=64".into());
        let outcome = cloud.invoke(&Arc::new(function), "{}").await;
        assert_eq!(success(&outcome), json!(["--max-old-space-size=64", true]), "{tier:?}");

        let wrapper = "#!/bin/sh\nexport WRAPPED=yes\nexec \"$@\"\n";
        let files =
            [("wrapper", wrapper), ("index.js", "exports.handler = async () => process.env.WRAPPED;")];
        let mut function = cloud.function(RUNTIME, "index.handler", &files);
        let root = if cloud.is_isolated() { "/var/task".into() } else { function.code.clone() };
        let wrapper = root.join("wrapper").to_string_lossy().into_owned();
        function.environment.insert("AWS_LAMBDA_EXEC_WRAPPER".into(), wrapper);
        let outcome = cloud.invoke(&Arc::new(function), "{}").await;
        assert_eq!(success(&outcome), json!("yes"), "{tier:?}");
    }
}
