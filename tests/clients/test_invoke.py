"""Invoke and InvokeWithResponseStream: how a call reaches a function and what comes back."""

import base64
import concurrent.futures
import json
import re

import pytest

from cloud import refused

ECHO = "exports.handler = async (event) => event;"
PAYLOAD_BYTES_MAX = 6 * 1024 * 1024


def test_request_and_response(account):
    account.node("echo", ECHO)
    reply = account.invoke("echo", {"text": "grüße", "list": [1, 2.5, None, True]})
    assert (reply.status, reply.version) == (200, "$LATEST")
    assert reply.json() == {"text": "grüße", "list": [1, 2.5, None, True]}


def test_the_answer_is_called_json(account):
    account.node("echo", ECHO)
    answer = account.functions.invoke(FunctionName="echo", Payload=b"{}")
    assert answer["ResponseMetadata"]["HTTPHeaders"]["content-type"] == "application/json"


def test_any_json_value_is_an_event(account):
    account.node("echo", ECHO)
    for event in (0, "text", [], None, False, {"nested": {"deep": [{}]}}):
        assert account.invoke("echo", event).json() == event


def test_a_dry_run_does_not_run(account):
    account.node("echo", "let calls = 0; exports.handler = async () => ++calls;")
    reply = account.invoke("echo", InvocationType="DryRun")
    assert (reply.status, reply.payload) == (204, b"")
    assert account.invoke("echo").json() == 1


def test_the_log_tail_comes_with_the_answer(account):
    account.node("chatty", "exports.handler = async () => { console.log('a line of log'); };")
    reply = account.invoke("chatty", LogType="Tail")
    lines = reply.log.splitlines()
    assert re.match(rf"START RequestId: {reply.request_id} Version: \$LATEST", lines[0])
    assert any(line.endswith("\tINFO\ta line of log") for line in lines)
    assert f"END RequestId: {reply.request_id}" in lines
    report = lines[-1] if lines[-1].startswith("REPORT") else lines[-2]
    assert re.match(
        rf"REPORT RequestId: {reply.request_id}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\t"
        r"Memory Size: 128 MB\tMax Memory Used: \d+ MB\tInit Duration: \d+\.\d\d ms",
        report,
    )


def test_the_log_tail_is_the_last_four_kilobytes(account):
    account.node(
        "verbose",
        "exports.handler = async () => { for (let i = 0; i < 500; i++) console.log('line ' + i); };",
    )
    log = account.invoke("verbose", LogType="Tail").log
    assert len(log.encode()) <= 4096
    assert "line 499" in log and "line 0\n" not in log


def test_without_tail_there_is_no_log(account):
    account.node("quiet", ECHO)
    assert account.invoke("quiet").log == ""


def test_client_context_reaches_the_handler(account):
    account.node("context", "exports.handler = async (event, context) => context.clientContext;")
    sent = {"client": {"app_title": "tests"}, "custom": {"key": "value"}, "env": {"locale": "de"}}
    encoded = base64.b64encode(json.dumps(sent).encode()).decode()
    assert account.invoke("context", ClientContext=encoded).json() == sent


def test_qualifiers_choose_the_version(account):
    account.node("qualified", "exports.handler = async () => process.env.AWS_LAMBDA_FUNCTION_VERSION;")
    account.functions.publish_version(FunctionName="qualified")
    account.functions.create_alias(FunctionName="qualified", Name="live", FunctionVersion="1")
    for qualifier, version in (("$LATEST", "$LATEST"), ("1", "1"), ("live", "1")):
        reply = account.invoke("qualified", Qualifier=qualifier)
        assert (reply.json(), reply.version) == (version, version)
    assert account.invoke("qualified:live").json() == "1"
    assert account.invoke(account.arn("qualified", "1")).json() == "1"
    for missing in ("2", "absent"):
        with refused("ResourceNotFoundException", 404, f"{account.arn('qualified', missing)}"):
            account.invoke("qualified", Qualifier=missing)


def test_the_process_is_reused(account):
    account.node(
        "counting", "let calls = 0; exports.handler = async () => ({ calls: ++calls, pid: process.pid });"
    )
    replies = [account.invoke("counting").json() for _ in range(5)]
    assert [reply["calls"] for reply in replies] == [1, 2, 3, 4, 5]


def test_calls_at_the_same_time_run_at_the_same_time(account):
    account.node(
        "parallel",
        """
        exports.handler = async (event) => {
          const start = Date.now();
          await new Promise((resolve) => setTimeout(resolve, 700));
          return { start, end: Date.now() };
        };
        """,
    )
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        calls = [threads.submit(account.invoke, "parallel") for _ in range(8)]
        spans = [call.result().json() for call in calls]
    latest_start, first_end = max(s["start"] for s in spans), min(s["end"] for s in spans)
    overlapping = sum(1 for span in spans if span["start"] < first_end)
    assert overlapping > 1, (latest_start, first_end)


def test_an_error_in_the_function_is_not_an_error_of_the_call(account):
    account.node("failing", "exports.handler = async () => { throw new RangeError('too far'); };")
    reply = account.invoke("failing")
    assert reply.status == 200
    error = reply.error()
    assert (error["errorType"], error["errorMessage"]) == ("RangeError", "too far")
    assert error["trace"][0] == "RangeError: too far"
    assert "/var/task/index.js" in error["trace"][1]


def test_six_megabytes_pass_both_ways(account):
    account.node("big", ECHO, MemorySize=512)
    text = "x" * (PAYLOAD_BYTES_MAX - 2)
    assert account.invoke("big", text).json() == text


def test_a_larger_request_is_refused(account):
    account.node("big", ECHO)
    too_large = ("RequestEntityTooLargeException", "RequestTooLargeException")
    size = PAYLOAD_BYTES_MAX + 1
    with refused(too_large, 413, f"{PAYLOAD_BYTES_MAX} bytes"):
        account.functions.invoke(FunctionName="big", Payload=b'"' + b"x" * (size - 2) + b'"')


def test_a_larger_response_is_an_error_of_the_function(account):
    account.node("big", "exports.handler = async () => 'x'.repeat(6 * 1024 * 1024 + 200);", MemorySize=512)
    error = account.invoke("big").error()
    assert error["errorType"] == "Function.ResponseSizeTooLarge"
    assert (
        "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
        in error["errorMessage"]
    )
    assert account.invoke("big").function_error == "Unhandled"


@pytest.mark.parametrize("payload", [b"{", b"not json", b'{"a":}', b"\xff\xfe", b'{"a":1} trailing'])
def test_a_payload_must_be_json(account, payload):
    account.node("echo", ECHO)
    with refused("InvalidRequestContentException", 400, "Could not parse request body into json"):
        account.functions.invoke(FunctionName="echo", Payload=payload)


def test_client_context_must_be_base64_json(account):
    account.node("echo", ECHO)
    for context in ("%%%", base64.b64encode(b"{no json").decode()):
        with refused("InvalidRequestContentException", 400):
            account.functions.invoke(FunctionName="echo", ClientContext=context)


STREAMING = """
exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
  stream.setContentType('text/plain');
  for (const word of event.words) {
    stream.write(word);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  if (event.fail) throw new Error('broke off');
  stream.end();
});
"""


def stream(account, name, event, **options):
    answer = account.functions.invoke_with_response_stream(
        FunctionName=name, Payload=json.dumps(event), **options
    )
    events = list(answer["EventStream"])
    chunks = [event["PayloadChunk"]["Payload"] for event in events if "PayloadChunk" in event]
    assert "InvokeComplete" in events[-1]
    return answer, b"".join(chunks), events[-1]["InvokeComplete"]


def test_a_streamed_response_arrives_in_order(account):
    account.node("streaming", STREAMING)
    words = [f"word-{number} " for number in range(20)]
    answer, body, complete = stream(account, "streaming", {"words": words}, LogType="Tail")
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert body.decode() == "".join(words)
    assert "ErrorCode" not in complete
    assert "START RequestId" in base64.b64decode(complete["LogResult"]).decode()


def test_a_buffered_function_can_be_streamed_too(account):
    account.node("buffered", ECHO)
    _, body, complete = stream(account, "buffered", {"a": 1})
    assert json.loads(body) == {"a": 1}
    assert "ErrorCode" not in complete


def test_a_streaming_function_can_be_invoked_buffered(account):
    account.node("streaming", STREAMING)
    assert account.invoke("streaming", {"words": ["a", "b"]}).payload == b"ab"


def test_a_stream_that_breaks_says_so_at_its_end(account):
    account.node("streaming", STREAMING)
    _, body, complete = stream(account, "streaming", {"words": ["half"], "fail": True})
    assert body == b"half"
    assert complete["ErrorCode"]
    assert "broke off" in complete["ErrorDetails"]
    assert stream(account, "streaming", {"words": ["whole"]})[1] == b"whole"
