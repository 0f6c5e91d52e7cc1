"""Logs as JSON: the platform's events, what Node and Python write, levels, and a log group of one's own."""

import json
import re

import pytest

from cloud import eventually, refused

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def json_logging(**settings):
    return {"LoggingConfig": {"LogFormat": "JSON"} | settings}


def events_of(account, name, group=None, report="platform.report"):
    """All events of the function's log once the report of its call is there, objects where they are objects."""

    def look():
        lines = [event["message"].rstrip("\n") for event in account.logged(group or f"/aws/lambda/{name}")]
        return any(report in line for line in lines) and lines

    return [json.loads(line) if line.startswith("{") else line for line in eventually(look)]


def of_kind(events, kind):
    return [event for event in events if isinstance(event, dict) and event.get("type") == kind]


def test_platform_events_are_objects(account):
    account.node("f", "exports.handler = async () => 'ok';", **json_logging(SystemLogLevel="DEBUG"))
    reply = account.invoke("f", LogType="Tail")
    events = events_of(account, "f")
    kinds = [event["type"] for event in events]
    assert kinds == [
        "platform.initStart",
        "platform.initRuntimeDone",
        "platform.initReport",
        "platform.start",
        "platform.runtimeDone",
        "platform.report",
    ]
    assert all(re.fullmatch(TIME, event["time"]) for event in events)
    init, _, init_report, start, done, report = (event["record"] for event in events)
    assert (init["initializationType"], init["phase"]) == ("on-demand", "init")
    assert init["runtimeVersion"].startswith("nodejs:20")
    assert init_report["status"] == "success" and init_report["metrics"]["durationMs"] > 0
    assert (start["requestId"], start["version"]) == (reply.request_id, "$LATEST")
    assert (done["status"], done["metrics"]["producedBytes"]) == ("success", 4)
    assert report["requestId"] == reply.request_id
    metrics = report["metrics"]
    assert metrics["memorySizeMB"] == 128 and metrics["maxMemoryUsedMB"] >= 1
    assert metrics["billedDurationMs"] >= metrics["durationMs"] and metrics["initDurationMs"] > 0
    # The tail begins with the call.
    assert json.loads(reply.log.splitlines()[0])["type"] == "platform.start"


def test_by_default_what_went_well_is_not_told_twice(account):
    account.node("f", "exports.handler = async () => 'ok';", **json_logging())
    account.invoke("f")
    kinds = [event["type"] for event in events_of(account, "f")]
    assert kinds == ["platform.initStart", "platform.start", "platform.report"]


def test_a_high_system_level_keeps_failures_only(account):
    account.node(
        "f",
        "exports.handler = async (event) => { if (event.fail) throw new RangeError('no'); };",
        **json_logging(SystemLogLevel="WARN"),
    )
    account.invoke("f", {})
    account.invoke("f", {"fail": True})
    events = events_of(account, "f")
    kinds = [event["type"] for event in events if "type" in event]
    assert kinds == ["platform.runtimeDone", "platform.report"]
    [report] = of_kind(events, "platform.report")
    assert (report["record"]["status"], report["record"]["errorType"]) == ("error", "RangeError")


def test_console_writes_objects(account):
    account.node(
        "f",
        """
        console.log('while loading');
        exports.handler = async () => {
          console.log('plain');
          console.info({ order: 7 });
          console.warn('%s of %d', 'one', 2);
          console.error(new TypeError('alone'));
          console.error('it failed:', new TypeError('beside\\nit'));
          console.debug('not kept');
          console.log(10n);
          process.stdout.write('raw\\n');
        };
        """,
        **json_logging(),
    )
    reply = account.invoke("f")
    events = [event for event in events_of(account, "f") if "type" not in event]
    raw = [event for event in events if isinstance(event, str)]
    objects = [event for event in events if isinstance(event, dict)]
    assert raw == ["raw"]
    assert all(re.fullmatch(TIME, event["timestamp"]) for event in objects)
    assert {event["requestId"] for event in objects[1:]} == {reply.request_id}
    told = [(event["level"], event["message"]) for event in objects]
    assert told[:4] == [
        ("INFO", "while loading"),
        ("INFO", "plain"),
        ("INFO", {"order": 7}),
        ("WARN", "one of 2"),
    ]
    alone = told[4][1]
    assert (told[4][0], alone["errorType"], alone["errorMessage"]) == ("ERROR", "TypeError", "alone")
    assert alone["stackTrace"][0] == "TypeError: alone" and "index.js" in alone["stackTrace"][1]
    beside = objects[5]
    assert beside["message"].startswith("it failed: TypeError: beside\nit\n")
    assert (beside["errorType"], beside["errorMessage"]) == ("TypeError", "beside\nit")
    assert told[6] == ("INFO", "10n")
    assert len(objects) == 7


def test_python_logging_writes_objects_and_print_does_not(account):
    account.python(
        "f",
        """
        import logging
        logger = logging.getLogger("shop")
        def handler(event, context):
            print("printed")
            logger.info("sold %d", 3, extra={"order": 7})
            logger.debug("not kept")
            try:
                {}["missing"]
            except KeyError:
                logging.exception("it failed")
            raise ValueError("at the end")
        """,
        **json_logging(),
    )
    reply = account.invoke("f")
    events = [event for event in events_of(account, "f") if "type" not in event]
    printed, sold, failed, ended = events
    assert printed == "printed"
    assert re.fullmatch(TIME, sold.pop("timestamp"))
    assert sold == {
        "level": "INFO",
        "message": "sold 3",
        "logger": "shop",
        "requestId": reply.request_id,
        "order": 7,
    }
    assert (failed["level"], failed["message"], failed["logger"]) == ("ERROR", "it failed", "root")
    assert (failed["errorType"], failed["errorMessage"]) == ("KeyError", "'missing'")
    assert "app.py" in failed["stackTrace"][0] and failed["location"].startswith("/var/task/app.py:handler:")
    assert (ended["log_level"], ended["errorType"], ended["errorMessage"]) == ("ERROR", "ValueError", "at the end")
    assert ended["requestId"] == reply.request_id and "app.py" in ended["stackTrace"][0]


def test_levels_hold_for_what_is_written_by_hand(account):
    """Whatever writes them, lines are kept by the level they name; those without one are information."""
    lines = [
        {"level": "debug", "msg": "1", "timestamp": "2024-11-02T16:51:31.587199Z"},
        {"level": "Warning", "msg": "2", "time": "2024-11-02T16:51:31Z"},
        {"level": "error", "msg": "3", "timestamp": "2024-11-02T16:51:31Z"},
        {"level": "error", "msg": "no time"},
    ]
    source = f"""
        import json, logging
        def handler(event, context):
            for line in {lines!r}:
                print(json.dumps(line))
            print("plain")
            logging.warning("5")
            logging.info("6")
        """
    account.python("f", source, **json_logging(ApplicationLogLevel="WARN"))
    reply = account.invoke("f", LogType="Tail")
    events = [event for event in events_of(account, "f") if "type" not in event]
    assert [event.get("msg", event.get("message")) for event in events] == ["2", "3", "5"]
    assert "plain" not in reply.log and '"msg": "3"' in reply.log


def test_levels_below_information_are_kept_when_asked_for(account):
    account.node("n", "exports.handler = async () => console.trace('deep');", **json_logging(ApplicationLogLevel="TRACE"))
    account.python(
        "p",
        "import logging\ndef handler(event, context):\n    logging.debug('deep')\n",
        **json_logging(ApplicationLogLevel="DEBUG"),
    )
    for name, level in (("n", "TRACE"), ("p", "DEBUG")):
        account.invoke(name)
        events = [event for event in events_of(account, name) if "type" not in event]
        assert [(event["level"], event["message"]) for event in events] == [(level, "deep")]


def test_what_the_platform_says_of_an_end_is_an_object_too(account):
    account.node("f", "exports.handler = () => new Promise(() => setTimeout(() => {}, 60_000));", Timeout=1, **json_logging())
    reply = account.invoke("f")
    events = events_of(account, "f")
    [told] = [event for event in events if "message" in event]
    assert told["level"] == "ERROR" and "Task timed out after 1.00 seconds" in told["message"]
    assert told["requestId"] == reply.request_id
    [report] = of_kind(events, "platform.report")
    assert report["record"]["status"] == "timeout"


def test_an_own_group_in_json(account):
    account.node("f", "exports.handler = async () => console.log('x');", **json_logging(LogGroup="/own/json"))
    account.invoke("f")
    assert of_kind(events_of(account, "f", group="/own/json"), "platform.report")


def test_a_change_of_format_holds_from_the_next_call_on(account):
    account.node("f", "exports.handler = async () => console.log('x');")
    assert account.invoke("f", LogType="Tail").log.startswith("START ")
    account.functions.update_function_configuration(
        FunctionName="f", LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "ERROR"}
    )
    account.functions.get_waiter("function_updated_v2").wait(FunctionName="f")
    lines = account.invoke("f", LogType="Tail").log.splitlines()
    assert [json.loads(line)["type"] for line in lines] == ["platform.start", "platform.report"]


@pytest.mark.parametrize(
    "logging, message",
    [
        ({"LogFormat": "Text", "ApplicationLogLevel": "INFO"}, "you must set your log format to JSON"),
        ({"LogFormat": "Text", "SystemLogLevel": "INFO"}, "you must set your log format to JSON"),
        ({"LogFormat": "XML"}, r"enum value set: \[JSON, Text\]"),
        ({"LogFormat": "JSON", "ApplicationLogLevel": "LOUD"}, "[aA]pplicationLogLevel"),
        ({"LogFormat": "JSON", "SystemLogLevel": "TRACE"}, "[sS]ystemLogLevel"),
        ({"LogGroup": "with space"}, "[lL]ogGroup"),
    ],
)
def test_what_is_refused(account, logging, message):
    with refused(("InvalidParameterValueException", "ValidationException"), 400, message):
        account.node("f", "exports.handler = async () => {};", LoggingConfig=logging)
