"""Runs one function in this process: started without one, given it by ASSIGN, called by INVOKE."""

import builtins
import json
import os
import sys
import time

import channel
import context
import handler
import logs
import preload


def main():
    # `exit` and `quit` belong to the site module, which is skipped for its cost.
    import site

    if not hasattr(builtins, "exit"):
        site.setquit()
    # What follows the client's own name is for the client only.
    for folder in sys.argv[1:]:
        preload.load(folder)
    del sys.argv[1:]
    channel.send(channel.READY)
    kind, body = channel.receive()
    if kind != channel.ASSIGN:
        os._exit(1)
    assignment = json.loads(body)
    os.environ.update(assignment["environment"])
    time.tzset()
    os.chdir(assignment["task_root"])
    preload.settle(handler.extend_path(assignment))
    hide_client()
    logs.install()
    try:
        function = handler.load(assignment["handler"])
    except handler.InitError as failure:
        logs.log_error(failure.error)
        logs.flush()
        channel.send(channel.INIT_ERROR, encode(failure.error))
        os._exit(1)
    logs.flush()
    channel.send(channel.INITIALISED)
    while True:
        invoke(function, assignment)


def hide_client():
    """Frees the plain names of the client's modules for modules of the function."""
    for module in (channel, context, handler, logs, preload):
        sys.modules.pop(module.__name__, None)


def invoke(function, assignment):
    kind, body = channel.receive()
    if kind != channel.INVOKE:
        os._exit(1)
    head_end = 4 + int.from_bytes(body[:4], "big")
    head = json.loads(body[4:head_end])
    request_id = head["request_id"]
    for name, value in head["environment"].items():
        # Setting a variable costs a system call, and most stay the same.
        if os.environ.get(name) != value:
            os.environ[name] = value
    logs.set_request_id(request_id)
    kind, reply = run(function, body[head_end:], assignment, head)
    logs.flush()
    channel.send(kind, reply)


def run(function, payload, assignment, head):
    """Calls the function; the kind and body of the answering frame."""
    try:
        try:
            event = json.loads(payload)
        except ValueError as cause:
            error = handler.make_error(
                "Runtime.UnmarshalError", f"Unable to unmarshal input: {cause}", [], head["request_id"]
            )
        else:
            result = function(event, context.LambdaContext(assignment, head))
            try:
                return channel.RESPONSE, encode(result)
            except Exception as cause:
                error = handler.make_error(
                    "Runtime.MarshalError", f"Unable to marshal response: {cause}", [], head["request_id"]
                )
    except Exception as raised:
        error = handler.describe(raised, head["request_id"])
    logs.log_error(error)
    return channel.ERROR, encode(error)


def to_json(value):
    # Whoever has such a number has loaded the module; loading it for everyone would cost every start.
    decimal = sys.modules.get("decimal")
    if decimal is not None and isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def encode(value):
    text = json.dumps(value, default=to_json, ensure_ascii=False)
    try:
        return text.encode()
    except UnicodeEncodeError:
        # Half of a surrogate pair has no UTF-8 form; escaped it may travel.
        return json.dumps(value, default=to_json).encode()


main()
