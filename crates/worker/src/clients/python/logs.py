"""Standard output, the root logger and error reports in the platform's log format."""

import logging
import sys
import time

# In front of a newline it says that the event goes on in the next line; `output.rs` reads that.
_LINE_CONTINUES = "\x1f"

_request_id = ""


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
    handler = LambdaLoggerHandler()
    handler.setFormatter(
        _Formatter(
            "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S"
        )
    )
    handler.addFilter(_RequestIdFilter())
    logging.getLogger().addHandler(handler)


def flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            # The function closed or replaced it.
            pass


def log_error(error):
    """One event for an error that ends an invocation or the init phase."""
    text = f"[ERROR] {error['errorType']}"
    if error["errorMessage"]:
        text += f": {error['errorMessage']}"
    text += "\nTraceback (most recent call last):\n" + "".join(error["stackTrace"])
    try:
        sys.stdout.write(_one_event(text.rstrip("\n")) + "\n")
    except Exception:
        pass


def _one_event(text):
    return text.replace("\n", _LINE_CONTINUES + "\n")
