"""External extensions in a layer, and a web server behind an adapter in the runtime's place."""

from cloud import code, eventually, zip_of

API = """
#!/usr/bin/env python3
import http.client, json, os, threading, time

class Api:
    def __init__(self, address):
        self.connection = http.client.HTTPConnection(address)

    def call(self, method, path, body=None, **headers):
        self.connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        response = self.connection.getresponse()
        return response.read(), response.headers

extensions = Api(os.environ["AWS_LAMBDA_RUNTIME_API"])
_, headers = extensions.call(
    "POST", "/2020-01-01/extension/register", json.dumps({"events": ["INVOKE"]}),
    Lambda_Extension_Name=os.path.basename(__file__),
)
identifier = headers["Lambda-Extension-Identifier"]

def follow():
    while True:
        event, _ = extensions.call(
            "GET", "/2020-01-01/extension/event/next", Lambda_Extension_Identifier=identifier
        )
        print("extension saw", json.loads(event)["requestId"], flush=True)
"""
ADAPTER = """
def reached():
    try:
        http.client.HTTPConnection("127.0.0.1", 8080).connect()
        return True
    except OSError:
        return False

while not reached():
    time.sleep(0.01)
threading.Thread(target=follow, daemon=True).start()
runtime = Api(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    event, headers = runtime.call("GET", "/2018-06-01/runtime/invocation/next")
    answer, _ = Api("127.0.0.1:8080").call("POST", "/", event)
    request_id = headers["Lambda-Runtime-Aws-Request-Id"]
    runtime.call("POST", f"/2018-06-01/runtime/invocation/{request_id}/response", answer)
"""
SERVER = """
import http.server

class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        event = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"served": ' + event + b"}")

http.server.HTTPServer(("127.0.0.1", 8080), Handler).serve_forever()
"""


def layer(account, files):
    zip_file = zip_of({name: code(text).lstrip() for name, text in files.items()}, executable=list(files))
    published = account.functions.publish_layer_version(LayerName="layer", Content={"ZipFile": zip_file})
    return [published["LayerVersionArn"]]


def test_an_extension_sees_the_calls(account):
    layers = layer(account, {"extensions/observer": API + "follow()\n"})
    account.node("hello", "exports.handler = async (event) => event;", Layers=layers)
    replies = [account.invoke("hello", number) for number in range(3)]
    assert [reply.json() for reply in replies] == [0, 1, 2]

    def saw(reply):
        # What an extension says after a call comes with the next one.
        account.invoke("hello", 0)
        return account.logged("/aws/lambda/hello", f'"extension saw {reply.request_id}"')

    for reply in replies:
        eventually(lambda reply=reply: saw(reply))


def test_a_web_server_runs_behind_an_adapter(account):
    layers = layer(
        account,
        {
            "bootstrap": '#!/bin/sh\nexec python3 "$LAMBDA_TASK_ROOT/$_HANDLER"\n',
            "extensions/adapter": API + ADAPTER,
        },
    )
    account.create(
        "web",
        {"server.py": code(SERVER)},
        Runtime="python3.12",
        Handler="server.py",
        Layers=layers,
        Environment={"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/bootstrap"}},
    )
    assert [account.invoke("web", number).json() for number in (1, 2)] == [{"served": 1}, {"served": 2}]
