"""Logs: one line per record on stderr, as text for people or JSON for machines.

    2026-05-09T07:29:33.186Z INFO  proxy wherry.proxy.server: rules applied services=12 took=0.004
    {"time": "2026-05-09T07:29:33.186Z", "level": "info", "component": "proxy", "logger": "…", "message": "…"}

An exception's traceback is told once and short (`faults.py`); the same again is a line a minute, `repeated=…`. Facts
travel as ``log.info("rules applied", extra={"services": 12})``, or inside the message.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterator
from typing import Any, Literal, TextIO

from wherry.telemetry import faults, logfile
from wherry.telemetry.faults import Faults

Format = Literal["text", "json"]

LONGEST_MESSAGE = 4096
"""Characters."""

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def setup(component: str, *, format: Format = "text", level: int | str = "info") -> None:
    """Send every logger's records to stderr in `format`; replaces what was set up before.

    `level` is a number of `logging`, or one of `LEVELS`; raises `ValueError` for any other.
    """
    if isinstance(level, str):
        if level.lower() not in LEVELS:
            raise ValueError(f"unknown log level {level!r}: expected one of {', '.join(LEVELS)}")
        level = LEVELS[level.lower()]
    handler = _Handler(sys.stderr)
    handler.addFilter(_Once())
    handler.setFormatter(JsonFormatter(component) if format == "json" else TextFormatter(component))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)


class _Handler(logging.StreamHandler[TextIO]):
    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        logfile.look()


class _Once(logging.Filter):
    """Passes an exception that was told already only now and then, and then says how often it was `repeated`."""

    def __init__(self) -> None:
        super().__init__()
        self._faults = Faults()

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            return True
        repeated = self._faults.note((record.name, record.msg, faults.place(error)), record.created)
        if repeated:
            record.repeated = repeated
        return repeated is not None


class TextFormatter(logging.Formatter):
    """`time LEVEL component logger: message key=value …`; line breaks are escaped, so a record stays one line."""

    def __init__(self, component: str):
        super().__init__()
        self._component = component

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        head = f"{_time(record)} {record.levelname:<7} {self._component} {record.name}: {_message(record)}"
        facts = [f"{key}={_quoted(value)}" for key, value in _extras(record)]
        if trace := _traceback(record):
            facts.append(f"traceback={_quoted(trace)}")
        return _one_line(" ".join([head, *facts]))


class JsonFormatter(logging.Formatter):
    """One JSON object per record: time, level, component, logger, message, then the extras."""

    def __init__(self, component: str):
        super().__init__()
        self._component = component

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "component": self._component,
            "logger": record.name,
            "message": _message(record),
        }
        for key, value in _extras(record):
            line.setdefault(key, value)
        if trace := _traceback(record):
            line["traceback"] = trace
        return json.dumps(line, default=str, ensure_ascii=False)


def _time(record: logging.LogRecord) -> str:
    """Return RFC 3339 with milliseconds, in UTC."""
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03d}Z"


def _extras(record: logging.LogRecord) -> Iterator[tuple[str, Any]]:
    return ((key, value) for key, value in vars(record).items() if key not in _STANDARD)


def _message(record: logging.LogRecord) -> str:
    return faults.cut(record.getMessage(), LONGEST_MESSAGE)


def _traceback(record: logging.LogRecord) -> str:
    """Return what is told of an exception, nothing of one that was told already."""
    error = record.exc_info[1] if record.exc_info and not hasattr(record, "repeated") else None
    parts = [faults.short(error)] if error is not None else []
    if record.stack_info:
        parts.append(record.stack_info)
    return "\n".join(parts)


def _quoted(value: Any) -> str:
    """Return a value as logfmt writes it: bare when it is one plain word, else as a JSON string."""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    plain = text and not any(c in ' "=' or not c.isprintable() for c in text)
    return text if plain else json.dumps(text, ensure_ascii=False)


def _one_line(text: str) -> str:
    return text.replace("\r", "\\r").replace("\n", "\\n")
