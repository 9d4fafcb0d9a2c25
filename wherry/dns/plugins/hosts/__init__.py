"""hosts [FILE [ZONES...]]: answers from a hosts file, and from lines in the Corefile."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from dataclasses import dataclass, field
from pathlib import Path

from wherry.dns import names
from wherry.dns.beside import Beside
from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, Option, ServerBlock
from wherry.dns.durations import seconds
from wherry.dns.plugins.hosts.table import Table
from wherry.dns.query import NOERROR, SERVFAIL, Answer, Handler, Keep, Query, Quiet
from wherry.dns.wire.record import AAAA, PTR, A, Record, address

TAG = "hosts"


@dataclass
class Settings:
    """What the directive asks for. `ttl` and `reload` are in seconds; `fallthrough`: zones, or None for never."""

    path: Path
    zones: tuple[bytes, ...]
    lines: list[str] = field(default_factory=list)
    ttl: int = 3600
    reload: float = 5.0
    reverse: bool = True
    fallthrough: tuple[bytes, ...] | None = None
    others_fall: bool = False


class Hosts(Quiet):
    """The plugin."""

    def __init__(self, wanted: Settings, environment: Environment):
        self._settings = wanted
        self._environment = environment
        self._known: float | None = None
        self._beside = Beside("hosts", self._watch, environment.troubles)
        self._read()

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
            if self._changed() != self._known:
                self._read()
                self._environment.changed((TAG,))

    def _changed(self) -> float | None:
        try:
            return self._settings.path.stat().st_mtime
        except OSError:
            return None

    def _read(self) -> None:
        self._known = self._changed()
        try:
            lines = self._settings.path.read_text(errors="replace").splitlines()
        except OSError:
            lines = []
        self.table = Table(self._settings.lines, lines)
        metrics = self._environment.metrics
        metrics.hosts_entries.set(len(self.table))
        metrics.hosts_reload.set(time.time())

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Answer for the names and addresses there are."""
        wanted = self._settings
        if query.zone_of(wanted.zones) is None and query.type != PTR:
            return await next(query)
        if query.type == PTR:
            found = self._reverse(query)
            return await next(query) if not found else self._answer(found)
        addresses = self.table.by_name.get(query.name, [])
        falls = query.falls_through(wanted.fallthrough)
        if not addresses or (query.type not in (A, AAAA) and wanted.others_fall and falls):
            if falls:
                return await next(query)
            return Answer(SERVFAIL, keep=Keep((TAG,), crowd=True), why="hosts has no such name, and no fallthrough")
        records = (address(query.name, wanted.ttl, ip) for ip in addresses)
        return self._answer(tuple(r for r in records if r.type == query.type))

    def _reverse(self, query: Query) -> tuple[Record, ...]:
        if not self._settings.reverse:
            return ()
        found = self.table.by_address.get(names.address(query.name), [])
        ours = (name for name in found if names.below(name, self._settings.zones))
        return tuple(Record(query.name, PTR, self._settings.ttl, name) for name in ours)

    def _answer(self, records: tuple[Record, ...]) -> Answer:
        why = f"a line of {self._settings.path}, or of the Corefile"
        return Answer(NOERROR, records, authoritative=True, keep=Keep((TAG,)), why=why)


def _read_option(option: Option, directive: Directive, result: Settings) -> None:
    match option.name, option.args:
        case "ttl", (number,) if number.isdigit() and 0 < int(number) <= 65535:
            result.ttl = int(number)
        case "reload", (duration,):
            result.reload = seconds(duration, directive)
        case "no_reverse", ():
            result.reverse = False
        case "fallthrough", zones:
            result.fallthrough = directive.zones(zones or (".",))
        case "fallthrough_unsupported", ():
            result.others_fall = True
        case first, words if words and _is_address(first):
            result.lines.append(" ".join((first, *words)))
        case _:
            raise directive.unknown(option)


def _is_address(text: str) -> bool:
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> Hosts:
    """Make the plugin."""
    path, *zones = directive.args or ("/etc/hosts",)
    result = Settings(Path(path), directive.zones(zones) or block.zones())
    for option in directive.options:
        _read_option(option, directive, result)
    if result.others_fall and result.fallthrough is None:
        raise directive.error("fallthrough_unsupported needs fallthrough")
    return Hosts(result, environment)
