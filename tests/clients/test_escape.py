"""The wall: hostile functions in Node, Python and native code try to get out. Every attempt must fail.

What they try is in `hostile/`. An attempt answers the error that stopped it, or a text with `REACHED`.
"""

import errno
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from cloud import BINARY, Account, Cloud, eventually, zip_of

HOSTILE = Path(__file__).parent / "hostile"
NEEDLE = "needle-4b1f9c-in-the-haystack"

# What says "you may not" or "there is no such thing here".
DENIALS = {
    *("EPERM", "EACCES", "ENOENT", "EROFS", "ENOSYS", "ESRCH", "ENODEV", "ENXIO", "EINVAL", "EXDEV", "ENOTDIR", "EIO"),
    *("ECONNREFUSED", "ENETUNREACH", "EADDRNOTAVAIL", "EHOSTUNREACH", "EAFNOSUPPORT", "EPROTONOSUPPORT", "ESOCKTNOSUPPORT"),
}


# An ordinary user no account of the machine has.
USER = 1_879_000_001


SERVERS = ["root", "ordinary user"] if os.geteuid() == 0 else ["ordinary user"]


@pytest.fixture(scope="module", params=SERVERS)
def cloud(request):
    """The server as root, with control groups where the machine has them, and as an ordinary user, without."""
    folder = Path(tempfile.mkdtemp(prefix="cloudling-wall-"))
    folder.chmod(0o755)
    data = folder / "data"
    data.mkdir()
    options = {}
    if request.param != "root" and "root" in SERVERS:
        # Where the program was built an ordinary user may not look.
        program = shutil.copy(BINARY, folder / "cloudling")
        os.chown(data, USER, USER)
        options = {"program": str(program), "user": USER}
    running = Cloud(data, "--sandbox", "namespace", "--runtimes", str(data / "runtimes"), **options)
    running.is_root = request.param == "root"
    yield running
    assert running.process.poll() is None, f"the server died during the tests:\n{running.output()}"
    assert running.stop() == 0, running.output()
    assert "panicked at" not in running.output()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def native(tmp_path_factory):
    """The hostile static program, as a package."""
    program = tmp_path_factory.mktemp("native") / "bootstrap"
    subprocess.run(
        ["rustc", "--edition", "2021", "-O", "-C", "target-feature=+crt-static", "-C", "panic=abort"]
        + ["-o", str(program), str(HOSTILE / "native.rs")],
        check=True,
    )
    return zip_of({"bootstrap": program.read_bytes()}, executable=("bootstrap",))


@pytest.fixture
def host(cloud, tmp_path):
    """Things on the host that a function must not reach, as the event of an attempt."""
    secret = cloud.data.parent / "host-secret.txt"
    secret.write_text(NEEDLE)
    secret.chmod(0o644)
    listener = socket.create_server(("0.0.0.0", 0))
    yield {
        "secret": str(secret),
        "data": str(cloud.data),
        "server": cloud.process.pid,
        "port": listener.getsockname()[1],
        "cloud_port": int(cloud.address.split(":")[1]),
        "machine": own_address(),
    }
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.accept()
    listener.close()


def own_address():
    """An address of this machine that is not its loopback, where it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return probe.getsockname()[0]
        except OSError:
            return "192.0.2.1"


def python(account, name="hostile", **settings):
    settings = {"Runtime": "python3.12", "Handler": "app.handler", "MemorySize": 256} | settings
    return account.create(name, {"app.py": (HOSTILE / "attempts.py").read_text()}, **settings)


def node(account, name="hostile", **settings):
    return account.create(name, {"index.js": (HOSTILE / "attempts.js").read_text()}, **({"MemorySize": 256} | settings))


def must_all_fail(results, at_least):
    assert len(results) >= at_least, results
    assert {name: result for name, result in results.items() if result not in DENIALS} == {}


def host_processes(mark):
    """Processes of the machine whose command line or name holds a text."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "cmdline").read_text() or mark in (process / "comm").read_text():
                found.append(process.name)
        except OSError:
            pass
    return found


# --- reading, writing, calling ---------------------------------------------------------------------------------------


def test_python_cannot_reach_files(account, host):
    python(account)
    must_all_fail(account.invoke("hostile", {"do": "files", **host}).json(), at_least=50)


def test_python_cannot_make_dangerous_calls(account):
    python(account)
    results = account.invoke("hostile", {"do": "calls"}).json()
    # Nothing is answered by death, and what a library may live without is not known at all.
    assert results.pop("clone3") == "ENOSYS"
    assert results.pop("a call nobody knows") == "ENOSYS"
    must_all_fail(results, at_least=45)


def test_python_cannot_reach_the_network(account, host):
    python(account)
    must_all_fail(account.invoke("hostile", {"do": "network", **host}).json(), at_least=25)


def test_node_cannot_escape(account, host):
    node(account)
    results = account.invoke("hostile", {"do": "escape", **host}).json()
    for name in [name for name in results if name.startswith("run ")]:
        outcome = results.pop(name)
        assert outcome == "ENOENT" or outcome.startswith("status "), (name, outcome)
    must_all_fail(results, at_least=28)


def test_a_native_program_cannot_escape(account, host, native):
    account.create("hostile", native, Runtime="provided.al2023", Handler="x")
    results = account.invoke("hostile", {"do": "escape", **host}).json()
    assert len(results) >= 38
    numbers = {str(getattr(errno, name)) for name in DENIALS}
    assert {name: result for name, result in results.items() if result not in numbers} == {}


def test_no_descriptor_is_inherited(account):
    python(account)
    opened = account.invoke("hostile", {"do": "descriptors"}).json()
    assert opened == {"0": "/dev/null", "1": "pipe", "2": "pipe", "3": "socket"}


def test_another_function_keeps_its_secrets(account, cloud):
    """Environment, code, /tmp, memory, sockets and shared memory of a function that runs beside."""
    python(account, "victim", Environment={"Variables": {"MINE": NEEDLE}})
    account.invoke("victim", {"do": "hold", "needle": NEEDLE}).json()
    python(account)
    found = account.invoke("hostile", {"do": "others", "needle": NEEDLE[:-1]}).json()
    assert found["found"] == [] and found["processes"] <= 4, found
    # Nor does a function of another account, nor the next environment of the victim.
    other = Account(cloud, "111122223333")
    python(other)
    assert other.invoke("hostile", {"do": "others", "needle": NEEDLE[:-1]}).json()["found"] == []


@pytest.mark.parametrize(
    "garbage",
    ["ff" * 64, "00000005" + "02" + "00" * 5, "7fffffff13", "0000000213" + "7b7d" * 40],
    ids=["noise", "a frame of the platform", "a frame without end", "frames nobody asked for"],
)
def test_who_speaks_out_of_turn_harms_only_itself(account, garbage):
    python(account, Timeout=10)
    reply = account.invoke("hostile", {"do": "garbage", "bytes": garbage})
    assert b"not ended" not in reply.payload
    assert account.invoke("hostile", {"do": "descriptors"}).json()


# --- taking too much -------------------------------------------------------------------------------------------------


def test_a_fork_bomb_ends_with_its_call(account, cloud):
    python(account, Timeout=3, MemorySize=1024)
    python(account, "neighbour")
    began = time.monotonic()
    # Without control groups nothing bounds the processor time of a thousand processes: there they try less often.
    bomb = {"do": "bomb", "wait_s": 0.01 if cloud.is_root else 1}
    assert account.invoke("hostile", bomb).error()["errorType"] in ("Sandbox.Timedout", "Runtime.ExitError")
    assert time.monotonic() - began < 20 or not cloud.is_root
    assert account.invoke("neighbour", {"do": "descriptors"}).json()
    assert account.invoke("hostile", {"do": "descriptors"}).json()


@pytest.mark.parametrize("kind", ["private", "file without a name", "shared", "pipes"])
def test_memory_of_every_kind_is_bounded(account, kind):
    python(account, Timeout=20)
    reply = account.invoke("hostile", {"do": "memory", "kind": kind})
    error = reply.error()
    assert error["errorType"] in ("Runtime.ExitError", "MemoryError", "OSError", "PermissionError", "Sandbox.Timedout"), error
    assert account.invoke("hostile", {"do": "descriptors"}).json()


def test_memory_of_node_and_native_programs_is_bounded(account, native):
    node(account, "node")
    account.create("native", native, Runtime="provided.al2023", Handler="x")
    for name in ("node", "native"):
        assert account.invoke(name, {"do": "memory"}).error()["errorType"] == "Runtime.ExitError"


def test_files_without_bytes_are_bounded(account):
    python(account, MemorySize=1024, Timeout=60)
    answer = account.invoke("hostile", {"do": "inodes"}).json()
    assert answer["error"] == "ENOSPC" and answer["made"] <= 131_072


# --- outliving the call ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("runtime", ["python", "node", "native"])
def test_nothing_outlives_the_timeout(account, native, runtime):
    settings = {"Timeout": 1}
    if runtime == "native":
        account.create("hostile", native, Runtime="provided.al2023", Handler="x", **settings)
    else:
        {"python": python, "node": node}[runtime](account, **settings)
    mark = f"out{os.getpid()}{runtime[:2]}"
    before = time.monotonic()
    reply = account.invoke("hostile", {"do": "outlive", "mark": mark, "wait": True})
    assert reply.error()["errorType"] == "Sandbox.Timedout"
    assert time.monotonic() - before < 10
    eventually(lambda: not host_processes(mark), deadline_s=5)


def test_what_is_left_running_goes_with_its_environment(account):
    python(account)
    mark = f"left{os.getpid()}"
    assert account.invoke("hostile", {"do": "outlive", "mark": mark}).json() == "done"
    assert host_processes(mark), "the grandchild lives as long as its environment"
    account.functions.delete_function(FunctionName="hostile")
    eventually(lambda: not host_processes(mark), deadline_s=10)


@pytest.mark.parametrize("runtime", ["python", "node"])
def test_background_work_stands_still_between_calls(account, runtime):
    """A thread and an orphaned process notice a pause as long as the one between two calls."""
    {"python": python, "node": node}[runtime](account)
    account.invoke("hostile", {"do": "background"}).json()
    # As long as the pause it is about, so that a loaded machine does not look like one.
    time.sleep(2)
    for pause in account.invoke("hostile", {"do": "background", "look": True}).json():
        assert 1.5 < pause < 10, pause


def test_processes_that_do_not_stand_still_are_ended(account):
    python(account)
    assert account.invoke("hostile", {"do": "restless"}).json() == "started"
    time.sleep(1.5)
    # Either they were stopped after all, or their environment is gone: nothing runs between calls.
    reply = account.invoke("hostile", {"do": "restless"})
    assert reply.json() in ("started", "the same environment")


def test_calls_after_a_rest_are_whole(account):
    """Many pauses around the moment at which a worker is stopped: no call is lost or doubled."""
    python(account)
    node(account, "node")
    for number in range(25):
        for name in ("hostile", "node"):
            assert account.invoke(name, {"do": "nothing", "number": number}).json() == number
        # A worker is stopped 50 ms after its last call.
        time.sleep(0.035 + 0.001 * number)
