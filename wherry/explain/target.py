"""What a connection is to (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from wherry.explain.step import TraceError
from wherry.objects.family import parsed
from wherry.objects.meaning.services import PROTOCOLS, is_port

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True)
class Target:
    """A host (a name, or an address in canonical form), and a port of it; 0: not said."""

    text: str
    host: str
    port: int
    protocol: str = "TCP"

    @property
    def is_name(self) -> bool:
        """Whether DNS is asked first."""
        return parsed(self.host) is None


def read(text: str) -> Target:
    """Return what `NAME[:PORT]`, `IP:PORT`, either with `/udp` or `/sctp`, or a URL names; raises `TraceError`."""
    scheme, there, _ = text.partition("://")
    if there:
        if scheme not in _PORTS:
            raise TraceError(f"{text}: {scheme!r} is none of {', '.join(_PORTS)}")
        rest, protocol, default = text, "TCP", _PORTS[scheme]
    else:
        host, _, spoken = text.partition("/")
        rest, protocol, default = f"//{host}", spoken.upper() or "TCP", 0
        if protocol not in PROTOCOLS:
            raise TraceError(f"{text}: {spoken!r} is none of tcp, udp, sctp")
    try:
        parts = urlsplit(rest)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise TraceError(f"{text}: {error}") from error
    if not host or (port is not None and not is_port(port)):
        raise TraceError(f"{text} is no target: use NAME:PORT, IP:PORT or a URL")
    address = parsed(host)
    return Target(text, str(address) if address else host, port or default, protocol)
