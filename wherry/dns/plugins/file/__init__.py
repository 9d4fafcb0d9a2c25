"""file DBFILE [ZONES...]: answers from a zone file (RFC 1035 section 5)."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

from wherry.dns.beside import Beside
from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.durations import seconds
from wherry.dns.plugins.file.zone import Result, Zone
from wherry.dns.query import NOERROR, NXDOMAIN, REFUSED, Answer, Handler, Keep, Query, Quiet, follow
from wherry.dns.wire.record import AXFR, IXFR

log = logging.getLogger(__name__)

TAG = "file"
MOST_HOPS = 8
MANY = True
"""A server block may have several."""


@dataclass
class Settings:
    """What the directive asks for. `reload` is in seconds; `fallthrough`: zones, or None for never."""

    path: Path
    reload: float = 60.0
    by_time: bool = False
    fallthrough: tuple[bytes, ...] | None = None


class File(Quiet):
    """The plugin. Raises ValueError for a file that is no zone."""

    def __init__(self, wanted: Settings, zones: tuple[bytes, ...], environment: Environment):
        self._settings = wanted
        self._environment = environment
        self._zones = {origin: Zone(wanted.path, origin) for origin in zones}
        self._time = wanted.path.stat().st_mtime
        self._beside = Beside("file", self._watch, environment.troubles)

    async def start(self) -> None:
        """Look at the file now and then."""
        if self._settings.reload:
            self._beside.start()

    async def stop(self) -> None:
        """Look no more."""
        self._beside.stop()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._settings.reload)
            self.look()

    def look(self) -> None:
        """Take a changed file into use: where its serial is another, or its time (`reload_by_mtime`)."""
        try:
            time = self._settings.path.stat().st_mtime
            zones = {origin: Zone(self._settings.path, origin) for origin in self._zones}
        except (OSError, ValueError) as error:
            log.error("the zone file cannot be read, the old one serves on: %s", error)
            return
        same = [z.serial for z in zones.values()] == [z.serial for z in self._zones.values()]
        if (self._settings.by_time and time != self._time) or not same:
            self._zones, self._time = zones, time
            self._environment.changed((TAG,))

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Answer for our zones."""
        origin = query.zone_of(tuple(self._zones))
        if origin is None:
            return await next(query)
        if query.type in (AXFR, IXFR):
            return Answer(REFUSED, why="zones are not transferred")
        found = self._zones[origin].find(query.name, query.type)
        if not found.exists and query.falls_through(self._settings.fallthrough):
            return await next(query)
        return await self._answer(query, found)

    async def _answer(self, query: Query, found: Result) -> Answer:
        rcode = NOERROR if found.exists else NXDOMAIN
        keep: Keep | None = Keep((TAG,), crowd=not found.exists)
        answer, why = found.answer, f"the zone file {self._settings.path}"
        if found.outside:
            more, good = await follow(query, found.outside, self._environment.resolve, MOST_HOPS)
            answer, keep = (*answer, *more), keep.and_(good) if keep and good else None
        return Answer(rcode, answer, found.authority, found.additional, found.ours, keep=keep, why=why)


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> File:
    """Make the plugin."""
    if not directive.args:
        raise directive.error("needs a zone file")
    path, *zones = directive.args
    result = Settings(Path(environment.corefile).parent / path)
    for option in directive.options:
        match option.name, option.args:
            case "reload", (duration,):
                result.reload = seconds(duration, directive)
            case "reload_by_mtime", ():
                result.by_time = True
            case "fallthrough", some:
                result.fallthrough = directive.zones(some or (".",))
            case _:
                raise directive.unknown(option)
    try:
        return File(result, directive.zones(zones) or block.zones(), environment)
    except (OSError, ValueError) as error:
        raise directive.error(str(error)) from error
