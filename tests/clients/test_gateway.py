"""The front door: what waits for it finds, HTTP as clients speak it, reset, and a clean end."""

import concurrent.futures
import json
import signal
import socket
import subprocess
import threading
import time
import warnings

import urllib3

from cloud import BINARY, Cloud, eventually

ECHO = "exports.handler = async (event) => event;"


def test_health_and_info(cloud):
    health = cloud.http("GET", "/_localstack/health")
    assert health.status == 200 and health.headers["content-type"].startswith("application/json")
    body = json.loads(health.data)
    for service in ("lambda", "logs", "iam", "sts"):
        assert body["services"][service] in ("available", "running")
    assert body["edition"] and body["version"]
    info = json.loads(cloud.http("GET", "/_localstack/info").data)
    assert info["version"] == body["version"]


def test_every_answer_has_a_request_id(account):
    seen = {account.functions.list_functions()["ResponseMetadata"]["RequestId"] for _ in range(3)}
    seen |= {
        account.iam.list_roles()["ResponseMetadata"]["RequestId"],
        account.logs.describe_log_groups()["ResponseMetadata"]["RequestId"],
    }
    assert len(seen) == 5 and all(len(request_id) == 36 for request_id in seen)


def test_hosts_of_aws_and_of_localstack(cloud, account):
    account.node("f", ECHO)
    scope = f"{account.id}/20260101/us-east-1/lambda/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={'0' * 64}"
    }
    for host in (
        "lambda.us-east-1.amazonaws.com",
        "localhost.localstack.cloud:4566",
        "lambda.us-east-1.localhost.localstack.cloud:4566",
        "localhost",
    ):
        answer = cloud.http("GET", "/2015-03-31/functions/", headers=headers, host=host)
        assert answer.status == 200, host
        assert [function["FunctionName"] for function in json.loads(answer.data)["Functions"]] == ["f"]


def raw(cloud, request, close=False):
    host, port = cloud.address.split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        answer = b""
        # The server may close before everything is sent.
        try:
            connection.sendall(request)
            if close:
                connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                answer += part
                if b"\r\n\r\n" in answer and close is False:
                    break
        except (OSError, TimeoutError):
            pass
        return answer


def test_what_is_not_http_is_turned_away(cloud):
    for request in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"\x00" * 100,
        b"GET / HTTP/9.9\r\n\r\n",
    ):
        answer = raw(cloud, request, close=True)
        assert answer == b"" or answer.startswith(
            (b"HTTP/1.1 4", b"HTTP/1.0 4", b"HTTP/1.1 505", b"\x00\x00")
        ), answer
    assert cloud.http("GET", "/_localstack/health").status == 200


def test_headers_are_limited(cloud):
    answer = raw(cloud, b"GET / HTTP/1.1\r\nHost: x\r\nX-Big: " + b"x" * (2 << 20) + b"\r\n\r\n", close=True)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4"), answer[:200]
    assert cloud.http("GET", "/_localstack/health").status == 200


def test_expect_continue(cloud, account):
    account.role()
    body = b"Action=ListRoles&Version=2010-05-08"
    scope = f"{account.id}/20260101/us-east-1/iam/aws4_request"
    head = (
        f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n"
        f"Authorization: AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00\r\n\r\n"
    )
    host, port = cloud.address.split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(body)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200") and b"<RoleName>function-role</RoleName>" in answer


def test_a_client_that_leaves_interrupts_nothing(account):
    account.node(
        "slow",
        "exports.handler = async () => { await new Promise((r) => setTimeout(r, 600)); console.log('finished'); };",
    )
    impatient = threading.Thread(target=leave_early, args=(account,))
    impatient.start()
    impatient.join()
    eventually(lambda: account.logged("/aws/lambda/slow", "finished"))


def leave_early(account):
    scope = f"{account.id}/20260101/us-east-1/lambda/aws4_request"
    host, port = account.cloud.address.split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            b"POST /2015-03-31/functions/slow/invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
            + f"Authorization: AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00\r\n\r\n{{}}".encode()
        )
        # Long enough for the request to have been read whole, short enough to leave before the answer.
        connection.settimeout(0.3)
        try:
            assert connection.recv(1) == b""
        except TimeoutError:
            pass


def test_reset_of_one_account_and_of_all(own_cloud):
    one, two = own_cloud.account(), own_cloud.account()
    for account in (one, two):
        account.node("f", ECHO)
        account.invoke("f", {})
        account.logs.create_log_group(logGroupName="/own")
    assert own_cloud.http("POST", f"/_cloudling/reset?account={one.id}").status in (200, 204)
    assert one.functions.list_functions()["Functions"] == []
    assert one.iam.list_roles()["Roles"] == []
    assert one.logs.describe_log_groups()["logGroups"] == []
    assert two.invoke("f", {"still": "here"}).json() == {"still": "here"}
    began = time.monotonic()
    assert own_cloud.http("POST", "/_cloudling/reset").status in (200, 204)
    assert time.monotonic() - began < 2
    assert two.functions.list_functions()["Functions"] == []
    assert two.iam.list_roles()["Roles"] == [] and two.logs.describe_log_groups()["logGroups"] == []
    two.node("f", "exports.handler = async () => 'again';")
    assert two.invoke("f").json() == "again"


def test_reset_takes_a_real_account(own_cloud):
    assert own_cloud.http("POST", "/_cloudling/reset?account=nonsense").status == 400
    assert own_cloud.http("GET", "/_cloudling/reset").status in (404, 405)


def test_the_end_waits_for_what_runs(own_cloud):
    account = own_cloud.account()
    account.node(
        "slow",
        "exports.handler = async () => { console.log('began'); await new Promise((r) => setTimeout(r, 1500)); return 'finished'; };",
    )
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        running = threads.submit(account.invoke, "slow")
        eventually(lambda: account.logged("/aws/lambda/slow", "began") or running.done())
        own_cloud.process.send_signal(signal.SIGTERM)
        assert running.result().json() == "finished"
    assert own_cloud.stop() == 0


def test_interrupt_ends_it_too(own_cloud):
    assert own_cloud.stop(signal.SIGINT) == 0
    assert "Ready." in own_cloud.lines


def test_tls_and_plain_share_the_port(tmp_path):
    running = Cloud(tmp_path / "data", "--tls")
    try:
        insecure = urllib3.PoolManager(cert_reqs="CERT_NONE", assert_hostname=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
            assert insecure.request("GET", f"https://{running.address}/_localstack/health").status == 200
        assert running.http("GET", "/_localstack/health").status == 200
    finally:
        assert running.stop() == 0


def test_without_known_callers_it_stays_on_this_machine(tmp_path):
    command = [BINARY, "up", "--listen", "0.0.0.0:0", "--data", str(tmp_path / "data")]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert refused.returncode != 0
    assert "listen on 127.0.0.1" in refused.stderr and "panicked" not in refused.stderr
