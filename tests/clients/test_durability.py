"""What was acknowledged is there after a restart, whether the end was asked for or not."""

import signal
import subprocess

import pytest

from cloud import BINARY, eventually, zip_of


@pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGKILL])
def test_everything_survives_a_restart(own_cloud, with_signal):
    account = own_cloud.account()
    layer = account.functions.publish_layer_version(
        LayerName="l", Content={"ZipFile": zip_of({"opt.txt": "from the layer"})}
    )
    account.node(
        "kept",
        "exports.handler = async () => [process.env.TEXT, require('fs').readFileSync('/opt/opt.txt', 'utf8')];",
        Environment={"Variables": {"TEXT": "kept"}},
        Layers=[layer["LayerVersionArn"]],
        Tags={"team": "one"},
    )
    account.functions.publish_version(FunctionName="kept")
    account.functions.create_alias(FunctionName="kept", Name="live", FunctionVersion="1")
    host = account.url("kept", Qualifier="live")
    account.functions.put_function_concurrency(FunctionName="kept", ReservedConcurrentExecutions=5)
    account.logs.create_log_group(logGroupName="/kept")
    request_id = account.invoke("kept").request_id
    eventually(lambda: account.logged("/aws/lambda/kept", f'"{request_id}"'))
    before = account.functions.get_function(FunctionName="kept")
    policy = account.functions.get_policy(FunctionName="kept", Qualifier="live")["Policy"]
    role = account.iam.get_role(RoleName="function-role")["Role"]

    own_cloud.stop(with_signal)
    own_cloud.start()
    account._clients.clear()

    after = account.functions.get_function(FunctionName="kept")
    assert after["Configuration"] == before["Configuration"]
    assert (after["Tags"], after["Concurrency"]) == (before["Tags"], before["Concurrency"])
    for qualifier in ("$LATEST", "1", "live"):
        assert account.invoke("kept", Qualifier=qualifier).json() == ["kept", "from the layer"]
    assert account.functions.get_policy(FunctionName="kept", Qualifier="live")["Policy"] == policy
    assert own_cloud.http("GET", "/", host=host).data == b'["kept","from the layer"]'
    assert account.iam.get_role(RoleName="function-role")["Role"] == role
    assert account.logged("/aws/lambda/kept", f'"{request_id}"')
    assert account.logs.describe_log_groups(logGroupNamePrefix="/kept")["logGroups"]


def test_each_acknowledged_write_survives_the_kill(own_cloud):
    account = own_cloud.account()
    for round_number in range(3):
        for number in range(10):
            account.logs.create_log_group(logGroupName=f"/round/{round_number}/{number}")
        own_cloud.stop(signal.SIGKILL)
        own_cloud.start()
        account._clients.clear()
    pages = account.logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix="/round/")
    names = [group["logGroupName"] for page in pages for group in page["logGroups"]]
    assert names == sorted(f"/round/{r}/{n}" for r in range(3) for n in range(10))


def test_credentials_issued_before_a_restart_stay_valid(own_cloud):
    account = own_cloud.account()
    credentials = account.sts.assume_role(RoleArn=account.role(), RoleSessionName="session")["Credentials"]
    own_cloud.stop(signal.SIGKILL)
    own_cloud.start()
    identity = account.client(
        "sts",
        endpoint_url=own_cloud.endpoint,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    ).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{account.id}:assumed-role/function-role/session"


def test_no_process_outlives_the_server(own_cloud):
    account = own_cloud.account()
    account.python(
        "sleeper",
        "import time\ndef handler(event, context):\n    print('marker-of-the-test')\n    return 1\n",
    )
    account.invoke("sleeper")
    server = own_cloud.process.pid
    children = descendants(server)
    assert children
    own_cloud.stop(signal.SIGKILL)
    eventually(lambda: not any(alive(child) for child in children))


def descendants(pid):
    found, queue = set(), [pid]
    listing = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = [tuple(map(int, line.split())) for line in listing.splitlines()]
    while queue:
        parent = queue.pop()
        for child, its_parent in parents:
            if its_parent == parent and child not in found:
                found.add(child)
                queue.append(child)
    return found


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except OSError:
        return False


def test_a_data_folder_serves_one_process(own_cloud):
    second = subprocess.run(
        [BINARY, "up", "--listen", "127.0.0.1:0", "--data", str(own_cloud.data)],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert second.returncode != 0
    assert str(own_cloud.data) in second.stderr and "panicked" not in second.stderr
    assert own_cloud.http("GET", "/_localstack/health").status == 200


def test_a_taken_port_is_named(own_cloud, tmp_path):
    second = subprocess.run(
        [BINARY, "up", "--listen", own_cloud.address, "--data", str(tmp_path / "other")],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert second.returncode != 0
    assert own_cloud.address in second.stderr and "panicked" not in second.stderr
