"""What an EndpointSlice says: whose it is, its ports, its endpoints, and which of them serve.

Source: k8s.io/api discovery/v1 types.go; KEP-1672 (terminating endpoints).
"""

from __future__ import annotations

from typing import NamedTuple

from wherry.objects import Object, metadata
from wherry.objects.family import Family, family_of, usable
from wherry.objects.meaning.services import PROTOCOLS, is_port, protocol
from wherry.objects.meaning.wellknown import SERVICE_NAME


class Port(NamedTuple):
    """A port of every endpoint of a slice; `name` is "" for the unnamed one."""

    name: str
    protocol: str
    number: int


def service_of(piece: Object) -> tuple[str, str] | None:
    """Return (namespace, name) of the Service a slice belongs to, or None for a slice that names none."""
    name = metadata.labels(piece).get(SERVICE_NAME)
    return (metadata.key(piece)[0], name) if name else None


def holds_addresses(piece: Object) -> bool:
    """Return whether the slice's endpoints are addresses: those of a slice of addressType FQDN are host names."""
    return piece.get("addressType") in list(Family)


def ports(piece: Object) -> list[Port]:
    """Return the slice's ports; one without a number ("all ports") serves no Service and is left out."""
    given = (Port(p.get("name") or "", protocol(p), p.get("port") or 0) for p in piece.get("ports") or ())
    return [port for port in given if is_port(port.number) and port.protocol in PROTOCOLS]


def endpoints(piece: Object) -> list[Object]:
    """Return the slice's endpoints, each with at least one address; addresses of another type are left out."""
    entries = [e for e in piece.get("endpoints") or () if e.get("addresses")]
    return [e for entry in entries if (e := _readable(entry, piece.get("addressType"))) is not None]


def _readable(endpoint: Object, family: str | None) -> Object | None:
    """Return an endpoint with its addresses of a family, canonical; None when it has none."""
    given = endpoint["addresses"]
    addresses = [a for a in usable(given) if family_of(a) == family] if family in list(Family) else given
    if addresses == given:
        return endpoint
    return {**endpoint, "addresses": addresses} if addresses else None


def is_ready(endpoint: Object) -> bool:
    """Return whether the endpoint takes new connections. Not known means yes, by the API's definition."""
    return (endpoint.get("conditions") or {}).get("ready") is not False


def is_serving(endpoint: Object) -> bool:
    """Return whether the endpoint would serve, were it not being deleted. Not known means yes."""
    return (endpoint.get("conditions") or {}).get("serving") is not False


def is_terminating(endpoint: Object) -> bool:
    """Return whether the endpoint's pod is being deleted."""
    return (endpoint.get("conditions") or {}).get("terminating") is True


def zone_hints(endpoint: Object) -> frozenset[str]:
    """Return the zones whose clients should use the endpoint; empty: any."""
    return _hints(endpoint, "forZones")


def node_hints(endpoint: Object) -> frozenset[str]:
    """Return the nodes whose clients should use the endpoint; empty: any."""
    return _hints(endpoint, "forNodes")


_NONE: frozenset[str] = frozenset()


def _hints(endpoint: Object, kind: str) -> frozenset[str]:
    hints = endpoint.get("hints")
    return frozenset(h.get("name", "") for h in hints.get(kind) or ()) if hints else _NONE
