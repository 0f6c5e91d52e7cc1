"""A running Cloudling, an account in it, and the few verbs the tests share."""

import base64
import hashlib
import io
import json
import os
import random
import re
import signal
import subprocess
import textwrap
import threading
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import boto3
import botocore.config
import botocore.exceptions
import pytest
import urllib3

BINARY = os.environ["CLOUDLING_BINARY"]
ENVIRONMENT = Path(os.environ["CLOUDLING_TEST_ENVIRONMENT"])
REGION = "us-east-1"

READY_DEADLINE_S = 60
STOP_DEADLINE_S = 30
EVENTUALLY_DEADLINE_S = 20
POLL_INTERVAL_S = 0.05
INVOKE_DEADLINE_S = 60


class Cloud:
    """The binary on a free port with its own data folder."""

    def __init__(self, data, *options, program=BINARY, user=None):
        self.data = Path(data)
        self.program = program
        self.user = user
        self.options = options
        self.lines = []
        self.start()

    def start(self):
        self.log = open(self.data.parent / f"{self.data.name}.stderr", "ab")
        self.process = subprocess.Popen(
            # The SDKs for functions come from CLOUDLING_RUNTIMES, installed once for all tests.
            [
                *(self.program, "up", "--listen", "127.0.0.1:0", "--data", str(self.data)),
                *("--no-runtimes-install", *self.options),
            ],
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            env=os.environ | {"NO_COLOR": "1"},
            user=self.user,
            group=self.user,
            extra_groups=None if self.user is None else [],
        )
        self.lines = []
        self.ready = threading.Event()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        if not self.ready.wait(READY_DEADLINE_S) or self.process.poll() is not None:
            self.process.kill()
            raise AssertionError(f"no `Ready.` within {READY_DEADLINE_S} s:\n{self.output()}")
        printed = re.search(r"http://(127\.0\.0\.1:\d+)", "\n".join(self.lines))
        assert printed, f"the address is not printed before `Ready.`:\n{self.output()}"
        self.address = printed.group(1)
        self.endpoint = f"http://{self.address}"

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if line == "Ready.\n":
                self.ready.set()
        self.ready.set()

    def output(self):
        return "\n".join(self.lines) + "\n" + Path(self.log.name).read_text(errors="replace")[-4000:]

    def stop(self, with_signal=signal.SIGTERM):
        """Ends the process and answers its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        try:
            code = self.process.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"still running {STOP_DEADLINE_S} s after {with_signal}:\n{self.output()}")
        self.reader.join(STOP_DEADLINE_S)
        self.log.close()
        return code

    def account(self, region=REGION):
        return Account(self, f"{random.randrange(10**11, 10**12)}", region)

    def http(self, method, path, headers=None, body=None, host=None, **options):
        """One plain HTTP request to the port, under any Host."""
        headers = dict(headers or {})
        if host:
            headers["Host"] = host
        return urllib3.request(
            method, self.endpoint + path, headers=headers, body=body, redirect=False, retries=False, **options
        )


class Account:
    """One AWS account; a twelve-digit access key is its number, so no two tests meet."""

    def __init__(self, cloud, number, region=REGION):
        self.cloud = cloud
        self.id = number
        self.region = region
        self._clients = {}

    def client(self, service, **options):
        options = {
            "endpoint_url": self.cloud.endpoint,
            "region_name": self.region,
            "aws_access_key_id": self.id,
            "aws_secret_access_key": "secret",
            # Wrong values must reach the server: it is the one under test.
            "config": botocore.config.Config(
                retries={"total_max_attempts": 1},
                read_timeout=INVOKE_DEADLINE_S,
                max_pool_connections=64,
                parameter_validation=False,
            ),
        } | options
        return boto3.client(service, **options)

    def __getattr__(self, service):
        """`account.iam`, `account.logs`, …: a client with the usual settings."""
        if service.startswith("_"):
            raise AttributeError(service)
        if service not in self._clients:
            self._clients[service] = self.client(service)
        return self._clients[service]

    @property
    def functions(self):
        return self.__getattr__("lambda")

    def arn(self, name, *qualifier):
        return ":".join(["arn:aws:lambda", self.region, self.id, "function", name, *qualifier])

    def role(self, name="function-role"):
        """The execution role functions run as."""
        try:
            created = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUSTS_LAMBDA)
            return created["Role"]["Arn"]
        except self.iam.exceptions.EntityAlreadyExistsException:
            return f"arn:aws:iam::{self.id}:role/{name}"

    def node(self, name, source, **settings):
        """A Node function with one CommonJS file."""
        return self.create(name, {"index.js": code(source)}, **settings)

    def python(self, name, source, **settings):
        """A Python function with one file."""
        settings = {"Runtime": "python3.12", "Handler": "app.handler"} | settings
        return self.create(name, {"app.py": code(source)}, **settings)

    def create(self, name, files, **settings):
        """Creates a function and waits until SDK waiters call it active."""
        settings = {
            "FunctionName": name,
            "Runtime": "nodejs20.x",
            "Handler": "index.handler",
            "Role": self.role(),
            "Code": {"ZipFile": files if isinstance(files, bytes) else zip_of(files)},
            "Timeout": 20,
        } | settings
        created = self.functions.create_function(**settings)
        self.functions.get_waiter("function_active_v2").wait(
            FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )
        return created

    def invoke(self, name, event=None, **options):
        options = {"FunctionName": name, "Payload": json.dumps(event)} | options
        return Reply.of(self.functions.invoke(**options))

    def logged(self, group, pattern=None):
        """The events of a log group that match; none while there is no such group yet."""
        options = {"filterPattern": pattern} if pattern else {}
        try:
            return self.logs.filter_log_events(logGroupName=group, **options)["events"]
        except self.logs.exceptions.ResourceNotFoundException:
            return []

    def url(self, name, **settings):
        """A public function URL; answers the host that names it, as `Host` header."""
        settings = {"FunctionName": name, "AuthType": "NONE"} | settings
        created = self.functions.create_function_url_config(**settings)
        self.functions.add_permission(
            FunctionName=name,
            StatementId="public-url",
            Action="lambda:InvokeFunctionUrl",
            Principal="*",
            FunctionUrlAuthType="NONE",
            **({"Qualifier": settings["Qualifier"]} if "Qualifier" in settings else {}),
        )
        port = self.cloud.address.split(":")[1]
        return f"{url_id(created['FunctionUrl'])}.lambda-url.{self.region}.localhost.localstack.cloud:{port}"


TRUSTS_LAMBDA = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


@dataclass
class Reply:
    """What an invoke answered."""

    status: int
    payload: bytes
    function_error: str | None
    version: str | None
    log: str
    request_id: str

    @classmethod
    def of(cls, answer):
        return cls(
            status=answer["StatusCode"],
            payload=answer["Payload"].read(),
            function_error=answer.get("FunctionError"),
            version=answer.get("ExecutedVersion"),
            log=base64.b64decode(answer.get("LogResult", "")).decode(),
            request_id=answer["ResponseMetadata"]["RequestId"],
        )

    def json(self):
        """The result of a call that must have worked."""
        assert self.function_error is None, self.payload.decode()
        return json.loads(self.payload)

    def error(self):
        """The error of a call that must have failed in the function."""
        assert self.function_error == "Unhandled", (self.function_error, self.payload)
        return json.loads(self.payload)


def url_id(function_url):
    """The name in a function URL, which is in its path where the endpoint has no host names of its own."""
    return re.search(r"(?:/_aws/lambda-url/|//)([a-z0-9-]+)(?:/|\.lambda-url\.)", function_url)[1]


def code(source):
    return textwrap.dedent(source).lstrip("\n")


def zip_of(files, executable=()):
    """A deployment package; names in `executable` get the mode of a program."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            entry.external_attr = (0o100755 if name in executable else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            package.writestr(entry, content)
    return buffer.getvalue()


def sha256_base64(content):
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def eventually(probe, deadline_s=EVENTUALLY_DEADLINE_S):
    """Asks again until `probe` answers something true; answers that."""
    end = time.monotonic() + deadline_s
    while True:
        found = probe()
        if found:
            return found
        assert time.monotonic() < end, f"not true within {deadline_s} s: {found!r}"
        time.sleep(POLL_INTERVAL_S)


class refused:
    """`with refused("ResourceNotFoundException", 404, "Function not found") as error: …`"""

    def __init__(self, error_code, status=None, message=None):
        self.code, self.status, self.message = error_code, status, message

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _):
        if error is None:
            pytest.fail(f"{self.code} was expected, the call succeeded")
        if not isinstance(error, botocore.exceptions.ClientError):
            return False
        self.response = error.response
        self.text = error.response["Error"].get("Message", "")
        codes = self.code if isinstance(self.code, tuple) else (self.code,)
        assert error.response["Error"]["Code"] in codes, error
        if self.status:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == self.status, error
        if self.message:
            assert re.search(self.message, self.text), self.text
        return True
