"""Which headers go along when a request or an answer is passed through.

Source: RFC 9110 §7.6.1; Go's net/http/httputil (ReverseProxy) and apimachinery pkg/util/proxy, which Kubernetes proxies
with.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

Pairs = list[tuple[str, str]]

HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""They are about one connection, not about the request."""

_OURS = frozenset({"authorization", "expect"})  # said to us: who the user is, and that we may ask for the body
_IMPERSONATION = "impersonate-"
_FORWARDED_FOR = "X-Forwarded-For"
_ABOUT_UPGRADES = ("connection", "upgrade", "origin", "x-stream-protocol-version", "sec-websocket-")  # as they begin
_CORS = frozenset(
    {
        "access-control-allow-credentials",
        "access-control-allow-headers",
        "access-control-allow-methods",
        "access-control-allow-origin",
    }
)


def for_backend(headers: Iterable[tuple[str, str]], client: str, prefix: str, path: str) -> Pairs:
    """Return the headers of a proxied request: the client's but for its credentials, and where it came by.

    `client` is the client's address, `prefix` the path that leads to the backend, `path` the rest of it.
    """
    known = list(headers)
    kept = without(known, HOP_BY_HOP | _OURS | {_FORWARDED_FOR.lower()} | _connection_options(known))
    kept = [(name, value) for name, value in kept if not name.lower().startswith(_IMPERSONATION)]
    passed = [value for name, value in known if name.lower() == _FORWARDED_FOR.lower()]
    return [*kept, (_FORWARDED_FOR, ", ".join([*passed, client])), ("X-Forwarded-Uri", prefix + path)]


def for_client(headers: Iterable[tuple[str, str]]) -> Pairs:
    """Return the headers of a backend's answer for the client; what it says of other origins is not ours to grant."""
    known = list(headers)
    return without(known, HOP_BY_HOP | _CORS | _connection_options(known))


def upgrade_for_node(headers: Iterable[tuple[str, str]]) -> Pairs:
    """Return what a node is told of an upgrade: the headers that are about it, none of the credentials."""
    return [(name, value) for name, value in headers if name.lower().startswith(_ABOUT_UPGRADES)]


def upgrade_for_backend(headers: Iterable[tuple[str, str]], client: str, prefix: str, path: str) -> Pairs:
    """Return what a proxied backend is told of an upgrade; see `for_backend`."""
    known = list(headers)
    asked = [(name, value) for name, value in known if name.lower() in ("connection", "upgrade")]
    return [*without(for_backend(known, client, prefix, path), {"content-length"}), *asked]


def without(headers: Iterable[tuple[str, str]], names: Container[str]) -> Pairs:
    """Return the headers but for some (lower case)."""
    return [(name, value) for name, value in headers if name.lower() not in names]


def asks_for_upgrade(headers: Mapping[str, str]) -> bool:
    """Tell whether a request wants another protocol on its connection."""
    return "upgrade" in headers.get("Connection", "").lower() and bool(headers.get("Upgrade"))


def _connection_options(headers: Iterable[tuple[str, str]]) -> set[str]:
    """Return the headers that `Connection` says are about this connection only."""
    values = (value for name, value in headers if name.lower() == "connection")
    return {option.strip().lower() for value in values for option in value.split(",")}
