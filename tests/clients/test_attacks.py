"""Requests as only an attacker makes them, over HTTP: the server answers or closes, and others are not disturbed."""

import datetime
import hashlib
import hmac
import resource
import select
import socket
import threading
import time

import pytest

RSS_GROWTH_MAX_KIB = 200 * 1024
SLOW_CONNECTIONS = 2_000
ANSWER_WITHIN_S = 30


def exchange(cloud, request, timeout_s=ANSWER_WITHIN_S):
    """Sends bytes, answers what comes back until the server closes or is silent for a second."""
    host, port = cloud.address.split(":")
    with socket.create_connection((host, int(port)), timeout=timeout_s) as connection:
        try:
            connection.sendall(request)
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = b""
        connection.settimeout(timeout_s)
        while True:
            try:
                piece = connection.recv(65536)
            except (ConnectionResetError, TimeoutError):
                break
            if not piece:
                break
            answer += piece
            connection.settimeout(1)
        return answer


def status(answer):
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else None


def resident_kib(cloud):
    with open(f"/proc/{cloud.process.pid}/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def is_well(cloud):
    """Somebody else is served, and soon."""
    started = time.monotonic()
    answer = cloud.http("GET", "/_cloudling/health", timeout=5)
    return answer.status == 200 and time.monotonic() - started < 5


@pytest.fixture(autouse=True)
def undisturbed(cloud):
    before = resident_kib(cloud)
    yield
    assert is_well(cloud)
    assert resident_kib(cloud) - before < RSS_GROWTH_MAX_KIB


def issued(account):
    return account.client("sts").get_session_token()["Credentials"]


def signed_caller_identity(cloud, credentials, body=b"Action=GetCallerIdentity&Version=2011-06-15", age_s=0):
    """A signed request as bytes; its parts in a dictionary, to alter them."""
    now = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=age_s)
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "host": cloud.address,
        "x-amz-date": stamp,
        "x-amz-security-token": credentials["SessionToken"],
    }
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{day}/us-east-1/sts/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = b"AWS4" + credentials["SecretAccessKey"].encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials['AccessKeyId']}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}"
    )
    return {"headers": headers, "body": body}


def send(cloud, request):
    answer = cloud.http("POST", "/", headers=request["headers"], body=request["body"])
    return answer.status, answer.data.decode()


def test_replayed_truncated_and_altered_signatures(cloud, account):
    credentials = issued(account)
    good = signed_caller_identity(cloud, credentials)
    assert send(cloud, good)[0] == 200
    stale = signed_caller_identity(cloud, credentials, age_s=16 * 60)
    code, text = send(cloud, stale)
    assert code == 403 and "SignatureDoesNotMatch" in text and "Signature expired" in text
    signature = good["headers"]["authorization"]
    flipped = signature[:-1] + ("0" if signature[-1] != "0" else "1")
    for altered in (signature[:-1], signature[:-64], flipped, signature.replace("host;", "")):
        assert send(cloud, good | {"headers": good["headers"] | {"authorization": altered}})[0] in (400, 403)
    for name, value in (("x-amz-date", "20200101T000000Z"), ("host", "127.0.0.1:1"), ("x-amz-note", "new")):
        assert send(cloud, good | {"headers": good["headers"] | {name: value}})[0] in (400, 403)
    assert send(cloud, good | {"body": good["body"] + b"&X=1"})[0] == 403
    token = credentials["SessionToken"]
    forged = token[:40] + ("A" if token[40] != "A" else "B") + token[41:]
    code, text = send(cloud, good | {"headers": good["headers"] | {"x-amz-security-token": forged}})
    assert code == 403 and "InvalidClientTokenId" in text


@pytest.mark.parametrize(
    "request_head",
    [
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nbad name: x\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n",
        b"\x00" * 64,
        b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    ],
)
def test_ambiguous_heads_are_refused(cloud, request_head):
    answer = exchange(cloud, request_head)
    assert status(answer) in (None, 400, 403, 404, 501), answer[:200]


def test_a_length_beside_chunks_smuggles_no_second_request(cloud):
    """Either refused, or read by the chunks alone with the connection closed after it."""
    smuggled = b"GET /_cloudling/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    body = b"0\r\n\r\n" + smuggled
    head = (
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\n" % len(body)
    )
    answer = exchange(cloud, head + body)
    assert answer.count(b"HTTP/1.1 ") <= 1, answer
    assert b"uptime_seconds" not in answer


def test_absolute_targets_mean_their_own_path(cloud):
    target = f"GET http://{cloud.address}/_cloudling/health HTTP/1.1\r\nHost: {cloud.address}\r\n\r\n"
    answer = exchange(cloud, target.encode())
    assert status(answer) == 200 and b"uptime_seconds" in answer
    foreign = f"GET http://evil.example/_cloudling/health HTTP/1.1\r\nHost: {cloud.address}\r\n\r\n"
    assert status(exchange(cloud, foreign.encode())) in (200, 400, 403)


def test_names_of_others_are_not_answered(cloud):
    for host in ("evil.example", "127.0.0.1.nip.example:4566", "localhost.evil.example"):
        answer = cloud.http("GET", "/_cloudling/health", host=host)
        assert answer.status == 403 and b"DNS rebinding" in answer.data
    assert cloud.http("GET", "/_cloudling/health", host="localhost:1234").status == 200


def test_heads_beyond_the_limit_are_refused(cloud):
    big = b"x-big: " + b"a" * 300_000 + b"\r\n"
    answer = exchange(cloud, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + big + b"\r\n")
    assert status(answer) in (None, 400, 431)
    many = b"".join(b"x-%d: a\r\n" % number for number in range(20_000))
    answer = exchange(cloud, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + many + b"\r\n")
    assert status(answer) in (None, 400, 431)


def test_a_query_of_100_000_parameters(cloud):
    query = "&".join(f"p{number}=1" for number in range(100_000))
    answer = exchange(cloud, f"GET /?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    assert status(answer) in (None, 400, 414, 431)
    body = ("Action=GetCallerIdentity&Version=2011-06-15&" + query).encode()
    started = time.monotonic()
    head = f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n\r\n"
    answer = exchange(cloud, head.encode() + body)
    assert status(answer) in (200, 400, 413), answer[:200]
    assert time.monotonic() - started < 10


def test_deep_json(cloud):
    for depth in (1_000, 1_000_000):
        body = b'{"limit":' + b"[" * depth + b"]" * depth + b"}"
        headers = {
            "x-amz-target": "Logs_20140328.DescribeLogGroups",
            "content-type": "application/x-amz-json-1.1",
        }
        answer = cloud.http("POST", "/", headers=headers, body=body)
        assert answer.status == 400, answer.data[:200]


def test_entities_of_xml_are_not_expanded(cloud, account):
    bucket = f"attack-{account.id}"
    account.client("s3").create_bucket(Bucket=bucket)
    laughs = "".join(
        f'<!ENTITY l{number} "{f"&l{number - 1};" * 10}">' for number in range(1, 10)
    )
    bomb = f'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY l0 "ha">{laughs}]>'
    outside = '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={account.id}/20260101/us-east-1/s3/aws4_request, "
        "SignedHeaders=host, Signature=0"
    )
    for head, entity in ((bomb, "&l9;"), (outside, "&x;")):
        body = head + f"<Delete><Object><Key>{entity}</Key></Object></Delete>"
        answer = cloud.http(
            "POST", f"/{bucket}?delete", headers={"authorization": authorization}, body=body.encode()
        )
        assert answer.status == 400, answer.data[:300]
        assert b"root:" not in answer.data


def test_two_thousand_slow_clients_do_not_stop_the_others(cloud, account):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, SLOW_CONNECTIONS + 500)), hard))
    host, port = cloud.address.split(":")
    slow = []
    try:
        for _ in range(SLOW_CONNECTIONS):
            connection = socket.create_connection((host, int(port)), timeout=10)
            connection.sendall(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nx-slow: ")
            slow.append(connection)
        stop = threading.Event()

        def drip():
            while not stop.wait(0.5):
                for connection in slow[::10]:
                    try:
                        connection.send(b"a")
                    except OSError:
                        pass

        dripping = threading.Thread(target=drip)
        dripping.start()
        times = []
        for _ in range(50):
            started = time.monotonic()
            assert account.client("sts").get_caller_identity()["Account"] == account.id
            times.append(time.monotonic() - started)
        stop.set()
        dripping.join()
        assert sorted(times)[len(times) // 2] < 0.5, times
        open_still = select.select([], slow[:100], [], 1)[1]
        assert len(open_still) == 100
    finally:
        for connection in slow:
            connection.close()
