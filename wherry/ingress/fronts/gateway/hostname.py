"""Hostnames of listeners and routes. `*.example.com` stands for any number of labels before; "" for every host.

The rules are those of `Listener.hostname` and `HTTPRouteSpec.hostnames` (gateway-api apis/v1). Names are in lower case.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

ANY = ""


def covers(pattern: str, host: str) -> bool:
    """Whether every name that `host` (a name or pattern) stands for is one that `pattern` stands for."""
    return pattern in (ANY, host) or (pattern.startswith("*.") and host.endswith(pattern[1:]))


def covering(host: str) -> Iterator[str]:
    """Yield all that covers a name or pattern, each once, the most specific first."""
    yield host
    rest = host
    while "." in rest:
        rest = rest.partition(".")[2]
        if f"*.{rest}" != host:
            yield f"*.{rest}"
    if host != ANY:
        yield ANY


def common(listener: str, route: Iterable[str]) -> tuple[str, ...]:
    """Return what a listener's hostname and a route's (none: all) have in common, in the route's order."""
    names = [name.lower() for name in route]
    if not names:
        return (listener,)
    found = [name if covers(listener, name) else listener if covers(name, listener) else None for name in names]
    return tuple(dict.fromkeys(name for name in found if name is not None))


def precedence(pattern: str) -> tuple[bool, int]:
    """Sort key: exact names before wildcards, longer ones before shorter."""
    return (pattern.startswith("*.") or pattern == ANY, -len(pattern))
