"""ingress-nginx' names of variables, for log formats and snippets. nginx works one out only where it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from wherry.ingress.features.directive import Line, Text, block, line
from wherry.ingress.features.part import Part
from wherry.ingress.features.policy import Policy

_SAME: Final[Mapping[str, str]] = {
    "the_real_ip": "$remote_addr",
    "pass_access_scheme": "$client_scheme",
    "pass_port": "$client_port",
    "pass_server_port": "$own_port",
}
"""Names for what has another one here."""
_OF_ROUTE: Final = ("namespace", "ingress_name", "service_name")
"""The words of `$route` after its first, the host."""


@dataclass(frozen=True)
class Variables(Part):
    """All of them."""

    def http(self) -> Iterator[Line]:
        """Say where each comes from."""
        for name, of in _SAME.items():
            yield block("map", Text(of), Text(f"${name}"), of=(line("default", Text(of)),))
        for number, name in enumerate(_OF_ROUTE, 1):
            yield _word("$route", f"^([^ ]+ ){{{number}}}(?<of_route_{name}>[^ ]+)", name, f"$of_route_{name}")
        yield _word(
            "$proxy_upstream_name", "/(?<of_upstream_port>[^/:]+)(:service)?$", "service_port", "$of_upstream_port"
        )


def _word(source: str, pattern: str, name: str, value: str) -> Line:
    return block(
        "map", Text(source), Text(f"${name}"), of=(line("default", ""), line(Text(f"~{pattern}"), Text(value)))
    )


def everywhere(policy: Policy) -> Variables:
    """Return the variables."""
    return Variables()
