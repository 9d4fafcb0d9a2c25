"""The request headers endpoints get, as ingress-nginx sets them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wherry.ingress.features.directive import Line, Text, line

COMMON: Final[Mapping[str, Text]] = {
    name: Text(value)
    for name, value in {
        "Host": "$best_http_host",
        "X-Request-ID": "$req_id",
        "X-Real-IP": "$remote_addr",
        "X-Forwarded-For": "$remote_addr",
        "X-Forwarded-Host": "$best_http_host",
        "X-Forwarded-Port": "$client_port",
        "X-Forwarded-Proto": "$client_scheme",
        "X-Forwarded-Scheme": "$client_scheme",
        "X-Scheme": "$client_scheme",
        "Proxy": "",
    }.items()
}

UPGRADE: Final[Mapping[str, Text]] = {"Upgrade": Text("$http_upgrade"), "Connection": Text("$connection_upgrade")}
"""gRPC has no upgrades."""


def common(everybody: Mapping[str, Text]) -> list[Line]:
    """Return the directives for http: in force where a location has none of its own. `everybody`: what settings add."""
    return [*own(everybody, grpc=False), *own(everybody, grpc=True)]


def own(more: Mapping[str, Text], grpc: bool) -> list[Line]:
    """Return the directives for a location with headers of its own: nginx inherits all or none. "" takes one away."""
    usual = COMMON if grpc else {**COMMON, **UPGRADE}
    module = "grpc" if grpc else "proxy"
    return [line(f"{module}_set_header", name, value) for name, value in over(usual, more).items()]


def over(common: Mapping[str, Text], more: Mapping[str, Text]) -> dict[str, Text]:
    """Return both; names are compared as HTTP does."""
    named = {name.lower(): name for name in common}
    return {**common, **{named.get(name.lower(), name): value for name, value in more.items()}}
