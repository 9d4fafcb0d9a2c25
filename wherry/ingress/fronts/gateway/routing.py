"""The part of a location that leads requests by a table (`table.py`), which Lua is told of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from wherry.ingress.features.directive import Line, Lua, Text, block, line
from wherry.ingress.features.part import At, Part


@dataclass(frozen=True)
class Routing(Part):
    """Leads requests by a table. `mirrors`: to how many more places a rule sends one at most.

    The table is not compared: it is data, and no reason for a reload.
    """

    mirrors: int = 0
    told: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def http(self) -> Iterator[Line]:
        """Say how long a pattern may search, and who chooses the endpoints that get copies."""
        yield line("lua_regex_match_limit", "100000")
        if self.mirrors:
            balance = Lua("balancer.mirror()")
            yield block(
                "upstream", "wherry_mirror", of=(line("server", "0.0.0.1"), line("balancer_by_lua_block", balance))
            )

    def headers(self) -> Mapping[str, Text]:
        """Send the Host that a rule may have set."""
        return {"Host": Text("$upstream_host")}

    def location(self, at: At) -> Iterator[Line]:
        """Make the variables that Lua sets, and send the copies."""
        yield line("set", Text("$upstream_host"), Text("$best_http_host"))
        if self.mirrors:
            yield line("set", Text("$mirrored"), "")
        for number in range(self.mirrors):
            yield line("mirror", f"/_mirror-{at.id}-{number + 1}")

    def beside(self, at: At) -> Iterator[Line]:
        """Return the locations that send the copies."""
        for number in range(self.mirrors):
            lines = (
                line("internal"),
                line("access_log", "off"),
                line("rewrite_by_lua_block", Lua(f"gateway.mirror({number + 1})")),
                line("proxy_set_header", "Host", Text("$upstream_host")),
                line("proxy_pass", Text("http://wherry_mirror$request_uri")),
            )
            yield block("location", "=", f"/_mirror-{at.id}-{number + 1}", of=lines)

    def data(self, at: At) -> Mapping[str, Any]:
        """Tell Lua."""
        return {"table": {**self.told, "host": "-" if at.host == "_" else at.host}}
