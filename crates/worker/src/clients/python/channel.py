"""Frames over the inherited socket: 4 byte big-endian length of the body, 1 byte kind, the body.

Reading blocks the main thread, so between two invocations only threads the function started itself run.
"""

import os
import struct

SOCKET = 3
HEAD = struct.Struct(">IB")
READ_BYTES = 64 * 1024

ASSIGN = 1
INVOKE = 2
READY = 16
INITIALISED = 17
INIT_ERROR = 18
RESPONSE = 19
ERROR = 20

_buffer = b""


def _read_at_least(count):
    global _buffer
    if len(_buffer) >= count:
        return
    parts = [_buffer]
    have = len(_buffer)
    while have < count:
        part = os.read(SOCKET, max(READ_BYTES, count - have))
        if not part:
            # The platform is gone: nothing is left to work for.
            os._exit(0)
        parts.append(part)
        have += len(part)
    _buffer = b"".join(parts)


def receive():
    """The next frame as (kind, body); blocks until it is complete."""
    global _buffer
    _read_at_least(HEAD.size)
    length, kind = HEAD.unpack_from(_buffer)
    end = HEAD.size + length
    _read_at_least(end)
    body = _buffer[HEAD.size : end]
    _buffer = _buffer[end:]
    return kind, body


def send(kind, body=b""):
    """Sends one frame, in one system call unless the socket is full."""
    frame = HEAD.pack(len(body), kind) + body
    written = os.write(SOCKET, frame)
    if written < len(frame):
        rest = memoryview(frame)[written:]
        while rest:
            rest = rest[os.write(SOCKET, rest) :]
