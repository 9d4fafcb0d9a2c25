"""The node's own log files: `/logs/` as folders and files, and `/logs/?query=…` as selected lines.

Source: kubernetes pkg/kubelet/server/server.go (the files of /var/log), kubelet_server_journal.go and KEP-2258
(node log query). What stands for /var/log here is a folder of names: `kubelet.log`, `pods/` and the like.
"""

from __future__ import annotations

import asyncio
import html
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from aiohttp import web

from wherry.objects import timestamps
from wherry.objects.errors import BadRequest, NotFound
from wherry.telemetry import logfile

V = TypeVar("V")

KNOWN = ("query", "pattern", "tailLines", "sinceTime", "untilTime")


@dataclass(frozen=True, slots=True)
class LineOptions:
    """Which lines of a log are wanted; times in seconds since the epoch."""

    pattern: re.Pattern[str] | None = None
    tail: int | None = None
    since: float | None = None
    until: float | None = None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> LineOptions:
        """Read a request's query; raises BadRequest for what is not known or not valid, by name."""
        for name in query:
            if name not in KNOWN:
                raise BadRequest(f"{name} is not supported in a query of this node's logs: {', '.join(KNOWN)} are")
        return cls(
            pattern=_read(query, "pattern", re.compile),
            tail=_read(query, "tailLines", _count),
            since=_read(query, "sinceTime", timestamps.parse),
            until=_read(query, "untilTime", timestamps.parse),
        )


def _read(query: Mapping[str, str], name: str, convert: Callable[[str], V]) -> V | None:
    if not query.get(name):
        return None
    try:
        return convert(query[name])
    except (ValueError, re.error) as error:
        raise BadRequest(f"{name}: {query[name]!r} is not valid: {error}") from error


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError("must not be negative")
    return number


def select(lines: Iterable[str], options: LineOptions) -> list[str]:
    """Return the wanted lines. One without a time of its own (a traceback's) is of the time of the one before. Pure."""
    return list(deque(_matching(lines, options), options.tail))


def _matching(lines: Iterable[str], options: LineOptions) -> Iterator[str]:
    at = 0.0
    for line in lines:
        at = _time_of(line, at)
        early = options.since is not None and at < options.since
        late = options.until is not None and at > options.until
        if not early and not late and (options.pattern is None or options.pattern.search(line)):
            yield line


def _time_of(line: str, before: float) -> float:
    try:
        return timestamps.parse(line.split(" ", 1)[0].rstrip("\n"))
    except ValueError:
        return before


class NodeLogs:
    """Serves `places`: what /logs/ lists, by name; each a file or a folder, which may not be there yet."""

    def __init__(self, places: Mapping[str, Path]):
        self._places = places

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [web.get("/logs", self._redirect), web.get("/logs/{path:.*}", self._answer)]

    async def _redirect(self, request: web.Request) -> web.Response:
        raise web.HTTPMovedPermanently("/logs/")

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        if not path and "query" in request.query:
            return web.Response(text=await asyncio.to_thread(self._query, request))
        if not path:
            return _listing(f"{name}/" if place.is_dir() else name for name, place in self._places.items())
        found = await asyncio.to_thread(self._find, path)
        if found.is_dir():
            names = (f"{entry.name}/" if entry.is_dir() else entry.name for entry in found.iterdir())
            return _listing(names)
        return web.FileResponse(found, headers={"Content-Type": "text/plain; charset=utf-8"})

    def _query(self, request: web.Request) -> str:
        """Return the selected lines of the logs asked for: services by name, or one file by its path."""
        options = LineOptions.of(request.query)
        text = ""
        for name in request.query.getall("query"):
            path = self._find(name.lstrip("/") if name.startswith("/") else f"{name}.log")
            text += "".join(select(_lines(logfile.files(path)), options))
        return text

    def _find(self, path: str) -> Path:
        """Return a file or folder below one of the places; raises NotFound, also for one that would lead out."""
        name, _, inside = path.partition("/")
        place = self._places.get(name)
        if place is not None:
            found = (place / inside).resolve()
            if found.exists() and found.is_relative_to(place.resolve()):
                return found
        raise NotFound(f"this node has no log {path}; it has {', '.join(sorted(self._places))}")


def _lines(files: Iterable[Path]) -> Iterator[str]:
    for path in files:
        with path.open(errors="replace") as file:
            yield from file


def _listing(names: Iterable[str]) -> web.Response:
    """Return a page of links, as Go's file server makes it."""
    links = "".join(f'<a href="{quote(name)}">{html.escape(name)}</a>\n' for name in sorted(names))
    return web.Response(text=f"<!doctype html>\n<pre>\n{links}</pre>\n", content_type="text/html")
