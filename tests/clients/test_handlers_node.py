"""Node handlers in every shape AWS documents, run unmodified, and every way in which they can fail."""

import json
import re

import pytest

from cloud import code

REST_API = """
const users = new Map();
exports.handler = async (event) => {
  const { httpMethod, path, body } = event;
  const answer = (statusCode, value) => ({
    statusCode, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(value),
  });
  if (httpMethod === 'POST' && path === '/users') {
    const user = { id: String(users.size + 1), ...JSON.parse(body) };
    users.set(user.id, user);
    return answer(201, user);
  }
  if (httpMethod === 'GET' && path === '/users') return answer(200, [...users.values()]);
  return answer(404, { message: 'Not Found' });
};
"""


def test_the_rest_api_in_one_function(account):
    account.node("users", REST_API)
    created = account.invoke(
        "users", {"httpMethod": "POST", "path": "/users", "body": '{"name":"Ada"}'}
    ).json()
    assert (created["statusCode"], json.loads(created["body"])) == (201, {"id": "1", "name": "Ada"})
    listed = account.invoke("users", {"httpMethod": "GET", "path": "/users"}).json()
    assert json.loads(listed["body"]) == [{"id": "1", "name": "Ada"}]
    assert account.invoke("users", {"httpMethod": "GET", "path": "/other"}).json()["statusCode"] == 404


SHAPES = {
    "async": {"index.js": "exports.handler = async (event) => event.n + 1;"},
    "promise": {"index.js": "exports.handler = (event) => Promise.resolve(event.n + 1);"},
    "callback": {"index.js": "exports.handler = (event, context, callback) => callback(null, event.n + 1);"},
    "late callback": {
        "index.js": "exports.handler = (event, context, callback) => { setTimeout(() => callback(null, event.n + 1), 20); };"
    },
    "context.succeed": {"index.js": "exports.handler = (event, context) => context.succeed(event.n + 1);"},
    "module.exports": {"index.js": "module.exports = { handler: async (event) => event.n + 1 };"},
    "required file": {
        "index.js": "const { add } = require('./lib/add'); exports.handler = async (event) => add(event.n);",
        "lib/add.js": "exports.add = (n) => n + 1;",
    },
    "bundled package": {
        "index.js": "const add = require('add-one'); exports.handler = async (event) => add(event.n);",
        "node_modules/add-one/package.json": '{"name":"add-one","main":"main.js"}',
        "node_modules/add-one/main.js": "module.exports = (n) => n + 1;",
    },
    "esm .mjs": {"index.mjs": "export const handler = async (event) => event.n + 1;"},
    "esm by package.json": {
        "package.json": '{"type":"module"}',
        "index.js": "import { add } from './add.js'; export const handler = async (event) => add(event.n);",
        "add.js": "export const add = (n) => n + 1;",
    },
    "esm top-level await": {
        "index.mjs": "const one = await Promise.resolve(1); export const handler = async (event) => event.n + one;"
    },
    "cjs .cjs": {"index.cjs": "exports.handler = async (event) => event.n + 1;"},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_handler_shapes(account, shape):
    account.create("shape", SHAPES[shape])
    assert account.invoke("shape", {"n": 1}).json() == 2
    assert account.invoke("shape", {"n": 5}).json() == 6


def test_handlers_in_folders_and_nested_names(account):
    account.create(
        "nested", {"src/app.js": "exports.api = { get: async () => 'nested' };"}, Handler="src/app.api.get"
    )
    assert account.invoke("nested").json() == "nested"


def test_undefined_becomes_null(account):
    account.node("silent", "exports.handler = async () => {};")
    assert account.invoke("silent").payload == b"null"


def test_environment(account):
    account.node(
        "environment",
        "exports.handler = async () => process.env;",
        Environment={"Variables": {"STAGE": "test"}},
        MemorySize=256,
    )
    seen = account.invoke("environment").json()
    expected = {
        "STAGE": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs20.x",
        "AWS_LAMBDA_FUNCTION_NAME": "environment",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/environment",
        "LAMBDA_TASK_ROOT": "/var/task",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "TZ": ":UTC",
        "_HANDLER": "index.handler",
    }
    assert {name: seen.get(name) for name in expected} == expected
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", seen["AWS_LAMBDA_LOG_STREAM_NAME"])
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        assert seen.get(name), name
    assert "/opt" in seen["NODE_PATH"] and "/opt/bin" in seen["PATH"]
    assert re.match(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", seen["_X_AMZN_TRACE_ID"])


def test_context(account):
    account.node(
        "context",
        """
        exports.handler = async (event, context) => ({
          ...context, remaining: context.getRemainingTimeInMillis(),
        });
        """,
        Timeout=10,
    )
    reply = account.invoke("context")
    context = reply.json()
    assert context["awsRequestId"] == reply.request_id
    assert context["functionName"] == "context"
    assert context["functionVersion"] == "$LATEST"
    assert context["invokedFunctionArn"] == account.arn("context")
    assert context["memoryLimitInMB"] == "128"
    assert context["logGroupName"] == "/aws/lambda/context"
    assert "[$LATEST]" in context["logStreamName"]
    assert context["callbackWaitsForEmptyEventLoop"] is True
    assert 8_000 < context["remaining"] <= 10_000


def test_the_working_folder_is_the_code(account):
    account.create(
        "files",
        {
            "index.js": "exports.handler = async () => [process.cwd(), require('fs').readFileSync('data.txt', 'utf8')];",
            "data.txt": "beside",
        },
    )
    assert account.invoke("files").json() == ["/var/task", "beside"]


FAILURES = {
    "thrown": ("exports.handler = async () => { throw new TypeError('no'); };", "TypeError", "no"),
    "thrown outside of a promise": ("exports.handler = () => { throw new Error('sync'); };", "Error", "sync"),
    "own class": (
        "class Broken extends Error { constructor(m) { super(m); this.name = 'Broken'; } } exports.handler = async () => { throw new Broken('own'); };",
        "Broken",
        "own",
    ),
    "callback": (
        "exports.handler = (event, context, callback) => callback(new Error('by callback'));",
        "Error",
        "by callback",
    ),
    "context.fail": (
        "exports.handler = (event, context) => context.fail(new Error('by context'));",
        "Error",
        "by context",
    ),
    "not an Error": ("exports.handler = async () => { throw 'just text'; };", "string", "just text"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_errors_have_type_message_and_trace(account, failure):
    source, error_type, message = FAILURES[failure]
    account.node("failing", source)
    error = account.invoke("failing").error()
    assert (error["errorType"], error["errorMessage"]) == (error_type, message)
    assert isinstance(error["trace"], list)
    assert account.invoke("failing").error()["errorMessage"] == message


def test_failures_are_logged_with_their_trace(account):
    account.node("failing", "exports.handler = async () => { throw new Error('seen in the log'); };")
    log = account.invoke("failing", LogType="Tail").log
    line = next(line for line in log.splitlines() if "\tERROR\tInvoke Error" in line)
    assert json.loads(line.split("\t")[-1])["errorMessage"] == "seen in the log"


def test_unhandled_rejection(account):
    account.node(
        "rejecting",
        "exports.handler = (event, context, callback) => { Promise.reject(new Error('forgotten')); };",
    )
    error = account.invoke("rejecting").error()
    assert error["errorType"] == "Runtime.UnhandledPromiseRejection"
    assert "forgotten" in error["errorMessage"]


INIT_FAILURES = {
    "missing module": (
        {"index.js": "require('not-there'); exports.handler = async () => 1;"},
        "index.handler",
        "Runtime.ImportModuleError",
        r"^Error: Cannot find module 'not-there'",
    ),
    "missing file": (
        {"other.js": ""},
        "index.handler",
        "Runtime.ImportModuleError",
        r"Cannot find module 'index'",
    ),
    "missing handler": (
        {"index.js": "exports.other = async () => 1;"},
        "index.handler",
        "Runtime.HandlerNotFound",
        r"^index\.handler is undefined or not exported$",
    ),
    "syntax error": (
        {"index.js": "exports.handler = async () => {{;"},
        "index.handler",
        "Runtime.UserCodeSyntaxError",
        r"^SyntaxError: ",
    ),
    "error at start": (
        {"index.js": "throw new RangeError('at start'); exports.handler = async () => 1;"},
        "index.handler",
        "RangeError",
        r"^at start$",
    ),
    "handler without a dot": ({"index.js": ""}, "index", "Runtime.MalformedHandlerName", r""),
}


@pytest.mark.parametrize("failure", INIT_FAILURES)
def test_init_failures(account, failure):
    files, handler, error_type, message = INIT_FAILURES[failure]
    account.create("uninitialised", files, Handler=handler)
    for _ in range(2):
        error = account.invoke("uninitialised").error()
        assert error["errorType"] == error_type
        assert re.search(message, error["errorMessage"]), error


def test_exit_is_an_error_and_the_next_call_works(account):
    account.node(
        "leaving",
        "exports.handler = async (event) => { if (event.leave) process.exit(event.code); return 'stayed'; };",
    )
    for exit_code in (0, 7):
        reply = account.invoke("leaving", {"leave": True, "code": exit_code})
        error = reply.error()
        assert error["errorType"] == "Runtime.ExitError"
        assert re.match(
            rf"RequestId: {reply.request_id} Error: Runtime exited (without providing a reason|with error: exit status {exit_code})$",
            error["errorMessage"],
        )
        assert account.invoke("leaving", {}).json() == "stayed"


def test_console_lines_carry_time_request_and_level(account):
    account.node(
        "chatty",
        "exports.handler = async () => { console.log('one', { two: 2 }); console.error('bad'); console.warn('hm'); console.debug('dd'); };",
    )
    reply = account.invoke("chatty", LogType="Tail")
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    for level, text in (("INFO", r"one \{ two: 2 \}"), ("ERROR", "bad"), ("WARN", "hm"), ("DEBUG", "dd")):
        assert re.search(rf"^{stamp}\t{reply.request_id}\t{level}\t{text}$", reply.log, re.MULTILINE), (
            reply.log
        )


def test_background_work_is_frozen_out_of_the_answer(account):
    account.node(
        "lingering",
        """
        exports.handler = (event, context, callback) => {
          context.callbackWaitsForEmptyEventLoop = false;
          setTimeout(() => {}, 15000);
          callback(null, 'early');
        };
        """,
    )
    assert account.invoke("lingering").json() == "early"


def test_the_sdk_version_3_is_there(account):
    account.create(
        "sdk",
        {
            "index.mjs": code(
                """
                import { STSClient, GetCallerIdentityCommand } from '@aws-sdk/client-sts';
                import { LambdaClient, GetAccountSettingsCommand } from '@aws-sdk/client-lambda';
                export const handler = async () => {
                  const identity = await new STSClient({}).send(new GetCallerIdentityCommand({}));
                  const settings = await new LambdaClient({}).send(new GetAccountSettingsCommand({}));
                  return { arn: identity.Arn, functions: settings.AccountUsage.FunctionCount };
                };
                """
            )
        },
        MemorySize=512,
    )
    answer = account.invoke("sdk").json()
    assert re.fullmatch(rf"arn:aws:sts::{account.id}:assumed-role/function-role/sdk", answer["arn"])
    assert answer["functions"] == 1


def test_the_sdk_version_2_is_there(account):
    account.node(
        "sdk",
        """
        const AWS = require('aws-sdk');
        exports.handler = async () => (await new AWS.STS({ endpoint: process.env.AWS_ENDPOINT_URL }).getCallerIdentity().promise()).Arn;
        """,
        MemorySize=512,
    )
    assert account.invoke("sdk").json() == f"arn:aws:sts::{account.id}:assumed-role/function-role/sdk"
