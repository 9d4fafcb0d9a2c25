"""How much goes to each endpoint of each Service port: counted by the kernel, in a table of its own beside the mode's.

Packets make the elements, so a change of a Service costs nothing, and a set holds no more than `MOST`; who is idle for
an hour is forgotten. That holds for every mode that rewrites by conntrack: nftables and iptables. What IPVS does, which
rewrites by itself, is not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from wherry.net.nft import NftCommand, NftError
from wherry.objects.family import Family, bracketed
from wherry.proxy.modes import ModeError
from wherry.proxy.plan import Frontend, Route

MOST = 16384
IDLE = "1h"
COUNTED_MODES = ("nftables", "iptables")
PREFIX = "wherry_proxy_service"
LABELS = ("namespace", "service", "port", "endpoint")

PORTS = "meta l4proto { tcp, udp, sctp }"
"""Makes nft understand `proto-dst` as a port."""

_PARTS = {"begun": "ct state new", "asked": "ct direction original", "answered": "ct direction reply"}


class Series(NamedTuple):
    """What is counted apart: a Service port, "" for its name where it has none, and an endpoint."""

    namespace: str
    service: str
    port: str
    endpoint: str


@dataclass(frozen=True, slots=True)
class Counts:
    """What has gone: connections; packets and bytes, to the endpoint and from it."""

    connections: int = 0
    packets_to: int = 0
    bytes_to: int = 0
    packets_from: int = 0
    bytes_from: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(a + b for a, b in zip(self.values, other.values, strict=True)))

    def since(self, before: Counts) -> Counts:
        """Return what came since `before`; all of it where the kernel has begun anew."""
        if any(a < b for a, b in zip(self.values, before.values, strict=True)):
            return self
        return Counts(*(a - b for a, b in zip(self.values, before.values, strict=True)))

    @property
    def values(self) -> tuple[int, ...]:
        """All of them, in order."""
        return self.connections, self.packets_to, self.bytes_to, self.packets_from, self.bytes_from


Element = tuple[Frontend, str]
"""Who was asked, and the endpoint that answers."""


def table_of(family: Family) -> str:
    """Return the table of a family, as nft names it."""
    return f"{family.nft} wherry-counts"


def script(family: Family) -> str:
    """Return what makes the table of a family, as `nft -f` takes it; one that is there begins anew."""
    ip, address, table = family.nft, family.nft_address, table_of(family)
    asked = f"ct original {ip} daddr . meta l4proto . ct original proto-dst"
    key = f"{asked} . ct reply {ip} saddr . ct reply proto-src"
    types = f"{address} . inet_proto . inet_service . {address} . inet_service"
    shape = f"{{ type {types}; size {MOST}; flags dynamic,timeout; timeout {IDLE}; counter; }}"
    sets = "".join(f"\tset {name} {shape}\n" for name in _PARTS)
    rules = "".join(f"\t\t{PORTS} {when} update @{name} {{ {key} }}\n" for name, when in _PARTS.items())
    hook = "\t\ttype filter hook postrouting priority 90; policy accept;\n\t\tct status dnat goto counted\n"
    chains = f"\tchain counted {{\n{rules}\t}}\n\tchain count {{\n{hook}\t}}\n"
    return f"{_gone(table)}table {table} {{\n{sets}{chains}}}\n"


def _gone(table: str) -> str:
    return f"add table {table}\ndelete table {table}\n"


def read(listed: Mapping[str, Any]) -> dict[Element, Counts]:
    """Return what a table holds, of nft's JSON (libnftables-json(5))."""
    sets = {e["set"]["name"]: e["set"].get("elem") or () for e in listed["nftables"] if "set" in e}
    found: dict[Element, Counts] = {}
    for name in _PARTS:
        for element in sets.get(name, ()):
            at, packets, size = _element(element["elem"])
            more = {
                "begun": Counts(connections=packets),
                "asked": Counts(packets_to=packets, bytes_to=size),
                "answered": Counts(packets_from=packets, bytes_from=size),
            }[name]
            found[at] = found.get(at, Counts()) + more
    return found


def _element(element: Mapping[str, Any]) -> tuple[Element, int, int]:
    address, protocol, port, server, number = element["val"]["concat"]
    counter = element["counter"]
    return (
        (Frontend(address, protocol.upper(), port), f"{bracketed(server)}:{number}"),
        counter["packets"],
        counter["bytes"],
    )


class Totals(Collector):
    """What was counted since the proxy began, by series, as metrics; never less than before while it is there."""

    def __init__(self) -> None:
        self.by_series: dict[Series, Counts] = {}
        self._before: dict[Element, Counts] = {}

    def take(self, found: Mapping[Element, Counts], routes: Mapping[Frontend, Route]) -> None:
        """Take in what the kernel says now; what goes to no Service of the plan is another's."""
        totals: dict[Series, Counts] = {}
        for (frontend, endpoint), counts in found.items():
            if (route := routes.get(frontend)) is None:
                continue
            series = Series(*route.owner, endpoint)
            more = counts.since(self._before.get((frontend, endpoint), Counts()))
            totals[series] = totals.get(series, self.by_series.get(series, Counts())) + more
        self._before = dict(found)
        self.by_series = totals

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield the metrics."""
        yield self._family("connections", "Connections begun", [("", lambda c: c.connections)])
        for what in ("packets", "bytes"):
            ways = [(way, _getter(f"{what}_{way}")) for way in ("to", "from")]
            yield self._family(what, f"{what.capitalize()} that went to an endpoint, and from it", ways)

    def _family(self, what: str, text: str, ways: Iterable[tuple[str, Any]]) -> CounterMetricFamily:
        ways = list(ways)
        directed = [("direction",)] if ways[0][0] else []
        family = CounterMetricFamily(f"{PREFIX}_{what}", text, labels=(*LABELS, *(d[0] for d in directed)))
        for series, counts in self.by_series.items():
            for way, value in ways:
                family.add_metric((*series, way) if way else series, value(counts))
        return family


def _getter(name: str) -> Any:
    return lambda counts: getattr(counts, name)


class Counters:
    """The table in the kernel, and what it has counted."""

    def __init__(self) -> None:
        self.totals = Totals()
        self._nft = NftCommand()

    async def begin(self) -> None:
        """Count from now on, from nothing; raises `ModeError`."""
        try:
            await self._nft.run("".join(map(script, Family)))
        except NftError as error:
            raise ModeError(f"cannot count what goes to Services: {error}") from error

    async def look(self, routes: Mapping[Frontend, Route]) -> None:
        """Bring the totals up to date; raises `ModeError`."""
        found: dict[Element, Counts] = {}
        try:
            for family in Family:
                found |= read(await self._nft.list_json(table_of(family)))
        except NftError as error:
            raise ModeError(f"cannot read what went to Services: {error}") from error
        self.totals.take(found, routes)

    async def cleanup(self) -> None:
        """Take the tables out of the kernel; no error if there are none."""
        try:
            await self._nft.run("".join(_gone(table_of(family)) for family in Family))
        except NftError as error:
            raise ModeError(f"cannot delete what counts: {error}") from error
