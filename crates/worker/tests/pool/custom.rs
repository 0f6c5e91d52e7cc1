//! Custom runtimes: any program that speaks the Runtime API.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;
use tokio::sync::mpsc;
use worker::{Reply, ResponseMode, StreamPart};

use crate::support::{Cloud, REQUEST_ID, TIERS, error, success};

const RUNTIME: &str = "provided.al2023";

/// A runtime in Python without any help; `answer(event, headers, post)` is the function.
const LOOP: &str = r#"#!/usr/bin/env python3
import http.client, json, os, sys
api = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])
BASE = '/2018-06-01/runtime/'
def call(method, path, body=None, headers={}):
    api.request(method, BASE + path, body, headers)
    response = api.getresponse()
    return response.status, response.read().decode(), response.headers
exec(open(os.environ['LAMBDA_TASK_ROOT'] + '/function.py').read())
while True:
    _, event, headers = call('GET', 'invocation/next')
    answer(json.loads(event), headers, 'invocation/' + headers['Lambda-Runtime-Aws-Request-Id'] + '/')
"#;

/// What is wrong, the files, and the type and message of the error.
type Refused<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, String);

fn files(function: &'static str) -> [(&'static str, &'static str); 2] {
    [("bootstrap", LOOP), ("function.py", function)]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runtime_gets_its_calls_and_answers_them() {
    const FUNCTION: &str = r#"
print('starting', flush=True)
calls = 0
def answer(event, headers, path):
    global calls
    calls += 1
    print('running', flush=True)
    found = {name: headers['Lambda-Runtime-' + name] for name in ('Invoked-Function-Arn', 'Trace-Id', 'Client-Context')}
    found['deadline'] = int(headers['Lambda-Runtime-Deadline-Ms']) > 1.6e12
    found['handler'] = os.environ['_HANDLER']
    found['key'] = os.environ.get('AWS_ACCESS_KEY_ID')
    status, body, _ = call('POST', path + 'response', json.dumps({'event': event, 'calls': calls, **found}))
    assert (status, json.loads(body)) == (202, {'status': 'OK'}), (status, body)
"#;
    for tier in TIERS {
        let cloud = Cloud::start(tier).await;
        let function = Arc::new(cloud.function(RUNTIME, "hello", &files(FUNCTION)));
        for calls in [1, 2] {
            let mut invocation =
                cloud.invocation(r#"{"a":"é"}"#, ResponseMode::Buffered { bytes_max: 1 << 20 });
            invocation.client_context = Some("{\n\"custom\": {}}".into());
            let outcome = cloud.workers.invoke(&function, invocation).await;
            let seen = success(&outcome);
            assert_eq!(seen["event"], json!({ "a": "é" }));
            assert_eq!(seen["calls"], calls);
            assert_eq!(seen["Invoked-Function-Arn"], "arn:aws:lambda:eu-west-1:000000000000:function:users");
            assert_eq!(seen["Client-Context"], "{ \"custom\": {}}");
            assert_eq!(seen["deadline"], true);
            assert_eq!(seen["handler"], "hello");
            assert_eq!(seen["key"], "AKIDEXAMPLE");
            assert!(seen["Trace-Id"].as_str().unwrap().starts_with("Root=1-"));
        }
        let log = cloud.take_log();
        assert_eq!(log[0], "INIT_START Runtime Version: provided.al2023");
        assert_eq!(
            log[1..4],
            ["starting".into(), format!("START RequestId: {REQUEST_ID} Version: $LATEST"), "running".into()]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_api_refuses() {
    const FUNCTION: &str = r#"
def answer(event, headers, path):
    seen = []
    def note(method, path, body=None):
        status, body, _ = call(method, path, body)
        seen.append([status, json.loads(body).get('errorType')])
    note('POST', 'invocation/unknown/response', '{}')
    note('GET', 'invocation/next')
    note('POST', 'init/error', '{}')
    note('PUT', path + 'response', '{}')
    note('GET', 'nonsense')
    call('POST', path + 'response', json.dumps(seen))
    status, body, _ = call('POST', path + 'response', '{}')
    assert status == 403, body
"#;
    for tier in TIERS {
        let cloud = Cloud::start(tier).await;
        let function = Arc::new(cloud.function(RUNTIME, "hello", &files(FUNCTION)));
        let seen = success(&cloud.invoke(&function, "{}").await);
        let expected = json!([
            [400, "InvalidRequestID"],
            [403, "InvalidStateTransition"],
            [403, "InvalidStateTransition"],
            [405, "MethodNotAllowed"],
            [404, "NotFound"]
        ]);
        assert_eq!(seen, expected, "{tier:?}");
        assert_eq!(success(&cloud.invoke(&function, "{}").await), expected, "{tier:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_a_runtime() {
    const FUNCTION: &str = r#"
def answer(event, headers, path):
    kind = event['kind']
    if kind == 'error':
        body = json.dumps({'errorType': 'Own', 'errorMessage': 'mine', 'stackTrace': []})
        assert call('POST', path + 'error', body, {'Lambda-Runtime-Function-Error-Type': 'Own'})[0] == 202
    elif kind == 'text':
        call('POST', path + 'error', 'not json', {'Lambda-Runtime-Function-Error-Type': 'Own.Text'})
    elif kind == 'large':
        status, body, _ = call('POST', path + 'response', b'x' * 6291557)
        assert status == 413 and json.loads(body)['errorType'] == 'RequestEntityTooLarge', body
    elif kind == 'largest':
        call('POST', path + 'response', b'"' + b'x' * 6291554 + b'"')
    elif kind == 'exit':
        sys.exit(7)
    else:
        os._exit(0)
"#;
    for tier in TIERS {
        let cloud = Cloud::start(tier).await;
        let function = Arc::new(cloud.function(RUNTIME, "hello", &files(FUNCTION)));
        let invoke = async |kind: &str| cloud.invoke(&function, &format!(r#"{{"kind":"{kind}"}}"#)).await;
        let own = error(&invoke("error").await);
        assert_eq!(own, json!({ "errorType": "Own", "errorMessage": "mine", "stackTrace": [] }));
        assert_eq!(
            error(&invoke("text").await),
            json!({ "errorType": "Own.Text", "errorMessage": "not json" })
        );
        let large = error(&invoke("large").await);
        assert_eq!(large["errorType"], "Function.ResponseSizeTooLarge");
        assert_eq!(
            large["errorMessage"],
            "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
        );
        assert_eq!(success(&invoke("largest").await).as_str().unwrap().len(), 6_291_554);
        assert_eq!(cloud.workers.stats().cold_starts, 1, "errors end no runtime");
        let exit = error(&invoke("exit").await);
        assert_eq!(
            exit["errorMessage"],
            format!("RequestId: {REQUEST_ID} Error: Runtime exited with error: exit status 7")
        );
        let silent = error(&invoke("silent").await);
        assert_eq!(
            silent["errorMessage"],
            format!("RequestId: {REQUEST_ID} Error: Runtime exited without providing a reason")
        );
        assert_eq!(error(&invoke("error").await)["errorType"], "Own");
        assert_eq!(cloud.workers.stats().cold_starts, 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runtime_that_cannot_begin() {
    const INIT_ERROR: &str = r#"
status, body, _ = call('POST', 'init/error', json.dumps({'errorType': 'Own.Init', 'errorMessage': 'no config'}))
assert status == 202, body
sys.exit(1)
"#;
    let not_executable = [("bootstrap", "echo hello")];
    let no_program = [("bootstrap", "#!/not/there\n")];
    let missing = [("main", "#!/bin/sh\n")];
    let init_error = files(INIT_ERROR);
    let exits = [("bootstrap", "#!/bin/sh\necho leaving\nexit 2\n")];
    let prefix = format!("RequestId: {REQUEST_ID} Error: ");
    let cases: [Refused<'_>; 5] = [
        (
            "missing",
            &missing,
            "Runtime.InvalidEntrypoint",
            format!("{prefix}Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"),
        ),
        (
            "not executable",
            &not_executable,
            "Runtime.InvalidEntrypoint",
            format!("{prefix}fork/exec /var/task/bootstrap: permission denied"),
        ),
        (
            "no interpreter",
            &no_program,
            "Runtime.InvalidEntrypoint",
            format!("{prefix}fork/exec /var/task/bootstrap: no such file or directory"),
        ),
        ("init/error", &init_error, "Own.Init", "no config".into()),
        ("exits", &exits, "Runtime.ExitError", format!("{prefix}Runtime exited with error: exit status 2")),
    ];
    for tier in TIERS {
        let cloud = Cloud::start(tier).await;
        for (name, files, error_type, message) in &cases {
            let function = Arc::new(cloud.function(RUNTIME, "hello", files));
            let outcome = cloud.invoke(&function, "{}").await;
            let payload = error(&outcome);
            assert_eq!(payload["errorType"], *error_type, "{name}, {tier:?}");
            assert_eq!(payload["errorMessage"], *message, "{name}, {tier:?}");
            let log = cloud.take_log();
            assert!(log.iter().any(|line| line.starts_with("REPORT ")), "{name}: {log:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_are_streamed() {
    const FUNCTION: &str = r#"
import base64
def answer(event, headers, path):
    def send(content_type, parts, trailers=''):
        api.putrequest('POST', BASE + path + 'response')
        api.putheader('Lambda-Runtime-Function-Response-Mode', 'streaming')
        api.putheader('Content-Type', content_type)
        api.putheader('Transfer-Encoding', 'chunked')
        api.putheader('Trailer', 'Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body')
        api.endheaders()
        for part in parts:
            api.send(b'%x\r\n%s\r\n' % (len(part), part))
        api.send(b'0\r\n' + trailers.encode() + b'\r\n')
        response = api.getresponse()
        assert response.status == 202, response.read()
        response.read()
    if event['kind'] == 'http':
        send('application/vnd.awslambda.http-integration-response', [b'{"statusCode":404}', bytes(8), b'not ', b'here'])
    else:
        body = base64.b64encode(b'{"errorType":"Own.Late","errorMessage":"late"}').decode()
        send('text/plain', [b'begun'], 'Lambda-Runtime-Function-Error-Type: Own.Late\r\nLambda-Runtime-Function-Error-Body: ' + body + '\r\n')
"#;
    for tier in TIERS {
        let cloud = Cloud::start(tier).await;
        let function = Arc::new(cloud.function(RUNTIME, "hello", &files(FUNCTION)));
        let call = async |kind: &str| {
            let (sender, mut receiver) = mpsc::channel(64);
            let invocation =
                cloud.invocation(&format!(r#"{{"kind":"{kind}"}}"#), ResponseMode::Streaming(sender));
            let outcome = cloud.workers.invoke(&function, invocation).await;
            assert_eq!(outcome.result.unwrap(), Reply::Streamed);
            let mut parts = Vec::new();
            let mut body = Vec::new();
            while let Some(part) = receiver.recv().await {
                match part {
                    StreamPart::Chunk(chunk) => body.extend_from_slice(&chunk),
                    other => parts.push(other),
                }
            }
            (parts, String::from_utf8(body).unwrap())
        };
        let (parts, body) = call("http").await;
        assert_eq!(body, "not here");
        let head = StreamPart::Head {
            content_type: "application/vnd.awslambda.http-integration-response".into(),
            prelude: Some(Bytes::from_static(br#"{"statusCode":404}"#)),
        };
        assert_eq!(parts, [head, StreamPart::End], "{tier:?}");

        let (parts, body) = call("late").await;
        assert_eq!(body, "begun");
        assert_eq!(
            parts,
            [
                StreamPart::Head { content_type: "text/plain".into(), prelude: None },
                StreamPart::Error {
                    error_type: "Own.Late".into(),
                    message: r#"{"errorType":"Own.Late","errorMessage":"late"}"#.into()
                }
            ],
            "{tier:?}"
        );
    }
}
