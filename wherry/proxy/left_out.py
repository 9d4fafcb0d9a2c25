"""What a Service or its slices say that makes no sense, and so is left out of the plan (pure).

API servers let in what later ones refuse; the rest of the object is served all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wherry.objects import Object
from wherry.objects.family import Family, family_of, is_served, parsed, parsed_network
from wherry.objects.meaning.services import PROTOCOLS, is_external_name, is_headless, is_port, protocol


def left_out(service: Object, slices: Iterable[Object]) -> tuple[str, ...]:
    """Return a sentence for each field that is left out: where it is and what it says."""
    if is_headless(service) or is_external_name(service):
        return ()
    return (*_of_service(service), *(line for piece in slices for line in _of_slice(piece)))


def _of_service(service: Object) -> Iterator[str]:
    spec = service["spec"]
    balancers = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    yield from _no_addresses("clusterIPs", spec.get("clusterIPs") or [spec.get("clusterIP")])
    yield from _no_addresses("externalIPs", spec.get("externalIPs") or ())
    yield from _no_addresses("status.loadBalancer.ingress", [entry.get("ip") for entry in balancers])
    for cidr in spec.get("loadBalancerSourceRanges") or ():
        if parsed_network(cidr.strip()) is None:
            yield f"loadBalancerSourceRanges: {cidr!r} is no network, so no load balancer address is served"
    for port in spec.get("ports") or ():
        if not is_port(port.get("port")) or protocol(port) not in PROTOCOLS:
            yield f"ports: {port.get('port')}/{protocol(port)} is no port"


def _of_slice(piece: Object) -> Iterator[str]:
    family = piece.get("addressType")
    if family not in list(Family):
        return
    for entry in piece.get("endpoints") or ():
        for address in entry.get("addresses") or ():
            found = parsed(address)
            if found is None or family_of(str(found)) != family:
                yield f"EndpointSlice {piece['metadata']['name']}: {address!r} is no {family} address"
            elif not is_served(found):
                yield f"EndpointSlice {piece['metadata']['name']}: {address!r} is reached from nowhere else"


def _no_addresses(field: str, addresses: Iterable[str | None]) -> Iterator[str]:
    for address in addresses:
        if not address:
            continue
        found = parsed(address)
        if found is None:
            yield f"{field}: {address!r} is no address"
        elif not is_served(found):
            yield f"{field}: {address!r} is reached from nowhere else"
