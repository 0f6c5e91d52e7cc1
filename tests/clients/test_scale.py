"""From no worker to many and back: bursts, the bound on workers, one function beside another's flood."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import botocore.exceptions
import pytest

from cloud import Cloud, eventually

SLEEPER = "import time\ndef handler(event, context):\n    time.sleep(event['s'])\n    return 1\n"
WORKERS = 12
OF_ONE_FUNCTION = 10


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Twelve workers, ended after two idle seconds, none started ahead."""
    options = ("--workers", str(WORKERS), "--keep-alive", "2", "--spares", "0")
    running = Cloud(tmp_path_factory.mktemp("small") / "data", *options)
    yield running
    assert running.stop() == 0, running.output()


def called(account, name, seconds):
    """`ok`, or why not."""
    try:
        assert account.invoke(name, {"s": seconds}).json() == 1
        return "ok"
    except botocore.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "TooManyRequestsException"
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 429
        return error.response["Reason"]


def interpreters(cloud):
    """Workers of a server: processes below it that run our runtime client."""
    parents, found = {}, []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parents[process.name] = (process / "stat").read_text().rpartition(") ")[2].split()[1]
            if b"/var/runtime/client/" in (process / "cmdline").read_bytes():
                found.append(process.name)
        except OSError:
            pass

    def is_below(process):
        while process in parents:
            process = parents[process]
            if process == str(cloud.process.pid):
                return True
        return False

    return [process for process in found if is_below(process)]


def test_a_burst_is_bounded_and_a_flood_leaves_room_for_others(small):
    account = small.account()
    account.python("flood", SLEEPER)
    account.python("other", SLEEPER)
    with ThreadPoolExecutor(40) as threads:
        flood = [threads.submit(called, account, "flood", 8) for _ in range(30)]
        refused = eventually(lambda: sum(call.done() for call in flood) >= 30 - OF_ONE_FUNCTION, deadline_s=30)
        assert refused
        # The flood has all it may have; another function still finds a worker.
        began = time.monotonic()
        assert called(account, "other", 0) == "ok"
        assert time.monotonic() - began < 8
        outcomes = [call.result() for call in flood]
    assert outcomes.count("ok") == OF_ONE_FUNCTION
    assert outcomes.count("ConcurrentInvocationLimitExceeded") == 30 - OF_ONE_FUNCTION


def test_idle_workers_end_and_are_started_again(small):
    account = small.account()
    account.python("short", SLEEPER)
    with ThreadPoolExecutor(5) as threads:
        assert list(threads.map(lambda _: called(account, "short", 1), range(5))) == ["ok"] * 5
    assert interpreters(small)
    eventually(lambda: not interpreters(small), deadline_s=20)
    assert called(account, "short", 0) == "ok"


def test_the_bound_on_workers_is_checked(tmp_path):
    for wrong in (("--workers", "0"), ("--keep-alive", "0"), ("--workers", "100000")):
        with pytest.raises(AssertionError, match="is not in"):
            Cloud(tmp_path / "data", *wrong)
