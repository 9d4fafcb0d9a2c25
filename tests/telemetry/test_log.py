"""One record, one line."""

import json
import logging
import sys

import pytest

from wherry.telemetry import log
from wherry.telemetry.log import JsonFormatter, TextFormatter


def record(message: str, **extra: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"name": "wherry.x", "levelno": 20, "levelname": "INFO", "msg": message, **extra})
    made.created, made.msecs = 1_000_000_000.5, 500
    return made


def test_text_carries_time_level_component_message_and_facts():
    line = TextFormatter("proxy").format(record("applied", services=12, took=0.25, why="no endpoints"))
    assert line == '2001-09-09T01:46:40.500Z INFO    proxy wherry.x: applied services=12 took=0.25 why="no endpoints"'


def test_json_carries_the_same_and_extras_never_replace_the_standard_fields():
    line = json.loads(JsonFormatter("dns").format(record("applied", services=12, level="forged")))
    assert line == {
        "time": "2001-09-09T01:46:40.500Z",
        "level": "info",
        "component": "dns",
        "logger": "wherry.x",
        "message": "applied",
        "services": 12,
    }


@pytest.mark.parametrize("formatter", [TextFormatter("x"), JsonFormatter("x")])
def test_a_record_with_line_breaks_and_a_traceback_stays_one_line(formatter):
    try:
        raise ValueError("deep\ntrouble")
    except ValueError:
        broken = record("first\nsecond", exc_info=sys.exc_info())
    line = formatter.format(broken)
    assert "\n" not in line
    assert "trouble" in line


def test_setup_refuses_a_level_it_does_not_know():
    with pytest.raises(ValueError, match="unknown log level 'loud'"):
        log.setup("x", level="loud")


def test_setup_writes_to_stderr_and_replaces_an_earlier_setup(capsys):
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        log.setup("first")
        log.setup("second", format="json", level="warning")
        logging.getLogger("a").info("unheard")
        logging.getLogger("a").warning("heard")
    finally:
        root.handlers[:], root.level = before
        logging.captureWarnings(False)
    lines = capsys.readouterr().err.splitlines()
    assert [json.loads(line)["component"] for line in lines] == ["second"]
