"""CloudWatch Logs: what functions wrote, and the API other writers and readers use."""

import re
import time

import botocore.config
import pytest

from cloud import eventually, refused

GROUP = "/tests/group"


def now_ms():
    return int(time.time() * 1000)


@pytest.fixture
def group(account):
    account.logs.create_log_group(logGroupName=GROUP)
    return account


def write(account, stream, messages, start=None):
    """Writes one event a second, the last one just now."""
    start = start or now_ms() - 1000 * len(messages)
    events = [
        {"timestamp": start + 1000 * number, "message": message} for number, message in enumerate(messages)
    ]
    return account.logs.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events)


def messages(answer):
    return [event["message"] for event in answer["events"]]


def test_a_function_leaves_start_lines_end_and_report(account):
    account.node("chatty", "exports.handler = async (event) => { console.log('saw', event.n); };")
    replies = [account.invoke("chatty", {"n": n}) for n in range(2)]
    events = eventually(lambda: (found := account.logged("/aws/lambda/chatty")) and len(found) >= 8 and found)
    lines = [event["message"].rstrip("\n") for event in events]
    for n, reply in enumerate(replies):
        own = [line for line in lines if reply.request_id in line]
        assert own[0] == f"START RequestId: {reply.request_id} Version: $LATEST"
        assert own[1].endswith(f"\t{reply.request_id}\tINFO\tsaw {n}")
        assert own[2] == f"END RequestId: {reply.request_id}"
        init = r"\tInit Duration: \d+\.\d\d ms" if n == 0 else ""
        assert re.fullmatch(
            rf"REPORT RequestId: {reply.request_id}\tDuration: (\d+\.\d\d) ms\tBilled Duration: (\d+) ms\tMemory Size: 128 MB\tMax Memory Used: \d+ MB{init}\t?",
            own[3],
        ), own[3]
    streams = account.logs.describe_log_streams(logGroupName="/aws/lambda/chatty")["logStreams"]
    assert len(streams) == 1
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", streams[0]["logStreamName"])
    assert streams[0]["firstEventTimestamp"] <= streams[0]["lastEventTimestamp"]


def test_each_worker_has_its_stream(account):
    account.node("f", "exports.handler = async (event) => { if (event.leave) process.exit(1); };")
    account.invoke("f", {"leave": True})
    account.invoke("f", {})
    eventually(lambda: account.logged("/aws/lambda/f"))
    streams = eventually(
        lambda: (
            (found := account.logs.describe_log_streams(logGroupName="/aws/lambda/f")["logStreams"])
            and len(found) == 2
            and found
        )
    )
    assert len({stream["logStreamName"] for stream in streams}) == 2


def test_an_own_log_group(account):
    account.node(
        "f",
        "exports.handler = async () => console.log('elsewhere');",
        LoggingConfig={"LogGroup": "/own/group"},
    )
    account.invoke("f")
    eventually(
        lambda: any("elsewhere" in line for line in messages({"events": account.logged("/own/group")}))
    )


def test_groups(account):
    logs = account.logs
    for name in ("/a/one", "/a/two", "/b/three"):
        logs.create_log_group(logGroupName=name, tags={"kind": "test"})
    with refused("ResourceAlreadyExistsException", 400, "The specified log group already exists"):
        logs.create_log_group(logGroupName="/a/one")
    described = logs.describe_log_groups(logGroupNamePrefix="/a/")["logGroups"]
    assert [found["logGroupName"] for found in described] == ["/a/one", "/a/two"]
    assert described[0]["arn"] == f"arn:aws:logs:us-east-1:{account.id}:log-group:/a/one:*"
    assert described[0]["logGroupArn"] == f"arn:aws:logs:us-east-1:{account.id}:log-group:/a/one"
    assert described[0]["storedBytes"] == 0 and abs(described[0]["creationTime"] - now_ms()) < 60_000
    assert [g["logGroupName"] for g in logs.describe_log_groups(logGroupNamePattern="thr")["logGroups"]] == [
        "/b/three"
    ]
    pages = list(logs.get_paginator("describe_log_groups").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["logGroups"]) for page in pages] == [2, 1]
    logs.delete_log_group(logGroupName="/a/one")
    with refused("ResourceNotFoundException", 400, "The specified log group does not exist"):
        logs.delete_log_group(logGroupName="/a/one")


def test_retention(group):
    logs = group.logs

    def retention():
        return logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"][0].get("retentionInDays")

    assert retention() is None
    logs.put_retention_policy(logGroupName=GROUP, retentionInDays=7)
    assert retention() == 7
    with refused("InvalidParameterException", 400):
        logs.put_retention_policy(logGroupName=GROUP, retentionInDays=8)
    logs.delete_retention_policy(logGroupName=GROUP)
    assert retention() is None
    with refused("ResourceNotFoundException", 400):
        logs.put_retention_policy(logGroupName="/absent", retentionInDays=7)


def test_tags(group):
    logs, arn = group.logs, f"arn:aws:logs:us-east-1:{group.id}:log-group:{GROUP}"
    logs.tag_resource(resourceArn=arn, tags={"team": "one", "cost": "zero"})
    logs.untag_resource(resourceArn=arn, tagKeys=["cost"])
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "one"}
    logs.tag_log_group(logGroupName=GROUP, tags={"old": "way"})
    assert logs.list_tags_log_group(logGroupName=GROUP)["tags"] == {"team": "one", "old": "way"}
    logs.untag_log_group(logGroupName=GROUP, tags=["old"])
    assert logs.list_tags_log_group(logGroupName=GROUP)["tags"] == {"team": "one"}


def test_streams(group):
    logs = group.logs
    for name in ("b-stream", "a-stream", "c-other"):
        logs.create_log_stream(logGroupName=GROUP, logStreamName=name)
    with refused("ResourceAlreadyExistsException", 400, "The specified log stream already exists"):
        logs.create_log_stream(logGroupName=GROUP, logStreamName="a-stream")

    def names(**options):
        return [
            stream["logStreamName"]
            for stream in logs.describe_log_streams(logGroupName=GROUP, **options)["logStreams"]
        ]

    assert names() == ["a-stream", "b-stream", "c-other"]
    assert names(descending=True) == ["c-other", "b-stream", "a-stream"]
    assert names(logStreamNamePrefix="b-") == ["b-stream"]
    write(group, "a-stream", ["older"], start=now_ms() - 60_000)
    write(group, "c-other", ["newer"], start=now_ms() - 1_000)
    assert names(orderBy="LastEventTime", descending=True)[:2] == ["c-other", "a-stream"]
    pages = list(
        logs.get_paginator("describe_log_streams").paginate(
            logGroupName=GROUP, PaginationConfig={"PageSize": 2}
        )
    )
    assert [len(page["logStreams"]) for page in pages] == [2, 1]
    logs.delete_log_stream(logGroupName=GROUP, logStreamName="b-stream")
    assert names() == ["a-stream", "c-other"]
    with refused("ResourceNotFoundException", 400, "The specified log stream does not exist"):
        logs.get_log_events(logGroupName=GROUP, logStreamName="b-stream")


def test_events_are_read_in_both_directions(group):
    group.logs.create_log_stream(logGroupName=GROUP, logStreamName="s")
    assert "rejectedLogEventsInfo" not in write(group, "s", [f"line {number}" for number in range(10)])
    read = {"logGroupName": GROUP, "logStreamName": "s"}
    everything = group.logs.get_log_events(**read, startFromHead=True)
    assert messages(everything) == [f"line {number}" for number in range(10)]
    assert all(event["ingestionTime"] >= event["timestamp"] - 1000 for event in everything["events"])
    newest = group.logs.get_log_events(**read, limit=3)
    assert messages(newest) == ["line 7", "line 8", "line 9"]
    before = group.logs.get_log_events(**read, limit=3, nextToken=newest["nextBackwardToken"])
    assert messages(before) == ["line 4", "line 5", "line 6"]
    after = group.logs.get_log_events(**read, limit=3, nextToken=before["nextForwardToken"])
    assert messages(after) == ["line 7", "line 8", "line 9"]
    end = group.logs.get_log_events(**read, startFromHead=True, nextToken=everything["nextForwardToken"])
    assert messages(end) == [] and end["nextForwardToken"] == everything["nextForwardToken"]
    write(group, "s", ["one more"])
    assert messages(
        group.logs.get_log_events(**read, startFromHead=True, nextToken=end["nextForwardToken"])
    ) == ["one more"]


def test_events_are_cut_by_time(group):
    group.logs.create_log_stream(logGroupName=GROUP, logStreamName="s")
    start = now_ms() - 100_000
    write(group, "s", [f"line {number}" for number in range(10)], start=start)
    cut = {"startTime": start + 3000, "endTime": start + 6000}
    assert messages(
        group.logs.get_log_events(logGroupName=GROUP, logStreamName="s", startFromHead=True, **cut)
    ) == ["line 3", "line 4", "line 5"]
    assert messages(group.logs.filter_log_events(logGroupName=GROUP, **cut)) == [
        "line 3",
        "line 4",
        "line 5",
        "line 6",
    ]


def test_wrong_events_are_refused(group):
    logs = group.logs
    logs.create_log_stream(logGroupName=GROUP, logStreamName="s")
    put = {"logGroupName": GROUP, "logStreamName": "s"}
    with refused("InvalidParameterException", 400):
        logs.put_log_events(
            **put,
            logEvents=[
                {"timestamp": now_ms(), "message": "new"},
                {"timestamp": now_ms() - 5000, "message": "old"},
            ],
        )
    with refused("ResourceNotFoundException", 400):
        logs.put_log_events(
            logGroupName=GROUP, logStreamName="absent", logEvents=[{"timestamp": now_ms(), "message": "m"}]
        )
    old, yesterday, future = (now_ms() + hours * 3_600_000 for hours in (-15 * 24, -30, 3))
    with refused("InvalidParameterException", 400, "24 hours"):
        logs.put_log_events(
            **put,
            logEvents=[
                {"timestamp": yesterday, "message": "a day ago"},
                {"timestamp": now_ms(), "message": "and now"},
            ],
        )
    too_old = logs.put_log_events(**put, logEvents=[{"timestamp": old, "message": "old"}])
    assert too_old["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    too_new = logs.put_log_events(
        **put,
        logEvents=[{"timestamp": now_ms(), "message": "good"}, {"timestamp": future, "message": "future"}],
    )
    assert too_new["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 1}
    assert messages(logs.get_log_events(**put, startFromHead=True)) == ["good"]


LINES = [
    "INFO request started",
    "ERROR database gone (code 42)",
    "error in lower case",
    "WARN then ERROR words",
    '{"level":"error","status":500,"user":{"name":"Ada"},"tags":["a","b"],"latency":12.5,"ok":false}',
    '{"level":"info","status":200,"user":{"name":"Grace"},"tags":["c"],"latency":3,"ok":true}',
    '{"level":"info","status":404,"user":null,"message":"not found"}',
]

PATTERNS = {
    "": [0, 1, 2, 3, 4, 5, 6],
    "ERROR": [1, 3],
    "ERROR database": [1],
    "?started ?gone": [0, 1],
    "ERROR -database": [3],
    '"code 42"': [1],
    '{ $.level = "error" }': [4],
    '{ $.level != "error" }': [5, 6],
    "{ $.status >= 400 }": [4, 6],
    "{ $.status < 400 }": [5],
    "{ $.latency > 3.5 }": [4],
    '{ $.user.name = "A*" }': [4],
    '{ $.tags[0] = "c" }': [5],
    "{ $.ok IS TRUE }": [5],
    "{ $.user IS NULL }": [6],
    "{ $.user NOT EXISTS }": [],
    '{ ($.status = 404) || ($.level = "error") }': [4, 6],
    '{ ($.status > 100) && ($.level = "info") && ($.ok IS TRUE) }': [5],
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_filter_patterns(group, pattern):
    group.logs.create_log_stream(logGroupName=GROUP, logStreamName="s")
    write(group, "s", LINES)
    options = {"filterPattern": pattern} if pattern else {}
    assert messages(group.logs.filter_log_events(logGroupName=GROUP, **options)) == [
        LINES[index] for index in PATTERNS[pattern]
    ]


def test_a_broken_pattern_is_refused(group):
    for pattern in ("{ $.a = ", '"open', "{ level = 1 }"):
        with refused("InvalidParameterException", 400):
            group.logs.filter_log_events(logGroupName=GROUP, filterPattern=pattern)


def test_filtering_over_streams_in_pages(group):
    for name in ("s-1", "s-2", "t-1"):
        group.logs.create_log_stream(logGroupName=GROUP, logStreamName=name)
    start = now_ms() - 100_000
    for offset, name in enumerate(("s-1", "s-2", "t-1")):
        write(group, name, [f"{name} {number}" for number in range(5)], start=start + 100 * offset)
    filter_events = group.logs.filter_log_events
    found = filter_events(logGroupName=GROUP)["events"]
    assert [event["timestamp"] for event in found] == sorted(event["timestamp"] for event in found)
    assert len({event["eventId"] for event in found}) == 15
    assert found[0]["logStreamName"] == "s-1"
    assert len(filter_events(logGroupName=GROUP, logStreamNames=["s-2"])["events"]) == 5
    assert len(filter_events(logGroupName=GROUP, logStreamNamePrefix="s-")["events"]) == 10
    pages = group.logs.get_paginator("filter_log_events").paginate(
        logGroupName=GROUP, PaginationConfig={"PageSize": 4}
    )
    paged = [event["eventId"] for page in pages for event in page["events"]]
    assert paged == [event["eventId"] for event in found]


def test_following_as_the_cli_of_version_2_does(account):
    """`aws logs tail --follow`, which is not in the CLI's first version: page through, then again from the last time."""
    account.node("f", "exports.handler = async (event) => console.log('line number', event.n);")
    seen, newest = {}, now_ms() - 300_000

    def look():
        nonlocal newest
        query = {"logGroupName": "/aws/lambda/f", "startTime": newest, "interleaved": True}
        for page in account.logs.get_paginator("filter_log_events").paginate(**query):
            for event in page["events"]:
                seen[event["eventId"]] = event["message"].strip()
                newest = max(newest, event["timestamp"])
        return [line.split("\t")[-1] for line in seen.values() if "line number" in line]

    for number in range(1, 4):
        account.invoke("f", {"n": number})
        eventually(lambda: account.logged("/aws/lambda/f", f'"line number {number}"'))  # noqa: B023
        assert look() == [f"line number {n}" for n in range(1, number + 1)]


def test_live_tail(account):
    account.logs.create_log_group(logGroupName=GROUP)
    account.logs.create_log_stream(logGroupName=GROUP, logStreamName="s")
    # The model puts `streaming-` before the host, which an address cannot carry.
    config = botocore.config.Config(
        inject_host_prefix=False, read_timeout=20, retries={"total_max_attempts": 1}
    )
    arn = f"arn:aws:logs:us-east-1:{account.id}:log-group:{GROUP}"
    client = account.client("logs", config=config)
    stream = client.start_live_tail(logGroupIdentifiers=[arn], logEventFilterPattern="wanted")[
        "responseStream"
    ]
    events = iter(stream)
    assert next(events)["sessionStart"]["logGroupIdentifiers"] == [arn]
    write(account, "s", ["unrelated", "wanted 1"])
    found = []
    while not found:
        found = next(events)["sessionUpdate"]["sessionResults"]
    assert [(event["message"], event["logStreamName"]) for event in found] == [("wanted 1", "s")]
    stream.close()
