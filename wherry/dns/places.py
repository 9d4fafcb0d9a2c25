"""Where a server block is reached: zone, port, and what is spoken there."""

from __future__ import annotations

from typing import NamedTuple

from wherry.dns import names
from wherry.dns.errors import CorefileError
from wherry.objects.family import bracketed

PORTS = {"dns": 53, "tls": 853}
LATER = ("grpc", "https", "https3", "quic")


class Place(NamedTuple):
    """`host` is the address to listen on, "" for all; a server's own place has no zone."""

    zone: str
    port: int
    scheme: str = "dns"
    host: str = ""

    def at(self) -> tuple[str, str, int]:
        """Return what one listener serves."""
        return self.scheme, self.host, self.port

    def __str__(self) -> str:
        return f"{self.scheme}://{bracketed(self.host) if self.host else ''}:{self.port}"


def read(text: str) -> list[Place]:
    """Return what a word in front of a server block stands for: `[dns://|tls://]ZONE|CIDR[:PORT]`.

    Raises CorefileError.
    """
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "dns", text
    if scheme in LATER:
        raise CorefileError(f"{scheme}:// is not supported; dns:// and tls:// are")
    if scheme not in PORTS:
        raise CorefileError(f"{scheme}:// is unknown; dns:// and tls:// are supported")
    zone, colon, port = rest.rpartition(":") if "::" not in rest else (rest, "", "")
    if not colon:
        zone, port = rest, str(PORTS[scheme])
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise CorefileError(f"{text}: {port!r} is not a port")
    return [Place(names.text(name), int(port), scheme) for name in names.zones(zone or ".")]
