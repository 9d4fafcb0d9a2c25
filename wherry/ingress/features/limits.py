"""How many requests a client may make, and how fast answers go to it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation, Setting
from wherry.ingress.features.answer import Answer, Asked
from wherry.ingress.features.directive import Line, Text, block, line
from wherry.ingress.features.part import At, Part, Sources
from wherry.ingress.features.policy import Policy

_MANY: Final = values.integer(0, 1_000_000)


def _limit(name: str, doc: str) -> Annotation:
    return Annotation(name=name, doc=doc, read=_MANY, default=0, restricts=True)


ANNOTATIONS: Final = (
    _limit("limit-rps", "Requests a second of one address; more are answered 503 (see limit-req-status-code)."),
    _limit("limit-rpm", "The same for a minute."),
    _limit("limit-connections", "Requests of one address at a time."),
    Annotation(
        name="limit-burst-multiplier",
        doc="How many times limit-rps or limit-rpm may come at once.",
        read=values.integer(1, 1000),
        default=5,
        restricts=True,
    ),
    Annotation(
        name="limit-allowlist", doc="Networks that are not limited.", read=values.networks, default=(), restricts=True
    ),
    Annotation(
        name="limit-whitelist",
        doc="The older name of limit-allowlist.",
        read=values.networks,
        default=(),
        restricts=True,
    ),
    Annotation(
        name="limit-rate",
        doc="Kilobytes a second an answer may have; 0 is no limit.",
        read=_MANY,
        default=0,
        setting=True,
        restricts=True,
    ),
    Annotation(
        name="limit-rate-after",
        doc="Kilobytes after which limit-rate begins.",
        read=_MANY,
        default=0,
        setting=True,
        restricts=True,
    ),
)

SETTINGS: Final = (
    Setting(name="limit-req-status-code", read=values.integer(400, 599), default=503, restricts=True),
    Setting(name="limit-conn-status-code", read=values.integer(400, 599), default=503, restricts=True),
)

_PER: Final = {"rps": "s", "rpm": "m"}
_SPELT: Final = {"rps": "second", "rpm": "minute"}


@dataclass(frozen=True)
class Limits(Part):
    """Requests by their unit, bursts; connections; networks that are free of it. 0 is no limit.

    One zone of shared memory for each rate: in it, the key is the Ingress with the client's address.
    """

    rps: int = 0
    rpm: int = 0
    connections: int = 0
    burst: int = 5
    free: tuple[str, ...] = ()
    req_status: int = 503
    conn_status: int = 503

    def http(self) -> Iterator[Line]:
        """Make the zones, and the variable that is the key: empty for those who are not limited."""
        of = (line("default", "1"), *(line(network, "0") for network in self.free))
        yield block("geo", Text("$remote_addr"), Text(f"$limited_{self._name}"), of=of)
        key = (line("default", Text("$limit_owner $binary_remote_addr")), line("0", ""))
        yield block("map", Text(f"$limited_{self._name}"), Text(f"$limit_key_{self._name}"), of=key)
        for unit, per in _PER.items():
            if rate := getattr(self, unit):
                zone = f"zone={self._zone(unit)}:5m"
                yield line("limit_req_zone", Text(f"$limit_key_{self._name}"), zone, f"rate={rate}r/{per}")
        if self.connections:
            yield line("limit_conn_zone", Text(f"$limit_key_{self._name}"), f"zone={self._zone('connections')}:5m")

    def location(self, at: At) -> Iterator[Line]:
        """Limit."""
        yield line("set", Text("$limit_owner"), at.owner)
        yield line("limit_req_status", str(self.req_status))
        yield line("limit_conn_status", str(self.conn_status))
        for unit in _PER:
            if rate := getattr(self, unit):
                yield line("limit_req", f"zone={self._zone(unit)}", f"burst={rate * self.burst}", "nodelay")
        if self.connections:
            yield line("limit_conn", self._zone("connections"), str(self.connections))

    def refusals(self, at: At, asked: Asked) -> Iterator[Answer]:
        """Say who is refused."""
        for unit, spelt in _SPELT.items():
            if rate := getattr(self, unit):
                more = f"one address sends more than {rate} a {spelt}, {rate * self.burst} more at once"
                yield Answer(self.req_status, f"limit-{unit}", when=more)
        if self.connections:
            more = f"one address has more than {self.connections} under way"
            yield Answer(self.conn_status, "limit-connections", when=more)

    @property
    def _name(self) -> str:
        return hashlib.blake2s(",".join(self.free).encode(), digest_size=4).hexdigest()

    def _zone(self, unit: str) -> str:
        rate = "" if unit == "connections" else f"_{getattr(self, unit)}"
        return f"limit_{unit}{rate}_{self._name}"


@dataclass(frozen=True)
class Speed(Part):
    """Kilobytes a second, after so many kilobytes."""

    rate: int
    after: int = 0

    def location(self, at: At) -> Iterator[Line]:
        """Say both."""
        yield line("limit_rate_after", f"{self.after}k")
        yield line("limit_rate", f"{self.rate}k")


def of(policy: Policy, sources: Sources) -> tuple[Part, ...]:
    """Return the limits."""
    limits = Limits(
        rps=policy["limit-rps"],
        rpm=policy["limit-rpm"],
        connections=policy["limit-connections"],
        burst=policy["limit-burst-multiplier"],
        free=policy["limit-allowlist"] or policy["limit-whitelist"],
        req_status=policy["limit-req-status-code"],
        conn_status=policy["limit-conn-status-code"],
    )
    speed = Speed(policy["limit-rate"], policy["limit-rate-after"])
    limited = limits.rps or limits.rpm or limits.connections
    return (*([limits] if limited else []), *([speed] if speed.rate else []))
