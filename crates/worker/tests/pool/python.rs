//! Handlers for Python.

use std::sync::Arc;

use serde_json::json;
use worker::ResponseMode;

use crate::support::{Case, Cloud, Gives, REQUEST_ID, TIERS, check, error, success, write_files};

const RUNTIME: &str = "python3.11";

#[tokio::test(flavor = "multi_thread")]
async fn handlers_of_every_form() {
    check(
        RUNTIME,
        vec![
            Case {
                name: "plain",
                handler: "app.handler",
                files: &[("app.py", "def handler(event, context):\n    return {'statusCode': 200, 'body': event['path']}\n")],
                event: r#"{"path":"/users"}"#,
                gives: Gives::Result(json!({ "statusCode": 200, "body": "/users" })),
            },
            Case {
                name: "package with a slash",
                handler: "pkg/mod.handler",
                files: &[("pkg/__init__.py", ""), ("pkg/mod.py", "from . import two\ndef handler(e, c):\n    return two.two\n"), ("pkg/two.py", "two = 2\n")],
                event: "{}",
                gives: Gives::Result(json!(2)),
            },
            Case {
                name: "package with a dot",
                handler: "pkg.mod.handler",
                files: &[("pkg/mod.py", "def handler(e, c):\n    return 'dot'\n")],
                event: "{}",
                gives: Gives::Result(json!("dot")),
            },
            Case {
                name: "names that the client's own modules have",
                handler: "handler.channel",
                files: &[("handler.py", "import logs\nimport context\ndef channel(e, c):\n    return [logs.a, context.a]\n"), ("logs.py", "a = 1\n"), ("context.py", "a = 2\n")],
                event: "{}",
                gives: Gives::Result(json!([1, 2])),
            },
            Case {
                name: "no result is null",
                handler: "app.handler",
                files: &[("app.py", "def handler(e, c):\n    pass\n")],
                event: "{}",
                gives: Gives::Result(json!(null)),
            },
            Case {
                name: "text beyond ASCII and decimals",
                handler: "app.handler",
                files: &[("app.py", "from decimal import Decimal\ndef handler(e, c):\n    return [e['a'], Decimal('3'), Decimal('1.5'), open(__file__).encoding, ]\n")],
                event: r#"{"a":"é€😀"}"#,
                gives: Gives::Result(json!(["é€😀", 3, 1.5, "utf-8"])),
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
                name: "raised",
                handler: "app.handler",
                files: &[("app.py", "def handler(e, c):\n    return e['missing']\n")],
                event: "{}",
                gives: Gives::Error("KeyError", "'missing'"),
            },
            Case {
                name: "missing module",
                handler: "app.handler",
                files: &[("other.py", "")],
                event: "{}",
                gives: Gives::Error("Runtime.ImportModuleError", "Unable to import module 'app': No module named 'app'"),
            },
            Case {
                name: "missing dependency",
                handler: "app.handler",
                files: &[("app.py", "import not_there\n")],
                event: "{}",
                gives: Gives::Error("Runtime.ImportModuleError", "Unable to import module 'app': No module named 'not_there'"),
            },
            Case {
                name: "syntax error",
                handler: "app.handler",
                files: &[("app.py", "def handler(e, c)\n    pass\n")],
                event: "{}",
                gives: Gives::Error("Runtime.UserCodeSyntaxError", "Syntax error in module 'app': expected ':' (app.py, line 1)"),
            },
            Case {
                name: "missing function",
                handler: "app.handlerr",
                files: &[("app.py", "def handler(e, c):\n    pass\n")],
                event: "{}",
                gives: Gives::Error("Runtime.HandlerNotFound", "Handler 'handlerr' missing on module 'app'"),
            },
            Case {
                name: "handler without a dot",
                handler: "app",
                files: &[("app.py", "")],
                event: "{}",
                gives: Gives::Error("Runtime.MalformedHandlerName", "Bad handler 'app': not enough values to unpack (expected 2, got 1)"),
            },
            Case {
                name: "result that is not JSON",
                handler: "app.handler",
                files: &[("app.py", "def handler(e, c):\n    return {1, 2}\n")],
                event: "{}",
                gives: Gives::Error("Runtime.MarshalError", "Unable to marshal response: Object of type set is not JSON serializable"),
            },
            Case {
                name: "raised while loading",
                handler: "app.handler",
                files: &[("app.py", "raise ValueError('at init')\n")],
                event: "{}",
                gives: Gives::Error("ValueError", "at init"),
            },
            Case {
                name: "sys.exit with a status",
                handler: "app.handler",
                files: &[("app.py", "import sys\ndef handler(e, c):\n    sys.exit(3)\n")],
                event: "{}",
                gives: Gives::Error(
                    "Runtime.ExitError",
                    "RequestId: 8f507cfc-0000-4697-b07a-ac58fc914c95 Error: Runtime exited with error: exit status 3",
                ),
            },
            Case {
                name: "exit without one",
                handler: "app.handler",
                files: &[("app.py", "def handler(e, c):\n    exit()\n")],
                event: "{}",
                gives: Gives::Error(
                    "Runtime.ExitError",
                    "RequestId: 8f507cfc-0000-4697-b07a-ac58fc914c95 Error: Runtime exited without providing a reason",
                ),
            },
            Case {
                name: "a crash",
                handler: "app.handler",
                files: &[("app.py", "import os, signal\ndef handler(e, c):\n    os.kill(os.getpid(), signal.SIGKILL)\n")],
                event: "{}",
                gives: Gives::Error("Runtime.ExitError", "RequestId: 8f507cfc-0000-4697-b07a-ac58fc914c95 Error: Runtime exited …"),
            },
        ],
    )
    .await;
}

const CONTEXT: &str = r#"
import os, sys
def handler(event, context):
    return {
        'name': context.function_name, 'version': context.function_version, 'arn': context.invoked_function_arn,
        'memory': context.memory_limit_in_mb, 'id': context.aws_request_id, 'group': context.log_group_name,
        'stream': context.log_stream_name, 'left': context.get_remaining_time_in_millis(),
        'custom': context.client_context.custom, 'app': context.client_context.client.app_title,
        'identity': context.identity.cognito_identity_id, 'path': sys.path, 'cwd': os.getcwd(), 'env': dict(os.environ),
    }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn context_and_environment() {
    for tier in TIERS {
        let cloud = Cloud::start(tier).await;
        let mut function = cloud.function(RUNTIME, "app.handler", &[("app.py", CONTEXT)]);
        function.environment.insert("TABLE".into(), "users".into());
        let function = Arc::new(function);
        let mut invocation = cloud.invocation("{}", ResponseMode::Buffered { bytes_max: 1 << 20 });
        invocation.client_context = Some(r#"{"custom":{"a":"1"},"client":{"app_title":"t"}}"#.into());
        invocation.cognito_identity = Some(r#"{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}"#.into());
        let outcome = cloud.workers.invoke(&function, invocation).await;
        let seen = success(&outcome);
        assert_eq!(seen["name"], "users");
        assert_eq!(seen["version"], "$LATEST");
        assert_eq!(seen["memory"], "256");
        assert_eq!(seen["id"], REQUEST_ID);
        assert_eq!(seen["group"], "/aws/lambda/users");
        assert_eq!(seen["stream"], json!(outcome.log_stream));
        assert_eq!(seen["custom"], json!({ "a": "1" }));
        assert_eq!(seen["app"], "t");
        assert_eq!(seen["identity"], "i");
        let left = seen["left"].as_u64().unwrap();
        assert!((15_000..=20_000).contains(&left), "{left}");
        for (name, value) in [
            ("TABLE", "users"),
            ("TZ", ":UTC"),
            ("_HANDLER", "app.handler"),
            ("AWS_DEFAULT_REGION", "eu-west-1"),
            ("AWS_EXECUTION_ENV", "AWS_Lambda_python3.11"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
        ] {
            assert_eq!(seen["env"][name], value, "{name}, {tier:?}");
        }
        if cloud.is_isolated() {
            assert_eq!(seen["cwd"], "/var/task");
            assert_eq!(seen["path"][0], "/var/task");
            assert_eq!(seen["path"][2], "/opt/python");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_reads_as_on_aws() {
    const CODE: &str = r#"
import logging, sys
logger = logging.getLogger()
logger.setLevel('INFO')
print('at init')
def handler(event, context):
    print('one', 'two', {'a': 1})
    logger.info('first\nsecond')
    logging.getLogger('x').warning('careful')
    sys.stderr.write('to stderr\n')
    sys.stdout.write('raw\n')
    raise RuntimeError('boom')
"#;
    for tier in TIERS {
        let cloud = Cloud::start(tier).await;
        let function = Arc::new(cloud.function(RUNTIME, "app.handler", &[("app.py", CODE)]));
        let outcome = cloud.invoke(&function, "{}").await;
        let payload = error(&outcome);
        assert_eq!(payload["requestId"], REQUEST_ID);
        let trace = payload["stackTrace"].as_array().unwrap();
        assert_eq!(trace.len(), 1, "{trace:?}");
        let root = if cloud.is_isolated() { "/var/task".into() } else { function.code.display().to_string() };
        let frame =
            format!("  File \"{root}/app.py\", line 12, in handler\n    raise RuntimeError('boom')\n");
        assert_eq!(trace[0], frame);

        let lines = cloud.take_log();
        let line = |number: usize| lines[number].as_str();
        assert!(line(0).starts_with("INIT_START Runtime Version: python:3.11.v3."), "{lines:#?}");
        assert_eq!(line(1), "at init");
        assert!(line(2).starts_with("START "));
        let own: Vec<&str> = lines[3..lines.len() - 2]
            .iter()
            .map(String::as_str)
            .filter(|line| *line != "to stderr")
            .collect();
        assert_eq!(own[0], "one two {'a': 1}");
        assert!(
            own[1].starts_with("[INFO]\t2") && own[1].ends_with(&format!("Z\t{REQUEST_ID}\tfirst\nsecond")),
            "{own:?}"
        );
        assert!(own[2].starts_with("[WARNING]\t") && own[2].ends_with("\tcareful"));
        assert_eq!(own[3], "raw");
        assert!(
            own[4].starts_with("[ERROR] RuntimeError: boom\nTraceback (most recent call last):\n  File "),
            "{own:?}"
        );
        assert_eq!(own.len(), 5);
        assert!(lines.contains(&"to stderr".to_owned()));
        assert_eq!(line(lines.len() - 2), format!("END RequestId: {REQUEST_ID}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn modules_come_from_the_function_then_layers_then_the_platform() {
    const CODE: &str =
        "import one, two, three\ndef handler(e, c):\n    return [one.origin, two.origin, three.origin]\n";
    for tier in TIERS {
        let cloud = Cloud::start(tier).await;
        let layer = cloud.folder.path().join("layer");
        let mut function =
            cloud.function(RUNTIME, "app.handler", &[("app.py", CODE), ("one.py", "origin = 'function'\n")]);
        write_files(
            &layer.join("python"),
            &[("one.py", "origin = 'layer'\n"), ("two.py", "origin = 'layer'\n")],
        );
        for name in ["one.py", "two.py", "three.py"] {
            write_files(&cloud.platform_dir().join("python"), &[(name, "origin = 'platform'\n")]);
        }
        function.opt = Some(layer);
        let outcome = cloud.invoke(&Arc::new(function), "{}").await;
        assert_eq!(success(&outcome), json!(["function", "layer", "platform"]), "{tier:?}");
    }
}
