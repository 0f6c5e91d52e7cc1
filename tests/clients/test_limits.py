"""What a function may not do: run too long, take too much, read what is not its own."""

import re

import pytest


def test_timeout_in_node(account):
    account.node(
        "slow",
        "exports.handler = async (event) => { if (event.wait) await new Promise(() => setTimeout(() => {}, 60000)); return 'ok'; };",
        Timeout=1,
    )
    reply = account.invoke("slow", {"wait": True}, LogType="Tail")
    error = reply.error()
    assert error["errorType"] == "Sandbox.Timedout"
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    assert error["errorMessage"] == f"RequestId: {reply.request_id} Error: Task timed out after 1.00 seconds"
    assert re.search(
        rf"^{stamp} {reply.request_id} Task timed out after 1\.00 seconds$", reply.log, re.MULTILINE
    )
    assert re.search(r"REPORT .*Duration: 1\d{3}\.\d\d ms", reply.log)
    assert account.invoke("slow", {}).json() == "ok"


def test_timeout_while_the_processor_is_busy(account):
    account.python(
        "busy",
        "def handler(event, context):\n    while event.get('spin'): pass\n    return 'ok'\n",
        Timeout=1,
    )
    assert account.invoke("busy", {"spin": True}).error()["errorType"] == "Sandbox.Timedout"
    assert account.invoke("busy", {}).json() == "ok"


@pytest.mark.parametrize("runtime", ["node", "python"])
def test_memory(account, runtime):
    if runtime == "node":
        account.node(
            "greedy",
            "exports.handler = async (event) => { const all = []; for (let i = 0; i < event.mib; i++) all.push(Buffer.alloc(1 << 20, 1)); return all.length; };",
            MemorySize=192,
        )
    else:
        account.python(
            "greedy", "def handler(event, context):\n    return len(b'x' * (event['mib'] << 20)) >> 20\n"
        )
    reply = account.invoke("greedy", {"mib": 1024}, LogType="Tail")
    assert reply.error() == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {reply.request_id} Error: Runtime exited with error: signal: killed",
    }
    size = 192 if runtime == "node" else 128
    assert f"Memory Size: {size} MB\tMax Memory Used: {size} MB" in reply.log
    assert account.invoke("greedy", {"mib": 8}).json() == 8


def test_memory_used_is_measured(account):
    account.python(
        "measured",
        "def handler(event, context):\n    return len(b'x' * (event['mib'] << 20)) >> 20\n",
        MemorySize=512,
    )

    def used(mib):
        log = account.invoke("measured", {"mib": mib}, LogType="Tail").log
        return int(re.search(r"Max Memory Used: (\d+) MB", log)[1])

    small, large = used(1), used(200)
    assert 1 < small < 100 < large - small < 260


def test_tmp_is_private_writable_and_limited(account):
    source = """
    import errno, os

    def handler(event, context):
        written = 0
        try:
            with open("/tmp/file", "wb") as file:
                for _ in range(event["mib"]):
                    written += file.write(b"x" * (1 << 20))
                    file.flush()
        except OSError as error:
            return {"written": written >> 20, "error": errno.errorcode[error.errno]}
        finally:
            listing = os.listdir("/tmp")
            os.remove("/tmp/file")
        return {"written": written >> 20, "listing": listing}
    """
    account.python("writer", source, MemorySize=1024)
    account.python("other", "import os\ndef handler(event, context): return os.listdir('/tmp')\n")
    assert account.invoke("writer", {"mib": 8}).json() == {"written": 8, "listing": ["file"]}
    assert account.invoke("other").json() == []
    full = account.invoke("writer", {"mib": 600}).json()
    assert full["error"] == "ENOSPC" and 500 <= full["written"] <= 512
    assert account.invoke("writer", {"mib": 1}).json()["written"] == 1


def test_processes_are_limited(account):
    account.python(
        "forking",
        """
        import errno, os, signal

        def handler(event, context):
            children = []
            try:
                for _ in range(3000):
                    child = os.fork()
                    if child == 0:
                        signal.pause()
                    children.append(child)
                return len(children)
            except OSError as error:
                return errno.errorcode[error.errno]
            finally:
                for child in children:
                    os.kill(child, signal.SIGKILL)
                for child in children:
                    os.waitpid(child, 0)
        """,
        MemorySize=3008,
        Timeout=60,
    )
    assert account.invoke("forking").json() == "EAGAIN"
    assert account.invoke("forking").json() == "EAGAIN"


def test_files_are_limited(account):
    account.python(
        "opening",
        """
        import errno, os

        def handler(event, context):
            opened = []
            try:
                while len(opened) < 5000:
                    opened.append(os.open("/dev/null", os.O_RDONLY))
            except OSError as error:
                return errno.errorcode[error.errno]
            finally:
                for file in opened:
                    os.close(file)
        """,
    )
    assert account.invoke("opening").json() == "EMFILE"


def test_the_host_is_out_of_reach(cloud, account):
    secret = cloud.data.parent / "secret.txt"
    secret.write_text("of the host")
    account.python(
        "prying",
        """
        import os
        import sys

        def beside_the_interpreter(folder):
            # The way to this interpreter must be seen; nothing else in the folder may be.
            names = [name for name in os.listdir(folder) if not sys.base_prefix.startswith(f"{folder}/{name}")]
            return names or os.listdir("/nothing/more")

        def attempt(action):
            try:
                return repr(action())
            except OSError as error:
                return type(error).__name__

        def handler(event, context):
            return {
                "secret": attempt(lambda: open(event["secret"]).read()),
                "data": attempt(lambda: os.listdir(event["data"])),
                "shadow": attempt(lambda: open("/etc/shadow").read()),
                "root": attempt(lambda: beside_the_interpreter("/root")),
                "home": attempt(lambda: beside_the_interpreter("/home")),
                "task": attempt(lambda: open("/var/task/new", "w")),
                "usr": attempt(lambda: open("/usr/new", "w")),
                "processes": [name for name in os.listdir("/proc") if name.isdigit()],
                "kill": attempt(lambda: os.kill(event["pid"], 0)),
            }
        """,
    )
    seen = account.invoke(
        "prying", {"secret": str(secret), "data": str(cloud.data), "pid": cloud.process.pid}
    ).json()
    assert len(seen.pop("processes")) <= 4
    denied = {"FileNotFoundError", "PermissionError", "OSError", "ProcessLookupError"}
    assert {name: result for name, result in seen.items() if result not in denied} == {}


def test_functions_do_not_see_each_other(account):
    account.python(
        "one",
        "import os\nopen('/tmp/left', 'w').write('x')\ndef handler(event, context): return os.getpid()\n",
    )
    account.python(
        "two",
        "import os\ndef handler(event, context): return [os.listdir('/tmp'), 'left' in str(os.environ)]\n",
        Environment={"Variables": {"MINE": "two"}},
    )
    account.invoke("one").json()
    assert account.invoke("two").json() == [[], False]
    account.node("three", "exports.handler = async () => process.env.MINE || 'unset';")
    assert account.invoke("three").json() == "unset"


def test_a_killed_worker_is_replaced(account):
    account.python(
        "dying",
        "import os\ndef handler(event, context):\n    if event.get('die'): os.kill(os.getpid(), event['die'])\n    return 'alive'\n",
    )
    for signal in (9, 11, 6):
        reply = account.invoke("dying", {"die": signal})
        # The first process of a PID namespace ignores signals it has no handler for, its own included.
        if reply.function_error:
            assert reply.error()["errorType"] == "Runtime.ExitError"
            assert "Runtime exited with error: signal: " in reply.error()["errorMessage"]
        assert account.invoke("dying", {}).json() == "alive"
