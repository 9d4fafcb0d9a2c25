"""The file of an audit log: a line for each event, put aside when it is full; so many old ones are kept, so long."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from wherry.telemetry import metrics

log = logging.getLogger(__name__)

MEGABYTE = 1 << 20
DAY_SECONDS = 86400.0
_events = metrics.counter("apiserver_audit_event_total", "Events of the audit log.")
_errors = metrics.counter("apiserver_audit_error_total", "Events that could not be written.", ("plugin",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The size of a file in bytes, how many full ones are kept, and for how many seconds (0: while there is room)."""

    size: int = 100 * MEGABYTE
    backups: int = 10
    age: float = 0.0


class LogFile:
    """Appends lines; `clock` tells the seconds since the epoch. Making one raises `OSError`."""

    def __init__(self, path: Path, limits: Limits, clock: Callable[[], float] = time.time):
        self._path = path
        self._limits = limits
        self._clock = clock
        self._failing = False
        self._fd = self._opened()
        self._size = os.fstat(self._fd).st_size

    def write(self, line: bytes) -> None:
        """Append a line, which ends with a newline. What the disk does not take is counted."""
        _events.inc()
        try:
            if self._size and self._size + len(line) > self._limits.size:
                self._put_aside()
            self._append(line)
            self._failing = False
        except OSError as error:
            _errors.labels("log").inc()
            if not self._failing:
                log.error("the audit log cannot be written: %s: %s", self._path, error.strerror)
            self._failing = True

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def _append(self, line: bytes) -> None:
        """Write a whole line, or none of it."""
        written = os.write(self._fd, line)
        if written < len(line):
            os.ftruncate(self._fd, self._size)
            raise OSError(28, "no space left on device")
        self._size += written

    def _put_aside(self) -> None:
        for number in range(self._limits.backups, 1, -1):
            with suppress(FileNotFoundError):
                self._old(number - 1).replace(self._old(number))
        if self._limits.backups:
            self._path.replace(self._old(1))
        else:
            self._path.unlink()
        fd = self._opened()
        os.close(self._fd)
        self._fd, self._size = fd, os.fstat(fd).st_size
        self._forget_old()

    def _forget_old(self) -> None:
        for number in range(1, self._limits.backups + 1):
            with suppress(FileNotFoundError):
                aged = self._clock() - self._old(number).stat().st_mtime
                if 0 < self._limits.age < aged:
                    self._old(number).unlink()

    def _old(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def _opened(self) -> int:
        """Open the file for this user alone: it tells what was asked for, and by whom."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
