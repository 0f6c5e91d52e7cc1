"""Standard output, the root logger and error reports in the platform's log format."""

import json
import logging
import os
import sys
import time
import traceback

# In front of a newline it says that the event goes on in the next line; `output.rs` reads that.
_LINE_CONTINUES = "\x1f"

# What every record has.
_RECORD_FIELDS = {*logging.makeLogRecord({}).__dict__, "aws_request_id", "message", "asctime"}

_request_id = ""
_is_json = False


def set_request_id(request_id):
    global _request_id
    _request_id = request_id


class _RequestIdFilter(logging.Filter):
    def filter(self, record):
        record.aws_request_id = _request_id
        return True


class _Formatter(logging.Formatter):
    converter = time.gmtime

    def format(self, record):
        return _one_event(super().format(record))


class _JsonFormatter(logging.Formatter):
    """One object an event. What a record carries beyond its own attributes is part of the object."""

    def format(self, record):
        level = min(50, max(0, record.levelno)) // 10 * 10
        entry = {
            "timestamp": _timestamp(record.created),
            "level": logging.getLevelName(level),
            "message": record.getMessage(),
            "logger": record.name,
            "requestId": record.aws_request_id or None,
        }
        if record.exc_info and record.exc_info[0] is not None:
            kind, error, trace = record.exc_info
            entry["stackTrace"] = traceback.format_tb(trace)
            entry["errorType"] = kind.__name__
            entry["errorMessage"] = str(error)
            entry["location"] = f"{record.pathname}:{record.funcName}:{record.lineno}"
        for name, value in record.__dict__.items():
            if name not in _RECORD_FIELDS:
                entry.setdefault(name, value)
        return _encode({name: value for name, value in entry.items() if value is not None})


class LambdaLoggerHandler(logging.Handler):
    def emit(self, record):
        try:
            sys.stdout.write(self.format(record) + "\n")
        except Exception:
            self.handleError(record)


def install():
    """Whole lines go out at once, and every logger writes to the function's log."""
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    global _is_json
    _is_json = os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON"
    handler = LambdaLoggerHandler()
    if _is_json:
        handler.setFormatter(_JsonFormatter())
    else:
        handler.setFormatter(
            _Formatter(
                "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S"
            )
        )
    handler.addFilter(_RequestIdFilter())
    root = logging.getLogger()
    root.addHandler(handler)
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL")
    if level:
        root.setLevel({"TRACE": "DEBUG"}.get(level, level))


def flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            # The function closed or replaced it.
            pass


def log_error(error):
    """One event for an error that ends an invocation or the init phase."""
    if _is_json:
        text = _encode({"timestamp": _timestamp(time.time()), "log_level": "ERROR", **error})
        try:
            sys.stdout.write(text + "\n")
        except Exception:
            pass
        return
    text = f"[ERROR] {error['errorType']}"
    if error["errorMessage"]:
        text += f": {error['errorMessage']}"
    text += "\nTraceback (most recent call last):\n" + "".join(error["stackTrace"])
    try:
        sys.stdout.write(_one_event(text.rstrip("\n")) + "\n")
    except Exception:
        pass


def _timestamp(seconds):
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{int(seconds * 1000) % 1000:03d}Z"


def _encode(entry):
    return json.dumps(entry, ensure_ascii=False, default=str)


def _one_event(text):
    return text.replace("\n", _LINE_CONTINUES + "\n")
