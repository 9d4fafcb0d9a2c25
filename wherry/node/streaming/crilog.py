"""Log files in CRI format: `<RFC 3339 nano> <stdout|stderr> <tags> <text>`, where tag P marks a line that goes on.

Source: kubernetes `pkg/kubelet/kuberuntime/logs/logs.go`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from wherry.objects import timestamps
from wherry.objects.errors import FieldError, Invalid
from wherry.objects.fields import invalid

BLOCK = 1 << 16


@dataclass(frozen=True, slots=True)
class LogOptions:
    """What of a log is asked for; times are seconds since the epoch, None where there is no limit."""

    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    since: float | None = None
    tail: int | None = None
    limit_bytes: int | None = None
    stream: str = "All"

    @classmethod
    def of(cls, query: Mapping[str, str], pod: str, now: float) -> LogOptions:
        """Read a request's query (PodLogOptions); raises `Invalid` naming the fields that are wrong."""
        errors: list[FieldError] = []
        tail = _number(query, "tailLines", 0, errors)
        limit = _number(query, "limitBytes", 1, errors)
        seconds = _number(query, "sinceSeconds", 1, errors)
        since = None if seconds is None else now - seconds
        if text := query.get("sinceTime"):
            try:
                moment = timestamps.parse(text)
                since = moment if since is None else max(since, moment)
            except ValueError:
                errors.append(invalid("sinceTime", text, "must be an RFC 3339 time"))
        stream = query.get("stream", "All")
        if stream not in ("All", "Stdout", "Stderr"):
            errors.append(invalid("stream", stream, 'must be one of "All", "Stdout", "Stderr"'))
        if errors:
            raise Invalid.of("PodLogOptions", pod, errors)
        follow, previous, stamps = (_flag(query, name) for name in ("follow", "previous", "timestamps"))
        return cls(follow, previous, stamps, since, tail, limit, stream)


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a log file."""

    time: str
    stream: str
    partial: bool
    text: bytes


def parse(line: bytes) -> LogLine | None:
    """Return one line of a file (without its line break) taken apart; None when it is not in the format."""
    parts = line.split(b" ", 3)
    if len(parts) < 3 or parts[1] not in (b"stdout", b"stderr"):
        return None
    text = parts[3] if len(parts) == 4 else b""
    tags = parts[2].split(b":")
    return LogLine(parts[0].decode("ascii", "replace"), parts[1].decode(), tags[0] == b"P", text)


class Selector:
    """The entries a client wants, as it gets them; feed it entries in their order."""

    def __init__(self, options: LogOptions):
        self._options = options
        self._left = options.limit_bytes
        self._continues: dict[str, bool] = {}

    @property
    def finished(self) -> bool:
        """Whether `limit_bytes` is used up."""
        return self._left is not None and self._left <= 0

    def render(self, entries: Iterable[LogLine]) -> bytes:
        """Return the text of those entries that are wanted."""
        out = b"".join(self._one(entry) for entry in entries)
        if self._left is not None:
            out = out[: max(self._left, 0)]
            self._left -= len(out)
        return out

    def _one(self, entry: LogLine) -> bytes:
        if self._options.stream not in ("All", entry.stream.capitalize()):
            return b""
        if self._options.since is not None and _seconds(entry.time) < self._options.since:
            return b""
        continues = self._continues.get(entry.stream, False)
        self._continues[entry.stream] = entry.partial
        stamp = entry.time.encode() + b" " if self._options.timestamps and not continues else b""
        return stamp + entry.text + (b"" if entry.partial else b"\n")


def tail_offset(file: BinaryIO, lines: int) -> int:
    """Return where the last `lines` lines of a log start; the parts (P) of a line count with its end (F) as one."""
    found = 0
    end = file.seek(0, os.SEEK_END)
    for index, (start, line) in enumerate(_backwards(file, end)):
        entry = parse(line)
        if index == 0 or entry is None or not entry.partial:
            if found == lines:
                return min(start + len(line) + 1, end)
            found += 1
    return 0


def _backwards(file: BinaryIO, end: int) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file from the last to the first, each with its offset."""
    position, rest = end, b""
    while position > 0:
        start = max(position - BLOCK, 0)
        file.seek(start)
        text = file.read(position - start) + rest
        position = start
        lines = text.split(b"\n")
        rest = lines.pop(0) if position > 0 else b""
        offset = position + len(text)
        for line in reversed(lines):
            offset -= len(line)
            if line or offset != end:
                yield offset, line
            offset -= 1


def _seconds(time: str) -> float:
    """Return an entry's time, 0 when it cannot be read."""
    try:
        return timestamps.parse(time)
    except ValueError:
        return 0.0


def _flag(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "").lower() in ("1", "true")


def _number(query: Mapping[str, str], name: str, least: int, errors: list[FieldError]) -> int | None:
    text = query.get(name, "")
    if not text:
        return None
    try:
        value = int(text)
    except ValueError:
        errors.append(invalid(name, text, "must be an integer"))
        return None
    if value < least:
        errors.append(invalid(name, value, f"must be greater than or equal to {least}"))
    return value
